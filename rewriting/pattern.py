"""Patterns: terms in which every symbol is a slot.

A pattern keeps sums as {coefficient: addend} and products as {base: exponent}, the way terms are seen by ``views``, so that the order
in which either was written does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.order import order_key
from symnum.rewriting.slots import PREDICATES, FunctionSlot, applied, declaration
from symnum.rewriting.template import Template, compile_template, in_view_order, pattern_parts
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, is_value, product_view, sum_view

MAX_DEPTH = 100
"""Deepest pattern that is accepted: matching descends into the pattern, never into the term."""

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
    straight: bool
    """Whether it holds nothing commutative, so that it matches in one way at most."""


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


# --- slots of a term ------------------------------------------------------------------------------------------------------------


def slots_of(root: Any) -> dict[str, Any]:
    """Return {name: symbol, or function slot} of the slots of a pattern or template, in the order of their names.

    Raises ValueError for a name with two meanings.
    """
    found: dict[str, Any] = {}
    for node in in_view_order(root):
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


# --- patterns -------------------------------------------------------------------------------------------------------------------


def compile_pattern(root: Any, predicates: Predicates | None = None) -> Pattern:
    """Return the pattern that a term is; raises ValueError when it is deeper than ``MAX_DEPTH``."""
    known: dict[Any, Pattern] = {}
    depth: dict[Any, int] = {}
    for node in in_view_order(root):
        identity = interface.key(node)
        depth[identity] = 1 + max((depth[interface.key(part)] for part in pattern_parts(node)), default=0)
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
    commutative = row is not None and row.commutative
    return CallPattern(head, tuple(args), commutative, not commutative and all(map(is_straight, args)))


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
    return isinstance(pattern, CallPattern) and pattern.straight


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


def starting_heads(pattern: Pattern) -> tuple[str, ...] | None:
    """Return the heads of the terms at which a pattern is tried, or None for all but those of sums and products."""
    if isinstance(pattern, ApplyPattern):
        return None
    if isinstance(pattern, SumPattern):
        return tuple(sorted(SUM_HEADS))
    if isinstance(pattern, ProductPattern):
        single = len(pattern.factors) == 1 and pattern.coefficient == 1 and pattern.segment is None
        (exponent,) = [e for _, e in pattern.factors] if single else (1,)
        return (
            ("^", "sqrt")
            if single and not (is_value(exponent) and exponent == 1)
            else tuple(sorted(PRODUCT_HEADS - {"^", "sqrt"}))
        )
    assert not isinstance(pattern, Slot | Literal)
    return (pattern.head,)


def is_part(pattern: Pattern) -> bool:
    """Tell whether a pattern is also found inside a longer sum, product, min, max, and, or."""
    return isinstance(pattern, SumPattern | ProductPattern | BagPattern) and pattern.segment is None


def starts_at(pattern: Pattern, head: str) -> bool:
    """Tell whether a pattern is tried at terms with a head, "" for leaves."""
    heads = starting_heads(pattern)
    return bool(head) and (head in heads if heads is not None else head not in SUM_HEADS | PRODUCT_HEADS)


def base_head(pattern: Pattern) -> str:
    """Return the head that a term must have to match, or "" when that is open."""
    if isinstance(pattern, CallPattern | BagPattern):
        return pattern.head
    return "+" if isinstance(pattern, SumPattern) else ""
