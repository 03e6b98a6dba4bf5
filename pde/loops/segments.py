"""LLVM IR of a segment: what its values need before the innermost loop, and that loop for vectors and for single entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from symnum.codegen.llvm_words import Spelled, Types, literal
from symnum.pde.loops.block import Instruction, Value
from symnum.pde.loops.iterations import Iteration, Target, read, write
from symnum.pde.loops.tables import NestForm, SegmentForm


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
        self.alone = form.single and self.loops > 1
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
                self.compute(
                    f"{self.prefix}v{v}", instruction, one, lambda operand: self.name(operand, one, "v")
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
        buffer = self.form.clusters[cluster].buffer
        element = self.target.element(buffer)
        self.emit(f"{name}.base = getelementptr {element}, ptr %{buffer}, i64 {offset}")
        self._load_at(name, f"{name}.base", distance, index, element)

    def _load_at(self, name: str, base: str, distance: int, index: str | None, element: str) -> None:
        at = f"{name}.at"
        self.emit(f"{at} = getelementptr {element}, ptr {base}, i64 {distance}")
        if index is not None:
            self.emit(f"{at}.x = getelementptr {element}, ptr {at}, i64 {index}")
            at = f"{at}.x"
        self.emit(*read(name, at, 1, element))

    # --- values ---------------------------------------------------------------------------------------------------------------

    def name(self, value: Value, types: Types, inner: str) -> str:
        """Return how a value is written as an operand; ``inner`` begins the names of values of the innermost loop."""
        instruction = self.form.values[value]
        if instruction.head == "number":
            return types.splat("double", literal(instruction.number))
        if instruction.head == "truth":
            return types.splat("i1", "true" if instruction.number else "false")
        if instruction.depth == self.loops:
            return f"{self.prefix}{inner}{value}"
        return f"{self.prefix}v{value}" + (".x" if types.lanes > 1 else "")

    def compute(
        self, name: str, instruction: Instruction, types: Types, operand: Callable[[Value], str]
    ) -> None:
        head = instruction.head
        if instruction.is_literal:
            return
        if head == "time":
            self.emit(f"{name} = fadd double %t, {literal(-0.0)}")
        elif head == "single":
            double, single = types.of("double"), types.of("float")
            given = operand(instruction.operands[0])
            self.emit(
                f"{name}.short = fptrunc {double} {given} to {single}",
                f"{name} = fpext {single} {name}.short to {double}",
            )
        elif head == "scalar":
            (place,) = instruction.operands
            self._load_number(name, place)
        else:
            spelled = self.nest.spell(head, instruction.truth, types)
            names = map(operand, instruction.operands)
            self.emit(spelled.text.format(name, *names))

    def _load_number(self, name: str, place: int) -> None:
        element = self.target.element("numbers")
        self.emit(f"{name}.base = getelementptr {element}, ptr %numbers, i64 {place}")
        self._load_at(name, f"{name}.base", 0, None, element)

    # --- the innermost loop ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Write the innermost loop."""
        label, prefix, lanes = self.label, self.prefix, self.target.lanes
        for c, cluster in enumerate(self.form.clusters):
            kind = self.target.element(cluster.buffer)
            self.emit(f"{prefix}p{c} = getelementptr {kind}, ptr %{cluster.buffer}, i64 {self.offsets[c]}")
        low, count = "0", self.count
        if self.loops == 1 and not self.nest.form.whole:
            low, count = self._share()
        if self.alone:
            Iteration(self, Types(1), "0", "c").write()
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
            Iteration(self, wide, j, "b").write()
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
        Iteration(self, Types(1), one, "a").write()
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
        element = self.target.element(self.form.clusters[member.cluster].buffer)
        self._load_at(name, f"{self.prefix}p{member.cluster}", member.distance, None, element)
        self.emit(
            f"{name}.row = load double, ptr {self.prefix}sum{k}",
            f"{name}.new = fadd double {name}, {name}.row",
            *write(f"{name}.to", f"{name}.new", f"{name}.at", 1, element),
        )
