"""String diagrams of spans as SVG: stacks enter at the left and leave at the right, the top of each stack uppermost.

A wire is a value.  An unknown that is met other than once on each side is a dot, with a wire to each place; a function is a box with its
arguments at one side and its value at the other, so that a pop takes values apart and a push puts them together.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.nodes import Node, is_variable
from symnum.rewriting.machines.rmc.printer import format
from symnum.rewriting.machines.rmc.span import Span, spans
from symnum.rewriting.machines.rmc.syntax import MAIN

_STEP, _WIDE, _MARGIN, _HALF, _LETTER, _DOT = 34, 72, 46, 11, 4, 16
"""Sizes in pixels: between two wires, between two levels, around the picture, half of a box, of a letter, and around a dot."""

_NAME = 14
"""Letters of the longest name that is written out."""

_MOST = 60
"""Wires of the largest span that is drawn."""


def draw(program: Node | str) -> str:
    """Return a star-free program as SVG, one diagram below the other for each of its spans.

    Raises ValueError for a program with a star, with no span, or with spans too large to be read.

    >>> draw("new x. <x>; [x]; [x]").count("<circle")
    1
    """
    found = spans(program)
    if not found:
        raise ValueError(f"{program!s} is equal to 0 and has nothing to draw; it has no span")
    pictures = [_Diagram(span, count) for span, count in found.items()]
    width = max(p.width for p in pictures)
    lines: list[str] = []
    top = 0
    for picture in pictures:
        lines += [f'<g transform="translate(0 {top})">', *picture.lines(), "</g>"]
        top += picture.height
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" viewBox="0 0 {width} {top}" '
            f'font-family="sans-serif" font-size="13" fill="none" stroke="currentColor">',
            *lines,
            "</svg>",
            "",
        ]
    )


class _Diagram:
    """Lay one span out: ports in columns at both sides, boxes by depth next to them, unknowns in the middle."""

    def __init__(self, span: Span, count: int) -> None:
        self.span, self.count = span, count
        self.ports = {
            "in": [(a, v) for a, values in span.pops for v in values],
            "out": [(a, v) for a, values in span.pushes for v in values[::-1]],
        }
        sizes = {side: [self._leaves(v) for _, v in ports] for side, ports in self.ports.items()}
        rows = max(*(sum(s) for s in sizes.values()), 1)
        if rows > _MOST:
            raise ValueError(
                f"a span with {rows} wires is too large to be read; the most that is drawn is {_MOST}"
            )
        self.depth = {
            side: max([self._depth(v) for _, v in ports], default=0) for side, ports in self.ports.items()
        }
        self.width = 2 * _MARGIN + _WIDE * (2 + self.depth["in"] + self.depth["out"])
        self.height = _STEP * (rows + 1) + (18 if count > 1 or span.tests else 0)
        self.middle = _MARGIN + _WIDE * (1 + self.depth["in"])
        self.rows = rows
        self.ends: dict[Node, list[tuple[float, float]]] = {}
        self.wires: list[str] = []

    @staticmethod
    def _leaves(value: Any) -> int:
        """Return how many rows a value takes: its leaves, each as often as it occurs."""
        return sum(1 for _ in _walk(value, leaves=True))

    @staticmethod
    def _depth(value: Any) -> int:
        return max(depth + (not is_variable(part)) for part, depth in _walk(value))

    def lines(self) -> Iterator[str]:
        """Yield the elements of the picture: wires first, and boxes and dots over them."""
        boxes = [box for side in ("in", "out") for box in self._side(side)]
        yield from self.wires
        dots: list[str] = []
        taken = [(a[1] + b[1]) / 2 for a, b in map(sorted, self._passing())]
        for unknown, ends in self.ends.items():
            if ends in self._passing():
                (x, y), (u, v) = sorted(ends)
                yield _curve(x, y, u, v)
                continue
            y = _free_place(sum(e[1] for e in ends) / len(ends), taken, _STEP * (self.rows + 1))
            taken.append(y)
            for end in ends:
                yield _curve(*end, self.middle, y)
            dots.append(
                f'<circle cx="{self.middle:g}" cy="{y:g}" r="4.5" fill="currentColor"><title>{escape(str(unknown))}</title></circle>'
            )
        yield from [*boxes, *dots]
        notes = [f"{self.count} times"] * (self.count > 1)
        notes += [f"{name} = {format(v)}" for name, v in self.span.tests]
        if notes:
            yield _text(self.width / 2, self.height - 8, ", ".join(notes), "middle")

    def _passing(self) -> list[list[tuple[float, float]]]:
        """Return the ends of the wires that go from left to right without a dot."""
        return [
            e
            for e in self.ends.values()
            if len(e) == 2 and (e[0][0] < self.middle) != (e[1][0] < self.middle)
        ]

    def _side(self, side: str) -> Iterator[str]:
        """Yield the boxes of one side, and keep the wires at them, and the ends of wires to the middle."""
        direction = 1 if side == "in" else -1
        start = _MARGIN if side == "in" else self.width - _MARGIN
        inner = start + (_WIDE * self.depth[side] + _HALF) * direction
        row = 0.0
        for location, value in self.ports[side]:
            size = self._leaves(value)
            y = _STEP * (row + size / 2 + 0.5)
            if location != MAIN:
                yield _text(start - 8 * direction, y + 4, location, "end" if side == "in" else "start")
            # an entry is a value, the end of the wire to it, the column of its box, and the first of its rows
            stack = [(value, float(start), y, start + _WIDE * direction, row)]
            while stack:
                term, x, level, here, first = stack.pop()
                y = _STEP * (first + self._leaves(term) / 2 + 0.5)
                if is_variable(term):
                    if (
                        inner - x
                    ) * direction > _HALF:  # past the boxes of the levels between, in its own row
                        self.wires.append(_curve(x, level, here - _HALF * direction, y))
                        self.wires.append(_curve(here - _HALF * direction, y, inner, y))
                        x, level = inner, y
                    self.ends.setdefault(term, []).append((x, level))
                    continue
                args = _arguments(term)
                half = _HALF if args else max(_HALF, _LETTER * min(len(format(term)), _NAME))
                height = max(_HALF, 6 * len(args))
                self.wires.append(_curve(x, level, here - half * direction, y))
                yield from _box(here, y, half, height, interface.head(term) if args else format(term))
                for place, arg in enumerate(args):
                    port = y + height * ((2 * place + 1) / len(args) - 1)
                    stack.append((arg, here + half * direction, port, here + _WIDE * direction, first))
                    first += self._leaves(arg)
            row += size


def _free_place(wanted: float, taken: list[float], height: float) -> float:
    """Return the place nearest to the one wanted at which a dot is on no wire and on no other dot."""
    for k in range(int(2 * height // _DOT)):
        for place in (wanted + k * _DOT / 2, wanted - k * _DOT / 2):
            if _DOT / 2 <= place <= height - _DOT / 2 and all(abs(place - other) >= _DOT for other in taken):
                return place
    return wanted


def _arguments(term: Any) -> list[Any]:
    return list(interface.sorted_args(term)) if interface.is_call(term) and not _is_formula(term) else []


def _walk(value: Any, leaves: bool = False) -> Iterator[tuple[Any, int]]:
    """Yield the parts of a value with their depth, each occurrence of its own; those without arguments only, if asked for."""
    stack = [(value, 0)]
    count = 0
    while stack:
        part, depth = stack.pop()
        args = _arguments(part)
        if not (leaves and args):
            count += 1
            if count > 1000:
                raise ValueError("a value with more than 1,000 parts is too large to be drawn")
            yield part, depth
        stack.extend([(a, depth + 1) for a in args])


def _is_formula(term: Any) -> bool:
    return type(term) is not Node


def _curve(x: float, y: float, u: float, v: float) -> str:
    bend = (x + u) / 2
    return f'<path d="M {x:g} {y:g} C {bend:g} {y:g} {bend:g} {v:g} {u:g} {v:g}"/>'


def _box(x: float, y: float, half: float, height: float, name: str) -> Iterator[str]:
    size = f'width="{2 * half:g}" height="{2 * height:g}" rx="3" fill="white"'
    yield f'<rect x="{x - half:g}" y="{y - height:g}" {size}><title>{escape(name)}</title></rect>'
    yield _text(x, y + 4, name if len(name) <= _NAME else name[: _NAME - 1] + "…", "middle")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="currentColor" stroke="none">{escape(text)}</text>'
