"""equivalent: whether two terms are the same function, by proofs where there are any and by high precision elsewhere.

Two terms are equivalent when they have the same value wherever one of them has a value.  As everywhere in symnum, x/x is 1: a
value that is missing at single points only, between points where both agree, is no difference.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Any

from symnum import term as interface
from symnum.exact import exact
from symnum.rewriting.enclosures import (
    DIFFERENT,
    NEITHER,
    SAME,
    UNDECIDED,
    Judge,
    OutOfTime,
    Verdict,
    check_sampling_limits,
    unevaluable,
)
from symnum.rewriting.evidence import is_identical, named, shown, shown_apart
from symnum.rewriting.limits import refuse_other_limits
from symnum.rewriting.modular import Residues, compare_residues
from symnum.rewriting.sampling import Point, Sampler
from symnum.text.printer import to_text


@dataclass(frozen=True, slots=True)
class EquivalenceLimits:
    """Bound what `equivalent` may spend.

    ``points`` defined points at which both values agree to ``accuracy`` bits count as evidence of equality; ``tries`` points are tried
    at most, and as many around kinks; values are computed with up to ``bits`` bits.  Proofs by simplification and by the e-graph may take
    ``proof_seconds`` each, the whole ``seconds``.
    """

    points: int = 36
    tries: int = 360
    accuracy: int = 360
    bits: int = 4096
    proof_seconds: float = 2.0
    seconds: float = 20.0

    def __post_init__(self) -> None:
        check_sampling_limits(self)


DEFAULT_LIMITS = EquivalenceLimits()

_DEEP_POINTS = frozenset([5, 6, 7])  # by number; compared with all the bits
ROUNDING = 1e-14
"""Relative error that float constants may carry, so that 0.1 + 0.2 is 0.3."""

_LARGE = 4_000  # nodes beyond which simplification and the e-graph are not tried
_NEARBY = 8  # points that tell a missing value from a missing region


@dataclass(frozen=True, slots=True)
class EquivalenceReport:
    """The answer with its method, reason and evidence.

    ``method`` is "identical", "canonical form", "modular", "simplification", "e-graph" or "truth table" for a proof, "numeric evidence" for
    agreement at ``points`` points that no proof confirms, "counterexample" for a proved difference, "domains" where only one
    term has a value on a whole region, and "none".  ``counterexample`` is the point {name of symbol: value} of such a difference.
    """

    answer: bool | None
    method: str
    why: str
    points: int = 0
    counterexample: Mapping[str, Any] | None = None
    seconds: float = 0.0

    def __bool__(self) -> bool:
        raise TypeError(
            "the truth of a report is not clear, since its answer may be None; write report.answer is True"
        )

    def __str__(self) -> str:
        return f"{self.answer} ({self.method}): {self.why}"


def equivalent(a: Any, b: Any, *, limits: EquivalenceLimits = DEFAULT_LIMITS, seed: int = 0) -> bool | None:
    """Tell whether two terms are the same function of their symbols: True, False, or None when that is not known.

    False is always proved, by a point at which the two values differ.  True is proved where possible; else it rests on agreement
    at many points to more than 100 digits, and :func:`equivalence_report` says so; float constants may be off by 1e-14 of their
    size.  None is the answer where too few points have values, where a limit is reached, and where the terms agree but only one
    has a value on a whole region, as log(x^2) and 2*log(x) for negative x.  Symbols that differ in assumptions are different
    variables.  Two lists are equivalent when they are so in pairs.

    Raises TypeError for what is no term or number, ValueError for lists of different lengths.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> equivalent(sn.sin(2*x), 2*sn.sin(x)*sn.cos(x)), equivalent(sn.sqrt(x**2), x)
    (True, False)
    >>> print(equivalent(sn.log(x**2), 2*sn.log(x)))
    None
    """
    return equivalence_report(a, b, limits=limits, seed=seed).answer


def equivalence_report(
    a: Any, b: Any, *, limits: EquivalenceLimits = DEFAULT_LIMITS, seed: int = 0
) -> EquivalenceReport:
    """Compare two terms as :func:`equivalent` does, and return the answer with its method and reason.

    Of two lists, the report is that of the first pair that is not equivalent, or of the pair with the weakest proof.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> print(equivalence_report(sn.log(x**2), 2*sn.log(x)))
    None (domains): both agree where both have a value, but at x = -1 only the left one has a value: 0
    >>> equivalence_report(sn.floor(x), sn.ceil(x) - 1).counterexample
    {'x': 0}
    """
    refuse_other_limits(limits, EquivalenceLimits, "equivalent")
    start = time.monotonic()
    if _is_list(a) or _is_list(b):
        found = _of_lists(a, b, limits, seed)
    else:
        found = _Question(_as_term(a), _as_term(b), limits, seed).report()
    return replace(found, seconds=time.monotonic() - start)


def _is_list(thing: Any) -> bool:
    return isinstance(thing, list | tuple) and not interface.is_term(thing)


def _as_term(thing: Any) -> Any:
    if interface.is_term(thing):
        return thing
    if isinstance(thing, str):
        raise TypeError(
            f"equivalent takes terms, but got the text {thing!r}; write symnum.parse({thing!r}) to read a formula"
        )
    try:
        return exact(thing)
    except TypeError:
        raise TypeError(
            f"equivalent takes terms, but got {thing!r} of type {type(thing).__name__}; pass a symnum term, a number, "
            f"or two lists of these"
        ) from None


_STRENGTH = (
    "numeric evidence",
    "e-graph",
    "simplification",
    "modular",
    "canonical form",
    "truth table",
    "identical",
)


def _of_lists(a: Any, b: Any, limits: EquivalenceLimits, seed: int) -> EquivalenceReport:
    if not (_is_list(a) and _is_list(b)):
        raise TypeError(
            "equivalent takes two terms or two lists of terms, but got one of each; "
            "put the single term in a list too: equivalent([a], [b])"
        )
    if len(a) != len(b):
        raise ValueError(
            f"equivalent compares lists in pairs, but they have {len(a)} and {len(b)} terms; give as many on both sides"
        )
    reports: list[EquivalenceReport] = []
    for p, q in zip(a, b):
        reports.append(equivalence_report(p, q, limits=limits, seed=seed))
        if reports[-1].answer is False:
            break
    if not reports:
        return EquivalenceReport(True, "identical", "both lists are empty")
    for answer in (False, None):
        for i, report in enumerate(reports):
            if report.answer is answer:
                return replace(report, why=f"pair {i}: {report.why}")
    weakest = min(range(len(reports)), key=lambda i: _STRENGTH.index(reports[i].method))
    return replace(reports[weakest], why=f"pair {weakest}: {reports[weakest].why}")


class _Question:
    """One comparison: what sampling has shown, and the proofs that are tried on it."""

    def __init__(self, a: Any, b: Any, limits: EquivalenceLimits, seed: int) -> None:
        self.a, self.b, self.limits, self.seed = a, b, limits, seed
        self.end = time.monotonic() + limits.seconds
        self.points = 0
        self.gap: tuple[Point, Verdict] | None = None  # only one side has a value, there and nearby
        self.lonely = False  # only one side has a value, at a single point
        self.complete = False  # every point there is was tried
        self.undecided = False  # at one of the points at least
        self.seen: Point | None = None  # where both have a value
        self.distance: Any = 0  # a number that the difference of the two was found to be
        self.stop = ""

    def report(self) -> EquivalenceReport:
        """Look for a difference first, since that settles the matter, and then for a proof."""
        if is_identical(self.a, self.b):
            return EquivalenceReport(True, "identical", "both are the same term")
        sorts = [interface.sort_of(t) == "boolean" for t in (self.a, self.b)]
        if sorts[0] != sorts[1]:
            return EquivalenceReport(False, "counterexample", "one is a condition and the other a number")
        residues = compare_residues([self.a, self.b], [self.b, self.a], self.seed)
        if all(residues.equal) and all(residues.same_domain):
            return EquivalenceReport(True, "modular", _modular_reason(residues), residues.points)
        difference = self.sample()
        if difference is not None:
            return difference
        if residues.different[0]:
            return EquivalenceReport(
                False, "modular", "they are different rational functions, as residues modulo a prime show"
            )
        return self.judged(residues)

    def judged(self, residues: Residues) -> EquivalenceReport:
        """Return the report of two terms that were not found to differ."""
        if self.gap is not None:
            point, verdict = self.gap
            side, value = ("right", verdict.right) if _is_nan(verdict.left) else ("left", verdict.left)
            where = named(self.sampler, point)
            why = f"{_at(where)}only the {side} one has a value: {shown(value)}"
            if self.points:
                why = f"both agree where both have a value, but {why}"
            return EquivalenceReport(None, "domains", why, self.points, where)
        enough = self.points >= (1 if self.complete else self.limits.points)
        enough = enough and not (self.complete and self.undecided)
        if not enough:
            return EquivalenceReport(None, "none", self.stop, self.points)
        lonely = "; at single points only one of them has a value, as with x/x and 1" if self.lonely else ""
        if self.complete and self.sampler.symbols:
            why = f"both agree at all {self.points} points that there are"
            return EquivalenceReport(True, "truth table", why, self.points)
        if residues.equal[0]:
            return EquivalenceReport(True, "modular", _modular_reason(residues) + lonely, self.points)
        skipped = []
        for method, prove in _PROOFS:
            why = prove(self)
            if why.startswith(_FAILED):
                skipped.append(why.removeprefix(_FAILED))
            elif why:
                return EquivalenceReport(True, method, why + lonely, self.points)
            if self.distance and self.seen is not None:
                where = named(self.sampler, self.seen)
                why = f"{_at(where)}the left minus the right is {shown(self.distance)}, as everywhere"
                return EquivalenceReport(False, "counterexample", why, self.points, where)
        places = f"at {self.points} points" if self.sampler.symbols else "of these constants"
        digits = f"to {int(self.limits.accuracy / math.log2(10))} digits"
        if self.judge.floats[0]:
            digits = "up to the rounding of their float constants"
        why = f"the values {places} agree {digits}, which is evidence and no proof{lonely}"
        return EquivalenceReport(
            True, "numeric evidence", "; ".join([why, *filter(None, skipped)]), self.points
        )

    # --- sampling ---

    def sample(self) -> EquivalenceReport | None:
        """Compare values at points until there are enough; return the report of a difference."""
        self.sampler = Sampler([self.a, self.b], self.seed)
        obstacle = unevaluable([self.a, self.b])
        if obstacle:
            self.stop = obstacle
            return None
        bits, accuracy = self.limits.bits, self.limits.accuracy
        self.judge = Judge([(self.a, self.b)], bits, accuracy, ROUNDING, self.end)
        self.complete = True
        reason = "too few of the points that were tried have values that can be compared"
        try:
            for number, point in enumerate(self.series()):
                deep = number in _DEEP_POINTS or not self.sampler.symbols
                difference = self.take(point, self.judge.verdicts(point, [0], deep)[0])
                if difference is not None:
                    return difference
        except OutOfTime:
            self.complete = False
            reason = f"the limit of {self.limits.seconds} seconds was reached"
        wanted = 1 if self.complete else self.limits.points
        self.stop = f"{reason} ({self.points} of {wanted} agree)"
        return None

    def take(self, point: Point, verdict: Verdict) -> EquivalenceReport | None:
        """Note what was found at a point; return the report if that is a difference."""
        if verdict.kind == SAME:
            self.points += 1
            if not _has_infinity(verdict):
                self.seen = self.seen or point
        elif verdict.kind == UNDECIDED:
            self.undecided = True
        elif verdict.kind == NEITHER or verdict.is_pole:
            return None
        elif (verdict.kind != DIFFERENT or _has_infinity(verdict)) and self.is_alone(point):
            self.lonely = True
        elif verdict.kind == DIFFERENT:
            where = named(self.sampler, point)
            left, right = shown_apart(verdict.left, verdict.right)
            why = f"{_at(where)}the left is {left} and the right is {right}"
            return EquivalenceReport(False, "counterexample", why, self.points, where)
        elif self.gap is None:
            self.gap = (point, verdict)
        return None

    def series(self) -> Iterator[Point]:
        """Yield the points in turn: general ones until enough agree, then those in special places."""
        for number, point in enumerate(self.sampler.points()):
            enough = self.points >= self.limits.points or number == self.limits.tries
            if enough and not self.sampler.is_table:
                self.complete = False
                size = interface.node_count(self.a, self.b)
                yield from islice(self.sampler.places(), self.limits.tries * 100 // max(size, 100))
                return
            yield point

    def is_alone(self, point: Point) -> bool:
        """Tell whether a value is missing or infinite at one point but not around it."""
        if not self.sampler.symbols:
            return False
        for _ in range(_NEARBY):
            near = self.judge.verdicts(self.sampler.near(point), [0])[0]
            if near.kind == SAME:
                return True
        return False

    # --- proofs ---

    def remaining(self) -> float:
        """Return the seconds that a proof may take."""
        return min(self.limits.proof_seconds, self.end - time.monotonic())

    def interned(self) -> tuple[Any, Any]:
        """Return both terms in the backend that is canonical at construction."""
        from symnum.symbols import convert

        return convert(self.a), convert(self.b)

    def by_canonical_form(self) -> str:
        """Compare the canonical forms."""
        a, b = self.interned()
        return "both have one canonical form" if a is b else ""

    def by_simplification(self) -> str:
        """Simplify the difference, which is 0 for rational functions of the same parts, and then each side."""
        from symnum.rewriting.reports import Limits
        from symnum.rewriting.simplifier import simplify

        if interface.node_count(self.a, self.b) > _LARGE:
            return f"{_FAILED}simplification was not tried on more than {_LARGE} nodes"
        a, b = self.interned()
        for what, left, right in self.forms(a, b):
            seconds = self.remaining()
            if seconds <= 0:
                return f"{_FAILED}simplification was cut short by the limit of seconds"
            limits = Limits(seconds=seconds)
            left, right = simplify(left, limits=limits), simplify(right, limits=limits)
            if is_identical(left, right):
                return what
            if all(
                interface.is_number(t) and type(interface.value(t)) in (int, Fraction) for t in (left, right)
            ):
                self.distance = interface.value(left) - interface.value(right)
                return ""
        return ""

    def forms(self, a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
        """Yield pairs of terms that are equal exactly if the two terms are, with the words for it."""
        if interface.sort_of(a) != "boolean":
            yield "the difference simplifies to 0", a - b, interface.make_number(a, 0)
        yield "both simplify to one form", a, b

    def by_egraph(self) -> str:
        """Ask the e-graph whether the two terms meet."""
        from symnum.rewriting.egraph import EGraph, EGraphError, EGraphLimits

        seconds = self.remaining()
        if seconds <= 0 or interface.node_count(self.a, self.b) > _LARGE:
            return f"{_FAILED}the e-graph was not tried"
        a, b = self.interned()
        try:
            graph = EGraph(limits=EGraphLimits(seconds=seconds))
            graph.add(a)
            graph.add(b)
            graph.run()
            return "both are in one class of the e-graph" if graph.equal(a, b) else ""
        except EGraphError as reason:
            return f"{_FAILED}{reason}"


_FAILED = "not tried: "

_PROOFS: Sequence[tuple[str, Callable[[_Question], str]]] = (
    ("canonical form", _Question.by_canonical_form),
    ("simplification", _Question.by_simplification),
    ("e-graph", _Question.by_egraph),
)
"""Methods of proof in the order in which they are tried; each returns its reason, or nothing."""


def _modular_reason(residues: Residues) -> str:
    return f"both agree modulo {residues.points} primes, by chance with a probability below 2^-{min(residues.bits, 60)}"


def _is_nan(value: Any) -> bool:
    return type(value) is float and value != value


def _has_infinity(verdict: Verdict) -> bool:
    return any(type(v) is float for v in (verdict.left, verdict.right))


def _at(point: Mapping[str, Any]) -> str:
    """Return a point as the beginning of a sentence, without its less telling part where it is long."""
    words = [f"{name} = {to_text(value, limit=30)}" for name, value in islice(point.items(), 4)]
    return f"at {', '.join(words)}{', ...' if len(point) > 4 else ''} " if point else ""
