"""Terms in columns: bulk operations beside SymEngine and CasADi, and the one rewriter on tree, interned and columns."""

from __future__ import annotations

from functools import partial
from typing import Any

import programs
from bench_representation import determinant_by_lu, random_term, trigonometric_product
from bench_symbolic import _compare
from harness import Row, least, row

import symnum as sn

PEERS = ("symengine", "casadi")


def rows() -> list[Row]:
    """Return all rows of this file; terms are in the store before the clock starts, as the peers' are built before theirs."""
    from symnum.columns import ready

    ready.prepare()
    return [*_derivatives(), *_polynomials(), *_substitutions(), *_lowering(), *_representations()]


def _dag(operations: int, chained: bool) -> tuple[list[Any], list[Any], Any]:
    xs = list(sn.symbols("x0:10", backend="columns"))
    steps = programs.shared_dag(operations, chained)
    values = programs.build(steps, xs, {"sin": sn.sin, "exp": sn.exp})[-10:]
    total = values[0]
    for v in values[1:]:
        total = total + v
    return xs, values, total


def _derivatives() -> list[Row]:
    """Return Jacobians and Hessians; SymEngine needs more than a minute for Hessians and for chained programs of this size."""
    out = []
    for operations, chained in ((200, False), (2000, False), (2000, True)):
        xs, values, total = _dag(operations, chained)
        shape = f"10 x 10, {'chained' if chained else 'shared'} program of {operations:,} operations"
        for kind, work in (
            ("Jacobian", lambda xs=xs, values=values: sn.jacobian(values, xs)),
            ("Hessian", lambda xs=xs, total=total: sn.hessian(total, xs)),
        ):
            quick = operations == 200 or (kind == "Jacobian" and not chained)
            peers = PEERS if quick else ("casadi",)
            ours = least(work, rounds=20)
            out += _compare(
                f"{kind} {shape}", ours, "derivative_matrix", kind.lower(), operations, chained, peers=peers
            )
    return out


def _polynomials() -> list[Row]:
    x, y, z, w = sn.symbols("x0:4", backend="columns")
    power = (x + y + z + w) ** 32
    dense = sn.expand((x**y + y**z + z**x) ** 50)
    return [
        *_compare(
            "expand (x + y + z + w)^32, 6,545 terms",
            least(lambda: sn.expand(power), rounds=20),
            "expand_power",
            32,
            peers=("symengine",),
        ),
        *_compare(
            "d/dx of expand((x^y + y^z + z^x)^50), 1,326 terms",
            least(lambda: sn.diff(dense, x), rounds=20),
            "diff_expanded",
            peers=("symengine",),
        ),
    ]


def _substitutions() -> list[Row]:
    atoms = dict(zip("abcde", sn.symbols("x0:5", backend="columns")))
    tree = programs.build_tree(programs.leaf_tree(3000), atoms)
    every = dict(zip(atoms.values(), (0.5, 0.25, 1.5, 0.75, 1.25)))
    one = {atoms["a"]: 0.5}
    found = []
    for name, which, given in (("every atom", "every", every), ("one atom", "one", one)):
        ours = least(lambda given=given: sn.substitute(tree, given), rounds=50)
        found += _compare(
            f"substitute {name} in a tree of 3,000 leaves", ours, "substitution", which, 3000, peers=PEERS
        )
    return found


def _lowering() -> list[Row]:
    from symnum.backends.columns import SHARED
    from symnum.columns import lower

    xs, values, _ = _dag(10_000, False)
    with SHARED.rows([*values, *xs]) as (store, ids):
        ours = least(lambda: lower(store, ids[: len(values)], ids[len(values) :]), rounds=20)
    return _compare("common sub-expressions of 10,000 operations", ours, "shared_steps", 10_000, peers=PEERS)


def _representations() -> list[Row]:
    """The same rewriter and algorithms on terms as written and on columns."""
    backends = ("columns", "tree")
    made = {
        b: (
            random_term(b, "+*"), random_term(b, "*/"), determinant_by_lu(b), trigonometric_product(b),
            _long_sum(b, 2000), sn.symbols("x00 a", backend=b),
        )
        for b in backends
    }  # fmt: skip
    steps: list[tuple[str, Any]] = [
        ("simplify random_term(1000) of * and /", lambda b: sn.simplify(made[b][1])),
        ("simplify random_term(1000) of + and *", lambda b: sn.simplify(made[b][0])),
        ("simplify a flat sum of 2,000 products with like terms", lambda b: sn.simplify(made[b][4])),
        ("simplify det(lu(5x5))", lambda b: sn.simplify(made[b][2])),
        ("differentiate det(lu(5x5))", lambda b: sn.diff(made[b][2], made[b][5][0])),
        ("differentiate a flat sum of 2,000 products", lambda b: sn.diff(made[b][4], made[b][5][1])),
        ("substitute 3 symbols in the product of sines", lambda b: _substituted(made[b][3], b)),
    ]
    return [
        row(
            name,
            "symnum tree, same rewriter",
            *(least(partial(step, backend), rounds=3, seconds=20.0) for backend in backends),
        )
        for name, step in steps
    ]


def _long_sum(backend: str, count: int) -> Any:
    """Return the sum of ``count`` products of two of forty symbols, as it is written."""
    import random

    draw = random.Random(3)
    names = [*sn.symbols("x0:39", backend=backend), sn.symbols("a", backend=backend)]
    total = draw.choice(names) * draw.choice(names)
    for _ in range(count - 1):
        total = total + draw.choice(names) * draw.choice(names)
    return total


def _substituted(term: Any, backend: str) -> Any:
    a, b, c = sn.symbols("a b c", backend=backend)
    return sn.substitute(term, {a: 1, b: b + c, c: a})
