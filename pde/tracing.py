"""Call a solver once with symbols: as whole arrays, with stand-ins for numpy where it makes buffers of its own, or entry by entry.

Each way is tried only where the one before was refused, and says that it was taken.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, NoReturn

import numpy as np

from symnum.pde.array_parameters import ArrayParameters
from symnum.pde.entries import Entry, Tape, entry_stand_ins
from symnum.pde.graph import Graph, Node
from symnum.pde.rebinding import python_function, rebound
from symnum.pde.refusal import SingleEntries, TraceError, line_of
from symnum.pde.rerolling import rerolled
from symnum.pde.stand_ins import array_stand_ins
from symnum.pde.traced import FLOATS, TracedArray, holds_traced, lift, wrap

RightHandSide = Callable[..., Any]


SINGLE_READS = 40
"""Reading more single entries of traced arrays than this is going through the grid by hand."""

SLOW_ENTRIES = 256
"""Tracing more states than this entry by entry takes long enough for a warning."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A traced solver: its graph, the nodes of the state and of the derivative, how it was traced, and whether it writes into u."""

    graph: Graph
    state: Node
    output: Node
    why: str
    writes_state: bool


def initial_state(u0: Any) -> Any:
    """Return the initial state as an array of its own, float32 or float64; raises TypeError and ValueError."""
    start = np.asarray(u0)
    if start.dtype.kind == "c":
        raise TypeError(
            f"u0 has type {start.dtype}, but states are real numbers; split complex states into real and imaginary parts, "
            f"such as np.stack([u0.real, u0.imag])"
        )
    if start.dtype.kind not in "biuf":
        raise TypeError(f"u0 has type {start.dtype}, but states are real numbers; give an array of floats")
    if start.dtype.kind == "f" and start.dtype not in FLOATS:
        raise TypeError(
            f"u0 has type {start.dtype}, but a traced program computes in float64 or float32; write u0.astype(np.float64)"
        )
    start = np.array(start, dtype=np.float32 if start.dtype == np.float32 else np.float64)
    if not np.isfinite(start).all():
        raise ValueError("u0 has entries that are nan or infinite; give a finite initial state")
    return start


def _check_takes(f: RightHandSide, parameters: ArrayParameters) -> None:
    """Raise TypeError where f does not take the parameters by name, or wants some that were not given."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):
        return  # a callable without a signature says itself what it misses
    try:
        signature.bind(0.0, None, **parameters.values)
    except TypeError as problem:
        listed = ", ".join(parameters.values) or "no parameters"
        raise TypeError(
            f"f{signature} cannot be called as f(t, u) with {listed}: {problem}; "
            f"write trace(f, u0, parameters={{'D': 100.0}}) for f(t, u, D)"
        ) from None


def traced_program(
    f: RightHandSide, start: Any, parameters: ArrayParameters, scalars: bool | None = None
) -> Traced:
    """Return ``f`` traced for states like ``start``; ``scalars`` tells whether entry by entry, None where needed.

    Raises TraceError where no way is open, ValueError for what f returns.
    """
    f = python_function(f)
    _check_takes(f, parameters)
    found = _tried(f, start, parameters, scalars)
    if found.writes_state:
        warnings.warn(
            "f writes into the state u that it is given; a traced program leaves the caller's array as it is, and so should f: write "
            "u = u.copy() at its beginning",
            RuntimeWarning,
            stacklevel=3,
        )
    return found


def _tried(f: RightHandSide, start: Any, parameters: ArrayParameters, scalars: bool | None) -> Traced:
    if scalars:
        return _by_entries(f, start, parameters)
    try:
        return _with_or_without_stand_ins(f, start, parameters, None if scalars is False else SINGLE_READS)
    except SingleEntries as problem:
        if scalars is False:
            raise
        refused = problem
    try:
        found = _by_entries(f, start, parameters)
    except TraceError as problem:
        try:  # f may read many single entries, and work on whole arrays besides
            return _with_or_without_stand_ins(f, start, parameters, None)
        except SingleEntries:
            raise problem from None
    if start.size > SLOW_ENTRIES:
        warnings.warn(f"{refused}; here it was {found.why}", RuntimeWarning, stacklevel=4)
    return found


def _with_or_without_stand_ins(
    f: RightHandSide, start: Any, parameters: ArrayParameters, single_reads: int | None
) -> Traced:
    refusals = _refusals()
    try:
        return _by_arrays(Graph(start.dtype, single_reads), f, start, parameters, "traced as whole arrays")
    except SingleEntries:
        raise
    except refusals as problem:
        refused = problem
    graph = Graph(start.dtype, single_reads)
    changed = rebound(f, array_stand_ins(graph))
    if changed is f:
        raise refused
    return _by_arrays(
        graph, changed, start, parameters,
        "traced as whole arrays, with traced buffers in place of those that np.zeros and its kin make, and functions of NumPy "
        "in place of those of math",
    )  # fmt: skip


def _refusals() -> tuple[type[Exception], ...]:
    """Return what is raised by what cannot be traced; numba cannot type a traced array."""
    errors = sys.modules.get("numba.core.errors")
    return (TraceError,) if errors is None else (TraceError, errors.NumbaError)


def _by_arrays(graph: Graph, f: RightHandSide, start: Any, parameters: ArrayParameters, why: str) -> Traced:
    clock, state = graph.input("t", (), np.float64, weak=True), graph.input("u", start.shape)
    given = {name: wrap(graph, node) for name, node in parameters.inputs(graph).items()}
    u = wrap(graph, state)
    result = _called(f, wrap(graph, clock), u, given)
    if not isinstance(result, TracedArray | np.ndarray | list | tuple | int | float | np.number):
        _refuse_result(result, start.shape)
    node = lift(graph, list(result) if isinstance(result, tuple) and holds_traced(result) else result)
    _check_shape(node.shape, start.shape)
    return Traced(graph, state, graph.cast(node, graph.dtype), why, u.node is not state)


def _by_entries(f: RightHandSide, start: Any, parameters: ArrayParameters) -> Traced:
    tape = Tape()
    graph = Graph(start.dtype)
    clock, state = graph.input("t", (), np.float64, weak=True), graph.input("u", start.shape)
    inputs = {"t": clock, "u": state, **parameters.inputs(graph)}
    given = {name: tape.input(name, shape) for name, shape in parameters.shapes.items()}
    u = tape.input("u", start.shape)
    entries_of_u = list(np.asarray(u, dtype=object).flat)
    try:
        result = _called(rebound(f, entry_stand_ins()), tape.input("t", ()), u, given)
    except IndexError as problem:
        if not str(problem).startswith("only integers"):
            raise
        raise TraceError(
            f"{line_of(problem)}: a traced value cannot be an index or a size: the structure would depend on data; "
            f"choose among entries with np.where"
        ) from problem
    written = any(a is not b for a, b in zip(entries_of_u, np.asarray(u, dtype=object).flat, strict=True))
    if not isinstance(result, Entry | np.ndarray | list | tuple | int | float | np.number):
        _refuse_result(result, start.shape)
    entries = np.array(result, dtype=object)
    _check_shape(entries.shape, start.shape)
    records = [tape.number(entry) for entry in entries.reshape(-1)]
    node = rerolled(graph, tape, records, start.shape, inputs)
    output = graph.cast(node, graph.dtype)
    why = (
        f"traced entry by entry: {len(tape.records):,} operations and numbers of {start.size:,} entries became "
        f"{len(graph.reachable([output])):,} array operations"
    )
    return Traced(graph, state, output, why, written)


def _called(f: RightHandSide, t: Any, u: Any, parameters: dict[str, Any]) -> Any:
    try:
        return f(t, u, **parameters)
    except ValueError as problem:
        # NumPy hides the refusal of an assignment such as np.zeros(n)[0] = u[0] behind "setting an array element with a sequence"
        if isinstance(problem.__cause__, TraceError):
            raise problem.__cause__ from None
        raise


def _refuse_result(result: Any, shape: tuple[int, ...]) -> NoReturn:
    if result is None:
        raise ValueError("f returned None; it must return the time derivative, so end it with 'return du'")
    raise ValueError(
        f"f returned {type(result).__name__}, but the time derivative is an array of shape {shape}"
    )


def _check_shape(found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if found != wanted:
        same_size = f"; write return du.reshape({wanted})" if prod(found) == prod(wanted) else ""
        raise ValueError(
            f"f returned shape {found}, but the state u0 has shape {wanted}; they must be equal{same_size}"
        )
