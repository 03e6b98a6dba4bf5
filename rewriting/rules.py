"""Rules as data: a pattern, a template and a condition.

>>> import symnum as sn
>>> pythagoras = rule("sin(a)^2 + cos(a)^2 -> 1")
>>> pythagoras(sn.parse("3 - k*sin(y)^2 - k*cos(y)^2"))
-k + 3
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from symnum import term as interface
from symnum.rewriting.assignment import GivenUp, MatchLimitWarning, Search
from symnum.rewriting.facts import Facts
from symnum.rewriting.features import idle_exponents
from symnum.rewriting.matching import match, match_bag
from symnum.rewriting.pattern import (
    BagPattern,
    Literal,
    Pattern,
    ProductPattern,
    Segment,
    Slot,
    SumPattern,
    compile_pattern,
    heads_needed,
    is_part,
    slots_of,
    starts_at,
)
from symnum.rewriting.rule_parts import checked_part, may_be_left_out, parse_part, placed
from symnum.rewriting.sum_index import SumIndex
from symnum.rewriting.template import Template, segment_homes
from symnum.rewriting.variants import variants
from symnum.rewriting.views import SUM_HEADS, call_of, head_of, product_of, sum_of
from symnum.rewriting.within import match_product, match_sum

HOLDS = ("total", "generic")

_IF = re.compile(r"\sif\s")


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Say that what matches the pattern may be replaced by the template, if the condition certainly holds.

    ``holds`` is "total" when both sides are equal wherever the left one is defined, and "generic" when they are so except on a
    null set or on less than its domain.  Defined means a truth value, or a number that may be infinite but is not nan; rounding,
    overflow and the sign of zero aside.  A comparison with nan is false (and != true), which is a value like others.
    """

    name: str
    left: Any
    right: Any
    given: Any
    patterns: tuple[tuple[Pattern, dict[str, Any]], ...]
    template: Template | Callable[..., Any]
    condition: Template | Callable[..., bool] | None
    holds: str
    file: str
    line: int
    needed: frozenset[str]
    idle: frozenset[str] = frozenset()
    """Exponents for whose value 1 the rule says that a term is itself."""

    @property
    def pattern(self) -> Pattern:
        """Return the pattern with all default slots present."""
        return self.patterns[0][0]

    @property
    def text(self) -> str:
        """Return the rule as text that :func:`rule` reads again, but for parts that are Python functions.

        >>> import symnum as sn
        >>> a = sn.symbols("a", positive=True)
        >>> rule(sn.log(a**2), 2*sn.log(a), name="log of a square").text
        'log(a::positive^2) -> 2*log(a)'
        """
        return _written(self.left, self.right, self.given)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{self.holds} rule {self.name!r} at {os.path.basename(self.file)}:{self.line}>"

    def __iter__(self) -> None:
        """Refuse to be taken for a list of rules."""
        raise TypeError(
            f"a list of rules is needed, but got the one rule {self!r}; write RuleSet([rule(...)])"
        )

    def __call__(self, term: Any) -> Any | None:
        """Return the first result at the top of ``term`` that changes it, or None, so that a rule is a rewriter.

        >>> import symnum as sn
        >>> from symnum.rewriting import bottom_up
        >>> bottom_up(rule("sin(asin(a)) -> a"))(sn.parse("exp(sin(asin(x)))"))
        exp(x)
        """
        head = head_of(term)
        if not any(starts_at(pattern, head) for pattern, _ in self.patterns):
            return None
        return next(other_than(term, self.results(term)), None)

    def results(self, term: Any, facts: Facts | None = None, index: SumIndex | None = None) -> Iterator[Any]:
        """Yield the terms that the rule makes of ``term``, one for each match, in a fixed order.

        A search for matches that takes too many attempts ends with a MatchLimitWarning.
        """
        search = Search(facts or Facts())
        try:
            if len(self.patterns) == 1:
                yield from self._results(self.pattern, {}, term, search, index)
                return
            seen = set()
            for pattern, fixed in self.patterns:
                bound = {name: interface.make_number(term, value) for name, value in fixed.items()}
                for new in self._results(pattern, bound, term, search, index):
                    if interface.key(new) not in seen:
                        seen.add(interface.key(new))
                        yield new
        except GivenUp:
            self._warn(term, search)

    def _results(
        self, pattern: Pattern, fixed: dict[str, Any], term: Any, search: Search, index: SumIndex | None
    ) -> Iterator[Any]:
        """Yield the results of one of the plain patterns, with the slots that were left out bound already."""
        if isinstance(pattern, SumPattern) and pattern.segment is None:
            if head_of(term) in SUM_HEADS:
                index = index or SumIndex(term)
                needed = self.needed if len(self.patterns) == 1 else heads_needed(pattern)
                if needed <= index.by_head.keys():
                    yield from self._in_sum(pattern, fixed, index, search)
        elif isinstance(pattern, ProductPattern) and pattern.segment is None:
            for bound, m, coefficient, rest in match_product(pattern, term, search):
                if self.idle and any(_is_one(bound.get(name)) for name in self.idle):
                    continue  # the rule says that a term is itself, and would only write it anew
                found = self._instance(term, {**fixed, **bound}, search)
                if found is not None:
                    yield product_of(term, coefficient, [*rest, (found, m)])
        elif isinstance(pattern, BagPattern) and pattern.segment is None:
            if head_of(term) == pattern.head:
                for bound, left in match_bag(pattern, term, fixed, search, whole=False):
                    found = self._instance(term, bound, search)
                    if found is not None:
                        yield call_of(term, pattern.head, [*left, found]) if left else found
        else:
            for bound in match(pattern, term, fixed, search):
                found = self._instance(term, bound, search)
                if found is not None:
                    yield found

    def _in_sum(
        self, pattern: SumPattern, fixed: dict[str, Any], index: SumIndex, search: Search
    ) -> Iterator[Any]:
        like = index.term
        for bound, q, k, units in match_sum(pattern, index, search):
            found = self._instance(like, {**fixed, **bound}, search)
            if found is not None:
                new = product_of(like, q, [*k, (found, 1)])
                yield sum_of(like, *index.less(q, units, index.entries, (new, 1)))

    def _warn(self, term: Any, search: Search) -> None:
        from symnum.text.printer import to_text

        if search.attempts <= search.limit:
            return  # the time was over, which whoever set the deadline reports
        warnings.warn(
            f"matching {self!r} with {to_text(term, limit=60)!r} was given up after {search.limit:,} attempts, so that the rule may "
            f"have been passed over; give the pattern fewer slots that stand for themselves, or typed ones",
            MatchLimitWarning,
            stacklevel=3,
        )

    def sweep(self, index: SumIndex, facts: Facts, accept: Callable[[Any, Any], bool]) -> Any | None:
        """Apply a rule on sums to as many disjoint groups of addends as ``accept(before, after)`` allows, in one go.

        Returns None when there is none.  This is for wide sums, where each single application would build the whole sum again.
        """
        pattern = self.pattern
        assert isinstance(pattern, SumPattern)
        like, total, made = index.term, {}, []
        index.used.clear()
        search = Search(facts)
        matches = match_sum(pattern, index, search)
        while True:
            try:
                found_at = next(matches, None)
            except GivenUp:
                self._warn(like, search)
                break
            if found_at is None:
                break
            bound, q, k, units = found_at
            found = self._instance(like, bound, search)
            if found is None:
                continue
            new = product_of(like, q, [*k, (found, 1)])
            group = {identity: index.entries[identity] for identity in units if identity is not None}
            before = sum_of(like, index.constant if None in units else 0, group.values())
            constant, rest = index.less(q, units, group, (new, 1))
            if accept(before, sum_of(like, constant if None in units else 0, rest)):
                index.used.update(units)
                total.update({identity: q * unit for identity, unit in units.items()})
                made.append((new, 1))
        index.used.clear()
        return sum_of(like, *index.less(1, total, index.entries, *made)) if made else None

    def instance(self, term: Any, bound: dict[str, Any], search: Search) -> Iterator[Any]:
        """Yield the result of one match, if the condition holds."""
        found = self._instance(term, bound, search)
        if found is not None:
            yield found

    def _instance(self, like: Any, bound: dict[str, Any], search: Search) -> Any | None:
        condition = self.condition
        try:
            if isinstance(condition, Template):
                built = condition.build(like, bound)
                if built is None or search.facts.decide(built) is not True:
                    return None
            elif condition is not None and not condition(**bound):
                return None
            if isinstance(self.template, Template):
                return self.template.build(like, bound)
            return self.template(**bound)
        except (TypeError, ValueError, LookupError) as problem:
            problem.add_note(f"while {self!r} was applied")
            raise


def _is_one(thing: Any) -> bool:
    """Tell whether a slot was bound to the number 1."""
    if thing is None or isinstance(thing, tuple) or not interface.is_term(thing):
        return False
    return interface.is_number(thing) and bool(interface.value(thing) == 1)


def other_than(term: Any, found: Iterator[Any]) -> Iterator[Any]:
    """Return those of the results that are not the term itself."""
    identity = interface.key(term)
    return (new for new in found if interface.key(new) != identity)


def _written(left: Any, right: Any, given: Any) -> str:
    from symnum.text.printer import to_text

    # the sort of an application is part of its name already
    pattern = to_text(left, declare=True).replace(")::boolean", ")")
    written = f"{pattern} -> {_text(right)}"
    return written if given is None else f"{written} if {_text(given)}"


def _text(part: Any) -> str:
    from symnum.text.printer import to_text

    return to_text(part) if interface.is_term(part) else f"<{getattr(part, '__name__', 'function')}>"


def rule(
    pattern: Any,
    template: Any = None,
    *,
    condition: Any = None,
    where: Mapping[str, Callable[[Any], Any]] | None = None,
    holds: str = "total",
    name: str | None = None,
) -> Rule:
    """Make a rule of a text ``"pattern -> template if condition"``, or of terms.

    Every symbol is a slot that stands for any term; ``a::positive`` in the pattern stands for terms known to be positive, and
    ``p::boolean`` for conditions.  ``template`` may be a function of the slots (by name) that returns a term, or None to decline;
    ``condition`` a term or text that must certainly hold, or a function of the slots; ``where`` gives functions of single slots.  Slots
    that stand for more than one term are in :mod:`symnum.rewriting.slots`: ``xs...`` for any number of arguments, ``n::default`` for
    what may be left out, ``F::function(a)`` for any function.  ``holds`` says whether the rule is "total" or "generic", see :class:`Rule`.
    Raises ValueError, naming file and line, for a slot that the pattern does not bind, and for a pattern that would match every term.

    >>> rule("log(a) + log(b) -> log(a*b)")
    <total rule 'log(a) + log(b) -> log(a*b)' at ...>
    >>> import symnum as sn
    >>> pull = rule("max(a*x, b*x, rest...) -> max(x*max(a, b), rest)", where={"x": interface.is_symbol}, condition="x > 0")
    >>> next(pull.results(sn.parse("max(3*t::positive, y*t, z)")))
    max(t::positive*max(3, y), z)
    """
    frame = sys._getframe(1)
    file, line = frame.f_code.co_filename, frame.f_lineno
    place = f"{os.path.basename(file)}, line {line}"
    if holds not in HOLDS:
        raise ValueError(f"a rule holds 'total' or 'generic', but got {holds!r} ({place})")
    spelled = name
    if isinstance(pattern, str):
        left, arrow, right = pattern.partition("->")
        if arrow:
            if template is not None:
                raise ValueError(
                    f"rule {pattern!r} has a template after '->' and another one as argument; give one of them ({place})"
                )
            template, *given = _IF.split(right, maxsplit=1)
            if given and condition is not None:
                raise ValueError(
                    f"rule {pattern!r} has a condition after 'if' and another one as argument; give one of them ({place})"
                )
            condition = given[0] if given else condition
        elif template is None:
            raise ValueError(
                f"rule {pattern!r} has no '->'; write rule('sin(a)^2 + cos(a)^2 -> 1') ({place})"
            )
        if arrow:
            spelled = spelled or " ".join(pattern.split())
        pattern = parse_part(left, {}, place)[0]
    bound = placed(place, slots_of, pattern)
    if isinstance(template, str):
        template = parse_part(template, bound, place)[0]
    if isinstance(condition, str):
        condition = parse_part(condition, bound, place)[0]
    if template is None:
        raise ValueError(f"the rule for {pattern!s} has no template; write rule(pattern, template) ({place})")
    unknown = [slot for slot in where or () if slot not in bound]
    if unknown:
        raise ValueError(
            f"where={{...}} names the slot {unknown[0]!r}, which the pattern {pattern!s} does not have ({place}); "
            f"its slots are {', '.join(bound) or 'none'}"
        )
    homes = placed(place, segment_homes, pattern)
    compiled = [checked_part(part, bound, homes, place, pattern) for part in (template, condition)]
    if isinstance(compiled[1], Template) and placed(place, interface.sort_of, condition) != "boolean":
        raise ValueError(
            f"the condition {condition!s} is no truth value ({place}); write a comparison, such as {condition!s} > 0"
        )
    made = []
    for plain, fixed in placed(place, variants, pattern):
        if not may_be_left_out(fixed, bound, where or {}):
            continue
        found = placed(place, compile_pattern, plain, where or {})
        if isinstance(found, Slot | Segment | Literal):
            chosen = "".join(f" with {slot} = {value}" for slot, value in fixed.items())
            raise ValueError(
                f"the pattern {plain!s}{chosen} would match at every place; give a call, sum or product ({place})"
            )
        made.append((found, fixed))
    if isinstance(compiled[0], Template) and any(is_part(found) for found, _ in made):
        kinds = ["number", "truth value"]
        left_kind, right_kind = [
            kinds[placed(place, interface.sort_of, side) == "boolean"] for side in (pattern, template)
        ]
        if left_kind != right_kind:
            raise ValueError(
                f"the template {template!s} is a {right_kind}, but the pattern {pattern!s} is a {left_kind} that may be part of a "
                f"longer one ({place}); write a template that is a {left_kind}, too"
            )
    needed = frozenset.intersection(*[heads_needed(found) for found, _ in made])
    found = Rule(
        spelled or _written(pattern, template, condition),
        pattern,
        template,
        condition,
        tuple(made),
        compiled[0],
        compiled[1],
        holds,
        file,
        line,
        needed,
    )
    idle = idle_exponents(found)
    return replace(found, idle=idle) if idle else found
