"""Machine code of kernels on disk: one folder for each version of the sources, and none where none can be made."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from symnum.codegen import kernel_folder
from symnum.codegen.kernel_folder import KernelFolder


def test_each_version_of_the_sources_has_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path / "cache"))
    source = tmp_path / "kernels.py"
    source.write_text("one = 1\n")
    first = KernelFolder("test", tmp_path).path
    assert first is not None and first.parent == tmp_path / "cache" / "test"
    assert KernelFolder("test", tmp_path).path == first
    source.write_text("one = 2\n")
    assert KernelFolder("test", tmp_path).path != first


def test_a_long_compilation_is_announced_and_a_short_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = KernelFolder("test", tmp_path)
    with caplog.at_level(logging.WARNING, logger="symnum"):
        with folder.announced():
            pass
        assert not caplog.records
        monkeypatch.setattr(kernel_folder, "PATIENCE", 0.0)
        with folder.announced():
            while not caplog.records:
                time.sleep(0.001)
    assert "compiling the machine code of test" in caplog.text


def test_without_a_folder_kernels_are_compiled_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(blocked))
    folder = KernelFolder("test", tmp_path)
    with caplog.at_level(logging.WARNING, logger="symnum"):
        assert folder.path is None
    assert "the machine code of test is kept beside the sources" in caplog.text

    def double(x: int) -> int:
        return 2 * x

    assert folder.decorator()(double)(21) == 42
