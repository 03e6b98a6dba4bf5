"""From the best expressions of a search to formulas: fit all constants, make them simple, and compare on all rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from symnum.regression import description
from symnum.regression.admission import admitted, fitted_constants, reportable_models
from symnum.regression.affine import without_constants
from symnum.regression.archive import Archive
from symnum.regression.candidate import Candidate
from symnum.regression.constants import Fit, Fitter, Model
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.loss_ranking import models_under
from symnum.regression.losses import Loss
from symnum.regression.pareto import front, noise_model
from symnum.regression.problem import Floats, Problem, Views, in_plain_target, with_constant_in_front
from symnum.regression.rescaled import rescaled
from symnum.regression.sums import Sum
from symnum.rewriting.simplifier import simplify

PROMISING = 6
"""How many of a stage's candidates are fitted to see whether one is exact."""

RESCALED = 3
"""How many of the best models are written in other forms."""

UNEXPLAINED = 2
"""How many constants of an exact formula may be other than simple numbers."""

REFINED = 96
SUMS = 16
FINALISTS = 40
"""How many expressions (and sums of each view) get all their constants fitted, and how many of these are compared on all rows."""


@dataclass(frozen=True)
class Selection:
    """Hold the models on the front, the noise model, the bits of the best constant, and all models compared under that noise."""

    models: list[Model]
    noise: str
    baseline: float
    considered: list[Model] = field(default_factory=list)


def candidates(archive: Archive, sums: Sequence[Sum], evaluator: Evaluator, sign: int) -> list[Candidate]:
    """Return the best expressions and sums of each view, and its front, as expressions of y without repetition."""
    views, grammar = archive.views, evaluator.grammar
    found: dict[bytes, Candidate] = {}
    for view, name in enumerate(views.names):
        floor = float(views.floors[view])

        def bits(left: float, length: int, floor: float = floor) -> float:
            return evaluator.rows / 2 * float(np.log2(max(left, floor))) + grammar.token_bits * length

        entries = sorted(archive.entries(view), key=lambda e: (bits(e.left, len(e.tokens)), e.text))
        chosen = list(dict.fromkeys([*entries[: REFINED // len(views.names)], *archive.front(view)]))
        of_view = sorted((s for s in sums if s.view == view), key=lambda s: (bits(s.left, s.length), s.terms))
        written_as = [*([e.tokens] for e in chosen), *(s.tokens for s in of_view[:SUMS])]
        for terms in ([without_constants(grammar, t) for t in each] for each in written_as):
            coefficients, offset = views.least_squares(view, evaluator.values(terms))
            for written in (
                in_plain_target(grammar, name, terms, coefficients, offset, sign),
                with_constant_in_front(grammar, name, terms, coefficients, offset),
            ):
                allowed = written and admitted(grammar, *written)
                if allowed is not None:
                    text = allowed[0].tobytes()
                    found.setdefault(text, Candidate(text, tuple(allowed[1])))
    return list(found.values())


def rough_bits(found: Sequence[Candidate], evaluator: Evaluator, problem: Problem) -> Floats:
    """Return, up to a constant, the bits of formulas (candidates,) whose constants are as they are; inf where one is undefined."""
    values = evaluator.values([each.tokens for each in found], [each.constants for each in found])
    with np.errstate(all="ignore"):
        loss = (values - problem.y) ** 2 @ problem.weights / problem.rows
    floor = Fitter(problem, evaluator, "additive").floor ** 2
    lengths = np.array([len(each.tokens) for each in found])
    with np.errstate(divide="ignore"):
        bits = problem.rows / 2 * np.log2(np.maximum(loss, max(floor, 1e-300)))
    return np.where(np.isfinite(loss), bits + evaluator.grammar.token_bits * lengths, np.inf)


def exact(
    problem: Problem, evaluator: Evaluator, found: Sequence[Candidate], unexplained: int = UNEXPLAINED
) -> bool:
    """Tell whether one of the most promising candidates leaves no more than rounding, with hardly a constant that is not simple.

    A polynomial of many terms meets any smooth target, so that rounding alone is no sign of a law.
    """
    fitter = Fitter(problem, evaluator, "additive")
    losses = []
    for each in found:
        residual = evaluator.values([each.tokens], [each.constants])[0] - problem.y
        with np.errstate(all="ignore"):
            loss = float(problem.weights @ residual**2)
        if np.isfinite(loss):
            losses.append((loss, len(each.text), each.text, each))
    for _, _, _, each in sorted(losses, key=lambda e: e[:3])[:PROMISING]:
        fitted = fitter.fit(each.tokens, np.array(each.constants))
        if fitted is None or fitted.loss > fitter.floor**2:
            continue
        if (
            len(each.constants) <= UNEXPLAINED
            or fitted_constants(fitter.snapped(each.tokens, fitted).term) <= unexplained
        ):
            return True
    return False


def of_sum(each: Sum, evaluator: Evaluator, views: Views, sign: int) -> Candidate | None:
    """Return a sum as an expression of y; None where it is out of range."""
    terms = [without_constants(evaluator.grammar, tokens) for tokens in each.tokens]
    coefficients, offset = views.least_squares(each.view, evaluator.values(terms))
    written = in_plain_target(evaluator.grammar, views.names[each.view], terms, coefficients, offset, sign)
    written = written and admitted(evaluator.grammar, *written)
    return None if written is None else Candidate(written[0].tobytes(), tuple(written[1]))


def select(whole: Problem, sample: Problem, evaluator: Evaluator, found: Iterable[Candidate]) -> Selection:
    """Fit candidates under each noise model to the sample, the best to all rows, and return the front of the model that fits best."""
    found = list(found)
    everywhere = Evaluator(evaluator.grammar, whole.X)
    final: list[Model] = []
    baseline = {}
    for noise in ["additive", *(["relative"] if whole.relative else [])]:
        fine = Fitter(whole, everywhere, noise)
        final.append(_constant_model(fine))
        baseline[noise] = final[-1].bits
        for tokens, start in _finalists(Fitter(sample, evaluator, noise), found):
            fitted = fine.fit(tokens, start)
            if fitted is None:
                continue
            model = fine.model(tokens, fitted)
            # a model that simple constants could not make the best is only rounded
            hopeful = fine.least_bits(model, fitted) < min(each.bits for each in final)
            final.append(fine.snapped(tokens, fitted) if hopeful else fine.rounded(tokens, fitted, model))
        final += _other_forms(fine, [model for model in final if model.noise == noise])
    constant = final[0]
    final = [model for model in final if np.isfinite(model.bits)]
    final = reportable_models(evaluator.grammar, final, constant)
    noise = noise_model(final)
    rounding = description.noise_floor(whole, noise) ** 2
    considered = [model for model in final if model.noise == noise]
    best = {id(model) for model in front(considered, rounding)}
    considered = [_simplified(m, evaluator.grammar) if id(m) in best else m for m in considered]
    return Selection(front(considered, rounding), noise, baseline[noise], considered)


def _other_forms(fitter: Fitter, models: Sequence[Model]) -> Iterator[Model]:
    """Yield the best models with other constants in front of their sums, where that makes a description shorter."""
    grammar = fitter.evaluator.grammar
    for best in sorted(models, key=lambda model: (model.bits, str(model.term)))[:RESCALED]:
        bits = best.bits
        for each in rescaled(grammar, Candidate(best.tokens.tobytes(), best.constants)):
            allowed = (
                admitted(grammar, each.tokens, list(each.constants)) if fitted_constants(best.term) else None
            )
            fitted = None if allowed is None else fitter.fit(allowed[0], np.array(allowed[1]))
            if allowed is None or fitted is None:
                continue
            if fitter.least_bits(fitter.model(allowed[0], fitted), fitted) < bits:
                model = fitter.snapped(allowed[0], fitted)
                if model.bits < bits:
                    bits = model.bits
                    yield model


def select_under(
    loss: Loss, whole: Problem, sample: Problem, evaluator: Evaluator, found: Sequence[Candidate]
) -> Selection:
    """Return the front under another loss than squares, to which the constants of the best by squares are refitted."""
    pairs = [(each.tokens, each.constants) for each in found]
    models, baseline = models_under(loss, whole, sample, evaluator, pairs)
    models = reportable_models(evaluator.grammar, models, models[0])
    return Selection(front(models), loss.name, baseline, models)


def _simplified(model: Model, grammar: Grammar) -> Model:
    """Return the model with its formula simplified, where that makes its description shorter."""
    term = simplify(model.term)
    before = description.describe(model.term, grammar.vocabulary)
    complexity, structure = description.describe(term, grammar.vocabulary)
    if (structure, complexity) >= (before[1], before[0]):
        return model
    return replace(model, term=term, complexity=complexity, bits=model.bits + structure - before[1])


def _constant_model(fitter: Fitter) -> Model:
    """Return the best constant as a model."""
    mean = fitter.best_constant()
    tokens = np.array([fitter.evaluator.grammar.constant], np.int16)
    fitted = fitter.fit(tokens, np.array([mean]))
    assert fitted is not None
    return fitter.snapped(tokens, fitted)


def _finalists(fitter: Fitter, found: Sequence[Candidate]) -> Iterator[tuple[Tokens, Floats]]:
    """Yield the best candidates, half of them by bits and the others from the front of length and loss, with fitted constants."""
    ranked: list[tuple[float, int, Candidate, Fit]] = []
    for candidate in found:
        fitted = fitter.fit(candidate.tokens, np.array(candidate.constants))
        if fitted is not None:
            ranked.append(
                (fitter.rough_bits(candidate.tokens, fitted), len(candidate.tokens), candidate, fitted)
            )
    ranked.sort(key=lambda r: (r[0], r[2].text))
    chosen = ranked[: FINALISTS // 2]
    least = np.inf
    for each in sorted(ranked, key=lambda r: (r[1], r[3].loss, r[2].text)):
        if each[3].loss < 0.999 * least:
            least = each[3].loss
            if all(each[2] is not other[2] for other in chosen) and len(chosen) < FINALISTS:
                chosen.append(each)
    for _, _, candidate, fitted in chosen:
        yield candidate.tokens, fitted.constants
