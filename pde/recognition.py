"""Read differences between neighbours as derivatives: from the term of one cell to the right-hand side of a PDE.

A sum is cut into addends P * g(d): a factor P of this very cell, and a formula g of the fields in one neighbouring cell d.  The addends
of one P and g are a stencil that acts on g; what it needs in the middle for its weights to cancel is taken from the addend P * g of the
cell itself, and the rest stays as reaction.  Each step is an identity, so the equation and the term have the same value everywhere,
with the derivatives read as the differences that are named.  Differences of fluxes are read as the derivative of the flux, which is then
written as at the middle of two cells: equal up to the order of the scheme.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from symnum import term as interface
from symnum.algebra.substitute import substitute
from symnum.backends import interned
from symnum.pde.difference_operators import AXES, Offset, Operator, combination, operators, tidy

MAX_NODES = 500
"""The formula of a cell with more nodes, such as that of several steps in time, is not read."""

_FLUXES = "difference of fluxes"


@dataclass(frozen=True)
class Derivative:
    """An operator and the term that it acts on, which the symbol ``symbol`` stands for.

    ``primes`` tell derivatives of one kind apart that are approximated by different schemes.
    """

    symbol: Any
    operator: Operator
    inner: Any
    primes: str = ""


@dataclass(frozen=True)
class Neighbour:
    """A field in another cell, for which no operator was found."""

    symbol: Any
    field: str
    offset: Offset


@dataclass
class Recognition:
    """Turns terms of one cell into terms of derivatives.

    The fields in cells are the symbols that :meth:`symbol` makes.  ``derivatives`` collects, by name of symbol, what the symbols of the
    result stand for; ``neighbours`` the fields in other cells that were left as they are.
    """

    spacing: Sequence[float]
    derivatives: dict[str, Derivative] = field(default_factory=dict)
    neighbours: dict[str, Neighbour] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.offsets: dict[Any, tuple[str, Offset]] = {}  # key of the symbol: name of the field, cell
        self.rows = operators(self.spacing) if self.spacing else []
        self.here: Offset = (0,) * len(self.spacing)
        self._reach: dict[Any, frozenset[Offset]] = {}
        self._read: dict[Any, Any] = {}

    def __call__(self, term: Any) -> Any:
        """Return the term with differences read as derivatives, over the names of the fields in this cell."""
        if interface.node_count(term) > MAX_NODES:
            return self._as_it_is(term)
        return _folded(term, self._read, self._made)

    # --- what is known about a term -------------------------------------------------------------------------------------------

    def reach(self, term: Any) -> frozenset[Offset]:
        """Return the cells whose fields a term has."""

        def cells(node: Any, parts: Sequence[frozenset[Offset]]) -> frozenset[Offset]:
            known = self.offsets.get(interface.key(node)) if interface.is_symbol(node) else None
            return frozenset((known[1],)) if known else frozenset().union(*parts)

        return _folded(term, self._reach, cells)

    def moved(self, term: Any, by: Offset) -> Any:
        """Return the term of another cell; ``by`` is added to each offset."""
        replaced = {}
        for symbol in interface.free_symbols(term):
            known = self.offsets.get(interface.key(symbol))
            if known is not None:
                replaced[symbol] = self.symbol(
                    known[0], tuple(i + j for i, j in zip(known[1], by, strict=True))
                )
        return substitute(term, replaced) if replaced else term

    def symbol(self, name: str, offset: Offset) -> Any:
        """Return the symbol of a field in a cell."""
        found = interned.symbol(cell_name(name, offset))
        self.offsets[interface.key(found)] = name, offset
        return found

    # --- reading --------------------------------------------------------------------------------------------------------------

    def _made(self, node: Any, parts: Sequence[Any]) -> Any:
        if not self._neighbours_in(node):
            return node
        if interface.is_symbol(node):
            return self._as_it_is(node)
        if interface.head(node) == "+":
            return self._sum(node)
        if interface.head(node) == "*":
            flat = self._distributed(node)
            if flat is not node:
                return self._sum(flat)
        return interface.make(node, interface.head(node), parts)

    def _neighbours_in(self, term: Any) -> bool:
        return any(map(any, self.reach(term)))

    def _as_it_is(self, term: Any) -> Any:
        """Note the fields in other cells that are left as they are."""
        for symbol in interface.free_symbols(term):
            known = self.offsets.get(interface.key(symbol))
            if known is not None and any(known[1]):
                self.neighbours[interface.name(symbol)] = Neighbour(symbol, *known)
        return term

    def _distributed(self, node: Any) -> Any:
        """Return a product multiplied out over its one factor that is a sum with neighbours in it, else the product."""
        near = [factor for factor in _factors(node) if self._neighbours_in(factor)]
        if len(near) != 1 or not (interface.is_call(near[0]) and interface.head(near[0]) == "+"):
            return node
        rest = product_of([factor for factor in _factors(node) if factor is not near[0]])
        constant, addends = interface.addends(near[0])
        products = [interned.scale(c, product_of([rest, addend])) for addend, c in addends]
        return interned.add_many([interned.scale(constant, rest), *products])

    def _sum(self, node: Any) -> Any:
        pool: dict[Any, list[Any]] = {}  # addends of this cell: [term, coefficient]
        stencils: dict[Any, tuple[Any, Any, dict[Offset, Any]]] = {}
        mixed: list[tuple[Any, Any]] = []
        constant, addends = self._flat(node)
        for addend, coefficient in addends:
            found = self._split(addend)
            if found is None:
                mixed.append((addend, coefficient))
                continue
            prefactor, acted, offset = found
            if not any(offset):
                term = product_of([prefactor, acted])
                entry = pool.setdefault(interface.key(term), [term, 0])
                entry[1] += coefficient
                continue
            key = interface.key(prefactor), interface.key(acted)
            weights = stencils.setdefault(key, (prefactor, acted, {}))[2]
            weights[offset] = weights.get(offset, 0) + coefficient
        found_terms: list[Any] = [interned.number(constant)]
        for prefactor, acted, weights in stencils.values():
            found_terms += self._stencil(prefactor, acted, weights, pool)
        found_terms += [interned.scale(c, term) for term, c in pool.values()]
        found_terms += self._fluxes(mixed)
        return interned.add_many(found_terms)

    def _flat(self, node: Any) -> tuple[Any, list[tuple[Any, Any]]]:
        """Return the addends of a sum with sums and products of one sum inside of it multiplied out, where neighbours are in them."""
        constant, addends = interface.addends(node)
        waiting, found = list(addends), []
        while waiting:
            term, coefficient = waiting.pop()
            flat = self._distributed(term)
            if interface.is_call(flat) and interface.head(flat) == "+" and self._neighbours_in(flat):
                more, inner = interface.addends(flat)
                constant += coefficient * more
                waiting += [(addend, coefficient * c) for addend, c in inner]
            else:
                found.append((flat, coefficient))
        return constant, found

    def _split(self, addend: Any) -> tuple[Any, Any, Offset] | None:
        """Return (factor of this cell, term of one cell moved to this one, offset of that cell), or None for more cells."""
        near = [factor for factor in _factors(addend) if self._neighbours_in(factor)]
        here = product_of(
            [factor for factor in _factors(addend) if not any(factor is other for other in near)]
        )
        cells = frozenset().union(*(self.reach(factor) for factor in near))
        if not near:
            return interned.number(1), here, self.here
        if len(cells) > 1:
            return None
        (offset,) = cells
        return here, self.moved(product_of(near), tuple(-i for i in offset)), offset

    def _stencil(
        self, prefactor: Any, acted: Any, weights: dict[Offset, Any], pool: dict[Any, list[Any]]
    ) -> list[Any]:
        """Return a stencil as derivatives, with what it needs in the middle taken from the addends of this cell."""
        middle = product_of([prefactor, acted])
        entry = pool.setdefault(interface.key(middle), [middle, 0])
        needed = -sum(weights.values())
        complete = {offset: float(w) for offset, w in (*weights.items(), (self.here, needed)) if w}
        found = combination(complete, self.rows)
        if found is None:
            left = [(weight, self._as_it_is(self.moved(acted, offset))) for offset, weight in weights.items()]
            return [interned.scale(weight, product_of([prefactor, term])) for weight, term in left]
        rest = entry[1] - needed
        scale = max(abs(entry[1]), abs(needed))
        entry[1] = 0 if abs(rest) <= 1e-12 * scale else tidy(float(rest)) if isinstance(rest, float) else rest
        return [
            interned.scale(coefficient, product_of([prefactor, self._derivative(row, acted)]))
            for coefficient, row in found
        ]

    def _derivative(self, row: Operator, inner: Any) -> Any:
        primes, written = "", row.text(str(inner), self.is_field(inner))
        while (known := self.derivatives.get(written + primes)) and known.operator.scheme != row.scheme:
            primes += "′"  # one derivative, approximated in two ways: two numbers
        symbol = interned.symbol(written + primes)
        self.derivatives.setdefault(written + primes, Derivative(symbol, row, inner, primes))
        return symbol

    def is_field(self, term: Any) -> bool:
        """Tell whether a term is a field in this cell, no formula."""
        return interface.is_symbol(term) and interface.key(term) in self.offsets

    # --- fluxes ---------------------------------------------------------------------------------------------------------------

    def _fluxes(self, mixed: list[tuple[Any, Any]]) -> list[Any]:
        """Return addends of several cells: pairs F(i+1/2) - F(i-1/2) as derivatives of F, the others read on their own."""
        found: list[Any] = []
        fluxes: list[tuple[int, Any, Any]] = []  # axis, amount, flux
        waiting = list(mixed)
        while waiting:
            term, coefficient = waiting.pop(0)
            partner = self._partner(term, coefficient, waiting)
            if partner is None:
                parts = [self(factor) for factor in _factors(term)]
                found.append(interned.scale(coefficient, product_of(parts)))
                continue
            number, axis, upper, sign = partner
            del waiting[number]
            scale, flux = _coefficient(self._at_half(upper, axis))
            fluxes.append((axis, tidy(float(sign * coefficient * scale * self.spacing[axis])), flux))
        return found + self._divergences(fluxes)

    def _divergences(self, fluxes: list[tuple[int, Any, Any]]) -> list[Any]:
        """Return derivatives of fluxes, those that are one formula of a gradient along all axes as its divergence."""
        found: list[Any] = []
        groups: dict[Any, list[tuple[int, Any, Any]]] = {}
        for axis, amount, flux in fluxes:
            along = self._along_gradient(axis, flux)
            groups.setdefault(None if along is None else (amount, interface.key(along)), []).append(
                (axis, amount, flux)
            )
        for key, members in groups.items():
            axis, amount, flux = members[0]
            if (
                key is not None
                and sorted(axis for axis, _, _ in members) == list(range(len(self.spacing)))
                and len(members) > 1
            ):
                whole = self._along_gradient(axis, flux)
                found.append(
                    interned.scale(amount, self._derivative(Operator("", 1, "·", _FLUXES, {}), whole))
                )
                continue
            for axis, amount, flux in members:
                row = Operator(AXES[axis], 1, "", _FLUXES, {})
                found.append(interned.scale(amount, self._derivative(row, flux)))
        return found

    def _along_gradient(self, axis: int, flux: Any) -> Any | None:
        """Return a flux along an axis with its derivative along that axis as a gradient; None where it has not just that one."""
        slopes = [s for s in interface.free_symbols(flux) if interface.name(s) in self.derivatives]
        if len(slopes) != 1:
            return None
        slope = self.derivatives[interface.name(slopes[0])]
        if slope.operator.letters != AXES[axis]:
            return None
        gradient = self._derivative(Operator("", 1, "", slope.operator.scheme, {}), slope.inner)
        return substitute(flux, {slopes[0]: gradient})

    def _partner(
        self, term: Any, coefficient: Any, waiting: list[tuple[Any, Any]]
    ) -> tuple[int, int, Any, int] | None:
        """Return (place of the other addend, axis, the upper of the two fluxes, its sign) of a difference of fluxes."""
        for axis in range(len(self.spacing)):
            up = tuple(int(i == axis) for i in range(len(self.spacing)))
            down = tuple(-i for i in up)
            if self.reach(term) <= {self.here, up}:
                wanted, upper, sign = self.moved(term, down), term, 1
            elif self.reach(term) <= {self.here, down}:
                wanted = upper = self.moved(term, up)
                sign = -1
            else:
                continue
            for number, (other, c) in enumerate(waiting):
                if c == -coefficient and interface.key(other) == interface.key(wanted):
                    return number, axis, upper, sign
        return None

    def _at_half(self, flux: Any, axis: int) -> Any:
        """Return a flux between a cell and the next along an axis, over fields and first derivatives there."""
        up = tuple(int(i == axis) for i in range(len(self.spacing)))
        row = next(row for row in self.rows if row.letters == AXES[axis] and row.scheme == "central")
        h = self.spacing[axis]

        def made(node: Any, parts: Sequence[Any]) -> Any:
            if interface.is_symbol(node):
                known = self.offsets.get(interface.key(node))
                return node if known is None else self.symbol(known[0], self.here)
            if not interface.is_call(node):
                return node
            if interface.head(node) != "+":
                return interface.make(node, interface.head(node), parts)
            constant, addends = interface.addends(node)
            lower: dict[Any, list[Any]] = {}  # addends of the lower cell: [term, coefficient]
            upper = []
            for addend, coefficient in addends:
                found = self._split(addend)
                if found is None or found[2] not in (self.here, up):
                    return interface.make(node, "+", parts)
                if found[2] == up:
                    upper.append((found[0], found[1], coefficient))
                else:
                    lower[interface.key(found[1])] = [found[1], coefficient]
            terms = [interned.number(constant)]
            for prefactor, acted, weight in upper:
                whole = product_of([prefactor, acted])
                entry = lower.get(interface.key(whole))
                if entry is not None and abs(entry[1] + weight) <= 1e-12 * abs(weight):
                    entry[1] = 0
                    slope = product_of([prefactor, self._derivative(row, acted)])
                    terms.append(interned.scale(tidy(float(weight * h)), slope))
                else:
                    terms.append(interned.scale(tidy(float(weight)), whole))
            terms += [interned.scale(tidy(float(c)), term) for term, c in lower.values()]
            return interned.add_many(terms)

        return _folded(flux, {}, made)


def cell_name(name: str, offset: Offset) -> str:
    """Return how a field in another cell is written.

    >>> cell_name("u", (1, 0)), cell_name("v", (0, -2)), cell_name("u", (0, 0))
    ('u[i+1, j]', 'v[i, j-2]', 'u')
    """
    if not any(offset):
        return name
    places = [f"{letter}{d:+d}" if d else letter for letter, d in zip("ijk", offset, strict=False)]
    return f"{name}[{', '.join(places)}]"


def _factors(term: Any) -> Iterable[Any]:
    if interface.is_call(term) and interface.head(term) == "*":
        return interface.args(term)
    return (term,)


def product_of(factors: Sequence[Any]) -> Any:
    """Return the product of terms; that of none is 1."""
    if len(factors) < 2:
        return factors[0] if factors else interned.number(1)
    return interned.make("*", factors)


def released(term: Any) -> Any:
    """Return a term without ``hold``, which keeps a shared part of an optimised formula together."""
    if not any(
        interface.is_call(node) and interface.head(node) == "hold" for node in interface.postorder(term)
    ):
        return term

    def step(node: Any, parts: Sequence[Any]) -> Any:
        if not interface.is_call(node):
            return node
        head = interface.head(node)
        return parts[0] if head == "hold" else interface.make(node, head, parts)

    return _folded(term, {}, step)


def _coefficient(term: Any) -> tuple[Any, Any]:
    """Return (number, rest) with term = number * rest."""
    constant, addends = interface.addends(term)
    addends = list(addends)
    if not constant and len(addends) == 1:
        return addends[0][1], addends[0][0]
    return 1, term


def _folded(term: Any, known: dict[Any, Any], step: Callable[[Any, Sequence[Any]], Any]) -> Any:
    """Return ``step(node, results of its arguments)`` of the root, from the leaves up, each distinct node once."""
    for node in interface.postorder(term):
        key = interface.key(node)
        if key not in known:
            parts = [known[interface.key(a)] for a in interface.args(node)] if interface.is_call(node) else []
            known[key] = step(node, parts)
    return known[interface.key(term)]
