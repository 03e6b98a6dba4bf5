"""simplify: the cheapest form that the theories and normal forms lead to.

A rule is applied only where it makes the term at that place cheaper, so the process ends because a measure falls and not because a
counter ran out.  What needs a step that gets dearer first is found through normal forms (``forms``): each is made, the rules are applied
to it, and it is kept only if the result is cheaper.
"""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import replace
from itertools import islice
from typing import Any

from symnum import term as interface
from symnum.algebra.ring import ATOM, NUMBER, SUM, view
from symnum.fold import fold
from symnum.rewriting.canonical import normal_form, readable
from symnum.rewriting.cost import ops
from symnum.rewriting.domains import has_unusual_floats, is_closed
from symnum.rewriting.facts import Facts
from symnum.rewriting.forms import forms_of
from symnum.rewriting.forms.region import region_parts
from symnum.rewriting.forms.spelling import spelled
from symnum.rewriting.forms.splits import powers_of, splits_power
from symnum.rewriting.idle import IdleCalls, shape_of
from symnum.rewriting.limits import refuse_other_limits
from symnum.rewriting.measure import TreeCost
from symnum.rewriting.reports import Limits, SimplifyReport, Step
from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.strategies import bottom_up, rewritten
from symnum.rewriting.views import SUM_HEADS, call_of, head_of


class _LimitReached(Exception):
    """Carries the name of the limit out of a strategy."""


DEFAULT_LIMITS = Limits()

_IDLE = {False: IdleCalls(), True: IdleCalls()}
"""Where the built-in theories find nothing cheaper, without and with the generic rules."""

WORK = 4000
"""How many results of one rule at one place are tried, times the width of the place."""

LEAF = (0, 0)
"""The cost of a leaf: nothing is cheaper."""

SHORTEST = 2
"""Terms of fewer operations are not looked at for other forms."""

WIDE = 64
"""Sums with more addends are rewritten in many places at once."""


def simplify(
    term: Any,
    *,
    generic: bool = False,
    trace: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    rules: RuleSet | None = None,
) -> Any:
    """Return the cheapest equal form that was found, never a dearer one than ``term``.

    The result equals ``term`` wherever that is defined: only total rules are used (see :class:`symnum.rewriting.Rule`), unless ``generic``
    also allows those that hold except on a null set or on part of the domain.  As everywhere in symnum, x/x is 1.  Symbols are real,
    and their assumptions are used.  A list or tuple of terms gives a list.  ``rules`` replaces the built-in theories;
    ``trace=True`` returns the report instead, with every step (a list of reports for a list).  Ctrl-C ends it with the best so far.
    Raises TypeError for what is no term, and for limits and rules of another kind.

    >>> import symnum as sn
    >>> x, k = sn.symbols("x k")
    >>> simplify(k - k*sn.sin(x)**2)
    k*cos(x)^2
    >>> simplify(sn.sqrt(x**2)), simplify(sn.sqrt(sn.symbols("r", positive=True)**2))
    (abs(x), r::positive)
    """
    terms = term if isinstance(term, list | tuple) else [term]
    reports: list[SimplifyReport] = []
    for part in terms:
        if reports and reports[-1].stop == "interrupted":
            limits = replace(limits, seconds=0.0)
        reports.append(simplify_report(part, generic=generic, limits=limits, rules=rules, trace=trace))
    found = reports if trace else [report.result for report in reports]
    return found if isinstance(term, list | tuple) else found[0]


def simplify_report(
    term: Any,
    *,
    generic: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    rules: RuleSet | None = None,
    trace: bool = True,
) -> SimplifyReport:
    """Simplify one term and return the report with result, stop reason, costs and steps.

    >>> import symnum as sn
    >>> report = simplify_report(sn.parse("sin(x)^2 + cos(x)^2 + y"))
    >>> report.result, report.stop, report.trace[0].rule
    (y + 1, 'fixpoint', 'sin(a)^2 + cos(a)^2 -> 1')
    """
    if not interface.is_term(term):
        hint = (
            "write symnum.parse(text) to read a formula"
            if isinstance(term, str)
            else "pass a term, or a list of terms to simplify"
        )
        raise TypeError(f"simplify takes a term, but got {term!r} of type {type(term).__name__}; {hint}")
    refuse_other_limits(limits, Limits, "simplify")
    if rules is not None and not isinstance(rules, RuleSet):
        raise TypeError(
            f"simplify takes rules=RuleSet([...]), but got {rules!r}; write RuleSet([rule('abs(abs(a)) -> abs(a)')])"
        )
    return _Run(generic, limits, rules, trace).report(term)


class _Run:
    """One simplification: what is known about costs and facts, and what was already settled."""

    def __init__(self, generic: bool, limits: Limits, rules: RuleSet | None, trace: bool) -> None:
        self.idle: IdleCalls | None = None
        if rules is None:
            from symnum.rewriting import theories

            rules = theories.ALL if generic else theories.TOTAL
            self.idle = _IDLE[generic]
        elif not generic:
            rules = rules.only("total")
        self.rules, self.limits, self.tracing, self.generic = rules, limits, trace, generic
        self.cost, self.facts = TreeCost(), Facts()
        self.settled: dict[Hashable, tuple[Any, Any]] = {}
        self.next: dict[Hashable, tuple[Any, tuple[str, Any] | None]] = {}
        self.best: dict[Hashable, tuple[Any, Any]] = {}
        self.walked: dict[Hashable, tuple[Any, Any]] = {}
        self.spelling: dict[Hashable, tuple[Any, Any]] = {}
        self.unusual: dict[Hashable, tuple[Any, bool]] = {}
        self.sizes: dict[Hashable, int] = {}
        self.raised: dict[Hashable, bool] = {}
        self.kept: list[Any] = []
        self.normal: dict[Hashable, Any] = {}
        self.trace: list[Step] = []
        self.fired: dict[str, int] = {}
        self.steps = 0
        self.start = time.monotonic()
        self.facts.deadline = self.start + limits.seconds

    def report(self, term: Any) -> SimplifyReport:
        """Run to the fixpoint or to a limit and report the cheapest form seen."""
        before = self.cost.shared(term)
        best, best_cost = term, before
        stop, passes = "fixpoint", 0
        start = current = normal_form(term, self.normal)
        try:
            while True:
                if passes == self.limits.passes:
                    stop = "passes"
                    break
                passes += 1
                new = self.or_spelled(current, self.one_pass(current))
                cost = best_cost if new is best else self.cost.shared(new)
                if cost < best_cost or (
                    cost == best_cost and best is term and interface.key(new) == interface.key(start)
                ):
                    best, best_cost = new, cost
                if interface.key(new) == interface.key(current) or not self.cost(new) < self.cost(current):
                    break
                current = new
        except (_LimitReached, KeyboardInterrupt) as limit:
            stop = str(limit) or "interrupted"
            new = self.so_far(current)
            if self.cost.shared(new) < best_cost:
                best, best_cost = new, self.cost.shared(new)
        result = term if best is term else readable(best)
        # the measure of the rules looks at products and signs as people do; by plain counting a result is not dearer either
        after = best_cost if result is best else self.cost.shared(result)
        if result is not term and (after > before or (after != LEAF and ops.dag(result) > ops.dag(term))):
            result, after = term, before
        return SimplifyReport(
            result,
            stop,
            before,
            after,
            passes,
            self.fired,
            time.monotonic() - self.start,
            self.trace,
        )

    def one_pass(self, term: Any) -> Any:
        """Bring each part, inner ones first, and then the term itself into its best form."""
        found = rewritten(term, self.changed_form, self.walked, call_of, self.is_closed)
        return term if found is None else found

    def or_spelled(self, term: Any, found: Any) -> Any:
        """Return ``found``, or what the standard spelling of a term leads to where that is cheaper."""
        if self.cost(found) == LEAF:
            return found
        other = spelled(term, self.spelling)
        if other is None:
            return found
        new = self.one_pass(normal_form(other, self.normal))
        if not self.cost(new) < self.cost(found):
            return found
        self.note("standard spelling", term, new)
        return new

    def changed_form(self, term: Any) -> Any | None:
        if not head_of(term):
            return None
        if self.is_idle(shape_of(term)) and self.cost(term)[0] < SHORTEST:
            self.check_limits()
            return None
        new = self.best_form(term)
        return None if new is term else new

    def so_far(self, term: Any) -> Any:
        """Return a term with its parts in the best form known, without any more work."""

        def known(part: Any) -> Any | None:
            identity = interface.key(part)
            forms = [memo[identity][1] for memo in (self.best, self.settled) if identity in memo]
            return min(forms, key=self.cost, default=None)

        found = bottom_up(known, make=call_of)(term)
        return term if found is None else found

    def by_rules(self, term: Any) -> Any:
        """Apply the rules bottom-up until no part changes; the tree cost falls with each round."""
        while True:
            new = rewritten(term, self.at_node, self.settled, call_of, self.is_closed)
            if new is None or not self.cost(new) < self.cost(term):
                return term if new is None or self.cost(term) < self.cost(new) else new
            term = new

    def at_node(self, term: Any) -> Any:
        """Rewrite at the top of one term as long as that makes it cheaper, each time to the cheapest result."""
        if not head_of(term):
            return None
        shape = None if self.idle is None else shape_of(term)
        if self.is_idle(shape):
            self.check_limits()
            return None
        current = term
        while True:
            try:
                self.check_limits()
            except _LimitReached:
                self.settled[interface.key(term)] = (term, current)  # what was reached is not lost
                raise
            # In a wide sum each result costs its width to build, and one improvement is as good as another.
            width = len(self.cost.own(current)[1])
            tries, enough = max(8, WORK // (width + 1)), max(1, WORK // (40 * (width + 1)))
            if width > WIDE and head_of(current) in SUM_HEADS:
                swept = next(self.rules.sweeps(current, self.facts, self.is_cheaper), None)
                if swept is None or not self.cost(swept[1]) < self.cost(current):
                    return current if current is not term else None
                self.note(swept[0].name, current, swept[1])
                current = swept[1]
                continue
            identity = interface.key(current)
            known = self.next.get(identity)
            best = self.cheapest(current, tries, enough) if known is None else known[1]
            if best is None:
                if time.monotonic() > self.facts.deadline:
                    continue  # not all was looked at: the limit is reported
                self.next[identity] = (current, None)
                if current is not term:
                    return current
                if self.idle is not None:
                    self.idle.add(shape)
                return None
            if time.monotonic() <= self.facts.deadline:
                self.next[identity] = (current, best)
            self.note(best[0], current, best[1])
            current = best[1]

    def cheapest(self, current: Any, tries: int, enough: int) -> tuple[str, Any] | None:
        """Return (rule, result) of the cheapest result at the top of a term that is cheaper than it, as far as time allows."""
        cost, best = None, None
        for entry, found in self.rules.firing(current, self.facts):
            better = 0
            for new in islice(found, tries):
                if time.monotonic() > self.facts.deadline:
                    return best
                cost = cost or self.cost(current)
                new_cost = self.cost(new)
                if new_cost < cost:
                    best, cost = (entry.name, new), new_cost
                    better += 1
                    if cost == LEAF:
                        return best
                    if better == enough:
                        break
        return best

    def is_closed(self, term: Any) -> bool:
        """Tell whether a term is not entered: a comparison whose sides may be undefined, unless generic rules are allowed."""
        return not self.generic and is_closed(term, self.facts)

    def is_idle(self, shape: Hashable | None) -> bool:
        """Tell whether the rules are known to find nothing cheaper at a call of a shape."""
        return self.idle is not None and shape in self.idle

    def is_cheaper(self, before: Any, after: Any) -> bool:
        """Tell whether a rewrite of some addends pays."""
        return self.cost(after) < self.cost(before)

    def best_form(self, term: Any) -> Any:
        """Return the cheapest of a term and its normal forms, with the rules applied to each."""
        identity = interface.key(term)
        known = self.best.get(identity)
        if known is not None:
            return term if known[1] is known[0] else known[1]
        self.best[identity] = (term, term)
        best = self.by_rules(term)
        cost = self.cost(best)
        tried = {identity, interface.key(best)}
        starts = [term] if best is term else [best, term]
        while starts and cost[0] >= SHORTEST:
            start = starts.pop(0)
            operations = self.cost(start)[0]
            self.kept.append(start)  # the keys of its parts stay their own as long as they are known
            powers = {} if self.generic else powers_of(start, self.facts, self.raised)
            for name, form in forms_of(
                start, operations, self.facts, self.generic, self.is_worth_expanding, self.best_form
            ):
                self.check_limits()
                form = normal_form(form, self.normal)
                if interface.key(form) in tried or (
                    has_unusual_floats(form, self.unusual) and not has_unusual_floats(start, self.unusual)
                ):
                    continue
                if splits_power(powers, form, self.facts):
                    continue
                tried.add(interface.key(form))
                new = self.by_rules(form)
                new_cost = self.cost(new)
                if new_cost < cost:
                    self.note(name, best, new)
                    best, cost = new, new_cost
                    starts = [new]
                    tried.add(interface.key(new))
                    if cost[0] < SHORTEST:
                        break
        self.best[identity] = (term, best)
        self.best.setdefault(interface.key(best), (best, best))
        return best

    def is_worth_expanding(self, term: Any) -> bool:
        """Tell whether polynomial arithmetic could shorten the rational part at the top of a term, at a bounded price."""
        kind, constant, pairs = view(term)
        if kind == SUM:
            linear = all(view(part)[0] == ATOM for part, _ in pairs)
            if linear and sum(head_of(part) == "exp" for part, _ in pairs) > 1:
                linear = False  # exp(2*x) is the square of exp(x)
            if linear and any(c in (1, -1) for c in (constant, *(c for _, c in pairs))):
                return False
        elif all(view(base)[0] in (ATOM, NUMBER) for base, _ in pairs):
            return False
        return self.monomials(term) <= self.limits.monomials

    def monomials(self, root: Any) -> int:
        """Return how many monomials a term may have when it is multiplied out, or a number above the limit; floats count as too many."""
        most = self.limits.monomials + 1

        def visit(node: Any, sizes: list[int]) -> int:
            self.kept.append(node)  # its key stays its own as long as it is known
            kind, number, pairs = view(node)
            if type(number) is float or any(type(weight) is float for _, weight in pairs):
                return most
            if kind in (ATOM, NUMBER):
                return 1
            if kind == SUM:
                return min(sum(sizes) + (number != 0), most)
            total = 1
            for size, (_, weight) in zip(sizes, pairs):
                power = min(abs(weight), most) if isinstance(weight, int) else 1
                total = min(total * (size**power if size < 3 or power < 12 else most), most)
            return total

        return fold(root, visit, parts=region_parts, memo=self.sizes)

    def note(self, name: str, before: Any, after: Any) -> None:
        self.steps += 1
        self.fired[name] = self.fired.get(name, 0) + 1
        if self.tracing:
            self.trace.append(Step(name, before, after))

    def check_limits(self) -> None:
        if self.steps >= self.limits.steps:
            raise _LimitReached("steps")
        if time.monotonic() - self.start > self.limits.seconds:
            raise _LimitReached("seconds")
