"""Find the functions of a template, one after the other, while the others stay as they are.

With all but one function held, the template is y = T(F) for the values F of that function.  What F should be is read off Newton's
formula: F + (y - T(F))/T'(F), with weights T'(F)^2, the working response of local scoring (Hastie and Tibshirani 1990, 4.4; exact where T
is linear in F).  That is an ordinary regression problem, on which the usual stages run: stored expressions, sums of them, monomials,
evolution.  The most promising functions are put in, all constants of the whole are fitted together, and the best whole formula is kept.
A search that stands still starts again from other functions.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum import term as interface
from symnum.calculus.derivative import diff
from symnum.codegen.function import compile as compile_term
from symnum.regression import finish, kernels, sums
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.constants import Fit, Fitter, Model, simple_numbers
from symnum.regression.declared import substitutes
from symnum.regression.enumeration import Bank, enumerate_expressions
from symnum.regression.evaluator import Evaluator
from symnum.regression.evolution import Evolution
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.preparation import sampled
from symnum.regression.problem import Problem, Views
from symnum.regression.templates import Assembly, Template, part_symbol
from symnum.symbols import symbol

Floats = NDArray[np.float64]

STORED = 1500
"""Expressions that each function's bank stores."""

STARTS, SHORT = 24, 80
"""How many random choices of functions a fresh start draws from, and from how many of the shortest expressions."""

TRIED, SCREENED, EVOLVED = 16, 400, 1500
"""How many functions are put into the whole in each turn; from how many of the shortest ones those far from the present one are chosen;
and how many expressions evolution may evaluate before."""

LARGEST = 1e8
"""Constants beyond this run away along a direction in which the template does not change, such as f/g scaled above and below."""

PATIENCE = 6
"""Fresh starts in a row that may bring nothing before the search ends."""

RESULTS = 120
"""Whole formulas that are kept for the final comparison."""


@dataclass(frozen=True)
class TemplateOutcome:
    """Hold the formulas, how many expressions were evaluated, why the search stopped, and how many whole formulas were kept.

    ``parts`` has, for each formula, its functions and parameters by name.
    """

    selection: finish.Selection
    evaluations: int
    stopped: str
    stages: dict[str, str]
    parts: list[dict[str, Any]]


@dataclass(frozen=True)
class State:
    """Hold one choice of functions (tokens in their own languages), all constants in order, and the bits of the whole."""

    parts: tuple[bytes, ...]
    constants: tuple[float, ...]
    bits: float
    loss: float

    @property
    def tokens(self) -> list[Tokens]:
        """Return the token arrays of the functions."""
        return [np.frombuffer(text, np.int16) for text in self.parts]


def search_template(
    template: Template, problem: Problem, grammar: Grammar, budget: Budget, seed: int
) -> TemplateOutcome:
    """Search for the functions of a template; the formulas keep its structure.

    ``grammar`` is over the columns of the problem; its operators, numbers and constraints are those of the functions.  The search
    ends when the budget is spent, when a formula is exact, or when fresh starts bring nothing; Ctrl-C ends it with a warning and the
    best so far.  Raises ValueError when the template does not suit the grammar or has no value on the data.
    """
    return TemplateSearch(template, problem, grammar, budget, seed).run()


class TemplateSearch:
    """Run local scoring on one problem."""

    def __init__(
        self, template: Template, problem: Problem, grammar: Grammar, budget: Budget, seed: int
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.whole = problem
        self.problem = sampled(problem, seed)
        self.budget = budget
        self.assembly = Assembly.of(template, grammar)
        self.evaluator = Evaluator(self.assembly.grammar, self.problem.X)
        self.fitter = Fitter(self.problem, self.evaluator, "additive")
        self.kept: dict[tuple[bytes, ...], State] = {}
        self.largest = LARGEST * max(1.0, float(np.abs(self.problem.y).max()))
        self.columns = [
            np.ascontiguousarray(self.evaluator.values(list(arguments)))
            for arguments in self.assembly.arguments
        ]
        for part, columns in zip(template.parts, self.columns, strict=True):
            if not np.all(np.isfinite(columns)):
                raise ValueError(
                    f"an argument of {part} is undefined on some rows of the data; choose another, or leave these rows out"
                )
        self.evaluators = [
            Evaluator(language, columns)
            for language, columns in zip(self.assembly.languages, self.columns, strict=True)
        ]
        self.banks: list[Bank] = []
        self._compile_structure(template)

    def _compile_structure(self, template: Template) -> None:
        """Compile the structure, and its derivative by each function, as functions of columns, functions and parameters."""
        values = substitutes(self.assembly.grammar.declared)
        names = [
            *self.assembly.grammar.symbols,
            *(part_symbol(p.name) for p in template.parts),
            *map(symbol, template.parameters),
            *values,
        ]
        self.given = list(values.values())
        self.outer = compile_term(template.structure, names)
        derivatives = [diff(template.structure, part_symbol(part.name)) for part in template.parts]
        self.slopes = [compile_term(derivative, names) for derivative in derivatives]
        self.linear = [
            part_symbol(part.name) not in interface.free_symbols(derivative)
            for part, derivative in zip(template.parts, derivatives, strict=True)
        ]
        # functions in which the whole is linear together
        self.scalable: list[int] = []
        for k, derivative in enumerate(derivatives):
            taken = {part_symbol(template.parts[j].name) for j in self.scalable}
            if self.linear[k] and not taken & set(interface.free_symbols(derivative)):
                self.scalable.append(k)

    # --- whole formulas -----------------------------------------------------------------------------------------------------

    def _fit(self, parts: Sequence[Tokens], constants: Sequence[float]) -> tuple[State, Fit] | None:
        """Fit all constants of a choice of functions together; None where the formula is undefined."""
        self.budget.spend(1)
        split, parameters = self.assembly.split(parts, constants)
        tokens, start = self.assembly.joined(split, parameters)
        fitted = self.fitter.fit(tokens, np.array(start, float))
        if fitted is None or not np.all(np.abs(fitted.constants) < self.largest):
            return None
        # constants that make each other good, as in (a*f)*(b*g), are not fixed by the data; one too many is left out later
        digits = np.where(np.isfinite(fitted.digits), fitted.digits, np.abs(fitted.constants))
        bits = self.fitter.rough_bits(tokens, replace(fitted, digits=digits))
        state = State(
            tuple(np.asarray(p, np.int16).tobytes() for p in parts),
            tuple(map(float, fitted.constants)),
            bits,
            fitted.loss,
        )
        if state.parts not in self.kept or bits < self.kept[state.parts].bits:
            self.kept[state.parts] = state
            if len(self.kept) > 2 * RESULTS:
                best = sorted(self.kept.values(), key=lambda s: (s.bits, s.parts))[:RESULTS]
                self.kept = {each.parts: each for each in best}
        return state, fitted

    def _values(self, state: State) -> tuple[list[Floats], list[float]]:
        """Return the values of each function on the rows, and the parameters."""
        split, parameters = self.assembly.split(state.tokens, state.constants)
        values = [
            evaluator.variants(tokens, np.array([constants or [0.0]]))[0]
            for evaluator, (tokens, constants) in zip(self.evaluators, split, strict=True)
        ]
        return values, parameters

    def _applied(self, function: Any, values: Sequence[Floats], parameters: Sequence[float]) -> Floats:
        with np.errstate(all="ignore"):
            found = function(*self.problem.X, *values, *parameters, *self.given)
        return np.broadcast_to(np.asarray(found, float), (self.problem.rows,))

    # --- one function -------------------------------------------------------------------------------------------------------

    def _working(self, part: int, state: State) -> Problem | None:
        """Return what a function should be, and with which weights, while the others stay; None where it has no influence."""
        values, parameters = self._values(state)
        slope = self._applied(self.slopes[part], values, parameters)
        residual = self.problem.y - self._applied(self.outer, values, parameters)
        with np.errstate(all="ignore"):
            target = values[part] + residual / slope
            weights = self.problem.weights * slope**2
        good = (
            np.isfinite(target) & np.isfinite(weights) & (weights > 1e-12 * np.nanmax(weights, initial=0.0))
        )
        if good.sum() < 3 or not np.abs(target[good]).max() < self.largest * LARGEST:
            return None
        target = np.where(good, target, values[part][good].mean())
        weights = np.where(good, weights, 0.0)
        return Problem(self.columns[part], target, weights / weights.mean())

    def _bank(self, part: int, problem: Problem) -> Bank:
        """Return the stored expressions of a function's arguments, made at the first use."""
        while len(self.banks) <= part:
            language = self.assembly.languages[len(self.banks)]
            own = Problem(self.columns[len(self.banks)], self.problem.y, self.problem.weights)
            bank = Bank(language, own, STORED, table_bits=16)
            views = Views.of(own, language)
            # no score may end it: what it stores serves other targets
            silent = Archive(replace(views, floors=np.full_like(views.floors, -1.0)))
            seconds = None if self.budget.seconds is None else 0.1 * self.budget.seconds
            enumerate_expressions(bank, silent, Budget(20 * STORED, seconds, whole=self.budget))
            self.banks.append(bank)
        return self.banks[part]

    def _candidates(self, part: int, problem: Problem) -> list[Candidate]:
        """Return functions that the stages find for a working response, most promising first, with starting constants."""
        language, evaluator = self.assembly.languages[part], self.evaluators[part]
        bank = self._bank(part, problem)
        views = _plain(Views.of(problem, language))
        archive = Archive(views)
        scores = np.empty((bank.size, 1))
        for k in range(bank.size):
            kernels.unexplained(bank.values[k], views.targets, views.weights, views.spread, scores[k])
        archive.offer(scores, bank.lengths[: bank.size], bank.tokens)
        found = sums.eliminate(sums.monomials(language), evaluator, views, 0)
        found += sums.grow(bank, views, 0, Budget(1))  # the smallest pool only
        self.budget.spend(bank.size)
        Evolution(bank, archive, evaluator, self.rng).run(Budget(EVOLVED, whole=self.budget))
        candidates = finish.candidates(archive, found, evaluator, problem.sign)
        constant = np.array([language.constant], np.int16).tobytes()
        mean = float(problem.weights @ problem.y) / problem.rows
        candidates.append(Candidate(constant, (mean,)))

        def promise(candidate: Candidate) -> float:
            tokens, start = candidate.tokens, np.array(candidate.constants)
            values = evaluator.variants(tokens, start[None])[0]
            with np.errstate(all="ignore"):
                left = float(np.mean(problem.weights * (values - problem.y) ** 2))
            if not np.isfinite(left):
                return np.inf
            floor = float(views.floors[0] * views.spread[0])
            return problem.rows / 2 * float(np.log2(max(left, floor, 1e-300))) + language.token_bits * len(
                tokens
            )

        return sorted(candidates, key=lambda each: (promise(each), each.text))

    def _screened(self, part: int, state: State) -> list[Candidate]:
        """Return short functions with which the whole fits best when the linear functions are only scaled and shifted.

        Newton's formula is blind to functions far from the present one where the whole is not linear in the function; where it is there
        is nothing to add.
        """
        if self.linear[part]:
            return []
        bank = self.banks[part]
        values, parameters = self._values(state)
        others = [j for j in self.scalable if j != part]
        root = np.sqrt(self.problem.weights)
        shifted = [np.zeros(self.problem.rows) if j in others else v for j, v in enumerate(values)]
        ranked: list[tuple[float, int]] = []
        for k in range(min(bank.size, SCREENED)):
            values[part] = shifted[part] = bank.values[k]
            rest = self.problem.y - self._applied(self.outer, shifted, parameters)
            columns = []
            for j in others:
                slope = self._applied(self.slopes[j], values, parameters)
                columns += [slope, slope * values[j]]
            if kernels.usable(rest) and all(kernels.usable(each) for each in columns):
                left = _left_over(rest * root, np.reshape(columns, (len(columns), self.problem.rows)) * root)
                ranked.append((left, k))
        self.budget.spend(len(ranked))
        return [Candidate(bank.tokens(k).tobytes(), ()) for _, k in sorted(ranked)[:TRIED]]

    def _improved(self, part: int, state: State) -> State:
        """Return the state with the best function in place of one of its own, or itself when none is better."""
        problem = self._working(part, state)
        if problem is None:
            return state
        best = state
        split, parameters = self.assembly.split(state.tokens, state.constants)
        chosen = [] if problem.constant else self._candidates(part, problem)
        for candidate in (*chosen[:TRIED], *self._screened(part, state)):
            if self.budget.spent:
                break
            pieces = list(split)
            pieces[part] = (candidate.tokens, list(candidate.constants))
            _, start = self.assembly.joined(pieces, parameters)
            found = self._fit([tokens for tokens, _ in pieces], start)
            if found is not None and found[0].bits < best.bits - 1e-6:
                best = found[0]
        return self._pruned(best) if best is not state else state

    def _pruned(self, state: State) -> State:
        """Return the state without the constant addends and factors that others make good, such as a second offset of a sum."""
        improved = True
        while improved and not self.budget.spent:
            improved = False
            for part, language in enumerate(self.assembly.languages):
                for shorter, slot, addend in _without_one_constant(language, state.tokens[part]):
                    found = self._without(state, part, shorter, slot, addend)
                    if found is not None:
                        state, improved = found, True
                        break
                if improved:
                    break
        return state

    def _without(self, state: State, part: int, shorter: Tokens, slot: int, addend: bool) -> State | None:
        """Return the state, fitted again, in which a function has one constant less, if it is better.

        Another constant may have to take over what is left out, so each is tried with it as a start.
        """
        split, parameters = self.assembly.split(state.tokens, state.constants)
        left_out = split[part][1][slot]
        split[part] = (shorter, [c for k, c in enumerate(split[part][1]) if k != slot])
        _, start = self.assembly.joined(split, parameters)
        starts = [start]
        for k in range(len(start)):
            changed = list(start)
            changed[k] = changed[k] + left_out if addend else changed[k] * left_out
            starts.append(changed)
        for each in starts:
            found = self._fit([tokens for tokens, _ in split], each)
            if found is not None and found[0].bits < state.bits:
                return found[0]
        return None

    # --- the search ---------------------------------------------------------------------------------------------------------

    def _start(self, fresh: int) -> State | None:
        """Return the best of a few random choices of short functions, fitted; None when all are undefined."""
        best: State | None = None
        count = len(self.assembly.template.parameters)
        for draw in range(STARTS):
            pieces: list[tuple[Tokens, list[float]]] = []
            for part, language in enumerate(self.assembly.languages):
                bank = self._bank(part, self.problem)
                short = min(bank.size, SHORT)
                # the first of all is the first variable everywhere
                k = len(language.numbers) if fresh == draw == 0 else int(self.rng.integers(short))
                head = [language.token("+"), language.constant, language.token("*"), language.constant]
                scale = 1.0 if draw == 0 else float(np.exp(self.rng.normal()))
                pieces.append((np.array([*head, *bank.tokens(min(k, short - 1))], np.int16), [0.0, scale]))
            _, start = self.assembly.joined(pieces, [1.0] * count)
            found = self._fit([tokens for tokens, _ in pieces], start)
            if found is not None and (best is None or found[0].bits < best.bits):
                best = found[0]
            if self.budget.spent:
                break
        return None if best is None else self._pruned(best)

    def _search(self) -> str:
        barren, best, fresh = 0, np.inf, 0
        # an exact formula ends it after a turn of every function: what fits as well may be shorter
        while barren < PATIENCE:
            state = self._start(fresh)
            fresh += 1
            before, exact = np.inf, False
            while state is not None and (exact or state.bits < before - 1e-6):
                before = state.bits
                for part in range(len(self.assembly.languages)):
                    if self.budget.spent:
                        return "budget"
                    state = self._improved(part, state)
                if exact:
                    return "exact"
                exact = state.loss <= self.fitter.floor**2
            if self.budget.spent:
                return "budget"
            reached = np.inf if state is None else state.bits
            barren = 0 if reached < best - 1e-6 else barren + 1
            best = min(best, reached)
        return "no progress"

    def run(self) -> TemplateOutcome:
        """Search, then compare the best formulas on all rows, as every search does."""
        stopped = "interrupted"
        try:
            stopped = self._search()
        except KeyboardInterrupt:
            warnings.warn(
                "the search was interrupted: the result is the best formula found so far",
                UserWarning,
                stacklevel=3,
            )
        if not self.kept:
            raise ValueError(
                f"the template {self.assembly.template.text!r} was undefined on the data for every function that was tried; check the "
                "signs that its roots, logarithms and powers need, or allow more time"
            )
        found, parts = [], {}
        for state in sorted(self.kept.values(), key=lambda s: (s.bits, s.parts))[:RESULTS]:
            split, parameters = self.assembly.split(state.tokens, state.constants)
            tokens, constants = self.assembly.joined(split, parameters)
            parts[tokens.tobytes()] = state.tokens
            found.append(Candidate(tokens.tobytes(), tuple(constants)))
        selection = finish.select(self.whole, self.problem, self.evaluator, found)
        shown = [self._named(model, parts.get(model.tokens.tobytes())) for model in selection.models]
        kept = [(m, s) for m, s in zip(selection.models, shown, strict=True) if s is not None]
        if not kept:
            warnings.warn(
                "no formula of the template explains the target better than a constant: the result is the best constant",
                UserWarning,
                stacklevel=3,
            )
            kept = [(m, dict[str, Any]()) for m in selection.models]
        models = [m for m, _ in kept]
        return TemplateOutcome(
            replace(selection, models=models),
            self.budget.used,
            stopped,
            {"templates": f"{len(self.kept)} formulas"},
            [s for _, s in kept],
        )

    def _named(self, model: Model, parts: Sequence[Tokens] | None) -> dict[str, Any] | None:
        """Return the functions of a formula by name; None for the bare constant, which has not the template's form."""
        if parts is None:
            return None
        split, parameters = self.assembly.split(parts, model.constants)
        named = {
            part.name: self.assembly.part_term(k, tokens, [_exact(c) for c in constants])
            for k, (part, (tokens, constants)) in enumerate(
                zip(self.assembly.template.parts, split, strict=True)
            )
        }
        return named | {
            name: _exact(value)
            for name, value in zip(self.assembly.template.parameters, parameters, strict=True)
        }


def _exact(value: float) -> Any:
    """Return the simple number that a constant is, or itself."""
    return next((number for number, exact in simple_numbers(value, 0.0) if exact == value), value)


def _left_over(target: Floats, columns: Floats) -> float:
    """Return the sum of squares that a combination of ``columns`` (columns, rows) leaves of a target."""
    if len(columns) == 0:
        return float(target @ target)
    norms = np.linalg.norm(columns, axis=1)
    norms[norms == 0] = 1.0
    scaled = (columns / norms[:, None]).T
    residual = target - scaled @ np.linalg.lstsq(scaled, target, rcond=1e-10)[0]
    return float(residual @ residual)


def _plain(views: Views) -> Views:
    """Return the views without all but the plain target."""
    first = slice(0, 1)
    return Views(
        views.names[first],
        views.targets[first],
        views.weights[first],
        views.spread[first],
        views.means[first],
        views.floors[first],
    )


def _without_one_constant(language: Grammar, tokens: Tokens) -> list[tuple[Tokens, int, bool]]:
    """Return the expression with one constant addend or factor left out, which slot that was, and whether an addend, for each."""
    found = []
    plus, times = language.token("+"), language.token("*")
    slot = 0
    for place, token in enumerate(tokens):
        if token != language.constant:
            continue
        if place > 0 and tokens[place - 1] in (plus, times):
            found.append((np.delete(tokens, [place - 1, place]), slot, bool(tokens[place - 1] == plus)))
        slot += 1
    return found
