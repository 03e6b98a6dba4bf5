"""How operators are spelled in LLVM IR: the words of the operator table's ``llvm`` column as templates of instructions.

A spelling is one word, or several with ``|`` between them, each applied to the result of the one before: ``tan | inverse``.  A word
is an instruction or idiom of :data:`TEMPLATES`, an intrinsic such as ``llvm.sqrt``, or else a function of C's mathematical library.
An empty spelling means NumPy's own inner loops, called for one value at a time; so the values are the tape's.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from symnum.codegen.loops import SELECT, Loop, NoLoop, find_loop, recipe
from symnum.codegen.straight import arity_of
from symnum.codegen.target import Unsupported
from symnum.operators import Operator

TEMPLATES = {
    "fadd": "{r} = fadd{fast} {T} {a}, {b}",
    "fsub": "{r} = fsub{fast} {T} {a}, {b}",
    "fmul": "{r} = fmul{fast} {T} {a}, {b}",
    "fdiv": "{r} = fdiv{fast} {T} {a}, {b}",
    "fneg": "{r} = fneg{fast} {T} {a}",
    "inverse": "{r} = fdiv{fast} {T} {one}, {a}",
    "and": "{r} = and {B} {a}, {b}",
    "or": "{r} = or {B} {a}, {b}",
    "not": "{r} = xor {B} {a}, {true}",
    "select": "{r} = select {B} {a}, {V} {b}, {V} {c}",
    **{f"fcmp {c}": f"{{r}} = fcmp {c} {{T}} {{a}}, {{b}}" for c in ("olt", "ole", "ogt", "oge", "oeq", "une")},
    # NumPy's rules: nan wins, and of two equal values the second one is taken
    "minimum": "{r}.a = fcmp olt {T} {a}, {b}\n{r}.b = fcmp uno {T} {a}, {a}\n{r}.c = or {B} {r}.a, {r}.b\n"
               "{r} = select {B} {r}.c, {T} {a}, {T} {b}",
    "maximum": "{r}.a = fcmp ogt {T} {a}, {b}\n{r}.b = fcmp uno {T} {a}, {a}\n{r}.c = or {B} {r}.a, {r}.b\n"
               "{r} = select {B} {r}.c, {T} {a}, {T} {b}",
    "sign": "{r}.a = fcmp ogt {T} {a}, {zero}\n{r}.b = fcmp olt {T} {a}, {zero}\n{r}.c = fcmp uno {T} {a}, {a}\n"
            "{r}.d = select {B} {r}.a, {T} {one}, {T} {zero}\n{r}.e = select {B} {r}.b, {T} {minus_one}, {T} {r}.d\n"
            "{r} = select {B} {r}.c, {T} {a}, {T} {r}.e",
    # the sign of the divisor, also for a rest of zero
    "modulo": "{r}.a = frem {T} {a}, {b}\n{r}.b = fcmp oeq {T} {r}.a, {zero}\n"
              "{r}.c = call {T} @llvm.copysign.{S}({T} {zero}, {T} {b})\n"
              "{r}.d = fcmp olt {T} {r}.a, {zero}\n{r}.e = fcmp olt {T} {b}, {zero}\n{r}.f = xor {B} {r}.d, {r}.e\n"
              "{r}.g = fadd {T} {r}.a, {b}\n{r}.h = select {B} {r}.f, {T} {r}.g, {T} {r}.a\n"
              "{r} = select {B} {r}.b, {T} {r}.c, {T} {r}.h",
}  # fmt: skip
"""Word -> instructions for result ``r`` and operands ``a, b, c``; the other names in braces are those of :meth:`Types.names`."""

EXACT = frozenset(TEMPLATES) - {"minimum", "maximum"} | {"llvm.sqrt", "llvm.fabs", "llvm.floor", "llvm.ceil"}
"""Words whose values are NumPy's to the last bit; of two zeros NumPy's minimum takes another one on each processor."""

_DECLARED = {"modulo": ("declare {T} @llvm.copysign.{S}({T}, {T})\n",)}
_CALLED = {"modulo": ("fmod",), "llvm.floor": ("floor",), "llvm.ceil": ("ceil",), "llvm.sqrt": ("sqrt",)}
"""C functions that LLVM may call for a word where the processor has no instruction for it."""


def literal(value: float) -> str:
    """Return a double as LLVM reads it back to the last bit.

    >>> literal(0.1)
    '0x3FB999999999999A'
    """
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


@dataclass(frozen=True, slots=True)
class Types:
    """The types of values: plain for one lane, vectors for several rows at a time."""

    lanes: int = 1
    fastmath: bool = False

    def of(self, plain: str) -> str:
        """Return the type of a value whose lanes have type ``plain``.

        >>> Types(4).of("double")
        '<4 x double>'
        """
        return plain if self.lanes == 1 else f"<{self.lanes} x {plain}>"

    def splat(self, plain: str, text: str) -> str:
        """Return a constant with the same value in all lanes."""
        return text if self.lanes == 1 else f"<{', '.join([f'{plain} {text}'] * self.lanes)}>"

    def names(self, *, truth: bool = False) -> dict[str, str]:
        """Return what the names in braces of a template stand for; ``truth`` tells whether {V}, the result, is a truth value."""
        double, boolean = self.of("double"), self.of("i1")
        return dict(
            T=double,
            B=boolean,
            V=boolean if truth else double,
            S="f64" if self.lanes == 1 else f"v{self.lanes}f64",
            fast=" fast" if self.fastmath else "",
            one=self.splat("double", literal(1.0)),
            zero=self.splat("double", literal(0.0)),
            minus_one=self.splat("double", literal(-1.0)),
            true=self.splat("i1", "true"),
        )


@dataclass(frozen=True, slots=True)
class Spelled:
    """An operator in IR.

    ``text`` is a format of the result {0} and the operands {1}, {2}, {3}; ``declared`` goes to the head of each module that uses it;
    ``functions`` are C's functions that it calls; ``loops`` are {symbol: address} of NumPy's.
    """

    text: str
    declared: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    loops: tuple[tuple[str, int], ...] = ()


def spell(row: Operator, place: int, types: Types, *, truth: bool) -> Spelled:
    """Return a row in IR; ``place`` tells its symbols from those of other rows, and ``truth`` whether the result is a truth value.

    Raises Unsupported for a row without an ``llvm`` spelling whose ``numpy`` spelling is not made of ufuncs.

    >>> from symnum.operators import OPERATORS
    >>> spell(OPERATORS["cot"], 0, Types(), truth=False).text
    '{0}.1 = call double @tan(double {1})\\n{0} = fdiv double 0x3FF0000000000000, {0}.1'
    """
    if not row.llvm:
        return _spell_with_loops(row, place, types)
    operands = ["{1}", "{2}", "{3}"][: arity_of(row)]
    words = [word.strip() for word in row.llvm.split("|")]
    lines: list[str] = []
    declared: list[str] = []
    functions: list[str] = []
    for position, word in enumerate(words, 1):
        result = "{0}" if position == len(words) else f"{{0}}.{position}"
        text, head = _word(word, row, len(operands), types)
        given = dict(zip("abc", operands, strict=False))
        lines.append(text.format(r=result, **given, **types.names(truth=truth)))
        declared += [part.format(**types.names()) for part in head]
        functions += _CALLED.get(word, () if word in TEMPLATES or "." in word else (word,))
        operands = [result]
    return Spelled("\n".join(lines), tuple(declared), tuple(functions))


def is_exact(row: Operator) -> bool:
    """Tell whether native values of a row are NumPy's to the last bit."""
    return not row.llvm or all(word.strip() in EXACT for word in row.llvm.split("|"))


def _word(word: str, row: Operator, arity: int, types: Types) -> tuple[str, tuple[str, ...]]:
    """Return the template of a word, and that of what it needs declared."""
    if word in TEMPLATES:
        return TEMPLATES[word], _DECLARED.get(word, ())
    if not re.fullmatch(r"(llvm\.)?[A-Za-z]\w*", word):
        raise Unsupported(
            f"operator {row.name!r} is spelled {word!r} for LLVM, which symnum does not know; write the name of a function of C's "
            f"mathematical library, an intrinsic such as llvm.sqrt, or one of {', '.join(TEMPLATES)}"
        )
    given = ", ".join(f"{{T}} {{{name}}}" for name in "abc"[:arity])
    kinds = ", ".join(["{T}"] * arity)
    if word.startswith("llvm."):
        return f"{{r}} = call {{T}} @{word}.{{S}}({given})", (f"declare {{T}} @{word}.{{S}}({kinds})\n",)
    # nobuiltin: LLVM must not replace a call by what it takes for the same, so that all tiers give equal values
    plain = f"declare double @{word}({', '.join(['double'] * arity)}) nounwind nobuiltin\n"
    if types.lanes == 1:
        return f"{{r}} = call double @{word}({given})", (plain,)
    wrapper = f"symnum_lanes_{word}"
    return f"{{r}} = call {{T}} @{wrapper}({given})", (plain, _by_lane(wrapper, word, arity, types))


def _by_lane(name: str, called: str, arity: int, types: Types) -> str:
    """Return the template of a function that calls another for each lane."""
    given = ", ".join(f"{{T}} %a{i}" for i in range(arity))
    lines = [f"define internal {{T}} @{name}({given}) nounwind noinline {{{{"]
    filled = "poison"
    for lane in range(types.lanes):
        passed = ", ".join(f"double %x{lane}.{i}" for i in range(arity))
        lines += [f"%x{lane}.{i} = extractelement {{T}} %a{i}, i32 {lane}" for i in range(arity)]
        lines.append(f"%y{lane} = call double @{called}({passed})")
        lines.append(f"%r{lane} = insertelement {{T}} {filled}, double %y{lane}, i32 {lane}")
        filled = f"%r{lane}"
    return "\n".join([*lines, f"ret {{T}} {filled}", "}}", ""])


# --- NumPy's inner loops ------------------------------------------------------------------------------------------------------


def _spell_with_loops(row: Operator, place: int, types: Types) -> Spelled:
    """Spell a row by a function that calls NumPy's loops: ``void loop(char **args, npy_intp *count, npy_intp *steps, void *data)``."""
    try:
        micros = recipe(row)
        function = _LoopFunction(f"symnum_row{place}", arity_of(row), types)
        for ufunc, operands in micros:
            function.add(ufunc, operands)
    except NoLoop as problem:
        raise Unsupported(
            f"operator {row.name!r} cannot be spelled for LLVM: {problem}; give register_operator(..., llvm='tanh'), the name of a "
            f"function of C's mathematical library, or compile with target='numpy'"
        ) from None
    kind = types.of("double")
    given = ", ".join(f"{kind} {{{i + 1}}}" for i in range(arity_of(row)))
    text = f"{{0}} = call {function.result_type} @{function.name}({given})"
    return Spelled(text, (function.text(),), loops=tuple(function.symbols))


class _LoopFunction:
    """The IR of a function that computes a recipe, one call of a loop for each of its micro-instructions."""

    def __init__(self, name: str, arity: int, types: Types) -> None:
        self.name, self.types = name, types
        self.double, self.boolean = types.of("double"), types.of("i1")
        self.given = ", ".join(f"{self.double} %a{i}" for i in range(arity))
        self.lines: list[str] = []
        self.symbols: list[tuple[str, int]] = []
        self.heads: list[str] = []
        self.truths: list[bool] = []

    @property
    def result_type(self) -> str:
        return self.boolean if self.truths[-1] else self.double

    def add(self, ufunc: object, operands: Sequence[object]) -> None:
        """Append one micro-instruction of a recipe."""
        k = len(self.truths)
        kinds = tuple([isinstance(o, str) and self.truths[int(o[1:])] for o in operands])
        spelled = [self._operand(o) for o in operands]
        if ufunc is SELECT:
            if kinds != (True, False, False):
                raise NoLoop("it chooses between truth values")
            condition, yes, no = spelled
            self.lines.append(
                f"%m{k} = select {self.boolean} {condition}, {self.double} {yes}, {self.double} {no}"
            )
            self.truths.append(False)
            return
        self._call(k, find_loop(ufunc, kinds), spelled, kinds)

    def _operand(self, operand: object) -> str:
        if isinstance(operand, str):
            return f"%m{operand[1:]}"
        if isinstance(operand, float):
            return self.types.splat("double", literal(operand))
        return f"%a{operand}"

    def _call(self, k: int, loop: Loop, operands: Sequence[str], truths: Sequence[bool]) -> None:
        bytes_ = self.types.of("i8")
        lanes, lines = self.types.lanes, self.lines
        symbol, data = f"{self.name}_loop{k}", "null"
        self.symbols.append((symbol, loop.function))
        self.heads.append(f"declare void @{symbol}(ptr, ptr, ptr, ptr) nounwind\n")
        if loop.data:
            data = f"@{symbol}_data"
            self.symbols.append((data[1:], loop.data))
            self.heads.append(f"{data} = external global i8\n")
        lines += [f"%n{k} = alloca i64", f"store i64 {lanes}, ptr %n{k}"]
        lines += [f"%p{k} = alloca [4 x ptr]", f"%s{k} = alloca [4 x i64]"]
        for j, truth in enumerate((*truths, loop.boolean)):
            place = f"%b{k}.{j}"
            lines.append(f"{place} = alloca {bytes_ if truth else self.double}")
            if j < len(operands):
                value = operands[j]
                if truth:
                    lines.append(f"%z{k}.{j} = zext {self.boolean} {value} to {bytes_}")
                    value = f"%z{k}.{j}"
                lines.append(f"store {bytes_ if truth else self.double} {value}, ptr {place}")
            lines += [
                f"%pp{k}.{j} = getelementptr ptr, ptr %p{k}, i64 {j}",
                f"store ptr {place}, ptr %pp{k}.{j}",
                f"%sp{k}.{j} = getelementptr i64, ptr %s{k}, i64 {j}",
                f"store i64 {1 if truth else 8}, ptr %sp{k}.{j}",
            ]
        lines.append(f"call void @{symbol}(ptr %p{k}, ptr %n{k}, ptr %s{k}, ptr {data})")
        found = f"%b{k}.{len(operands)}"
        if loop.boolean:
            lines.append(f"%l{k} = load {bytes_}, ptr {found}")
            lines.append(f"%m{k} = trunc {bytes_} %l{k} to {self.boolean}")
        else:
            lines.append(f"%m{k} = load {self.double}, ptr {found}")
        self.truths.append(loop.boolean)

    def text(self) -> str:
        """Return the declarations and the function."""
        head = f"define internal {self.result_type} @{self.name}({self.given}) nounwind noinline {{"
        last = f"ret {self.result_type} %m{len(self.truths) - 1}"
        return "".join(self.heads) + "\n".join([head, *self.lines, last, "}", ""])
