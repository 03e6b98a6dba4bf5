"""LLVM IR of nests: outer loops of scalars, innermost loops of vectors.

What does not change in the innermost loop is computed before it.  Entries that lie side by side are loaded as vectors, entries two to
four apart by one wide load and shuffles.  The last vector of a row begins earlier instead of going beyond the end: some entries are
computed twice, and rows shorter than a vector go one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from symnum.codegen.llvm_words import TEMPLATES, Spelled, Types, spell
from symnum.codegen.target import Unsupported
from symnum.operators import OPERATORS, Operator, operator
from symnum.pde.loops.iterations import Target
from symnum.pde.loops.matrices import GEMM, MatrixCall, call_text, gemm_address
from symnum.pde.loops.segments import SegmentWriter
from symnum.pde.loops.tables import Form, NestForm

ENTRY = "symnum_loops"
"""``void(ptr table, double t, ptr u, ptr out, i64 stage, i64 part, i64 parts)``; see ``kernel`` for the table."""

FUNCTION, STAGES, WORK, NUMBERS, INTS, PARAMS, SHAPE = range(7)
"""Places in the table that the entry is given; at SHAPE stand the number of axes of the state and its shape."""

_GIVEN = "ptr %ints, i64 %at, double %t, ptr %u, ptr %out, ptr %work, ptr %numbers, ptr %params, i64 %part, i64 %parts"


@dataclass(frozen=True, slots=True)
class Text:
    """A module, and the symbols that it needs: functions of C, and {symbol: address} of NumPy's loops and of BLAS."""

    module: str
    functions: tuple[str, ...]
    loops: dict[str, int]


def module_text(stages: Sequence[Sequence[tuple[int, int]]], forms: Sequence[Form], target: Target) -> Text:
    """Return the module of a program; ``stages`` has (number of the form, place of the table in ``ints``) of each nest."""
    spelled: dict[tuple[str, bool, int], Spelled] = {}
    functions = [
        call_text(k, form, _GIVEN, target.memory)
        if isinstance(form, MatrixCall)
        else _Writer(k, form, target, spelled).text()
        for k, form in enumerate(forms)
    ]
    declared = dict.fromkeys(part for s in spelled.values() for part in s.declared)
    parts = [*declared, *functions, _entry(stages)]
    if any("vector.reduce" in text for text in functions):
        kind = Types(target.lanes).of("double")
        parts.insert(0, f"declare double @llvm.vector.reduce.fadd.v{target.lanes}f64(double, {kind})")
    loops = {symbol: address for s in spelled.values() for symbol, address in s.loops}
    if any(isinstance(form, MatrixCall) for form in forms):
        loops[GEMM] = gemm_address(target.memory)
        parts.insert(0, f"declare void @{GEMM}({', '.join(['ptr'] * 13)}) nounwind")
    return Text(
        "\n".join(parts),
        tuple(dict.fromkeys(name for s in spelled.values() for name in s.functions)),
        loops,
    )


def _entry(stages: Sequence[Sequence[tuple[int, int]]]) -> str:
    lines = [
        f"define void @{ENTRY}(ptr %table, double %t, ptr %u, ptr %out, i64 %stage, i64 %part, i64 %parts) nounwind {{"
    ]
    for name, place in (("work", WORK), ("numbers", NUMBERS), ("ints", INTS), ("params", PARAMS)):
        lines += [
            f"%{name}.at = getelementptr ptr, ptr %table, i64 {place}",
            f"%{name} = load ptr, ptr %{name}.at",
        ]
    cases = " ".join(f"i64 {k}, label %stage{k}" for k in range(len(stages)))
    lines.append(f"switch i64 %stage, label %end [ {cases} ]")
    for k, nests in enumerate(stages):
        lines.append(f"stage{k}:")
        for form, at in nests:
            given = _GIVEN.replace("%at", str(at))
            lines.append(f"call void @symnum_nest{form}({given})")
        lines.append("br label %end")
    return "\n".join([*lines, "end:", "ret void", "}", ""])


class _Writer:
    """Write the function of one nest."""

    def __init__(
        self, number: int, form: NestForm, target: Target, spelled: dict[tuple[str, bool, int], Spelled]
    ) -> None:
        self.number, self.form, self.target, self.spelled = number, form, target, spelled
        self.lines: list[str] = []
        self.words = 0

    def text(self) -> str:
        """Return the function."""
        form = self.form
        depth = form.loops - 1
        self.lines = [f"define internal void @symnum_nest{self.number}({_GIVEN}) nounwind {{", "entry:"]
        self.emit("%table = getelementptr i64, ptr %ints, i64 %at")
        counts = [self.word() for _ in range(depth)]
        segments = [SegmentWriter(self, k, s) for k, s in enumerate(form.segments)]
        if form.whole:
            self.emit("%low = add i64 0, 0", "%mine = icmp eq i64 %part, 0")
        if depth:
            self.range(counts[0])
        elif form.whole:
            self.emit("br i1 %mine, label %shared, label %none", "none:", "ret void", "shared:")
        for k in range(depth):
            before, first = (f"%above{k}", "0") if k else ("%shared", "%low")
            self.emit(f"br label %head{k}", f"head{k}:")
            self.emit(f"%i{k} = phi i64 [ {first}, {before} ], [ %i{k}.next, %latch{k} ]")
            for segment in segments:
                segment.advance(k)
            self.emit(f"br label %above{k + 1}", f"above{k + 1}:")
        for segment in segments:
            segment.run()
        for k in reversed(range(depth)):
            end = counts[k] if k else "%high"
            self.emit(f"br label %latch{k}", f"latch{k}:", f"%i{k}.next = add i64 %i{k}, 1")
            self.emit(f"%i{k}.more = icmp slt i64 %i{k}.next, {end}")
            self.emit(f"br i1 %i{k}.more, label %head{k}, label %end{k}", f"end{k}:")
        self.emit("ret void", "}", "")
        return "\n".join(self.lines)

    def range(self, count: str) -> None:
        """Compute which iterations of the outermost loop belong to this part, and return where there are none."""
        if self.form.whole:
            self.emit(f"%high = add i64 0, {count}")
        else:
            self.emit(
                f"%low.all = mul i64 {count}, %part",
                "%low = sdiv i64 %low.all, %parts",
                "%part.next = add i64 %part, 1",
                f"%high.all = mul i64 {count}, %part.next",
                "%high = sdiv i64 %high.all, %parts",
                "%mine = icmp slt i64 %low, %high",
            )
        self.emit("br i1 %mine, label %shared, label %none", "none:", "ret void", "shared:")

    def emit(self, *lines: str) -> None:
        """Append lines."""
        self.lines += lines

    def word(self) -> str:
        """Return the next number of the nest's table."""
        k = self.words
        self.words += 1
        self.emit(f"%w{k}.at = getelementptr i64, ptr %table, i64 {k}", f"%w{k} = load i64, ptr %w{k}.at")
        return f"%w{k}"

    def spell(self, head: str, truth: bool, types: Types) -> Spelled:
        """Return an operator in IR."""
        key = (head, truth, types.lanes)
        found = self.spelled.get(key)
        if found is None:
            # the helpers of an operator have other names for several lanes
            place = 2 * list(OPERATORS).index(head) + (types.lanes > 1)
            found = self.spelled[key] = _spelled(operator(head), place, types, truth)
        return found


def _spelled(row: Operator, place: int, types: Types, truth: bool) -> Spelled:
    """Return a row in IR, with NumPy's own loops in the place of functions of C: they compute a vector at a time."""
    found = spell(row, place, types, truth=truth)
    if found.functions and not _by_instructions(row):
        with suppress(Unsupported):
            return spell(replace(row, llvm=""), place, types, truth=truth)
    return found


def _by_instructions(row: Operator) -> bool:
    return all(word.strip() in TEMPLATES or word.strip().startswith("llvm.") for word in row.llvm.split("|"))
