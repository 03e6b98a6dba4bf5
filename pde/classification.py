"""What kind of system a traced solver is: linear, semilinear, quasilinear, polynomial or general.

A derivative counts by its order, as :mod:`symnum.pde.recognition` reads it; where differences are not read, what is said about couplings
of entries still holds.  Source: Evans, "Partial Differential Equations", 2nd ed., 2010, section 1.1, definition 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum import term as interface
from symnum.calculus.derivative import diff
from symnum.pde.graph import Assembly, Constant, Elementwise, Graph, Input, Node
from symnum.pde.layout import layout_of

if TYPE_CHECKING:
    from symnum.pde.equation import Equation
    from symnum.pde.traced_system import TracedSystem

KINDS = {
    "linear": "every term is linear in the state",
    "semilinear": "the highest derivatives stand alone, with coefficients that do not depend on the state",
    "quasilinear": "the highest derivatives stand alone, with coefficients that depend on the state and on lower derivatives",
    "polynomial": "every term is a polynomial in the state",
    "general": "some term is no polynomial in the state",
}
"""The kinds, from the most special to the most general, and what each means."""


@dataclass(frozen=True)
class Classification:
    """What is known about a system; ``print`` it.

    ``kind``: a key of :data:`KINDS`; ``degree`` in the state, None if it is no polynomial; ``autonomous``: time does not occur;
    ``order`` of the highest derivative, None where differences were not read; ``constant_entries`` of the Jacobian do not depend on the
    state or time, ``varying_entries`` do; ``pointwise``: the varying ones couple entries of one cell only.
    """

    kind: str
    degree: int | None
    autonomous: bool
    order: int | None
    constant_entries: int
    varying_entries: int
    pointwise: bool

    def __str__(self) -> str:
        degree = "no polynomial" if self.degree is None else f"degree {self.degree}"
        order = "" if not self.order else f", order {self.order} in space"
        lines = [
            f"{self.kind}: {KINDS[self.kind]}",
            f"  {'autonomous' if self.autonomous else 'depends on time'}, {degree}{order}",
            f"  Jacobian: {self.constant_entries:,} constant entries, {self.varying_entries:,} that vary"
            + (", within cells only" if self.varying_entries and self.pointwise else ""),
        ]
        return "\n".join(lines)


def classification_of(system: TracedSystem) -> Classification:
    """Return the classification; see :meth:`symnum.pde.TracedSystem.classify`."""
    from symnum.pde.equation import equation_of

    structure = system.structure()
    moving = structure.moves.astype(np.float64)
    varies = abs(structure.weights) @ moving > 0
    varying = structure.varying[varies]
    order = system.graph.reachable([system.output])
    autonomous = not any(isinstance(node, Input) and node.name == "t" for node in order)
    degree = polynomial_degree(system.graph, system.output, system._state)
    equation = equation_of(system)
    pointwise = _within_cells(system, varying)
    kind, derivative_order = _kind(equation, degree, pointwise)
    return Classification(
        kind,
        degree,
        autonomous,
        derivative_order,
        len(structure.indices) - len(varying),
        len(varying),
        pointwise,
    )


def _within_cells(system: TracedSystem, entries: Any) -> bool:
    """Tell whether these entries of the Jacobian couple entries of the state in the same cell."""
    structure, layout = system.structure(), layout_of(system)
    if not layout.space:
        return False
    column = np.repeat(np.arange(structure.shape[1]), np.diff(structure.indptr))[entries]
    places = np.unravel_index(np.stack([structure.indices[entries], column]), layout.shape)
    return all(bool((places[axis][0] == places[axis][1]).all()) for axis in layout.space)


def _kind(equation: Equation, degree: int | None, pointwise: bool) -> tuple[str, int | None]:
    orders = _orders(equation)
    order = None if equation.unread else max(orders.values(), default=0)
    if degree is not None and degree <= 1:
        return "linear", order
    if order:
        found = _by_highest(equation, {name for name, own in orders.items() if own == order})
        if found is not None:
            return found, order
    elif order is None and pointwise:
        return "semilinear", order
    return ("general" if degree is None else "polynomial"), order


def _orders(equation: Equation) -> dict[str, int]:
    """Return the order of each derivative, with those of derivatives inside of it added."""
    found: dict[str, int] = {}
    for name, derivative in equation.derivatives.items():  # inner ones come first
        found[name] = derivative.operator.order + max(
            (found.get(inner, 0) for inner in _names(derivative.inner)), default=0
        )
    return found


def _names(term: Any) -> set[str]:
    return {interface.name(s) for s in interface.free_symbols(term)}


def _by_highest(equation: Equation, highest: set[str]) -> str | None:
    """Return semilinear or quasilinear by the coefficients of the highest derivatives, None where they do not stand alone."""
    moving = {*equation.terms, *equation.derivatives}
    constant: dict[str, bool] = {}  # for each derivative, whether what it acts on is linear in the state
    terms = [derivative.inner for derivative in equation.derivatives.values()]
    for name, term in [*zip(equation.derivatives, terms, strict=True), *equation.terms.items()]:
        fixed = True
        for symbol in interface.free_symbols(term):
            inner = interface.name(symbol)
            if inner not in moving:
                continue
            met = _names(diff(term, symbol))
            if inner in highest and met & highest:
                return None
            counts = name in equation.derivatives or inner in highest
            if counts:
                fixed = fixed and not met & moving and constant.get(inner, True)
        constant[name if name in equation.derivatives else f"equation of {name}"] = fixed
    deciding = [f"equation of {name}" for name in equation.terms]
    return "semilinear" if all(constant[name] for name in deciding) else "quasilinear"


def polynomial_degree(graph: Graph, output: Node, state: Node) -> int | None:
    """Return the degree of an array of a program as a polynomial in the state; None if it is none.

    >>> from symnum.pde import trace
    >>> system = trace(lambda t, u: np.sin(t) * u[::-1] ** 2 * u, np.ones(3))
    >>> polynomial_degree(system.graph, system.output, system._state)
    3
    """
    known: dict[int, int | None] = {}
    for node in graph.reachable([output]):
        if node is state:
            known[node.index] = 1
        elif isinstance(node, Input | Constant):
            known[node.index] = 0
        elif isinstance(node, Elementwise):
            symbols = {interface.key(graph.symbol(atom)): known[atom.index] for atom in graph.atoms(node)}
            known[node.index] = _term_degree(node.term, symbols)
        else:
            atoms = graph.atoms(node)
            degrees = [known[atom.index] for atom in atoms]
            constant = isinstance(node, Assembly) and not degrees
            known[node.index] = (
                0 if constant else None if None in degrees else max(d for d in degrees if d is not None)
            )
    return known[output.index]


def _term_degree(term: Any, symbols: Mapping[Any, int | None]) -> int | None:
    known: dict[Any, int | None] = {}
    for node in interface.postorder(term):
        key = interface.key(node)
        if interface.is_symbol(node):
            known[key] = symbols[key]
            continue
        if not interface.is_call(node):
            known[key] = 0
            continue
        args = list(interface.args(node))
        known[key] = _call_degree(interface.head(node), args, [known[interface.key(a)] for a in args])
    return known[interface.key(term)]


def _call_degree(head: str, args: list[Any], degrees: list[int | None]) -> int | None:
    if all(degree == 0 for degree in degrees):
        return 0
    if None in degrees:
        return None
    whole = [degree for degree in degrees if degree is not None]
    if head in ("+", "-", "neg", "hold"):
        return max(whole)
    if head == "*":
        return sum(whole)
    if head == "ifelse" and whole[0] == 0:
        return max(whole[1:])
    if head == "/" and whole[1] == 0:
        return whole[0]
    if head == "^" and interface.is_number(args[1]):
        exponent = interface.value(args[1])
        if isinstance(exponent, int) and exponent >= 0:
            return whole[0] * exponent
    return None
