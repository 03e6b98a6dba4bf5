"""Reaction networks in SymEngine, CasADi and SciPy by hand: each function runs in a process of its own and returns its times.

The file is read by symnum's reader, whose arrays every peer starts from.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from typing import Any

import numpy as np

Times = dict[str, float]


def _network(path: str) -> tuple[Any, Any, Any, Any, float]:
    from symnum.pde import ReactionNetwork

    begin = time.perf_counter()
    network = ReactionNetwork.read(path)
    arrays = network.arrays
    seconds = time.perf_counter() - begin
    values = np.array(list(network.values().values()))
    return network, arrays, network.u0(), values, seconds


def _equations(arrays: Any, rates: list[Any], states: list[Any], total: Any) -> list[Any]:
    """Return the sums of the fluxes; ``total`` adds a list up."""
    starts, factors, rate = arrays.factor_starts.tolist(), arrays.factors.tolist(), arrays.rate.tolist()
    fluxes = []
    for r, place in enumerate(rate):
        flux = rates[place]
        for i in factors[starts[r] : starts[r + 1]]:
            flux = flux * states[i]
        fluxes.append(flux)
    addends: list[list[Any]] = [[] for _ in states]
    change_starts, changed, change = (
        arrays.change_starts.tolist(),
        arrays.changed.tolist(),
        arrays.change.tolist(),
    )
    for r in range(len(rate)):
        for k in range(change_starts[r], change_starts[r + 1]):
            addends[changed[k]].append(fluxes[r] if change[k] == 1 else change[k] * fluxes[r])
    return [total(row) if row else 0 * states[0] for row in addends]


def _rates(arrays: Any, symbols: dict[str, Any]) -> list[Any]:
    """Return the rates in the peer's symbols; those of the benchmark are products of numbers and parameters."""
    from math import prod

    from symnum import term as interface

    def made(rate: Any) -> Any:
        coefficient, factors = interface.factors(rate)
        found = prod((symbols[interface.name(base)] ** exponent for base, exponent in factors), start=1)
        return found if coefficient == 1 else float(coefficient) * found

    return [made(rate) for rate in arrays.rates]


def per_call(function: Any, seconds: float = 1.0) -> float:
    """Return the least time of one call."""
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        begin = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - begin)
    return best


def symengine(path: str, with_jacobian: bool) -> Times:
    """Return the times of SymEngine with its LLVM back end."""
    import symengine as se

    network, arrays, u0, values, read = _network(path)
    begin = time.perf_counter()
    states = [se.Symbol(f"s{i + 1}") for i in range(len(u0))]
    parameters = {name: se.Symbol(name) for name in network.parameters}
    rhs = _equations(arrays, _rates(arrays, parameters), states, lambda row: se.Add(*row))
    built = time.perf_counter()
    arguments = [*states, *parameters.values()]
    f = se.Lambdify(arguments, rhs, backend="llvm", real=True)
    given = np.concatenate([u0, values])
    out = np.empty(len(rhs))
    f(given, out=out)
    first = time.perf_counter()
    found = {
        "first": read + first - begin,
        "build": built - begin,
        "call": per_call(lambda: f(given, out=out)),
        "norm": float(np.abs(out).max()),
    }
    if with_jacobian:
        begin = time.perf_counter()
        entries = []
        for row in rhs:
            entries += [row.diff(s) for s in sorted(row.free_symbols & set(states), key=str)]
        found["jacobian"] = time.perf_counter() - begin
        begin = time.perf_counter()
        g = se.Lambdify(arguments, entries, backend="llvm", real=True)
        data = np.empty(len(entries))
        g(given, out=data)
        found["jacobian_compile"] = time.perf_counter() - begin
        found["jacobian_call"] = per_call(lambda: g(given, out=data))
    return found


def casadi(path: str, with_jacobian: bool, by_c: bool) -> Times:
    """Return the times of CasADi, by its virtual machine or by C code that gcc -O1 compiles."""
    import casadi as ca

    network, arrays, u0, values, read = _network(path)
    begin = time.perf_counter()
    x, p = ca.SX.sym("x", len(u0)), ca.SX.sym("p", len(values))
    parts = _rates(arrays, {name: p[i] for i, name in enumerate(network.parameters)})
    rhs = ca.vertcat(
        *_equations(arrays, parts, [x[i] for i in range(len(u0))], lambda row: sum(row[1:], row[0]))
    )
    built = time.perf_counter()
    caller, out = _casadi_function(ca, "f", x, p, rhs, u0, values, by_c)
    caller()
    first = time.perf_counter()
    found = {
        "first": read + first - begin,
        "build": built - begin,
        "call": per_call(caller),
        "norm": float(np.abs(out).max()),
    }
    if with_jacobian:
        begin = time.perf_counter()
        matrix = ca.jacobian(rhs, x)
        found["jacobian"] = time.perf_counter() - begin
        begin = time.perf_counter()
        caller, _out = _casadi_function(ca, "g", x, p, matrix, u0, values, by_c)
        caller()
        found["jacobian_compile"] = time.perf_counter() - begin
        found["jacobian_call"] = per_call(caller)
    return found


def _casadi_function(
    ca: Any, name: str, x: Any, p: Any, result: Any, u0: Any, values: Any, by_c: bool
) -> tuple[Any, Any]:
    f = ca.Function(name, [x, p], [result])
    if by_c:
        folder = tempfile.mkdtemp()
        here = os.getcwd()
        os.chdir(folder)
        try:
            f.generate(f"{name}.c")
            subprocess.run(
                ["gcc", "-O1", "-fPIC", "-shared", f"{name}.c", "-o", f"{name}.so", "-lm"], check=True
            )
            f = ca.external(name, os.path.join(folder, f"{name}.so"))
        finally:
            os.chdir(here)
    buffer, run = f.buffer()
    given_x, given_p = np.array(u0, float), np.array(values, float)
    out = np.empty(f.nnz_out(0))
    buffer.set_arg(0, memoryview(given_x))
    buffer.set_arg(1, memoryview(given_p))
    buffer.set_res(0, memoryview(out))

    def call(kept: Any = (f, buffer, given_x, given_p, out)) -> None:
        run()

    return call, out


def scipy_by_hand(path: str) -> Times:
    """Return the times of a right-hand side and Jacobian that a SciPy user writes: N @ v(u), and N @ diag @ ..."""
    network, arrays, u0, values, read = _network(path)
    begin = time.perf_counter()
    f, jacobian = mass_action(arrays, u0, dict(zip(network.parameters, values)))
    f(u0)
    first = time.perf_counter()
    return {
        "first": read + first - begin,
        "call": per_call(lambda: f(u0)),
        "jacobian_call": per_call(lambda: jacobian(u0)),
        "norm": float(np.abs(f(u0)).max()),
    }


def mass_action(arrays: Any, u0: Any, values: dict[str, float]) -> tuple[Any, Any]:
    """Return f(u) and its sparse Jacobian, written with SciPy's sparse matrices; reactions have at most two reactants."""
    from scipy.sparse import coo_matrix

    count, species = len(arrays.rate), len(u0)
    reaction = np.repeat(np.arange(count), np.diff(arrays.change_starts))
    n = coo_matrix((arrays.change.astype(float), (arrays.changed, reaction)), shape=(species, count)).tocsr()
    k = np.array(_rates(arrays, values), float)[arrays.rate]
    sizes = np.diff(arrays.factor_starts)
    one = species  # the place of a constant 1
    first = np.full(count, one)
    second = np.full(count, one)
    has = sizes >= 1
    first[has] = arrays.factors[arrays.factor_starts[:-1][has]]
    two = sizes >= 2
    second[two] = arrays.factors[arrays.factor_starts[:-1][two] + 1]
    every = np.arange(count)

    def f(u: Any) -> Any:
        w = np.append(u, 1.0)
        return n @ (k * w[first] * w[second])

    def jacobian(u: Any) -> Any:
        w = np.append(u, 1.0)
        slopes = coo_matrix(
            (
                np.concatenate([k * w[second], k * w[first]]),
                (np.concatenate([every, every]), np.concatenate([first, second])),
            ),
            shape=(count, species + 1),
        ).tocsr()
        return (n @ slopes)[:, :species].tocsc()

    return f, jacobian
