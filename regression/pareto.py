"""The front of complexity against loss, what else was found at each complexity, and the choice of one formula.

>>> import symnum as sn
>>> x = sn.symbols("x")
>>> print(Equations([Equation(1, 2.5, 0.0, x, 40.0), Equation(3, 0.5, 12.0, 2*x, 28.0)], chosen=1))
    complexity        loss     score      bits  expression
            1         2.5       0.0      40.0  x
>           3         0.5      12.0      28.0  2*x
> is the chosen equation
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from symnum import term as interface
from symnum.backends import interned
from symnum.regression.constants import Model
from symnum.regression.formula import Formula
from symnum.text.latex import latex

COLUMNS = ("complexity", "loss", "score", "bits", "expression")
"""What a table of equations shows."""


@dataclass(frozen=True)
class Equation:
    """Hold one formula.

    ``loss`` is the weighted mean of the squared residuals (of the logarithms where errors are relative), ``bits`` the length of the
    description of formula and data, and ``score`` the bits saved compared with the best constant: the larger the better.
    ``on_front`` is False where a formula at most as complex has a smaller loss, and where the shortest description has one that is hardly
    larger; see :func:`front`.
    """

    complexity: int
    loss: float
    score: float
    expression: Any
    bits: float = 0.0
    on_front: bool = True

    def __str__(self) -> str:
        return f"{self.complexity:4d}  {self.loss:11.4e}  {self.score:9.1f}  {self.expression}"


class Equations(Sequence[Equation]):
    """Hold equations by complexity, as a sequence that shows itself as a table; ``chosen`` is the place of the chosen one, or None.

    Tables of the same equations are equal, whichever is chosen.
    """

    def __init__(self, equations: Iterable[Equation] = (), chosen: int | None = None) -> None:
        self._equations = tuple(equations)
        self.chosen = chosen

    def __len__(self) -> int:
        return len(self._equations)

    @overload
    def __getitem__(self, place: int) -> Equation: ...
    @overload
    def __getitem__(self, place: slice) -> Equations: ...
    def __getitem__(self, place: int | slice) -> Equation | Equations:
        found = self._equations[place]
        return Equations(found) if isinstance(found, tuple) else found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Equations):
            return NotImplemented
        return self._equations == other._equations

    def __hash__(self) -> int:
        return hash(self._equations)

    @property
    def front(self) -> Equations:
        """Return the equations that none as simple beats in loss, and the shortest description."""
        places = [k for k, equation in enumerate(self) if equation.on_front]
        return Equations(
            (self[k] for k in places), places.index(self.chosen) if self.chosen in places else None
        )

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the numbers of each row and its formula as text, in the order of ``COLUMNS``."""
        for each in self:
            yield each.complexity, each.loss, each.score, each.bits, str(each.expression)

    def __str__(self) -> str:
        lines = [f"  {'complexity':>12}{'loss':>12}{'score':>10}{'bits':>10}  expression"]
        for place, (complexity, loss, score, bits, text) in enumerate(self.rows()):
            mark = ">" if place == self.chosen else " " if self[place].on_front else "."
            lines.append(f"{mark} {complexity:>10}{loss:>12.5g}{score:>10.1f}{bits:>10.1f}  {text}")
        if self.chosen is not None:
            lines.append("> is the chosen equation")
        if not all(each.on_front for each in self):
            lines.append(
                ". has a larger loss, or a longer description of the data, than an equation of the front"
            )
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return a plain table for notebooks and reports, formulas escaped."""
        head = "".join(f"<th>{name}</th>" for name in ("", *COLUMNS))
        body = []
        for place, (complexity, loss, score, bits, text) in enumerate(self.rows()):
            kind = "chosen" if place == self.chosen else "front" if self[place].on_front else "other"
            weight = ' style="font-weight: bold"' if kind == "chosen" else ""
            mark = {"chosen": "chosen", "front": "front", "other": ""}[kind]
            numbers = "".join(
                f'<td style="text-align: right">{n}</td>'
                for n in (complexity, f"{loss:.5g}", f"{score:.1f}", f"{bits:.1f}")
            )
            formula = f'<td style="text-align: left"><code>{html.escape(text)}</code></td>'
            body.append(f'<tr class="{kind}"{weight}><td>{mark}</td>{numbers}{formula}</tr>')
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"

    def to_latex(self) -> str:
        """Return a LaTeX table (booktabs) of complexities, losses, scores and formulas.

        >>> import symnum as sn
        >>> print(Equations([Equation(3, 0.5, 12.0, 2 * sn.symbols("x"))]).to_latex())
        \\begin{tabular}{rrrl}
        \\toprule
        complexity & loss & score & equation \\\\
        \\midrule
        3 & 0.5 & 12.0 & $2 x$ \\\\
        \\bottomrule
        \\end{tabular}
        """
        lines = [
            r"\begin{tabular}{rrrl}",
            r"\toprule",
            r"complexity & loss & score & equation \\",
            r"\midrule",
        ]
        for each in self:
            loss = latex(interned.number(float(f"{each.loss:.3g}")))
            loss = f"${loss}$" if "\\" in loss else loss
            lines.append(rf"{each.complexity} & {loss} & {each.score:.1f} & ${latex(each.expression)}$ \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame with ``COLUMNS`` (expressions are terms) and ``on_front``; raises ImportError without pandas."""
        try:
            import pandas
        except ImportError as problem:
            raise ImportError(
                "a DataFrame needs pandas; run: pip install pandas, or read rows() and print the table itself"
            ) from problem
        columns = (*COLUMNS, "on_front")
        return pandas.DataFrame({name: [getattr(each, name) for each in self] for name in columns})


def noise_model(models: Sequence[Model]) -> str:
    """Return the noise model under which the shortest description is shortest."""
    return min(models, key=lambda model: (model.bits, model.complexity, model.noise)).noise


def front(models: Iterable[Model], rounding: float = 0.0) -> list[Model]:
    """Return, by complexity, the models that no model as simple beats in loss; of equal complexity the shortest description counts.

    Losses below ``rounding`` are equal, and so are losses that differ by less than one part in a million.  The shortest description of
    all is always kept: beside a simpler model of equal loss, as sqrt(2*g*h) beside 4.43*sqrt(h), and in the place of a simpler one
    whose loss is smaller, but not by as much as its constants take to write down.
    """
    simplest: dict[int, Model] = {}
    for model in models:
        other = simplest.get(model.complexity)
        if other is None or (model.bits, str(model.term)) < (other.bits, str(other.term)):
            simplest[model.complexity] = model
    shortest = min(simplest.values(), key=lambda model: (model.bits, model.complexity), default=None)
    found: list[Model] = []
    for complexity in sorted(simplest):
        model = simplest[complexity]
        if model is shortest:
            while found and found[-1].loss < (1 - 1e-6) * model.loss and model.loss > rounding:
                found.pop()
            found.append(model)
        elif not found or model.loss < (1 - 1e-6) * found[-1].loss > rounding:
            found.append(model)
    return found


def choose(models: Sequence[Model]) -> int:
    """Return the place of the shortest description."""
    return min(range(len(models)), key=lambda k: (models[k].bits, models[k].complexity))


def table(
    on_front: Sequence[Model],
    considered: Iterable[Model],
    baseline: float,
    per_complexity: int = 3,
) -> Equations:
    """Return the front and, of all models considered, the ``per_complexity`` shortest descriptions of each complexity.

    ``baseline`` is the bits of the best constant, from which scores count.  The chosen model is that of
    :func:`choose`.  Of models that differ by a little in their constants, or in words only, the shortest description is kept.
    """
    kept = list(on_front)
    counts: dict[int, int] = {}
    for model in kept:
        counts[model.complexity] = counts.get(model.complexity, 0) + 1
    shown = [(model.complexity, _shape(model.term), model.loss) for model in kept]
    for model in sorted(considered, key=lambda model: (model.bits, str(model.term))):
        if counts.get(model.complexity, 0) >= per_complexity:
            continue
        row = model.complexity, _shape(model.term), model.loss
        if not any(_alike(row, other) for other in shown):
            counts[model.complexity] = counts.get(model.complexity, 0) + 1
            shown.append(row)
            kept.append(model)
    chosen = on_front[choose(on_front)]
    kept.sort(key=lambda model: model.complexity)  # stable: the model of the front comes first
    equations = [
        Equation(
            model.complexity,
            model.loss,
            baseline - model.bits,
            model.term,
            model.bits,
            any(model is each for each in on_front),
        )
        for model in kept
    ]
    return Equations(equations, next(k for k, model in enumerate(kept) if model is chosen))


def _shape(term: Any) -> Any:
    """Return a key that terms have in common when they differ in their constants only."""
    return interface.key(Formula.of(term, interface.free_symbols(term)).named)


def _alike(row: tuple[int, Any, float], other: tuple[int, Any, float]) -> bool:
    """Tell whether two models of one complexity have nearly the same constants, or are the same in other words."""
    near = 0.1 if row[1] == other[1] else 1e-9
    return row[0] == other[0] and math.isclose(row[2], other[2], rel_tol=near)
