"""A network in symnum, measured in a process of its own: from the file to the first call, and what follows."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

BEGIN = time.perf_counter()

import numpy as np  # noqa: E402  the clock starts before the imports


def network(path: str) -> dict[str, float]:
    """Return the times of all stages; object code of earlier runs is not used."""
    from symnum.pde import ReactionNetwork

    system = ReactionNetwork.read(path).ode_system()
    compiled = system.compile()
    u0 = system.u0
    out = np.empty_like(u0)
    compiled.rhs(0.0, u0, out)
    found = {"first": time.perf_counter() - BEGIN, "norm": float(np.abs(out).max())}
    rows, native = compiled._rows, _native(compiled._rhs)
    found["operations"] = native.code.steps
    found["call"] = _per_call(lambda: compiled.rhs(0.0, u0, out))
    import symnum as sn
    from symnum.columns import jacobian

    if rows is not None:
        found["jacobian"] = min(_timed(lambda: jacobian(rows.store, rows.rhs, rows.states)) for _ in range(3))
    else:  # small: term by term
        rhs, states = system.rhs, system.states
        found["jacobian"] = min(_timed(lambda: sn.jacobian(rhs, states, sparse=True)) for _ in range(3))
    begin = time.perf_counter()
    code = compiled._jacobian_code()
    data = np.empty(len(code.indices))
    code.fill(0.0, u0, compiled._default, data)
    found["jacobian_compile"] = time.perf_counter() - begin
    found["jacobian_entries"] = len(data)
    native_jacobian = _native(code.fill)
    found["jacobian_operations"] = native_jacobian.code.steps
    found["jacobian_call"] = _per_call(lambda: code.fill(0.0, u0, compiled._default, data))
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, function, call in (
        ("call_optimised", native, lambda: compiled.rhs(0.0, u0, out)),
        ("jacobian_call_optimised", native_jacobian, lambda: code.fill(0.0, u0, compiled._default, data)),
    ):
        begin = time.perf_counter()
        function.plain.make_later(2)
        function.plain.wait()
        found[f"{name}_seconds"] = time.perf_counter() - begin
        found[name] = _per_call(call)
    return found


def scaled(reactions: int) -> dict[str, float]:
    """Return times and sizes for random mass action of so many reactions, a tenth as many species."""
    from symnum.pde import ReactionNetwork
    from symnum.pde.reactions import Reactions

    draw = np.random.default_rng(reactions)
    species, laws = max(10, reactions // 10), 50
    sizes = draw.integers(1, 3, reactions), draw.integers(1, 3, reactions)
    starts = [np.concatenate([[0], np.cumsum(s)]) for s in sizes]
    members = [draw.integers(0, species, int(s[-1])) for s in starts]
    import symnum as sn

    rates = sn.symbols(" ".join(f"k{i}" for i in range(laws)))
    given = Reactions(starts[0], members[0], starts[1], members[1], draw.integers(0, laws, reactions), rates)
    from symnum.columns import Store

    Store()  # loaded kernels serve small networks, too
    begin = time.perf_counter()
    made = ReactionNetwork(
        [f"A{i}" for i in range(species)],
        [1.0] * species,
        {f"k{i}": 0.5 for i in range(laws)},
        given,
    )
    system = made.ode_system()
    compiled = system.compile("native")
    u0 = np.ones(species)
    out = np.empty(species)
    compiled.rhs(0.0, u0, out)
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    compiled._rows.jacobian  # noqa: B018  made once, kept
    symbolic = time.perf_counter() - begin
    return {
        "first": first,
        "jacobian": symbolic,
        "operations": compiled._rhs.function.code.steps,
        "call": _per_call(lambda: compiled.rhs(0.0, u0, out)),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _native(code: Any) -> Any:
    """Return the native function of compiled terms or rows."""
    return code.function if hasattr(code, "function") else code._fill.function


def prepare() -> float:
    """Compile the kernels if that was not done, and return the seconds."""
    from symnum.columns import ready

    return ready.prepare()


def _timed(function: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def _per_call(function: Callable[[], Any], seconds: float = 1.0) -> float:
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        best = min(best, _timed(function))
    return best
