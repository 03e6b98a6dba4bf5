"""Choice by streams: programs that are random, with their exact distributions, and programs with any choice, with their outcomes.

[M] ``⊤ = ⟨x⟩.⟨y⟩.x``, ``⊥ = ⟨x⟩.⟨y⟩.y``, ``M ⊕ N = [N].[M].rnd⟨b⟩.b``: ⊤ picks M.  The probability of an outcome is the measure of the
streams that lead to it; what a non-deterministic program may do is the set over all streams.  A dropped sample, ``rnd⟨_⟩``, is
invisible in the distribution, but no rule removes it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symnum.rewriting.machines.fmc.machine import Run, RunLimits, execute, read_program
from symnum.rewriting.machines.fmc.memory import Given, Stream, read_memory
from symnum.rewriting.machines.fmc.syntax import MAIN, pop, program, push, run
from symnum.rewriting.machines.nodes import index

FIRST: Any = pop(MAIN, "x", pop(MAIN, "y", run(index(1))))
"""The boolean ⊤ = ⟨x⟩.⟨y⟩.x."""

SECOND: Any = pop(MAIN, "x", pop(MAIN, "y", run(index(0))))
"""The boolean ⊥ = ⟨x⟩.⟨y⟩.y."""


def choose(first: Any, second: Any, location: str = "rnd") -> Any:
    """Return ``first ⊕ second``, decided by the next bit of a stream.

    >>> from symnum.rewriting.machines import fmc
    >>> choose(fmc.parse("[1]"), fmc.parse("[2]"))
    [[2]].[[1]].rnd⟨b⟩.b
    """
    decide = pop(location, "b", run(index(0)))
    return push(program(second), MAIN, push(program(first), MAIN, decide))


@dataclass(frozen=True, slots=True)
class Distribution:
    """Hold the exact probabilities of outcomes.

    ``stuck`` is the probability that a run is stuck or exceeds its steps, and ``undecided`` that it needs more bits than were allowed.
    All of them add up to 1.
    """

    outcomes: dict[Hashable, Fraction]
    stuck: Fraction
    undecided: Fraction

    def __getitem__(self, outcome: Hashable) -> Fraction:
        return self.outcomes.get(outcome, Fraction(0))


Observe = Callable[[Run], Hashable]
"""What of a run counts as its outcome."""


def distribution(
    term: Any,
    memory: Given | None = None,
    *,
    location: str = "rnd",
    observe: str | Observe | None = None,
    bits: int = 16,
    limits: RunLimits | None = None,
) -> Distribution:
    """Return the exact distribution of a program whose ``location`` is a stream of fair random bits.

    Runs are followed for up to ``bits`` bits, and each stream of n bits has probability 2^-n.  ``observe`` is what counts as the outcome:
    the stack of a location, bottom first, any function of the :class:`Run`, or by default the final memory and the exit.

    >>> coin_by_name = "[rnd<b>.[b]out].<c>.c.c"
    >>> for out, probability in distribution(coin_by_name, observe="out").outcomes.items():
    ...     print(out, probability)
    (⟨x⟩.⟨y⟩.x, ⟨x⟩.⟨y⟩.x) 1/4
    (⟨x⟩.⟨y⟩.x, ⟨x⟩.⟨y⟩.y) 1/4
    (⟨x⟩.⟨y⟩.y, ⟨x⟩.⟨y⟩.x) 1/4
    (⟨x⟩.⟨y⟩.y, ⟨x⟩.⟨y⟩.y) 1/4
    """
    outcomes: dict[Hashable, Fraction] = {}
    stuck = undecided = Fraction(0)
    for found, weight in _branches(term, memory, location, bits, limits):
        if found is None:
            undecided += weight
        elif found.stop != "done":
            stuck += weight
        else:
            outcome = _outcome(found, observe)
            outcomes[outcome] = outcomes.get(outcome, Fraction(0)) + weight
    return Distribution(outcomes, stuck, undecided)


def possibilities(
    term: Any,
    memory: Given | None = None,
    *,
    location: str = "nd",
    observe: str | Observe | None = None,
    bits: int = 16,
    limits: RunLimits | None = None,
) -> dict[Hashable, int]:
    """Return the outcomes that a program with arbitrary choices may have, in the order in which they are met, with their choices.

    Takes what :func:`distribution` takes; the values count the streams of choices that lead to an outcome.

    >>> list(possibilities("[[1]].[[2]].nd<b>.b", observe="λ"))
    [(2,), (1,)]
    """
    outcomes: dict[Hashable, int] = {}
    for found, _ in _branches(term, memory, location, bits, limits):
        if found is not None and found.stop == "done":
            outcome = _outcome(found, observe)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


def _branches(
    term: Any, memory: Given | None, location: str, bits: int, limits: RunLimits | None
) -> Iterator[tuple[Run | None, Fraction]]:
    """Yield each run with its probability, None for one that needs more bits; a run is started anew with one bit more."""
    parsed, given = read_program(term), read_memory(memory)
    streams = [a for a, s in given.items() if isinstance(s, Stream)]
    if streams:
        raise TypeError(
            f"location {streams[0]!r} has an iterator, which can be read only once, but every branch reads it anew; give a list"
        )
    waiting: list[tuple[Any, ...]] = [()]
    while waiting:
        prefix = waiting.pop()
        branch: dict[str, Any] = {**given, location: iter(prefix)}
        found = execute(parsed, branch, limits=limits)
        if found.stop == "stuck" and found.location == location:
            if len(prefix) == bits:
                yield None, Fraction(1, 2**bits)
            else:
                waiting.extend([(*prefix, SECOND), (*prefix, FIRST)])
        else:
            yield found, Fraction(1, 2 ** len(prefix))


def _outcome(found: Run, observe: str | Observe | None) -> Hashable:
    if observe is None:
        stacks = tuple([(a, tuple(stack)) for a, stack in sorted(found.memory.items()) if stack])
        return (*stacks, found.exit)
    if isinstance(observe, str):
        return tuple(found.memory.get(observe, ()))
    return observe(found)
