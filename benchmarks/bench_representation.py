"""The same rewriter on two representations: terms as written (tree) against interned canonical terms.

The workloads are those of the paper's threads (arXiv:2105.03949; SymbolicUtils.jl pull request 154 and its benchmark suite):
random terms of 1,000 draws, the determinant by LU of a symbolic 5x5 matrix, and substitution in a product of sines and cosines.
"""

from __future__ import annotations

import random
from functools import partial
from typing import Any

from harness import Row, least, row

import symnum as sn

DRAWS = 1000
BACKENDS = ("interned", "tree")


def random_term(backend: str, heads: str, draws: int = DRAWS, seed: int = 0) -> Any:
    """Return a random term of ``draws`` atoms a, b, c, d, 1/a, 1/b, 1 and 2.0 joined by the two heads."""
    rng = random.Random(seed)
    a, b, c, d = sn.symbols("a b c d", backend=backend)
    atoms = [a, b, c, d, 1 / a, 1 / b, sn.number(1, backend=backend), sn.number(2.0, backend=backend)]

    def joined(left: Any, right: Any) -> Any:
        head = rng.choice(heads)
        return left + right if head == "+" else left * right if head == "*" else left / right

    parts = [rng.choice(atoms) for _ in range(draws)]
    while len(parts) > 1:
        parts = [
            joined(*parts[i : i + 2]) if len(parts[i : i + 2]) == 2 else parts[i]
            for i in range(0, len(parts), 2)
        ]
    return parts[0]


def determinant_by_lu(backend: str, size: int = 5) -> Any:
    """Return the product of the pivots of a symbolic matrix, without any simplification on the way."""
    matrix = [[sn.symbols(f"x{i}{j}", backend=backend) for j in range(size)] for i in range(size)]
    determinant = sn.number(1, backend=backend)
    for k in range(size):
        determinant = determinant * matrix[k][k]
        for i in range(k + 1, size):
            ratio = matrix[i][k] / matrix[k][k]
            for j in range(k + 1, size):
                matrix[i][j] = matrix[i][j] - ratio * matrix[k][j]
    return determinant


def trigonometric_product(backend: str) -> Any:
    """Return (sin(a+b)+cos(b+c))*(sin(b+c)+cos(c+a))*(sin(c+a)+cos(a+b))."""
    a, b, c = sn.symbols("a b c", backend=backend)
    return (sn.sin(a + b) + sn.cos(b + c)) * (sn.sin(b + c) + sn.cos(c + a)) * (sn.sin(c + a) + sn.cos(a + b))


def _substituted(term: Any, backend: str) -> Any:
    a, b, c = sn.symbols("a b c", backend=backend)
    return sn.substitute(term, {a: 1, b: b + c, c: a})


def rows() -> list[Row]:
    """Return one row for each step of each workload; the peer is the tree backend."""
    made = {
        b: (random_term(b, "+*"), random_term(b, "*/"), determinant_by_lu(b), trigonometric_product(b))
        for b in BACKENDS
    }
    steps: list[tuple[str, Any]] = [
        ("construct random_term(1000) of + and *", lambda b: random_term(b, "+*")),
        ("construct random_term(1000) of * and /", lambda b: random_term(b, "*/")),
        ("construct det(lu(5x5))", determinant_by_lu),
        ("simplify random_term(1000) of + and *", lambda b: sn.simplify(made[b][0])),
        ("simplify random_term(1000) of * and /", lambda b: sn.simplify(made[b][1])),
        ("simplify det(lu(5x5))", lambda b: sn.simplify(made[b][2])),
        ("differentiate det(lu(5x5))", lambda b: sn.diff(made[b][2], sn.symbols("x00", backend=b))),
        ("expand random_term(64) of + and *", lambda b: sn.expand(random_term(b, "+*", 64))),
        ("substitute 3 symbols in the product of sines", lambda b: _substituted(made[b][3], b)),
        (
            "simplify the product of sines after substitution",
            lambda b: sn.simplify(_substituted(made[b][3], b)),
        ),
    ]
    found = []
    for name, step in steps:
        ours, theirs = (least(partial(step, backend), rounds=3, seconds=20.0) for backend in BACKENDS)
        found.append(row(name, "symnum tree, same rewriter", ours, theirs))
    return found


if __name__ == "__main__":
    for r in rows():
        print(f"{r['name']:55s} {r['ours_seconds']:.5f} {r['peer_seconds']:.5f} {r['ratio']:.1f}")
