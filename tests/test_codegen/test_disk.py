"""Generated code on disk: found again, never trusted, bounded, and not needed."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import symnum as sn
from symnum.codegen import disk, numba_source
from symnum.codegen.function import compile as compile_terms

x, y = sn.symbols("x y")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(numba_source, "_MODULES", type(numba_source._MODULES)())
    return tmp_path


def forget_in_memory(monkeypatch):
    monkeypatch.setattr(numba_source, "_MODULES", type(numba_source._MODULES)())


def files(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(f"numba/*/{pattern}"))


def test_code_is_kept_and_found_again(folder, monkeypatch):
    f = compile_terms(x * y + 3, [x, y], "numba")
    assert "kept in" in f.why and f(2.0, 3.0) == 9.0
    (path,) = files(folder, "generated.py")
    assert path.read_text() == f.source
    forget_in_memory(monkeypatch)
    again = compile_terms(x * y + 3, [x, y], "numba")
    assert "loaded from" in again.why and again(2.0, 3.0) == 9.0
    assert len(files(folder, "generated.py")) == 1


def test_another_process_finds_it_too(folder):
    script = """
        import symnum as sn
        from symnum.codegen.function import compile
        x, y = sn.symbols("x y")
        big = x
        for i in range(600):
            big = sn.sin(big) + y
        f, g = compile(x * y + 4, [x, y], "numba"), compile(big, [x, y], "numba")
        print(f(2.0, 3.0), g(0.0, 0.0), *("loaded" if "loaded from" in h.why else "made" for h in (f, g)))
    """
    runs = [
        subprocess.run(
            [sys.executable, "-P", "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert runs == [["10.0", "0.0", "made", "made"], ["10.0", "0.0", "loaded", "loaded"]]


def test_a_tampered_source_is_written_again_and_never_run(folder, monkeypatch):
    f = compile_terms(x * y + 5, [x, y], "numba")
    (path,) = files(folder, "generated.py")
    for content in (f.source + "\nraise SystemExit('tampered')\n", f.source[:40], ""):
        path.write_text(content)
        forget_in_memory(monkeypatch)
        again = compile_terms(x * y + 5, [x, y], "numba")
        assert again(2.0, 3.0) == 11.0 and "kept in" in again.why
        assert path.read_text() == f.source


def test_truncated_machine_code_is_made_anew(folder, monkeypatch):
    compile_terms(x * y + 6, [x, y], "numba")
    for pattern in ("__pycache__/*.nbc", "__pycache__/*.nbi"):
        for path in files(folder, pattern):
            path.write_bytes(path.read_bytes()[:50])
        forget_in_memory(monkeypatch)
        again = compile_terms(x * y + 6, [x, y], "numba")
        assert again(2.0, 3.0) == 12.0 and "kept in" in again.why
    forget_in_memory(monkeypatch)
    assert "loaded from" in compile_terms(x * y + 6, [x, y], "numba").why


def test_an_unwritable_folder_is_said_and_does_no_harm(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(blocked / "cache"))
    forget_in_memory(monkeypatch)
    f = compile_terms(x * y + 7, [x, y], "numba")
    assert "not kept on disk" in f.why and f(2.0, 3.0) == 13.0 and f([2.0], 3.0).tolist() == [13.0]


@pytest.mark.skipif(os.name == "nt", reason="permissions of other users are those of POSIX")
def test_a_folder_that_others_may_write_to_is_not_used(folder, monkeypatch):
    compile_terms(x * y + 8, [x, y], "numba")
    (folder / "numba").chmod(0o777)
    forget_in_memory(monkeypatch)
    f = compile_terms(x * y + 8, [x, y], "numba")
    assert "not kept on disk" in f.why and "chmod go-w" in f.why and f(2.0, 3.0) == 14.0


def test_the_least_recently_used_code_goes_first(folder, monkeypatch):
    monkeypatch.setattr(disk, "MAX_ENTRIES", 3)
    names = [disk.module_name(f"text {i}") for i in range(5)]
    for age, name in enumerate(names[:3]):
        disk.store(name, f"text {age}")
        os.utime(folder / "numba" / name, (1000 + age, 1000 + age))
    disk.store(names[0], "text 0")  # used again
    disk.store(names[3], "text 3")
    assert {p.name for p in (folder / "numba").iterdir()} == {names[0], names[2], names[3]}
    monkeypatch.setattr(disk, "MAX_BYTES", 10)
    disk.store(names[4], "text 4 is long")
    assert {p.name for p in (folder / "numba").iterdir()} == {names[4]}


def test_names_depend_on_text_and_versions():
    assert disk.module_name("a", "1") != disk.module_name("a", "2") != disk.module_name("b", "2")
    assert disk.module_name("a", "1") == disk.module_name("a", "1")
    assert disk.module_name("a", "1").isidentifier()


def test_modules_in_memory_are_bounded(folder, monkeypatch):
    monkeypatch.setattr(numba_source, "_MAX_MODULES", 2)
    functions = [compile_terms(x + i, [x], "numba") for i in range(2, 6)]
    known = [name for name in sys.modules if name.startswith("symnum_generated_")]
    assert len(numba_source._MODULES) == 2 and set(numba_source._MODULES) <= set(known)
    assert [f(1.0) for f in functions] == [3.0, 4.0, 5.0, 6.0] and functions[0].numba(1.0) == 3.0


def test_the_cache_folder_of_each_platform(monkeypatch):
    monkeypatch.delenv("SYMNUM_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.setattr(sys, "platform", "linux")
    assert disk.cache_folder() == Path("/somewhere/symnum")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert disk.cache_folder() == Path.home() / "Library" / "Caches" / "symnum"
