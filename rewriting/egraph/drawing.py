"""Pictures of small e-graphs: text for Graphviz, and an SVG that needs no other program.

An e-class is a dashed box that names its flattest term; the e-nodes in it are smaller boxes, with a line to each class that they take.
The layout is that of Sugiyama, Tagawa and Toda (IEEE Trans. SMC 11, 1981): rows by height, lanes through the rows that a line
crosses, so that none runs through a box, and an order in each row by barycentres.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

from symnum.operators import OPERATORS
from symnum.rewriting.egraph.encoding import Encoder
from symnum.rewriting.egraph.graph import Graph, Node, is_bag

MOST_NODES = 60
"""E-nodes of the largest graph that is drawn; Graphviz takes larger ones from :func:`dot`."""

_LETTER, _SMALL_LETTER, _HEIGHT, _PAD, _BETWEEN = 8, 6.7, 24, 8, 6
"""Sizes in pixels: letters of e-nodes and of captions, an e-node, the border of a class, the space between e-nodes."""

_GAP, _LANE, _SPACE, _CAPTION, _ENTRY = 26, 12, 64, 16, 14
"""Sizes in pixels: between boxes, beside a lane, between rows, the height of a caption, and the width for lines from below."""

_CAPTION_LETTERS = 26
_SWEEPS = 24
_DOWN, _UP = "#33415c", "#b3541e"
"""Colours of lines to classes below, and of those to classes beside or above, such as close a cycle."""


def label(node: Node, encoder: Encoder) -> str:
    """Return what is written in an e-node."""
    if node.op == "leaf":
        from symnum.text.printer import to_text

        return to_text(encoder.leaves[node.data], limit=24)
    if node.op == "number":
        return str(node.data)
    if node.op == "scale":
        return f"{node.data}*"
    if node.op == "power":
        return f"^{node.data}"
    return node.op if node.op in OPERATORS else f"{node.op}()"


def dot(graph: Graph, encoder: Encoder) -> str:
    """Return an e-graph as text for Graphviz."""
    lines = ["digraph {", "  compound=true; rankdir=TB;", "  node [shape=box, style=rounded];"]
    for name, nodes in graph.classes.items():
        lines.append(f"  subgraph cluster_{name} {{ style=dashed;")
        for i, node in enumerate(nodes):
            text = label(node, encoder).replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'    n{name}_{i} [label="{text}"];')
        lines.append("  }")
    for name, nodes in graph.classes.items():
        for i, node in enumerate(nodes):
            for child in node.children:
                lines.append(f"  n{name}_{i} -> n{child}_0 [lhead=cluster_{child}];")
    return "\n".join([*lines, "}", ""])


def svg(graph: Graph, encoder: Encoder) -> str | None:
    """Return an e-graph as SVG, each class below those that take it, or None for one of more than ``MOST_NODES`` e-nodes."""
    if not 0 < graph.size <= MOST_NODES:
        return None
    return "\n".join([*_Picture(graph, encoder).lines(), ""])


class _Item(NamedTuple):
    """What takes a place in a row: a class, or the lane of all lines that pass the row on their way ``down`` or ``up`` to one."""

    name: int
    row: int
    kind: str


class _Link(NamedTuple):
    """A line between items, from the middle of one plus an offset to the middle of the other plus an offset."""

    start: _Item
    leave: float
    end: _Item
    enter: float


class _Picture:
    """The layout of one e-graph, and its drawing."""

    def __init__(self, graph: Graph, encoder: Encoder) -> None:
        self.labels: dict[int, list[tuple[Node, str]]] = {
            name: [(node, label(node, encoder)) for node in nodes]
            for name, nodes in _shown(graph, encoder).items()
        }
        heights, self.captions = _flattest(graph, encoder)
        top = max(heights[name] for name in self.labels)
        self.row_of = {name: top - heights[name] for name in self.labels}
        self.from_below = {
            child
            for name, nodes in self.labels.items()
            for node, _ in nodes
            for child in node.children
            if self.row_of[child] <= self.row_of[name]
        }
        self.width = {name: self.class_width(name) for name in self.labels}
        self.links = list(dict.fromkeys(self.all_links()))
        self.rows = self.initial_rows()
        self.x: dict[_Item, float] = {}
        self.order()
        self.align()
        self.y = self.tops()

    # --- sizes ---

    def class_width(self, name: int) -> float:
        """Return the width of a class: its e-nodes or its caption, and room for lines that enter from below."""
        caption = _SMALL_LETTER * len(self.captions[name])
        entry = _ENTRY if name in self.from_below else 0
        return max(self.nodes_width(name), caption) + 2 * _PAD + entry

    def nodes_width(self, name: int) -> float:
        widths = [_node_width(text) for _, text in self.labels[name]]
        return sum(widths) + _BETWEEN * (len(widths) - 1)

    def class_height(self, name: int) -> int:
        return _HEIGHT + 2 * _PAD + (_CAPTION if self.captions[name] else 0)

    def node_places(self, name: int) -> Iterator[tuple[Node, str, float]]:
        """Yield the e-nodes of a class with their texts and their left borders, from the middle of the class."""
        entry = _ENTRY if name in self.from_below else 0
        left = -(self.nodes_width(name) + entry) / 2
        for node, text in self.labels[name]:
            yield node, text, left
            left += _node_width(text) + _BETWEEN

    # --- the layout ---

    def class_item(self, name: int) -> _Item:
        return _Item(name, self.row_of[name], "class")

    def way(self, row: int, child: int) -> list[_Item]:
        """Return the items that a line from a row to a class passes, the class last."""
        end = self.row_of[child]
        lanes = (
            [_Item(child, r, "down") for r in range(row + 1, end)]
            if end > row
            else [_Item(child, r, "up") for r in range(row, end, -1)]
        )
        return [*lanes, self.class_item(child)]

    def entry(self, item: _Item, is_up: bool) -> float:
        """Return where lines meet an item, from its middle."""
        return self.width[item.name] / 2 - _ENTRY + 3 if is_up and item.kind == "class" else 0.0

    def all_links(self) -> Iterator[_Link]:
        for name, row in self.row_of.items():
            for node, text, left in self.node_places(name):
                for child in node.children:
                    start, leave = self.class_item(name), left + _node_width(text) / 2
                    for end in self.way(row, child):
                        enter = self.entry(end, self.row_of[child] <= row)
                        yield _Link(start, leave, end, enter)
                        start, leave = end, 0.0

    def initial_rows(self) -> list[list[_Item]]:
        items = {self.class_item(name) for name in self.labels}
        items.update(end for _, _, end, _ in self.links)
        rows: list[list[_Item]] = [[] for _ in range(1 + max(self.row_of.values()))]
        for item in sorted(items):
            rows[item.row].append(item)
        return rows

    def wanted(self, item: _Item, rows: Iterable[int]) -> float:
        """Return where an item would be if its lines to some rows ran straight, or where it is."""
        places = [
            self.x[s] + leave - enter for s, leave, e, enter in self.links if e == item and s.row in rows
        ]
        places += [
            self.x[e] + enter - leave for s, leave, e, enter in self.links if s == item and e.row in rows
        ]
        return sum(places) / len(places) if places else self.x[item]

    def order(self) -> None:
        """Order each row by barycentres, down and up in turn, and keep the order with the fewest crossings."""
        for row in self.rows:
            self.spread(row, [0.0] * len(row))
        best, fewest = [list(row) for row in self.rows], self.crossings()
        for sweep in range(_SWEEPS):
            steps = range(len(self.rows)) if sweep % 2 == 0 else range(len(self.rows) - 1, -1, -1)
            for r in steps:
                beside = {r, r - 1 if sweep % 2 == 0 else r + 1}
                wanted = {item: self.wanted(item, beside) for item in self.rows[r]}
                self.rows[r].sort(key=lambda item: (wanted[item], item))
                self.spread(self.rows[r], [wanted[item] for item in self.rows[r]])
            crossings = self.crossings()
            if crossings < fewest:
                best, fewest = [list(row) for row in self.rows], crossings
        self.rows = best

    def crossings(self) -> int:
        """Count the pairs of lines that cross between two rows."""
        between: dict[tuple[int, int], list[tuple[float, float]]] = {}
        for s, leave, e, enter in self.links:
            ends = sorted([(s.row, self.x[s] + leave), (e.row, self.x[e] + enter)])
            between.setdefault((ends[0][0], ends[1][0]), []).append((ends[0][1], ends[1][1]))
        return sum(
            (a[0] - b[0]) * (a[1] - b[1]) < 0
            for lines in between.values()
            for i, a in enumerate(lines)
            for b in lines[:i]
        )

    def align(self) -> None:
        """Move the items of each row, in their order, so that lines run as straight as the boxes allow."""
        for row in self.rows:
            self.spread(row, [0.0] * len(row))
        every = range(len(self.rows))
        for sweep in range(_SWEEPS):
            for row in self.rows if sweep % 2 == 0 else reversed(self.rows):
                self.spread(row, [self.wanted(item, every) for item in row])
        left = min(x - self.half(item) for item, x in self.x.items())
        self.x = {item: x - left + _GAP for item, x in self.x.items()}

    def half(self, item: _Item) -> float:
        return self.width[item.name] / 2 if item.kind == "class" else 0.0

    def spread(self, row: Sequence[_Item], wanted: Sequence[float]) -> None:
        """Place a row with the least squared distance from where its items want to be, by pooling those that are too close."""
        offsets, pools = [0.0], list[tuple[float, int]]()
        for a, b in pairwise(row):
            gap = _GAP if a.kind == b.kind == "class" else _LANE
            offsets.append(offsets[-1] + self.half(a) + gap + self.half(b))
        for place, offset in zip(wanted, offsets):
            mean, count = place - offset, 1
            while pools and pools[-1][0] > mean:
                before, many = pools.pop()
                mean, count = (mean * count + before * many) / (count + many), count + many
            pools.append((mean, count))
        places = [mean for mean, count in pools for _ in range(count)]
        self.x.update({item: place + offset for item, place, offset in zip(row, places, offsets)})

    def tops(self) -> list[int]:
        """Return the upper border of each row, and where the next one would begin."""
        tops = [_GAP]
        for row in self.rows:
            tallest = max((self.class_height(item.name) for item in row if item.kind == "class"), default=0)
            tops.append(tops[-1] + tallest + _SPACE)
        return tops

    # --- the drawing ---

    def lines(self) -> Iterator[str]:
        width = round(max(x + self.half(item) for item, x in self.x.items()) + _GAP)
        turns = any(start.row == end.row == len(self.rows) - 1 for start, _, end, _ in self.links)
        height = self.y[-1] - _SPACE + _GAP + (_SPACE // 2 if turns else 0)
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'font-family="monospace" font-size="13" text-anchor="middle">'
        )
        yield f'<rect width="{width}" height="{height}" fill="white"/>'
        yield from dict.fromkeys(line for name in self.labels for line in self.drawn_lines(name))
        for name in self.labels:
            yield from self.drawn_class(name)
        yield "</svg>"

    def drawn_class(self, name: int) -> Iterator[str]:
        middle, top = self.x[self.class_item(name)], self.y[self.row_of[name]]
        height = self.class_height(name)
        yield (
            f'<rect x="{middle - self.width[name] / 2:.1f}" y="{top}" width="{self.width[name]:.1f}" height="{height}" rx="8" '
            f'fill="#f4f6fa" fill-opacity="0.6" stroke="#7a869a" stroke-dasharray="4 3"/>'
        )
        if self.captions[name]:
            yield (
                f'<text x="{middle:.1f}" y="{top + _PAD + 8}" font-size="11" fill="#5b6678">{escape(self.captions[name])}</text>'
            )
        y = top + height - _PAD - _HEIGHT
        for _, text, left in self.node_places(name):
            own = _node_width(text)
            yield (
                f'<rect x="{middle + left:.1f}" y="{y}" width="{own}" height="{_HEIGHT}" rx="4" fill="white" stroke="{_DOWN}"/>'
            )
            yield f'<text x="{middle + left + own / 2:.1f}" y="{y + 17}">{escape(text)}</text>'

    def drawn_lines(self, name: int) -> Iterator[str]:
        """Yield the lines from the e-nodes of a class; those that share a lane share its line."""
        row, item = self.row_of[name], self.class_item(name)
        bottom = self.y[row] + self.class_height(name) - _PAD
        for node, text, left in self.node_places(name):
            ways = [(self.way(row, child), self.row_of[child] <= row) for child in node.children]
            if is_bag(node.op):  # the order of its children means nothing
                ways.sort(key=lambda way: self.x[way[0][0]] + self.entry(way[0][0], way[1]))
            for k, (way, is_up) in enumerate(ways):
                x: float = self.x[item] + left + _node_width(text) * (k + 1) / (len(ways) + 1)
                y: float = bottom
                for end in way:
                    to = self.x[end] + self.entry(end, is_up)
                    near, far = self.borders(end)
                    first, last = (far, near) if is_up else (near, far)
                    yield from _curve(x, y, to, first, is_up, end.kind == "class")
                    if end.kind != "class":
                        yield _path(f"M{to:.1f} {first:g} L{to:.1f} {last:g}", is_up)
                    x, y = to, last

    def borders(self, item: _Item) -> tuple[float, float]:
        """Return the upper and lower border of an item; lanes are as tall as their row."""
        top = self.y[item.row]
        if item.kind == "class":
            return top, top + self.class_height(item.name)
        return top, self.y[item.row + 1] - _SPACE


def _node_width(text: str) -> int:
    return _LETTER * len(text) + 12


def _path(way: str, is_up: bool) -> str:
    return f'<path d="{way}" fill="none" stroke="{_UP if is_up else _DOWN}" stroke-width="1.2"/>'


def _curve(x: float, y: float, to: float, end: float, is_up: bool, arrives: bool) -> Iterator[str]:
    """Yield a curve that leaves and arrives upright, below both ends where it turns round, with an arrowhead at a class."""
    turns = (
        is_up and end > y - _SPACE / 2
    )  # from the lower border of an e-node to that of a box in the same row
    bend = _SPACE / 2 if turns else abs(end - y) / 2
    first = y + bend if turns or not is_up else y - bend
    last = end + bend if is_up else end - bend
    yield _path(f"M{x:.1f} {y:g} C{x:.1f} {first:g} {to:.1f} {last:g} {to:.1f} {end:g}", is_up)
    if arrives:
        back = 7 if is_up else -7
        colour = _UP if is_up else _DOWN
        yield f'<path d="M{to:.1f} {end:g} l-3.5 {back} l7 0 z" fill="{colour}"/>'


def _shown(graph: Graph, encoder: Encoder) -> dict[int, Sequence[Node]]:
    """Return the classes to draw: all but numbers that no e-node takes and nobody added, such as exponents."""
    taken = {child for nodes in graph.classes.values() for node in nodes for child in node.children}
    kept = taken | {graph.find(name) for name, _ in encoder.originals()}
    return {
        name: nodes
        for name, nodes in graph.classes.items()
        if name in kept or any(node.op != "number" for node in nodes)
    }


def _flattest(graph: Graph, encoder: Encoder) -> tuple[dict[int, int], dict[int, str]]:
    """Return {class: height of its flattest term}, and as captions these terms, the shortest where several are as flat.

    In a cycle some e-node is always flatter than the rest.  A class that is one leaf needs no caption.
    """
    from symnum.text.printer import to_text

    heights: dict[int, int] = {}
    terms: dict[int, Any] = {}
    captions: dict[int, str] = {}
    height = 0
    while len(heights) < len(graph.classes):
        level: dict[int, Any] = {}
        for name, nodes in graph.classes.items():
            ready = [node for node in nodes if all(child in terms for child in node.children)]
            if name not in terms and ready:
                made = [encoder.term(node, [terms[child] for child in node.children]) for node in ready]
                level[name] = min(made, key=lambda term: (len(text := to_text(term)), text))
        for name, term in level.items():
            is_leaf = len(graph.classes[name]) == 1 and not graph.classes[name][0].children
            heights[name], captions[name] = height, "" if is_leaf else _cut(to_text(term))
        terms.update(level)
        height += 1
    return heights, captions


def _cut(text: str) -> str:
    return text if len(text) <= _CAPTION_LETTERS else f"{text[: _CAPTION_LETTERS - 3]}..."
