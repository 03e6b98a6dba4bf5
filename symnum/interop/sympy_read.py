"""Read SymPy nodes as terms, or say by name what has no counterpart and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy
from sympy.logic.boolalg import BooleanFunction

from symnum import term as interface
from symnum.interop.sympy_leaves import number_from_sympy, symbol_from_sympy
from symnum.interop.sympy_write import SPELLED, sympy_class
from symnum.operators import ARGUMENTS, OPERATORS
from symnum.symbols import backend_module
from symnum.text.parser import parse

Plan = tuple[Callable[[list[Any]], Any], Sequence[Any]]
"""How a SymPy node becomes a term: a builder, and the SymPy nodes whose terms it takes."""


class Reader:
    """Read SymPy nodes; each object is read once, however often it is shared."""

    def __init__(self, backend: str, keyed: dict[Any, Any], named: dict[str, Any]) -> None:
        self.backend = backend
        self.module = backend_module(backend)
        for ours in (*keyed.values(), *named.values()):
            if interface.backend_of(ours) not in (backend, "python"):
                raise ValueError(
                    f"symbols gives {ours!s} of the {interface.backend_of(ours)!r} backend, but the result is to be of {backend!r}; "
                    f"use one backend for both: from_sympy(..., backend={interface.backend_of(ours)!r})"
                )
        self.keyed, self.named = keyed, named
        self.mapped = {type(theirs) for theirs in keyed}
        self.heads = {sympy_class(row): name for name, row in OPERATORS.items() if row.sympy}
        self.heads[sympy.loggamma] = "lgamma"
        self.sources: dict[Any, Any] = {}

    def run(self, roots: Sequence[Any]) -> list[Any]:
        """Return the terms of the expressions."""
        nodes = [self._checked(root) for root in roots]
        self.booleans = self._conditions(nodes)
        terms: dict[int, Any] = {}
        kept: list[Any] = []  # nodes made on the way stay alive, so that no id is used twice
        stack: list[tuple[Any, Plan | None]] = [(node, None) for node in reversed(nodes)]
        while stack:
            node, plan = stack.pop()
            if plan is not None:
                build, parts = plan
                terms[id(node)] = build([terms[id(part)] for part in parts])
            elif id(node) not in terms:
                plan = self.plan(node)
                kept.append((node, plan[1]))
                stack.append((node, plan))
                stack.extend((part, None) for part in reversed(plan[1]))
        return [terms[id(node)] for node in nodes]

    def _checked(self, given: Any) -> Any:
        if isinstance(given, str):
            raise TypeError(
                f"from_sympy takes a SymPy expression, but got the text {given!r}; write symnum.parse({given!r})"
            )
        if not isinstance(given, sympy.Basic) and isinstance(given, bool | int | float | Fraction):
            return sympy.sympify(given)
        if not isinstance(given, sympy.Basic):
            raise TypeError(
                f"from_sympy takes a SymPy expression, but got {given!r} of type {type(given).__name__}"
            )
        return given

    def _conditions(self, nodes: Sequence[Any]) -> set[Any]:
        """Return the symbols that stand where a condition must: SymPy's boolean symbols are plain ones."""
        found: set[Any] = set()
        seen: set[int] = set()
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            parts = node.args
            if isinstance(node, BooleanFunction):
                found.update(part for part in parts if part.is_Symbol)
            elif isinstance(node, sympy.Piecewise):
                found.update(pair.cond for pair in parts if pair.cond.is_Symbol)
            stack.extend(parts)
        return found

    def make(self, head: str) -> Callable[[list[Any]], Any]:
        return lambda terms: self.module.make(head, terms)

    def plan(self, node: Any) -> Plan:
        """Return how to read one node; raises ValueError for what has no counterpart."""
        if type(node) in self.mapped and node in self.keyed:
            return _constant(self._term(self.keyed[node]))
        if isinstance(node, sympy.Symbol):
            return _constant(self._symbol(node))
        if node.is_Number or node is sympy.zoo or node is sympy.I:
            return _constant(self.module.number(number_from_sympy(node)))
        if node is sympy.true or node is sympy.false:
            return _constant(self.module.number(node is sympy.true))
        cls = type(node)
        own = (cls.__module__ or "").startswith("sympy.")
        if own and cls.__name__ in _READ:
            return _READ[cls.__name__](self, node)
        if own and cls.__name__ in _WORTH:
            return (lambda terms: _worth(self, _WORTH[cls.__name__], terms)), node.args
        head = self.heads.get(node) if node.is_NumberSymbol else self.heads.get(cls)
        if head is None and isinstance(node, sympy.Function) and not own:
            row = OPERATORS.get(cls.__name__)
            head = row.name if row is not None and not row.sympy and row.name not in SPELLED else None
        if head is None:
            raise _no_counterpart(node)
        return self.make(head), node.args

    def _term(self, ours: Any) -> Any:
        return self.module.number(ours) if interface.backend_of(ours) == "python" else ours

    def _symbol(self, node: Any) -> Any:
        if node.name in self.named and type(node) is sympy.Symbol:
            return self._term(self.named[node.name])
        ours = symbol_from_sympy(node, node in self.booleans, self.backend)
        other = self.sources.setdefault(interface.key(ours), node)
        if other != node:
            raise ValueError(
                f"the expression has two different SymPy symbols {node.name!r}, declared {other._assumptions_orig or 'plain'} and "
                f"{node._assumptions_orig or 'plain'}, that would become one; rename one, or map both with symbols={{...}}"
            )
        return ours


def _constant(term: Any) -> Plan:
    return (lambda _: term), ()


def _product(reader: Reader, node: Any) -> Plan:
    """Read a product; sign(a)*abs(a)^(1/3) in it is cbrt(a)."""
    if not any(isinstance(part, sympy.sign) for part in node.args):
        return reader.make("*"), node.args

    def build(terms: list[Any]) -> Any:
        roots = {
            interface.key(root): i
            for i, term in enumerate(terms)
            if (root := _cube_root_of_abs(term)) is not None
        }
        for i, term in enumerate(terms):
            if term is not None and _is_call_of(term, "sign"):  # None: taken by a sign before
                argument = interface.args(term)[0]
                partner = roots.pop(interface.key(argument), None)
                if partner is not None:
                    terms[i], terms[partner] = reader.module.make("cbrt", (argument,)), None
        return reader.module.make("*", [term for term in terms if term is not None])

    return build, node.args


def _cube_root_of_abs(term: Any) -> Any:
    """Return a where the term is abs(a)^(1/3), else None."""
    if interface.is_call(term) and interface.head(term) == "^":
        base, exponent = interface.args(term)
        if (
            interface.is_number(exponent)
            and interface.value(exponent) == Fraction(1, 3)
            and _is_call_of(base, "abs")
        ):
            return interface.args(base)[0]
    return None


def _is_call_of(term: Any, head: str) -> bool:
    return interface.is_call(term) and interface.head(term) == head


def _power(reader: Reader, node: Any) -> Plan:
    base, exponent = node.args
    if base is sympy.E:
        return reader.make("exp"), (exponent,)
    if (
        base == -1 and exponent.is_Number and not exponent.is_integer
    ):  # how SymPy spells the root of any negative number
        raise ValueError(
            f"{node} of SymPy is a complex number, and terms are real; take its real part, or use sympy.real_root"
        )
    return reader.make("^"), node.args


def _logarithm(reader: Reader, node: Any) -> Plan:
    """Read a logarithm; log(abs(gamma(a))) is lgamma(a), which does not overflow."""

    def build(terms: list[Any]) -> Any:
        (inner,) = terms
        if _is_call_of(inner, "abs") and _is_call_of(interface.args(inner)[0], "gamma"):
            return reader.module.make("lgamma", interface.args(interface.args(inner)[0]))
        return reader.module.make("log", terms)

    return build, node.args


def _polygamma(reader: Reader, node: Any) -> Plan:
    order, argument = node.args
    if order not in (0, 1):
        raise ValueError(
            f"{_shown(node)} of SymPy has no counterpart: of polygamma there are order 0, digamma, and order 1, trigamma"
        )
    return reader.make("trigamma" if order == 1 else "digamma"), (argument,)


def _piecewise(reader: Reader, node: Any) -> Plan:
    """Read the branches as nested ifelse; where no condition holds, the value is nan."""
    pairs = node.args

    def build(terms: list[Any]) -> Any:
        value = reader.module.number(float("nan"))
        for i in reversed(range(len(pairs))):
            chosen, condition = terms[2 * i : 2 * i + 2]
            always = interface.is_number(condition) and interface.value(condition) is True
            value = chosen if always else reader.module.make("ifelse", (condition, chosen, value))
        return value

    return build, [part for pair in pairs for part in (pair.expr, pair.cond)]


_WORTH = {
    "Cbrt": "a^(1/3)",
    "EulerGamma": "-digamma(1)",
    "Exp1": "exp(1)",
    "GoldenRatio": "1/2 + sqrt(5)/2",
    "Heaviside": "ifelse(a == 0, b, (1 + sign(a))/2)",
    "Implies": "not a or b",
    "Sqrt": "sqrt(a)",
    "TribonacciConstant": "(1 + cbrt(19 + 3*sqrt(33)) + cbrt(19 - 3*sqrt(33)))/3",
    "UnevaluatedExpr": "a",
    "beta": "gamma(a)*gamma(b)/gamma(a + b)",
    "binomial": "gamma(a + 1)/(gamma(b + 1)*gamma(a - b + 1))",
    "erfc": "1 - erf(a)",
    "exp2": "2^a",
    "factorial": "gamma(a + 1)",
    "fma": "a*b + c",
    "frac": "a - floor(a)",
    "hypot": "sqrt(a^2 + b^2)",
    "sinc": "ifelse(a == 0, 1, sin(a)/a)",
}
"""SymPy classes that are no operators of ours: what they are worth, in the names of their arguments."""

_EITHER = "a and not b or not a and b"
_ALIKE = "a and b or not a and not b"


def _worth(reader: Reader, text: str, terms: Sequence[Any]) -> Any:
    return parse(text, dict(zip(ARGUMENTS, terms)), backend=reader.backend)


def _exclusive(reader: Reader, node: Any) -> Plan:
    return (lambda terms: reduce(lambda a, b: _worth(reader, _EITHER, (a, b)), terms)), node.args


def _equivalent(reader: Reader, node: Any) -> Plan:
    def build(terms: list[Any]) -> Any:
        return reader.module.make("and", [_worth(reader, _ALIKE, (terms[0], other)) for other in terms[1:]])

    return build, node.args


_READ: dict[str, Callable[[Reader, Any], Plan]] = {
    "Mul": _product,
    "Pow": _power,
    "log": _logarithm,
    "polygamma": _polygamma,
    "Piecewise": _piecewise,
    "ITE": lambda reader, node: (reader.make("ifelse"), node.args),
    "Xor": _exclusive,
    "Equivalent": _equivalent,
}
"""SymPy classes that are not simply the call of one operator."""


_WAYS_OUT = {
    **dict.fromkeys(
        ("Derivative", "Integral", "Limit", "Product", "Subs", "Sum"), "evaluate it first with expr.doit()"
    ),
    **dict.fromkeys(
        ("arg", "conjugate", "im", "re"),
        "declare the symbols real, as sympy.Symbol('x', real=True), and build it again",
    ),
    **dict.fromkeys(("CRootOf", "Catalan", "RootSum"), "replace it by its value, expr.n()"),
    "Order": "drop it with expr.removeO()",
    "Tuple": "pass a list of expressions",
}


def _no_counterpart(node: Any) -> ValueError:
    name = type(node).__name__
    way = _WAYS_OUT.get(name)
    if way is None and isinstance(node, sympy.Function):
        way = (
            f"add the operator with symnum.register_operator({name!r}, arity={len(node.args)}, ...), "
            f"rewrite it in SymPy, or give the term it becomes: symbols={{{_shown(node)}: term}}"
        )
    return ValueError(
        f"{_shown(node)} of SymPy ({name}) has no counterpart; {way or 'give the term it becomes: symbols={expression: term}'}"
    )


def _shown(node: Any, limit: int = 60) -> str:
    """Return the text of a small node, and of a larger one its class: SymPy's printers recurse."""
    seen, stack = 0, [node]
    while stack and seen <= limit:
        seen += 1
        stack.extend(stack.pop().args)
    return str(node) if seen <= limit else f"{type(node).__name__}(...)"
