"""Symbols and numbers between symnum and SymPy, with their assumptions kept or refused, never dropped.

Our symbols are real, so a plain ``x`` becomes ``Symbol("x", real=True)``; a plain SymPy ``Symbol("x")`` is read as our ``x``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import sympy

from symnum import term as interface
from symnum.backends.interned import ASSUMPTIONS
from symnum.symbols import symbol

_DOUBLE_BITS = 53


def symbol_to_sympy(node: Any) -> Any:
    """Return the SymPy symbol that assumes what ours does; a boolean one is a plain Symbol, as SymPy has it."""
    name, sort = interface.name(node), interface.sort_of(node)
    if sort == "boolean":
        return sympy.Symbol(name)
    assumed = dict.fromkeys(sorted(interface.assumptions(node)), True)
    return sympy.Symbol(name, **{"integer" if sort == "integer" else "real": True}, **assumed)


def symbol_from_sympy(theirs: Any, boolean: bool, backend: str) -> Any:
    """Return our symbol for a SymPy one.

    Raises ValueError for what ours cannot say: assumptions such as even or complex, non-commutative symbols, dummies and wild
    cards, and names that our formulas cannot have.
    """
    if type(theirs) is not sympy.Symbol:
        raise ValueError(
            f"{type(theirs).__name__} {theirs} stands for more than its name, so no symbol of ours equals it; "
            f"say which is meant with symbols={{{theirs}: sn.symbols('t')}}"
        )
    facts = theirs.assumptions0
    if not facts["commutative"]:
        raise _refused(theirs, "commutative=False")
    try:
        if boolean and set(facts) == {"commutative"}:
            return symbol(theirs.name, "boolean", backend)
        held = {name: True for name in ASSUMPTIONS if facts.get(name)}
        ours = symbol(theirs.name, "integer" if facts.get("integer") else "real", backend, **held)
    except ValueError as problem:
        raise ValueError(
            f"SymPy symbol {theirs.name!r}: {problem}, or give the symbol it becomes: symbols={{theirs: sn.symbols('x')}}"
        ) from None
    known = symbol_to_sympy(ours).assumptions0
    lost = [name for name, holds in facts.items() if known.get(name) != holds]
    if lost:
        declared = [name for name in lost if name in theirs._assumptions_orig] or sorted(lost)
        raise _refused(theirs, f"{declared[0]}={facts[declared[0]]}")
    if facts.get("complex") and "real" not in facts:
        raise _refused(theirs, "complex=True")
    return ours


def _refused(theirs: Any, assumption: str) -> ValueError:
    return ValueError(
        f"SymPy symbol {theirs.name!r} is declared {assumption}, which our symbols cannot say (they are real or integer, and "
        f"{', '.join(ASSUMPTIONS)}); to drop the assumption knowingly, pass symbols={{theirs: sn.symbols({theirs.name!r})}}"
    )


def number_to_sympy(value: Any) -> Any:
    """Return the SymPy number of the same type and value (SymPy has no -0.0: it becomes 0.0)."""
    if type(value) is bool:
        return sympy.true if value else sympy.false
    if type(value) is int:
        return sympy.Integer(value)
    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    if math.isfinite(value):
        return sympy.Float(value)
    return sympy.nan if value != value else sympy.oo if value > 0 else -sympy.oo


def number_from_sympy(node: Any) -> Any:
    """Return the Python value of a SymPy number; raises ValueError for zoo and for floats that a double cannot hold."""
    if node is sympy.nan:
        return math.nan
    if node is sympy.oo or node is -sympy.oo:
        return math.inf if node is sympy.oo else -math.inf
    if node.is_Rational:
        return Fraction(int(node.p), int(node.q))
    if node.is_Float:
        return _float_from_sympy(node)
    raise ValueError(
        f"{node} of SymPy has no counterpart: terms are real; replace it first, such as expr.subs({node}, value)"
    )


def _float_from_sympy(node: Any) -> float:
    sign, mantissa, exponent, _ = node._mpf_
    mantissa, exponent = int(mantissa), int(exponent)
    if mantissa.bit_length() <= _DOUBLE_BITS:
        try:
            found = math.ldexp(mantissa, exponent)
            if math.ldexp(found, -exponent) == mantissa:
                return -found if sign else found
        except OverflowError:
            pass
    raise ValueError(
        f"SymPy Float {sympy.Float(node, 20)}, of {node._prec} bits, is no double (53 bits, up to 1.8e308), so its value would be lost; "
        f"round it with expr.n(15), or keep it exact with sympy.nsimplify(expr, rational=True)"
    )


def our_names(symbols: Any) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return what ``to_sympy(symbols=...)`` says as ({key of our symbol: theirs}, {name: theirs})."""
    keyed: dict[Any, Any] = {}
    named: dict[str, Any] = {}
    if isinstance(symbols, Mapping):
        for ours, theirs in symbols.items():
            if not isinstance(theirs, sympy.Basic):
                raise TypeError(
                    f"symbols maps {ours!s} to {theirs!r}, which is not a SymPy expression; write {{x: sympy.Symbol('x')}}"
                )
            if isinstance(ours, str):
                named[ours] = theirs
            elif interface.is_term(ours) and interface.is_symbol(ours):
                keyed[interface.key(ours)] = theirs
            else:
                raise TypeError(
                    f"symbols has the key {ours!r}, which is not a symbol of ours or a name; write {{x: sympy.Symbol('x')}}"
                )
    else:
        for theirs in _listed(symbols):
            if not isinstance(theirs, sympy.Symbol):
                raise TypeError(
                    f"symbols lists {theirs!r}, which is not a SymPy symbol; write symbols=expr.free_symbols"
                )
            _name_once(named, theirs.name, theirs)
    return keyed, named


def their_names(symbols: Any) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return what ``from_sympy(symbols=...)`` says as ({SymPy expression: ours}, {name: ours})."""
    keyed: dict[Any, Any] = {}
    named: dict[str, Any] = {}
    if isinstance(symbols, Mapping):
        for theirs, ours in symbols.items():
            if not interface.is_term(ours):
                raise TypeError(
                    f"symbols maps {theirs!s} to {ours!r}, which is not a symnum term; write {{theirs: sn.symbols('x')}}"
                )
            if isinstance(theirs, str):
                named[theirs] = ours
            elif isinstance(theirs, sympy.Basic):
                keyed[theirs] = ours
            else:
                raise TypeError(
                    f"symbols has the key {theirs!r}, which is not a SymPy expression or a name; write {{sympy.Symbol('x'): x}}"
                )
    else:
        for ours in _listed(symbols):
            if not interface.is_term(ours) or not interface.is_symbol(ours):
                raise TypeError(
                    f"symbols lists {ours!r}, which is not a symbol of ours; write symbols=[x, y], or a mapping"
                )
            _name_once(named, interface.name(ours), ours)
    return keyed, named


def _listed(symbols: Any) -> Iterable[Any]:
    if symbols is None:
        return ()
    if interface.is_term(symbols) or isinstance(symbols, sympy.Basic | str):
        raise TypeError(
            f"symbols must be a mapping or a list of symbols, but is {symbols!r}; write symbols=[...]"
        )
    return list(symbols)


def _name_once(named: dict[str, Any], name: str, thing: Any) -> None:
    if named.setdefault(name, thing) is not thing:
        raise ValueError(
            f"symbols lists two different symbols named {name!r}; say which is which with a mapping"
        )
