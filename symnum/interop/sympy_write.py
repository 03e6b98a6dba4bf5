"""Write terms as SymPy nodes: one class for each operator, in SymPy's order of arguments, without its constructors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cmp_to_key
from typing import Any

import sympy
from sympy.codegen import cfunctions
from sympy.functions.elementary.piecewise import ExprCondPair

from symnum import term as interface
from symnum.interop.sympy_leaves import number_to_sympy, symbol_to_sympy
from symnum.operators import OPERATORS, Operator

_ORDER_DEPTH = 60
_ORDER_SIZE = 1000
"""Below this depth (and, for and, or, min, max, unfolded size) arguments take SymPy's order, whose comparison recurses."""


class Writer:
    """Build SymPy nodes, bypassing the constructors: these evaluate, recurse, and keep a cache that compares deep terms."""

    def __init__(self, keyed: dict[Any, Any], named: dict[str, Any]) -> None:
        self.keyed, self.named = keyed, named
        self.shapes: dict[int, tuple[int, int]] = {}
        self.arities: dict[type, Any] = {}
        self.order = cmp_to_key(sympy.Basic.compare)

    def run(self, roots: Sequence[Any]) -> list[Any]:
        """Return the SymPy expressions of the terms."""
        made: dict[Any, Any] = {}
        chained = self._chained(roots)
        for node in interface.postorder(*roots, ordered=True):
            made[interface.key(node)] = self._convert(node, made, chained)
        return [made[interface.key(root)] for root in roots]

    def _chained(self, roots: Sequence[Any]) -> set[Any]:
        """Return the keys of each ifelse that occurs once, in the last place of another: it becomes one more branch of that one."""
        uses: dict[Any, int] = {interface.key(root): 2 for root in roots}
        last: set[Any] = set()
        for node in interface.postorder(*roots):
            if not interface.is_call(node):
                continue
            arguments = interface.args(node)
            for argument in arguments:
                uses[interface.key(argument)] = uses.get(interface.key(argument), 0) + 1
            if (
                interface.head(node) == "ifelse"
                and interface.is_call(arguments[2])
                and interface.head(arguments[2]) == "ifelse"
            ):
                last.add(interface.key(arguments[2]))
        return {key for key in last if uses[key] == 1}

    def _convert(self, node: Any, made: dict[Any, Any], chained: set[Any]) -> Any:
        if interface.is_number(node):
            return number_to_sympy(interface.value(node))
        if interface.is_symbol(node):
            found = self.keyed.get(interface.key(node))
            found = self.named.get(interface.name(node)) if found is None else found
            return symbol_to_sympy(node) if found is None else found
        head, terms = interface.head(node), interface.sorted_args(node)
        arguments = [made[interface.key(argument)] for argument in terms]
        if head == "ifelse":
            return self.branches(
                node, arguments, interface.key(terms[2]) in chained, interface.key(node) in chained
            )
        spelled = SPELLED.get(head)
        if spelled is not None:
            return spelled(self, *arguments)
        return self.call(OPERATORS[head], arguments)

    def node(self, cls: Any, *arguments: Any) -> Any:
        """Return the node as it stands, with what SymPy would later find by recursion (hash, commutativity) found now."""
        made = sympy.Basic.__new__(cls, *arguments)
        shapes = [self.shapes.get(id(a), (0, 1)) for a in arguments]
        self.shapes[id(made)] = (
            1 + max(d for d, _ in shapes),
            min(_ORDER_SIZE, 1 + sum(s for _, s in shapes)),
        )
        if cls in (sympy.Add, sympy.Mul, sympy.Pow):
            made.is_commutative = True
        elif isinstance(cls, type(sympy.Function)) and cls not in (
            sympy.Piecewise,
            sympy.Min,
            sympy.Max,
        ):
            if cls not in self.arities:
                self.arities[cls] = cls.nargs
            made.nargs = self.arities[cls]
        hash(made)
        _ = made.is_commutative
        return made

    def chain(self, cls: Any, arguments: Iterable[Any]) -> Any:
        """Return a sum or product in SymPy's order: the number first."""
        given = list(arguments)
        if len(given) < 2:
            return given[0] if given else cls.identity
        if all(self.shapes.get(id(a), (0, 1))[0] < _ORDER_DEPTH for a in given):
            given.sort(key=lambda a: (not a.is_Number, 0 if a.is_Number else self.order(a)))
        return self.node(cls, *given)

    def lattice(self, cls: Any, arguments: Sequence[Any]) -> Any:
        """Return and, or, min or max: a set of arguments, in SymPy's order where that is cheap to find."""
        distinct = dict.fromkeys(arguments)
        if len(distinct) < 2:
            return next(iter(distinct), cls.identity)
        small = all(self.shapes.get(id(a), (0, 1))[1] < _ORDER_SIZE for a in distinct)
        made = self.node(cls, *(sympy.ordered(distinct) if small else distinct))
        made._argset = frozenset(distinct)
        return made

    def branches(self, node: Any, arguments: Sequence[Any], flatten: bool, waiting: bool) -> Any:
        """Return a Piecewise; one that waits to become part of another is handed on as a list of pairs, innermost first."""
        condition, chosen, other = arguments
        if interface.sort_of(node) == "boolean":
            return self.node(sympy.ITE, condition, chosen, other)
        pairs = other if flatten else [self.node(ExprCondPair, other, sympy.true)]
        pairs.append(self.node(ExprCondPair, chosen, condition))
        return pairs if waiting else self.node(sympy.Piecewise, *reversed(pairs))

    def power(self, base: Any, exponent: Any) -> Any:
        if base.is_Integer and exponent == -1 and base != 0:
            return sympy.Rational(1, base)
        return self.node(sympy.Pow, base, exponent)

    def call(self, row: Operator, arguments: Sequence[Any]) -> Any:
        """Return the call of an operator by its class; operators of the user's without one are undefined functions."""
        cls = sympy_class(row) or sympy.Function(row.name, real=True)
        if row.arity == (0, 0):
            return cls
        if cls in (sympy.Add, sympy.Mul):
            return self.chain(cls, arguments)
        return self.lattice(cls, arguments) if row.associative else self.node(cls, *arguments)


def sympy_class(row: Operator) -> Any:
    """Return the SymPy class (or constant) that a row names, or None; raises ValueError for a name that SymPy does not have."""
    if not row.sympy:
        return None
    found = getattr(sympy, row.sympy, None) or getattr(cfunctions, row.sympy, None)
    if found is None:
        raise ValueError(
            f"operator {row.name!r} names the SymPy class {row.sympy!r}, which SymPy {sympy.__version__} does not have; "
            f"register it without sympy=, so that it becomes an undefined function"
        )
    return found


def _lgamma(writer: Writer, a: Any) -> Any:
    if (a.is_Symbol or a.is_Number) and a.is_positive:
        return writer.node(sympy.loggamma, a)
    return writer.node(sympy.log, writer.node(sympy.Abs, writer.node(sympy.gamma, a)))


def _cbrt(writer: Writer, a: Any) -> Any:
    return writer.chain(
        sympy.Mul,
        [writer.node(sympy.sign, a), writer.node(sympy.Pow, writer.node(sympy.Abs, a), sympy.Rational(1, 3))],
    )


def _negative(writer: Writer, a: Any) -> Any:
    return -a if a.is_Number else writer.chain(sympy.Mul, [sympy.S.NegativeOne, a])


SPELLED: dict[str, Callable[..., Any]] = {
    "-": lambda w, a, b: w.chain(sympy.Add, [a, _negative(w, b)]),
    "/": lambda w, a, b: w.chain(sympy.Mul, [a, w.power(b, sympy.S.NegativeOne)]),
    "^": lambda w, a, b: w.power(a, b),
    "neg": _negative,
    "sqrt": lambda w, a: w.power(a, sympy.S.Half),
    "exp": lambda w, a: sympy.E if a == 1 and a.is_Integer else w.node(sympy.exp, a),
    "cbrt": _cbrt,
    "lgamma": _lgamma,
    "digamma": lambda w, a: w.node(sympy.polygamma, sympy.S.Zero, a),
    "trigamma": lambda w, a: w.node(sympy.polygamma, sympy.S.One, a),
}
"""Operators that are not simply the call of one SymPy class."""
