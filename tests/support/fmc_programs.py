"""Random programs of the Functional Machine Calculus and random lambda terms, for tests and measurements."""

from __future__ import annotations

import random
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.fmc.lambda_calculus import abstraction, application
from symnum.rewriting.machines.fmc.reduction import RULES, TYPED_RULES, Redex, contract
from symnum.rewriting.machines.fmc.syntax import SKIP, case, exit_with, loop, pop, push, run
from symnum.rewriting.machines.nodes import Node, call, index

LOCATIONS = ("λ", "λ", "a", "b")
LABELS = ("⋆", "i", "j")


def random_program(
    rng: random.Random,
    size: int,
    *,
    bound: int = 0,
    control: bool = False,
    loops: bool = False,
    formulas: bool = False,
) -> Any:
    """Return a program without free indices from ``bound`` on, with about ``size`` instructions."""
    options = {"control": control, "loops": loops, "formulas": formulas}
    if size <= 0:
        return exit_with(rng.choice(LABELS)) if control and rng.random() < 0.4 else SKIP
    chance = rng.random()
    if control and chance < 0.25:
        left = rng.randrange(size)
        inner = random_program(rng, left, bound=bound, **options)
        if loops and rng.random() < 0.3:
            return loop(inner, rng.choice(LABELS))
        return case(inner, rng.choice(LABELS), random_program(rng, size - 1 - left, bound=bound, **options))
    if chance < 0.5:
        inner_size = rng.randrange(size)
        if formulas and bound and rng.random() < 0.4:
            pushed = run(call("+", index(rng.randrange(bound)), rng.randrange(3)))
        elif bound and rng.random() < 0.4:
            pushed = run(index(rng.randrange(bound)))
        else:
            pushed = random_program(rng, inner_size, bound=bound, **options)
        rest = random_program(rng, size - 1 - inner_size, bound=bound, **options)
        return push(pushed, rng.choice(LOCATIONS), rest)
    if chance < 0.8 or not bound:
        return pop(
            rng.choice(LOCATIONS),
            rng.choice("xyz"),
            random_program(rng, size - 1, bound=bound + 1, **options),
        )
    return run(index(rng.randrange(bound)), random_program(rng, size - 1, bound=bound, **options))


def random_lambda(rng: random.Random, size: int, bound: int = 0) -> Any:
    """Return a closed lambda term with about ``size`` nodes."""
    if size <= 1 and bound:
        return index(rng.randrange(bound))
    if size <= 2 or not bound or rng.random() < 0.4:
        return abstraction(rng.choice("xyz"), random_lambda(rng, size - 1, bound + 1))
    left = rng.randrange(1, size)
    return application(random_lambda(rng, left, bound), random_lambda(rng, size - left, bound))


def random_redex(rng: random.Random, term: Any, *, eta: bool = False) -> Redex | None:
    """Return a redex of a program, chosen at random, or None for a normal form."""
    rules = list((TYPED_RULES if eta else RULES).items())
    places: list[tuple[Any, tuple[int, ...]]] = []
    stack: list[tuple[Any, tuple[int, ...]]] = [(term, ())]
    while stack:
        part, path = stack.pop()
        places.append((part, path))
        stack.extend([(a, (*path, i)) for i, a in enumerate(part.args) if isinstance(a, Node) and a.args])
    rng.shuffle(places)
    for part, path in places:
        rng.shuffle(rules)
        for name, rule in rules:
            made = rule(part)
            if made is not None:
                return Redex(name, path, made)
    return None


def randomly_normalized(
    rng: random.Random, term: Any, *, eta: bool = False, steps: int = 150, nodes: int = 400
) -> Any | None:
    """Return the normal form that random steps lead to, or None where they exceed a number of steps or nodes."""
    for _ in range(steps):
        redex = random_redex(rng, term, eta=eta)
        if redex is None:
            return term
        term = contract(term, redex)
        if interface.node_count(term) > nodes:
            return None
    return None
