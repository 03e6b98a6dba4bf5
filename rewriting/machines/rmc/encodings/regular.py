"""Regular expressions, finite automata and push-down automata.

A word lies on a location, its first letter on top, above the constant ``end``.  A letter c is the pop ``i<c>``; concatenation, choice and
repetition are those of the calculus.  A word is accepted when ``r; i<end>`` has an answer.  The dual of a recogniser writes the words of
its language [R; measured equal to re.fullmatch].

A tabled search visits each pair of a place in the word and a place in the expression once, so that matching takes time linear in the
word, also where backtracking takes exponential time.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.duality import dual
from symnum.rewriting.machines.rmc.machine import answers
from symnum.rewriting.machines.rmc.results import DEFAULT_LIMITS, Limits
from symnum.rewriting.machines.rmc.syntax import (
    constant,
    constant_name,
    new,
    plus,
    pop,
    push,
    seq,
    skip,
    star,
    unknown,
    zero,
)
from symnum.text.tokens import ParseError

END = "end"
"""The constant below a word; letters are constants of one character, or of the code of one that cannot be quoted."""

_CLASSES = {"d": string.digits, "w": string.ascii_letters + string.digits + "_", "s": " \t\n\r\f\v"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_MOST_COPIES = 1000


def _letter(c: str) -> Node:
    return constant(c if c.isprintable() and c != "'" else f"U+{ord(c):04X}")


def _character(letter: Any) -> str:
    name = constant_name(letter)
    if name is None:
        return "?"  # any letter
    return chr(int(name[2:], 16)) if name.startswith("U+") else name


def word(text: Iterable[str], location: str = "i") -> dict[str, tuple[Node, ...]]:
    """Return the memory that holds a word.

    >>> word("ab")
    {'i': (end, b, a)}
    """
    return {location: (constant(END), *[_letter(c) for c in reversed(list(text))])}


def regex(pattern: str, location: str = "i", *, alphabet: str | None = None) -> Node:
    """Return the program that takes from a location what a regular expression matches.

    The syntax is that of Python's ``re`` without anchors, captures, look-around and back-references: letters, ``.`` (any letter, also a
    newline), ``[a-z]``, ``\\d \\w \\s``, ``|``, ``* + ? {m,n}``, ``(...)`` and ``(?:...)``.  ``[^...]``, ``\\D``, ``\\W`` and ``\\S`` need
    the alphabet.  Lazy repetition is accepted, as it makes no difference to what is matched.  Raises ParseError for other patterns.

    >>> regex("(a|b)*c")
    (i⟨a⟩ + i⟨b⟩)*; i⟨c⟩
    """
    return _Pattern(pattern, location, alphabet).program()


class _Pattern:
    """Read a pattern; ``groups`` holds, for each open bracket, the alternatives so far and the parts of the last one."""

    def __init__(self, pattern: str, location: str, alphabet: str | None) -> None:
        self.text, self.location, self.alphabet = pattern, location, alphabet
        self.place = 0

    def program(self) -> Node:
        groups: list[tuple[int, list[Node], list[Node]]] = [(0, [], [])]
        while self.place < len(self.text):
            start, choices, parts = groups[-1]
            c = self.text[self.place]
            if c == "(":
                groups.append((self.place, [], []))
                self.place += 1
                if self.text.startswith("?", self.place):
                    if not self.text.startswith("?:", self.place):
                        self._refuse("only '(...)' and '(?:...)' are groups here")
                    self.place += 2
            elif c == ")":
                if len(groups) == 1:
                    self._refuse("')' closes no bracket; write '\\)' for the letter")
                self.place += 1
                groups.pop()
                groups[-1][2].append(self._repeated(plus(*choices, seq(*parts))))
            elif c == "|":
                self.place += 1
                choices.append(seq(*parts))
                parts.clear()
            elif c in "*+?{":
                self._refuse(f"{c!r} has nothing to repeat; write '\\{c}' for the letter")
            elif c in "^$":
                self._refuse(
                    f"{c!r} is not needed, as the whole word is matched; write '\\{c}' for the letter"
                )
            else:
                parts.append(self._repeated(self._letters()))
        start, choices, parts = groups[-1]
        if len(groups) > 1:
            self.place = start
            self._refuse("the bracket is not closed; write ')' or '\\('")
        return plus(*choices, seq(*parts))

    def _refuse(self, problem: str) -> NoReturn:
        raise ParseError(problem, self.text, min(self.place, len(self.text)))

    def _repeated(self, part: Node) -> Node:
        while self.place < len(self.text) and self.text[self.place] in "*+?{":
            c = self.text[self.place]
            low, high = self._counts() if c == "{" else {"*": (0, None), "+": (1, None), "?": (0, 1)}[c]
            self.place += 1
            if self.text.startswith("?", self.place):
                self.place += 1
            elif self.place < len(self.text) and self.text[self.place] in "*+":
                self._refuse("one repetition follows another; put the first in a bracket")
            optional = star(part) if high is None else skip
            for _ in range(low, high or 0):
                optional = plus(skip, seq(part, optional))
            part = seq(*[part] * low, optional)
        return part

    def _counts(self) -> tuple[int, int | None]:
        end = self.text.find("}", self.place)
        low, comma, high = self.text[self.place + 1 : end].partition(",")
        if end < 0 or not (low.isdigit() or (comma and not low)) or not (high.isdigit() or not high):
            self._refuse("a repetition is written {2}, {2,}, {,3} or {2,3}; write '\\{' for the letter")
        least = int(low or 0)
        most = least if not comma else int(high) if high else None
        if max(least, most or 0) > _MOST_COPIES or (most is not None and most < least):
            self._refuse(f"the counts of a repetition go up, to at most {_MOST_COPIES}")
        self.place = end
        return least, most

    def _letters(self) -> Node:
        c = self.text[self.place]
        self.place += 1
        if c == ".":
            return new("x", pop(unknown("x"), self.location))
        if c == "[":
            return self._class()
        letters = self._escaped() if c == "\\" else c
        return plus(*[pop(_letter(letter), self.location) for letter in letters])

    def _escaped(self) -> str:
        if self.place == len(self.text):
            self._refuse("'\\' ends the pattern; write '\\\\' for the letter")
        c = self.text[self.place]
        self.place += 1
        if c in _CLASSES:
            return _CLASSES[c]
        if c.lower() in _CLASSES and c.isalpha():
            return self._others(_CLASSES[c.lower()])
        if c in _ESCAPES:
            return _ESCAPES[c]
        if c.isalnum():
            self.place -= 1
            self._refuse(f"'\\{c}' is not part of the language; write the letter alone")
        return c

    def _others(self, letters: str) -> str:
        if self.alphabet is None:
            self._refuse("a class of all letters but some needs the alphabet; pass alphabet='abc...'")
        return "".join([c for c in dict.fromkeys(self.alphabet) if c not in letters])

    def _class(self) -> Node:
        start = self.place - 1
        negated = self.text.startswith("^", self.place)
        self.place += negated
        letters: list[str] = []
        first = True
        while not self.text.startswith("]", self.place) or first:
            first = False
            if self.place >= len(self.text):
                self.place = start
                self._refuse("the class is not closed; write ']' or '\\['")
            c = self.text[self.place]
            self.place += 1
            found = self._escaped() if c == "\\" else c
            if (
                len(found) == 1
                and self.text.startswith("-", self.place)
                and self.text[self.place + 1 : self.place + 2] not in ("", "]")
            ):
                last = self.text[self.place + 1]
                if last < found:
                    self._refuse(f"the range {found}-{last} is empty; turn it round")
                found = "".join(map(chr, range(ord(found), ord(last) + 1)))
                self.place += 2
            letters.append(found)
        self.place += 1
        chosen = "".join(letters)
        if negated:
            chosen = self._others(chosen)
        return (
            plus(*[pop(_letter(letter), self.location) for letter in dict.fromkeys(chosen)])
            if chosen
            else zero
        )


_LIMITS = Limits(steps=50_000_000, seconds=3600.0, waiting=50_000_000)


def fullmatch(
    pattern: str | Node, text: str, *, alphabet: str | None = None, limits: Limits = _LIMITS
) -> bool:
    """Tell whether a regular expression, or the program of one, matches the whole of a text, in time linear in the text.

    Raises TimeoutError where the limits are reached before it is known.

    >>> fullmatch("(a*)*b", "a" * 24), fullmatch("(a*)*b", "a" * 24 + "b")
    (False, True)
    """
    program = regex(pattern, alphabet=alphabet) if isinstance(pattern, str) else pattern
    return _accepts(seq(program, pop(constant(END), "i")), word(text), limits)


def _accepts(program: Node, memory: Mapping[str, Sequence[Node]], limits: Limits) -> bool:
    found = answers(program, memory, search="tabled", limits=limits)
    if next(found, None) is not None:
        return True
    if not found.report.exhausted:
        raise TimeoutError(f"whether the word is accepted is not known: {found.report.why}")
    return False


def words(
    pattern: str | Node, *, alphabet: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> Iterator[str]:
    """Yield words of the language of a regular expression, by the dual of its recogniser, the simplest ones first; "?" is any letter.

    >>> from itertools import islice
    >>> list(islice(words("ab*"), 3))
    ['a', 'ab', 'abb']
    """
    program = regex(pattern, alphabet=alphabet) if isinstance(pattern, str) else pattern
    seen = set()
    for answer in answers(dual(seq(program, pop(constant(END), "i"))), None, search="breadth", limits=limits):
        found = "".join([_character(v) for v in reversed(answer.memory["i"][1:])])
        if found not in seen:
            seen.add(found)
            yield found


Transition = tuple[str, str, str]


def nfa(transitions: Iterable[Transition], start: str, final: Iterable[str], location: str = "i") -> Node:
    """Return the program of a finite automaton: transitions are (state, letter, state), with "" for a move that reads nothing.

    Run it tabled on the memory of a word: it accepts when there is an answer.

    >>> from symnum.rewriting.machines import rmc
    >>> program = nfa([("p", "a", "p"), ("p", "b", "q")], "p", ["q"])
    >>> [len(rmc.run(program, word(text), search="tabled")) for text in ("aab", "ba")]
    [1, 0]
    """
    moves = [
        seq(pop(constant(p), "q"), *([pop(_letter(c), location)] if c else []), push(constant(q), "q"))
        for p, c, q in transitions
    ]
    ends = [seq(pop(constant(f), "q"), pop(constant(END), location)) for f in final]
    return seq(push(constant(start), "q"), star(plus(*moves)), plus(*ends))


def pda(
    transitions: Iterable[tuple[str, str, str, str, str]],
    start: str,
    final: Iterable[str],
    bottom: str = "#",
    location: str = "i",
) -> Node:
    """Return the program of a push-down automaton, which accepts by a final state and a stack with nothing but its bottom.

    A transition is (state, letter, symbol popped, state, symbols pushed); "" reads, pops or pushes nothing, and of the symbols
    pushed the first is on top.

    >>> from symnum.rewriting.machines import rmc
    >>> program = pda([("p", "a", "", "p", "x"), ("p", "", "", "q", ""), ("q", "b", "x", "q", "")], "p", ["q"])
    >>> [len(rmc.run(program, word(text), search="tabled")) for text in ("aabb", "aab")]
    [1, 0]
    """
    moves = [
        seq(
            pop(constant(p), "q"),
            *([pop(_letter(c), location)] if c else []),
            *([pop(constant(popped), "s")] if popped else []),
            *[push(constant(symbol), "s") for symbol in reversed(pushed)],
            push(constant(q), "q"),
        )
        for p, c, popped, q, pushed in transitions
    ]
    ends = [
        seq(pop(constant(f), "q"), pop(constant(END), location), pop(constant(bottom), "s")) for f in final
    ]
    return seq(push(constant(bottom), "s"), push(constant(start), "q"), star(plus(*moves)), plus(*ends))
