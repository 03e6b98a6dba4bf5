"""Local partial derivatives of one call, and the part of a graph that depends on given variables."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.operators import ARGUMENTS, OPERATORS

Partials = list[tuple[Hashable, Any]]
"""Pairs (key of an operand, partial derivative of the call with respect to it); an operand may come more than once."""

_NUMBERS = (int, float, Fraction)


def local_partials(node: Any, wanted: Callable[[Any], bool]) -> Partials:
    """Return the partial derivatives of a call with respect to those operands for which ``wanted`` holds.

    Raises ValueError for an operator without a derivative.
    """
    face = interface.interface(node)
    head = face.head(node)
    if head == "+":
        return [(interface.key(t), c) for t, c in interface.addends(node)[1] if wanted(t)]
    if head == "*" or (head == "^" and face.factors is not None):
        return _product_partials(node, face, wanted)
    args = face.args(node)
    row = OPERATORS[head]
    if row.associative:
        return _choice_partials(node, head, args, wanted)
    out: Partials = []
    for position, arg in enumerate(args):
        if not wanted(arg):
            continue
        if row.derivative is None:
            raise ValueError(
                f"operator {head!r} has no derivative rule, so the derivative of {_brief(node)} cannot be formed; "
                f"give one with symnum.register_operator({head!r}, ..., derivative='...')"
            )
        partial = _instantiate(row.derivative[position], node, args)
        if partial is not None:
            out.append((interface.key(arg), partial))
    return out


def _product_partials(node: Any, face: Any, wanted: Callable[[Any], bool]) -> Partials:
    """Differentiate coefficient * product of base^exponent, or a plain product of arguments."""
    make = face.make
    if face.factors is None:
        args = face.args(node)
        others = [[*args[:i], *args[i + 1 :]] for i in range(len(args))]
        return [(interface.key(a), rest[0] if len(rest) == 1 else make("*", tuple(rest))) for a, rest in zip(args, others, strict=True) if wanted(a)]
    out: Partials = []
    for base, exponent in face.factors(node)[1]:
        if wanted(base):
            reduced = make("*", (node, make("^", (base, -1))))
            whole = isinstance(exponent, int) and exponent == 1
            out.append((interface.key(base), reduced if whole else make("*", (exponent, reduced))))
        if not isinstance(exponent, _NUMBERS) and wanted(exponent):
            out.append((interface.key(exponent), make("*", (node, make("log", (base,))))))
    return out


def _choice_partials(node: Any, head: str, args: Sequence[Any], wanted: Callable[[Any], bool]) -> Partials:
    """Differentiate min and max: the partial is 1 at the argument that is the value, the first one in a tie."""
    if head not in ("min", "max"):
        raise ValueError(f"{_brief(node)} is a condition and has no derivative; write ifelse(condition, 1, 0) to get a number")
    make = interface.interface(node).make
    order, strict = ("<=", "<") if head == "min" else (">=", ">")
    out: Partials = []
    for i, arg in enumerate(args):
        if wanted(arg):
            tests = [make(strict if j < i else order, (arg, other)) for j, other in enumerate(args) if j != i]
            test = tests[0] if len(tests) == 1 else make("and", tuple(tests))
            out.append((interface.key(arg), make("ifelse", (test, 1, 0)) if tests else 1))
    return out


@lru_cache(maxsize=1024)
def _derivative_program(text: str) -> tuple[tuple[str, Any], ...]:
    """Return a derivative text as steps: ("argument", index), ("value", number) or (head, indices of earlier steps)."""
    from symnum.text.parser import parse

    steps: list[tuple[str, Any]] = []
    where: dict[Any, int] = {}
    for node in interface.postorder(parse(text, backend="tree")):
        if interface.is_number(node):
            step: tuple[str, Any] = ("value", interface.value(node))
        elif interface.is_symbol(node):
            name = interface.name(node)
            step = ("argument", -1 if name == "f" else ARGUMENTS.index(name))
        else:
            step = (interface.head(node), tuple([where[a] for a in interface.args(node)]))
        where[node] = len(steps)
        steps.append(step)
    return tuple(steps)


def _instantiate(text: str, node: Any, args: Sequence[Any]) -> Any:
    """Return the derivative text with the arguments of ``node`` put in, or None where it is 0."""
    if text == "0":
        return None
    face = interface.interface(node)
    done: list[Any] = []
    for kind, what in _derivative_program(text):
        if kind == "argument":
            done.append(node if what < 0 else args[what])
        elif kind == "value":
            done.append(face.number(what))
        else:
            done.append(face.make(kind, tuple([done[i] for i in what])))
    return done[-1]


def _brief(node: Any) -> str:
    from symnum.text.printer import to_text

    return to_text(node, limit=60)


class DependencyGraph:
    """List the calls below some roots that depend on some variables, operands first, with their local partials."""

    def __init__(self, roots: Sequence[Any], variables: Sequence[Any]) -> None:
        self.index: dict[Hashable, int] = {interface.key(v): i for i, v in enumerate(variables)}
        self.depends: dict[Hashable, bool] = dict.fromkeys(self.index, True)
        self.order: list[Any] = []
        self._partials: dict[Hashable, Partials] = {}
        self.make = interface.interface(variables[0]).make
        self.one = interface.make_number(variables[0], 1)
        self._walk(roots, variables)

    def _walk(self, roots: Sequence[Any], variables: Sequence[Any]) -> None:
        depends, order = self.depends, self.order
        may_depend = _mask_test(variables)
        stack: list[tuple[Any, Any]] = [(root, None) for root in reversed(roots)]
        while stack:
            node, below = stack.pop()
            key = interface.key(node)
            if below is not None:
                if any(depends[interface.key(child)] for child in below):
                    depends[key] = True
                    order.append(node)
                else:
                    depends[key] = False
                continue
            if key in depends:
                continue
            if not may_depend(node) or not interface.is_call(node):
                depends[key] = False
                continue
            below = list(interface.operands(node))
            stack.append((node, below))
            stack.extend([(child, None) for child in below])

    def partials(self, node: Any) -> Partials:
        """Return the local partials of a call with respect to its dependent operands."""
        key = interface.key(node)
        found = self._partials.get(key)
        if found is None:
            depends = self.depends
            found = self._partials[key] = local_partials(node, lambda child: depends[interface.key(child)])
        return found

    def multiply(self, partial: Any, inner: Any) -> Any:
        """Return the product of a partial and a derivative; a factor 1 leaves the other as it is."""
        if type(partial) is int and partial == 1:
            return inner
        if inner is self.one:
            return partial if interface.backend_of(partial) != "python" else interface.make_number(inner, partial)
        return self.make("*", (partial, inner))

    def add(self, terms: Sequence[Any]) -> Any:
        """Return the sum of terms; a bare Python number becomes a term."""
        if len(terms) == 1 and not isinstance(terms[0], _NUMBERS):
            return terms[0]
        return self.make("+", tuple(terms))


def _mask_test(variables: Sequence[Any]) -> Callable[[Any], Any]:
    """Return a test that is False only for terms in which no variable occurs."""
    if not all(hasattr(v, "mask") for v in variables):
        return lambda node: True
    mask = 0
    for v in variables:
        mask |= v.mask
    return lambda node: getattr(node, "mask", mask) & mask
