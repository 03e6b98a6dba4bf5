"""Evidence that terms were changed without changing their values: identity, residues modulo primes, sampling.

`compare` looks at terms before and after a change, pair by pair.  What residues do not settle is evaluated with Arb's balls at
corners, random points and kinks: wherever the left side is defined, the right one must have the same value.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from symnum import term as interface
from symnum.rewriting.enclosures import (
    DIFFERENT,
    ONLY_LEFT,
    SAME,
    UNDECIDED,
    Judge,
    OutOfTime,
    Verdict,
    check_sampling_limits,
    unevaluable,
)
from symnum.rewriting.limits import refuse_other_limits
from symnum.rewriting.modular import compare_residues
from symnum.rewriting.sampling import Point, Sampler
from symnum.text.printer import to_text

_WORK = 300_000  # nodes times points; systems beyond this are seen at fewer points
_FEWEST = 4
_PLACE_WORK = 20_000  # nodes times points at special places, which come at the end
_PLACE_SIZE = 100  # nodes that count at least
_TRIES, _SECONDS = 12, 2.0  # spent on a counterexample where a difference is proved already
_DEEP = 3_000  # nodes up to which some points are compared with all the bits
_DEEP_POINTS = frozenset([5, 6])  # by number, the first random ones


@dataclass(frozen=True, slots=True)
class EvidenceLimits:
    """Bound the sampling: points wanted for each pair, points tried at most, bits and seconds.

    As many points again are tried around kinks and under chosen settings of boolean symbols, fewer for large terms.
    Two values agree when their enclosures overlap and are right to ``accuracy`` bits.
    """

    points: int = 24
    tries: int = 240
    accuracy: int = 200
    bits: int = 4096
    seconds: float = 20.0

    def __post_init__(self) -> None:
        check_sampling_limits(self)


DEFAULT_LIMITS = EvidenceLimits()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a change: ``agrees`` is True, False or None, by the weakest ``method`` that some pair needed.

    The methods are "identical", "modular" and "sampling".  ``points`` is the smallest number of points at which a pair was found
    to agree, ``worst`` the largest relative difference at these, which is 0 but for rounded float constants.  A
    ``counterexample`` gives {name of symbol: value}; ``pair`` tells which pair it is about.
    """

    agrees: bool | None
    method: str
    points: int = 0
    worst: float = 0.0
    counterexample: Mapping[str, Any] | None = None
    pair: int | None = None
    why: str = ""

    def __bool__(self) -> bool:
        raise TypeError(
            "the truth of an Evidence is not clear, since it may be None; write evidence.agrees is True"
        )

    def __str__(self) -> str:
        head = {True: "agrees", False: "differs", None: "unknown"}[self.agrees]
        return f"{head} ({self.method}): {self.why}"


def compare(
    before: Sequence[Any], after: Sequence[Any], *, limits: EvidenceLimits = DEFAULT_LIMITS, seed: int = 0
) -> Evidence:
    """Tell whether each term of ``after`` has the value of its partner in ``before`` wherever that is defined.

    Agreement is proved by identity or modulo primes, or found by sampling at ``limits.points`` points; a difference is proved by its
    counterexample.  Float constants may differ by rounding (1e-12 of each).  The answer is None where too few points are defined or
    a limit is reached.  Raises ValueError for sequences of different lengths, TypeError for what is no sequence of terms.

    Sources: Schwartz, J. ACM 27 (1980); Gulwani and Necula, POPL 2003; Johansson, Arb, IEEE Trans. Comput. 66 (2017).

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> print(compare([x*y + x, sn.exp(x)], [x*(y + 1), sn.exp(x)]))
    agrees (modular): all 2 terms agree, 1 of them modulo 2 primes with an error probability below 2^-60
    >>> compare([sn.sqrt(x**2)], [x]).counterexample
    {'x': -1}
    """
    refuse_other_limits(limits, EvidenceLimits, "compare")
    for thing in (before, after):
        if interface.is_term(thing) or isinstance(thing, str) or not isinstance(thing, Sequence):
            raise TypeError(
                f"compare takes two lists of terms, but got {shown(thing) if interface.is_term(thing) else repr(thing)}; "
                f"put a single term in a list: compare([before], [after])"
            )
    before, after = list(before), list(after)
    if len(before) != len(after):
        raise ValueError(
            f"compare takes as many terms after as before, but got {len(before)} and {len(after)}; "
            f"pair each term with the one that replaces it"
        )
    for thing in (*before, *after):
        interface.interface(thing)
    open_ = [i for i, (a, b) in enumerate(zip(before, after)) if not is_identical(a, b)]
    if not open_:
        return Evidence(True, "identical", why="each term is the one it was")
    residues = compare_residues([before[i] for i in open_], [after[i] for i in open_], seed)
    left = [
        place
        for place, (equal, domain) in enumerate(zip(residues.equal, residues.same_domain))
        if not (equal and domain)
    ]
    proved = f"{len(open_) - len(left)} of them modulo {residues.points} primes"
    error = f"with an error probability below 2^-{min(residues.bits, 60)}"
    if not left:
        why = f"all {len(before)} terms agree, {proved} {error}"
        return Evidence(True, "modular", residues.points, why=why)
    changed = [place for place in left if residues.different[place]]
    wanted = changed[:1] or left
    if changed:
        limits = replace(limits, tries=min(limits.tries, _TRIES), seconds=min(limits.seconds, _SECONDS))
    samples = Samples([(before[open_[place]], after[open_[place]]) for place in wanted], limits, seed)
    samples.run()
    if samples.counterexample is not None:
        index, point = samples.counterexample
        number = open_[wanted[index]]
        return Evidence(
            False,
            "sampling",
            samples.counts[index],
            samples.errors[index],
            named(samples.sampler, point),
            number,
            f"term {number} {samples.story}",
        )
    if changed:
        number = open_[changed[0]]
        why = f"term {number} became another rational function, as its residues modulo a prime show"
        return Evidence(False, "modular", residues.points, pair=number, why=why)
    missing = samples.missing()
    if missing is not None:
        index, why = missing
        return Evidence(
            None,
            "sampling",
            samples.counts[index],
            max(samples.errors),
            pair=open_[left[index]],
            why=f"term {open_[left[index]]} {why}",
        )
    points = min(samples.counts)
    why = f"all {len(before)} terms agree, {proved}, {len(left)} by their values at {points} points or more"
    return Evidence(True, "sampling", points, max(samples.errors), why=why)


def is_identical(a: Any, b: Any) -> bool:
    """Tell whether two terms are the same as written."""
    return type(a) is type(b) and interface.key(a) == interface.key(b)


def named(sampler: Sampler, point: Point) -> dict[str, Any]:
    """Return a point by the names of its symbols; a name that two symbols share is written with its assumptions."""
    found: dict[str, Any] = {}
    names = [interface.name(s) for s in sampler.symbols]
    for symbol, name, value in zip(sampler.symbols, names, point.values()):
        found[name if names.count(name) == 1 else to_text(symbol, declare=True)] = value
    return found


@dataclass(slots=True)
class Samples:
    """Pairs of terms on their way through a series of points."""

    pairs: Sequence[tuple[Any, Any]]
    limits: EvidenceLimits
    seed: int
    counts: list[int] = field(init=False)
    undecided: set[int] = field(init=False, default_factory=set)  # where every point there is must be decided
    errors: list[float] = field(init=False)
    counterexample: tuple[int, Point] | None = field(init=False, default=None)
    story: str = field(init=False, default="")
    sampler: Sampler = field(init=False)
    stop: str = field(init=False, default="")
    wanted: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.counts = [0] * len(self.pairs)
        self.errors = [0.0] * len(self.pairs)

    def run(self) -> None:
        """Compare until each pair agrees at enough points and in special places, one pair differs, or a limit is reached."""
        roots = [t for pair in self.pairs for t in pair]
        self.sampler = Sampler(roots, self.seed)
        obstacle = unevaluable(roots)
        if obstacle:
            self.stop = f"cannot be sampled: {obstacle}"
            return
        size = interface.node_count(*roots)
        points, tries = self.limits.points, self.limits.tries
        self.wanted = min(points, max(_FEWEST, _WORK // size))
        tries = max(tries * self.wanted // points, self.wanted)
        if self.sampler.is_table:
            self.wanted = tries = 2 ** len(self.sampler.symbols)
        end = time.monotonic() + self.limits.seconds
        judge = Judge(self.pairs, self.limits.bits, self.limits.accuracy, end=end)
        waiting = list(range(len(self.pairs)))
        series = self.sampler.points(corners_first=self.wanted == points)
        try:
            for number, point in enumerate(series):
                if number == tries:
                    self.stop = f"is defined at too few of the {tries} points tried"
                    return
                deep = size <= _DEEP and (number in _DEEP_POINTS or not self.sampler.symbols)
                if not self.take(point, judge.verdicts(point, waiting, deep)):
                    return
                waiting = [i for i in waiting if self.counts[i] < self.wanted]
                if not waiting:
                    break
            else:
                # no symbols, or a truth table: every point there is was tried
                self.wanted = 1
                self.stop = "is defined at none of its points, or not decided there"
                return
            everyone = range(len(self.pairs))
            most = min(self.limits.tries, _PLACE_WORK // max(size, _PLACE_SIZE))
            for point in islice(self.sampler.places(), most):
                if not self.take(point, judge.verdicts(point, everyone)):
                    return
        except OutOfTime:
            self.stop = f"was not settled within {self.limits.seconds} seconds"

    def take(self, point: Point, verdicts: Mapping[int, Verdict]) -> bool:
        """Count what was found at a point, and tell whether to go on."""
        for index, verdict in verdicts.items():
            if verdict.kind == SAME:
                self.counts[index] += 1
                self.errors[index] = max(self.errors[index], verdict.error)
            elif verdict.kind == UNDECIDED and self.sampler.is_table:
                self.undecided.add(index)
            elif verdict.kind in (DIFFERENT, ONLY_LEFT) and not verdict.is_pole:
                self.counterexample = (index, point)
                self.errors[index] = verdict.error
                before, after = shown_apart(verdict.left, verdict.right)
                self.story = f"has the value {before}, but is {after} after the change"
                return False
        return True

    def missing(self) -> tuple[int, str] | None:
        """Return the first pair that agrees at too few points, and why."""
        for index, count in enumerate(self.counts):
            if count < max(self.wanted, 1) or index in self.undecided:
                return index, f"{self.stop} ({count} of {self.wanted} points agree)"
        return None


def shown(value: Any, digits: int = 12) -> str:
    """Return a value as short text."""
    if hasattr(value, "overlaps"):
        return str(value.str(digits, radius=False))
    if type(value) is float and math.isnan(value):
        return "undefined"
    return to_text(value, limit=max(40, digits))


def shown_apart(left: Any, right: Any) -> tuple[str, str]:
    """Return two values as text of as many digits as tell them apart, where a few hundred do."""
    texts = ("", "")
    for digits in (12, 40, 120, 400):
        texts = shown(left, digits), shown(right, digits)
        if texts[0] != texts[1]:
            break
    return texts
