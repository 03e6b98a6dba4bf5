"""The symbolic workloads in SymPy, SymEngine and CasADi: each function returns seconds, and is run in its own process."""

from __future__ import annotations

from typing import Any

import programs
from harness import least


def _system(peer: str) -> tuple[Any, Any, dict[str, Any]]:
    if peer == "sympy":
        import sympy

        return sympy, lambda n: list(sympy.symbols(f"x0:{n}")), {"sin": sympy.sin, "exp": sympy.exp}
    if peer == "symengine":
        import symengine

        return (
            symengine,
            lambda n: list(symengine.symbols(f"x0:{n}")),
            {"sin": symengine.sin, "exp": symengine.exp},
        )
    import casadi

    return (
        casadi,
        lambda n: [casadi.SX.sym(f"x{i}") for i in range(n)],
        {"sin": casadi.sin, "exp": casadi.exp},
    )


def _fresh(peer: str) -> None:
    """Empty SymPy's cache of results, so that each round does the work."""
    if peer == "sympy":
        from sympy.core.cache import clear_cache

        clear_cache()


def derivative_matrix(peer: str, kind: str, operations: int, chained: bool) -> float:
    """Jacobian of the last ten values of the shared program, or Hessian of their sum."""
    module, symbols, functions = _system(peer)
    xs = symbols(10)
    values = programs.build(programs.shared_dag(operations, chained), xs, functions)[-10:]
    total = values[0]
    for v in values[1:]:
        total = total + v

    def work() -> Any:
        _fresh(peer)
        if peer == "casadi":
            x = module.vertcat(*xs)
            return (
                module.jacobian(module.vertcat(*values), x)
                if kind == "jacobian"
                else module.hessian(total, x)[0]
            )
        if peer == "symengine":
            if kind == "jacobian":
                return module.DenseMatrix(values).jacobian(module.DenseMatrix(xs))
            slopes = [total.diff(x) for x in xs]
            return [[s.diff(x) for x in xs] for s in slopes]
        return module.Matrix(values).jacobian(xs) if kind == "jacobian" else module.hessian(total, xs)

    return least(work)


def chain(peer: str, depth: int) -> float:
    """Build exp(x*exp(y*exp(x*...))) and differentiate it."""
    _, symbols, functions = _system(peer)
    x, y = symbols(2)

    def work() -> Any:
        _fresh(peer)
        node = x
        for k in range(depth):
            node = functions["exp"]((x if k % 2 else y) * node)
        if peer == "casadi":
            import casadi

            return casadi.gradient(node, x)
        return node.diff(x)

    return least(work)


def product_chain(peer: str, depth: int) -> float:
    """Build ((x*y + 1)*x + 1)*y + 1 ... and differentiate it."""
    _, symbols, _ = _system(peer)
    x, y = symbols(2)

    def work() -> Any:
        _fresh(peer)
        node = x
        for k in range(depth):
            node = (x if k % 2 else y) * node + 1
        if peer == "casadi":
            import casadi

            return casadi.gradient(node, x)
        return node.diff(x)

    return least(work)


def substitution(peer: str, which: str, leaves: int) -> float:
    """Substitute numbers for every atom, or for one, in a large tree; ``sympy xreplace`` is SymPy's faster exact replacement."""
    base = peer.split()[0]
    module, symbols, _ = _system(base)
    a, b, c, d, e = symbols(5)
    tree = programs.build_tree(programs.leaf_tree(leaves), dict(a=a, b=b, c=c, d=d, e=e))
    values = {a: 0.5, b: 0.25, c: 1.5, d: 0.75, e: 1.25} if which == "every" else {a: 0.5}

    def work() -> Any:
        _fresh(base)
        if base == "casadi":
            return module.substitute(
                tree, module.vertcat(*values), module.vertcat(*map(module.SX, values.values()))
            )
        if peer == "sympy xreplace":
            return tree.xreplace({k: module.Float(v) for k, v in values.items()})
        return tree.subs(values)

    return least(work)


def grow_sum(peer: str, count: int) -> float:
    """Grow a sum of products one ``+`` at a time."""
    _, symbols, _ = _system(peer)
    xs = symbols(2 * count)

    def work() -> Any:
        _fresh(peer)
        total: Any = 0
        for i in range(count):
            total = total + xs[i] * xs[count + i]
        return total

    return least(work, rounds=3)


def expand_power(peer: str, exponent: int) -> float:
    """Expand (x + y + z + w)^exponent."""
    module, symbols, _ = _system(peer)
    x, y, z, w = symbols(4)
    power = (x + y + z + w) ** exponent

    def work() -> Any:
        _fresh(peer)
        return module.expand(power)

    return least(work, rounds=3)


def diff_expanded(peer: str) -> float:
    """Differentiate expand((x^y + y^z + z^x)^50), 1,326 terms."""
    module, symbols, _ = _system(peer)
    x, y, z = symbols(3)
    expanded = module.expand((x**y + y**z + z**x) ** 50)

    def work() -> Any:
        _fresh(peer)
        return expanded.diff(x)

    return least(work, rounds=3)


def shared_steps(peer: str, operations: int) -> float:
    """Find the common sub-expressions of the last ten values of the shared program."""
    module, symbols, functions = _system(peer)
    values = programs.build(programs.shared_dag(operations, False), symbols(10), functions)[-10:]

    def work() -> Any:
        _fresh(peer)
        return module.cse(module.vertcat(*values)) if peer == "casadi" else module.cse(values)

    return least(work, rounds=3)


def import_time(peer: str) -> float:
    """Time the import in a process that has imported nothing else of weight."""
    import importlib
    import time

    begin = time.perf_counter()
    importlib.import_module(peer)
    return time.perf_counter() - begin
