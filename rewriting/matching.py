"""Matching a pattern with the whole of a term, modulo associativity and commutativity at every level.

A sum or product must be used up: each sub-pattern takes one addend or factor, and the last bare slot takes what the others leave.
A segment takes what the others leave, however many that is.  How sums and products are used up is in ``using_up``, and how a pattern is
found inside a longer sum or product in ``within``.

Matching is a search, and modulo commutativity a hard one.  It fails early: heads are counted before anything is tried, patterns that
share slots come first, and what is left is chosen so that each pattern can still have a term of its own.  It fails once: of many patterns,
those that are left are not tried again on the same items with the same bindings, and where nothing follows from one way in which a part
matches, only ways that bind a slot of the rest differently are tried.  A search that takes more than ``MAX_ATTEMPTS`` attempts all the
same is given up with a :class:`MatchLimitWarning`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.backends.nodes import number_key
from symnum.operators import OPERATORS
from symnum.order import order_key
from symnum.rewriting.assignment import (
    Bound,
    Finish,
    Fits,
    Items,
    Search,
    assign,
    each_way,
    enough_heads,
)
from symnum.rewriting.binding import bind, bind_segment
from symnum.rewriting.pattern import (
    MANY,
    ApplyPattern,
    BagPattern,
    CallPattern,
    Literal,
    Pattern,
    ProductPattern,
    Segment,
    Slot,
    SumPattern,
    is_straight,
)
from symnum.rewriting.using_up import use_up_product, use_up_sum
from symnum.rewriting.views import (
    PRODUCT_HEADS,
    SUM_HEADS,
    call_of,
    head_of,
    is_value,
    product_of,
    product_view,
    sum_view,
)

# --- one pattern, one term --------------------------------------------------------------------------------------------------------


def match(pattern: Pattern, term: Any, bound: Bound, search: Search) -> Iterator[Bound]:
    """Yield each way in which ``pattern`` is the whole of ``term``, given what is bound already, in a fixed order."""
    search.attempt()
    if isinstance(pattern, Slot):
        new = bind(pattern, term, bound, search)
        if new is not None:
            yield new
    elif isinstance(pattern, Literal):
        if interface.is_number(term) and number_key(interface.value(term)) == number_key(pattern.value):
            yield bound
    elif isinstance(pattern, CallPattern):
        if pattern.straight:
            new = _straight(pattern, term, bound, search)
            if new is not None:
                yield new
        elif head_of(term) == pattern.head:
            args = interface.sorted_args(term)
            if len(args) == len(pattern.args):
                yield from _in_turn(pattern.args, args, 0, bound, search)
                if pattern.commutative and len(args) == 2:
                    yield from _in_turn(pattern.args, args[::-1], 0, bound, search)
    elif isinstance(pattern, BagPattern):
        if head_of(term) == pattern.head:
            for new, rest in match_bag(pattern, term, bound, search, whole=True):
                if not rest:
                    yield new
    elif isinstance(pattern, ApplyPattern):
        yield from _application(pattern, term, bound, search)
    elif pattern.slots <= bound.keys():
        built = pattern.template.build(term, bound)
        if built is not None and interface.key(built) == interface.key(term):
            yield bound
    elif isinstance(pattern, SumPattern):
        yield from _whole_sum(pattern, term, bound, search)
    elif pattern.segment is None or head_of(term) in _PRODUCTS:
        coefficient, items = product_view(term)
        yield from _whole_product(pattern, term, coefficient, items, bound, search)


def _straight(pattern: CallPattern, term: Any, bound: Bound, search: Search) -> Bound | None:
    """Return the bindings with which a pattern that holds nothing commutative is a term, or None."""
    known: Bound | None = bound
    stack: list[tuple[Any, Any]] = [(pattern, term)]
    while stack and known is not None:
        part, place = stack.pop()
        if isinstance(part, Slot):
            known = bind(part, place, known, search)
        elif isinstance(part, Literal):
            if not (
                interface.is_number(place) and number_key(interface.value(place)) == number_key(part.value)
            ):
                return None
        else:
            if head_of(place) != part.head:
                return None
            args = interface.sorted_args(place)
            if len(args) != len(part.args):
                return None
            search.attempt()
            stack += [*zip(part.args, args)][::-1]
    return known


_PRODUCTS = PRODUCT_HEADS - {"^", "sqrt"}


def _in_turn(
    patterns: Sequence[Pattern | Segment], terms: Sequence[Any], index: int, bound: Bound, search: Search
) -> Iterator[Bound]:
    """Match patterns with terms in their order; a segment takes as few as it can first."""
    if index == len(patterns):
        if not terms[index:]:
            yield bound
        return
    pattern = patterns[index]
    if not isinstance(pattern, Segment):
        if len(terms) > index:
            ways = match(pattern, terms[index], bound, search)
            if index + 1 == len(patterns) == len(terms):
                yield from ways
                return
            after = patterns[index + 1 :]

            def then(new: Bound) -> Iterator[Bound]:
                return _in_turn(patterns, terms, index + 1, new, search)

            def hopeless() -> bool:
                return _one_fails(after, terms[index + 1 :], bound, search)

            yield from each_way(ways, after, bound, then, hopeless)
        return
    most = len(terms) - sum(not isinstance(p, Segment) for p in patterns[index + 1 :])
    for end in range(index, most + 1):
        search.attempt()
        taken = bind_segment(pattern, terms[index:end], bound, search, ordered=True)
        if taken is not None:
            # the rest is matched as if the segment had taken one place
            rest = [*terms[:index], None, *terms[end:]]
            yield from _in_turn(patterns, rest, index + 1, taken, search)


def _one_fails(
    patterns: Sequence[Pattern | Segment], terms: Sequence[Any], bound: Bound, search: Search
) -> bool:
    """Tell whether one of the patterns before a segment matches in one way at most and has none, whatever is bound by others."""
    for pattern, term in zip(patterns, terms):
        if isinstance(pattern, Segment):
            return False
        if is_straight(pattern) and next(match(pattern, term, bound, search), None) is None:
            return True
    return False


def _application(pattern: ApplyPattern, term: Any, bound: Bound, search: Search) -> Iterator[Bound]:
    """Yield the ways in which a call of any head is the application of a function slot."""
    head = head_of(term)
    if not head or head in SUM_HEADS or head in PRODUCT_HEADS:
        return
    if bound.get(pattern.name, head) != head:
        return
    if (interface.sort_of(term) == "boolean") != (pattern.sort == "boolean"):
        return
    if not all(predicate(head) for predicate in pattern.predicates):
        return
    new = {**bound, pattern.name: head}
    args = list(interface.sorted_args(term))
    row = OPERATORS.get(head)
    segments = [a for a in pattern.args if isinstance(a, Segment)]
    if row is not None and row.associative and row.commutative and len(segments) < 2:
        items = tuple([a for a in pattern.args if not isinstance(a, Segment)])
        yield from _bag(items, segments[0] if segments else None, args, new, search)
        return
    yield from _in_turn(pattern.args, args, 0, new, search)
    if row is not None and row.commutative and len(args) == 2:
        yield from _in_turn(pattern.args, args[::-1], 0, new, search)


# --- min, max, and, or --------------------------------------------------------------------------------------------------------


def match_bag(
    pattern: BagPattern, term: Any, bound: Bound, search: Search, whole: bool
) -> Iterator[tuple[Bound, list[Any]]]:
    """Yield (bindings, arguments left over); if ``whole``, the last bare slot takes all that the others leave."""
    items = list(interface.sorted_args(term))
    if pattern.segment is not None:
        for new in _bag(pattern.args, pattern.segment, items, bound, search):
            yield new, []
        return
    if not enough_heads(pattern.args, list(map(head_of, items))):
        return
    fits: Fits = lambda p, item, known: match(p, item, known, search)
    last = pattern.args[-1] if pattern.args else None
    if not whole or not isinstance(last, Slot):
        yield from assign(pattern.args, items, bound, fits, search, lambda new, rest: iter([(new, rest)]))
        return

    def finish(new: Bound, rest: list[Any]) -> Iterator[tuple[Bound, list[Any]]]:
        taken = bind(last, call_of(term, pattern.head, rest), new, search) if rest else None
        if taken is not None:
            yield taken, []

    yield from assign(pattern.args[:-1], items, bound, fits, search, finish, last)


def _bag(
    patterns: Sequence[Pattern], segment: Segment | None, items: list[Any], bound: Bound, search: Search
) -> Iterator[Bound]:
    """Give each pattern an item of its own, and the segment the rest."""
    if segment is None and len(patterns) != len(items):
        return
    if not enough_heads(patterns, list(map(head_of, items))):
        return
    fits: Fits = lambda p, item, known: match(p, item, known, search)
    yield from assign(patterns, items, bound, fits, search, _remainder(segment, search), segment)


def _remainder(
    segment: Segment | None, search: Search, term_of: Callable[[Any], Any] | None = None
) -> Finish:
    """Return the function that gives a segment what is left over; ``term_of`` makes a term of an item."""

    def finish(new: Bound, rest: list[Any]) -> Iterator[Bound]:
        terms = rest if term_of is None else list(map(term_of, rest))
        taken = new if segment is None else bind_segment(segment, terms, new, search)
        if taken is not None:
            yield taken

    return finish


# --- products -----------------------------------------------------------------------------------------------------------------


def _whole_product(
    pattern: ProductPattern, like: Any, coefficient: Any, items: Items, bound: Bound, search: Search
) -> Iterator[Bound]:
    """Yield the ways in which a product is used up."""
    first, exponent = pattern.factors[0] if pattern.factors else (None, 1)
    share = numbers.divide(coefficient, pattern.coefficient)
    if (
        len(pattern.factors) == 1
        and pattern.segment is None
        and isinstance(first, Slot)
        and is_value(exponent)
        and exponent != 1
    ):
        root = _root_of_product(like, share, items, exponent)
        new = None if root is None else bind(first, root, bound, search)
        if new is not None:
            yield new
        return
    if pattern.coefficient != 1 and type(share) is not int:
        return
    if len(pattern.factors) > MANY and not enough_heads(
        [base for base, _ in pattern.factors], [head_of(base) for base, _ in items]
    ):
        return

    def fits(factor: Any, item: Any, known: Bound) -> Iterator[Bound]:
        return match_factor(factor[0], factor[1], item[0], item[1], like, known, search)

    if pattern.segment is None:
        yield from use_up_product(pattern.factors, like, share, in_order(items), bound, fits, search)
        return
    # beside a segment the coefficient is an argument like the others
    number = [] if share == 1 and type(share) is int else [(interface.make_number(like, share), 1)]

    def term_of(item: tuple[Any, Any]) -> Any:
        base, e = item
        return base if is_value(e) and e == 1 else product_of(like, 1, [item])

    finish = _remainder(pattern.segment, search, term_of)
    yield from assign(
        pattern.factors, [*number, *in_order(items)], bound, fits, search, finish, pattern.segment
    )


def _root_of_product(like: Any, coefficient: Any, items: Items, exponent: Any) -> Any | None:
    """Return r with coefficient * items = r^exponent, where that is a product again with whole exponents."""
    if type(exponent) is float or (type(exponent) is not int and coefficient < 0):
        return None
    root = numbers.power(coefficient, numbers.normal(Fraction(1) / Fraction(exponent)))
    if root is None or root != root or not items:
        return None
    roots: Items = []
    for base, power in items:
        if not is_value(power) or type(power) is float or (type(power) is int and type(exponent) is not int):
            return None  # x is no square root of x^2
        share = numbers.normal(Fraction(power) / Fraction(exponent))
        if type(share) is not int:
            return None
        roots.append((base, share))
    return product_of(like, root, roots)


def in_order(items: Items) -> Items:
    """Return addends or factors in an order that does not depend on how the term was built."""
    return items if len(items) < 2 else sorted(items, key=lambda item: order_key(item[0]))


def match_factor(
    pattern: Pattern, exponent: Any, base: Any, power: Any, like: Any, bound: Bound, search: Search
) -> Iterator[Bound]:
    """Yield the ways in which base^power is pattern^exponent."""
    if not is_value(exponent):
        as_term = interface.make_number(like, power) if is_value(power) else power
        yield from each_way(
            match(pattern, base, bound, search),
            (exponent,),
            bound,
            lambda new: match(exponent, as_term, new, search),
        )
    elif isinstance(pattern, Slot):
        if exponent == 1:
            whole = product_of(like, 1, [(base, power)])
        else:
            whole = _root_of_product(like, 1, [(base, power)], exponent)
        taken = None if whole is None else bind(pattern, whole, bound, search)
        if taken is not None:
            yield taken
    elif is_value(power) and power == exponent:
        yield from match(pattern, base, bound, search)


# --- sums ---------------------------------------------------------------------------------------------------------------------


def _whole_sum(pattern: SumPattern, term: Any, bound: Bound, search: Search) -> Iterator[Bound]:
    """Yield the ways in which a sum is used up."""
    if pattern.segment is not None and head_of(term) not in SUM_HEADS:
        return
    constant, pairs = sum_view(term)
    if pattern.constant != 0:
        if constant != pattern.constant or type(constant) is not type(pattern.constant):
            return
        constant = 0
    pairs = in_order(pairs)

    def fits(addend: Any, item: Any, known: Bound) -> Iterator[Bound]:
        coefficient, product = addend
        return _addend(product, coefficient, item, term, known, search)

    if pattern.segment is None:
        yield from use_up_sum(pattern.addends, term, constant, pairs, bound, fits, search)
        return
    # beside a segment the constant is an argument like the others
    number = [] if constant == 0 else [(interface.make_number(term, constant), 1)]

    def term_of(item: tuple[Any, Any]) -> Any:
        t, c = item
        return t if c == 1 and type(c) is int else product_of(term, c, [(t, 1)])

    finish = _remainder(pattern.segment, search, term_of)
    yield from assign(pattern.addends, [*pairs, *number], bound, fits, search, finish, pattern.segment)


def _addend(
    product: ProductPattern, coefficient: Any, item: tuple[Any, Any], like: Any, bound: Bound, search: Search
) -> Iterator[Bound]:
    """Yield the ways in which an addend (core, weight) is coefficient * product."""
    core, weight = item
    inner, items = product_view(core)
    share = numbers.divide(numbers.normal(weight * inner), coefficient)
    yield from _whole_product(product, like, share, items, bound, search)
