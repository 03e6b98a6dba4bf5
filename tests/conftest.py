"""What all tests share: which symnum is tested, how Hypothesis runs, and where the larger data sets are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

# `python -m pytest` puts the root on the path, where `import pde` would find our folder instead of py-pde. The installed
# symnum is what a user has, so the tests use that, however pytest was started.
sys.path[:] = [entry for entry in sys.path if Path(entry or os.curdir).resolve() != ROOT]

# The first call of a compiled function takes seconds, the others microseconds: a deadline would only find that out.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_configure() -> None:
    """Choose the folder of the kernels' machine code before a test moves the cache: compiling them again takes a minute."""
    from symnum.columns import kernels
    from symnum.regression import machine_code

    kernels.folder()
    machine_code.folder()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of reaction networks and regression problems, or skip the test where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(
            f"needs the data sets in {os.path.relpath(folder, ROOT)}, which are not part of the repository"
        )
    return folder
