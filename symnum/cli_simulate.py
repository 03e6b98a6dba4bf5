"""The verb ``symnum simulate``: a reaction network in, a table or a picture of its observables out."""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Sequence
from typing import Any

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("network", metavar="FILE", help="a BioNetGen .net file, or SBML (.xml, .sbml)")
    parser.add_argument("--to", required=True, type=_time, metavar="T", help="the last time; the first is 0")
    parser.add_argument(
        "--points", type=points, metavar="N", help="keep N equally spaced times (default: every step)"
    )
    parser.add_argument(
        "--method",
        default="BDF",
        metavar="NAME",
        help="BDF (default), Radau, LSODA, CVODE, RK45, RK23 or DOP853",
    )
    parser.add_argument(
        "--rtol", type=tolerance, default=1e-6, metavar="X", help="relative tolerance (default 1e-6)"
    )
    parser.add_argument(
        "--atol", type=tolerance, default=1e-9, metavar="X", help="absolute tolerance (default 1e-9)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="K=2.0",
        help="change a parameter; may be repeated",
    )
    parser.add_argument(
        "--observables", type=_names, metavar="A,B", help="groups, functions or species (default: all groups)"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE.csv", help="where the table goes (default: stdout, if no --plot)"
    )
    parser.add_argument("--plot", metavar="FILE.png", help="draw a picture")


def run(options: argparse.Namespace) -> int:
    """Simulate, write what was asked for, and return the exit code."""
    try:
        return _run(options)
    except ImportError as problem:  # an optional package: the message says which, and how to install it
        return _wrong(str(problem))


def _run(options: argparse.Namespace) -> int:
    import numpy as np

    from symnum.pde import ReactionNetwork
    from symnum.pde.methods import METHODS

    adaptive = [name for name, method in METHODS.items() if not method.fixed]
    if options.method not in adaptive:
        return _wrong(f"--method {options.method!r} is unknown; the methods are {', '.join(adaptive)}")
    network = ReactionNetwork.read(options.network)
    changed = dict(options.set)
    unknown = [name for name in changed if name not in network.parameters]
    if unknown:
        return _wrong(
            f"--set {unknown[0]}: there is no such parameter; there are {_listed(network.parameters)}"
        )
    system = network.ode_system()
    known = [*system.observables, *network.species]
    missing = [name for name in options.observables or () if name not in set(known)]
    if missing:
        return _wrong(f"--observables {missing[0]}: there is none of this name; there are {_listed(known)}")
    times = None if options.points is None else np.linspace(0.0, options.to, options.points)
    progress = ShownProgress(options.to)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RuntimeWarning)
            solution = system.solve(
                (0.0, options.to), method=options.method, rtol=options.rtol, atol=options.atol, parameters=changed,
                t_eval=times, progress=progress,
            )  # fmt: skip
    finally:
        progress.clear()
    if options.output is not None:
        solution.to_csv(options.output, options.observables)
    if options.plot is not None:
        solution.plot(options.observables).figure.savefig(options.plot, dpi=150)
    if options.output is None and options.plot is None:
        solution.to_csv(sys.stdout, options.observables)
    stats = solution.stats
    print(
        f"symnum: {len(network.species)} species, {len(network.reactions)} reactions; {len(solution.t)} times to t = "
        f"{solution.t[-1] if len(solution.t) else 0.0:g}, {stats['steps']} steps, {stats['factorizations']} factorizations, "
        f"{stats['seconds']:.2f} s",
        file=sys.stderr,
    )
    if not solution.success:
        for warning in caught:
            print(f"symnum: {warning.message}", file=sys.stderr)
        return INTERRUPTED if solution.message.startswith("interrupted") else FAILED
    return 0


class ShownProgress:
    """Shows how far a run is, on a terminal, at most five times a second."""

    def __init__(self, end: float) -> None:
        self.end, self.shown, self.begin = end, 0.0, time.monotonic()
        self.active = sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, t: float, steps: int) -> None:
        now = time.monotonic()
        if self.active and now - max(self.shown, self.begin) >= 0.2:
            self.shown = now
            print(
                f"\rt = {t:.4g} of {self.end:.4g}, {steps} steps, {now - self.begin:.0f} s ",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def clear(self) -> None:
        """Wipe the line."""
        if self.shown:
            print("\r" + " " * 70 + "\r", end="", file=sys.stderr, flush=True)


def _wrong(problem: str) -> int:
    print(f"symnum: {problem}", file=sys.stderr)
    return WRONG_USAGE


def _listed(names: Any) -> str:
    names = list(names)
    return (
        ", ".join(names[:8]) + (f", ... ({len(names)} in all)" if len(names) > 8 else "") if names else "none"
    )


def number(text: str) -> float:
    """Read a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number; write 1e4")
    return value


def _time(text: str) -> float:
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not after the start, which is 0; write --to 1e4")
    return value


def tolerance(text: str) -> float:
    """Read a positive number."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not positive; write 1e-6")
    return value


def points(text: str) -> int:
    """Read how many times to keep."""
    if not text.isascii() or not text.isdigit() or not 2 <= int(text[:10]) <= 10_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 2 to 10,000,000")
    return int(text)


def _setting(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} gives no parameter a number; write --set k1=2.0")
    return name.strip(), number(value)


def _names(text: str) -> Sequence[str]:
    """Split at commas outside of brackets: species have names such as A(b,c)."""
    names, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth <= 0:
            names.append("")
        else:
            names[-1] += letter
    return [name.strip() for name in names if name.strip()]
