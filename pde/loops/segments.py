"""LLVM IR of a segment: what its values need before the innermost loop, and that loop for vectors and for single entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from symnum.codegen.llvm_words import Spelled, Types, literal
from symnum.pde.loops.block import Instruction, Value
from symnum.pde.loops.tables import NestForm, SegmentForm

MOST_APART = 4
"""Entries up to so far apart are loaded together and shuffled."""


@dataclass(frozen=True, slots=True)
class Target:
    """The type of entries in memory, "double" or "float", and how many doubles a vector holds.  Arithmetic is in doubles."""

    element: str
    lanes: int


class Writer(Protocol):
    """What a segment needs of the writer of its nest."""

    form: NestForm
    target: Target

    def emit(self, *lines: str) -> None:
        """Append lines."""

    def word(self) -> str:
        """Return the next number of the nest's table."""

    def spell(self, head: str, truth: bool, types: Types) -> Spelled:
        """Return an operator in IR."""


class SegmentWriter:
    """Write one segment of a nest; made in the nest's entry, where it reads its words of the table."""

    def __init__(self, nest: Writer, number: int, form: SegmentForm) -> None:
        self.nest, self.form, self.target = nest, form, nest.target
        self.emit = nest.emit
        self.loops = nest.form.loops
        self.prefix = f"%s{number}"
        self.label = f"s{number}"
        self.count = nest.word()
        self.offsets: list[str] = []
        self.moves: list[dict[int, str]] = []
        self.steps: list[str | int] = []
        for cluster in form.clusters:
            self.offsets.append(nest.word())
            self.moves.append({k: nest.word() for k, moved in enumerate(cluster.moves) if moved})
            self.steps.append(nest.word() if cluster.step is None else cluster.step)
        self.sums = [k for k, (slot, _, add) in enumerate(form.stores) if add and self._step(slot) == 0]
        for k in self.sums:
            vector = Types(self.target.lanes).of("double")
            self.emit(f"{self.prefix}sum{k} = alloca double", f"{self.prefix}sums{k} = alloca {vector}")
        self._outer_values(0)

    # --- outer loops ----------------------------------------------------------------------------------------------------------

    def advance(self, loop: int) -> None:
        """Move the clusters by an outer loop, and compute the values that depend on it."""
        for c, moves in enumerate(self.moves):
            if loop in moves:
                name = f"{self.prefix}o{c}.{loop}"
                self.emit(
                    f"{name}.by = mul i64 %i{loop}, {moves[loop]}",
                    f"{name} = add i64 {self.offsets[c]}, {name}.by",
                )
                self.offsets[c] = name
        self._outer_values(loop + 1)

    def _outer_values(self, depth: int) -> None:
        one = Types(1)
        for v, instruction in enumerate(self.form.values):
            if instruction.depth != depth or depth == self.loops:
                continue
            if instruction.head == "load":
                member = self.form.members[instruction.operands[0]]
                index = None
                if member.through is not None:
                    index = self._outer_index(member.through, f"{self.prefix}v{v}")
                self._load_one(
                    f"{self.prefix}v{v}", member.cluster, self.offsets[member.cluster], member.distance, index
                )
            else:
                self._compute(
                    f"{self.prefix}v{v}", instruction, one, lambda operand: self._name(operand, one, "v")
                )

    def _outer_index(self, slot: int, name: str) -> str:
        member = self.form.members[slot]
        self.emit(
            f"{name}.list = getelementptr i64, ptr %ints, i64 {self.offsets[member.cluster]}",
            f"{name}.entry = getelementptr i64, ptr {name}.list, i64 {member.distance}",
            f"{name}.index = load i64, ptr {name}.entry",
        )
        return f"{name}.index"

    def _load_one(self, name: str, cluster: int, offset: str, distance: int, index: str | None) -> None:
        """Load one entry at an offset of the cluster's buffer."""
        element = self.target.element
        base = f"%{self.form.clusters[cluster].buffer}"
        self.emit(f"{name}.base = getelementptr {element}, ptr {base}, i64 {offset}")
        self._load_at(name, f"{name}.base", distance, index)

    def _load_at(self, name: str, base: str, distance: int, index: str | None) -> None:
        element = self.target.element
        at = f"{name}.at"
        self.emit(f"{at} = getelementptr {element}, ptr {base}, i64 {distance}")
        if index is not None:
            self.emit(f"{at}.x = getelementptr {element}, ptr {at}, i64 {index}")
            at = f"{at}.x"
        if element == "double":
            self.emit(f"{name} = load double, ptr {at}")
        else:
            self.emit(
                f"{name}.short = load {element}, ptr {at}", f"{name} = fpext {element} {name}.short to double"
            )

    # --- values ---------------------------------------------------------------------------------------------------------------

    def _name(self, value: Value, types: Types, inner: str) -> str:
        """Return how a value is written as an operand; ``inner`` begins the names of values of the innermost loop."""
        instruction = self.form.values[value]
        if instruction.head == "number":
            return types.splat("double", literal(instruction.number))
        if instruction.head == "truth":
            return types.splat("i1", "true" if instruction.number else "false")
        if instruction.depth == self.loops:
            return f"{self.prefix}{inner}{value}"
        return f"{self.prefix}v{value}" + (".x" if types.lanes > 1 else "")

    def _compute(
        self, name: str, instruction: Instruction, types: Types, operand: Callable[[Value], str]
    ) -> None:
        head = instruction.head
        if instruction.is_literal:
            return
        if head == "time":
            self.emit(f"{name} = fadd double %t, {literal(-0.0)}")
        elif head == "scalar":
            (place,) = instruction.operands
            self._load_number(name, place)
        else:
            spelled = self.nest.spell(head, instruction.truth, types)
            names = map(operand, instruction.operands)
            self.emit(spelled.text.format(name, *names))

    def _load_number(self, name: str, place: int) -> None:
        element = self.target.element
        self.emit(f"{name}.base = getelementptr {element}, ptr %numbers, i64 {place}")
        self._load_at(name, f"{name}.base", 0, None)

    # --- the innermost loop ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Write the innermost loop."""
        label, prefix, lanes = self.label, self.prefix, self.target.lanes
        for c, cluster in enumerate(self.form.clusters):
            kind = "i64" if cluster.buffer == "ints" else self.target.element
            self.emit(f"{prefix}p{c} = getelementptr {kind}, ptr %{cluster.buffer}, i64 {self.offsets[c]}")
        low, count = "0", self.count
        if self.loops == 1 and not self.nest.form.whole:
            low, count = self._share()
        if self.form.single and self.loops > 1:
            _Iteration(self, Types(1), "0", "c").write()
            return
        sums = self.sums
        adds = any(add for _, _, add in self.form.stores)
        for k in sums:
            self.emit(f"store double {literal(0.0)}, ptr {prefix}sum{k}")
        first = f"[ {low}, %{label}.few ]"
        self.emit(f"{prefix}length = sub i64 {count}, {low}")
        if lanes > 1 and not self.form.single:
            wide = Types(lanes)
            self.emit(f"{prefix}wide = icmp sge i64 {prefix}length, {lanes}")
            self.emit(f"br i1 {prefix}wide, label %{label}.many, label %{label}.few", f"{label}.many:")
            self._splats(wide)
            for k in sums:
                zero = wide.splat("double", literal(0.0))
                vector = wide.of("double")
                self.emit(f"store {vector} {zero}, ptr {prefix}sums{k}")
            self.emit(
                f"{prefix}last = sub i64 {count}, {lanes}", f"br label %{label}.vectors", f"{label}.vectors:"
            )
            j = f"{prefix}j"
            self.emit(f"{j}.b = phi i64 [ {low}, %{label}.many ], [ {j}.next, %{label}.vectors ]")
            if adds:
                self.emit(f"{j} = add i64 {j}.b, 0")
            else:
                self.emit(
                    f"{j}.over = icmp sgt i64 {j}.b, {prefix}last",
                    f"{j} = select i1 {j}.over, i64 {prefix}last, i64 {j}.b",
                )
            _Iteration(self, wide, j, "b").write()
            self.emit(f"{j}.next = add i64 {j}.b, {lanes}")
            if adds:
                # what is added twice is wrong: the entries that make no whole vector go one by one
                self.emit(f"{j}.more = icmp sle i64 {j}.next, {prefix}last")
            else:
                self.emit(f"{j}.more = icmp slt i64 {j}.next, {count}")
            after = f"{label}.rest" if adds else f"{label}.done"
            self.emit(f"br i1 {j}.more, label %{label}.vectors, label %{after}")
            if adds:
                self._rest(sums, wide)
                first += f", [ {j}.next, %{label}.rest ]"
        else:
            self.emit(f"br label %{label}.few")
        one = f"{prefix}k"
        self.emit(
            f"{label}.few:", f"br label %{label}.begin", f"{label}.begin:", f"{one}.first = phi i64 {first}"
        )
        self.emit(f"{one}.any = icmp slt i64 {one}.first, {count}")
        self.emit(f"br i1 {one}.any, label %{label}.singles, label %{label}.done", f"{label}.singles:")
        self.emit(f"{one} = phi i64 [ {one}.first, %{label}.begin ], [ {one}.next, %{label}.singles ]")
        _Iteration(self, Types(1), one, "a").write()
        self.emit(f"{one}.next = add i64 {one}, 1", f"{one}.more = icmp slt i64 {one}.next, {count}")
        self.emit(f"br i1 {one}.more, label %{label}.singles, label %{label}.done", f"{label}.done:")
        for s in sums:
            self._add_sum(s)

    def _share(self) -> tuple[str, str]:
        """Return which iterations belong to this part, in a nest of this loop alone."""
        p = self.prefix
        self.emit(
            f"{p}low.all = mul i64 {self.count}, %part",
            f"{p}low = sdiv i64 {p}low.all, %parts",
            f"{p}part.next = add i64 %part, 1",
            f"{p}high.all = mul i64 {self.count}, {p}part.next",
            f"{p}high = sdiv i64 {p}high.all, %parts",
        )
        return f"{p}low", f"{p}high"

    def _splats(self, types: Types) -> None:
        """Spread the outer values that the innermost loop uses over the lanes."""
        inner = [i for i in self.form.values if i.depth == self.loops and i.head != "load"]
        used = {o for i in inner if i.head not in ("scalar", "time", "number", "truth") for o in i.operands}
        used |= {value for _, value, _ in self.form.stores}
        for v in sorted(used):
            instruction = self.form.values[v]
            if instruction.depth < self.loops and not instruction.is_literal:
                plain = "i1" if instruction.truth else "double"
                kind, name = types.of(plain), f"{self.prefix}v{v}"
                self.emit(
                    f"{name}.y = insertelement {kind} poison, {plain} {name}, i32 0",
                    f"{name}.x = shufflevector {kind} {name}.y, {kind} poison, <{types.lanes} x i32> zeroinitializer",
                )

    def _step(self, slot: int) -> str | int:
        return self.steps[self.form.members[slot].cluster]

    def _rest(self, sums: Sequence[int], types: Types) -> None:
        """After the vectors, add the lanes of each sum."""
        p, vector = self.prefix, types.of("double")
        reduce = f"llvm.vector.reduce.fadd.v{types.lanes}f64"
        self.emit(f"{self.label}.rest:")
        for k in sums:
            self.emit(
                f"{p}sums{k}.v = load {vector}, ptr {p}sums{k}",
                f"{p}sums{k}.r = call reassoc double @{reduce}(double {literal(0.0)}, {vector} {p}sums{k}.v)",
                f"store double {p}sums{k}.r, ptr {p}sum{k}",
            )
        self.emit(f"br label %{self.label}.begin")

    def _add_sum(self, k: int) -> None:
        slot, _, _ = self.form.stores[k]
        member = self.form.members[slot]
        name = f"{self.prefix}total{k}"
        self._load_at(name, f"{self.prefix}p{member.cluster}", member.distance, None)
        self.emit(
            f"{name}.row = load double, ptr {self.prefix}sum{k}",
            f"{name}.new = fadd double {name}, {name}.row",
        )
        kept = f"{name}.new"
        if self.target.element != "double":
            self.emit(f"{name}.kept = fptrunc double {kept} to {self.target.element}")
            kept = f"{name}.kept"
        self.emit(f"store {self.target.element} {kept}, ptr {name}.at")


class _Iteration:
    """Write the loads, values and stores of one iteration, or of as many as a vector has lanes."""

    def __init__(self, segment: SegmentWriter, types: Types, j: str, inner: str) -> None:
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
                segment._compute(
                    name, instruction, self.types, lambda o: segment._name(o, self.types, self.inner)
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

    def _address(self, name: str, cluster: int, distance: int | str, kind: str = "") -> str:
        kind = kind or self.target.element
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
            self._read(name, self._address(name, member.cluster, member.distance), 1)
        elif member.through is not None:
            self._gather(name, slot)
        elif step == 1:
            self._read(name, self._address(name, member.cluster, member.distance), self.lanes)
        elif step == -1:
            at = self._address(name, member.cluster, member.distance - self.lanes + 1)
            self._read(f"{name}.back", at, self.lanes)
            self._shuffle(name, f"{name}.back", self.lanes, range(self.lanes - 1, -1, -1))
        elif isinstance(step, int) and 1 < step <= MOST_APART:
            whole, first, width = self._wide(member.cluster, step)
            begin = member.distance - first
            self._shuffle(name, whole, width, range(begin, begin + step * self.lanes - step + 1, step))
        else:
            self._gather(name, slot)

    def _read(self, name: str, at: str, count: int) -> None:
        """Load ``count`` entries as doubles."""
        element = self.target.element
        size = 8 if element == "double" else 4
        kind, double = Types(count).of(element), Types(count).of("double")
        if element == "double":
            self.emit(f"{name} = load {kind}, ptr {at}, align {size}")
        else:
            self.emit(f"{name}.short = load {kind}, ptr {at}, align {size}")
            self.emit(f"{name} = fpext {kind} {name}.short to {double}")

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
            self._read(name, self._address(name, cluster, first), width)
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
                self._read(one, base, 1)
            else:
                through = self.form.members[member.through]
                inner = self.segment.steps[through.cluster]
                at = self._address(
                    f"{one}.list",
                    through.cluster,
                    self._lane_distance(f"{one}.i", lane, inner, through.distance),
                    "i64",
                )
                self.emit(f"{one}.index = load i64, ptr {at}")
                self.emit(f"{one}.entry = getelementptr {self.target.element}, ptr {base}, i64 {one}.index")
                self._read(one, f"{one}.entry", 1)
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
            written = self.segment._name(value, self.types, self.inner)
            member = self.form.members[slot]
            step = self.segment.steps[member.cluster]
            if add and step == 0 and not (self.form.single and self.segment.loops > 1):
                self._sum(k, name, written)
            elif k in together:
                group = together[k]
                done |= set(group)
                self._store_together(name, group, member.cluster)
            elif self.lanes == 1 or step == 1:
                at = self._address(name, member.cluster, member.distance)
                if add:
                    self._read(f"{name}.old", at, self.lanes)
                    kind = self.types.of("double")
                    self.emit(f"{name}.new = fadd {kind} {name}.old, {written}")
                    written = f"{name}.new"
                self._write(name, written, at, self.lanes)
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

    def _write(self, name: str, value: str, at: str, count: int) -> None:
        element = self.target.element
        size = 8 if element == "double" else 4
        kind, double = Types(count).of(element), Types(count).of("double")
        if element != "double":
            self.emit(f"{name}.short = fptrunc {double} {value} to {kind}")
            value = f"{name}.short"
        self.emit(f"store {kind} {value}, ptr {at}, align {size}")

    def _scatter(self, name: str, value: str, cluster: int, distance: int, add: bool) -> None:
        step, kind = self.segment.steps[cluster], self.types.of("double")
        for lane in range(self.lanes):
            one = f"{name}.{lane}"
            at = self._address(one, cluster, self._lane_distance(one, lane, step, distance))
            self.emit(f"{one}.value = extractelement {kind} {value}, i32 {lane}")
            written = f"{one}.value"
            if add:
                self._read(f"{one}.old", at, 1)
                self.emit(f"{one}.new = fadd double {one}.old, {written}")
                written = f"{one}.new"
            self._write(one, written, at, 1)

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
        parts = [self.segment._name(self.form.stores[k][1], self.types, self.inner) for k in group]
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
        self._write(name, f"{name}.all", self._address(name, cluster, first), total)
