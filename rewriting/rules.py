"""Rules as data, and sets of rules indexed by the head that they start at.

>>> import symnum as sn
>>> pythagoras = RuleSet([rule("sin(a)^2 + cos(a)^2 -> 1")])
>>> pythagoras(sn.parse("3 - k*sin(y)^2 - k*cos(y)^2"))
-k + 3
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.order import order_key
from symnum.rewriting.assignment import GivenUp, MatchLimitWarning, Search
from symnum.rewriting.facts import Facts
from symnum.rewriting.matching import bind, match, match_bag
from symnum.rewriting.pattern import (
    ApplyPattern,
    BagPattern,
    Literal,
    Pattern,
    ProductPattern,
    Segment,
    Slot,
    SumPattern,
    Template,
    compile_pattern,
    compile_slot,
    compile_template,
    heads_needed,
    segment_homes,
    slots_of,
    variants,
)
from symnum.rewriting.slots import FunctionSlot, declaration, read
from symnum.rewriting.views import (
    PRODUCT_HEADS,
    SUM_HEADS,
    call_of,
    head_of,
    is_canonical,
    is_value,
    product_of,
    product_view,
    sum_of,
)
from symnum.rewriting.within import SumIndex, match_product, match_sum

if TYPE_CHECKING:
    from symnum.rewriting.compiled import CompiledSet
    from symnum.rewriting.gates import CompiledRule

HOLDS = ("total", "generic")

_COMPILING = threading.Lock()

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
                if heads_needed(pattern) <= index.by_head.keys():
                    yield from self._in_sum(pattern, fixed, index, search)
        elif isinstance(pattern, ProductPattern) and pattern.segment is None:
            for bound, m, coefficient, rest in match_product(pattern, term, search):
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
        pattern = _parse(left, {}, place)[0]
    bound = _placed(place, slots_of, pattern)
    if isinstance(template, str):
        template = _parse(template, bound, place)[0]
    if isinstance(condition, str):
        condition = _parse(condition, bound, place)[0]
    if template is None:
        raise ValueError(f"the rule for {pattern!s} has no template; write rule(pattern, template) ({place})")
    unknown = [slot for slot in where or () if slot not in bound]
    if unknown:
        raise ValueError(
            f"where={{...}} names the slot {unknown[0]!r}, which the pattern {pattern!s} does not have ({place}); "
            f"its slots are {', '.join(bound) or 'none'}"
        )
    homes = _placed(place, segment_homes, pattern)
    compiled = [_checked(part, bound, homes, place, pattern) for part in (template, condition)]
    if isinstance(compiled[1], Template) and _placed(place, interface.sort_of, condition) != "boolean":
        raise ValueError(
            f"the condition {condition!s} is no truth value ({place}); write a comparison, such as {condition!s} > 0"
        )
    made = []
    for plain, fixed in _placed(place, variants, pattern):
        if not _may_be_left_out(fixed, bound, where or {}):
            continue
        found = _placed(place, compile_pattern, plain, where or {})
        if isinstance(found, Slot | Segment | Literal):
            chosen = "".join(f" with {slot} = {value}" for slot, value in fixed.items())
            raise ValueError(
                f"the pattern {plain!s}{chosen} would match at every place; give a call, sum or product ({place})"
            )
        made.append((found, fixed))
    needed = frozenset.intersection(*[heads_needed(found) for found, _ in made])
    return Rule(
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


def _placed(place: str, function: Callable[..., Any], *args: Any) -> Any:
    """Return what a function returns; what it refuses is refused with file and line."""
    try:
        return function(*args)
    except ValueError as problem:
        raise ValueError(f"{problem} ({place})") from None
    except TypeError as problem:
        raise TypeError(f"{problem} ({place})") from None


def _may_be_left_out(
    fixed: Mapping[str, Any], bound: Mapping[str, Any], where: Mapping[str, Callable[[Any], Any]]
) -> bool:
    """Tell whether default slots may stand for their defaults: a positive one cannot be the 0 that is left out of a sum."""
    search = Search(Facts())
    return all(
        bind(compile_slot(bound[name], where), interface.make_number(bound[name], value), {}, search)
        is not None
        for name, value in fixed.items()
    )


def _parse(text: str, known: dict[str, Any], place: str) -> tuple[Any, dict[str, Any]]:
    """Return a term and its slots by name; a declared slot needs its declaration only once."""
    from symnum.text.parser import ParseError

    try:
        return read(text, known)
    except ParseError as problem:
        raise ValueError(f"the rule part {text.strip()!r} ({place}) is no formula: {problem}") from None
    except ValueError as problem:
        raise ValueError(f"the rule part {text.strip()!r} ({place}) is wrong: {problem}") from None


def _checked(part: Any, bound: dict[str, Any], homes: dict[str, str], place: str, pattern: Any) -> Any:
    """Return a template or condition compiled, or the function itself."""
    if part is None:
        return part
    if callable(part) and not interface.is_term(part):
        _check_parameters(part, bound, place, pattern)
        return part
    used = _placed(place, slots_of, part)
    missing = [slot for slot in used if slot not in bound]
    if missing:
        raise ValueError(
            f"{part!s} uses the slot {missing[0]!r}, which the pattern {pattern!s} does not bind ({place}); "
            f"its slots are {', '.join(bound) or 'none'}"
        )
    for slot, made in used.items():
        if _kind(made) != _kind(bound[slot]):
            raise ValueError(
                f"{part!s} uses {slot!r} as a {_kind(made)}, but in the pattern {pattern!s} it is a {_kind(bound[slot])} ({place})"
            )
    return _placed(place, compile_template, part, homes)


def _check_parameters(function: Callable[..., Any], bound: dict[str, Any], place: str, pattern: Any) -> None:
    """Refuse a function that cannot be called with the slots by their names."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # some functions written in C do not tell
    called = getattr(function, "__name__", "the function")
    wanted = signature.parameters.values()
    named = {p.name for p in wanted if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    needed = [p.name for p in wanted if p.name in named and p.default is p.empty]
    missing = [name for name in needed if name not in bound]
    if missing:
        raise ValueError(
            f"{called} has the parameter {missing[0]!r}, which is no slot of the pattern {pattern!s} ({place}); "
            f"its slots are {', '.join(bound) or 'none'}"
        )
    ignored = [name for name in bound if name not in named]
    if ignored and not any(p.kind is p.VAR_KEYWORD for p in wanted):
        raise ValueError(
            f"{called} does not take the slot {ignored[0]!r} of the pattern {pattern!s} ({place}); give it a parameter of that "
            f"name, or **others"
        )


def _kind(made: Any) -> str:
    if isinstance(made, FunctionSlot):
        return "function slot"
    return "segment" if declaration(made).segment else "slot"


class RuleSet:
    """Rules in order, indexed by the head at which they start.

    Calling the set on a term returns the first result of the first rule that fires at the top of the term, or None.  ``+`` joins sets.
    On a backend that keeps terms as written a nest of sums is several places: bring the term into ``canonical.normal_form`` first.
    """

    def __init__(self, rules: Iterable[Rule], name: str = "") -> None:
        self.rules = tuple(rules)
        self.name = name
        self._compiled: CompiledSet | None = None
        self._interpreted = False
        for entry in self.rules:
            if not isinstance(entry, Rule):
                raise TypeError(
                    f"a RuleSet holds rules, but got {entry!r}; write RuleSet([rule('a*b -> c'), ...])"
                )
        starts = [[_starting_heads(pattern) for pattern, _ in entry.patterns] for entry in self.rules]
        self._open = {i for i, found in enumerate(starts) if None in found}
        self._by_head: dict[str, tuple[Rule, ...]] = {}
        for head in {head for found in starts for heads in found for head in heads or ()}:
            self._by_head[head] = self._starting_at(head, starts)
        self._elsewhere = tuple([self.rules[i] for i in sorted(self._open)])

    def _starting_at(self, head: str, starts: list[list[tuple[str, ...] | None]]) -> tuple[Rule, ...]:
        """Return the rules that are tried at a head, in order."""
        other = head not in SUM_HEADS and head not in PRODUCT_HEADS
        return tuple(
            [
                entry
                for i, entry in enumerate(self.rules)
                if any(heads is not None and head in heads for heads in starts[i])
                or (other and i in self._open)
            ]
        )

    def at_head(self, head: str) -> tuple[Rule, ...]:
        """Return the rules that may fire at a term with this head, in order."""
        found = self._by_head.get(head)
        if found is not None or not head or head in SUM_HEADS or head in PRODUCT_HEADS:
            return found or ()
        return self._elsewhere

    def __reduce__(self) -> tuple[Any, ...]:
        # what is compiled holds functions made at run time, and is made again where the set arrives
        return _restored, (self.rules, self.name, self._interpreted)

    def __add__(self, other: RuleSet) -> RuleSet:
        joined = " + ".join(n for n in (self.name, other.name) if n)
        return _restored(self.rules + other.rules, joined, self._interpreted or other._interpreted)

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __repr__(self) -> str:
        return f"<RuleSet {self.name!r} of {len(self.rules)} rules>"

    def only(self, holds: str) -> RuleSet:
        """Return the rules of one kind, "total" or "generic"."""
        kept = [r for r in self.rules if r.holds == holds]
        return _restored(kept, self.name, self._interpreted)

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
        rules = self.at_head(head)
        if not rules:
            return
        facts = facts or Facts()
        if self._interpreted:
            index = SumIndex(term) if head in SUM_HEADS else None
            for entry in rules:
                yield entry, _other_than(term, entry.results(term, facts, index))
            return
        index = SumIndex(term) if head in SUM_HEADS and not is_canonical(term) else None
        yield from self._through_gates(term, head, self.compiled.candidates(term, head, index), facts, index)

    def _through_gates(
        self,
        term: Any,
        head: str,
        candidates: tuple[CompiledRule, ...],
        facts: Facts,
        index: SumIndex | None = None,
    ) -> Iterator[tuple[Rule, Iterator[Any]]]:
        """Yield (rule, iterator over its results) for those of the candidates whose gates let ``term`` pass."""
        view: Any = None
        search = Search(facts)
        for compiled in candidates:
            entry = compiled.rule
            if view is None:
                if head in SUM_HEADS:
                    view = index = index or SumIndex(term)
                else:
                    view = product_view(term)[1] if head in PRODUCT_HEADS else term
            passed: Any = True if compiled.gate is None else compiled.gate(view, search)
            if passed is None:
                continue
            if compiled.whole:
                yield entry, _other_than(term, entry.instance(term, passed, search))
            else:
                yield entry, _other_than(term, entry.results(term, facts, index))

    def matches(self, root: Any, facts: Facts | None = None) -> Iterator[tuple[Rule, Any, Any]]:
        """Yield (rule, node, new term) for each distinct node of a term where a rule fires: the first rule, and its first result.

        The nodes are all sub-terms by :func:`symnum.term.postorder`.  All are asked before the first is given back, so that their order
        can be that of :mod:`symnum.order`, which does not depend on how the term was built.

        >>> import symnum as sn
        >>> rules = RuleSet([rule("sin(asin(a)) -> a"), rule("exp(a)*exp(b) -> exp(a + b)")])
        >>> for found in rules.matches(sn.parse("log(exp(x)*exp(y)) + 2*sin(asin(x))")):
        ...     print(*found, sep=" | ")
        exp(a)*exp(b) -> exp(a + b) | exp(x)*exp(y) | exp(x + y)
        sin(asin(a)) -> a | sin(asin(x)) | x
        """
        fired = list(self._firing_below(root, facts or Facts()))
        yield from sorted(fired, key=lambda found: order_key(found[1])) if len(fired) > 1 else fired

    def _firing_below(self, root: Any, facts: Facts) -> Iterator[tuple[Rule, Any, Any]]:
        """Yield what ``matches`` yields, in no particular order."""
        if self._interpreted or not is_canonical(root):
            for node in interface.postorder(root):
                fired = next(self.results(node, facts), None)
                if fired is not None:
                    yield fired[0], node, fired[1]
            return
        for node, head, candidates in self.compiled.walk(root):
            for entry, found in self._through_gates(node, head, candidates, facts):
                new = next(found, None)
                if new is not None:
                    yield entry, node, new
                    break

    @property
    def compiled(self) -> CompiledSet:
        """Return the compiled form of the set, made on first use."""
        if self._compiled is None:
            with _COMPILING:
                if self._compiled is None:
                    from symnum.rewriting.compiled import CompiledSet

                    self._compiled = CompiledSet(self.rules, self.at_head)
        return self._compiled

    def interpreted(self) -> RuleSet:
        """Return the set without generated code: slower, with the same results in the same order."""
        return _restored(self.rules, self.name, True)

    def compiled_report(self) -> str:
        """Return how many rules have a generated gate, and why others have none.

        >>> print(RuleSet([rule("sin(asin(a)) -> a"), rule("max(a, xs..., -a) -> max(abs(a), xs)")]).compiled_report())
        2 rules: 1 with generated code, of which 1 needs no interpreter
        without: max(a, xs..., -a) -> max(abs(a), xs): a pattern with a segment, a function slot, or of min, max, and, or
        """
        entries = self.compiled.entries
        gated = [entry for entry in entries if entry.gate is not None]
        whole = sum(entry.whole for entry in gated)
        lines = [
            f"{len(entries)} rules: {len(gated)} with generated code, of which {whole} need{'s' * (whole == 1)} no interpreter"
        ]
        lines += [f"without: {entry.rule}: {entry.why}" for entry in entries if entry.gate is None]
        return "\n".join(lines)

    def sweeps(
        self, term: Any, facts: Facts, accept: Callable[[Any, Any], bool]
    ) -> Iterator[tuple[Rule, Any]]:
        """Yield (rule, new term) with each rule applied all over a wide sum, see :meth:`Rule.sweep`."""
        index = SumIndex(term)
        for entry in self.at_head(head_of(term)):
            if (
                isinstance(entry.pattern, SumPattern)
                and entry.pattern.segment is None
                and entry.needed <= index.by_head.keys()
            ):
                new = entry.sweep(index, facts, accept)
                if new is not None:
                    yield entry, new


def _restored(rules: Iterable[Rule], name: str, interpreted: bool) -> RuleSet:
    """Return a set of rules that is compiled on first use, or never."""
    made = RuleSet(rules, name)
    made._interpreted = interpreted
    return made


def _other_than(term: Any, found: Iterator[Any]) -> Iterator[Any]:
    identity = interface.key(term)
    return (new for new in found if interface.key(new) != identity)


def _starting_heads(pattern: Pattern) -> tuple[str, ...] | None:
    """Return the heads of the terms at which a pattern is tried, or None for all but those of sums and products."""
    if isinstance(pattern, ApplyPattern):
        return None
    if isinstance(pattern, SumPattern):
        return tuple(sorted(SUM_HEADS))
    if isinstance(pattern, ProductPattern):
        single = len(pattern.factors) == 1 and pattern.coefficient == 1 and pattern.segment is None
        (exponent,) = [e for _, e in pattern.factors] if single else (1,)
        return (
            ("^", "sqrt")
            if single and not (is_value(exponent) and exponent == 1)
            else tuple(sorted(PRODUCT_HEADS - {"^", "sqrt"}))
        )
    assert not isinstance(pattern, Slot | Literal)
    return (pattern.head,)
