"""The loss of a fit in terms of the target itself, and an archive that tells when a wanted loss is reached."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from symnum.regression.admission import admitted
from symnum.regression.affine import without_constants
from symnum.regression.archive import Archive
from symnum.regression.candidate import Candidate
from symnum.regression.description import describe
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Tokens
from symnum.regression.problem import Problem, Views, in_plain_target
from symnum.regression.sums import Sum


def written(
    view: int, terms: Sequence[Tokens], evaluator: Evaluator, problem: Problem, views: Views
) -> tuple[Tokens, list[float]] | None:
    """Return the best sum of the terms in a view as an expression of y and its constants; None where it cannot be written."""
    coefficients, offset = views.least_squares(view, evaluator.values(terms))
    found = in_plain_target(
        evaluator.grammar, views.names[view], list(terms), coefficients, offset, problem.sign
    )
    return found and admitted(evaluator.grammar, *found)


def plain_loss(
    expression: tuple[Tokens, list[float]] | None, evaluator: Evaluator, problem: Problem
) -> float:
    """Return the weighted mean square of the residuals of an expression with constants, inf where it is undefined."""
    if expression is None:
        return np.inf
    tokens, constants = expression
    with np.errstate(all="ignore"):
        residual = evaluator.values([tokens], [constants])[0] - problem.y
        loss = float(problem.weights @ residual**2 / problem.rows)
    return loss if np.isfinite(loss) else np.inf


def best_formula(
    archive: Archive,
    sums: Sequence[Sum],
    formulas: Sequence[Candidate],
    evaluator: Evaluator,
    problem: Problem,
) -> tuple[str, float, int]:
    """Return the text, the loss and the complexity of what is best so far: an entry or a sum with linear constants, or a formula."""
    grammar, views = evaluator.grammar, archive.views
    best: tuple[float, Tokens, list[float], float] | None = None

    def bits(left: float, length: int, view: int = 0) -> float:
        return problem.rows / 2 * float(np.log2(max(left, views.floors[view]))) + grammar.token_bits * length

    expressions: list[tuple[Tokens, list[float]] | None] = [(f.tokens, list(f.constants)) for f in formulas]
    for view in range(len(views.names)):
        entries = ((bits(e.left, len(e.tokens), view), (e.text,)) for e in archive.entries(view))
        of_view = ((bits(s.left, s.length, view), s.terms) for s in sums if s.view == view)
        _, texts = min(itertools.chain(entries, of_view), default=(0.0, ()))
        if texts:
            terms = [without_constants(grammar, np.frombuffer(text, np.int16)) for text in texts]
            expressions.append(written(view, terms, evaluator, problem, views))
    spread = float(np.var(problem.y))
    for expression in expressions:
        loss = plain_loss(expression, evaluator, problem)
        if expression is not None and np.isfinite(loss):
            rank = bits(loss / spread, len(expression[0]))
            if best is None or rank < best[0]:
                best = (rank, *expression, loss)
    if best is None:
        return "", np.inf, 0
    _, tokens, constants, loss = best
    term = grammar.term(tokens, [float(f"{c:.5g}") for c in constants])
    return str(term), loss, describe(term, grammar.vocabulary)[0]


class TargetedArchive(Archive):
    """An archive that also counts as exact when an expression, with its linear constants, reaches a wanted loss of the target.

    The loss is computed when the best of a view gets better, so that it costs next to nothing, and at no other time, so that it does
    not depend on the clock.
    """

    def __init__(
        self, views: Views, evaluator: Evaluator, problem: Problem, target_loss: float | None
    ) -> None:
        super().__init__(views)
        self.evaluator = evaluator
        self.problem = problem
        self.target_loss = target_loss
        self.close = False
        self._checked = [np.inf] * len(views.names)

    def exact(self) -> bool:
        """Tell whether an expression leaves no more than rounding, or reaches the wanted loss."""
        return super().exact() or self._reaches()

    @property
    def reached(self) -> str:
        """Return which of the two it is."""
        return "exact" if super().exact() else "target loss"

    def _reaches(self) -> bool:
        if self.target_loss is None or self.close:
            return self.close
        for view, best in enumerate(self.best):
            entry = min((entries[0] for entries in best.values() if entries), default=None)
            if entry is not None and entry.left < self._checked[view]:
                self._checked[view] = entry.left
                expression = written(view, [entry.tokens], self.evaluator, self.problem, self.views)
                if plain_loss(expression, self.evaluator, self.problem) <= self.target_loss:
                    self.close = True
        return self.close
