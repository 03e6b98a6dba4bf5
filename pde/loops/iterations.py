"""LLVM IR of one iteration of an innermost loop: its loads, its values and its stores, for one entry or for a vector of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from symnum.codegen.llvm_words import Types
from symnum.pde.loops.block import Instruction, Value
from symnum.pde.loops.tables import SegmentForm

MOST_APART = 4
"""Entries up to so far apart are loaded together and shuffled."""


@dataclass(frozen=True, slots=True)
class Target:
    """How many doubles a vector holds, and the types of entries in memory, "double" or "float".

    ``state`` is the type of u and out, ``memory`` that of the other buffers.  Arithmetic is in doubles.
    """

    lanes: int
    state: str = "double"
    memory: str = "double"

    def element(self, buffer: str) -> str:
        """Return the type of the entries of a buffer."""
        if buffer == "ints":
            return "i64"
        return self.state if buffer in ("u", "out") else "double" if buffer == "params" else self.memory


class Segment(Protocol):
    """What an iteration needs of its segment: where its clusters are, and how its values are called."""

    form: SegmentForm
    target: Target
    loops: int
    alone: bool
    prefix: str
    steps: list[str | int]
    emit: Callable[..., None]

    def name(self, value: Value, types: Types, inner: str) -> str:
        """Return how a value is written as an operand."""

    def compute(
        self, name: str, instruction: Instruction, types: Types, operand: Callable[[Value], str]
    ) -> None:
        """Write an instruction that is no load."""


class Iteration:
    """Write the loads, values and stores of one iteration, or of as many as a vector has lanes."""

    def __init__(self, segment: Segment, types: Types, j: str, inner: str) -> None:
        self.segment, self.types, self.j, self.inner = segment, types, j, inner
        self.form, self.target, self.emit = segment.form, segment.target, segment.emit
        self.lanes = types.lanes
        self.moved: dict[str | int, str] = {}
        self.wide: dict[int, tuple[str, int, int]] = {}

    def write(self) -> None:
        """Write it."""
        segment = self.segment
        for v, instruction in enumerate(self.form.values):
            if instruction.depth != segment.loops:
                continue
            name = f"{segment.prefix}{self.inner}{v}"
            if instruction.head == "load":
                self._load(name, instruction.operands[0])
            else:
                segment.compute(
                    name, instruction, self.types, lambda o: segment.name(o, self.types, self.inner)
                )
        self._stores()

    def _index(self, step: str | int) -> str:
        """Return j times the step of a cluster."""
        found = self.moved.get(step)
        if found is None:
            if step == 0 or self.j == "0":
                found = "0"
            elif step == 1:
                found = self.j
            else:
                found = f"{self.segment.prefix}{self.inner}m{len(self.moved)}"
                self.emit(f"{found} = mul i64 {self.j}, {step}")
            self.moved[step] = found
        return found

    def _element(self, cluster: int) -> str:
        return self.target.element(self.form.clusters[cluster].buffer)

    def _address(self, name: str, cluster: int, distance: int | str) -> str:
        kind = self._element(cluster)
        index = self._index(self.segment.steps[cluster])
        self.emit(
            f"{name}.from = getelementptr {kind}, ptr {self.segment.prefix}p{cluster}, i64 {index}",
            f"{name}.at = getelementptr {kind}, ptr {name}.from, i64 {distance}",
        )
        return f"{name}.at"

    def _load(self, name: str, slot: int) -> None:
        member = self.form.members[slot]
        step = self.segment.steps[member.cluster]
        if self.lanes == 1 and member.through is None:
            self._read(name, self._address(name, member.cluster, member.distance), 1, member.cluster)
        elif member.through is not None:
            self._gather(name, slot)
        elif step == 1:
            self._read(name, self._address(name, member.cluster, member.distance), self.lanes, member.cluster)
        elif step == -1:
            at = self._address(name, member.cluster, member.distance - self.lanes + 1)
            self._read(f"{name}.back", at, self.lanes, member.cluster)
            self._shuffle(name, f"{name}.back", self.lanes, range(self.lanes - 1, -1, -1))
        elif isinstance(step, int) and 1 < step <= MOST_APART:
            whole, first, width = self._wide(member.cluster, step)
            begin = member.distance - first
            self._shuffle(name, whole, width, range(begin, begin + step * self.lanes - step + 1, step))
        else:
            self._gather(name, slot)

    def _read(self, name: str, at: str, count: int, cluster: int) -> None:
        self.emit(*read(name, at, count, self._element(cluster)))

    def _shuffle(self, name: str, vector: str, width: int, lanes: Iterable[int]) -> None:
        kind = Types(width).of("double")
        chosen = list(lanes)
        mask = ", ".join(f"i32 {k}" for k in chosen)
        self.emit(f"{name} = shufflevector {kind} {vector}, {kind} poison, <{len(chosen)} x i32> <{mask}>")

    def _wide(self, cluster: int, step: int) -> tuple[str, int, int]:
        """Load all entries from the first to the last that the lanes of a cluster's members need; return name, first and width."""
        found = self.wide.get(cluster)
        if found is None:
            loaded = {
                i.operands[0] for i in self.form.values if i.head == "load" and i.depth == self.segment.loops
            }
            members = self.form.members
            distances = [members[s].distance for s in loaded if members[s].cluster == cluster]
            first = min(distances)
            width = (self.lanes - 1) * step + max(distances) - first + 1
            name = f"{self.segment.prefix}{self.inner}wide{cluster}"
            self._read(name, self._address(name, cluster, first), width, cluster)
            found = self.wide[cluster] = (name, first, width)
        return found

    def _gather(self, name: str, slot: int) -> None:
        """Load the entries of the lanes one by one."""
        member = self.form.members[slot]
        step = self.segment.steps[member.cluster]
        filled, kind = "poison", self.types.of("double")
        for lane in range(self.lanes):
            one = f"{name}.{lane}" if self.lanes > 1 else name
            base = self._address(
                f"{one}.cell", member.cluster, self._lane_distance(one, lane, step, member.distance)
            )
            if member.through is None:
                self._read(one, base, 1, member.cluster)
            else:
                through = self.form.members[member.through]
                inner = self.segment.steps[through.cluster]
                far = self._lane_distance(f"{one}.i", lane, inner, through.distance)
                at = self._address(f"{one}.list", through.cluster, far)
                self.emit(f"{one}.index = load i64, ptr {at}")
                self.emit(
                    f"{one}.entry = getelementptr {self._element(member.cluster)}, ptr {base}, i64 {one}.index"
                )
                self._read(one, f"{one}.entry", 1, member.cluster)
            if self.lanes > 1:
                filled_next = name if lane == self.lanes - 1 else f"{name}.{lane}.in"
                self.emit(f"{filled_next} = insertelement {kind} {filled}, double {one}, i32 {lane}")
                filled = filled_next

    def _lane_distance(self, name: str, lane: int, step: str | int, distance: int) -> int | str:
        if isinstance(step, int):
            return distance + lane * step
        if lane == 0:
            return distance
        self.emit(f"{name}.by = mul i64 {step}, {lane}", f"{name}.far = add i64 {name}.by, {distance}")
        return f"{name}.far"

    # --- stores ---------------------------------------------------------------------------------------------------------------

    def _stores(self) -> None:
        together = self._interleaved() if self.lanes > 1 else {}
        done: set[int] = set()
        for k, (slot, value, add) in enumerate(self.form.stores):
            if k in done:
                continue
            name = f"{self.segment.prefix}{self.inner}to{k}"
            written = self.segment.name(value, self.types, self.inner)
            member = self.form.members[slot]
            step = self.segment.steps[member.cluster]
            if add and step == 0 and not self.segment.alone:
                self._sum(k, name, written)
            elif k in together:
                group = together[k]
                done |= set(group)
                self._store_together(name, group, member.cluster)
            elif self.lanes == 1 or step == 1:
                at = self._address(name, member.cluster, member.distance)
                if add:
                    self._read(f"{name}.old", at, self.lanes, member.cluster)
                    kind = self.types.of("double")
                    self.emit(f"{name}.new = fadd {kind} {name}.old, {written}")
                    written = f"{name}.new"
                self._write(name, written, at, self.lanes, member.cluster)
            else:
                self._scatter(name, written, member.cluster, member.distance, add)

    def _sum(self, k: int, name: str, written: str) -> None:
        kind = self.types.of("double")
        into = f"{self.segment.prefix}sum{'s' if self.lanes > 1 else ''}{k}"
        self.emit(
            f"{name}.old = load {kind}, ptr {into}",
            f"{name}.new = fadd {kind} {name}.old, {written}",
            f"store {kind} {name}.new, ptr {into}",
        )

    def _write(self, name: str, value: str, at: str, count: int, cluster: int) -> None:
        self.emit(*write(name, value, at, count, self._element(cluster)))

    def _scatter(self, name: str, value: str, cluster: int, distance: int, add: bool) -> None:
        step, kind = self.segment.steps[cluster], self.types.of("double")
        for lane in range(self.lanes):
            one = f"{name}.{lane}"
            at = self._address(one, cluster, self._lane_distance(one, lane, step, distance))
            self.emit(f"{one}.value = extractelement {kind} {value}, i32 {lane}")
            written = f"{one}.value"
            if add:
                self._read(f"{one}.old", at, 1, cluster)
                self.emit(f"{one}.new = fadd double {one}.old, {written}")
                written = f"{one}.new"
            self._write(one, written, at, 1, cluster)

    def _interleaved(self) -> dict[int, list[int]]:
        """Return for each store that fills every entry together with others all of these, in the order of their entries."""
        groups: dict[int, dict[int, int]] = {}
        for k, (slot, _, add) in enumerate(self.form.stores):
            member = self.form.members[slot]
            if not add:
                groups.setdefault(member.cluster, {})[member.distance] = k
        found: dict[int, list[int]] = {}
        for cluster, stores in groups.items():
            step = self.segment.steps[cluster]
            distances = sorted(stores)
            if (
                isinstance(step, int)
                and 1 < step <= MOST_APART
                and len(distances) == step
                and distances[-1] - distances[0] == step - 1
            ):
                group = [stores[d] for d in distances]
                found |= dict.fromkeys(group, group)
        return found

    def _store_together(self, name: str, group: list[int], cluster: int) -> None:
        """Store several vectors lane by lane in turn: join them two by two, then shuffle."""
        lanes, step = self.lanes, len(group)
        first = min(self.form.members[self.form.stores[k][0]].distance for k in group)
        parts = [self.segment.name(self.form.stores[k][1], self.types, self.inner) for k in group]
        width = lanes
        while len(parts) > 2:
            kind = Types(width).of("double")
            joined = []
            for i in range(0, len(parts), 2):
                other = parts[i + 1] if i + 1 < len(parts) else "poison"
                mask = ", ".join(f"i32 {k}" for k in range(2 * width))
                joined.append(f"{name}.w{width}.{i}")
                self.emit(
                    f"{joined[-1]} = shufflevector {kind} {parts[i]}, {kind} {other}, <{2 * width} x i32> <{mask}>"
                )
            parts, width = joined, 2 * width
        kind, total = Types(width).of("double"), lanes * step
        # lane l of part k is entry k*lanes + l of the joined vectors
        mask = ", ".join(f"i32 {(e % step) * lanes + e // step}" for e in range(total))
        self.emit(
            f"{name}.all = shufflevector {kind} {parts[0]}, {kind} {parts[1]}, <{total} x i32> <{mask}>"
        )
        self._write(name, f"{name}.all", self._address(name, cluster, first), total, cluster)


def read(name: str, at: str, count: int, element: str) -> list[str]:
    """Return the lines that load entries as doubles."""
    kind = Types(count).of(element)
    if element == "double":
        return [f"{name} = load {kind}, ptr {at}, align 8"]
    double = Types(count).of("double")
    return [
        f"{name}.short = load {kind}, ptr {at}, align 4",
        f"{name} = fpext {kind} {name}.short to {double}",
    ]


def write(name: str, value: str, at: str, count: int, element: str) -> list[str]:
    """Return the lines that store doubles as entries."""
    kind = Types(count).of(element)
    if element == "double":
        return [f"store {kind} {value}, ptr {at}, align 8"]
    double = Types(count).of("double")
    return [
        f"{name}.short = fptrunc {double} {value} to {kind}",
        f"store {kind} {name}.short, ptr {at}, align 4",
    ]
