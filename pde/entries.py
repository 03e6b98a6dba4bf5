"""Single numbers of a solver that indexes entries by hand: each is a record on a tape, and NumPy's object arrays carry them.

    for i in range(1, n - 1):
        du[i] = u[i - 1] - 2*u[i] + u[i + 1]

The tape keeps the operations as they were written, each equal one once.  :mod:`symnum.pde.rerolling` finds the loops in it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from symnum.pde.refusal import TraceError, refuse
from symnum.pde.stand_ins import Stand, math_functions, stand_ins
from symnum.pde.ufuncs import composed_of, head_of, unknown_ufunc

Record = tuple[Any, ...]


class Tape:
    """Operations and leaves by number; a record is (operator, numbers of its arguments) or a leaf.

    Leaves are ("input", name, place in the flat array) and ("number", value).
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._known: dict[Record, int] = {}

    def put(self, record: Record) -> int:
        """Return the number of a record, a new one only if there is none like it."""
        found = self._known.get(record)
        if found is None:
            found = self._known[record] = len(self.records)
            self.records.append(record)
        return found

    def number(self, value: Any) -> int:
        """Return the number of the record of a value: an entry or a number of Python or NumPy."""
        if isinstance(value, Entry):
            if value._tape is not self:
                refuse("two traced numbers come from different traces", "keep no traced number after tracing")
            return value._record
        if isinstance(value, bool | np.bool_):
            return self.put(("number", bool(value)))
        if isinstance(value, int | float | np.integer | np.floating):
            # the sign of a zero counts, and 0.0 == -0.0
            return self.put(("number", float(value), str(value)) if value == 0 else ("number", float(value)))
        if isinstance(value, np.ndarray) and value.ndim == 0:
            return self.number(value.item())
        refuse(
            f"{type(value).__name__} {value!r:.60} cannot be combined with a traced number",
            "use real numbers and arrays of real numbers",
        )

    def entry(self, record: Record) -> Entry:
        """Return the traced number of a record."""
        return Entry(self, self.put(record))

    def input(self, name: str, shape: tuple[int, ...]) -> Any:
        """Return an array of the entries of an input, or the one entry of an input without axes."""
        entries = [self.entry(("input", name, place)) for place in range(prod(shape))]
        return entries[0] if not shape else _array(entries, shape)


def _array(entries: Sequence[Any], shape: tuple[int, ...]) -> EntryArray:
    return np.fromiter(entries, dtype=object, count=len(entries)).reshape(shape).view(EntryArray)


def _operator(ufunc: Any, reflected: bool = False) -> Callable[[Entry, Any], Any]:
    head = head_of(ufunc.__name__)

    def operate(self: Entry, other: Any) -> Any:
        if isinstance(other, np.ndarray) and other.ndim:
            return NotImplemented  # the array goes through its entries
        if head is None:
            return applied(ufunc, (other, self) if reflected else (self, other))
        tape, mine = self._tape, self._record
        its = other._record if type(other) is Entry and other._tape is tape else tape.number(other)
        return Entry(tape, tape.put((head, its, mine) if reflected else (head, mine, its)))

    return operate


class Entry:
    """Stand for one number in a solver that is traced entry by entry.

    It takes operators and NumPy's ufuncs, and refuses what needs its value.
    """

    __slots__ = ("_record", "_tape")
    __hash__ = None  # type: ignore[assignment]  # == is a condition, as for arrays
    shape: tuple[int, ...] = ()
    ndim = 0
    size = 1
    dtype = np.dtype(object)

    def __init__(self, tape: Tape, record: int) -> None:
        self._tape, self._record = tape, record

    __add__, __radd__ = _operator(np.add), _operator(np.add, True)
    __sub__, __rsub__ = _operator(np.subtract), _operator(np.subtract, True)
    __mul__, __rmul__ = _operator(np.multiply), _operator(np.multiply, True)
    __truediv__, __rtruediv__ = _operator(np.true_divide), _operator(np.true_divide, True)
    __floordiv__, __rfloordiv__ = _operator(np.floor_divide), _operator(np.floor_divide, True)
    __mod__, __rmod__ = _operator(np.remainder), _operator(np.remainder, True)
    __pow__, __rpow__ = _operator(np.power), _operator(np.power, True)
    __and__, __rand__ = _operator(np.bitwise_and), _operator(np.bitwise_and, True)
    __or__, __ror__ = _operator(np.bitwise_or), _operator(np.bitwise_or, True)
    __xor__, __rxor__ = _operator(np.bitwise_xor), _operator(np.bitwise_xor, True)
    __lt__, __le__ = _operator(np.less), _operator(np.less_equal)
    __gt__, __ge__ = _operator(np.greater), _operator(np.greater_equal)
    __eq__, __ne__ = _operator(np.equal), _operator(np.not_equal)

    def __neg__(self) -> Any:
        return applied(np.negative, (self,))

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return applied(np.absolute, (self,))

    def __invert__(self) -> Any:
        return applied(np.invert, (self,))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Take every ufunc in which this number takes part."""
        return _ufunc_on_entries(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        """Take every function of NumPy in which this number takes part, as an array without axes."""
        return _function_on_entries(function, args, options)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if dtype is None or np.dtype(dtype) == np.dtype(object):
            array = np.empty((), dtype=object)
            array[()] = self
            return array
        self.__float__()

    def __bool__(self) -> bool:
        if (value := self._value()) is not None:
            return bool(value)
        refuse(
            "the truth of a traced number is not known, so it cannot decide an if, while, and, or, min or max",
            "write np.where(condition, a, b), np.minimum and np.maximum",
        )

    def __float__(self) -> float:
        if (value := self._value()) is not None:
            return float(value)
        refuse(
            "a traced number has no value yet, as float(), the functions of the math module, and assignment to an entry of a real "
            "array need",
            "write np.sin instead of math.sin, leave float() away, and make buffers with np.zeros_like(u)",
        )

    def __int__(self) -> int:
        if (value := self._value()) is not None:
            return int(value)
        refuse("a traced number has no value yet, as int() needs", "use constants for sizes and places")

    def __index__(self) -> int:
        refuse(
            "a traced value cannot be an index or a size: the structure would depend on data",
            "choose among entries with np.where",
        )

    def __iter__(self) -> Any:
        refuse("a traced number cannot be iterated", "use it as one number")

    def _value(self) -> Any:
        record = self._tape.records[self._record]
        return record[1] if record[0] == "number" else None

    def __getattr__(self, name: str) -> Any:
        ufunc = getattr(np, name, None)
        if isinstance(ufunc, np.ufunc):  # NumPy's loops over objects call methods of the names of ufuncs
            return lambda *others: applied(ufunc, (self, *others))
        raise AttributeError(f"a traced number has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"Entry({self._tape.records[self._record]})"


class EntryArray(np.ndarray):
    """An array of entries and numbers; what NumPy does with arrays of objects works, and functions of numbers go through the entries."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Take every ufunc in which this array takes part."""
        return _ufunc_on_entries(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        """Take every function of NumPy in which this array takes part."""
        return _function_on_entries(function, args, options)


def applied(ufunc: Any, args: Sequence[Any]) -> Any:
    """Return a ufunc of single numbers, at least one of them traced."""
    tape = next((a._tape for a in args if isinstance(a, Entry)), None)
    if tape is None:
        return ufunc(*args)
    name = ufunc.__name__
    if name in _ONCE and isinstance(args[0], Entry):
        return args[0]
    head = head_of(name)
    if head is None:
        composed = composed_of(name)
        if composed is None:
            unknown_ufunc(ufunc)
        return composed(*args)
    return Entry(tape, tape.put((head, *[tape.number(a) for a in args])))


_ONCE = frozenset({"positive", "conjugate"})


def _ufunc_on_entries(ufunc: Any, method: str, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    out = options.pop("out", None)
    arrays = [_plain(a) for a in inputs]
    options = {
        k: v
        for k, v in options.items()
        if k in ("axis", "axes", "keepdims") or (k == "where" and v is not True)
    }
    result: Any
    if (
        ufunc.signature is not None and method == "__call__"
    ):  # matmul and its kin: NumPy's loops over objects use + and *
        result = ufunc(*[np.asarray(a, dtype=object) for a in arrays], **options)
    elif method == "reduce":
        result = _reduced(_entrywise(ufunc), arrays[0], *arrays[1:], **options)
    elif method in ("__call__", "accumulate", "outer") and not options.keys() - {"axis"}:
        result = getattr(_entrywise(ufunc), method)(*arrays, **options)
    else:
        refuse(
            f"np.{ufunc.__name__}.{method} with {sorted(options)} is not among what can be traced entry by entry",
            "write it with operators and indices",
        )
    if out is not None:
        target = out[0] if isinstance(out, tuple) else out
        target[...] = result
        return target
    return result.view(EntryArray) if isinstance(result, np.ndarray) else result


def _entrywise(ufunc: Any) -> Any:
    return np.frompyfunc(lambda *args: applied(ufunc, args), ufunc.nin, 1)


def _reduced(entrywise: Any, array: Any, axis: Any = 0, keepdims: Any = False) -> Any:
    """Return the entries along axes combined one after the other; a ufunc of Python takes one axis at a time."""
    axes = range(array.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    for a in sorted((a % array.ndim for a in axes), reverse=True):
        array = entrywise.reduce(array, axis=a, keepdims=True)
    kept = array.reshape(
        [n for i, n in enumerate(array.shape) if keepdims or i not in {a % array.ndim for a in axes}]
    )
    return kept if kept.ndim else kept[()]


def _plain(value: Any) -> Any:
    """Return an array of entries as an array of objects, which has NumPy's own loops."""
    if isinstance(value, EntryArray):
        return value.view(np.ndarray)
    return value.__array__() if isinstance(value, Entry) else value


def _choose(condition: Any, a: Any, b: Any) -> Any:
    if not isinstance(condition, Entry):
        return a if condition else b
    tape = condition._tape
    return Entry(tape, tape.put(("ifelse", tape.number(condition), tape.number(a), tape.number(b))))


def _where(condition: Any, *choices: Any) -> Any:
    if len(choices) != 2:
        refuse(
            "np.where with one argument returns the places where a condition holds, which depend on data",
            "write np.where(condition, a, b)",
        )
    found = np.frompyfunc(_choose, 3, 1)(*[_plain(a) for a in (condition, *choices)])
    return found.view(EntryArray) if isinstance(found, np.ndarray) else found


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if a_min is not None else min), (a_max if a_max is not None else max)
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


_OWN: dict[Any, Stand] = {np.where: _where, np.clip: _clip}
"""Functions whose own code would ask for the truth of an entry."""


def _function_on_entries(function: Any, args: Any, options: Any) -> Any:
    if function in _OWN:
        return _OWN[function](*args, **options)
    arrays = tuple(_as_array(a) for a in args)
    named = {name: _as_array(a) for name, a in options.items()}
    try:
        result = np.ndarray.__array_function__(_array([], (0,)), function, (EntryArray,), arrays, named)
    except TypeError as problem:
        if isinstance(problem, TraceError):
            raise
        refuse(
            f"{function.__module__.replace('numpy', 'np')}.{function.__name__} does not take arrays of single traced numbers ({problem})",
            "write the loops of the solver as slices, so that it can be traced as whole arrays",
        )
    return result.view(EntryArray) if isinstance(result, np.ndarray) and result.dtype == object else result


def _as_array(value: Any) -> Any:
    """Return single entries, also those in lists, as arrays without axes, which NumPy's functions take."""
    if type(value) in (list, tuple):
        return type(value)(map(_as_array, value))
    return value.__array__().view(EntryArray) if isinstance(value, Entry) else value


def entry_stand_ins() -> Callable[[Any], Any]:
    """Return the ``replace`` of :func:`symnum.pde.rebinding.rebound` under which buffers hold entries."""

    def made(name: str) -> Stand:
        real = getattr(np, name)

        def make(*args: Any, **options: Any) -> Any:
            array = real(*args, **options)
            if array.dtype.kind == "f" and name.startswith("empty"):
                array[...] = np.nan  # shows where nothing is written
            return array.astype(object).view(EntryArray) if array.dtype.kind in "fO" else array

        return make

    def converted(name: str) -> Stand:
        real = getattr(np, name)

        def make(a: Any, dtype: Any = None, **options: Any) -> Any:
            if _holds_entries(a):
                return np.array(a, dtype=object).view(EntryArray)
            return real(a, dtype, **options)

        return make

    functions: dict[str, Stand] = {
        **{
            name: made(name)
            for name in (
                "zeros",
                "ones",
                "empty",
                "full",
                "zeros_like",
                "ones_like",
                "empty_like",
                "full_like",
            )
        },
        **{name: converted(name) for name in ("array", "asarray", "asanyarray", "ascontiguousarray")},
    }
    return stand_ins(functions, math_functions(Entry))


def _holds_entries(value: Any) -> bool:
    return isinstance(value, Entry | EntryArray) or (
        isinstance(value, list | tuple) and any(_holds_entries(part) for part in value)
    )
