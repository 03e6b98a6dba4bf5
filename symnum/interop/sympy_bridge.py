"""Terms to SymPy and back, without recursion and with shared parts kept shared.

What holds:

- ``from_sympy(to_sympy(t))`` is ``t`` for interned terms, except that the two spellings named below are read as what they are worth
  and that (-1)^(1/2), which is nan for us and complex for SymPy, is refused;
- ``to_sympy(from_sympy(e), symbols=e.free_symbols)`` has the value of ``e`` wherever that is real, over the same symbols;
- our symbols are real, so ``to_sympy`` makes ``Symbol("x", real=True)``, for SymPy another symbol than ``Symbol("x")``; with
  ``symbols=`` you say which symbols to use instead.

Nothing is evaluated on the way: SymPy gets the term as it stands, in SymPy's own order of arguments, so that it equals what you would
write there, unless SymPy would have rewritten it (``2*(x + y)``, ``sin(pi)``); ``.doit()`` asks for that.  Which class an operator
becomes is the column ``sympy`` of the operator table; ``log1p``, ``log2`` and their kin are those of ``sympy.codegen.cfunctions``.
Without a class of their own are ``cbrt(a)``, written ``sign(a)*Abs(a)**(1/3)``, ``lgamma(a)``, written ``log(Abs(gamma(a)))`` where a
may be negative, and operators of your own, which become undefined functions of their name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def to_sympy(term: Any, symbols: Any = None) -> Any:
    """Return a term as a SymPy expression, or a list (of lists) of terms as a list of expressions.

    ``symbols`` says which SymPy symbols to use: a mapping from ours (or names) to theirs, or SymPy symbols to be matched by name,
    such as ``symbols=expr.free_symbols``.  Without it, x becomes ``Symbol("x", real=True)``, with its assumptions.

    Raises TypeError for what is not a term.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> to_sympy(sn.sqrt(x) + x*y/2)
    sqrt(x) + x*y/2
    """
    from symnum.interop.sympy_leaves import our_names
    from symnum.interop.sympy_write import Writer

    roots, rebuild = _flat(term)
    return rebuild(Writer(*our_names(symbols)).run(roots))


def from_sympy(expression: Any, backend: str = "interned", symbols: Any = None) -> Any:
    """Return a SymPy expression as a term; a list gives a list of terms and a Matrix the list of its rows.

    A SymPy symbol without assumptions is read as our real symbol.  ``symbols`` says otherwise: a mapping from SymPy expressions
    (symbols, dummies, f(t), A[0], derivatives) or names to our terms, or symbols of ours to be matched by name.

    Raises ValueError, which names the part and the way out, for assumptions that our symbols cannot hold, complex numbers, floats of
    more than double precision, and operators that are not in the table; TypeError for what is not a SymPy expression.

    >>> import sympy
    >>> x = sympy.Symbol("x")
    >>> from_sympy(sympy.sin(x)**2 / 3)
    sin(x)^2/3
    """
    from symnum.interop.sympy_leaves import their_names
    from symnum.interop.sympy_read import Reader

    roots, rebuild = _flat(expression)
    return rebuild(Reader(backend, *their_names(symbols)).run(roots))


def _flat(given: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """Return the expressions in ``given``, which may be a matrix or a list of lists, and how to put the results in their places."""
    if hasattr(given, "tolist"):
        given = given.tolist()
    if not isinstance(given, list | tuple):
        return [given], lambda results: results[0]
    parts = [_flat(item) for item in given]
    sizes = [len(roots) for roots, _ in parts]

    def rebuild(results: list[Any]) -> Any:
        rest = iter(results)
        return [inner([next(rest) for _ in range(size)]) for (_, inner), size in zip(parts, sizes)]

    return [root for roots, _ in parts for root in roots], rebuild
