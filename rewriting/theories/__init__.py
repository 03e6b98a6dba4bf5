"""What the simplifier knows, as rules grouped by operator family.

Each rule is "total" (both sides are equal wherever the left one is defined) unless it says ``holds="generic"``.  A rule stands in the
direction that can make a term cheaper; whether it does so at a place is the simplifier's measure to say.

``ALL`` holds the rules of all ``THEORIES``, ``TOTAL`` those that are total.
"""

from __future__ import annotations

from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.theories.circular import angles, pythagorean, quotients
from symnum.rewriting.theories.comparisons import comparisons
from symnum.rewriting.theories.conditions import branches, conditions
from symnum.rewriting.theories.exponentials import exponentials, logarithms
from symnum.rewriting.theories.hyperbolic import hyperbolic
from symnum.rewriting.theories.inverses import inverses
from symnum.rewriting.theories.magnitudes import magnitudes, order, rounding
from symnum.rewriting.theories.powers import powers
from symnum.rewriting.theories.special_values import special_values

THEORIES: dict[str, RuleSet] = {
    theory.name: theory
    for theory in (
        exponentials,
        logarithms,
        powers,
        pythagorean,
        quotients,
        angles,
        hyperbolic,
        inverses,
        special_values,
        magnitudes,
        order,
        rounding,
        comparisons,
        conditions,
        branches,
    )
}
"""Name -> rules, in the order in which they are tried."""

ALL = RuleSet([entry for theory in THEORIES.values() for entry in theory], "all theories")
TOTAL = ALL.only("total")
