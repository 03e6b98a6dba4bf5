"""Rules as data, and sets of rules indexed by the head that they start at.

>>> import symnum as sn
>>> pythagoras = RuleSet([rule("sin(a)^2 + cos(a)^2 -> 1")])
>>> pythagoras(sn.parse("3 - k*sin(y)^2 - k*cos(y)^2"))
-k + 3
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.rewriting.facts import Facts
from symnum.rewriting.matching import match, match_bag
from symnum.rewriting.pattern import (
    BagPattern,
    CallPattern,
    Literal,
    Pattern,
    ProductPattern,
    Slot,
    SumPattern,
    Template,
    compile_pattern,
    compile_template,
    heads_needed,
)
from symnum.rewriting.views import (
    PRODUCT_HEADS,
    SUM_HEADS,
    call_of,
    head_of,
    is_value,
    product_of,
    product_view,
    sum_of,
)
from symnum.rewriting.within import SumIndex, match_product, match_sum

HOLDS = ("total", "generic")


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Say that what matches the pattern may be replaced by the template, if the condition certainly holds.

    ``holds`` is "total" when both sides are equal wherever the left one is defined, and "generic" when they are so except on a
    null set or on less than its domain.  Defined means: every part that is computed is a real number or infinite, never nan, also
    below a comparison; rounding, overflow and the sign of zero aside.
    """

    name: str
    left: Any
    pattern: Pattern
    template: Template | Callable[..., Any]
    condition: Template | Callable[..., bool] | None
    holds: str
    file: str
    line: int
    needed: frozenset[str]

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{self.holds} rule {self.name!r} at {os.path.basename(self.file)}:{self.line}>"

    def results(self, term: Any, facts: Facts | None = None, index: SumIndex | None = None) -> Iterator[Any]:
        """Yield the terms that the rule makes of ``term``, one for each match, in a fixed order."""
        facts = facts or Facts()
        pattern = self.pattern
        if isinstance(pattern, SumPattern):
            index = index or SumIndex(term)
            if self.needed <= index.by_head.keys():
                yield from self._in_sum(pattern, index, facts)
        elif isinstance(pattern, ProductPattern):
            for bound, m, coefficient, rest in match_product(pattern, term, facts):
                found = self._instance(term, bound, facts)
                if found is not None:
                    yield product_of(term, coefficient, [*rest, (found, m)])
        elif isinstance(pattern, BagPattern):
            for bound, left in match_bag(pattern, term, {}, facts, whole=False):
                found = self._instance(term, bound, facts)
                if found is not None:
                    yield call_of(term, pattern.head, [*left, found]) if left else found
        else:
            for bound in match(pattern, term, {}, facts):
                found = self._instance(term, bound, facts)
                if found is not None:
                    yield found

    def _in_sum(self, pattern: SumPattern, index: SumIndex, facts: Facts) -> Iterator[Any]:
        like = index.term
        for bound, q, k, units in match_sum(pattern, index, facts):
            found = self._instance(like, bound, facts)
            if found is not None:
                new = product_of(like, q, [*k, (found, 1)])
                yield sum_of(like, *index.less(q, units, index.entries, (new, 1)))

    def sweep(self, index: SumIndex, facts: Facts, accept: Callable[[Any, Any], bool]) -> Any | None:
        """Apply a rule on sums to as many disjoint groups of addends as ``accept(before, after)`` allows, in one go.

        Returns None when there is none.  This is for wide sums, where each single application would build the whole sum again.
        """
        assert isinstance(self.pattern, SumPattern)
        like, total, made = index.term, {}, []
        index.used.clear()
        for bound, q, k, units in match_sum(self.pattern, index, facts):
            found = self._instance(like, bound, facts)
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

    def _instance(self, like: Any, bound: dict[str, Any], facts: Facts) -> Any | None:
        condition = self.condition
        if isinstance(condition, Template):
            if facts.decide(condition.build(like, bound)) is not True:
                return None
        elif condition is not None and not condition(**bound):
            return None
        if isinstance(self.template, Template):
            return self.template.build(like, bound)
        return self.template(**bound)


_DECLARED = re.compile(r"\b([^\W\d]\w*)((?:\s*::\s*\w+)+)")


def rule(
    pattern: Any,
    template: Any = None,
    *,
    condition: Any = None,
    holds: str = "total",
    name: str | None = None,
) -> Rule:
    """Make a rule of a text ``"pattern -> template if condition"``, or of terms.

    Every symbol is a slot that stands for any term; ``a::positive`` in the pattern stands for terms known to be positive, and
    ``p::boolean`` for conditions.  ``template`` may be a function of the slots (by name) that returns a term, or None to decline;
    ``condition`` a term or text that must certainly hold, or a function of the slots.  ``holds`` says whether the rule is "total" or
    "generic", see :class:`Rule`.  Raises ValueError, naming file and line, for a slot that the pattern does not bind, and for a pattern
    that would match every term.

    >>> rule("log(a) + log(b) -> log(a*b)")
    <total rule 'log(a) + log(b) -> log(a*b)' at ...>
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
            right, _, given = right.partition(" if ")
            template = right
            condition = condition if condition is not None else given.strip() or None
        elif template is None:
            raise ValueError(
                f"rule {pattern!r} has no '->'; write rule('sin(a)^2 + cos(a)^2 -> 1') ({place})"
            )
        spelled = spelled or " ".join(pattern.split())
        pattern, declared = _parse(left, {}, place)
    else:
        declared = {interface.name(s): s for s in interface.free_symbols(pattern)}
    if isinstance(template, str):
        template = _parse(template, declared, place)[0]
    if isinstance(condition, str):
        condition = _parse(condition, declared, place)[0]
    if template is None:
        raise ValueError(f"the rule for {pattern!s} has no template; write rule(pattern, template) ({place})")
    bound = {interface.name(s) for s in interface.free_symbols(pattern)}
    compiled = [_checked(part, bound, place, pattern) for part in (template, condition)]
    made = compile_pattern(pattern)
    if isinstance(made, Slot | Literal):
        raise ValueError(
            f"the pattern {pattern!s} would match at every place; give a call, sum or product ({place})"
        )
    if spelled is None:
        spelled = f"{pattern!s} -> {template if interface.is_term(template) else getattr(template, '__name__', '...')!s}"
    return Rule(spelled, pattern, made, compiled[0], compiled[1], holds, file, line, heads_needed(made))


def _parse(text: str, known: dict[str, Any], place: str) -> tuple[Any, dict[str, Any]]:
    """Return a term and its slots by name; a declared slot needs its declaration only once."""
    from symnum.text.parser import ParseError, parse

    try:
        declared = {m[1]: parse(m[0]) for m in _DECLARED.finditer(text)}
        bound = {**known, **declared}
        found = parse(_DECLARED.sub(r"\1", text).strip(), symbols=bound)
    except ParseError as problem:
        raise ValueError(f"the rule part {text.strip()!r} ({place}) is no formula: {problem}") from None
    return found, {**bound, **{interface.name(s): s for s in interface.free_symbols(found)}}


def _checked(part: Any, bound: set[str], place: str, pattern: Any) -> Any:
    """Return a template or condition compiled, or the function itself."""
    if part is None or (callable(part) and not interface.is_term(part)):
        return part
    missing = [interface.name(s) for s in interface.free_symbols(part) if interface.name(s) not in bound]
    if missing:
        raise ValueError(
            f"{part!s} uses the slot {missing[0]!r}, which the pattern {pattern!s} does not bind ({place}); "
            f"its slots are {', '.join(sorted(bound)) or 'none'}"
        )
    return compile_template(part)


class RuleSet:
    """Rules in order, indexed by the head at which they start.

    Calling the set on a term returns the first result of the first rule that fires at the top of the term, or None.  ``+`` joins sets.
    On a backend that keeps terms as written a nest of sums is several places: bring the term into ``canonical.normal_form`` first.
    """

    def __init__(self, rules: Iterable[Rule], name: str = "") -> None:
        self.rules = tuple(rules)
        self.name = name
        for entry in self.rules:
            if not isinstance(entry, Rule):
                raise TypeError(
                    f"a RuleSet holds rules, but got {entry!r}; write RuleSet([rule('a*b -> c'), ...])"
                )
        self._by_head: dict[str, list[Rule]] = {}
        for entry in self.rules:
            for head in _starting_heads(entry.pattern):
                self._by_head.setdefault(head, []).append(entry)

    def __add__(self, other: RuleSet) -> RuleSet:
        return RuleSet(self.rules + other.rules, " + ".join(n for n in (self.name, other.name) if n))

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __repr__(self) -> str:
        return f"<RuleSet {self.name!r} of {len(self.rules)} rules>"

    def only(self, holds: str) -> RuleSet:
        """Return the rules of one kind, "total" or "generic"."""
        return RuleSet([r for r in self.rules if r.holds == holds], self.name)

    def __call__(self, term: Any) -> Any | None:
        return next((new for _, new in self.results(term)), None)

    def results(self, term: Any, facts: Facts | None = None) -> Iterator[tuple[Rule, Any]]:
        """Yield (rule, new term) for each way in which a rule fires at the top of ``term`` and changes it."""
        for entry, found in self.firing(term, facts):
            for new in found:
                yield entry, new

    def firing(self, term: Any, facts: Facts | None = None) -> Iterator[tuple[Rule, Iterator[Any]]]:
        """Yield (rule, iterator over its results) for the rules that may fire at the top of ``term``."""
        head = head_of(term)
        candidates = self._by_head.get(head)
        if not candidates:
            return
        facts = facts or Facts()
        index: SumIndex | None = None
        heads: frozenset[str] | None = None
        for entry in candidates:
            if head in SUM_HEADS:
                index = index or SumIndex(term)
            elif entry.needed:
                if heads is None:
                    heads = frozenset(head_of(base) for base, _ in product_view(term)[1])
                if not entry.needed <= heads:
                    continue
            yield entry, _other_than(term, entry.results(term, facts, index))

    def sweeps(
        self, term: Any, facts: Facts, accept: Callable[[Any, Any], bool]
    ) -> Iterator[tuple[Rule, Any]]:
        """Yield (rule, new term) with each rule applied all over a wide sum, see :meth:`Rule.sweep`."""
        index = SumIndex(term)
        for entry in self._by_head.get(head_of(term), ()):
            if entry.needed <= index.by_head.keys():
                new = entry.sweep(index, facts, accept)
                if new is not None:
                    yield entry, new


def _other_than(term: Any, found: Iterator[Any]) -> Iterator[Any]:
    identity = interface.key(term)
    return (new for new in found if interface.key(new) != identity)


def _starting_heads(pattern: Pattern) -> tuple[str, ...]:
    """Return the heads of the terms at which a rule is tried."""
    if isinstance(pattern, SumPattern):
        return tuple(sorted(SUM_HEADS))
    if isinstance(pattern, ProductPattern):
        single = len(pattern.factors) == 1 and pattern.coefficient == 1
        (exponent,) = [e for _, e in pattern.factors] if single else (1,)
        return (
            ("^", "sqrt")
            if single and not (is_value(exponent) and exponent == 1)
            else tuple(sorted(PRODUCT_HEADS - {"^", "sqrt"}))
        )
    assert isinstance(pattern, CallPattern | BagPattern)
    return (pattern.head,)
