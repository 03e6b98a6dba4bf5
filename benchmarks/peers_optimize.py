"""What SymPy, SymEngine and CasADi make of a network's right-hand side, given as the same sums of products."""

from __future__ import annotations

import time
from typing import Any


def _network(path: str) -> tuple[Any, list[Any]]:
    from symnum.pde import ReactionNetwork

    network = ReactionNetwork.read(path)
    return network, network.rhs


def sympy_cse(path: str) -> dict[str, float]:
    """Return the operations after sympy.cse with its own pre-optimisations, and the seconds it took."""
    import sympy

    import symnum as sn

    terms = sn.to_sympy(_network(path)[1])
    begin = time.perf_counter()
    definitions, results = sympy.cse(terms, optimizations="basic")
    seconds = time.perf_counter() - begin
    return {
        "operations": int(
            sum(sympy.count_ops(e) for _, e in definitions) + sum(map(sympy.count_ops, results))
        ),
        "seconds": seconds,
    }


def symengine_cse(path: str) -> dict[str, float]:
    """Return the operations after symengine.cse, and the seconds it took."""
    import symengine
    import sympy

    import symnum as sn

    terms = [symengine.sympify(str(sn.to_sympy(t))) for t in _network(path)[1]]
    begin = time.perf_counter()
    definitions, results = symengine.cse(terms)
    seconds = time.perf_counter() - begin
    count = sum(int(sympy.count_ops(sympy.sympify(e))) for _, e in definitions)
    return {
        "operations": count + sum(int(sympy.count_ops(sympy.sympify(e))) for e in results),
        "seconds": seconds,
    }


def casadi_instructions(path: str) -> dict[str, float]:
    """Return the operations of CasADi's function after cse and its own simplification, and the seconds it took."""
    import casadi

    network, _ = _network(path)
    names: dict[str, Any] = {name: casadi.SX.sym(name) for name in network.parameters}
    states = [casadi.SX.sym(f"s{i + 1}") for i in range(len(network.species))]
    sums: list[list[Any]] = [[] for _ in states]
    for reaction in network.reactions:
        rate = eval_rate(str(reaction.rate), names)
        for i in reaction.reactants:
            rate = rate * states[i]
        for i in sorted({*reaction.reactants, *reaction.products}):
            change = reaction.products.count(i) - reaction.reactants.count(i)
            if change:
                sums[i].append(rate if change == 1 else -rate if change == -1 else change * rate)
    total = casadi.vertcat(*[sum(parts[1:], parts[0]) if parts else casadi.SX(0) for parts in sums])
    begin = time.perf_counter()
    reduced = casadi.cse(casadi.simplify(total))
    seconds = time.perf_counter() - begin
    function = casadi.Function("rhs", [casadi.vertcat(*states), casadi.vertcat(*names.values())], [reduced])
    free = {casadi.OP_INPUT, casadi.OP_OUTPUT, casadi.OP_CONST}
    count = sum(function.instruction_id(k) not in free for k in range(function.n_instructions()))
    return {"operations": count, "seconds": seconds}


def eval_rate(text: str, names: dict[str, Any]) -> Any:
    """Return a rate that is a parameter, or a number times a parameter."""
    number, star, name = text.rpartition("*")
    return float(number) * names[name] if star else names[name]
