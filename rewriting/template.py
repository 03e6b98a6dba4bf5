"""Templates: short programs that build a term, with its symbols replaced, in the backend of another term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.fold import fold
from symnum.operators import OPERATORS
from symnum.rewriting.slots import applied, declaration, is_segment, parts
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
    view_parts,
)

Bindings = Mapping[str, Any]
"""{slot name: term}; a segment is bound to a tuple of terms, a function slot to a head."""


@dataclass(frozen=True, slots=True)
class Template:
    """A program of steps on earlier results.

    The steps are ("slot", name), ("number", v), ("sum", ...), ("product", ...), ("call", ...), ("apply", ...) and ("join", head, place).
    A segment among the parts of a call that takes any number is spliced in; elsewhere it is joined by the head from which it was taken.
    """

    steps: tuple[tuple[Any, ...], ...]

    def build(self, like: Any, bindings: Bindings) -> Any:
        """Return the term that the template is when its slots are the bound terms, in the backend of ``like``.

        That is None where an empty segment leaves nothing to take the minimum or maximum of.
        """
        done: list[Any] = []
        for step in self.steps:
            kind = step[0]
            if kind == "slot":
                done.append(bindings[step[1]])
            elif kind == "number":
                done.append(interface.make_number(like, step[1]))
            elif kind == "sum":
                done.append(sum_of(like, step[1], _spliced([(done[i], c) for i, c in step[2]])))
            elif kind == "product":
                pairs = [(done[i], e if place is None else done[place]) for i, e, place in step[2]]
                done.append(product_of(like, step[1], _spliced(pairs)))
            else:
                if kind == "join":
                    made = _joined(like, step[1], done[step[2]])
                else:
                    head = step[1] if kind == "call" else bindings[step[1]]
                    args = [arg for arg, _ in _spliced([(done[i], None) for i in step[2]])]
                    made = call_of(like, head, args) if args or not step[2] else _joined(like, head, ())
                if made is None:
                    return None
                done.append(made)
        return done[-1]


def _joined(like: Any, head: str, terms: tuple[Any, ...]) -> Any | None:
    """Return one term for those of a segment, or None where there are none and nothing stands for that."""
    if terms:
        return terms[0] if len(terms) == 1 else call_of(like, head, terms)
    row = OPERATORS.get(head)
    return None if row is None or row.unit is None else interface.make_number(like, row.unit)


def _spliced(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    for thing, _ in pairs:
        if type(thing) is tuple:
            return [(t, w) for x, w in pairs for t in (x if type(x) is tuple else (x,))]
    return pairs


def pattern_parts(node: Any) -> Sequence[Any]:
    """Return the terms that a node of a pattern is built from in its view; function slots have arguments, too."""
    return view_parts(node) if interface.is_call(node) else parts(node)


def in_view_order(root: Any) -> list[Any]:
    """Return the distinct nodes below a term in its views, parts first."""
    order: list[Any] = []
    fold(root, lambda node, _: order.append(node), parts=pattern_parts)
    return order


def compile_template(root: Any, homes: Mapping[str, str] | None = None) -> Template:
    """Return the program that builds ``root`` with its symbols replaced.

    ``homes`` gives the heads that join segments, see :func:`segment_homes`; raises ValueError for a segment that cannot be joined.
    """
    place: dict[Any, int] = {}
    joined: dict[str, int] = {}
    steps: list[tuple[Any, ...]] = []

    def at(node: Any, splice: bool = False) -> int:
        """Return the step of a part, joined to one term unless it is spliced."""
        if splice or not is_segment(node):
            return place[interface.key(node)]
        name = declaration(node).name
        head = (homes or {}).get(name, "")
        if not head:
            raise ValueError(
                f"the segment {name!r} stands for one term in {root!s}, but nothing says how its terms are joined; "
                f"write it among the arguments of a call that takes any number of them"
            )
        if name not in joined:
            joined[name] = len(steps)
            steps.append(("join", head, place[interface.key(node)]))
        return joined[name]

    for node in in_view_order(root):
        head = head_of(node)
        application = applied(node)
        if application is not None:
            step: tuple[Any, ...] = ("apply", application[0].name, tuple(at(a, True) for a in application[1]))
        elif interface.is_symbol(node):
            step = ("slot", declaration(node).name)
        elif interface.is_number(node):
            step = ("number", interface.value(node))
        elif head in SUM_HEADS:
            constant, pairs = sum_view(node)
            step = ("sum", constant, tuple((at(t, c == 1), c) for t, c in pairs))
        elif head in PRODUCT_HEADS:
            coefficient, pairs = product_view(node)
            powers = [
                (at(b, is_value(e) and e == 1), *((e, None) if is_value(e) else (None, at(e))))
                for b, e in pairs
            ]
            step = ("product", coefficient, tuple(powers))
        else:
            any_number = _takes_any_number(head)
            step = ("call", head, tuple(at(a, any_number) for a in interface.sorted_args(node)))
        place[interface.key(node)] = len(steps)
        steps.append(step)
    if is_segment(root):
        at(root)
    return Template(tuple(steps))


def _takes_any_number(head: str) -> bool:
    row = OPERATORS.get(head)
    return row is None or row.arity[1] is None


def segment_homes(root: Any) -> dict[str, str]:
    """Return {segment: head whose arguments it is taken from} of a pattern, "" where that is not clear.

    Raises ValueError for a segment in a place where it cannot stand for any number of terms.
    """
    homes: dict[str, set[str]] = {}

    def note(part: Any, head: str, fits: bool, node: Any) -> None:
        if is_segment(part):
            if not fits:
                raise ValueError(
                    f"the segment {part!s} stands for one term in {node!s}; write it in a sum, product, min, max, and, or, "
                    f"or below a function slot"
                )
            homes.setdefault(declaration(part).name, set()).add(head)

    note(root, "", False, root)
    for node in in_view_order(root):
        head = head_of(node)
        if head in SUM_HEADS:
            for addend, c in sum_view(node)[1]:
                note(addend, "+" if c == 1 else "*", True, node)
        elif head in PRODUCT_HEADS:
            for base, exponent in product_view(node)[1]:
                note(base, "*", is_value(exponent) and exponent == 1, node)
                if not is_value(exponent):
                    note(exponent, "", False, node)
        else:
            for part in parts(node):
                note(part, head, not head or _takes_any_number(head), node)
    return {name: heads.pop() if len(heads) == 1 else "" for name, heads in homes.items()}


@lru_cache(maxsize=512)
def template_of(text: str) -> Template:
    """Return the template that a text is, each name a slot."""
    from symnum.text.parser import parse

    return compile_template(parse(text))
