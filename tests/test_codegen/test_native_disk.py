"""Object code on disk: found again, never trusted, bounded, and not needed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symnum as sn
from symnum.codegen import disk, machine, native_build
from symnum.codegen.function import CompiledFunction
from symnum.codegen.function import compile as compile_terms
from symnum.codegen.llvm_text import Writer
from symnum.codegen.llvm_words import Types
from symnum.codegen.lower import lower
from symnum.codegen.native import NativeOptions, compile_code
from symnum.codegen.native_build import Recipe, cache_name
from symnum.codegen.straight import StraightCode

x, y = sn.symbols("x y")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path))
    return tmp_path


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("native/*/objects.bin"))


def compiled(number: int) -> CompiledFunction:
    return compile_terms([x * y + number, sn.sin(x)], [x, y], "native")


def test_object_code_is_kept_and_found_again(folder, monkeypatch):
    f = compiled(3)
    assert "kept in" in f.why and f(2.0, 3.0)[0] == 9.0
    assert len(files(folder)) == 1

    def refuse(text, level):
        raise AssertionError("nothing is to be compiled")

    monkeypatch.setattr(machine, "assemble", refuse)
    again = compiled(3)
    assert "loaded from" in again.why and (again(2.0, 3.0) == f(2.0, 3.0)).all()
    with pytest.raises(AssertionError, match="nothing"):
        compiled(4)


def test_another_process_finds_it_too(folder):
    script = """
import symnum as sn
from symnum.codegen.function import compile
x, y = sn.symbols("x y")
f = compile([x * y + 4, sn.gamma(x), sn.exp(x)], [x, y], "native")
print(f(2.0, 3.0).tolist(), "loaded" if "loaded from" in f.why else "made")
"""
    runs = [
        subprocess.run(
            [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert runs == [f"[10.0, 1.0, 7.38905609893065] {how}\n" for how in ("made", "loaded")]


def damages(content: bytes, other: bytes) -> dict[str, bytes]:
    middle = len(content) // 2
    return {
        "truncated": content[:-7],
        "cut off early": content[:20],
        "empty": b"",
        "tampered": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "foreign": other,
        "no object code": b"\x7fELF" + content,
        "head only": content[: content.index(b"\n") + 1],
    }


@pytest.mark.parametrize("kind", damages(b"...\n", b""))
def test_damaged_files_are_compiled_again_and_never_loaded(folder, monkeypatch, caplog, kind):
    compiled(5)
    (path,) = files(folder)
    content = path.read_bytes()
    compiled(6)
    (other,) = [file for file in files(folder) if file != path]
    path.write_bytes(damages(content, other.read_bytes())[kind])
    loaded: list[object] = []
    library = machine.Library

    def link(objects, *rest):
        loaded.append(objects)
        return library(objects, *rest)

    monkeypatch.setattr(machine, "Library", link)
    f = compiled(5)
    assert "kept in" in f.why and f(2.0, 3.0)[0] == 11.0
    assert any("is not the object code that was written there" in r.message for r in caplog.records)
    assert path.read_bytes() == content and len(loaded) == 1
    assert "loaded from" in compiled(5).why


def test_an_unwritable_folder_is_said_and_does_no_harm(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(blocked / "cache"))
    f = compiled(7)
    assert "not kept on disk: " in f.why and f(2.0, 3.0)[0] == 13.0


@pytest.mark.skipif(os.name == "nt", reason="permissions of other users are those of POSIX")
def test_a_folder_that_others_may_write_to_is_not_used(folder):
    compiled(8)
    for place in (folder / "native", files(folder)[0].parent):
        place.chmod(0o777)
        f = compiled(8)
        assert "not kept on disk" in f.why and "chmod go-w" in f.why and f(2.0, 3.0)[0] == 14.0
        place.chmod(0o700)
    assert "loaded from" in compiled(8).why


def test_nothing_is_kept_unless_wanted(folder):
    code = StraightCode.of_program(lower([x * y], [x, y]))
    f = compile_code(code, NativeOptions(keep=False))
    assert "keep=False" in f.why and not files(folder)


def test_the_least_recently_used_code_goes_first(folder, monkeypatch):
    monkeypatch.setattr(disk, "MAX_ENTRIES", 3)
    for age, name in enumerate("abc"):
        disk.keep_objects(name, [b"code", b""])
        os.utime(folder / "native" / name, (1000 + age, 1000 + age))
    found = disk.kept_objects("a")  # used again
    assert found is not None and found[0] == [b"code", b""]
    disk.keep_objects("d", [])
    assert {p.name for p in (folder / "native").iterdir()} == {"a", "c", "d"}
    monkeypatch.setattr(disk, "MAX_BYTES", 100)
    disk.keep_objects("e", [bytes(200)])
    assert {p.name for p in (folder / "native").iterdir()} == {"e"}
    assert disk.kept_objects("a") is None


def test_names_depend_on_everything_that_shapes_the_code(monkeypatch):
    code = StraightCode.of_program(lower([x * y + 2.5], [x, y]))
    other = StraightCode.of_program(lower([x * y + 2.25], [x, y]))
    names = [
        cache_name(Writer(code, Types()), Recipe(Types(), 0, True)),
        cache_name(Writer(other, Types()), Recipe(Types(), 0, True)),
        cache_name(Writer(code, Types()), Recipe(Types(), 2, True)),
        cache_name(Writer(code, Types(4)), Recipe(Types(4), 0, True)),
        cache_name(Writer(code, Types(1, True)), Recipe(Types(1, True), 0, True)),
    ]
    assert len(set(names)) == 5
    again = StraightCode.of_program(lower([x * y + 2.5], [x, y]))
    assert cache_name(Writer(again, Types()), Recipe(Types(), 0, True)) == names[0]
    for module, what in ((machine, "versions"), (native_build, "_own_text")):
        with monkeypatch.context() as patch:
            patch.setattr(module, what, lambda: "another")
            assert cache_name(Writer(code, Types()), Recipe(Types(), 0, True)) not in names
    sn.register_operator("kept_native", 1, numpy="numpy.exp({0})", llvm="exp")
    term = sn.call("kept_native", x)
    before = compile_terms(term, [x], "native")
    sn.register_operator("kept_native", 1, numpy="numpy.sin({0})", llvm="sin")
    assert compile_terms(term, [x], "native")(1.0) == np.sin(1.0) != before(1.0)
