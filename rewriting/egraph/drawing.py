"""Pictures of small e-graphs: text for Graphviz, and an SVG that needs no other program.

An e-class is a box; the e-nodes in it are smaller boxes, with a line to each class that they take.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from symnum.operators import OPERATORS
from symnum.rewriting.egraph.encoding import Encoder
from symnum.rewriting.egraph.graph import Graph, Node

MOST_NODES = 60
"""E-nodes of the largest graph that is drawn; Graphviz takes larger ones from :func:`dot`."""

_CHARACTER, _HEIGHT, _PAD, _GAP, _ROW = 8, 24, 8, 28, 84
"""Sizes in pixels: one letter, an e-node, the border of a class, the space between classes, and between the rows."""


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
    widths = {
        name: [_CHARACTER * len(label(node, encoder)) + 12 for node in nodes]
        for name, nodes in graph.classes.items()
    }
    boxes = _placed(graph, widths)
    width = max(x + w for x, _, w in boxes.values()) + _GAP
    height = max(y for _, y, _ in boxes.values()) + _HEIGHT + 2 * _PAD + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="monospace" font-size="13" text-anchor="middle">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    parts += _drawn_classes(graph, encoder, widths, boxes)
    return "\n".join([*parts, "</svg>", ""])


def _placed(graph: Graph, widths: dict[int, list[int]]) -> dict[int, tuple[int, int, int]]:
    """Return {class: (left, top, width)}, in rows by the height of the flattest term of each class."""
    heights = _heights(graph)
    rows: dict[int, list[int]] = {}
    for name in graph.classes:
        rows.setdefault(heights[name], []).append(name)
    centre: dict[int, float] = {}
    boxes: dict[int, tuple[int, int, int]] = {}
    top = max(rows)
    for row in sorted(rows, reverse=True):
        # below the middle of what takes it, so that few lines cross
        parents = {
            name: [
                centre[p]
                for p, nodes in graph.classes.items()
                if p in centre and any(name in n.children for n in nodes)
            ]
            for name in rows[row]
        }
        order = sorted(rows[row], key=lambda c: (sum(parents[c]) / len(parents[c]) if parents[c] else 0.0, c))
        x = _GAP
        for name in order:
            width = sum(widths[name]) + 6 * (len(widths[name]) - 1) + 2 * _PAD
            boxes[name] = (x, _GAP + (top - row) * _ROW, width)
            centre[name] = x + width / 2
            x += width + _GAP
    return boxes


def _heights(graph: Graph) -> dict[int, int]:
    """Return {class: height of its flattest term}; in a cycle some e-node is always flatter than the rest."""
    found: dict[int, int] = {}
    height = 0
    while len(found) < len(graph.classes):
        ready = [
            name
            for name, nodes in graph.classes.items()
            if name not in found and any(all(c in found for c in node.children) for node in nodes)
        ]
        found.update(dict.fromkeys(ready, height))
        height += 1
    return found


def _drawn_classes(
    graph: Graph,
    encoder: Encoder,
    widths: dict[int, list[int]],
    boxes: dict[int, tuple[int, int, int]],
) -> Iterator[str]:
    lines: list[str] = []
    for name, nodes in graph.classes.items():
        left, top, width = boxes[name]
        yield (
            f'<rect x="{left}" y="{top}" width="{width}" height="{_HEIGHT + 2 * _PAD}" rx="8" fill="#f4f6fa" '
            f'stroke="#7a869a" stroke-dasharray="4 3"/>'
        )
        x = left + _PAD
        for node, own in zip(nodes, widths[name]):
            y = top + _PAD
            yield f'<rect x="{x}" y="{y}" width="{own}" height="{_HEIGHT}" rx="4" fill="white" stroke="#33415c"/>'
            yield f'<text x="{x + own / 2:g}" y="{y + 17}">{escape(label(node, encoder))}</text>'
            for k, child in enumerate(node.children):
                start = x + own * (k + 1) / (len(node.children) + 1)
                lines.append(_line(start, y + _HEIGHT, boxes[child]))
            x += own + 6
    yield from lines


def _line(x: float, y: float, box: tuple[int, int, int]) -> str:
    """Return a curve from an e-node to the border of a class; upwards where the class is not below."""
    left, top, width = box
    end = top if top > y else top + _HEIGHT + 2 * _PAD
    bend = y + 30 if top > y else y + 50
    middle = left + width / 2
    return (
        f'<path d="M{x:g} {y:g} C{x:g} {bend:g} {middle:g} {end - 30 if top > y else end + 50:g} {middle:g} {end:g}" '
        f'fill="none" stroke="#33415c" stroke-width="1.2"/>'
    )
