"""Programs as regular expressions, and their equality in Kleene algebra.

The largest closed parts without a star are replaced by their spans, and a span by the shortest closed programs of which it is the
sequence: these are the letters.  Two programs whose letters form the same language have the same set of answers on every memory, as the
answers of a program are those of the words of its language.  The converse is not true: letters commute, cancel and clash.

Languages are compared on automata of positions (Glushkov, "The abstract theory of automata", 1961), made deterministic as far as is
needed, by merging pairs of sets of positions (Hopcroft and Karp, "A linear algorithm for testing equivalence of finite automata", 1971).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import groupby, pairwise

from symnum import term as interface
from symnum.rewriting.machines.nodes import Node, call, is_head
from symnum.rewriting.machines.rmc.reduction import in_order, reduce
from symnum.rewriting.machines.rmc.results import Limits
from symnum.rewriting.machines.rmc.span import letters_of, spans
from symnum.rewriting.machines.rmc.syntax import SEQ, SKIP, STAR, SUM, ZERO, is_program, parts, plus, seq

_MOST_PAIRS, _MOST_MOVES = 20_000, 2_000_000
"""Pairs of sets of positions that are compared, and moves of an automaton."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What an automaton needs to know of a part: whether it may be empty, its first and last positions, and which follow which."""

    empty: bool
    first: frozenset[int]
    last: frozenset[int]


@dataclass(slots=True)
class Automaton:
    """An automaton of positions: ``letters`` of positions, ``start`` and ``after`` give the next ones, ``final`` those that may end.

    ``empty`` tells whether the empty word is accepted.
    """

    letters: list[Node]
    start: frozenset[int]
    after: list[set[int]]
    final: frozenset[int]
    empty: bool


_LIMITS = Limits(steps=100_000, answers=2_000)


def expression(program: Node, *, limits: Limits = _LIMITS) -> Node:
    """Return a program in which the largest closed parts without a star are sums of sequences of letters.

    Raises OverflowError where such a part has more spans than the limits allow.

    >>> from symnum.rewriting.machines.rmc.parser import parse
    >>> expression(parse("([a]; <a>; [b])*; new x. [x]; <c>"))
    [b]*
    """
    starry = _with_star(program)
    done: dict[Node, Node] = {}
    stack = [program]
    while stack:
        term = stack[-1]
        if term in done:
            stack.pop()
            continue
        if term.free == 0 and term not in starry:
            done[term] = _as_letters(term, limits)
        elif term.free == 0 and term.head.name in (SEQ, SUM, STAR):
            inner = _runs(term, starry)
            missing = [part for part in inner if part not in done]
            if missing:
                stack.extend(missing)
                continue
            done[term] = call(term.head.name, *[done[part] for part in inner])
        else:
            # a part that shares an unknown across a star is one letter, if reduction does not take it apart
            reduced = in_order(reduce(term))
            if is_letter(reduced):
                done[term] = reduced
            elif reduced in done:
                done[term] = done[reduced]
            else:
                starry |= _with_star(reduced)
                stack.append(reduced)
                continue
        stack.pop()
    return done[program]


def is_letter(program: Node) -> bool:
    """Tell whether an expression is neither skip, 0, a sequence, a sum nor a star."""
    return program.head.name not in (SKIP, ZERO, SEQ, SUM, STAR)


def _with_star(program: Node) -> set[Node]:
    """Return the parts of a program that have a star in them."""
    found: set[Node] = set()
    for part in interface.postorder(program):
        if is_program(part) and (is_head(part, STAR) or any(inner in found for inner, _ in parts(part))):
            found.add(part)
    return found


def _runs(term: Node, starry: set[Node]) -> list[Node]:
    """Return the parts of a program, neighbours without a star in a sequence taken together."""
    if term.head.name != SEQ:
        return list(term.args)
    found: list[Node] = []
    for has_star, group in groupby(term.args, lambda part: part in starry):
        run = list(group)
        found += run if has_star else [seq(*run)]
    return found


def _as_letters(term: Node, limits: Limits) -> Node:
    found = spans(term, limits=limits)
    return plus(*[seq(*letters_of(span)) for span in sorted(found, key=str) for _ in range(found[span])])


# --- automata ---------------------------------------------------------------------------------------------------------------


def automaton(program: Node) -> Automaton:
    """Return the automaton of positions of an expression; what is no sequence, sum, star, skip or 0 is a letter.

    Raises OverflowError for one with too many moves.

    >>> from symnum.rewriting.machines.rmc.parser import parse
    >>> found = automaton(parse("([a] + [b])*; [a]"))
    >>> found.letters, sorted(found.start), sorted(found.final), found.empty
    ([[a], [b], [a]], [0, 1, 2], [2], False)
    """
    letters: list[Node] = []
    after: list[set[int]] = []
    done: list[_Part] = []
    moves = 0
    # an entry is a program to be entered, or (head, number of its parts) to be put together
    stack: list[Node | tuple[str, int]] = [program]
    while stack:
        entry = stack.pop()
        if isinstance(entry, tuple):
            head, count = entry
            inner = done[len(done) - count :]
            del done[len(done) - count :]
            moves += sum([len(p.last) * len(q.first) for p, q in pairwise([*inner, inner[0]])])
            if moves > _MOST_MOVES:
                raise OverflowError(
                    f"the automaton was not made: it may have more than {_MOST_MOVES:,} moves"
                )
            done.append(_joined(head, inner, after))
        elif entry.head.name in (SEQ, SUM, STAR):
            stack.append((entry.head.name, len(entry.args)))
            stack.extend(reversed(entry.args))
        elif entry.head.name in (SKIP, ZERO):
            done.append(_Part(entry.head.name == SKIP, frozenset(), frozenset()))
        else:  # a letter
            here = frozenset([len(letters)])
            letters.append(entry)
            after.append(set())
            done.append(_Part(False, here, here))
    whole = done.pop()
    return Automaton(letters, whole.first, after, whole.last, whole.empty)


def _joined(head: str, inner: list[_Part], after: list[set[int]]) -> _Part:
    if head == SUM:
        return _Part(
            any(p.empty for p in inner),
            frozenset().union(*[p.first for p in inner]),
            frozenset().union(*[p.last for p in inner]),
        )
    if head == STAR:
        for position in inner[0].last:
            after[position] |= inner[0].first
        return _Part(True, inner[0].first, inner[0].last)
    so_far = _Part(True, frozenset(), frozenset())
    dead = any(not p.empty and not p.first for p in inner)
    for part in inner:
        for position in so_far.last:
            after[position] |= part.first
        so_far = _Part(
            so_far.empty and part.empty,
            so_far.first | part.first if so_far.empty else so_far.first,
            so_far.last | part.last if part.empty else part.last,
        )
    return _Part(False, frozenset(), frozenset()) if dead else so_far


def differ(one: Node, other: Node) -> list[Node] | None:
    """Return a word that is in the language of just one of two expressions, or None where the languages are the same.

    Raises OverflowError where more pairs of sets of positions are met than is allowed.

    >>> from symnum.rewriting.machines.rmc.parser import parse
    >>> differ(parse("([a] + [b])*"), parse("([a]*; [b]*)*")), differ(parse("[a]*"), parse("([a]; [a])*"))
    (None, [[a]])
    """
    machines = automaton(one), automaton(other)
    start = tuple([(m.start, m.empty) for m in machines])
    parent: dict[tuple[int, frozenset[int], bool], tuple[int, frozenset[int], bool]] = {}

    def root(state: tuple[int, frozenset[int], bool]) -> tuple[int, frozenset[int], bool]:
        while state in parent:
            state = parent[state]
        return state

    waiting: deque[tuple[tuple[frozenset[int], bool], tuple[frozenset[int], bool], tuple[Node, ...]]] = deque(
        [(start[0], start[1], ())]
    )
    met = 0
    while waiting:
        left, right, path = waiting.popleft()
        if left[1] != right[1]:
            return list(path)
        roots = root((0, *left)), root((1, *right))
        if roots[0] == roots[1]:
            continue
        parent[roots[0]] = roots[1]
        met += 1
        if met > _MOST_PAIRS:
            raise OverflowError(
                f"the languages were not compared to the end: more than {_MOST_PAIRS:,} pairs of states are met"
            )
        moves = [_moves(m, state[0]) for m, state in zip(machines, (left, right))]
        for letter in dict.fromkeys([*moves[0], *moves[1]]):
            targets = [
                (reached, bool(reached & m.final))
                for m, move in zip(machines, moves)
                for reached in [move.get(letter, frozenset())]
            ]
            waiting.append((_next(machines[0], targets[0]), _next(machines[1], targets[1]), (*path, letter)))
    return None


def _moves(machine: Automaton, state: frozenset[int]) -> dict[Node, frozenset[int]]:
    """Return the positions that a set of possible next positions leads to, by letter."""
    found: dict[Node, set[int]] = {}
    for position in sorted(state):
        found.setdefault(machine.letters[position], set()).add(position)
    return {letter: frozenset(positions) for letter, positions in found.items()}


def _next(machine: Automaton, target: tuple[frozenset[int], bool]) -> tuple[frozenset[int], bool]:
    """Return what may come after positions just read, and whether the word may end there."""
    return frozenset().union(*[machine.after[p] for p in target[0]]), target[1]
