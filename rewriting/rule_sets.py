"""Sets of rules, indexed by the head that they start at.

>>> import symnum as sn
>>> from symnum.rewriting.rules import rule
>>> pythagoras = RuleSet([rule("sin(a)^2 + cos(a)^2 -> 1")])
>>> pythagoras(sn.parse("3 - k*sin(y)^2 - k*cos(y)^2"))
-k + 3
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from symnum import term as interface
from symnum.order import order_key
from symnum.rewriting.assignment import Search
from symnum.rewriting.compiled import CompiledSet
from symnum.rewriting.facts import Facts
from symnum.rewriting.gates import CompiledRule
from symnum.rewriting.pattern import SumPattern, starting_heads
from symnum.rewriting.rules import Rule, other_than
from symnum.rewriting.sum_index import SumIndex
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, head_of, is_canonical, product_view

_COMPILING = threading.Lock()


class RuleSet:
    """Rules in order, indexed by the head at which they start.

    Calling the set on a term returns the first result of the first rule that fires at the top of the term, or None.  ``+`` joins sets.
    On a backend that keeps terms as written a nest of sums is several places: bring the term into ``canonical.normal_form`` first.
    """

    def __init__(self, rules: Iterable[Rule], name: str = "") -> None:
        if isinstance(rules, str) or not isinstance(rules, Iterable):
            raise TypeError(
                f"a RuleSet takes a list of rules, but got {rules!r}; write RuleSet([rule('a*b -> c'), ...])"
            )
        self.rules = tuple(rules)
        self.name = name
        self._compiled: CompiledSet | None = None
        self._interpreted = False
        for entry in self.rules:
            if not isinstance(entry, Rule):
                raise TypeError(
                    f"a RuleSet holds rules, but got {entry!r}; write RuleSet([rule('a*b -> c'), ...])"
                )
        starts = [[starting_heads(pattern) for pattern, _ in entry.patterns] for entry in self.rules]
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
        if not isinstance(other, RuleSet):
            raise TypeError(
                f"a RuleSet is joined with a RuleSet, but got {other!r}; write ... + RuleSet([rule('a*b -> c'), ...])"
            )
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
            return iter(())
        if self._interpreted:
            index = SumIndex(term) if head in SUM_HEADS else None
            known = facts or Facts()
            return ((entry, other_than(term, entry.results(term, known, index))) for entry in rules)
        index = SumIndex(term) if head in SUM_HEADS and not is_canonical(term) else None
        candidates = self.compiled.candidates(term, head, index)
        if not candidates:
            return iter(())
        return self._through_gates(term, head, candidates, facts or Facts(), index)

    def _through_gates(
        self,
        term: Any,
        head: str,
        candidates: tuple[CompiledRule, ...],
        facts: Facts,
        index: SumIndex | None = None,
    ) -> Iterator[tuple[Rule, Iterator[Any]]]:
        """Yield (rule, iterator over its results) for those of the candidates whose gates let ``term`` pass."""
        view: Any
        if head in SUM_HEADS:
            view = index = index or SumIndex(term)
        else:
            view = product_view(term)[1] if head in PRODUCT_HEADS else term
        search = Search(facts)
        for compiled in candidates:
            gate, entry = compiled.gate, compiled.rule
            passed: Any = True if gate is None else gate(view, search)
            if passed is None:
                continue
            if compiled.whole:
                yield entry, other_than(term, entry.instance(term, passed, search))
            else:
                yield entry, other_than(term, entry.results(term, facts, index))

    def matches(self, root: Any, facts: Facts | None = None) -> Iterator[tuple[Rule, Any, Any]]:
        """Yield (rule, node, new term) for each distinct node of a term where a rule fires: the first rule, and its first result.

        The nodes are all sub-terms by :func:`symnum.term.postorder`.  All are asked before the first is given back, so that their order
        can be that of :mod:`symnum.order`, which does not depend on how the term was built.

        >>> import symnum as sn
        >>> from symnum.rewriting.rules import rule
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
        if interface.backend_of(root) == "columns":
            from symnum.rewriting.column_sieve import firing_below

            fired_in_bulk = firing_below(self, root, facts)
            if fired_in_bulk is not None:
                yield from fired_in_bulk
                return
        yield from self.first_results(self.compiled.walk(root), facts)

    def first_results(
        self, passed: Iterable[tuple[Any, str, tuple[CompiledRule, ...]]], facts: Facts
    ) -> Iterator[tuple[Rule, Any, Any]]:
        """Yield (rule, node, new term) for the first result of the nodes (node, head, rules that passed the sieve)."""
        for node, head, candidates in passed:
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
                    self._compiled = CompiledSet(self.rules, self.at_head)
        return self._compiled

    def interpreted(self) -> RuleSet:
        """Return the set without generated code: slower, with the same results in the same order."""
        return _restored(self.rules, self.name, True)

    def compiled_report(self) -> str:
        """Return how many rules have a generated gate, and why others have none.

        >>> from symnum.rewriting.rules import rule
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
