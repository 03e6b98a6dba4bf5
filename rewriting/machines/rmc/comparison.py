"""Equality of programs, at three levels that are kept apart.

    multiset     the same answers as often, on every memory, also one that holds unknowns
    set          the same answers on every memory, however often: the level of Def. 4.3 of the paper [C]
    relational   the same relation between ground memories, over infinitely many constants

Each level follows from the one above.  Star-free programs are decided at every level by their spans [R]: equal multisets; equal sets, once
spans are left out that only spell out more of the stacks below than another one; and mutual inclusion of instances.  (With finitely many
constants more relations are equal, such as that of ``new x. <x>`` and that of ``<z> + new y. <s(y)>`` over z and s: see :func:`den`.)

With a star, programs are proved equal as sets of answers by reduction, by automata (Kleene algebra) or by an e-graph, and proved
different by a memory on which one of them has an answer that the other has not.  There is no decision procedure: None is an answer too.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from symnum.rewriting.limits import refuse_other_limits
from symnum.rewriting.machines.nodes import Node, call
from symnum.rewriting.machines.rmc.egraph import prove
from symnum.rewriting.machines.rmc.kleene import automaton, differ, expression
from symnum.rewriting.machines.rmc.machine import Run, run
from symnum.rewriting.machines.rmc.printer import format, quoted
from symnum.rewriting.machines.rmc.reduction import in_order, reduce
from symnum.rewriting.machines.rmc.results import Answer, Limits
from symnum.rewriting.machines.rmc.rules import RULES
from symnum.rewriting.machines.rmc.span import Span, has_star, matches, spans, subsumes, without_frame
from symnum.rewriting.machines.rmc.syntax import (
    STAR,
    Memory,
    as_memory,
    as_program,
    constant,
    free_unknowns,
    is_step,
    location_of,
    new,
    parts,
    plus,
    pop,
    push,
    seq,
    skip,
    value_of,
)
from symnum.rewriting.machines.rmc.unification import is_ground, resolve, unbound
from symnum.rewriting.strategies import RewriteLoopError

LEVELS = ("multiset", "set", "relational")

_LIMITS = Limits(steps=200_000, answers=5_000, seconds=5.0, waiting=100_000)
_TRIAL = Limits(steps=1_000, answers=100, seconds=1.0, waiting=1_000)
_MOST_TRIALS = 40


@dataclass(frozen=True, slots=True)
class EqualityReport:
    """What is known at each level, True, False or None, and why; ``witness`` is a memory on which the programs differ."""

    multiset: bool | None
    set: bool | None
    relational: bool | None
    why: str
    witness: dict[str, tuple[Any, ...]] | None = None

    @property
    def level(self) -> str | None:
        """Return the strongest level at which the programs are known to be equal."""
        return next((level for level in LEVELS if getattr(self, level)), None)

    def __bool__(self) -> bool:
        raise TypeError(
            "an equality report has three levels; ask for .multiset, .set or .relational, or call rmc.equal(a, b, level=...)"
        )

    def __str__(self) -> str:
        words = {True: "equal", False: "different", None: "not known"}
        return ", ".join([f"{level}: {words[getattr(self, level)]}" for level in LEVELS]) + f" ({self.why})"


def equal(
    one: Node | str, other: Node | str, level: str = "relational", *, limits: Limits = _LIMITS
) -> bool | None:
    """Tell whether two programs are equal at a level: True, False, or None where it is not known; see :func:`equality`.

    >>> equal("<a> + new x. <x>", "new x. <x>"), equal("<a> + new x. <x>", "new x. <x>", "set")
    (True, False)
    >>> equal("([a] + [b])*", "([a]*; [b]*)*", "set")
    True
    """
    if level not in LEVELS:
        raise ValueError(f"there is no level {level!r}; choose one of {', '.join(map(repr, LEVELS))}")
    return getattr(equality(one, other, limits=limits), level)


def equality(one: Node | str, other: Node | str, *, limits: Limits = _LIMITS) -> EqualityReport:
    """Compare two programs at the three levels, and say why.

    >>> print(equality("skip + skip", "skip"))
    multiset: different, set: equal, relational: equal (the spans are the same, but not as often)
    >>> print(equality("new x. <x>; [x]", "skip"))
    multiset: different, set: different, relational: different (ε: the second has the answer yes, which the first has not)
    >>> equality("([a]; [b])*; [a]", "[a]; ([b]; [a])*").why
    'the letters form the same language'
    """
    programs = as_program(one), as_program(other)
    refuse_other_limits(limits, Limits, "equality")
    if programs[0] == programs[1]:
        return EqualityReport(True, True, True, "they are one program, up to the names of bound unknowns")
    if not has_star(programs[0]) and not has_star(programs[1]):
        try:
            return _of_spans(*programs, limits)
        except OverflowError as problem:
            return EqualityReport(None, None, None, str(problem))
    return _with_star(*programs, limits)


# --- without a star ---------------------------------------------------------------------------------------------------------


def _of_spans(one: Node, other: Node, limits: Limits) -> EqualityReport:
    found = spans(one, limits=limits), spans(other, limits=limits)
    if found[0] == found[1]:
        return EqualityReport(True, True, True, "they have the same spans, each as often")
    if _essential(found[0]) == _essential(found[1]):
        same = found[0].keys() == found[1].keys()
        why = (
            "the spans are the same, but not as often"
            if same
            else "the spans differ only in what they spell out of the stacks below"
        )
        return EqualityReport(False, True, True, why)
    names = sorted({*free_unknowns(one), *free_unknowns(other)}, key=str)
    first, second = [_closed(program, names) for program in (one, other)]
    closed = [list(spans(program, limits=limits)) for program in (first, second)]
    for special, general, who in ((0, 1, "first"), (1, 0, "second")):
        for span in closed[special]:
            if not any(subsumes(candidate, span) for candidate in closed[general]):
                memory = _memory_of(span)
                trial = _compare(first, second, memory)
                why = (
                    trial.why
                    if trial is not None
                    else f"the {who} has the span {span!s}, which the other has not"
                )
                return EqualityReport(False, False, False, why, memory)
    return EqualityReport(False, False, True, "each span is an instance of one of the other program")


def _essential(found: Counter[Span]) -> set[tuple[Span, tuple[tuple[str, int], ...]]]:
    """Return the spans without their frames, each with the least frames; a span with a larger frame gives no other answer."""
    frames: dict[Span, list[dict[str, int]]] = {}
    for span in found:
        core, frame = without_frame(span)
        frames.setdefault(core, []).append(dict(frame))
    kept = set()
    for core, options in frames.items():
        for option in options:
            if not any(_is_less(less, option) for less in options):
                kept.add((core, tuple(sorted(option.items()))))
    return kept


def _is_less(one: dict[str, int], other: dict[str, int]) -> bool:
    return one != other and all(count <= other.get(location, 0) for location, count in one.items())


def _closed(program: Node, names: list[Node]) -> Node:
    """Return a closed program that says on a location of its own what the free unknowns of a program are."""
    if not names:
        return program
    location = "free unknowns"
    return new(names, seq(*[pop(u, location) for u in names], program, *[push(u, location) for u in names]))


def _memory_of(span: Span) -> dict[str, tuple[Any, ...]]:
    """Return the most general memory on which a span has an answer, its unknowns being constants that occur nowhere else."""
    values = [v for _, stack in span.pops for v in stack]
    names = {
        u: constant(f"c{i}'")
        for i, u in enumerate(dict.fromkeys([u for v in values for u in unbound(v, {})]))
    }
    return {location: tuple([resolve(v, names) for v in stack][::-1]) for location, stack in span.pops}


# --- with a star ------------------------------------------------------------------------------------------------------------


def _with_star(one: Node, other: Node, limits: Limits) -> EqualityReport:
    strict = tuple([rule for rule in RULES if rule.name != "idle"])
    try:
        if in_order(reduce(one, rules=strict)) == in_order(reduce(other, rules=strict)):
            return EqualityReport(True, True, True, "they reduce to one normal form")
    except RewriteLoopError as problem:
        return EqualityReport(None, None, None, str(problem))
    names = sorted({*free_unknowns(one), *free_unknowns(other)}, key=str)
    first, second = [_closed(program, names) for program in (one, other)]
    word, letters = None, None
    same = EqualityReport(None, True, True, "the letters form the same language")
    try:
        # letters as they are written, and then those of the normal forms: sequences that slide around a star may lose their letters
        if differ(one, other) is None:
            return same
        letters = [expression(program, limits=limits) for program in (first, second)]
        word = differ(*letters)
        if word is None:
            return same
    except OverflowError:
        pass  # too many spans, or too large automata: a difference may be found all the same
    if letters is not None and word is not None and _is_free(letters):
        why = f"pushes alone, or pops alone, of known values at one place are free, and one language has {seq(*word)!s}"
        return EqualityReport(False, False, False, why, _memory_of_word(word))
    different = _refuted(first, second, word, limits)
    if different is not None:
        return different
    if letters is not None and prove(*letters):
        return EqualityReport(None, True, True, "an e-graph has them in one class")
    return EqualityReport(None, None, None, "neither a proof nor a memory on which they differ was found")


def _is_free(expressions: list[Node]) -> bool:
    """Tell whether words mean the same only if they are the same: Kleene algebra is then complete."""
    letters = {letter for e in expressions for letter in automaton(e).letters}
    return (
        len({letter.head.name for letter in letters}) == 1
        and all(is_step(letter) and is_ground(value_of(letter)) for letter in letters)
        and len({location_of(letter) for letter in letters}) == 1
    )


def _memory_of_word(word: list[Node]) -> dict[str, tuple[Any, ...]]:
    return _memory_of(next(iter(spans(seq(*word)))))


def _refuted(one: Node, other: Node, word: list[Node] | None, limits: Limits) -> EqualityReport | None:
    """Look for a memory on which the programs differ: those that the word, or short runs of the programs, ask for."""
    weaker: EqualityReport | None = None
    start = time.monotonic()
    for memory in _trials(one, other, word):
        if time.monotonic() - start > limits.seconds:
            break
        found = _compare(one, other, memory)
        if found is not None:
            if found.relational is False:
                return found
            weaker = weaker or found
    return weaker


def _trials(one: Node, other: Node, word: list[Node] | None) -> Iterator[dict[str, tuple[Any, ...]]]:
    programs = [seq(*word)] if word else []
    programs += [_unrolled(p, turns) for turns in (1, 2) for p in (one, other)]
    seen: set[Any] = set()
    for program in programs:
        if has_star(program):
            continue
        try:
            found = spans(program, limits=Limits(steps=20_000, answers=200))
        except OverflowError:
            continue
        for span in found:
            memory = _memory_of(span)
            key = tuple(sorted((a, v) for a, v in memory.items()))
            if key not in seen and len(seen) < _MOST_TRIALS:
                seen.add(key)
                yield memory


def _unrolled(program: Node, turns: int) -> Node:
    """Return a program with each star replaced by up to so many turns."""
    done: dict[Node, Node] = {}
    stack = [program]
    while stack:
        term = stack[-1]
        inner = [part for part, _ in parts(term)]
        missing = [part for part in inner if part not in done]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        new_parts = [done[part] for part in inner]
        if term.head.name == STAR:
            made = skip
            for _ in range(turns):
                made = plus(skip, seq(new_parts[0], made))
            done[term] = made
        elif inner:
            arguments = [*new_parts] if len(new_parts) == len(term.args) else [term.args[0], *new_parts]
            done[term] = call(term.head.name, *arguments)
        else:
            done[term] = term
    return done[program]


def _compare(one: Node, other: Node, memory: Memory) -> EqualityReport | None:
    """Compare the answers on one memory, and return a report where they certainly differ."""
    runs = [run(program, memory, search="tabled", limits=_TRIAL) for program in (one, other)]
    stacks = as_memory(memory)
    place = ", ".join([f"{quoted(a)}: {' '.join(map(format, s))}" for a, s in stacks.items()]) or "ε"
    for mine, theirs, names in (
        (runs[0], runs[1], ("first", "second")),
        (runs[1], runs[0], ("second", "first")),
    ):
        answer = _missing(mine, theirs)
        if answer is not None:
            why = f"{place}: the {names[0]} has the answer {answer!s}, which the {names[1]} has not"
            return EqualityReport(False, False, False, why, stacks)
    if all(found.exhausted for found in runs) and runs[0].set != runs[1].set:
        return EqualityReport(
            False, False, None, f"{place}: the answers differ, though not their ground instances", stacks
        )
    return None


def _missing(mine: Run, theirs: Run) -> Answer | None:
    """Return an answer that is certainly no instance of another program's answers, all of which are known."""
    if not theirs.exhausted:
        return None
    return next((a for a in mine if not any(_is_instance(a, general) for general in theirs)), None)


def _is_instance(special: Answer, general: Answer) -> bool:
    one, two = special.memory, general.memory
    if {a: len(s) for a, s in one.items()} != {a: len(s) for a, s in two.items()}:
        return False
    return matches([pair for a in one for pair in zip(two[a], one[a])])
