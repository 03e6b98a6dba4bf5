"""Build, differentiate, substitute, expand: symnum's interned terms beside SymPy, SymEngine and CasADi."""

from __future__ import annotations

from typing import Any

import programs
from harness import Row, in_own_process, least, limit_row, row

import symnum as sn

PEERS = ("sympy", "symengine", "casadi")
TIMES = 20.0
"""How many times faster than SymPy the terms have to be."""


def _compare(
    name: str, ours: float, function: str, *arguments: Any, peers: tuple[str, ...] = PEERS
) -> list[Row]:
    rows = []
    for peer in peers:
        theirs = in_own_process("peers_symbolic", function, peer, *arguments)
        if theirs == "not installed":
            continue
        against = peer == "sympy"
        rows.append(
            row(
                name,
                peer,
                ours,
                theirs,
                f">= {TIMES:.0f}x SymPy" if against else "",
                TIMES if against else None,
            )
        )
    return rows


def _dag(operations: int, chained: bool) -> tuple[list[Any], list[Any], Any]:
    xs = list(sn.symbols("x0:10"))
    values = programs.build(programs.shared_dag(operations, chained), xs, {"sin": sn.sin, "exp": sn.exp})[
        -10:
    ]
    total = values[0]
    for v in values[1:]:
        total = total + v
    return xs, values, total


def derivative_rows() -> list[Row]:
    """Return Jacobians and Hessians of shared programs; in a chained one each operation uses the value before it."""
    out = []
    for operations, chained in ((200, False), (2000, False), (200, True), (2000, True)):
        xs, values, total = _dag(operations, chained)
        shape = f"10 x 10, {'chained' if chained else 'shared'} program of {operations} operations"
        ours = least(lambda xs=xs, values=values: sn.jacobian(values, xs))
        out += _compare(f"Jacobian {shape}", ours, "derivative_matrix", "jacobian", operations, chained)
        ours = least(lambda xs=xs, total=total: sn.hessian(total, xs))
        out += _compare(f"Hessian {shape}", ours, "derivative_matrix", "hessian", operations, chained)
    return out


def chain_rows() -> list[Row]:
    """Return nested chains, built and differentiated."""
    x, y = sn.symbols("x0 x1")

    def nested(depth: int) -> Any:
        node = x
        for k in range(depth):
            node = sn.exp((x if k % 2 else y) * node)
        return sn.diff(node, x)

    def products(depth: int) -> Any:
        node = x
        for k in range(depth):
            node = (x if k % 2 else y) * node + 1
        return sn.diff(node, x)

    return [
        *_compare(
            "chain exp(x*exp(y*...)), 100 deep, build and differentiate",
            least(lambda: nested(100)),
            "chain",
            100,
        ),
        *_compare(
            "chain ((x*y + 1)*x + 1)*..., 200 deep, build and differentiate",
            least(lambda: products(200)),
            "product_chain",
            200,
        ),
    ]


def substitution_rows() -> list[Row]:
    """Return substitution of numbers in a tree of 3,000 leaves."""
    a, b, c, d, e = sn.symbols("x0:5")
    tree = programs.build_tree(programs.leaf_tree(3000), dict(a=a, b=b, c=c, d=d, e=e))
    every, one = {a: 0.5, b: 0.25, c: 1.5, d: 0.75, e: 1.25}, {a: 0.5}
    peers = ("sympy", "sympy xreplace", "symengine", "casadi")
    return [
        *_compare(
            "substitute every atom in a tree of 3,000 leaves",
            least(lambda: sn.substitute(tree, every)),
            "substitution",
            "every",
            3000,
            peers=peers,
        ),
        *_compare(
            "substitute one atom in a tree of 3,000 leaves",
            least(lambda: sn.substitute(tree, one)),
            "substitution",
            "one",
            3000,
            peers=peers,
        ),
    ]


def sum_and_expand_rows() -> list[Row]:
    """Return long sums, expanded powers and their derivative."""
    names = sn.symbols("x0:10000")

    def grow() -> Any:
        total = sn.number(0)
        for i in range(5000):
            total = total + names[i] * names[5000 + i]
        return total

    x, y, z, w = sn.symbols("x0:4")
    power = (x + y + z + w) ** 32
    dense = sn.expand((x**y + y**z + z**x) ** 50)
    grown = least(grow)
    expanded = least(lambda: sn.expand(power))
    return [
        limit_row("grow a sum of 5,000 products with +", grown, 0.15, "<= 0.15 s"),
        *_compare("grow a sum of 5,000 products with +", grown, "grow_sum", 5000),
        limit_row("expand (x + y + z + w)^32, 6,545 terms", expanded, 0.040, "<= 40 ms"),
        *_compare(
            "expand (x + y + z + w)^32, 6,545 terms",
            expanded,
            "expand_power",
            32,
            peers=("sympy", "symengine"),
        ),
        *_compare(
            "d/dx of expand((x^y + y^z + z^x)^50), 1,326 terms",
            least(lambda: sn.diff(dense, x)),
            "diff_expanded",
            peers=("sympy", "symengine"),
        ),
    ]


def import_rows() -> list[Row]:
    """Return the time of ``import symnum``, the least of five fresh processes."""
    ours = min(in_own_process("peers_symbolic", "import_time", "symnum") for _ in range(5))
    theirs = min(in_own_process("peers_symbolic", "import_time", "sympy") for _ in range(3))
    return [limit_row("import symnum", ours, 0.3, "< 0.3 s"), row("import symnum", "sympy", ours, theirs)]


def rows() -> list[Row]:
    """Return all rows of this file."""
    return [*import_rows(), *chain_rows(), *derivative_rows(), *substitution_rows(), *sum_and_expand_rows()]
