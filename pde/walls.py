"""What a solver does at the walls of its grid: the rule by which a field goes on beyond them.

The formula of a cell at a wall is compared with that of the middle, in which fields beyond the wall are replaced by a rule: taken from
the other side, mirrored, kept at a value.  The first rule that gives equal values at random points is the one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.algebra.substitute import substitute
from symnum.backends import interned
from symnum.pde.difference_operators import AXES, tidy

if TYPE_CHECKING:
    from symnum.pde.equation import Reader
    from symnum.pde.layout import Place

Rule = Callable[[int], tuple[int, int]]
"""From the number of the cell beyond the wall, 1 or more, to (sign, number of the cell inside), where 0 is the cell at the wall."""

MIRRORS: tuple[tuple[str, Rule], ...] = (
    ("reflecting, zero slope (Neumann) at the cells of the wall", lambda k: (1, k)),
    ("reflecting, zero slope (Neumann) half a cell beyond them", lambda k: (1, k - 1)),
    ("zero (Dirichlet) at the cells of the wall, odd beyond", lambda k: (-1, k)),
    ("zero (Dirichlet) half a cell beyond the wall", lambda k: (-1, k - 1)),
    ("continued by the value at the wall", lambda k: (1, 0)),
)
"""Rules that take a field beyond a wall from inside, in the order in which they are tried."""


def wall_rules(reader: Reader, number: int, inside: Any, middle: Place) -> tuple[str, dict[str, str]]:
    """Return the fields that are read in other cells, and {wall: rule}, for a field whose formula in the middle is ``inside``."""
    offsets = reader.recognition.offsets
    cells = [offsets[key] for s in interface.free_symbols(inside) if (key := interface.key(s)) in offsets]
    across = ", ".join(sorted({name for name, offset in cells if any(offset)}))
    found: dict[str, str] = {}
    for axis, extent in enumerate(reader.layout.extents):
        if not any(offset[axis] for offset in reader.recognition.reach(inside)):
            continue
        for name, at, side in ((f"{AXES[axis]} low", 0, -1), (f"{AXES[axis]} high", extent - 1, 1)):
            cell = tuple(at if i == axis else place for i, place in enumerate(middle))
            found[name] = _rule(reader, reader.term(number, cell), inside, axis, side)
    return across, found


def _rule(reader: Reader, term: Any, inside: Any, axis: int, side: int) -> str:
    if interface.is_number(term) and interface.value(term) == 0:
        return "held fixed (Dirichlet): its derivative by time is 0"
    if reader.same(term, inside):
        return "periodic"
    for said, rule in MIRRORS:
        if reader.same(term, _continued(reader, inside, axis, side, rule)):
            return said
    value = _kept_value(reader, term, inside, axis, side)
    if value is not None:
        return f"{value} (Dirichlet) one cell beyond the wall"
    return f"a formula of its own: {reader.recognition(term)}"


def _continued(reader: Reader, inside: Any, axis: int, side: int, rule: Rule) -> Any:
    recognition = reader.recognition
    replaced = {}
    for symbol, name, offset in _beyond(reader, inside, axis, side):
        sign, cell = rule(abs(offset[axis]))
        moved = recognition.symbol(name, (*offset[:axis], -side * cell, *offset[axis + 1 :]))
        replaced[symbol] = interned.scale(sign, moved)
    return substitute(inside, replaced)


def _kept_value(reader: Reader, term: Any, inside: Any, axis: int, side: int) -> Any:
    """Return the number that a field has beyond the wall, if it is one number there."""
    beyond = [symbol for symbol, _, _ in _beyond(reader, inside, axis, side)]

    def kept(value: float) -> Any:
        return substitute(inside, {symbol: interned.number(value) for symbol in beyond})

    if reader.same(term, kept(0)):
        return 0
    gap, slope = (reader.value(interned.add_many([a, interned.scale(-1, kept(0))])) for a in (term, kept(1)))
    if not slope:
        return None
    value = tidy(gap / slope)
    return value if reader.same(term, kept(value)) else None


def _beyond(reader: Reader, inside: Any, axis: int, side: int) -> list[tuple[Any, str, Any]]:
    """Return the symbols of a formula that are beyond the wall: (symbol, field, offset)."""
    offsets = reader.recognition.offsets
    known = [
        (s, *offsets[interface.key(s)]) for s in interface.free_symbols(inside) if interface.key(s) in offsets
    ]
    return [(s, name, offset) for s, name, offset in known if offset[axis] * side > 0]
