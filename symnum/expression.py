"""The Python face of a term: operators, refusals and notebook display, shared by the backends' node classes.

A node class sets ``_make(head, args)`` and ``_convert(value)``; everything here is written with these two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar, NoReturn

from symnum import term as interface

_NUMBERS = (int, float, Fraction)


class Expression:
    """Give terms Python's operators, and refuse what would be silently wrong."""

    __slots__ = ()
    backend: ClassVar[str]
    _make: ClassVar[staticmethod[[str, tuple[Any, ...]], Any]]
    _convert: ClassVar[staticmethod[[Any], Any]]

    def _operand(self, other: object) -> Any:
        """Return ``other`` as a term of this backend, or NotImplemented where Python should ask the other operand."""
        if isinstance(other, Expression):
            if other.backend == self.backend:
                return other
            raise TypeError(
                f"cannot combine {self!s} of the {self.backend!r} backend with {other!s} of the {other.backend!r} backend; "
                f"convert one of them: symnum.convert(term, backend={self.backend!r})"
            )
        if isinstance(other, _NUMBERS):
            return self._convert(other)
        if type(other).__module__ == "numpy" and getattr(other, "ndim", 1) == 0:
            return self._convert(other)
        if isinstance(other, complex):
            raise TypeError(
                f"complex number {other!r} cannot be part of a term: terms are real; split it into real and imaginary parts"
            )
        if isinstance(other, str):
            raise TypeError(f"cannot combine a term with the text {other!r}; write symnum.parse({other!r})")
        return NotImplemented

    def _binary(self, head: str, other: object, swap: bool = False) -> Any:
        operand = self._operand(other)
        if operand is NotImplemented:
            return NotImplemented
        return self._make(head, (operand, self) if swap else (self, operand))

    def __add__(self, other: object) -> Any:
        return self._binary("+", other)

    def __radd__(self, other: object) -> Any:
        return self._binary("+", other, True)

    def __sub__(self, other: object) -> Any:
        return self._binary("-", other)

    def __rsub__(self, other: object) -> Any:
        return self._binary("-", other, True)

    def __mul__(self, other: object) -> Any:
        return self._binary("*", other)

    def __rmul__(self, other: object) -> Any:
        return self._binary("*", other, True)

    def __truediv__(self, other: object) -> Any:
        return self._binary("/", other)

    def __rtruediv__(self, other: object) -> Any:
        return self._binary("/", other, True)

    def __pow__(self, other: object) -> Any:
        return self._binary("^", other)

    def __rpow__(self, other: object) -> Any:
        return self._binary("^", other, True)

    def __mod__(self, other: object) -> Any:
        return self._binary("mod", other)

    def __rmod__(self, other: object) -> Any:
        return self._binary("mod", other, True)

    def __xor__(self, other: object) -> NoReturn:
        raise TypeError(
            f"Python's ^ is no power: write {_short(self)[1:-1]}**n (in text, symnum.parse reads ^ as a power)"
        )

    __rxor__ = __xor__

    def __floordiv__(self, other: object) -> NoReturn:
        raise TypeError(f"// is not defined for the term {_short(self)}; write symnum.floor(a / b)")

    __rfloordiv__ = __floordiv__

    def __neg__(self) -> Any:
        return self._make("neg", (self,))

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self._make("abs", (self,))

    def __lt__(self, other: object) -> Any:
        return self._binary("<", other)

    def __le__(self, other: object) -> Any:
        return self._binary("<=", other)

    def __gt__(self, other: object) -> Any:
        return self._binary(">", other)

    def __ge__(self, other: object) -> Any:
        return self._binary(">=", other)

    def __and__(self, other: object) -> Any:
        return self._binary("and", other)

    __rand__ = __and__

    def __or__(self, other: object) -> Any:
        return self._binary("or", other)

    __ror__ = __or__

    def __invert__(self) -> Any:
        return self._make("not", (self,))

    def __bool__(self) -> bool:
        if interface.is_number(self):
            return bool(interface.value(self))
        raise TypeError(
            f"the truth of {_short(self)} is not known, so it cannot decide an if, while, and, or, min, max or sorted; "
            f"write symnum.ifelse(condition, a, b), & | ~ for conditions, symnum.min and symnum.max, or compare structure with 'is'"
        )

    def __float__(self) -> float:
        if interface.is_number(self):
            return float(interface.value(self))
        from symnum.algebra.evaluate import evaluate

        if not interface.free_symbols(self):
            return float(evaluate(self, {}))
        raise TypeError(
            f"{_short(self)} has free symbols and no float value; write symnum.evaluate(term, {{symbol: value}}), "
            f"and symnum.sin instead of math.sin"
        )

    def __int__(self) -> int:
        if interface.is_number(self):
            return int(interface.value(self))
        raise TypeError(
            f"{_short(self)} is not a number and has no int value; write symnum.evaluate(term, {{symbol: value}})"
        )

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{_short(self)} cannot be iterated; its arguments are symnum.term.args(term)")

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise TypeError(
            f"{_short(self)} is symbolic and cannot become an array of numbers; write f = symnum.compile(term, symbols) and call f "
            f"on arrays, or put terms into an object array one by one: a = numpy.empty(n, object); a[i] = term"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Let ``numpy.sin(term)`` build a call; arrays of numbers are refused with the way out."""
        from symnum.operators import OPERATORS

        head = _UFUNC_HEADS.get(ufunc.__name__, ufunc.__name__)
        if method != "__call__" or options or head not in OPERATORS:
            raise TypeError(
                f"numpy.{ufunc.__name__} ({method}) does not take symbolic terms; the operators are symnum.operators.OPERATORS"
            )
        if any(getattr(x, "ndim", 0) for x in inputs):
            arrays = [x for x in inputs if getattr(x, "ndim", 0)]
            if all(x.dtype == object for x in arrays):
                return ufunc(*(_object_scalar(x) if isinstance(x, Expression) else x for x in inputs))
            raise TypeError(
                f"numpy.{ufunc.__name__} would mix the term {_short(self)} with an array of shape {arrays[0].shape}; "
                f"compile the term and call it on the array: symnum.compile(term, symbols)(array)"
            )
        return self._make(head, tuple(x if isinstance(x, Expression) else self._convert(x) for x in inputs))

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

    def __str__(self) -> str:
        from symnum.text.printer import to_text

        return to_text(self)

    def __repr__(self) -> str:
        from symnum.text.printer import to_text

        return to_text(self, declare=True)

    def _repr_latex_(self) -> str | None:
        from symnum.text.latex import repr_latex

        return repr_latex(self)

    def _sympy_(self) -> Any:
        from symnum.interop.sympy_bridge import to_sympy

        return to_sympy(self)

    def _latex(self, printer: Any) -> str:
        from symnum.text.latex import latex

        return latex(self)

    def _sympystr(self, printer: Any) -> str:
        return str(self)

    @property
    def free_symbols(self) -> set[Any]:
        """Return the symbols that occur in the term."""
        return set(interface.free_symbols(self))

    def diff(self, *variables: Any) -> Any:
        """Return the derivative; see :func:`symnum.diff`."""
        from symnum.calculus.derivative import diff

        return diff(self, *variables)

    def subs(self, replacements: Mapping[Any, Any]) -> Any:
        """Return the term with symbols or sub-terms replaced at once; see :func:`symnum.substitute`."""
        from symnum.algebra.substitute import substitute

        return substitute(self, replacements)


_UFUNC_HEADS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "true_divide": "/", "power": "^", "float_power": "^", "negative": "neg",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "absolute": "abs", "fabs": "abs", "remainder": "mod", "minimum": "min", "maximum": "max", "less": "<", "less_equal": "<=",
    "greater": ">", "greater_equal": ">=", "logical_and": "and", "logical_or": "or", "logical_not": "not",
}  # fmt: skip
"""NumPy's ufunc names that differ from the operator's name."""


def _object_scalar(term: Any) -> Any:
    import numpy

    box = numpy.empty((), object)
    box[()] = term
    return box


def _short(term: Any, limit: int = 60) -> str:
    """Return the beginning of a term's text for messages, without printing a large term whole."""
    from symnum.text.printer import to_text

    return repr(to_text(term, limit=limit))


def refuse_mixed(terms: Sequence[Any]) -> None:
    """Raise TypeError when the terms belong to different backends."""
    kinds = {t.backend: t for t in terms if isinstance(t, Expression)}
    if len(kinds) > 1:
        (first, a), (second, b) = list(kinds.items())[:2]
        raise TypeError(
            f"cannot combine {_short(a)} of the {first!r} backend with {_short(b)} of the {second!r} backend; "
            f"convert one of them: symnum.convert(term, backend={first!r})"
        )
