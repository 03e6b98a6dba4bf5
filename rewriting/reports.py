"""What bounds simplify, and what it tells about a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symnum.rewriting.limits import check_limits
from symnum.rewriting.measure import Cost


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound what simplify may spend; a limit that was reached is the report's stop reason.

    Parts that could have more than ``monomials`` monomials when multiplied out are not given to polynomial arithmetic.
    """

    seconds: float = 20.0
    passes: int = 30
    steps: int = 1_000_000
    monomials: int = 400

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True)
class Step:
    """One rewrite: the rule's name, the part before and the part after."""

    rule: str
    before: Any
    after: Any

    def __str__(self) -> str:
        from symnum.text.printer import to_text

        return f"{self.rule}: {to_text(self.before, limit=120)} => {to_text(self.after, limit=120)}"


@dataclass(slots=True)
class SimplifyReport:
    """What simplify did: the result, why it stopped, and what it cost before and after.

    ``stop`` is "fixpoint" when nothing more applied, the limit that was reached ("seconds", "passes" or "steps"), or "interrupted" after
    Ctrl-C.  ``trace`` holds the steps in order when it was asked for; ``fired`` counts the steps by rule.
    """

    result: Any
    stop: str
    cost_before: Cost
    cost_after: Cost
    passes: int
    fired: dict[str, int]
    seconds: float
    trace: list[Step] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"operations: {self.cost_before[0]} -> {self.cost_after[0]}",
            f"stopped:    {self.stop} after {self.passes} passes and {sum(self.fired.values())} rewrites",
        ]
        lines += [
            f"  {count:6d}  {name}"
            for name, count in sorted(self.fired.items(), key=lambda pair: (-pair[1], pair[0]))
        ]
        return "\n".join([*lines, *map(str, self.trace)])
