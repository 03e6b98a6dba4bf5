"""Types to text: Greek letters for variables, the top of a stack first, and nothing about locations that stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from symnum.rewriting.machines.fmc.unification import split
from symnum.rewriting.machines.nodes import is_head, is_variable

_LETTERS = {"type": "αβγδεζηθκμνξπ", "row": "ρστυφχψω"}


class TypeNames:
    """Write types, with one name for each variable over all that is written.

    A program of one location and one exit is written ``α ρ ⇒ ρ``.  Several locations are written ``c(α ρ ⇒ ρ), λ(σ ⇒ α σ)``, and
    several exits ``α ρ ⇒ ⋆: ρ | e: α ρ``.
    """

    def __init__(self, locations: tuple[str, ...], labels: tuple[str, ...]) -> None:
        self.locations = locations
        self.labels = labels
        self.names: dict[Any, str] = {}
        self.count = {"type": 0, "row": 0}

    def text(self, term: Any) -> str:
        """Return a type or a row as text."""
        pieces: list[str] = []
        stack: list[Any] = [(term,)]
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                pieces.append(item)
            else:
                stack.extend(reversed(list(self._parts(item[0]))))
        return "".join(pieces)

    def _parts(self, term: Any) -> Iterator[Any]:
        if is_variable(term):
            yield self._name(term)
        elif is_head(term, "type.base"):
            yield "o"
        elif is_head(term, "type.cons"):
            items, tail = split(term)
            for item in items:
                arrow = is_head(item, "type.arrow")
                yield from ("{", (item,), "} ") if arrow else ((item,), " ")
            yield (tail,)
        else:
            yield from self._arrow(term)

    def _arrow(self, arrow: Any) -> Iterator[Any]:
        """Yield the parts of an arrow: for each location that it touches what was there, and what each exit leaves."""
        width = len(self.locations)
        before = arrow.args[:width]
        after = {label: arrow.args[(1 + k) * width : (2 + k) * width] for k, label in enumerate(self.labels)}
        exits = exits_of(arrow, self.locations, self.labels)
        touched = [
            k
            for k in range(width)
            if width == 1
            or not is_variable(before[k])
            or any(after[label][k] is not before[k] for label in exits)
        ]
        if not touched:
            yield "nothing changes" if width > 1 else ""
        for position, k in enumerate(touched):
            yield ", " if position else ""
            yield f"{self.locations[k]}(" if self.locations[k] != "λ" or width > 1 else ""
            yield (before[k],)
            yield " ⇒ "
            for place, label in enumerate(exits):
                yield " | " if place else ""
                yield f"{label}: " if exits != ("⋆",) else ""
                yield (after[label][k],)
            yield ")" if self.locations[k] != "λ" or width > 1 else ""

    def _name(self, name: Any) -> str:
        if name not in self.names:
            kind = "row" if "row" in name.leaf[1] else "type"
            k = self.count[kind]
            self.count[kind] += 1
            letters = _LETTERS[kind]
            again = k // len(letters)
            self.names[name] = letters[k % len(letters)] + (str(again) if again else "")
        return self.names[name]


def exits_of(arrow: Any, locations: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels with which a program of this type may end, as far as its type shows; ⋆ where it shows none.

    An exit that is never taken may leave anything: its rows are variables that stand nowhere else.
    """
    width = len(locations)
    before = _tails(arrow.args[:width])
    taken = []
    for k, label in enumerate(labels, 1):
        rows = arrow.args[k * width : (k + 1) * width]
        others = [r for j, r in enumerate(arrow.args[width:]) if j // width != k - 1]
        if not all(is_variable(r) and r not in before and r not in others for r in rows):
            taken.append(label)
    return tuple(taken) or ("⋆",)


def _tails(rows: Sequence[Any]) -> set[Any]:
    """Return the variables at the ends of some rows."""
    return {split(r)[1] for r in rows}
