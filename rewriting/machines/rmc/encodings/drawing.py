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

_STEP, _WIDE, _MARGIN, _BOX = 34, 64, 46, 11
"""Sizes in pixels: between two wires, between two levels, around the picture, and half of a box."""

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

    @staticmethod
    def _leaves(value: Any) -> int:
        """Return how many rows a value takes: its leaves, each as often as it occurs."""
        return sum(1 for _ in _walk(value, leaves=True))

    @staticmethod
    def _depth(value: Any) -> int:
        return max(depth + (not is_variable(part)) for part, depth in _walk(value))

    def lines(self) -> Iterator[str]:
        """Yield the elements of the picture."""
        for side in ("in", "out"):
            yield from self._side(side)
        for unknown, ends in self.ends.items():
            yield from self._spider(unknown, ends)
        notes = [f"{self.count} times"] * (self.count > 1) + [
            f"{name} = {format(v)}" for name, v in self.span.tests
        ]
        if notes:
            yield _text(self.width / 2, self.height - 8, ", ".join(notes), "middle")

    def _side(self, side: str) -> Iterator[str]:
        direction = 1 if side == "in" else -1
        start = _MARGIN if side == "in" else self.width - _MARGIN
        row = 0.0
        for location, value in self.ports[side]:
            size = self._leaves(value)
            y = _STEP * (row + size / 2 + 0.5)
            if location != MAIN:
                yield _text(start - 8 * direction, y + 4, location, "end" if side == "in" else "start")
            # an entry is a value, where its wire comes from, and the rows that it may take
            stack = [(value, float(start), y, row)]
            while stack:
                term, x, level, first = stack.pop()
                here = x + _WIDE * direction
                y = _STEP * (first + self._leaves(term) / 2 + 0.5)
                if is_variable(term):
                    self.ends.setdefault(term, []).append((x, level))
                    continue
                yield _curve(x, level, here, y)
                args = (
                    list(interface.sorted_args(term))
                    if interface.is_call(term) and not _is_formula(term)
                    else []
                )
                name = format(term) if not args else interface.head(term)
                yield from _box(here, y, name)
                for arg in args:
                    stack.append((arg, here, y, first))
                    first += self._leaves(arg)
            row += size

    def _spider(self, unknown: Node, ends: list[tuple[float, float]]) -> Iterator[str]:
        left = [e for e in ends if e[0] < self.middle]
        if len(ends) == 2 and len(left) == 1:
            (x, y), (u, v) = sorted(ends)
            yield _curve(x, y, u, v)
            return
        y = sum(e[1] for e in ends) / len(ends)
        for end in ends:
            yield _curve(*end, self.middle, y)
        yield f'<circle cx="{self.middle:g}" cy="{y:g}" r="4.5" fill="currentColor"><title>{escape(str(unknown))}</title></circle>'


def _walk(value: Any, leaves: bool = False) -> Iterator[tuple[Any, int]]:
    """Yield the parts of a value with their depth, each occurrence of its own; those without arguments only, if asked for."""
    stack = [(value, 0)]
    count = 0
    while stack:
        part, depth = stack.pop()
        args = interface.sorted_args(part) if interface.is_call(part) and not _is_formula(part) else ()
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


def _box(x: float, y: float, name: str) -> Iterator[str]:
    half = max(_BOX, 4.5 * len(name))
    yield f'<rect x="{x - half:g}" y="{y - _BOX:g}" width="{2 * half:g}" height="{2 * _BOX}" rx="3" fill="white"/>'
    yield _text(x, y + 4, name, "middle")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="currentColor" stroke="none">{escape(text)}</text>'
