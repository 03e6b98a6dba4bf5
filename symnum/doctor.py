"""``symnum doctor``: what is installed, how many threads there are, where caches lie, and what is missing.

Versions are read from the metadata of the installed packages, without importing them.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

ALWAYS_SHOWN = ("llvmlite",)
"""Packages that matter although symnum does not ask for them itself: numba does."""

DEVELOPMENT = frozenset({"dev", "bench"})
"""Extras that no user misses."""

THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?(?P<bounds>[^;()]*)\)?\s*(?:;(?P<marker>.*))?$"
)
_EXTRA = re.compile(r"""^\s*extra\s*==\s*["']([^"']+)["']\s*$""")
_BOUND = re.compile(r"\s*(>=|<=|==|!=|~=|>|<)\s*([\w.*+!-]+)\s*$")


def examine() -> dict[str, Any]:
    """Return all findings as a dict that JSON can hold; ``problems`` lists what must be mended, in words.

    >>> examine()["packages"]["numpy"]["ok"]
    True
    """
    import symnum

    problems: list[str] = []
    packages, extras = _packages(problems)
    caches = {"symnum code": _folder(_code_cache()), "numba": _numba_cache()}
    for name, cache in caches.items():
        if not cache["writable"]:
            problems.append(
                f"the {name} cache {cache['path']} cannot be written, so code is compiled anew in each process; {cache['cure']}"
            )
    return {
        "symnum": symnum.__version__,
        "folder": str(Path(symnum.__file__).parent),
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "cpu": {"name": _cpu_name(), "cores": os.cpu_count(), "usable": _usable_cores()},
        "packages": packages,
        "extras": extras,
        "threads": _threads(problems),
        "caches": caches,
        "import_seconds": _import_seconds(problems),
        "problems": problems,
    }


def report(findings: dict[str, Any]) -> str:
    """Return the findings as text for people."""
    cpu = findings["cpu"]
    rows: list[tuple[str, str]] = [
        ("symnum", f"{findings['symnum']} in {findings['folder']}"),
        ("python", f"{findings['python']} {findings['executable']}"),
        ("platform", findings["platform"]),
        ("cpu", f"{cpu['name']}, {cpu['cores']} cores, {cpu['usable']} usable"),
        ("import", "failed" if findings["import_seconds"] is None else f"{findings['import_seconds']:.2f} s"),
        *((name, _package_text(found)) for name, found in findings["packages"].items()),
        *((f"[{name}]", _extra_text(name, found)) for name, found in findings["extras"].items()),
        *((name, str(value)) for name, value in findings["threads"].items()),
        *((f"{name} cache", _cache_text(found)) for name, found in findings["caches"].items()),
    ]
    width = max(len(name) for name, _ in rows)
    problems = findings["problems"]
    ending = (
        ["", f"{len(problems)} problem{'s' if len(problems) > 1 else ''}:", *(f"- {p}" for p in problems)]
        if problems
        else ["", "all is well"]
    )
    return "\n".join([*(f"{name:<{width}}  {text}" for name, text in rows), *ending])


def _package_text(found: dict[str, Any]) -> str:
    wanted = f" (wants {found['wanted']})" if found["wanted"] else ""
    return f"{found['installed'] or 'missing'}{wanted}{'' if found['ok'] else '  <-'}"


def _extra_text(name: str, found: dict[str, Any]) -> str:
    if found["missing"]:
        return f"not installed: {', '.join(found['missing'])}; pip install 'symnum[{name}]'"
    return ", ".join(f"{package} {version}" for package, version in found["installed"].items())


def _cache_text(found: dict[str, Any]) -> str:
    return f"{found['path']}, {found['bytes'] / 1e6:.1f} MB in {found['files']} files{'' if found['writable'] else ', cannot be written'}"


# --- packages ---------------------------------------------------------------------------------------------------------------


def _packages(problems: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the required packages and the extras, and add to ``problems`` what is missing or of a wrong version."""
    try:
        requirements = metadata.requires("symnum") or []
    except metadata.PackageNotFoundError:
        problems.append(
            "symnum runs from its source without being installed, so what it requires is unknown; run: pip install -e ."
        )
        requirements = []
    packages: dict[str, Any] = {}
    extras: dict[str, Any] = {}
    for name, bounds, extra in parse_requirements(requirements):
        installed = _version(name)
        fits = installed is not None and satisfies(installed, bounds)
        if extra is None:
            packages[name] = {"installed": installed, "wanted": bounds, "ok": fits}
            if not fits:
                have = "is not installed" if installed is None else f"is {installed}"
                problems.append(
                    f"{name} {have}, but symnum requires {name}{bounds}; run: pip install '{name}{bounds}'"
                )
        elif extra not in DEVELOPMENT:
            group = extras.setdefault(extra, {"installed": {}, "missing": []})
            if fits:
                group["installed"][name] = installed
            else:
                group["missing"].append(name if installed is None else f"{name}{bounds} (is {installed})")
    for name in ALWAYS_SHOWN:
        packages.setdefault(name, {"installed": _version(name), "wanted": "", "ok": True})
    return packages, extras


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def parse_requirements(lines: Iterable[str]) -> Iterator[tuple[str, str, str | None]]:
    """Yield (package, version bounds, extra or None) for requirements as package metadata writes them.

    A requirement under a condition other than an extra is left out, since it may not apply here.

    >>> list(parse_requirements(["numpy>=2.0", 'dask[distributed]>=2025.1; extra == "cluster"']))
    [('numpy', '>=2.0', None), ('dask', '>=2025.1', 'cluster')]
    """
    for line in lines:
        found = _REQUIREMENT.match(line)
        if found is None:
            continue
        extra = _EXTRA.match(found["marker"] or "")
        if found["marker"] is None or extra is not None:
            yield found["name"], found["bounds"].strip().replace(" ", ""), extra[1] if extra else None


def satisfies(version: str, bounds: str) -> bool:
    """Tell whether a version lies within bounds such as ``>=13.2,<15``; a pre-release comes before its release.

    >>> satisfies("13.10.1", ">=13.2,<15"), satisfies("2.0rc1", ">=2.0"), satisfies("1.26", "==1.26.0")
    (True, False, True)
    """
    have = _order(version)
    for text in filter(None, bounds.split(",")):
        found = _BOUND.match(text)
        if found is None:
            raise ValueError(f"version bound {text!r} is not understood; write one such as '>=2.0' or '<15'")
        sign, wanted = found.groups()
        prefix = _order(wanted.removesuffix(".*"))[0]
        if wanted.endswith(".*"):
            holds = (_padded(have[0], len(prefix)) == prefix) == (sign == "==")
        elif sign == "~=":
            # compatible: at least this, and equal in all but the last number
            parts = wanted.split(".")[:-1]
            holds = have >= _order(wanted) and satisfies(version, "==" + ".".join(parts) + ".*")
        else:
            other = _order(wanted)
            holds = {
                ">=": have >= other,
                "<=": have <= other,
                "==": have == other,
                "!=": have != other,
                ">": have > other,
                "<": have < other,
            }[sign]
        if not holds:
            return False
    return True


def _order(version: str) -> tuple[tuple[int, ...], bool]:
    """Return a sorting key: the numbers without final zeros, and whether this is no pre-release."""
    numbers = re.match(r"v?(?:\d+!)?(\d+(?:\.\d+)*)", version)
    if numbers is None:
        raise ValueError(f"{version!r} is not a version; versions begin with a number, such as '2.0'")
    release = [int(part) for part in numbers[1].split(".")]
    while release and release[-1] == 0:
        release.pop()
    return tuple(release), re.match(r"[._-]?(a|b|c|rc|alpha|beta|pre|dev)", version[numbers.end() :]) is None


def _padded(release: tuple[int, ...], length: int) -> tuple[int, ...]:
    return (release + (0,) * length)[:length]


# --- machine ----------------------------------------------------------------------------------------------------------------


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _usable_cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _threads(problems: list[str]) -> dict[str, Any]:
    """Return how many threads numba and the linear algebra of NumPy use, and the variables that say so."""
    threads: dict[str, Any] = {}
    try:
        from numba import config

        threads["numba threads"] = config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]  # set while numba is imported
    except ImportError as problem:
        problems.append(
            f"numba cannot be imported ({problem}); run: pip install --force-reinstall numba llvmlite"
        )
    try:
        import numpy  # noqa: F401  # loads the BLAS that threadpoolctl then finds
        from threadpoolctl import threadpool_info

        for pool in threadpool_info():
            threads[f"{pool['user_api']} threads"] = (
                f"{pool['num_threads']} ({pool['internal_api']} {pool['version']})"
            )
    except ImportError as problem:
        threads["blas threads"] = f"unknown: {problem}"
    return {**threads, **{name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}}


def _code_cache() -> Path:
    from symnum.codegen.disk import cache_folder

    return cache_folder()


def _numba_cache() -> dict[str, Any]:
    """Return where numba keeps the machine code of symnum's own kernels.

    It is NUMBA_CACHE_DIR, or beside the kernels, or, where that cannot be written, numba's folder in the user's cache.
    """
    import symnum

    cure = "set NUMBA_CACHE_DIR to a folder of yours"
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return _folder(Path(chosen), cure)
    beside = Path(symnum.__file__).parent
    if not _writable(beside / "codegen" / "__pycache__"):
        from numba.misc.appdirs import AppDirs

        return _folder(Path(AppDirs(appname="numba", appauthor=False).user_cache_dir), cure)
    files = [f for f in beside.rglob("__pycache__/*.nb[ic]") if f.is_file()]
    size = sum(f.stat().st_size for f in files)
    return {
        "path": f"{beside} (__pycache__)",
        "files": len(files),
        "bytes": size,
        "writable": True,
        "cure": cure,
    }


def _folder(path: Path, cure: str = "set SYMNUM_CACHE_DIR to a folder of yours") -> dict[str, Any]:
    files = [f for f in path.rglob("*") if f.is_file()] if path.is_dir() else []
    size = sum(f.stat().st_size for f in files)
    return {"path": str(path), "files": len(files), "bytes": size, "writable": _writable(path), "cure": cure}


def _writable(path: Path) -> bool:
    """Tell whether a file can be made in the folder, or in the nearest one above it that exists."""
    folder = path
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _import_seconds(problems: list[str]) -> float | None:
    """Return how long ``import symnum`` takes in a new interpreter that finds it where this one does."""
    code = "import sys, time; sys.path[:] = sys.argv[1:]; t = time.perf_counter(); import symnum; print(time.perf_counter() - t)"
    done = subprocess.run(
        [sys.executable, "-c", code, *sys.path], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        problems.append(f"a new interpreter cannot import symnum: {last}")
        return None
    return round(float(done.stdout), 4)
