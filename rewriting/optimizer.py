"""optimize: the cheapest proved form of terms under a cost model.

Candidates come from the factoring optimiser, and for small systems also from the simplifier, from multiplying out and from the e-graph.
The cheapest one whose values are proved to be those of the input is returned, and the input itself where none is cheaper: what is
returned never costs more than what was given.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from symnum import term as interface
from symnum.algebra.polynomial import expand
from symnum.expression import refuse_mixed
from symnum.rewriting.canonical import normal_form, readable
from symnum.rewriting.cost import CostModel, cost_model
from symnum.rewriting.evidence import Evidence, EvidenceLimits, compare
from symnum.rewriting.limits import check_limits, refuse_other_limits
from symnum.rewriting.local_search import factor_and_share
from symnum.rewriting.nary import build, read
from symnum.rewriting.reports import Limits
from symnum.rewriting.simplifier import simplify_report


@dataclass(frozen=True, slots=True)
class OptimizeLimits:
    """Bound what optimize may spend.

    ``seconds`` is for all candidates together, and again for the evidence of each that is looked at; ``search`` is for the local
    search of one.  Systems of more than ``simplify_nodes`` distinct nodes are not simplified or multiplied out, and those of more than
    ``egraph_nodes`` do not enter the e-graph.
    ``monomials`` bounds what one term may have when it is multiplied out.
    """

    seconds: float = 10.0
    search: float = 0.5
    simplify_nodes: int = 2000
    egraph_nodes: int = 150
    monomials: int = 400

    def __post_init__(self) -> None:
        check_limits(self)


DEFAULT_LIMITS = OptimizeLimits()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One form of the whole system: how it was made, what it costs, and how its making ended.

    ``evidence`` is None for a candidate that was too dear to be looked at.
    """

    name: str
    cost: float
    stop: str
    terms: Sequence[Any] = field(repr=False)
    evidence: Evidence | None = None

    def __str__(self) -> str:
        proof = "" if self.evidence is None else f"; {self.evidence}"
        return f"{self.cost:12g}  {self.name} ({self.stop}){proof}"


@dataclass(frozen=True, slots=True)
class OptimizeReport:
    """What optimize did: the result, its cost and the input's under ``model``, the evidence, and all candidates.

    ``method`` names the candidate that was chosen, "as given" where none was cheaper.  ``stop`` is "all tried", "seconds" or
    "interrupted"; ``skipped`` says in words which candidates were not made, and why.
    """

    result: list[Any]
    model: str
    cost_before: float
    cost_after: float
    method: str
    evidence: Evidence
    stop: str
    candidates: list[Candidate]
    skipped: list[str]
    seconds: float

    def __str__(self) -> str:
        lines = [
            self.summary(),
            "candidates:",
            *(f"  {candidate}" for candidate in self.candidates),
            *(f"  not made: {reason}" for reason in self.skipped),
        ]
        return "\n".join(lines)

    def summary(self) -> str:
        """Return the costs, the choice, its evidence and the stop reason in four lines."""
        ratio = f", {self.cost_before / self.cost_after:.3g} times less" if self.cost_after else ""
        lines = [
            f"cost ({self.model}): {self.cost_before:g} -> {self.cost_after:g}{ratio}",
            f"chosen:   {self.method}",
            f"evidence: {self.evidence}",
            f"stopped:  {self.stop}, {self.seconds:.3g} s",
        ]
        return "\n".join(lines)


def optimize(terms: Any, cost: str | CostModel = "cycles", *, limits: OptimizeLimits = DEFAULT_LIMITS) -> Any:
    """Return the cheapest proved form of a term, or of a list of terms together, never a dearer one.

    ``cost`` is "ops", "cycles", "paper_cycles" or a :class:`CostModel`; shared parts are paid once.  A sum or product that is shared, but
    would merge into the one around it, is kept by ``hold``.  Raises TypeError for what is no term, ValueError for a cost model that
    gives no costs.

    >>> import symnum as sn
    >>> a, b, c, x = sn.symbols("a b c x")
    >>> optimize(a*b*x + a*c*x, cost="ops")
    a*x*(b + c)
    >>> optimize([a + b + c, x*(a + b)], cost="ops")
    [c + hold(a + b), x*(a + b)]
    """
    report = optimize_report(terms, cost, limits=limits)
    return report.result if isinstance(terms, list | tuple) else report.result[0]


def optimize_report(
    terms: Any, cost: str | CostModel = "cycles", *, limits: OptimizeLimits = DEFAULT_LIMITS
) -> OptimizeReport:
    """Optimise a term or a list of terms and return the report, whose ``result`` is a list.

    >>> import symnum as sn
    >>> report = optimize_report(sn.parse("x^3 + x^2 + x"), "ops")
    >>> report.result, report.cost_before, report.cost_after, report.evidence.agrees
    ([x*(x*(x + 1) + 1)], 5.0, 4.0, True)
    """
    model = cost_model(cost)
    roots = list(terms) if isinstance(terms, list | tuple) else [terms]
    for root in roots:
        if not interface.is_term(root):
            hint = "write symnum.parse(text) to read a formula" if isinstance(root, str) else "pass terms"
            raise TypeError(
                f"optimize takes a term or a list of terms, but got {root!r} of type {type(root).__name__}; {hint}"
            )
    refuse_mixed(roots)
    refuse_other_limits(limits, OptimizeLimits, "optimize")
    with _collector_paused():
        return _Optimization(roots, model, limits).report()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the cyclic garbage collector: large systems make millions of tuples in no cycle, and it would look at each many times."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Optimization:
    def __init__(self, roots: list[Any], model: CostModel, limits: OptimizeLimits) -> None:
        self.given, self.model, self.limits = roots, model, limits
        self.start = time.monotonic()
        self.candidates: list[Candidate] = []
        self.skipped: list[str] = []
        self.late = False
        self.before = model.dag(*roots)

    def report(self) -> OptimizeReport:
        """Make the candidates, and return the cheapest that is proved."""
        stop = "all tried"
        if self.given:
            try:
                stop = self.make_candidates()
            except KeyboardInterrupt:
                stop = "interrupted"  # what was found so far is proved and returned
        candidates = sorted(self.candidates, key=lambda candidate: candidate.cost)
        seen: list[Candidate] = []
        chosen: Candidate | None = None
        for candidate in candidates:
            if chosen is None and candidate.cost < self.before:
                limits = EvidenceLimits(seconds=self.limits.seconds)
                evidence = compare(self.given, candidate.terms, limits=limits)
                candidate = Candidate(
                    candidate.name, candidate.cost, candidate.stop, candidate.terms, evidence
                )
                if evidence.agrees is True:
                    chosen = candidate
            seen.append(candidate)
        if chosen is None or chosen.evidence is None:
            chosen = Candidate("as given", self.before, "input", self.given, compare(self.given, self.given))
        assert chosen.evidence is not None
        return OptimizeReport(
            list(chosen.terms),
            self.model.name,
            self.before,
            chosen.cost,
            chosen.name,
            chosen.evidence,
            stop,
            seen,
            self.skipped,
            time.monotonic() - self.start,
        )

    def left(self) -> float:
        return self.limits.seconds - (time.monotonic() - self.start)

    def make_candidates(self) -> str:
        """Fill the list of candidates and return why that ended."""
        memo: dict[Any, Any] = {}
        roots = [normal_form(root, memo) for root in self.given]
        self.factored("factored", roots)
        if _has_more_nodes(roots, self.limits.simplify_nodes):
            self.skipped.append(
                f"simplified, multiplied out and e-graph: there are more than {self.limits.simplify_nodes:,} distinct nodes"
            )
            return "all tried"
        for name, make in (
            ("simplified", self.simplified),
            ("multiplied out", self.expanded),
            ("e-graph", self.saturated),
        ):
            if self.left() <= 0:
                self.skipped.append(f"{name}: no time left")
                return "seconds"
            forms = make(roots)
            if forms is not None and any(a is not b for a, b in zip(forms, roots)):
                self.add(name, "as made", forms)
                self.factored(f"{name}, then factored", [normal_form(form) for form in forms])
        return "seconds" if self.late else "all tried"

    def add(self, name: str, stop: str, terms: list[Any]) -> None:
        terms = [readable(term) for term in terms]
        self.candidates.append(Candidate(name, self.model.dag(*terms), stop, terms))

    def factored(self, name: str, roots: list[Any]) -> None:
        found = factor_and_share(read(roots), self.model, min(self.limits.search, max(self.left(), 0.0)))
        self.add(name, f"{found.stop}, {found.tried} tried", build(found.graph))

    def simplified(self, roots: list[Any]) -> list[Any] | None:
        """Return each root simplified, those that are not cheaper for it as they were."""
        forms, late = [], 0
        for root in roots:
            seconds = min(2.0, self.left() / 2)
            if seconds <= 0:
                late += 1
                forms.append(root)
                continue
            report = simplify_report(root, limits=Limits(seconds=seconds), trace=False)
            late += report.stop == "seconds"
            forms.append(report.result)
        if late:
            self.late = True
            self.skipped.append(f"simplified: {late} of {len(roots)} terms were not finished in time")
        return forms

    def expanded(self, roots: list[Any]) -> list[Any] | None:
        """Return the roots multiplied out."""
        try:
            return [expand(root, max_terms=self.limits.monomials) for root in roots]
        except ValueError as reason:
            self.skipped.append(f"multiplied out: {reason}")
            return None

    def saturated(self, roots: list[Any]) -> list[Any] | None:
        """Return the cheapest forms in the e-graph."""
        if _has_more_nodes(roots, self.limits.egraph_nodes):
            self.skipped.append(f"e-graph: there are more than {self.limits.egraph_nodes:,} distinct nodes")
            return None
        from symnum.rewriting.egraph import EGraph, EGraphError, EGraphLimits

        try:
            graph = EGraph(limits=EGraphLimits(seconds=min(1.0, self.left())))
            for root in roots:
                graph.add(root)
            graph.run()
            return list(graph.extract(*roots, cost=self.model))
        except EGraphError as reason:
            self.skipped.append(f"e-graph: {reason}")
            return None


def _has_more_nodes(roots: list[Any], most: int) -> bool:
    """Tell whether terms have more distinct nodes than ``most``, without counting on."""
    return next(islice(interface.postorder(*roots), most, None), None) is not None
