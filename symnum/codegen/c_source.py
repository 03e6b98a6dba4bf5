"""The ``c`` target: a C99 file that needs nothing but the mathematics library, compiled by the system's compiler at the first call.

A small program becomes one function.  A large one becomes functions of bounded size that share an array ``w`` of values, so that
the compiler's time grows linearly with the number of steps.
"""

from __future__ import annotations

import ctypes
import math
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy

import symnum
from symnum.codegen import c_library
from symnum.codegen.c_helpers import needed
from symnum.codegen.export import NAME
from symnum.codegen.lower import Operand, Program
from symnum.codegen.registers import allocate, last_uses
from symnum.codegen.source import without_outer_brackets
from symnum.codegen.target import Code, Options, Unsupported

PART = 500
"""Largest number of statements in a function."""

STACK = 4096
"""Largest number of doubles that a function keeps on the stack; more are allocated for each call."""


class CCode(Code):
    """The C source of a program, and the library made from it when it is first called."""

    def __init__(self, program: Program, options: Options) -> None:
        self.program = program
        self.text = write(program, NAME)
        self.remark = "the first call compiles it"
        self._work = workspace(program)
        self._lock = threading.Lock()
        self._library: Any = None

    @property
    def source(self) -> str:
        """Return the C file."""
        return self.text

    def files(self, name: str) -> dict[str, str]:
        """Return the C file and its header, by suffix, with ``name`` as the function's name."""
        return {".c": write(self.program, name), ".h": header(self.program, name)}

    def rows(self, inputs: Sequence[Any], count: int, out: Any) -> None:
        """Fill ``out`` (outputs, count)."""
        library = self._library or self._load()
        n = len(inputs)
        addresses = (ctypes.c_void_p * n)(*(a.__array_interface__["data"][0] for a in inputs))
        steps = (ctypes.c_ssize_t * n)(*(a.strides[0] // 8 if a.shape[0] == count else 0 for a in inputs))
        filled = numpy.empty(out.shape) if out.dtype == bool else out
        work = numpy.empty(n + len(out) + self._work)
        library.symnum_rows(count, addresses, steps, filled.ctypes.data, work.ctypes.data)
        if filled is not out:
            numpy.not_equal(filled, 0.0, out=out)

    def scalar(self, *values: float) -> Any:
        """Return the value, or a sequence of the values, at one point."""
        library = self._library or self._load()
        given = (ctypes.c_double * len(values))(*values)
        count = len(self.program.outputs)
        if count == 1:
            one = (ctypes.c_double * 1)()
            library.formula(given, one)
            return one[0] != 0.0 if self.program.boolean else one[0]
        out: Any = numpy.empty(max(count, 1))
        library.formula(given, (ctypes.c_double * len(out)).from_buffer(out))
        return out[:count]

    def _load(self) -> Any:
        with self._lock:
            if self._library is None:
                library, self.remark = c_library.load(self.text + "\n" + rows_function(self.program))
                pointer = ctypes.c_void_p
                library.symnum_rows.argtypes = (ctypes.c_ssize_t, pointer, pointer, pointer, pointer)
                library.symnum_rows.restype = library.formula.restype = None
                self._library = library
            return self._library


def build(program: Program, options: Options) -> Code:
    """Return the program as C; raises Unsupported when an operator has no C spelling."""
    if options.fastmath:
        raise ValueError(
            "fastmath is a choice of target='numba'; C code is compiled to follow IEEE rules: leave fastmath out, or write the file "
            "with f.write('model.c') and compile it with -ffast-math yourself"
        )
    for row in program.operators():
        if not row.c:
            raise Unsupported(
                f"operator {row.name!r} has no C spelling; give one with symnum.register_operator({row.name!r}, ..., "
                f"c='tanh({{0}})'), and c_code= with the C functions that it calls and math.h lacks"
            )
    return CCode(program, options)


# --- source -----------------------------------------------------------------------------------------------------------------


def write(program: Program, name: str) -> str:
    """Return the C file whose public function has this name; raises ValueError for a name that C or math.h has taken."""
    check_name(name)
    rows = program.operators()
    work = workspace(program)
    large = len(program.steps) > PART
    head = [_comment(program, name), "#include <math.h>"]
    if work > STACK:
        head.append("#include <stdlib.h>")
    own = list(dict.fromkeys(row.c_code.strip() + "\n" for row in rows if row.c_code))
    helpers = needed([*(row.c for row in rows), *own])
    body = _parts(program, name, work) if large else [_whole(program, name)]
    return "\n".join(["\n".join(head) + "\n", *helpers, *own, *body])


def header(program: Program, name: str) -> str:
    """Return the header file."""
    guard = f"{name.upper()}_H"
    lines = [
        f"/* Generated by symnum {symnum.__version__}. */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f"/* Fill out[{len(program.outputs)}] from x[{len(program.arguments)}]; they must not overlap. */",
        f"{_signature(name)};",
    ]
    if workspace(program):
        lines += [
            "",
            f"/* The same with a workspace of the caller's: w[{workspace(program)}]. */",
            f"{_signature(name + '_in', 'double *w')};",
        ]
    lines += ["", "#ifdef __cplusplus", "}", "#endif", "#endif"]
    return "\n".join(lines) + "\n"


def workspace(program: Program) -> int:
    """Return how many values a program's parts hand to one another."""
    return _registers(program)[1] if len(program.steps) > PART else 0


def rows_function(program: Program) -> str:
    """Return the loop over rows that is compiled into the library: ``out[j*rows + i]`` is value j of row i."""
    arguments, outputs = len(program.arguments), len(program.outputs)
    large = workspace(program) > 0
    places = (
        [f"    double *x = work, *y = work + {arguments};"]
        if large
        else [f"    double x[{max(arguments, 1)}], y[{max(outputs, 1)}];", "    (void)work;"]
    )
    call = f"{NAME}_in(x, y, work + {arguments + outputs});" if large else f"{NAME}(x, y);"
    return "\n".join(
        [
            "#include <stddef.h>",
            "",
            "void symnum_rows(ptrdiff_t rows, const double *const *in, const ptrdiff_t *step, double *restrict out, double *work)",
            "{",
            *places,
            "    for (ptrdiff_t i = 0; i < rows; i++) {",
            f"        for (ptrdiff_t k = 0; k < {arguments}; k++)",
            "            x[k] = in[k][i * step[k]];",
            f"        {call}",
            f"        for (ptrdiff_t k = 0; k < {outputs}; k++)",
            "            out[k * rows + i] = y[k];",
            "    }",
            "}",
            "",
        ]
    )


def _comment(program: Program, name: str) -> str:
    """Say what the file is, and which argument is which; a user's names stand nowhere else."""
    count, outputs = len(program.arguments), len(program.outputs)
    lines = [
        f"/* Generated by symnum {symnum.__version__}: {len(program.steps)} operations, {outputs} value{'s'[: outputs != 1]}.",
        " *",
        *(f" * x[{i}]  {_harmless(argument)}" for i, argument in enumerate(program.arguments)),
        *([" *"] if count else []),
        f" * cc -std=c99 -O2 -ffp-contract=off -c {name}.c    and link with -lm",
        " */",
    ]
    return "\n".join(lines)


def _harmless(name: str) -> str:
    """Return a user's name such that it can neither end the comment nor begin another."""
    return re.sub(r"[^\w\\.:,-]", "_", ascii(name)[1:-1])


def _signature(name: str, *more: str) -> str:
    return f"void {name}({', '.join(['const double *x', 'double *out', *more])})"


class _Spelling:
    """Spell operands and statements: ``x[0]`` for an argument, ``t0`` for a result, constants as literals."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.count = len(program.arguments)
        self.constants = [literal(value) for value in program.constants]
        self.templates = {row.name: row.c for row in program.operators()}

    def __call__(self, operand: Operand) -> str:
        if operand < 0:
            return self.constants[-1 - operand]
        return f"x[{operand}]" if operand < self.count else f"t{operand - self.count}"

    def declaration(self, index: int, value: str) -> str:
        kind = "int" if self.program.boolean_steps[index] else "double"
        return f"    const {kind} t{index} = {value};"

    def step(self, index: int) -> str:
        op, operands = self.program.steps[index]
        value = self.templates[op].format(*map(self, operands))
        return self.declaration(index, without_outer_brackets(value))


def literal(value: float | bool) -> str:
    """Return a C expression of a constant.

    >>> literal(-2.0), literal(float("inf")), literal(True)
    ('(-2.0)', 'INFINITY', '1')
    """
    if type(value) is bool:
        return str(int(value))
    if math.isnan(value):
        return "NAN"
    text = "INFINITY" if math.isinf(value) else repr(abs(float(value)))
    return f"(-{text})" if math.copysign(1.0, value) < 0 else text


def _whole(program: Program, name: str) -> str:
    spelled = _Spelling(program)
    lines = [_signature(name), "{"]
    if not any(o < spelled.count and o >= 0 for operands in _operands(program) for o in operands):
        lines.append("    (void)x;")
    lines += [spelled.step(index) for index in range(len(program.steps))]
    lines += [f"    out[{j}] = {spelled(output)};" for j, output in enumerate(program.outputs)]
    return "\n".join([*lines, "}", ""])


def _operands(program: Program) -> Iterator[tuple[Operand, ...]]:
    """Yield what each step reads, and what the outputs read."""
    yield from (operands for _, operands in program.steps)
    yield program.outputs


def _registers(program: Program) -> tuple[list[int], int]:
    """Return (place in w of each step, -1 where only its own part reads it; length of w)."""
    count = len(program.arguments)
    operands = [o for _, o in program.steps]
    last = last_uses(count, operands)
    within = [last[count + i] // PART <= i // PART for i in range(len(operands))]
    return allocate(count, operands, (), placed=within.__getitem__, in_place=lambda i: False)


def _parts(program: Program, name: str, work: int) -> list[str]:
    """Return the functions of a large program.  An output is stored as soon as it is known."""
    count = len(program.arguments)
    spelled = _Spelling(program)
    place, _ = _registers(program)
    wanted: dict[int, list[int]] = {}
    for position, output in enumerate(program.outputs):
        wanted.setdefault(output, []).append(position)
    parts: list[list[str]] = []
    for start in range(0, len(program.steps), PART):
        lines: list[str] = []
        known = set(range(start))
        for index in range(start, min(start + PART, len(program.steps))):
            for operand in program.steps[index][1]:
                read = operand - count
                if read >= 0 and read in known:
                    known.remove(read)
                    lines.append(
                        spelled.declaration(
                            read, f"w[{place[read]}]" + " != 0.0" * program.boolean_steps[read]
                        )
                    )
            lines.append(spelled.step(index))
            if place[index] >= 0:
                lines.append(f"    w[{place[index]}] = t{index};")
            lines += [f"    out[{j}] = t{index};" for j in wanted.get(count + index, ())]
        parts.append(lines)
    plain = [f"    out[{j}] = {spelled(o)};" for o, found in wanted.items() if o < count for j in found]
    parts += [plain[i : i + PART] for i in range(0, len(plain), PART)]
    arguments = "const double *restrict x, double *restrict out, double *restrict w"
    texts = []
    for number, lines in enumerate(parts):
        unused = [f"    (void){v};" for v in ("x", "out", "w") if not any(f"{v}[" in line for line in lines)]
        texts.append(
            "\n".join([f"static void symnum_part{number}({arguments})", "{", *unused, *lines, "}", ""])
        )
    calls = [f"    symnum_part{number}(x, out, w);" for number in range(len(parts))]
    return [
        *texts,
        "\n".join([_signature(f"{name}_in", "double *w"), "{", *calls, "}", ""]),
        _public(program, name, work),
    ]


def _public(program: Program, name: str, work: int) -> str:
    if work <= STACK:
        body = [f"    double w[{max(work, 1)}];", f"    {name}_in(x, out, w);"]
    else:
        body = [
            f"    double *w = malloc({work} * sizeof *w);",
            "    if (w == NULL) {",
            f"        for (int j = 0; j < {len(program.outputs)}; j++)",
            "            out[j] = NAN; /* out of memory */",
            "        return;",
            "    }",
            f"    {name}_in(x, out, w);",
            "    free(w);",
        ]
    return "\n".join([_signature(name), "{", *body, "}", ""])


# --- names ------------------------------------------------------------------------------------------------------------------

_TAKEN = frozenset(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long register restrict
    return short signed sizeof static struct switch typedef union unsigned void volatile while asm typeof main
    class delete explicit export false friend mutable namespace new operator private protected public template this throw true try
    catch typename using virtual bool and or not xor nullptr constexpr
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim floor fma fmax fmin fmod
    frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint nextafter nexttoward
    pow remainder remquo rint round scalbn scalbln sin sinh sqrt tan tanh tgamma trunc gamma j0 j1 jn y0 y1 yn drem exp10 signgam
    fpclassify isfinite isinf isnan isnormal signbit isgreater isless isunordered finite significand scalb
    malloc calloc realloc free abort exit atexit system getenv abs labs div ldiv rand srand qsort bsearch atof atoi atol strtod
    x out w
    """.split()
)


def check_name(name: str) -> None:
    """Raise ValueError unless ``name`` can be the public function of a C file."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is not None
    taken = {name, name.removesuffix("f"), name.removesuffix("l")} & _TAKEN or name.startswith("symnum_")
    if not plain or taken:
        what = "is taken in C" if plain else "is no name in C"
        raise ValueError(
            f"the function cannot be called {name!r}, which {what}; give another name, such as 'model'"
        )
