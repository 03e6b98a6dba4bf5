"""A traced solver as the PDE that it solves: its equations, its boundary conditions, the schemes of its derivatives.

The formula of one cell in the middle of the grid is written out (:mod:`symnum.pde.cell_terms`) and its differences are read as
derivatives (:mod:`symnum.pde.recognition`); other cells are compared with it, and the cells at the walls are compared with it for every
rule by which a wall may continue a field (:mod:`symnum.pde.walls`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum import term as interface
from symnum.algebra.evaluate import evaluate
from symnum.algebra.substitute import substitute
from symnum.backends import interned
from symnum.pde.cell_terms import CellTerms
from symnum.pde.difference_operators import AXES
from symnum.pde.graph import Constant, Input, Node
from symnum.pde.layout import Layout, Place, layout_of
from symnum.pde.recognition import MAX_NODES, Derivative, Neighbour, Recognition, product_of, released
from symnum.text.latex import NOTEBOOK_NODES, latex

if TYPE_CHECKING:
    from symnum.pde.traced_system import TracedSystem

MAX_CELLS = 12
MAX_WRITTEN = 100
"""A formula of more unread neighbours, or of unread neighbours and more nodes, than this is not printed."""

_FEW = ("u", "v", "w")


@dataclass(frozen=True, eq=False)
class Equation:
    """The PDE behind a solver: ``print`` it, or show it in a notebook.

    ``terms``: {field: right-hand side}, terms in which the symbols named in ``derivatives`` stand for derivatives and the others for
    fields, parameters, constant arrays (``constants``: {name: description}) and time.  ``boundaries``: {field: {wall: rule}}.
    ``uniform`` tells whether cells away from the walls all have this formula.  ``unread`` are the fields in other cells that no
    derivative was found for.
    """

    terms: Mapping[str, Any]
    derivatives: Mapping[str, Derivative]
    unread: Mapping[str, Neighbour]
    constants: Mapping[str, str]
    boundaries: Mapping[str, Mapping[str, str]]
    uniform: bool
    spacing: tuple[Any, ...]
    layout: Layout

    @property
    def recognised(self) -> bool:
        """Tell whether every difference was read as a derivative, in all cells alike."""
        return self.uniform and not self.unread

    def lines(self) -> list[str]:
        """Return the equations, one for each field.

        >>> from symnum.pde import trace
        >>> heat = trace(lambda t, u: 2 * (np.roll(u, 1) - 2 * u + np.roll(u, -1)), np.zeros(16))
        >>> heat.equation().lines()
        ['∂u/∂t = 2*u_xx']
        """
        return [f"∂{name}/∂t = {self._written(term)}" for name, term in self.terms.items()]

    def _written(self, term: Any) -> str:
        cells = [s for s in interface.free_symbols(term) if interface.name(s) in self.unread]
        long = bool(cells) and interface.node_count(term) > MAX_WRITTEN
        return f"a formula of {len(cells)} other cells" if len(cells) > MAX_CELLS or long else str(term)

    def __str__(self) -> str:
        text = self.lines()
        used = sorted({(d.operator.name + d.primes, d.operator.scheme) for d in self.derivatives.values()})
        text += [f"  {name}: {said}" for name, said in self.constants.items()]
        text += [f"  {operator}: {scheme}" for operator, scheme in used]
        if self.layout.space:
            text.append(
                f"  grid {' x '.join(map(str, self.layout.extents))}, spacing {_said_spacing(self.spacing)}"
            )
        for name, walls in self.boundaries.items():
            for rule in dict.fromkeys(walls.values()):
                where = ", ".join(wall for wall, own in walls.items() if own == rule)
                text.append(f"  {name} at {where}: {rule}")
        if self.unread:
            listed = ", ".join(list(self.unread)[:MAX_CELLS]) + (
                ", ..." if len(self.unread) > MAX_CELLS else ""
            )
            text.append(f"  not read as derivatives: {listed}")
        if not self.uniform:
            text.append(
                "  the formula is that of the cell in the middle; other cells have other coefficients"
            )
        return "\n".join(text)

    def __repr__(self) -> str:
        return str(self)

    def latex(self) -> str:
        r"""Return the equations as LaTeX for mathematics mode, in an ``aligned`` environment.

        >>> from symnum.pde import trace
        >>> heat = trace(lambda t, u: 2 * (np.roll(u, 1) - 2 * u + np.roll(u, -1)), np.zeros(16))
        >>> print(heat.equation().latex())
        \begin{aligned} \partial_t u &= 2 {u}_{xx} \end{aligned}
        """
        names: dict[str, str] = {}
        for name, derivative in self.derivatives.items():  # inner ones were found first
            inner = _spelled(derivative.inner, names)
            field = (
                interface.is_symbol(derivative.inner)
                and interface.name(derivative.inner) not in self.derivatives
            )
            names[name] = derivative.operator.latex(inner, field) + "'" * len(derivative.primes)
        for name, neighbour in self.unread.items():
            indices = ", ".join(
                f"{i}{d:+d}" if d else i for i, d in zip("ijk", neighbour.offset, strict=False)
            )
            names[name] = f"{neighbour.field}_{{{indices}}}"
        rows = [
            rf"\partial_t {_spelled(interned.symbol(name), {})} &= {_spelled(term, names)}"
            for name, term in self.terms.items()
        ]
        return r"\begin{aligned} " + r" \\ ".join(rows) + r" \end{aligned}"

    def _repr_latex_(self) -> str | None:
        if interface.node_count(*self.terms.values()) > NOTEBOOK_NODES or len(self.unread) > MAX_CELLS:
            return None
        return rf"$\displaystyle {self.latex()}$"


def _spelled(term: Any, names: Mapping[str, str]) -> str:
    """Return a term as LaTeX with some symbols spelled as given."""
    used = [s for s in interface.free_symbols(term) if interface.name(s) in names]
    marked = {s: interned.symbol(f"zz{number}") for number, s in enumerate(used, start=1000)}
    text = latex(substitute(term, marked) if marked else term)
    for s, mark in marked.items():
        spelled, place = names[interface.name(s)], rf"\mathrm{{zz}}_{{{interface.name(mark)[2:]}}}"
        text = text.replace(place + "^", rf"\left({spelled}\right)^").replace(place, spelled)
    return text


def _said_spacing(spacing: Sequence[Any]) -> str:
    said = [str(h) if interface.is_term(h) and interface.is_symbol(h) else f"{h:g}" for h in spacing]
    return said[0] if len(set(said)) == 1 else " x ".join(said)


def equation_of(
    system: TracedSystem,
    spacing: Any = None,
    names: Sequence[str] | None = None,
    shape: Sequence[int] | None = None,
    space: Sequence[int] | None = None,
) -> Equation:
    """Return the equation of a system; see :meth:`symnum.pde.TracedSystem.equation`."""
    layout = layout_of(system, shape, space)
    if len(layout.space) > len(AXES):
        raise ValueError(
            f"the state has {len(layout.space)} axes of space, {layout.extents}, but at most {len(AXES)} have names; "
            f"say which axes are space: equation(space=(0, 1))"
        )
    fields = _field_names(layout, names, set(system.array_parameters.shapes))
    numbers, symbols = _spacing(spacing, len(layout.space))
    reader = Reader(system, layout, fields, numbers)
    middle = tuple(n // 2 for n in layout.extents)
    found = {name: reader.term(number, middle) for number, name in enumerate(fields)}
    uniform = all(
        reader.same(found[name], reader.term(number, cell))
        for number, name in enumerate(fields)
        for cell in _other_cells(layout)
    )
    boundaries: dict[str, dict[str, str]] = {}
    if uniform and interface.node_count(*found.values()) <= MAX_NODES:
        from symnum.pde.walls import wall_rules

        for number, name in enumerate(fields):
            across, rules = wall_rules(reader, number, found[name], middle)
            if rules and boundaries.setdefault(across, rules) != rules:
                boundaries[f"{across} in ∂{name}/∂t"] = rules
    terms = {
        name: _in_symbols(reader.recognition(term), reader.recognition, symbols)
        for name, term in found.items()
    }
    used = _used(terms.values(), reader.recognition.derivatives)
    unread = {
        name: n for name, n in reader.recognition.neighbours.items() if name in _names(terms.values(), used)
    }
    shown = [name for name in reader.constants if name in _names(terms.values(), used)]
    return Equation(
        terms,
        used,
        unread,
        {name: reader.constants[name] for name in shown},
        boundaries,
        uniform,
        symbols or numbers,
        layout,
    )


class Reader:
    """Writes the formula of a cell over the fields in it and in its neighbours."""

    def __init__(
        self, system: TracedSystem, layout: Layout, fields: Sequence[str], spacing: tuple[float, ...]
    ) -> None:
        self.system, self.layout, self.fields = system, layout, fields
        self.cells = CellTerms(system.graph)
        self.recognition = Recognition(spacing)
        self.constants: dict[str, str] = {}
        self._named: dict[int, str] = {}

    def term(self, number: int, cell: Place) -> Any:
        """Return the right-hand side of a field in a cell; a neighbour across the end of an axis is the nearer one of the two ways."""
        raw = self.cells.term(self.system.output, self.layout.joined(number, cell))
        replaced = {}
        for symbol in interface.free_symbols(raw):
            meaning = self.cells.meaning.get(interface.name(symbol))
            if meaning is not None:
                replaced[symbol] = self._meant(*meaning, cell)
        return released(substitute(raw, replaced) if replaced else raw)

    def _meant(self, node: Node, position: int, cell: Place) -> Any:
        if node is self.system._state:
            number, place = self.layout.split(position)
            offset = tuple(
                _nearest(there - here, n)
                for there, here, n in zip(place, cell, self.layout.extents, strict=True)
            )
            return self.recognition.symbol(self.fields[number], offset)
        return interned.symbol(self._name(node))

    def _name(self, node: Node) -> str:
        name = self._named.get(node.index)
        if name is None:
            taken = {*self.fields, *self.system.array_parameters.shapes}
            stem = node.name if isinstance(node, Input) else "c" if isinstance(node, Constant) else "s"
            if not isinstance(node, Input):
                count = 1 + sum(1 for known in self._named.values() if known.startswith(stem))
                while f"{stem}{count}" in taken:
                    count += 1
                name = f"{stem}{count}"
            else:
                name = stem
            self._named[node.index] = name
            self.constants[name] = _described(node)
        return name

    def value(self, term: Any) -> float:
        """Return the value of a term at a random point, the same one at each call."""
        rng = np.random.default_rng(0)
        return float(evaluate(term, {s: float(rng.uniform(0.5, 1.5)) for s in interface.free_symbols(term)}))

    def same(self, one: Any, other: Any) -> bool:
        """Tell whether two terms have equal values at random points, to rounding."""
        if one is other:
            return True
        rng = np.random.default_rng(0)
        for _ in range(2):
            point = {s: float(rng.uniform(0.5, 1.5)) for s in interface.free_symbols(one, other)}
            a, b = (float(evaluate(term, point)) for term in (one, other))
            if not math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) and not (math.isnan(a) and math.isnan(b)):
                return False
        return True


def _described(node: Node) -> str:
    size = " x ".join(map(str, node.shape))
    if isinstance(node, Constant):
        return f"a constant array of {size}, from {node.value.min():.6g} to {node.value.max():.6g}"
    if isinstance(node, Input):
        return f"a parameter of {size}"
    return f"a sum over many entries, array of {size}" if size else "a sum over many entries"


def _nearest(distance: int, extent: int) -> int:
    """Return a distance on a circle as the shorter way."""
    return (
        distance - extent
        if 2 * distance > extent
        else distance + extent
        if 2 * distance < -extent
        else distance
    )


def _field_names(layout: Layout, names: Sequence[str] | None, taken: set[str]) -> list[str]:
    count = layout.fields
    if names is None:
        found = list(_FEW[:count]) if count <= len(_FEW) else [f"u{i}" for i in range(1, count + 1)]
        return [f"{name}_" if name in taken else name for name in found]
    if len(names) != count or len(set(names)) < count:
        raise ValueError(
            f"names={list(names)!r} must give {count} different names, one for each field of the state"
        )
    return list(names)


def _spacing(spacing: Any, dimension: int) -> tuple[tuple[float, ...], tuple[Any, ...]]:
    """Return the numbers to compute with, and the symbols that stand for them if they were given as names."""
    if spacing is None or isinstance(spacing, str) or interface.is_term(spacing) or np.ndim(spacing) == 0:
        given = [1.0 if spacing is None else spacing] * dimension
    else:
        given = list(spacing)
    if len(given) != dimension:
        raise ValueError(
            f"spacing={spacing!r} has {len(given)} entries, but the grid has {dimension} axes of space"
        )
    symbolic = [h for h in given if isinstance(h, str) or (interface.is_term(h) and interface.is_symbol(h))]
    if symbolic:
        symbols = tuple(interned.symbol(h) if isinstance(h, str) else h for h in given)
        if len(symbolic) < dimension or len(set(map(str, symbols))) > 1:
            raise ValueError(
                f"spacing={spacing!r} mixes names and numbers; give one name for all axes, or numbers"
            )
        return (1.0,) * dimension, symbols
    numbers = tuple(float(h) for h in given)
    if not all(math.isfinite(h) and h > 0 for h in numbers):
        raise ValueError(f"spacing={spacing!r} must be positive numbers, or one name such as 'h'")
    return numbers, ()


def _in_symbols(term: Any, recognition: Recognition, symbols: tuple[Any, ...]) -> Any:
    """Return a term in which a derivative of order n is multiplied by h^n where the spacing is a symbol h."""
    if not symbols:
        return term
    replaced = {
        s: product_of([symbols[0] ** recognition.derivatives[interface.name(s)].operator.order, s])
        for s in interface.free_symbols(term)
        if interface.name(s) in recognition.derivatives
    }
    return substitute(term, replaced) if replaced else term


def _other_cells(layout: Layout) -> list[Place]:
    """Return cells away from the middle and from the walls."""
    extents = layout.extents
    quarter = tuple(n // 4 for n in extents)
    beyond = tuple(n // 2 + max(n // 5, 1) for n in extents)
    mixed = tuple(n // 4 if axis % 2 else n // 2 + max(n // 5, 1) for axis, n in enumerate(extents))
    return [cell for cell in dict.fromkeys((quarter, beyond, mixed)) if cell]


def _names(terms: Any, derivatives: Mapping[str, Derivative]) -> set[str]:
    inner = [derivative.inner for derivative in derivatives.values()]
    return {interface.name(s) for s in interface.free_symbols(*terms, *inner)}


def _used(terms: Any, derivatives: Mapping[str, Derivative]) -> dict[str, Derivative]:
    """Return the derivatives that occur, those inside of others included, inner ones first."""
    wanted = {interface.name(s) for s in interface.free_symbols(*terms)}
    for name, derivative in reversed(list(derivatives.items())):
        if name in wanted:
            wanted |= {interface.name(s) for s in interface.free_symbols(derivative.inner)}
    return {name: derivative for name, derivative in derivatives.items() if name in wanted}
