"""``symnum.compile``: terms become a function of numbers and arrays."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from symnum import term as interface
from symnum.codegen.auto import promoting
from symnum.codegen.export import file_of, write_files
from symnum.codegen.lower import Program, lower
from symnum.codegen.parameters import separate
from symnum.codegen.target import AUTO, TARGETS, TIERS, TRAINING, Code, Options, Unsupported, build

_FLOAT64 = numpy.dtype(float)
_PLAIN = frozenset({float})
_SCALARS = frozenset({float, int, bool, numpy.float64, numpy.float32, numpy.int64, numpy.int32, numpy.bool_})


def compile(
    expression: Any, arguments: Any, target: str = "auto", *, fastmath: bool = False, tier: str = "auto"
) -> CompiledFunction:
    """Compile a term, a list of terms or a list of equally long lists to a function of ``arguments``.

    ``target`` is "tape" (no compile time), "numba" (machine code, kept on disk), "native" (machine code of large programs in a
    fraction of a second), "numpy" (plain NumPy source), "c" (a C99 file, compiled by the system's compiler at the first call), "torch"
    (a torch.nn.Module, whose parameters are the expression's floats), or "auto": the tape, or NumPy where an operator has no place on
    the tape; large programs of arithmetic get native code when they were called often with single numbers, which changes no value.
    ``fastmath=True`` lets numba and native code reorder arithmetic and ignore nan.  ``tier`` is a choice of native code: "first"
    stays with code that was quick to make, "optimised" waits for better code, and "auto" replaces the one by the other, in the
    background, when the function was called often.

    Raises ValueError for a symbol that is not an argument, for arguments that repeat or share a name, for an unknown target and
    for an operator that the target cannot spell; TypeError for an argument that is not a symbol.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> f = sn.compile(x**2 + y, [x, y])
    >>> f(3.0, 1.0)
    10.0
    >>> f([1, 2, 3], 0.5)
    array([1.5, 4.5, 9.5])
    """
    return CompiledFunction(expression, arguments, target, fastmath=fastmath, tier=tier)


class CompiledFunction:
    """A function of numbers and arrays, made by :func:`symnum.compile`.

    Call it with one number or array for each argument; arrays broadcast.  One term gives the broadcast shape, a list of n terms
    (n, *shape), lists of lists (rows, columns, *shape); numbers alone give a float (a bool for a condition) or an array of one
    value for each term.  ``out=`` takes the array to fill.  Values are float64 and follow IEEE rules: log(-1) is nan.

    ``source`` is the code, ``target`` the target in use, ``why`` says why it is in use and what was cached.  ``numba`` is the
    scalar function to call from one's own njit code (target "numba"), and ``address`` that of the function in machine code
    (target "native").  ``write`` makes a file of the code of the targets
    "c", whose ``header`` declares it, and "torch", whose ``module`` is a torch.nn.Module.  In that, the floats of the expression are
    trainable; exact numbers (2, 1/3, pi) stay fixed, and so do coefficients of 1.0 and -1.0 and whole exponents.  ``expression`` is
    what was compiled, with the constants as trained.
    """

    __slots__ = (
        "__weakref__", "_code", "_count", "_dtype", "_kept", "_names", "_outer", "_program", "_reason", "_scalar", "_single", "target",
    )  # fmt: skip

    def __init__(
        self,
        expression: Any,
        arguments: Any,
        target: str = "auto",
        *,
        fastmath: bool = False,
        tier: str = "auto",
    ) -> None:
        if target != "auto" and target not in TARGETS:
            raise ValueError(
                f"there is no target {target!r}; the targets are 'auto', {', '.join(map(repr, TARGETS))}"
            )
        if tier not in TIERS:
            raise ValueError(f"there is no tier {tier!r}; the tiers are {', '.join(map(repr, TIERS))}")
        if tier != "auto" and target != "native":
            raise ValueError(
                f"tier={tier!r} is a choice of target='native', but the target is {target!r}; leave it out"
            )
        symbols = _checked_arguments(arguments)
        terms, self._outer = _flatten(expression)
        self._kept = (expression, arguments, target, {"fastmath": fastmath, "tier": tier})
        parameters = separate(terms, symbols) if target in TRAINING else None
        if parameters is None:
            self._program: Program = lower(terms, symbols)
        else:
            self._program = lower(parameters.terms, [*parameters.arguments, *parameters.symbols])
        options = Options(fastmath=fastmath, tier=tier, shape=self._outer, parameters=parameters)
        self._code, self.target, self._reason = _choose(self._program, target, options)
        self._count = len(symbols)
        self._names = self._program.arguments[: self._count]
        self._single = self._outer == ()
        self._dtype = numpy.dtype(bool if self._program.boolean else float)
        self._scalar = self._code.scalar

    @property
    def source(self) -> str:
        """Return the code as text."""
        return self._code.source

    @property
    def numba(self) -> Any:
        """Return the scalar function (floats to a float, or to a tuple) to be called in one's own njit code."""
        if self._code.numba is None:
            raise AttributeError(
                f"the target {self.target!r} has no njit function; compile with target='numba'"
            )
        return self._code.numba

    @property
    def why(self) -> str:
        """Return why this target is in use, and what it says about itself, which may change while the function is used."""
        remark = self._code.remark
        return f"{self._reason}; {remark}" if remark else self._reason

    @property
    def address(self) -> int:
        """Return the address of ``void(double *x, double *p, double *out, double *work)`` with all arguments in ``x``.

        ``p`` is not read, ``work`` is room for :attr:`work` doubles, and truth values come as 1.0 and 0.0.
        """
        if self._code.address is None:
            raise AttributeError(f"the target {self.target!r} has no address; compile with target='native'")
        return self._code.address

    @property
    def work(self) -> int:
        """Return how many doubles of work memory the function at :attr:`address` needs."""
        return self._code.work

    @property
    def tier(self) -> str:
        """Return which tier of the native target runs, "first" or "optimised"; other targets have one only, "optimised"."""
        return self._code.tier

    @property
    def module(self) -> Any:
        """Return the torch.nn.Module (target "torch"), whose parameters are the float constants of the expression.

        Raises ImportError where torch is not installed.
        """
        module = self._code.torch_module
        if module is None:
            raise AttributeError(
                f"the target {self.target!r} has no torch module; compile with target='torch'"
            )
        return module

    @property
    def expression(self) -> Any:
        """Return what was compiled, for target "torch" with the constants as they are trained now."""
        terms = self._code.trained()
        if terms is None:
            return self._kept[0]
        return _shaped(terms, self._outer)

    @property
    def header(self) -> str:
        """Return the C header that declares the function of ``source`` (target "c")."""
        return file_of(self._code, self.target, ".h")

    def write(self, path: str | os.PathLike[str], name: str | None = None) -> list[Path]:
        """Write the code as a file of one's own, with its header beside it for target "c", and return the paths.

        The function in it is called ``name``, by default as the file.  Raises ValueError for a target whose code runs in symnum only,
        for another suffix than the target's and for a name that its language has taken.

        >>> import tempfile, symnum as sn
        >>> x = sn.symbols("x")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path.name for path in sn.compile(x**2, [x], target="c").write(folder + "/square.c")]
        ['square.c', 'square.h']
        """
        return write_files(self._code, self.target, path, name)

    @property
    def operations(self) -> int:
        """Return how many operations one evaluation takes."""
        return len(self._program.steps)

    def __call__(self, *values: Any, out: Any = None) -> Any:
        """Return the values at ``values``, one number or array for each argument.

        Raises TypeError for a wrong number of values or for values that are not real numbers, ValueError for shapes that do not
        broadcast and for an ``out`` of another shape or type.
        """
        if out is None and len(values) == self._count:
            kinds = set(map(type, values))
            if kinds <= _PLAIN:
                found = self._scalar(*values)
                return found if self._single else self._packed(found)
            if kinds <= _SCALARS:
                try:
                    given = list(map(float, values))
                except OverflowError:
                    raise OverflowError(_too_large(values, self._names)) from None
                found = self._scalar(*given)
                return found if self._single else self._packed(found)
        return self._broadcast(values, out)

    def _packed(self, found: Any) -> Any:
        return numpy.array(found, self._dtype).reshape(self._outer)

    def _broadcast(self, values: Sequence[Any], out: Any) -> Any:
        if len(values) != self._count:
            raise TypeError(
                f"the function takes {self._count} argument{'' if self._count == 1 else 's'} ({', '.join(self._names)}), "
                f"but {len(values)} {'was' if len(values) == 1 else 'were'} given"
            )
        inputs: Sequence[Any] = values
        shape = _common_shape(values)
        if shape is None:
            arrays = [_as_floats(v, name) for v, name in zip(values, self._names, strict=True)]
            shape = self._shape(arrays)
            inputs = [a if a.shape == shape or a.size == 1 else numpy.broadcast_to(a, shape) for a in arrays]
        if len(shape) != 1 or inputs is not values:
            inputs = [a.reshape(-1) for a in inputs]
        wanted = (*self._outer, *shape)
        outputs, count = len(self._program.outputs), math.prod(shape)
        if out is None:
            filled = numpy.empty((outputs, count), self._dtype)
            if filled.size:
                self._code.rows(inputs, count, filled)
            return filled.reshape(wanted) if wanted else filled.item()
        self._check_out(out, wanted)
        direct = out.flags.carray and not any(_may_overlap(out, a) for a in inputs)
        filled = out.reshape(outputs, count) if direct else numpy.empty((outputs, count), self._dtype)
        if filled.size:
            self._code.rows(inputs, count, filled)
        if not direct:
            out[...] = filled.reshape(wanted)
        return out

    def _shape(self, arrays: Sequence[Any]) -> tuple[int, ...]:
        shapes = {a.shape for a in arrays}
        if len(shapes) == 1:
            (shape,) = shapes
            return tuple(shape)
        try:
            return numpy.broadcast_shapes(*shapes)
        except ValueError:
            listed = ", ".join(f"{name} {a.shape}" for name, a in zip(self._names, arrays, strict=True))
            raise ValueError(
                f"the arguments do not broadcast to one shape: {listed}; give them equal or compatible shapes"
            ) from None

    def _check_out(self, out: Any, wanted: tuple[int, ...]) -> None:
        if not isinstance(out, numpy.ndarray):
            raise TypeError(
                f"out must be a NumPy array, but is {type(out).__name__}; write out=numpy.empty({wanted})"
            )
        if out.shape != wanted or out.dtype != self._dtype:
            raise ValueError(
                f"out must have shape {wanted} and type {self._dtype}, but has shape {out.shape} and type {out.dtype}; "
                f"write out=numpy.empty({wanted}{'' if self._dtype.kind == 'f' else ', bool'})"
            )
        if not out.flags.writeable:
            raise ValueError("out is read-only; pass an array that may be written")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as what was compiled, never as code: it is compiled again where it is loaded."""
        _, arguments, target, options = self._kept
        return _rebuild, (self.expression, arguments, target, options)

    def __copy__(self) -> CompiledFunction:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledFunction:
        return self

    def __repr__(self) -> str:
        inputs = (
            ", ".join(self._names)
            if self._count <= 8
            else f"{', '.join(self._names[:6])}, ... {self._count} in all"
        )
        outputs = "x".join(map(str, self._outer)) + " values" if self._outer else "1 value"
        return (
            f"<symnum function ({inputs}) -> {outputs}, {self.operations} operations, target {self.target!r}>"
        )


def _rebuild(expression: Any, arguments: Any, target: str, options: dict[str, Any]) -> CompiledFunction:
    return CompiledFunction(expression, arguments, target, **options)


def _choose(program: Program, target: str, options: Options) -> tuple[Code, str, str]:
    """Return (code, target in use, why)."""
    if target != "auto":
        return build(program, target, options), target, "asked for"
    if options.fastmath:
        raise ValueError(
            "fastmath is a choice of target='numba' and of target='native', which target='auto' does not take; name one of them"
        )
    reasons: list[str] = []
    for name in AUTO:
        try:
            code = build(program, name, options)
        except Unsupported as problem:
            reasons.append(str(problem))
            continue
        if name == "tape":
            code = promoting(code, program)
        chosen = _MERITS[name] if not reasons else f"{name} because {'; '.join(reasons)}"
        return code, name, f"auto: {chosen}"
    raise Unsupported("; ".join(reasons))


_MERITS = {
    "tape": "the tape, which needs no compile time; target='numba' runs small functions faster after compiling them"
}


def _checked_arguments(arguments: Any) -> list[Any]:
    if isinstance(arguments, str) or not (interface.is_term(arguments) or hasattr(arguments, "__iter__")):
        raise TypeError(
            f"the arguments are a list of symbols, but got {arguments!r}; write symnum.compile(expression, [x, y])"
        )
    given = [arguments] if interface.is_term(arguments) else list(arguments)
    seen: dict[str, Any] = {}
    for argument in given:
        if not interface.is_term(argument) or not interface.is_symbol(argument):
            raise TypeError(
                f"argument {argument!s} is not a symbol; pass the symbols of the expression, such as [x, y]"
            )
        name = interface.name(argument)
        if name in seen:
            if interface.key(seen[name]) == interface.key(argument):
                raise ValueError(f"the argument {name!r} is given twice; list each symbol once")
            raise ValueError(
                f"two arguments are named {name!r} and differ in assumptions or sort, so a caller could not tell them apart; rename one"
            )
        seen[name] = argument
    return given


def _flatten(expression: Any) -> tuple[list[Any], tuple[int, ...]]:
    """Return the terms in order and the shape that they were given in: (), (n,) or (rows, columns)."""
    if not _is_list(expression):
        return [_term(expression)], ()
    items = list(expression)
    if not any(_is_list(item) for item in items):
        return [_term(item) for item in items], (len(items),)
    rows = [list(item) if _is_list(item) else [] for item in items]
    lengths = {len(row) for row in rows}
    if len(lengths) != 1 or not all(_is_list(item) for item in items):
        raise ValueError("a list of lists of terms must have rows of one length; fill short rows with 0")
    return [_term(item) for row in rows for item in row], (len(rows), *lengths)


def _shaped(terms: list[Any], outer: tuple[int, ...]) -> Any:
    """Return terms in the shape that they were given in; see :func:`_flatten`."""
    if len(outer) < 2:
        return terms if outer else terms[0]
    return [terms[i * outer[1] : (i + 1) * outer[1]] for i in range(outer[0])]


def _is_list(thing: Any) -> bool:
    return isinstance(thing, list | tuple) or (isinstance(thing, numpy.ndarray) and thing.ndim > 0)


def _term(thing: Any) -> Any:
    if isinstance(thing, numpy.generic):
        thing = thing.item()
    interface.interface(thing)
    return thing


def _common_shape(values: Sequence[Any]) -> tuple[int, ...] | None:
    """Return the shape that all values have if they are plain contiguous arrays of float64, which is the usual case; else None."""
    shape = None
    for value in values:
        if type(value) is not numpy.ndarray or value.dtype is not _FLOAT64 or not value.flags.carray:
            return None
        if shape is None:
            shape = value.shape
        elif value.shape != shape:
            return None
    return shape


def _may_overlap(out: Any, given: Any) -> bool:
    """Tell whether two arrays may share memory; two that own theirs do not."""
    if out.base is None and given.base is None:
        return out is given
    return numpy.may_share_memory(out, given)


def _too_large(values: Sequence[Any], names: Sequence[str]) -> str:
    """Return the message for a number that no float holds."""
    for value, name in zip(values, names, strict=True):
        try:
            float(value)
        except OverflowError:
            return (
                f"argument {name!r} is beyond the largest float, 1.8e308; scale the problem, or use "
                f"symnum.evaluate(term, values, precision=15)"
            )
    return "an argument is beyond the largest float, 1.8e308; scale the problem"


def _as_floats(value: Any, name: str) -> Any:
    """Return an aligned float64 array of what a caller passed; raises TypeError for anything but real numbers."""
    if isinstance(value, numpy.ma.MaskedArray):
        raise TypeError(
            f"argument {name!r} is a masked array, whose mask would be lost; pass value.filled(numpy.nan)"
        )
    try:
        array = numpy.asarray(value)
    except (TypeError, ValueError) as problem:  # a term, or lists of different lengths
        raise TypeError(f"argument {name!r} is not made of real numbers: {problem}") from None
    if array.dtype.kind not in "fiub":
        if array.dtype.kind == "c":
            raise TypeError(
                f"argument {name!r} is complex, but compiled functions are real; pass real and imaginary parts apart"
            )
        if array.dtype.kind != "O":
            raise TypeError(
                f"argument {name!r} has type {array.dtype}, which is not a real number; pass floats"
            )
        try:
            # not astype, which reads None as nan and takes text
            array = numpy.array([v.__float__() for v in array.flat]).reshape(array.shape)
        except (AttributeError, TypeError, ValueError, OverflowError) as problem:
            raise TypeError(f"argument {name!r} is not made of real numbers: {problem}") from None
    if array.dtype != numpy.float64 or not array.flags.aligned:
        array = numpy.require(array, numpy.float64, "A")
    return array
