"""Generated code of these tests goes to a folder of its own, not to the user's cache."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def code_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMNUM_CACHE_DIR", str(folder))
        yield folder
