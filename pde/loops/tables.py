"""What a nest's code reads and what it is: two nests of one form run the same code on different tables of whole numbers.

Slots that move alike and lie close together are a *cluster*: the code adds their distances to one address, and the table holds where
the cluster begins and how far it moves with each outer loop.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from symnum.pde.loops.block import Instruction, Slot
from symnum.pde.loops.matrices import MatrixCall
from symnum.pde.loops.nests import Nest, Segment

NEAR = 16
"""Slots of one cluster lie less than so many entries apart."""

KNOWN_STEPS = 16
"""Steps of the innermost loop up to this are part of the code; larger ones are read."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Slots of one buffer that move alike: ``moves`` tells which outer loops move them, ``step`` is that of the innermost loop."""

    buffer: str
    moves: tuple[bool, ...]
    step: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """A slot: its cluster, its distance from the cluster's beginning, and the slot of its index where it is indirect."""

    cluster: int
    distance: int
    through: int | None


@dataclass(frozen=True, slots=True)
class SegmentForm:
    """The code of a segment; ``single`` runs once, without a loop."""

    single: bool
    values: tuple[Instruction, ...]
    members: tuple[Member, ...]
    clusters: tuple[Cluster, ...]
    stores: tuple[tuple[int, int, bool], ...]


@dataclass(frozen=True, slots=True)
class NestForm:
    """The code of a nest of ``loops`` loops."""

    loops: int
    segments: tuple[SegmentForm, ...]
    whole: bool


Form = NestForm | MatrixCall
"""A call of BLAS is its own form, with all its numbers 0."""


def form_of(nest: Nest | MatrixCall, bases: dict[str, int]) -> tuple[Form, list[int]]:
    """Return the form of a nest, and its table: outer counts, then for each segment its count and its clusters.

    ``bases`` are the places at which the arrays of a buffer begin.  A cluster has its beginning, its steps along the loops that move
    it, and its innermost step where the code does not know it.
    """
    if isinstance(nest, MatrixCall):
        (source, at), (target, to) = nest.source, nest.target
        call = replace(
            nest, batch=0, rows=0, inner=0, columns=0, source=(source, 0), target=(target, 0), matrix=0
        )
        return call, [nest.batch, nest.rows, nest.inner, nest.columns, at, to, nest.matrix + bases["numbers"]]
    table = list(nest.outer)
    segments = []
    for segment in nest.segments:
        form, words = _segment_form(segment, bases)
        segments.append(form)
        table += words
    return NestForm(len(nest.outer) + 1, tuple(segments), nest.whole), table


def _segment_form(segment: Segment, bases: dict[str, int]) -> tuple[SegmentForm, list[int]]:
    block = segment.block
    groups: dict[Hashable, list[tuple[int, int]]] = {}
    for number, slot in enumerate(block.slots):
        groups.setdefault(_motion(slot), []).append((slot.index.start, number))
    clusters: list[Cluster] = []
    words = [segment.count]
    members: list[Member | None] = [None] * len(block.slots)
    for found in groups.values():
        found.sort()
        first = None
        for start, number in found:
            slot = block.slots[number]
            if first is None or start - first >= NEAR:
                first = start
                cluster, more = _cluster(slot)
                clusters.append(cluster)
                words += [start + bases.get(slot.buffer, 0), *more]
            through = None if slot.through is None else block.slot(slot.through)
            members[number] = Member(len(clusters) - 1, start - first, through)
    form = SegmentForm(
        single=segment.count == 1,
        values=tuple(block.values),
        members=tuple(m for m in members if m is not None),
        clusters=tuple(clusters),
        stores=tuple((block.slot(s.slot), s.value, s.add) for s in block.stores),
    )
    return form, words


def _motion(slot: Slot) -> Hashable:
    return slot.buffer, slot.index.steps, slot.through is not None


def _cluster(slot: Slot) -> tuple[Cluster, list[int]]:
    *outer, inner = slot.index.steps
    known = abs(inner) <= KNOWN_STEPS
    cluster = Cluster(slot.buffer, tuple(map(bool, outer)), inner if known else None)
    return cluster, [s for s in outer if s] + ([] if known else [inner])
