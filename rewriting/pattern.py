"""Patterns and templates: terms in which every symbol is a slot.

A pattern keeps sums as {coefficient: addend} and products as {base: exponent}, the way terms are seen by ``views``, so that the order
in which either was written does not matter.  A template is a short program that builds a term in the backend of the term matched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.views import (
    PRODUCT_HEADS,
    SUM_HEADS,
    call_of,
    head_of,
    is_value,
    product_of,
    product_view,
    sum_of,
    sum_view,
)

MAX_DEPTH = 100
"""Deepest pattern that is accepted: matching descends into the pattern, never into the term."""

Bindings = Mapping[str, Any]
"""{slot name: term}."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands for any term of a sort that is known to have the assumptions."""

    name: str
    sort: str
    assumptions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Literal:
    """Stands for one number."""

    value: Any


@dataclass(frozen=True, slots=True)
class CallPattern:
    """A call whose arguments match one by one; those of a commutative head also the other way round."""

    head: str
    args: tuple[Pattern, ...]
    commutative: bool


@dataclass(frozen=True, slots=True)
class BagPattern:
    """A call of an associative and commutative head other than + and *: min, max, and, or."""

    head: str
    args: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class ProductPattern:
    """coefficient * product of base ^ exponent; an exponent is a number or a pattern."""

    coefficient: Any
    factors: tuple[tuple[Pattern, Any], ...]
    slots: frozenset[str]
    template: Template


@dataclass(frozen=True, slots=True)
class SumPattern:
    """constant + sum of coefficient * product, the most telling addends first."""

    constant: Any
    addends: tuple[tuple[Any, ProductPattern], ...]
    slots: frozenset[str]
    template: Template


Pattern = Slot | Literal | CallPattern | BagPattern | ProductPattern | SumPattern


@dataclass(frozen=True, slots=True)
class Template:
    """A program of steps ("slot", name), ("number", v), ("sum", ...), ("product", ...), ("call", ...) on earlier results."""

    steps: tuple[tuple[Any, ...], ...]

    def build(self, like: Any, bindings: Bindings) -> Any:
        """Return the term that the template is when its slots are the bound terms, in the backend of ``like``."""
        done: list[Any] = []
        for step in self.steps:
            kind = step[0]
            if kind == "slot":
                done.append(bindings[step[1]])
            elif kind == "number":
                done.append(interface.make_number(like, step[1]))
            elif kind == "sum":
                done.append(sum_of(like, step[1], [(done[i], c) for i, c in step[2]]))
            elif kind == "product":
                done.append(
                    product_of(
                        like,
                        step[1],
                        [(done[i], e if place is None else done[place]) for i, e, place in step[2]],
                    )
                )
            else:
                done.append(call_of(like, step[1], [done[i] for i in step[2]]))
        return done[-1]


def _parts(node: Any) -> Sequence[Any]:
    """Return the terms that a node is built from in its view."""
    head = head_of(node)
    if not head:
        return ()
    if head in SUM_HEADS:
        return [t for t, _ in sum_view(node)[1]]
    if head in PRODUCT_HEADS:
        return [part for pair in product_view(node)[1] for part in pair if not is_value(part)]
    return list(interface.sorted_args(node))


def _in_order(root: Any) -> list[Any]:
    """Return the distinct nodes below a term in its views, parts first."""
    order: list[Any] = []
    seen: set[Any] = set()
    stack = [(root, False)]
    while stack:
        node, entered = stack.pop()
        if entered:
            order.append(node)
        elif interface.key(node) not in seen:
            seen.add(interface.key(node))
            stack.append((node, True))
            stack.extend((part, False) for part in reversed(_parts(node)))
    return order


def compile_template(root: Any) -> Template:
    """Return the program that builds ``root`` with its symbols replaced."""
    place: dict[Any, int] = {}
    steps: list[tuple[Any, ...]] = []
    for node in _in_order(root):
        head = head_of(node)
        if interface.is_symbol(node):
            step: tuple[Any, ...] = ("slot", interface.name(node))
        elif interface.is_number(node):
            step = ("number", interface.value(node))
        elif head in SUM_HEADS:
            constant, pairs = sum_view(node)
            step = ("sum", constant, tuple((place[interface.key(t)], c) for t, c in pairs))
        elif head in PRODUCT_HEADS:
            coefficient, pairs = product_view(node)
            step = (
                "product",
                coefficient,
                tuple(
                    (
                        place[interface.key(b)],
                        e if is_value(e) else None,
                        None if is_value(e) else place[interface.key(e)],
                    )
                    for b, e in pairs
                ),
            )
        else:
            step = ("call", head, tuple(place[interface.key(a)] for a in interface.sorted_args(node)))
        place[interface.key(node)] = len(steps)
        steps.append(step)
    return Template(tuple(steps))


@lru_cache(maxsize=512)
def template_of(text: str) -> Template:
    """Return the template that a text is, each name a slot."""
    from symnum.text.parser import parse

    return compile_template(parse(text))


def compile_pattern(root: Any) -> Pattern:
    """Return the pattern that a term is; raises ValueError when it is deeper than ``MAX_DEPTH``."""
    known: dict[Any, Pattern] = {}
    depth: dict[Any, int] = {}
    for node in _in_order(root):
        identity = interface.key(node)
        depth[identity] = 1 + max((depth[interface.key(part)] for part in _parts(node)), default=0)
        if depth[identity] > MAX_DEPTH:
            raise ValueError(f"the pattern is more than {MAX_DEPTH} deep; match a smaller part of the term")
        known[identity] = _compile_node(node, known)
    return known[interface.key(root)]


def _compile_node(node: Any, known: dict[Any, Pattern]) -> Pattern:
    if interface.is_symbol(node):
        return Slot(interface.name(node), interface.sort_of(node), interface.assumptions(node))
    if interface.is_number(node):
        return Literal(interface.value(node))
    head = interface.head(node)
    if head in SUM_HEADS:
        constant, pairs = sum_view(node)
        addends = [(c, _product_pattern(t, known)) for t, c in pairs]
        addends.sort(key=lambda pair: _vagueness(pair[1]))
        return SumPattern(constant, tuple(addends), _slots(node), compile_template(node))
    if head in PRODUCT_HEADS:
        return _product_pattern(node, known)
    args = tuple([known[interface.key(a)] for a in interface.sorted_args(node)])
    row = OPERATORS.get(head)
    if row is not None and row.associative and row.commutative:
        return BagPattern(head, tuple(sorted(args, key=_vagueness)))
    return CallPattern(head, args, row is not None and row.commutative)


def _product_pattern(node: Any, known: dict[Any, Pattern]) -> ProductPattern:
    coefficient, pairs = product_view(node)
    factors = [(known[interface.key(b)], e if is_value(e) else known[interface.key(e)]) for b, e in pairs]
    factors.sort(key=lambda pair: (_vagueness(pair[0]), not is_value(pair[1])))
    return ProductPattern(coefficient, tuple(factors), _slots(node), compile_template(node))


def _slots(root: Any) -> frozenset[str]:
    return frozenset(interface.name(s) for s in interface.free_symbols(root))


def _vagueness(pattern: Pattern) -> int:
    """Order sub-patterns so that those which fit few terms are tried first, and bare slots last."""
    if isinstance(pattern, ProductPattern):
        return min((_vagueness(base) for base, _ in pattern.factors), default=1)
    return 2 if isinstance(pattern, Slot) else 1 if isinstance(pattern, Literal) else 0


def heads_needed(pattern: Pattern) -> frozenset[str]:
    """Return heads that must occur among the factors of a sum's addends or a product's factors, for early rejection."""
    if isinstance(pattern, SumPattern):
        return frozenset().union(*(heads_needed(product) for _, product in pattern.addends))
    if isinstance(pattern, ProductPattern):
        return frozenset(h for base, _ in pattern.factors if (h := base_head(base)))
    return frozenset()


def base_head(pattern: Pattern) -> str:
    """Return the head that a term must have to match, or "" when that is open."""
    if isinstance(pattern, CallPattern | BagPattern):
        return pattern.head
    return "+" if isinstance(pattern, SumPattern) else ""
