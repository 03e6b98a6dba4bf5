"""Equality saturation over programs: Kleene algebra, and what letters do to each other, in egglog.

Programs come as expressions over letters (:mod:`symnum.rewriting.machines.rmc.kleene`), so that no binder is left and saturation is sound:
two letters at different locations commute, and two neighbours whose sequence has a shorter normal form become that.  All equations
hold for the sets of answers.  Associativity, commutativity and distribution make e-graphs explode, so that rounds and e-nodes are
bounded; what is not found is not known.  The induction laws of the star are not rules here: automata decide those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.rewriting.egraph.adapter import Engine
from symnum.rewriting.limits import check_limits, refuse_other_limits
from symnum.rewriting.machines.nodes import Node, call
from symnum.rewriting.machines.rmc.kleene import expression, is_letter
from symnum.rewriting.machines.rmc.span import has_star, letters_of, spans
from symnum.rewriting.machines.rmc.syntax import (
    POP,
    PUSH,
    SEQ,
    SKIP,
    STAR,
    SUM,
    ZERO,
    as_program,
    is_program,
    location_of,
    plus,
    seq,
    skip,
    zero,
)

_PRELUDE = (
    "(sort T)",
    "(constructor Letter (i64) T)",
    "(constructor Skip () T)",
    "(constructor Zero () T)",
    "(constructor Seq (T T) T)",
    "(constructor Sum (T T) T)",
    "(constructor Star (T) T)",
    "(function root (i64) T :merge old)",
    "(relation commutes (T T))",
)

_LAWS = (
    "(rewrite (Seq (Seq a b) c) (Seq a (Seq b c)))",
    "(rewrite (Seq a (Seq b c)) (Seq (Seq a b) c))",
    "(rewrite (Seq (Skip) a) a)",
    "(rewrite (Seq a (Skip)) a)",
    "(rewrite (Seq (Zero) a) (Zero))",
    "(rewrite (Seq a (Zero)) (Zero))",
    "(rewrite (Sum a b) (Sum b a))",
    "(rewrite (Sum (Sum a b) c) (Sum a (Sum b c)))",
    "(rewrite (Sum a (Zero)) a)",
    "(rewrite (Sum a a) a)",
    "(rewrite (Seq (Sum a b) c) (Sum (Seq a c) (Seq b c)))",
    "(rewrite (Seq a (Sum b c)) (Sum (Seq a b) (Seq a c)))",
    "(rewrite (Star (Zero)) (Skip))",
    "(rewrite (Star (Skip)) (Skip))",
    "(rewrite (Star (Star a)) (Star a))",
    "(rewrite (Star (Sum a (Skip))) (Star a))",
    "(rewrite (Star a) (Sum (Skip) (Seq a (Star a))))",
    "(rewrite (Star a) (Sum (Skip) (Seq (Star a) a)))",
    "(rewrite (Seq (Star a) (Star a)) (Star a))",
    "(rewrite (Seq (Star (Seq a b)) a) (Seq a (Star (Seq b a))))",
    "(rewrite (Seq a (Star (Seq b a))) (Seq (Star (Seq a b)) a))",
    "(rule ((commutes a b)) ((commutes b a)))",
    "(rule ((commutes a b) (commutes a c) (= s (Seq b c))) ((commutes a s)))",
    "(rule ((commutes a b) (commutes a c) (= s (Sum b c))) ((commutes a s)))",
    "(rule ((commutes a b) (= s (Star b))) ((commutes a s)))",
    "(rule ((= s (Seq a b)) (commutes a b)) ((union s (Seq b a))))",
)
"""The laws of Kleene algebra that are equations, distribution in one direction; what commutes with parts commutes with the whole."""


@dataclass(frozen=True, slots=True)
class SaturationLimits:
    """Bound a saturation: rounds, and e-nodes after which no further round is begun."""

    rounds: int = 8
    nodes: int = 2_000

    def __post_init__(self) -> None:
        check_limits(self)


_LIMITS = SaturationLimits()


class _Saturation:
    """An e-graph of expressions over letters, with the laws and with what these letters do to each other."""

    def __init__(self, roots: list[Node], limits: SaturationLimits) -> None:
        self.engine = Engine()
        self.letters: list[Node] = []
        self.number: dict[Node, int] = {}
        texts = [self._text(root) for root in roots]
        rules = list(self._interplay())
        self.engine.run([*_PRELUDE, *_LAWS])
        self.engine.run([f"(set (root {i}) {text})" for i, text in enumerate(texts)])
        self.engine.run(rules)
        self.rounds = 0
        self.rows = self._read()
        size = 0
        while (
            self.rounds < limits.rounds
            and size != self.size < limits.nodes
            and not (len(roots) > 1 and self.are_equal())
        ):
            size = self.size
            self.engine.run(["(run 1)"])
            self.rounds += 1
            self.rows = self._read()

    def _read(self) -> dict[str, list[tuple[tuple[Any, ...], Any]]]:
        return self.engine.read(("Letter", "Skip", "Zero", "Seq", "Sum", "Star", "root", "commutes"))

    @property
    def size(self) -> int:
        """Return the number of rows: e-nodes, roots and pairs that commute."""
        return sum(map(len, self.rows.values()))

    def are_equal(self) -> bool:
        """Tell whether all roots are in one class."""
        return len({made for _, made in self.rows["root"]}) == 1

    def _text(self, root: Node) -> str:
        """Return an expression as egglog text, n-ary sequences and sums nested to the right."""
        done: dict[Node, str] = {}
        for part in interface.postorder(root, prune=is_letter):
            head = part.head.name
            if head in (SKIP, ZERO):
                done[part] = "(Skip)" if head == SKIP else "(Zero)"
            elif head in (SEQ, SUM):
                name = "Seq" if head == SEQ else "Sum"
                text = done[part.args[-1]]
                for arg in part.args[-2::-1]:
                    text = f"({name} {done[arg]} {text})"
                done[part] = text
            elif head == STAR:
                done[part] = f"(Star {done[part.args[0]]})"
            else:
                done[part] = self._letter(part)
        return done[root]

    def _letter(self, letter: Node) -> str:
        if letter not in self.number:
            self.number[letter] = len(self.letters)
            self.letters.append(letter)
        return f"(Letter {self.number[letter]})"

    def _interplay(self) -> Iterator[str]:
        """Yield, for each pair of letters, that they commute, or what their sequence becomes."""
        known = list(self.letters)
        for one in known:
            for other in known:
                pair = f"(Seq {self._letter(one)} {self._letter(other)})"
                if not (locations(one) & locations(other)):
                    yield f"(commutes {self._letter(one)} {self._letter(other)})"
                elif not has_star(one) and not has_star(other):
                    normal = plus(*[seq(*letters_of(span)) for span in spans(seq(one, other))])
                    if normal != seq(one, other):
                        yield f"(rewrite {pair} {self._text(normal)})"

    def smallest(self, root: int) -> Node:
        """Return the program of a root with the fewest steps; a star counts as ten."""
        best: dict[int, tuple[int, Node]] = {}

        def offer(made: int, cost: int, program: Node) -> bool:
            if made in best and best[made][0] <= cost:
                return False
            best[made] = cost, program
            return True

        for inputs, made in self.rows["Letter"]:
            offer(made, _size(self.letters[inputs[0]]), self.letters[inputs[0]])
        for table, program in (("Skip", skip), ("Zero", zero)):
            for _, made in self.rows[table]:
                offer(made, 0, program)
        changed = True
        while changed:
            changed = False
            for table, head, own in (("Seq", SEQ, 0), ("Sum", SUM, 1), ("Star", STAR, 10)):
                for inputs, made in self.rows[table]:
                    if all(i in best for i in inputs):
                        cost = own + sum(best[i][0] for i in inputs)
                        changed |= offer(made, cost, call(head, *[best[i][1] for i in inputs]))
        return best[next(made for inputs, made in self.rows["root"] if inputs == (root,))][1]


def locations(program: Node) -> frozenset[str]:
    """Return the locations that a program uses.

    >>> from symnum.rewriting.machines.rmc.parser import parse
    >>> sorted(locations(parse("[a]b; c<d>")))
    ['b', 'c']
    """
    return frozenset(
        [location_of(p) for p in interface.postorder(program) if is_program(p) and p.head.name in (PUSH, POP)]
    )


def _size(program: Node) -> int:
    return sum(1 for p in interface.postorder(program) if is_program(p) and p.head.name in (PUSH, POP)) or 1


def prove(one: Node | str, other: Node | str, *, limits: SaturationLimits = _LIMITS) -> bool:
    """Tell whether saturation finds two closed programs equal, as sets of answers; False says only that it did not.

    Raises EGraphError when egglog is missing or fails.

    >>> prove("[a]; x<c>; (<a> + <b>)", "x<c>"), prove("([a]x; [b]y)*; [a]x", "[a]x; ([b]y; [a]x)*")
    (True, True)
    """
    refuse_other_limits(limits, SaturationLimits, "prove")
    return _Saturation([expression(as_program(p)) for p in (one, other)], limits).are_equal()


def smallest(program: Node | str, *, limits: SaturationLimits = _LIMITS) -> Node:
    """Return the program with the fewest stack operations that saturation finds equal to a closed one, as sets of answers.

    >>> smallest("[a]; x<c>; (<a> + <b>); ([d]*)*")
    x⟨c⟩; [d]*
    """
    refuse_other_limits(limits, SaturationLimits, "smallest")
    return _Saturation([expression(as_program(program))], limits).smallest(0)
