"""Affine indices: where an entry lies as a whole-number function of loop indices, and the cuts that make it one.

A loop nest runs i0 = 0, 1, ... counts[0]-1 and so on.  An index start + steps[0]*i0 + steps[1]*i1 + ... names a position along an
axis, or in a flat array.  Where one function does not hold for the whole nest, a *cut* splits or reshapes one of its loops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symnum.pde.regions import Shape, contiguous_strides


@dataclass(frozen=True, slots=True)
class Affine:
    """The whole number start + steps[0]*i0 + steps[1]*i1 + ..."""

    start: int
    steps: tuple[int, ...]

    @staticmethod
    def of_loop(axis: int, depth: int) -> Affine:
        """Return the index of one loop of a nest of so many."""
        return Affine(0, tuple(int(k == axis) for k in range(depth)))

    @staticmethod
    def number(value: int, depth: int) -> Affine:
        """Return a constant index."""
        return Affine(value, (0,) * depth)

    def __add__(self, other: Affine) -> Affine:
        return Affine(
            self.start + other.start, tuple([a + b for a, b in zip(self.steps, other.steps, strict=True)])
        )

    def times(self, factor: int) -> Affine:
        """Return the index multiplied by a number."""
        return Affine(self.start * factor, tuple([s * factor for s in self.steps]))

    def shifted(self, distance: int) -> Affine:
        """Return the index plus a number."""
        return Affine(self.start + distance, self.steps)

    def bounds(self, counts: Shape) -> tuple[int, int]:
        """Return the least and the greatest value over a nest."""
        spans = [s * (n - 1) for s, n in zip(self.steps, counts, strict=True)]
        return self.start + sum(s for s in spans if s < 0), self.start + sum(s for s in spans if s > 0)

    def loops(self) -> list[int]:
        """Return the loops on which the index depends.

        >>> Affine(3, (0, 2)).loops()
        [1]
        """
        return [k for k, s in enumerate(self.steps) if s]


def flat_index(place: Sequence[Affine], strides: Shape, start: int, depth: int) -> Affine:
    """Return start + strides[0]*place[0] + ...: the position in a flat array of the entry at a place."""
    steps = [0] * depth
    for index, stride in zip(place, strides, strict=True):
        start += stride * index.start
        for k, s in enumerate(index.steps):
            steps[k] += stride * s
    return Affine(start, tuple(steps))


# --- cuts ---------------------------------------------------------------------------------------------------------------------


class Cut(Exception):
    """Say that one formula does not hold for a whole nest, and which loop to change; ``parts`` makes the nests that replace it."""

    def parts(self, counts: Shape) -> list[tuple[Shape, Cut.Change]]:
        """Return the counts of each new nest, and the change of loop indices from the old nest to it."""
        raise NotImplementedError

    @dataclass(frozen=True, slots=True)
    class Change:
        """Old loop ``axis`` = start + steps · (the new loops that stand in its place)."""

        axis: int
        start: int
        steps: tuple[int, ...]

        def __call__(self, index: Affine) -> Affine:
            k, s = self.axis, index.steps[self.axis]
            steps = (*index.steps[:k], *[s * step for step in self.steps], *index.steps[k + 1 :])
            return Affine(index.start + s * self.start, steps)


class SplitAt(Cut):
    """Split a loop before an iteration."""

    def __init__(self, axis: int, position: int) -> None:
        self.axis, self.position = axis, position

    def parts(self, counts: Shape) -> list[tuple[Shape, Cut.Change]]:
        k, at = self.axis, self.position
        assert 0 < at < counts[k], "a cut lies inside its loop"
        return [
            ((*counts[:k], count, *counts[k + 1 :]), Cut.Change(k, start, (1,)))
            for start, count in ((0, at), (at, counts[k] - at))
        ]


class Interleave(Cut):
    """Split a loop into the iterations of each remainder modulo a number."""

    def __init__(self, axis: int, modulus: int) -> None:
        self.axis, self.modulus = axis, modulus

    def parts(self, counts: Shape) -> list[tuple[Shape, Cut.Change]]:
        k, m = self.axis, self.modulus
        return [
            ((*counts[:k], (counts[k] - r + m - 1) // m, *counts[k + 1 :]), Cut.Change(k, r, (m,)))
            for r in range(min(m, counts[k]))
        ]


class Fold(Cut):
    """Make one loop two: an inner loop of ``size`` iterations, and an outer one over its repetitions."""

    def __init__(self, axis: int, size: int) -> None:
        self.axis, self.size = axis, size

    def parts(self, counts: Shape) -> list[tuple[Shape, Cut.Change]]:
        k, m = self.axis, self.size
        assert counts[k] % m == 0 and 1 < m < counts[k], "a loop is folded into whole repetitions"
        return [((*counts[:k], counts[k] // m, m, *counts[k + 1 :]), Cut.Change(k, 0, (m, 1)))]


# --- from flat positions back to places ---------------------------------------------------------------------------------------


def unravel(index: Affine, counts: Shape, shape: Shape) -> tuple[Affine, ...] | None:
    """Return the place in an array of this shape of the entry at a flat position, or None where no affine place exists.

    Raises Cut where the loops have to be changed first, as for positions that run on from row to row.

    >>> unravel(Affine(4, (3,)), (2,), (3, 3))
    (Affine(start=1, steps=(1,)), Affine(start=1, steps=(0,)))
    """
    strides = contiguous_strides(shape)
    digits, rest = [], index.start
    for stride in strides:
        digits.append(rest // stride if stride else 0)
        rest -= digits[-1] * stride
    first: tuple[Affine, ...] | None = None
    for steps in _step_digits(index.steps, counts, strides):
        place = tuple(Affine(d, s) for d, s in zip(digits, steps, strict=True))
        if all(
            0 <= low and high < n
            for (low, high), n in zip([p.bounds(counts) for p in place], shape, strict=True)
        ):
            return place
        first = first or place
    if first is not None:
        _cut_where_rows_end(first, counts, shape)
    return None


def _step_digits(steps: tuple[int, ...], counts: Shape, strides: Shape) -> Iterator[list[tuple[int, ...]]]:
    """Yield ways to write each loop's step as a sum of multiples of the strides: rounded towards zero, and to the nearest."""
    for nearest in (False, True):
        table = []
        for step, count in zip(steps, counts, strict=True):
            rest, column = step if count > 1 else 0, []
            for stride in strides:
                digit = 0
                if stride:
                    digit = (
                        round(rest / stride) if nearest else abs(rest) // stride * (1 if rest >= 0 else -1)
                    )
                column.append(digit)
                rest -= digit * stride
            table.append(column)
        yield [tuple(column[a] for column in table) for a in range(len(strides))]


def _cut_where_rows_end(place: tuple[Affine, ...], counts: Shape, shape: Shape) -> None:
    """Raise the cut for a loop that runs forwards over the end of an axis; return where it is none of that kind."""
    for index, extent in zip(place, shape, strict=True):
        loops = index.loops()
        if len(loops) != 1 or not 0 <= index.start < extent:
            continue
        (k,), step = loops, index.steps[loops[0]]
        end = -(-(extent - index.start) // step) if step > 0 else index.start // -step + 1
        if end >= counts[k]:
            continue
        if step > 0 and index.start < step and end > 1 and counts[k] % end == 0 and extent % step == 0:
            raise Fold(k, end)
        raise SplitAt(k, end)
