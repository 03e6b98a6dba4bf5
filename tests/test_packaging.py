"""The package is what pyproject.toml says: complete, quick to import, with dependencies that point one way."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
FOLDERS: dict[str, str] = SETUPTOOLS["package-dir"]
PARTS = {"rewriting", "regression", "pde"}

MAY_USE: dict[str, set[str]] = {
    "symnum": set(),
    "symnum.rewriting": {"rewriting"},
    "symnum.regression": {"rewriting", "regression"},
    "symnum.pde": {"rewriting", "pde"},
}
"""Which parts each mapped package may import: core <- rewriting <- regression and pde."""

FRONT_ENDS = {"cli", "demo", "__main__", "cli_discover", "cli_machine", "cli_simulate", "cli_trace"}
"""Core modules that put the parts to work for a user. They and symnum itself may import them, but only inside functions."""

HEAVY = ("sympy", "sklearn", "torch", "matplotlib", "egglog", "numba")


def sources(package: str) -> Iterator[tuple[str, Path]]:
    """Yield the name and path of each module of a mapped package, not following links."""
    top = ROOT / FOLDERS[package]
    for folder, subfolders, files in os.walk(top):
        subfolders[:] = sorted(
            s for s in subfolders if s != "__pycache__" and not (Path(folder) / s).is_symlink()
        )
        for file in sorted(files):
            if file.endswith(".py"):
                path = Path(folder) / file
                inner = path.relative_to(top).with_suffix("").parts
                yield ".".join([package, *(inner[:-1] if inner[-1] == "__init__" else inner)]), path


def python(code: str, *arguments: str, folder: Path) -> str:
    """Run code as a user would, outside the repository, and give what it printed."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_package_is_listed() -> None:
    found = {name for package in FOLDERS for name, path in sources(package) if path.name == "__init__.py"}
    assert found == set(SETUPTOOLS["packages"])


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for package in FOLDERS for _, path in sources(package)}
    assert [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []


@pytest.mark.parametrize("package", sorted(set(FOLDERS) - {"symnum"}))
def test_links_show_the_mapped_folders(package: str) -> None:
    link = ROOT.joinpath(*package.split("."))
    if os.name == "nt" and link.is_file():
        pytest.skip("this clone has text files for links; git config core.symlinks true makes them links")
    assert link.is_symlink()
    assert os.readlink(link) == os.path.join("..", FOLDERS[package])
    assert link.resolve() == ROOT / FOLDERS[package]


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_part_refuses_its_bare_name(part: str, tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, sys.argv[1])
try:
    import {part}
except ImportError as error:
    print(error)
"""
    message = python(code, str(ROOT), folder=tmp_path)
    assert f"imported as '{part}'" in message
    assert f"write 'import symnum.{part}'" in message


def test_the_wheel_holds_every_module_and_the_data(tmp_path: Path) -> None:
    # A copy without links, as a clone on Windows has, and without build/, whose stale modules would get into the wheel.
    copy = tmp_path / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)

    def skipped(folder: str, names: list[str]) -> set[str]:
        return {n for n in names if n == "__pycache__" or (Path(folder) / n).is_symlink()}

    for folder in FOLDERS.values():
        shutil.copytree(ROOT / folder, copy / folder, ignore=skipped)

    build = "from setuptools import build_meta; import sys; build_meta.build_wheel(sys.argv[1])"
    python(build, str(tmp_path), folder=copy)
    (wheel,) = tmp_path.glob("symnum-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {n for n in archive.namelist() if ".dist-info/" not in n}
        assert any(n.endswith(".dist-info/licenses/LICENSE") for n in archive.namelist())

    expected = {"symnum/py.typed"}
    for package, folder in FOLDERS.items():
        top = package.replace(".", "/")
        expected |= {f"{top}/{path.relative_to(ROOT / folder).as_posix()}" for _, path in sources(package)}
    expected |= {f"symnum/data/{path.name}" for path in (ROOT / "symnum" / "data").glob("*.csv")}
    assert held == expected


def test_the_import_is_light(tmp_path: Path) -> None:
    code = "import sys, symnum; print(*{name.partition('.')[0] for name in sys.modules})"
    assert set(python(code, folder=tmp_path).split()) & set(HEAVY) == set()


@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="imports each module in a fork, which this system does not have"
)
def test_no_module_imports_a_part_above_it(tmp_path: Path) -> None:
    # One fork for each module, so that it is imported into an interpreter that knows no other of its package; what it needs from
    # elsewhere, the packages below included, is loaded once before.
    code = """
import importlib, os, sys, traceback
import flint, gymnasium, joblib, numba, scipy.optimize, scipy.sparse.linalg, scipy.special, sklearn.utils.validation, sympy
def forked(work):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:
            print("cannot be imported alone:", "".join(traceback.format_exception_only(error)).strip())
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
def met(name, forbidden):
    try:
        importlib.import_module(name)
    except BaseException as error:
        print(name, "cannot be imported alone:", "".join(traceback.format_exception_only(error)).strip())
    found = [part for part in forbidden if part in sys.modules]
    if found:
        print(name, "imports", *found)
def package(below, names, forbidden):
    for name in below:
        importlib.import_module(name)
    for name in names:
        forked(lambda: met(name, forbidden))
for line in sys.argv[1:]:
    below, names, forbidden = (part.split() for part in line.split("|"))
    forked(lambda: package(below, names, forbidden))
"""
    modules = {
        package: [name for name, _ in sources(package) if not name.endswith("__main__")]
        for package in FOLDERS
    }
    lines = []
    for package, names in modules.items():
        forbidden = [f"symnum.{part}" for part in sorted(PARTS - MAY_USE[package])]
        core = [name for name in modules["symnum"] if not set(name.split(".")) & FRONT_ENDS]
        below = core if package != "symnum" else []
        lines.append(" | ".join(" ".join(part) for part in (below, names, forbidden)))
    assert python(code, *lines, folder=tmp_path) == ""


def test_no_import_line_points_up() -> None:
    wrong = []
    for package in FOLDERS:
        for name, path in sources(package):
            lazily = name == "symnum" or (package == "symnum" and name.split(".")[1] in FRONT_ENDS)
            for line, target, inside in imports(name, path):
                part = target.split(".")[1] if target.startswith("symnum.") else None
                if part in PARTS - MAY_USE[package] and not (lazily and inside):
                    wrong.append(f"{path.relative_to(ROOT)}:{line} imports {target}")
    assert wrong == []


def imports(name: str, path: Path) -> Iterator[tuple[int, str, bool]]:
    """Yield line, absolute target and "is it inside a function" of each import in a file.

    An import under ``if TYPE_CHECKING:`` counts as inside: it does not run.
    """
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    stack: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text(encoding="utf-8")), False)]
    while stack:
        node, inside = stack.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, inside
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}", inside
        inside |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        inside |= isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        stack += [(child, inside) for child in ast.iter_child_nodes(node)]
