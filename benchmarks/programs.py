"""The workloads of the symbolic benchmark, written once and run by every system through a small table of operations."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Spec = list[tuple[str, int, int]]


def shared_dag(operations: int, chained: bool = False, inputs: int = 10, seed: int = 0) -> Spec:
    """Return a random program: each step names an operation and two earlier values, so that values are shared.

    In a chained program the first of the two is the value just before, so that the last value needs them all.
    """
    draw = random.Random(seed)
    steps: Spec = []
    for k in range(operations):
        known = inputs + k
        first = known - 1 if chained else draw.randrange(known)
        steps.append((draw.choice(["+", "+", "*", "*", "-", "sin", "exp"]), first, draw.randrange(known)))
    return steps


def build(steps: Spec, inputs: list[Any], functions: dict[str, Callable[..., Any]]) -> list[Any]:
    """Run a program on symbols; exp is taken of a small multiple, so that values stay finite."""
    values = list(inputs)
    for head, i, j in steps:
        a, b = values[i], values[j]
        if head == "+":
            values.append(a + b)
        elif head == "-":
            values.append(a - 2 * b)
        elif head == "*":
            values.append(a * b)
        else:
            values.append(functions[head](a))
    return values


def leaf_tree(leaves: int, seed: int = 1) -> list[str]:
    """Return a random sum-product tree with this many leaves in postfix order, over the atoms a .. e and small numbers."""
    draw = random.Random(seed)
    out: list[str] = []
    depth = made = 0
    while made < leaves or depth > 1:
        if depth >= 2 and (made >= leaves or draw.random() < 0.45):
            out.append(draw.choice(["+", "*"]))
            depth -= 1
        else:
            out.append(draw.choice(["a", "b", "c", "d", "e", "1", "2"]))
            made += 1
            depth += 1
    return out


def build_tree(postfix: list[str], atoms: dict[str, Any]) -> Any:
    """Build a postfix tree."""
    stack: list[Any] = []
    for word in postfix:
        if word in ("+", "*"):
            b, a = stack.pop(), stack.pop()
            stack.append(a + b if word == "+" else a * b)
        else:
            stack.append(atoms[word] if word in atoms else int(word))
    return stack[-1]
