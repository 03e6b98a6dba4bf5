"""Generated code of these tests goes to a folder of its own, not to the user's cache."""

import pytest

from symnum import operators
from symnum.operators import OPERATORS, register_operator


@pytest.fixture(scope="session", autouse=True)
def code_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMNUM_CACHE_DIR", str(folder))
        yield folder


@pytest.fixture
def register():
    """Give ``register_operator``, whose operators are gone after the test: other tests go through the whole table."""
    before = set(OPERATORS)
    yield register_operator
    for name in set(OPERATORS) - before:
        del operators._TABLE[name]
