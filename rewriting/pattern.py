"""Patterns and templates: terms in which every symbol is a slot.

A pattern keeps sums as {coefficient: addend} and products as {base: exponent}, the way terms are seen by ``views``, so that the order
in which either was written does not matter.  A template is a short program that builds a term in the backend of the term matched.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.fold import fold
from symnum.operators import OPERATORS
from symnum.order import order_key
from symnum.rewriting.canonical import normal_form
from symnum.rewriting.slots import PREDICATES, FunctionSlot, applied, declaration, parts, rebuilt
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

MAX_DEFAULTS = 6
"""Most default slots of one pattern: each doubles the number of plain patterns that it stands for."""

Bindings = Mapping[str, Any]
"""{slot name: term}; a segment is bound to a tuple of terms, a function slot to a head."""

Predicates = Mapping[str, Callable[[Any], Any]]
"""{slot name: what must hold for the term, for each term of a segment, or for the head of a function slot}."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands for any term of a sort that is known to have the assumptions and fulfils the predicates.

    One with a predicate also takes the coefficient of a product and the constant of a sum.
    """

    name: str
    sort: str
    assumptions: frozenset[str]
    predicates: tuple[Callable[[Any], Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """Stands for any number of terms, each as the slot says."""

    slot: Slot

    @property
    def name(self) -> str:
        """Return the name of the segment."""
        return self.slot.name


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
class ApplyPattern:
    """A call of any head but those of sums, products and powers."""

    name: str
    sort: str
    args: tuple[Pattern | Segment, ...]
    predicates: tuple[Callable[[Any], Any], ...]


@dataclass(frozen=True, slots=True)
class BagPattern:
    """A call of an associative and commutative head other than + and *: min, max, and, or."""

    head: str
    args: tuple[Pattern, ...]
    segment: Segment | None = None


@dataclass(frozen=True, slots=True)
class ProductPattern:
    """coefficient * product of base ^ exponent; an exponent is a number or a pattern."""

    coefficient: Any
    factors: tuple[tuple[Pattern, Any], ...]
    slots: frozenset[str]
    template: Template
    segment: Segment | None = None


@dataclass(frozen=True, slots=True)
class SumPattern:
    """constant + sum of coefficient * product, the most telling addends first."""

    constant: Any
    addends: tuple[tuple[Any, ProductPattern], ...]
    slots: frozenset[str]
    template: Template
    segment: Segment | None = None


Pattern = Slot | Literal | CallPattern | ApplyPattern | BagPattern | ProductPattern | SumPattern


# --- templates ------------------------------------------------------------------------------------------------------------------


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


def _parts(node: Any) -> Sequence[Any]:
    """Return the terms that a node is built from in its view."""
    head = head_of(node)
    if head in SUM_HEADS:
        return [t for t, _ in sum_view(node)[1]]
    if head in PRODUCT_HEADS:
        return [part for pair in product_view(node)[1] for part in pair if not is_value(part)]
    return parts(node)


def _in_order(root: Any) -> list[Any]:
    """Return the distinct nodes below a term in its views, parts first."""
    order: list[Any] = []
    fold(root, lambda node, _: order.append(node), parts=_parts)
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

    for node in _in_order(root):
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


@lru_cache(maxsize=512)
def template_of(text: str) -> Template:
    """Return the template that a text is, each name a slot."""
    from symnum.text.parser import parse

    return compile_template(parse(text))


# --- slots of a term ------------------------------------------------------------------------------------------------------------


def slots_of(root: Any) -> dict[str, Any]:
    """Return {name: symbol, or function slot} of the slots of a pattern or template, in the order of their names.

    Raises ValueError for a name with two meanings.
    """
    found: dict[str, Any] = {}
    for node in _in_order(root):
        application = applied(node)
        if application is not None:
            name, made = application[0].name, application[0]
        elif interface.is_symbol(node):
            name, made = declaration(node).name, node
        else:
            continue
        known = found.setdefault(name, made)
        if not _same_slot(known, made):
            raise ValueError(f"the slot {name!r} is declared in two ways, as {known!r} and as {made!r}")
    return dict(sorted(found.items()))


def _same_slot(a: Any, b: Any) -> bool:
    if isinstance(a, FunctionSlot) or isinstance(b, FunctionSlot):
        return isinstance(a, FunctionSlot) and isinstance(b, FunctionSlot) and a.sort == b.sort
    return interface.key(a) == interface.key(b)


def is_segment(node: Any) -> bool:
    """Tell whether a node is the symbol of a segment."""
    return interface.is_symbol(node) and applied(node) is None and declaration(node).segment


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
    for node in _in_order(root):
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


def variants(root: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Return the terms that a pattern stands for when its default slots are left out or not, each with what is fixed.

    Raises ValueError for a default slot in a place that has no default, and for too many of them.
    """
    defaults = _defaults(root)
    if len(defaults) > MAX_DEFAULTS:
        raise ValueError(
            f"the pattern {root!s} has {len(defaults)} default slots, more than the {MAX_DEFAULTS} allowed; write several rules"
        )
    found = []
    for chosen in itertools.product((False, True), repeat=len(defaults)):
        fixed = {name: value for (name, value), take in zip(defaults.items(), chosen) if take}
        found.append((with_values(root, fixed), fixed))
    return found


def _defaults(root: Any) -> dict[str, Any]:
    """Return {name: what leaves the rest as it is} of the default slots."""
    found: dict[str, set[Any]] = {}

    def note(slot: Any, value: Any) -> None:
        if interface.is_symbol(slot) and applied(slot) is None and declaration(slot).default:
            values = found.setdefault(declaration(slot).name, set())
            if value is not None:
                values.add(value)

    note(root, None)
    for node in _in_order(root):
        head = head_of(node)
        if head in SUM_HEADS:
            for addend, _ in sum_view(node)[1]:
                note(addend, 0)
        elif head in PRODUCT_HEADS:
            for base, exponent in product_view(node)[1]:
                note(base, 1)
                if not is_value(exponent):
                    note(exponent, 1)
        else:
            row = OPERATORS.get(head)
            for part in parts(node):
                note(part, None if row is None else row.unit)
    for name, values in sorted(found.items()):
        if len(values) != 1:
            problem = "several defaults" if values else "no default"
            raise ValueError(
                f"the slot {name!r} has {problem} in {root!s}: as a factor or exponent it is 1, as an addend 0, in and, or "
                f"true, false; write several rules"
            )
    return {name: values.pop() for name, values in sorted(found.items())}


def with_values(root: Any, fixed: Mapping[str, Any]) -> Any:
    """Return a pattern with slots replaced by numbers."""
    if not fixed:
        return root

    def visit(node: Any, new: list[Any]) -> Any:
        if interface.is_symbol(node) and applied(node) is None:
            name = declaration(node).name
            return interface.make_number(node, fixed[name]) if name in fixed else node
        return rebuilt(node, new) if new else node

    return normal_form(fold(root, visit, parts=parts))


# --- patterns -------------------------------------------------------------------------------------------------------------------


def compile_pattern(root: Any, predicates: Predicates | None = None) -> Pattern:
    """Return the pattern that a term is; raises ValueError when it is deeper than ``MAX_DEPTH``."""
    known: dict[Any, Pattern] = {}
    depth: dict[Any, int] = {}
    for node in _in_order(root):
        identity = interface.key(node)
        depth[identity] = 1 + max((depth[interface.key(part)] for part in _parts(node)), default=0)
        if depth[identity] > MAX_DEPTH:
            raise ValueError(f"the pattern is more than {MAX_DEPTH} deep; match a smaller part of the term")
        known[identity] = _compile_node(node, known, predicates or {})
    return known[interface.key(root)]


def compile_slot(node: Any, predicates: Predicates) -> Slot:
    """Return the slot that a symbol is, or that each term of a segment is."""
    declared = declaration(node)
    demands = tuple([PREDICATES[word] for word in declared.words])
    if declared.name in predicates:
        demands = (*demands, predicates[declared.name])
    return Slot(declared.name, interface.sort_of(node), interface.assumptions(node), demands)


def _compile_node(node: Any, known: dict[Any, Pattern], predicates: Predicates) -> Any:
    application = applied(node)
    if application is not None:
        function, terms = application
        given = (predicates[function.name],) if function.name in predicates else ()
        arguments = tuple([known[interface.key(t)] for t in terms])
        return ApplyPattern(function.name, function.sort, arguments, given)
    if interface.is_symbol(node):
        slot = compile_slot(node, predicates)
        return Segment(slot) if declaration(node).segment else slot
    if interface.is_number(node):
        return Literal(interface.value(node))
    head = interface.head(node)
    if head in SUM_HEADS:
        constant, pairs = sum_view(node)
        pairs = _in_fixed_order(pairs)
        parts = [(known[interface.key(t)], t, c) for t, c in pairs]
        segment = _only_segment(node, [p for p, _, c in parts if c == 1])
        addends = [
            (c, _product_pattern(t, known)) for p, t, c in parts if not (c == 1 and isinstance(p, Segment))
        ]
        order = _telling([product for _, product in addends])
        return SumPattern(
            constant,
            tuple([addends[i] for i in order]),
            frozenset(slots_of(node)),
            compile_template(node),
            segment,
        )
    if head in PRODUCT_HEADS:
        return _product_pattern(node, known)
    args = [known[interface.key(a)] for a in interface.sorted_args(node)]
    row = OPERATORS.get(head)
    if row is not None and row.associative and row.commutative:
        segment = _only_segment(node, args)
        items = [a for a in args if not isinstance(a, Segment)]
        return BagPattern(head, tuple([items[i] for i in _telling(items)]), segment)
    return CallPattern(head, tuple(args), row is not None and row.commutative)


def _in_fixed_order(pairs: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return addends or factors in an order that does not depend on how, or after what, the pattern was built."""
    return sorted(pairs, key=lambda pair: order_key(pair[0]))


def _only_segment(node: Any, patterns: Sequence[Any]) -> Segment | None:
    found = [p for p in patterns if isinstance(p, Segment)]
    if len(found) > 1:
        raise ValueError(
            f"{node!s} has the segments {', '.join(f'{s.name}...' for s in found)}, but its arguments have no order, so that any "
            f"split would do; use one segment"
        )
    return found[0] if found else None


def _product_pattern(node: Any, known: dict[Any, Pattern]) -> ProductPattern:
    coefficient, pairs = product_view(node)
    pairs = _in_fixed_order(pairs)
    made = [(known[interface.key(b)], e if is_value(e) else known[interface.key(e)]) for b, e in pairs]
    segment = _only_segment(node, [b for b, _ in made])
    factors = [(b, e) for b, e in made if not isinstance(b, Segment)]
    factors = [factors[i] for i in _telling([base for base, _ in factors], [e for _, e in factors])]
    return ProductPattern(
        coefficient, tuple(factors), frozenset(slots_of(node)), compile_template(node), segment
    )


def _telling(patterns: Sequence[Pattern], exponents: Sequence[Any] = ()) -> list[int]:
    """Return the order in which patterns are tried: those that fit few terms first, and bare slots last.

    A bare slot that others have too comes before one that stands for itself: the last one may take several terms, and the others say
    already what the first one is.  Of many patterns that are no bare slots the same holds, since only those that share a slot can
    contradict each other.
    """
    keys: list[tuple[Any, ...]] = []
    names = [pattern_slots(p) for p in patterns]
    for i, pattern in enumerate(patterns):
        vagueness = _vagueness(pattern)
        alone = (len(patterns) > MANY or vagueness >= _BARE) and all(
            names[i].isdisjoint(other) for j, other in enumerate(names) if j != i
        )
        keys.append((vagueness, alone, bool(exponents) and not is_value(exponents[i])))
    return sorted(range(len(patterns)), key=keys.__getitem__)


_BARE = 3
"""From this vagueness on a pattern is a bare slot, or a product of such."""

MANY = 3
"""Up to so many patterns of one commutative call are tried in their order; of more, the order is chosen to fail early."""


def pattern_slots(pattern: Any) -> frozenset[str]:
    """Return the names of the slots of a pattern."""
    found: set[str] = set()
    stack = [pattern]
    while stack:
        part = stack.pop()
        if isinstance(part, Slot | Segment):
            found.add(part.name)
        elif isinstance(part, ProductPattern | SumPattern):
            found |= part.slots
        elif isinstance(part, CallPattern | BagPattern | ApplyPattern):
            stack.extend(part.args)
            if isinstance(part, ApplyPattern):
                found.add(part.name)
            elif isinstance(part, BagPattern) and part.segment is not None:
                found.add(part.segment.name)
    return frozenset(found)


def is_straight(pattern: Any) -> bool:
    """Tell whether a pattern holds nothing commutative, so that it matches in one way at most."""
    if isinstance(pattern, Slot | Literal):
        return True
    return (
        isinstance(pattern, CallPattern) and not pattern.commutative and all(map(is_straight, pattern.args))
    )


def _vagueness(pattern: Pattern) -> int:
    """Order sub-patterns so that those which fit few terms are tried first, and bare slots last."""
    if isinstance(pattern, ProductPattern):
        return min((_vagueness(base) for base, _ in pattern.factors), default=1)
    if isinstance(pattern, Slot):
        return _BARE if pattern.predicates else _BARE + 1
    return 1 if isinstance(pattern, Literal) else 2 if isinstance(pattern, ApplyPattern) else 0


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
