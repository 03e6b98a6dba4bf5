"""The verb ``symnum trace``: a NumPy solver in, what it is and how fast it can be out; on request its solution."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import math
import os
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from symnum.cli_simulate import FAILED, INTERRUPTED, WRONG_USAGE, ShownProgress, number, points, tolerance

_SECONDS = 0.15
"""How long each of the two right-hand sides is called to be timed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        "target",
        metavar="MODULE:FUNCTION",
        help="f(t, u) with --u0 or --shape, or else a function that returns (f, u0); the module by its import name or as file.py",
    )
    parser.add_argument("--u0", metavar="FILE.npy", help="the initial state of f")
    parser.add_argument(
        "--shape", type=_shape, metavar="64x64", help="zeros of this shape as the initial state of f"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="K=2.0",
        help="an argument of the function that returns (f, u0), or a parameter of f; may be repeated",
    )
    parser.add_argument(
        "--spacing", type=_spacing, metavar="H", help="distance of grid points: a number, or a name such as h"
    )
    parser.add_argument("--names", type=_names, metavar="A,B", help="names of the fields")
    parser.add_argument("--grid", type=_shape, metavar="64x64", help="how a flat state lies on a grid")
    parser.add_argument("--solve", type=_time, metavar="T", help="solve from t = 0 to T")
    parser.add_argument("--method", default="BDF", metavar="NAME", help="the method of --solve (default BDF)")
    parser.add_argument("--dt", type=tolerance, metavar="H", help="the step of methods that have a fixed one")
    parser.add_argument(
        "--points", type=points, metavar="N", help="keep N equally spaced times (default: every step)"
    )
    parser.add_argument(
        "--rtol", type=tolerance, default=1e-6, metavar="X", help="relative tolerance (default 1e-6)"
    )
    parser.add_argument(
        "--atol", type=tolerance, default=1e-9, metavar="X", help="absolute tolerance (default 1e-9)"
    )
    parser.add_argument("--plot", metavar="FILE.png", help="draw a picture of the solution")
    parser.add_argument("-o", "--output", metavar="FILE.npz", help="write the solution's arrays t and u")
    parser.add_argument("--no-timing", action="store_true", help="measure no time per call")


def run(options: argparse.Namespace) -> int:
    """Trace, say what was found, solve if asked, and return the exit code."""
    try:
        return _run(options)
    except ImportError as problem:  # an optional package: the message says which, and how to install it
        return _wrong(str(problem))
    except _WrongUsage as problem:
        return _wrong(str(problem))


class _WrongUsage(Exception):
    """Raised where the command line does not fit what it names."""


def _run(options: argparse.Namespace) -> int:
    import numpy as np

    from symnum.pde import trace

    if options.solve is None and (options.plot or options.output):
        raise _WrongUsage("--plot and -o need a solution; write --solve T")
    f, u0, parameters = _problem(options)
    begin = time.perf_counter()
    with _users_code("tracing f"):
        system = trace(f, u0, parameters=parameters)
    traced = time.perf_counter() - begin
    operations = len(system.graph.reachable([system.output]))
    shape = " x ".join(map(str, system.shape)) or "one number"
    print(f"state       {shape}, {system.u0.size:,} entries of {np.dtype(system.dtype).name}")
    print(f"traced      {operations} array operations, in {1e3 * traced:.1f} ms with the check against f")
    print(
        _indented("equation", str(system.equation(options.spacing, names=options.names, shape=options.grid)))
    )
    print(_indented("kind", str(system.classify())))
    print(f"Jacobian    {_said_jacobian(system)}")
    if not options.no_timing:
        print(f"call        {_said_times(f, system, parameters)}")
    return 0 if options.solve is None else _solve(system, options)


# --- the user's code ------------------------------------------------------------------------------------------------------------


def _problem(options: argparse.Namespace) -> tuple[Callable[..., Any], Any, Mapping[str, Any]]:
    """Return (f, u0, parameters) of the target."""
    import numpy as np

    function = _function(options.target)
    settings = dict(options.set)
    if options.u0 is not None and options.shape is not None:
        raise _WrongUsage("--u0 and --shape both give the initial state; leave one of them away")
    if options.u0 is not None:
        state = np.load(options.u0, allow_pickle=False)
        return function, state, settings
    if options.shape is not None:
        return function, np.zeros(options.shape), settings
    try:
        inspect.signature(function).bind(**settings)
    except TypeError as problem:
        raise _WrongUsage(
            f"{options.target} cannot be called with {settings or 'no arguments'}: {problem}; write --set n=64, or, if it is a "
            f"right-hand side f(t, u), --shape 64x64 or --u0 start.npy"
        ) from None
    with _users_code(f"calling {options.target.rpartition(':')[2]}"):
        made = function(**settings)
    if not isinstance(made, tuple) or len(made) != 2 or not callable(made[0]):
        raise _WrongUsage(
            f"{options.target} returned {type(made).__name__}, but without --u0 and --shape it must return (f, u0); "
            f"for a right-hand side f(t, u) itself write --shape 64x64 or --u0 start.npy"
        )
    return made[0], made[1], {}


def _function(target: str) -> Callable[..., Any]:
    """Return the function that ``module:function`` or ``file.py:function`` names."""
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name.isidentifier():
        raise _WrongUsage(f"{target!r} names no function; write package.module:function or file.py:function")
    module = _module(place)
    function = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        said = "is no function" if function is not None else "is not there"
        raise _WrongUsage(f"{name} {said} in {place}; there are {', '.join(sorted(known)[:8]) or 'none'}")
    return function


def _module(place: str) -> Any:
    """Import the user's module: a file, or a name that Python finds, also in the current folder."""
    if place.endswith(".py"):
        if not os.path.isfile(place):
            raise _WrongUsage(f"there is no file {place}")
        specification = importlib.util.spec_from_file_location(
            os.path.splitext(os.path.basename(place))[0], place
        )
        assert specification is not None and specification.loader is not None, "a .py file has a loader"
        module = importlib.util.module_from_spec(specification)
        sys.modules.setdefault(specification.name, module)  # so that what it defines can be pickled
        with _on_path(os.path.dirname(os.path.abspath(place))), _users_code(f"importing {place}"):
            specification.loader.exec_module(module)
        return module
    with _on_path(os.getcwd()):
        try:
            found = importlib.util.find_spec(place)
        except (ModuleNotFoundError, ValueError):
            found = None
        if found is None:
            raise _WrongUsage(
                f"there is no module {place}; a file is named with its ending, as in {place}.py:f"
            )
        with _users_code(f"importing {place}"):
            return importlib.import_module(place)


@contextmanager
def _on_path(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


@contextmanager
def _users_code(doing: str) -> Iterator[None]:
    """Turn whatever the user's code raises into one sentence with its line; what symnum says itself stays as it is."""
    from symnum.pde import TraceError

    try:
        yield
    except TraceError:
        raise
    except Exception as problem:  # the user's code may raise anything
        line = _users_line(problem.__traceback__)
        if not line:
            raise
        raise ValueError(f"{doing} failed at {line}: {type(problem).__name__}: {problem}") from problem


def _users_line(trail: types.TracebackType | None) -> str:
    """Return the innermost line outside of symnum and of the libraries, or ""."""
    found = ""
    while trail is not None:
        code, module = trail.tb_frame.f_code, trail.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] not in _LIBRARIES and not code.co_filename.startswith("<"):
            found = f"line {trail.tb_lineno} of {os.path.basename(code.co_filename)}"
        trail = trail.tb_next
    return found


_LIBRARIES = ("symnum", "numpy", "scipy", "importlib", "contextlib")


# --- what is said ---------------------------------------------------------------------------------------------------------------


def _indented(label: str, text: str) -> str:
    first, *rest = text.splitlines()
    return "\n".join([f"{label:<12}{first}", *(f"{'':<12}{line}" for line in rest)])


def _said_jacobian(system: Any) -> str:
    try:
        pattern = system.sparsity()
    except MemoryError as problem:
        return f"none: {problem}"
    size = max(pattern.shape[0], 1)
    share = 100 * pattern.nnz / size**2
    return f"{pattern.nnz:,} entries ({share:.2g} %), {pattern.nnz / size:.1f} in a row, {system.colouring().count} colours"


def _said_times(f: Callable[..., Any], system: Any, parameters: Mapping[str, Any]) -> str:
    import numpy as np

    compiled = system.compile()
    u, out = np.array(system.u0), np.empty_like(system.u0)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = _least(lambda: compiled.rhs(system.t0, u, out=out))
        users = _least(lambda: f(system.t0, u, **parameters))
    return f"{_said_seconds(own)}, NumPy {_said_seconds(users)}: {users / own:.3g} times as fast\n{'':<12}{compiled.why}"


def _least(call: Callable[[], Any]) -> float:
    """Return the shortest time of a call within a while."""
    call()
    best, end = math.inf, time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
    return best


def _said_seconds(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


# --- solving --------------------------------------------------------------------------------------------------------------------


def _solve(system: Any, options: argparse.Namespace) -> int:
    import numpy as np

    times = None if options.points is None else np.linspace(0.0, options.solve, options.points)
    fixed = {} if options.dt is None else {"dt": options.dt}
    progress = ShownProgress(options.solve)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RuntimeWarning)
            solution = system.solve(
                (0.0, options.solve), method=options.method, rtol=options.rtol, atol=options.atol, t_eval=times,
                progress=progress, **fixed,
            )  # fmt: skip
    finally:
        progress.clear()
    if options.output is not None:
        with open(options.output, "wb") as file:  # np.savez would add .npz to another name
            np.savez(file, t=solution.t, u=solution.u)
    if options.plot is not None:
        solution.plot().figure.savefig(options.plot, dpi=150)
    stats = solution.stats
    reached = solution.t[-1] if len(solution.t) else 0.0
    counted = ", ".join(
        f"{stats[key]} {key.replace('_', ' ')}" for key in ("steps", "factorizations") if key in stats
    )
    how = f"by {options.method}: {len(solution.t)} times kept, {counted}, {stats['seconds']:.3g} s"
    print(f"{'solved      to' if solution.success else 'stopped     at'} t = {reached:g} {how}")
    if not solution.success:
        for warning in caught:
            print(f"symnum: {warning.message}", file=sys.stderr)
        return INTERRUPTED if solution.message.startswith("interrupted") else FAILED
    return 0


# --- arguments ------------------------------------------------------------------------------------------------------------------


def _wrong(problem: str) -> int:
    print(f"symnum: {problem}", file=sys.stderr)
    return WRONG_USAGE


def _time(text: str) -> float:
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not after the start, which is 0; write --solve 10")
    return value


def _shape(text: str) -> tuple[int, ...]:
    parts = text.replace(",", "x").split("x")
    if not all(part.isascii() and part.isdigit() and 1 <= int(part[:10]) <= 10**9 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape; write 64x64 or 100")
    return tuple(map(int, parts))


def _spacing(text: str) -> Any:
    return text if text.isidentifier() else tolerance(text)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not name.isidentifier() or not value:
        raise argparse.ArgumentTypeError(f"{text!r} gives no argument a value; write --set n=64")
    try:
        return name, int(value)
    except ValueError:
        pass
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]
