"""Taylor and Laurent series by truncated power-series arithmetic over the shared graph of a term.

Every node becomes a truncated series once; nothing is differentiated repeatedly.  Elementary functions use the recurrences of
their differential equations (Knuth, TAOCP 2, section 4.7); any other operator is integrated from its derivative in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symnum import term as interface
from symnum.calculus.partials import brief
from symnum.calculus.powerseries import Arithmetic, NotAnalytic, Series, TooFewTerms
from symnum.expression import refuse_mixed
from symnum.operators import ARGUMENTS, OPERATORS
from symnum.symbols import BACKENDS, convert

MAX_ORDER = 10_000
"""Highest order of a series that is formed."""

_RETRIES = 5
"""How often the working order is raised when leading terms cancel."""


def series(term: Any, variable: Any, point: Any = 0, n: int = 6) -> Any:
    """Return the power series of a term about ``variable = point``: all terms (variable - point)^k with k < n.

    Coefficients are terms in the other symbols.  A pole gives negative powers (a Laurent series).  Raises ValueError where there
    is no such series: at a branch point, a jump or a kink, at an essential singularity, and outside a function's domain.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> series(sn.sin(x), x)
    x^5/120 - x^3/6 + x
    >>> series(1/sn.sin(x), x, 0, 4)
    7*x^3/360 + x/6 + 1/x
    """
    if not interface.is_term(variable) or not interface.is_symbol(variable):
        raise ValueError(
            f"series takes a symbol as its variable, but got {variable!s}; write series(term, x, 0, 6)"
        )
    if type(n) is not int or n < 1:
        raise ValueError(
            f"series takes the order n as an int > 0, but got {n!r}; write series(term, x, 0, 6)"
        )
    if interface.is_number(point) and abs(interface.value(point)) == float("inf"):
        raise ValueError(
            f"series has no expansion point {point!s}; put 1/t for the variable and expand about t = 0"
        )
    if n > MAX_ORDER:
        raise ValueError(
            f"series takes an order up to {MAX_ORDER}, but got {n}; a closed form of the coefficients serves better"
        )
    refuse_mixed([term, variable])
    backend = interface.backend_of(variable)
    root, x, x0 = (convert(t, "interned") for t in (term, variable, point))
    if any(part is x for part in interface.postorder(x0)):
        raise ValueError(
            f"the expansion point {x0!s} holds the variable {x!s}; use another symbol for the point"
        )
    found = _with_order(root, x, x0, n)
    step = x if interface.is_number(x0) and interface.value(x0) == 0 else x - x0
    parts = [c * step**k for k, c in found.terms() if k < n]
    total = interface.make(x, "+", parts) if parts else interface.make_number(x, 0)
    return total if backend == "interned" or backend not in BACKENDS else convert(total, backend)


def _with_order(root: Any, x: Any, x0: Any, n: int) -> Series:
    """Return the series up to h^n at least, with a working order raised as far as leading terms cancel."""
    order, reason = n, ""
    for _ in range(_RETRIES + 1):
        arithmetic = Arithmetic(order)
        try:
            found: Series = SeriesOf(arithmetic, {interface.key(x): [x0, 1]}).of(root)
        except TooFewTerms as problem:
            reason, order = str(problem), 2 * order + 2
            continue
        except NotAnalytic as problem:
            raise ValueError(f"{brief(root)} has no power series about {x!s} = {x0!s}: {problem}") from None
        if found.order >= n:
            return found
        reason, order = arithmetic.shortage, order + (n - found.order)
    raise ValueError(
        f"{n} terms of the series of {brief(root)} about {x!s} = {x0!s} cannot be found: {reason}"
    )


class SeriesOf:
    """Series of the nodes of a graph, given those of some symbols as lists of coefficients."""

    def __init__(self, arithmetic: Arithmetic, start: dict[Any, list[Any]]) -> None:
        self.ops = arithmetic
        self.known: dict[Any, Series | bool] = {key: arithmetic.series(0, c) for key, c in start.items()}
        self.moving = set(start)

    def of(self, root: Any) -> Any:
        """Return the series of a node, or the truth of a condition near the point."""
        stack = [root]
        depends = self._dependence(root)
        while stack:
            node = stack[-1]
            identity = interface.key(node)
            if identity in self.known:
                stack.pop()
                continue
            if not depends[identity]:
                self.known[identity] = self._constant(node)
                continue
            args = interface.args(node)
            if interface.head(node) == "ifelse":
                # The branch that is not taken need not have a series.
                test = interface.key(args[0])
                args = [args[0]] if test not in self.known else [args[1 if self.known[test] else 2]]
                if test in self.known and interface.key(args[0]) in self.known:
                    self.known[identity] = self.known[interface.key(args[0])]
                    continue
            missing = [a for a in args if interface.key(a) not in self.known]
            if missing:
                stack.extend(missing)
                continue
            self.known[identity] = self._call(
                interface.head(node), [self.known[interface.key(a)] for a in args]
            )
        return self.known[interface.key(root)]

    def _dependence(self, root: Any) -> dict[Any, bool]:
        depends: dict[Any, bool] = {}
        for node in interface.postorder(root):
            key = interface.key(node)
            depends[key] = key in self.moving or (
                interface.is_call(node) and any(depends[interface.key(a)] for a in interface.args(node))
            )
        return depends

    def _constant(self, node: Any) -> Series | bool:
        if interface.sort_of(node) == "boolean":
            return self.ops.decide(node)
        return self.ops.constant(interface.value(node) if interface.is_number(node) else node)

    def _call(self, head: str, args: Sequence[Any]) -> Any:
        ops = self.ops
        rule = _RULES.get(head)
        if rule is not None:
            return rule(ops, args)
        row = OPERATORS[head]
        for u in args:
            ops.require_finite(u, head)
        start = ops.value_of(head, args)
        if row.derivative is None:
            ops.shortage = f"operator {head!r} has no derivative rule; give one with symnum.register_operator(..., derivative='...')"
            return ops.truncated(start)
        if all(text == "0" for text in row.derivative):
            return ops.step_function(head, args, start)
        return self._integrated(row.derivative, args, start)

    def _integrated(self, texts: Sequence[str], args: Sequence[Series], start: Any) -> Series:
        """Integrate f' = sum of D_i(a, b, c, f) * a_i'; a derivative in f itself gains one term with each pass."""
        from symnum.text.parser import parse

        ops = self.ops
        partials = [parse(text) for text in texts]
        own = any(interface.name(s) == "f" for p in partials for s in interface.free_symbols(p))
        found = ops.constant(start)
        for _ in range(ops.order if own else 1):
            slope = ops.constant(0)
            for partial, u in zip(partials, args):
                inner = SeriesOf(ops, {})
                for symbol in interface.free_symbols(*partials):
                    name = interface.name(symbol)
                    inner.known[interface.key(symbol)] = found if name == "f" else args[ARGUMENTS.index(name)]
                    inner.moving.add(interface.key(symbol))
                slope = ops.add([slope, ops.multiply(inner.of(partial), ops.derivative(u))])
            found = ops.integral(slope, start)
        return found


_RULES: dict[str, Callable[[Arithmetic, Sequence[Any]], Any]] = {
    "+": lambda ops, a: ops.add(a),
    "-": lambda ops, a: ops.add([a[0], ops.scale(-1, a[1])]),
    "neg": lambda ops, a: ops.scale(-1, a[0]),
    "*": lambda ops, a: ops.product(a),
    "/": lambda ops, a: ops.divide(a[0], a[1]),
    "^": lambda ops, a: ops.power(a[0], a[1]),
    "sqrt": lambda ops, a: ops.root(a[0], 2),
    "cbrt": lambda ops, a: ops.root(a[0], 3),
    "exp": lambda ops, a: ops.exp(a[0]),
    "log": lambda ops, a: ops.log(a[0]),
    "sin": lambda ops, a: ops.circular(a[0])[0],
    "cos": lambda ops, a: ops.circular(a[0])[1],
    "tan": lambda ops, a: ops.divide(*ops.circular(a[0])),
    "cot": lambda ops, a: ops.divide(*reversed(ops.circular(a[0]))),
    "sec": lambda ops, a: ops.divide(ops.constant(1), ops.circular(a[0])[1]),
    "csc": lambda ops, a: ops.divide(ops.constant(1), ops.circular(a[0])[0]),
    "sinh": lambda ops, a: ops.hyperbolic(a[0])[0],
    "cosh": lambda ops, a: ops.hyperbolic(a[0])[1],
    "tanh": lambda ops, a: ops.divide(*ops.hyperbolic(a[0])),
    "coth": lambda ops, a: ops.divide(*reversed(ops.hyperbolic(a[0]))),
    "sech": lambda ops, a: ops.divide(ops.constant(1), ops.hyperbolic(a[0])[1]),
    "csch": lambda ops, a: ops.divide(ops.constant(1), ops.hyperbolic(a[0])[0]),
    "abs": lambda ops, a: ops.absolute(a[0]),
    "min": lambda ops, a: ops.choice(a, -1),
    "max": lambda ops, a: ops.choice(a, 1),
    "<": lambda ops, a: ops.sign_of_difference(a[0], a[1], "<") < 0,
    "<=": lambda ops, a: ops.sign_of_difference(a[0], a[1], "<=") < 0,
    ">": lambda ops, a: ops.sign_of_difference(a[0], a[1], ">") > 0,
    ">=": lambda ops, a: ops.sign_of_difference(a[0], a[1], ">=") > 0,
    "==": lambda ops, a: ops.equal(a[0], a[1]),
    "!=": lambda ops, a: not ops.equal(a[0], a[1]),
    "and": lambda ops, a: all(a),
    "or": lambda ops, a: any(a),
    "not": lambda ops, a: not a[0],
}
"""Series of calls, by head."""
