"""Rank the candidates of a search under a loss: refit their constants, make them simple, and compare descriptions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression import description
from symnum.regression.constants import Model, simple_numbers
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Tokens
from symnum.regression.losses import Loss, LossFit, absolute
from symnum.regression.problem import Problem

Floats = NDArray[np.float64]

WIDTHS = 4
"""How often a width is taken from residuals."""

FINALISTS = 40
"""How many formulas at most are refitted to all rows and made simple."""


def models_under(
    loss: Loss,
    whole: Problem,
    sample: Problem,
    evaluator: Evaluator,
    found: Iterable[tuple[Tokens, Sequence[float]]],
) -> tuple[list[Model], float]:
    """Return the best candidates (tokens, least-squares constants) refitted under a loss, and the bits of the best constant.

    All are refitted to the ``sample``, on which ``evaluator`` works, the best to the ``whole``, where their constants become simple
    numbers as long as the description under the loss gets shorter.  Their ``noise`` is the name of the loss.  The best constant comes
    first.  Raises ValueError when the loss is undefined for all.
    """
    middle = float(np.average(sample.y, weights=sample.weights))
    candidates = [(np.array([evaluator.grammar.constant], np.int16), np.array([middle]))]
    candidates += [(tokens, np.array(constants, float)) for tokens, constants in found]
    values = [evaluator.variants(tokens, constants[None])[0] for tokens, constants in candidates]
    errors = [Loss("absolute", absolute).mean(sample.y, each, sample.weights) for each in values]
    best = values[int(np.argmin(errors))]
    given, starts = loss, [constants for _, constants in candidates]
    # a width that comes from residuals is taken again from those that it leads to
    for _ in range(1 if given.function is not None else WIDTHS):
        loss = given.fitted_to(sample.y, best, sample.weights)
        fits = [
            loss.refit(evaluator, sample, tokens, start, polish=False)
            for (tokens, _), start in zip(candidates, starts, strict=True)
        ]
        defined = [(fit.loss, k, fit) for k, fit in enumerate(fits) if fit is not None]
        if not defined:
            raise ValueError(
                f"the loss {loss.name!r} is undefined on the data for every formula that was found; choose another loss, or leave out the "
                "rows on which it is undefined"
            )
        least, k, fit = min(defined, key=lambda each: each[:2])
        best = evaluator.variants(candidates[k][0], fit.constants[None])[0]
        starts = [start if each is None else each.constants for start, each in zip(starts, fits, strict=True)]
    degree = loss.degree(sample.y, best, sample.weights) if least > 0 else 2.0
    everywhere = Evaluator(evaluator.grammar, whole.X)
    models: dict[str, Model] = {}
    for k in _finalists(loss, degree, sample, evaluator, candidates, fits):
        start = fits[k]
        assert start is not None
        fitted = loss.refit(everywhere, whole, candidates[k][0], start.constants)
        if fitted is not None:
            model = _simplified(loss, degree, whole, everywhere, candidates[k][0], fitted)
            models.setdefault(str(model.term), model)
    return list(models.values()), next(iter(models.values())).bits if models else math.inf


def _finalists(
    loss: Loss,
    degree: float,
    sample: Problem,
    evaluator: Evaluator,
    candidates: Sequence[tuple[Tokens, Floats]],
    fits: Sequence[LossFit | None],
) -> list[int]:
    """Return the places of the best constant, of the shortest descriptions, and of the front of length and loss."""
    bits: dict[int, float] = {}
    for k, ((tokens, _), fit) in enumerate(zip(candidates, fits, strict=True)):
        if fit is not None:
            bits[k] = loss.bits(sample, fit.loss, len(fit.constants), degree)
            bits[k] += evaluator.grammar.token_bits * (len(tokens) - len(fit.constants))
            bits[k] += sum(
                description.parameter_bits(float(c), float(s))
                for c, s in zip(fit.constants, fit.deviations, strict=True)
            )
    chosen = sorted(bits, key=lambda k: (bits[k], k))[: FINALISTS // 2]
    least = math.inf
    for k in sorted(bits, key=lambda k: (len(candidates[k][0]), fits[k].loss, k)):  # type: ignore[union-attr]  # bits has fits only
        fit = fits[k]
        if fit is not None and fit.loss < 0.999 * least:
            least = fit.loss
            chosen.append(k)
    return list(dict.fromkeys([0, *chosen[:FINALISTS]] if fits[0] is not None else chosen[:FINALISTS]))


def _simplified(
    loss: Loss, degree: float, problem: Problem, evaluator: Evaluator, tokens: Tokens, fitted: LossFit
) -> Model:
    """Return the model after constants became simple numbers one by one, as long as its description gets shorter."""
    exact: dict[int, Any] = {}
    best = _model(loss, degree, problem, evaluator, tokens, fitted, exact)
    improved = True
    while improved and len(exact) < len(fitted.constants):
        improved = False
        for slot in range(len(fitted.constants)):
            if slot in exact:
                continue
            near = (float(fitted.constants[slot]), float(fitted.deviations[slot]))
            for number, value in [*simple_numbers(*near), *evaluator.grammar.multiples(*near)][:4]:
                start = fitted.constants.copy()
                start[slot] = value
                free = np.array([k not in exact and k != slot for k in range(len(start))])
                trial = loss.refit(evaluator, problem, tokens, start, free, polish=False)
                if trial is None:
                    continue
                try:
                    model = _model(loss, degree, problem, evaluator, tokens, trial, {**exact, slot: number})
                except (ZeroDivisionError, OverflowError, ValueError):
                    continue  # the exact number makes the term undefined, as in 1/0
                if model.bits < best.bits:
                    best, fitted, exact, improved = model, trial, {**exact, slot: number}, True
                    break
    return best


def _model(
    loss: Loss, degree: float, problem: Problem, evaluator: Evaluator, tokens: Tokens, fitted: LossFit, exact: dict[int, Any]
) -> Model:  # fmt: skip
    leaves = [exact.get(slot, float(value)) for slot, value in enumerate(fitted.constants)]
    term = evaluator.grammar.term(tokens, leaves)
    complexity, structure = description.describe(term, evaluator.grammar.vocabulary)
    bits = structure + loss.bits(problem, fitted.loss, len(leaves) - len(exact), degree)
    for slot, (value, deviation) in enumerate(zip(fitted.constants, fitted.deviations, strict=True)):
        if slot not in exact:
            bits += description.parameter_bits(float(value), float(deviation))
    return Model(term, complexity, fitted.loss, bits, loss.name, tokens, tuple(map(float, fitted.constants)))
