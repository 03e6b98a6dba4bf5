"""Sub-tree discovery: formulas that combine given parts, found by linear algebra instead of search.

The published method looks for f in A + f, A*f and A^f, where A is a part that good expressions share (Xu, Liu and Sun 2024, section 3).
Here f comes from the stored expressions, all at once: sums, quotients, products of powers and products with a line.
"""

from __future__ import annotations

from collections.abc import Iterator

from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.periods import waves
from symnum.regression.polynomial_waves import polynomial_waves
from symnum.regression.power_terms import SUMMED, WIDTH, power_terms
from symnum.regression.problem import Problem, Views
from symnum.regression.products import multiples, power_products
from symnum.regression.ratios import ratios
from symnum.regression.sums import (
    Sum,
    eliminate,
    library,
    logarithms,
    mixtures,
    monomials,
    monomials_by_degree,
)

MONOMIAL_VIEWS = ("plain", "relative", "square", "exp", "reciprocal", "inverse square")
POWER_VIEWS = ("plain", "square", "reciprocal", "inverse square")
"""Views in which sums of products of powers are tried."""

MIXED_VIEWS = ("plain", "exp", "square", "reciprocal")
"""Views in which sums of monomials, and of a few of a library's terms, are tried."""

RATIO_VIEWS = ("plain", "square", "exp")
"""Views whose target may be a quotient of polynomials; those of the reciprocal are the same quotients."""


def early_forms(
    evaluator: Evaluator, views: Views, problem: Problem, budget: Budget
) -> Iterator[list[Candidate]]:
    """Yield what needs no stored expressions: quotients of polynomials, and waves."""
    for view, name in enumerate(views.names):
        if name in RATIO_VIEWS:
            found = ratios(monomials_by_degree(evaluator.grammar), evaluator, views, view)
            yield [Candidate(each.tokens.tobytes(), each.constants) for each in found]
    for over in (waves, polynomial_waves):
        yield over(evaluator, problem, budget)


def early_sums(evaluator: Evaluator, views: Views) -> Iterator[list[Sum]]:
    """Yield sums that need no stored expressions: of monomials, of logarithms for power laws, of terms of a library."""
    grammar = evaluator.grammar
    powers, mixed = monomials(grammar), library(grammar)
    for view, name in enumerate(views.names):
        if name == "log":
            yield eliminate(logarithms(grammar), evaluator, views, view)
        if name in MONOMIAL_VIEWS:
            yield eliminate(powers, evaluator, views, view)
    for view, name in enumerate(views.names):
        if name in MIXED_VIEWS:
            yield mixtures(mixed, evaluator, views, view)


def power_sums(evaluator: Evaluator, views: Views, budget: Budget) -> Iterator[list[Sum]]:
    """Yield sums of products of powers."""
    terms = power_terms(evaluator.grammar)
    for view, name in enumerate(views.names):
        if name in POWER_VIEWS and terms and not budget.spent:
            yield mixtures(terms, evaluator, views, view, SUMMED, WIDTH)


def closed_forms(
    bank: Bank, evaluator: Evaluator, problem: Problem, budget: Budget
) -> Iterator[list[Candidate]]:
    """Yield candidates, one stage after the other, until the budget is spent."""
    for stage in (power_products, multiples):
        if budget.spent:
            return
        yield stage(bank, problem, budget)
