"""What of an assembly shows: which pieces are covered, and which one piece holds a region."""

from __future__ import annotations

import numpy as np

from symnum.pde.boxes import composed, disjoint, marks, within
from symnum.pde.nodes import Assembly, Node
from symnum.pde.regions import Listed, Region, Strided, region_of


def region_within(outer: Region, inner: Region) -> Region:
    """Return the region of the entries ``inner`` of those that ``outer`` takes."""
    if isinstance(outer, Strided) and isinstance(inner, Strided):
        found = composed(outer, inner)
        if found is not None:
            return found
    return region_of(outer.flat().reshape(-1)[inner.flat()])


def visible_pieces(node: Assembly) -> tuple[bool, bool, list[tuple[Region, Node]]]:
    shape, places = marks([region for region, _ in node.pieces], node.shape)
    covered = np.zeros(shape, bool)
    visible: list[tuple[Region, Node]] = []
    overlap = False
    for (region, piece), place in zip(reversed(node.pieces), reversed(places), strict=True):
        hidden = covered[place]
        if hidden.all():
            continue
        overlap = overlap or bool(hidden.any())
        covered[place] = True
        visible.append((region, piece))
    return not covered.all(), overlap, visible[::-1]


def provider(node: Assembly, region: Region) -> tuple[Node, Region] | None:
    """Return the one piece (or the base) that holds all entries of a region, and the region in it, or None."""
    if region.is_whole() and region.size == node.size:
        return None  # one piece that covers everything would not have been assembled
    for where, piece in reversed(node.pieces):
        inside = within(where, region, node.shape)
        if inside is not None:
            return piece, inside
        apart = disjoint(where, region, node.shape)
        if apart is None:
            return _provider_by_position(node, region)
        if not apart:
            return None
    return None if node.base is None else (node.base, region)


def _provider_by_position(node: Assembly, region: Region) -> tuple[Node, Region] | None:
    wanted = region.flat()
    place = np.full(node.size, -1, np.int64)
    for where, piece in reversed(node.pieces):
        positions = where.flat().reshape(-1)
        place[positions] = np.arange(positions.size)
        local = place[wanted]
        if (local >= 0).all():
            inner = region_of(local)
            return None if isinstance(inner, Listed) and isinstance(region, Strided) else (piece, inner)
        if (local >= 0).any():
            return None
    return None if node.base is None else (node.base, region)
