"""Local partial derivatives of one call, and the part of a graph that depends on given variables."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.expression import refuse_mixed
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
    out: Partials = []
    for position, arg in enumerate(args):
        if not wanted(arg):
            continue
        if row.derivative is None:
            raise ValueError(
                f"operator {head!r} has no derivative rule, so the derivative of {brief(node)} cannot be formed; "
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
        return [
            (interface.key(a), rest[0] if len(rest) == 1 else make("*", tuple(rest)))
            for a, rest in zip(args, others, strict=True)
            if wanted(a)
        ]
    out: Partials = []
    for base, exponent in face.factors(node)[1]:
        if wanted(base):
            reduced = make("*", (node, make("^", (base, -1))))
            whole = isinstance(exponent, int) and exponent == 1
            out.append((interface.key(base), reduced if whole else make("*", (exponent, reduced))))
        if not isinstance(exponent, _NUMBERS) and wanted(exponent):
            out.append((interface.key(exponent), make("*", (node, make("log", (base,))))))
    return out


def alternatives(node: Any) -> tuple[list[tuple[Any, Any]], Any] | None:
    """Return ifelse, min or max as ([(condition, value), ...], value otherwise), or None for any other call.

    Their derivative must choose too: a sum of partials times 0 or 1 would be NaN wherever the branch not taken is undefined.
    In a tie of min or max the first argument counts.
    """
    face = interface.interface(node)
    head = face.head(node)
    if head not in ("ifelse", "min", "max"):
        return None
    args = face.sorted_args(node)
    if head == "ifelse":
        return [(args[0], args[1])], args[2]
    order = "<=" if head == "min" else ">="
    cases = []
    for i, arg in enumerate(args[:-1]):
        tests = [face.make(order, (arg, other)) for other in args[i + 1 :]]
        cases.append((tests[0] if len(tests) == 1 else face.make("and", tuple(tests)), arg))
    return cases, args[-1]


@lru_cache(maxsize=1024)
def _derivative_program(text: str, sorts: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
    """Return a derivative text as steps: ("argument", index), ("value", number) or (head, indices of earlier steps)."""
    from symnum.backends import tree
    from symnum.text.parser import parse

    conditions = {
        name: tree.symbol(name, "boolean") for name, sort in zip(ARGUMENTS, sorts) if sort == "boolean"
    }
    steps: list[tuple[str, Any]] = []
    where: dict[Any, int] = {}
    for node in interface.postorder(parse(text, symbols=conditions, backend="tree")):
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
    for kind, what in _derivative_program(text, OPERATORS[face.head(node)].argument_sorts):
        if kind == "argument":
            done.append(node if what < 0 else args[what])
        elif kind == "value":
            done.append(face.number(what))
        else:
            done.append(face.make(kind, tuple([done[i] for i in what])))
    return done[-1]


def brief(node: Any) -> str:
    """Return the beginning of a term's text, for messages."""
    from symnum.text.printer import to_text

    return to_text(node, limit=60)


def _numeric_operands(node: Any) -> list[Any]:
    """Return the operands through which a derivative can flow: a choice is constant in its condition between the switches."""
    row = OPERATORS[interface.head(node)]
    below = interface.operands(node)
    if row.result_sort == "boolean" or "boolean" not in row.argument_sorts:
        return list(below)
    return [operand for operand, sort in zip(below, row.argument_sorts) if sort != "boolean"]


def _is_zero(term: Any) -> bool:
    return interface.is_number(term) and interface.value(term) == 0


def _is_indicator(term: Any) -> bool:
    """Tell whether a term is ifelse(condition, a, 0) or ifelse(condition, 0, a)."""
    if not interface.is_call(term) or interface.head(term) != "ifelse":
        return False
    return any(map(_is_zero, interface.args(term)[1:]))


class DependencyGraph:
    """List the calls below some roots that depend on some variables, operands first, with their local partials."""

    def __init__(self, roots: Sequence[Any], variables: Sequence[Any]) -> None:
        refuse_mixed([*roots, *variables])
        self.index: dict[Hashable, int] = {interface.key(v): i for i, v in enumerate(variables)}
        self.depends: dict[Hashable, bool] = dict.fromkeys(self.index, True)
        self.order: list[Any] = []
        self.chooses = False
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
                    self.chooses = self.chooses or interface.head(node) in ("ifelse", "min", "max")
                else:
                    depends[key] = False
                continue
            if key in depends:
                continue
            if not may_depend(node) or not interface.is_call(node):
                depends[key] = False
                continue
            below = _numeric_operands(node)
            stack.append((node, below))
            stack.extend([(child, None) for child in below])

    def partials(self, node: Any) -> Partials:
        """Return the local partials of a call with respect to its dependent operands."""
        key = interface.key(node)
        found = self._partials.get(key)
        if found is None:
            depends = self.depends
            found = self._partials[key] = local_partials(
                node, lambda child: depends.get(interface.key(child), False)
            )
        return found

    def multiply(self, partial: Any, inner: Any) -> Any:
        """Return the product of a partial and a derivative; a factor 1 leaves the other as it is."""
        if type(partial) is int and partial == 1:
            return inner
        # 0 * inf is nan: the derivative of a branch that is not taken must not be looked at, so it moves into the branch
        for choice, other in ((partial, inner), (inner, partial)):
            if other is not self.one and _is_indicator(choice):
                condition, yes, no = interface.args(choice)
                branches = (
                    (yes, self.multiply(other, no)) if _is_zero(yes) else (self.multiply(other, yes), no)
                )
                return self.make("ifelse", (condition, *branches))
        if inner is self.one:
            return (
                partial
                if interface.backend_of(partial) != "python"
                else interface.make_number(inner, partial)
            )
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
