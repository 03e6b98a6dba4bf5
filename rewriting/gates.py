"""Gates: for each rule a function of straight-line Python that looks at repeated slots, constants and what addends have in common.

A gate may only refuse what the interpreter does not match.  For patterns without sums and products it is the whole match.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.backends.nodes import number_key
from symnum.rewriting.features import Features, exponent_slots, is_true_sum
from symnum.rewriting.gate_writer import NoGate, Writer, is_nan, simple_slots
from symnum.rewriting.pattern import (
    BagPattern,
    CallPattern,
    Literal,
    Pattern,
    ProductPattern,
    Slot,
    SumPattern,
    base_head,
    is_straight,
    pattern_slots,
)
from symnum.rewriting.sign_sets import ASSUMED
from symnum.rewriting.sum_gates import could_fold, has_other, held, is_sum, rest, write_sum
from symnum.rewriting.views import SUM_HEADS, head_of, is_value, product_view, sum_view

if TYPE_CHECKING:
    from symnum.rewriting.rules import Rule


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule, the generated function that is asked before it is matched, and why there is none.

    ``whole`` says that the function returns the bindings of the one match there can be, or None.
    """

    rule: Rule
    gate: Callable[..., Any] | None
    whole: bool
    why: str
    needs: tuple[int, ...]
    source: str


def _write_call(writer: Writer, pattern: Pattern, variable: str, whole: bool) -> None:
    """Write the checks that a term matches a pattern; with ``whole`` they must be complete, else only necessary."""
    if isinstance(pattern, SumPattern | ProductPattern) and pattern.slots <= writer.met:
        return  # it is built and compared
    writer.met |= pattern_slots(pattern) if not isinstance(pattern, CallPattern) else set()
    if isinstance(pattern, Slot):
        known = writer.slots.get(pattern.name)
        if known is not None:
            writer.line(f"if key({known}) != key({variable}): return None")
            return
        writer.slots[pattern.name] = variable
        if whole:
            _write_slot(writer, pattern, variable)
    elif isinstance(pattern, Literal):
        value = writer.constant(number_key(pattern.value))
        writer.line(f"if not is_number({variable}) or number_key(value({variable})) != {value}: return None")
    elif isinstance(pattern, CallPattern) and not pattern.commutative:
        writer.line(f"if head_of({variable}) != {pattern.head!r}: return None")
        if pattern.args:
            names = [writer.new() for _ in pattern.args]
            args = writer.new()
            writer.line(f"{args} = sorted_args({variable})")
            writer.line(f"if len({args}) != {len(names)}: return None")
            writer.line(f"{', '.join(names)}, = {args}")
            for name, part in zip(names, pattern.args):
                _write_call(writer, part, name, whole)
    elif isinstance(pattern, SumPattern) and not whole:
        _write_whole_sum(writer, pattern, variable)
    elif isinstance(pattern, ProductPattern) and not whole:
        _write_whole_product(writer, pattern, variable)
    elif not whole:
        head = base_head(pattern)
        if head:
            writer.line(f"if head_of({variable}) != {head!r}: return None")


def _write_slot(writer: Writer, slot: Slot, variable: str) -> None:
    if slot.sort == "real":
        writer.line(f"if sort_of({variable}) == 'boolean': return None")
    else:
        writer.line(f"if sort_of({variable}) != {slot.sort!r}: return None")
    for assumption in sorted(slot.assumptions):
        writer.line(f"if search.facts.signs({variable}) & {~ASSUMED[assumption]}: return None")
    for predicate in slot.predicates:
        writer.line(f"if not {writer.constant(predicate)}({variable}): return None")


def _write_whole_sum(writer: Writer, pattern: SumPattern, variable: str) -> None:
    """Write checks of constant and width for a sum that is used up."""
    if not is_true_sum(pattern):
        return
    writer.line(f"if head_of({variable}) not in SUM_HEADS: return None")
    constant, pairs = writer.new(), writer.new()
    writer.line(f"{constant}, {pairs} = sum_view({variable})")
    if pattern.constant != 0:
        wanted = writer.constant(pattern.constant)
        writer.line(f"if {constant} != {wanted} or type({constant}) is not type({wanted}): return None")
    last = pattern.addends[-1][1] if pattern.addends else None
    open_ = pattern.segment is not None or (last is not None and _is_open(last))
    if not open_ and not any(_is_open(product) for _, product in pattern.addends):
        writer.line(f"if len({pairs}) != {len(pattern.addends)}: return None")
    calls = [
        base.head
        for _, product in pattern.addends
        for base, _ in product.factors
        if isinstance(base, CallPattern)
    ]
    for head in dict.fromkeys(calls):
        writer.line(f"if not holds_head({pairs}, {head!r}): return None")


def _write_whole_product(writer: Writer, pattern: ProductPattern, variable: str) -> None:
    """Write checks of width, powers and heads for a product that is used up."""
    if pattern.segment is not None or not pattern.factors:
        return
    coefficient, items = writer.new(), writer.new()
    root = root_taken(pattern)
    if root is None:
        base, exponent = pattern.factors[-1]
        if pattern.coefficient != 1 or (isinstance(base, Slot) and is_value(exponent) and exponent == 1):
            return
        writer.line(f"{coefficient}, {items} = product_view({variable})")
        writer.line(f"if len({items}) + ({coefficient} != 1) != {len(pattern.factors)}: return None")
    elif type(root) is int:
        writer.line(f"if not is_power({variable}, {root!r}): return None")
        return
    else:
        return
    for base, exponent in pattern.factors:
        if isinstance(base, CallPattern | BagPattern):
            test = f"head_of(base) == {base.head!r}"
        elif isinstance(base, Slot) and base.assumptions and not is_value(exponent):
            test = _assumed(base.assumptions, "base")
        else:
            continue
        writer.line(f"if not any([{test} for base, _ in {items}]): return None")


def root_taken(pattern: ProductPattern) -> Any | None:
    """Return the power other than 1 of the one slot that a product pattern is, or None for another pattern."""
    if len(pattern.factors) != 1 or pattern.segment is not None:
        return None
    base, exponent = pattern.factors[0]
    return exponent if isinstance(base, Slot) and is_value(exponent) and exponent != 1 else None


def _is_power(term: Any, exponent: int) -> bool:
    """Tell whether a term may be a product to a whole power, as far as the powers of its factors tell."""
    items = product_view(term)[1]
    return bool(items) and all([type(power) is int and not power % exponent for _, power in items])


def _assumed(assumptions: frozenset[str], variable: str) -> str:
    """Return the text of the check that a term has the assumptions of a slot."""
    bits = 0
    for assumption in assumptions:
        bits |= ~ASSUMED[assumption]
    return f"not search.facts.signs({variable}) & {bits}"


def _write_width(writer: Writer, pattern: SumPattern) -> None:
    """Write checks that skip a factor whose constant or width is not that of a sum pattern, which is matched as a whole."""
    if pattern.segment is not None or any(_is_open(product) for _, product in pattern.addends):
        return
    writer.line("constant, pairs = sum_view(base)", 3)
    writer.line(f"if len(pairs) != {len(pattern.addends)}: continue", 3)
    if pattern.constant != 0:
        wanted = writer.constant(pattern.constant)
        writer.line(f"if constant != {wanted} or type(constant) is not type({wanted}): continue", 3)


def _is_open(product: ProductPattern) -> bool:
    """Tell whether no factor of a product pattern has a known head."""
    return not any(base_head(base) for base, _ in product.factors)


def _write_equal_powers(writer: Writer, count: int, bases: list[Slot]) -> None:
    """Write the gate of a product of powers with one exponent: so many factors must have the same power, other than 1."""
    writer.line("counts = {}")
    writer.line("for base, power in items:")
    # as many as there are factors must have what all bases of the pattern are assumed to have
    assumed = frozenset.intersection(*[base.assumptions for base in bases]) if bases else frozenset()
    test = f" and {_assumed(assumed, 'base')}" if assumed else ""
    writer.line(f"if (power != 1 if is_value(power) else True){test}:", 2)
    writer.line("identity = number_key(power) if is_value(power) else key(power)", 3)
    writer.line("counts[identity] = counts.get(identity, 0) + 1", 3)
    writer.line(f"if counts[identity] == {count}: return True", 3)
    writer.line("return None")


def _write_product(writer: Writer, pattern: ProductPattern) -> None:
    """Write the gate of a product pattern found in a longer product: two factors with a slot in common, on the same side."""
    factors = [(base, e) for base, e in pattern.factors if base_head(base)]
    if len(factors) < 2 and _write_powers(writer, pattern):
        return
    if len(factors) < 2:
        raise NoGate("a product with fewer than two factors of a known head: the features say all")
    (a, e), (b, f) = factors[:2]
    shared = sorted(simple_slots(a).keys() & simple_slots(b).keys())
    for number, (base, exponent) in enumerate(((a, e), (b, f))):
        found = f"found{number}"
        writer.line(f"{found} = []")
        writer.line("for place, (base, power) in enumerate(items):")
        writer.line(f"if head_of(base) == {base_head(base)!r}:", 2)
        if number == 0 and base is pattern.factors[0][0] and isinstance(base, SumPattern):
            _write_width(writer, base)
        arguments = "".join(f"key(args[{simple_slots(base)[name]}]), " for name in shared)
        if shared:
            writer.line("args = sorted_args(base)", 3)
        # both powers must be values for the sides to be compared
        side = f"(power > 0) == {exponent > 0}" if is_value(exponent) and not is_nan(exponent) else "None"
        writer.line(f"side = {side} if is_value(power) else None", 3)
        writer.line(f"{found}.append(({arguments}side, place))", 3)
        writer.line(f"if not {found}: return None")
    # A None side goes with any; two factors of one head are two different factors.
    writer.line("for left in found0:")
    writer.line("for right in found1:", 2)
    writer.line(
        "if left[-1] != right[-1] and left[:-2] == right[:-2] and "
        "(left[-2] is None or right[-2] is None or left[-2] == right[-2]):",
        3,
    )
    writer.line("return True", 4)
    writer.line("return None")


def _write_powers(writer: Writer, pattern: ProductPattern) -> bool:
    """Write the gate of a power of a power, or of a product of broken powers of slots; tell whether the pattern is one."""
    base, exponent = pattern.factors[0]
    if isinstance(base, Slot) and len(pattern.factors) == 1 and is_value(exponent) and base.predicates:
        tests = " and ".join([f"{writer.constant(predicate)}(base)" for predicate in base.predicates])
        writer.line("for base, _ in items:")
        writer.line(f"if {tests}: return True", 2)
        writer.line("return None")
        return True
    if isinstance(base, ProductPattern) and len(pattern.factors) == 1 and base.segment is None:
        root, inside = (
            root_taken(base),
            [b.head for b, _ in base.factors if isinstance(b, CallPattern | BagPattern)],
        )
        if type(root) is int:
            test = f"is_power(base, {root!r})"
        elif inside and base.slots:
            test = f"any([head_of(b) == {inside[0]!r} for b, _ in product_view(base)[1]])"
        else:
            return False
        writer.line("for base, _ in items:")
        writer.line(f"if {test}: return True", 2)
        writer.line("return None")
        return True
    if len(pattern.factors) > 1 and all(
        [
            isinstance(b, Slot) and not b.predicates and is_value(e) and type(e) is not int
            for b, e in pattern.factors
        ]
    ):
        writer.line("count = 0")
        writer.line("for _, power in items:")
        writer.line("if is_value(power) and type(power) is not int: count += 1", 2)
        writer.line(f"return True if count >= {len(pattern.factors)} else None")
        return True
    return False


def _holds_head(pairs: list[tuple[Any, Any]], head: str) -> bool:
    """Tell whether an addend of a sum has a factor of a head."""
    return any([head_of(base) == head for term, _ in pairs for base, _ in product_view(term)[1]])


_NAMESPACE = {
    "SUM_HEADS": SUM_HEADS,
    "could_fold": could_fold,
    "has_other": has_other,
    "is_sum": is_sum,
    "head_of": head_of,
    "holds_head": _holds_head,
    "held": held,
    "is_number": interface.is_number,
    "is_value": is_value,
    "key": interface.key,
    "number_key": number_key,
    "is_power": _is_power,
    "product_view": product_view,
    "rest": rest,
    "sort_of": interface.sort_of,
    "sorted_args": interface.sorted_args,
    "sum_view": sum_view,
    "value": interface.value,
}


def compile_rule(entry: Rule, number: int, features: Features) -> CompiledRule:
    """Return a rule with its gate, generated and compiled."""
    idle = entry.idle
    needs = tuple(features.needs(pattern, idle) for pattern, _ in entry.patterns)
    name = f"gate_{number}"
    try:
        if len(entry.patterns) > 1:
            raise NoGate(f"its default slots make it {len(entry.patterns)} patterns")
        pattern = entry.pattern
        whole = is_straight(pattern)
        if isinstance(pattern, CallPattern):
            writer = Writer(name, "term, search")
            if pattern.commutative:
                raise NoGate("the arguments of a commutative call match both ways round")
            _write_call(writer, pattern, "term", whole)
            bound = ", ".join(f"{slot!r}: {variable}" for slot, variable in writer.slots.items())
            writer.line(f"return {{{bound}}}" if whole else "return True")
        elif isinstance(pattern, ProductPattern) and pattern.segment is None:
            writer = Writer(name, "items, search")
            if (
                len(pattern.factors) > 1
                and len(idle & exponent_slots(pattern)) == 1
                and all(isinstance(exponent, Slot) for _, exponent in pattern.factors)
            ):
                bases = [base for base, _ in pattern.factors if isinstance(base, Slot)]
                _write_equal_powers(
                    writer, len(pattern.factors), bases if len(bases) == len(pattern.factors) else []
                )
            else:
                _write_product(writer, pattern)
        elif isinstance(pattern, SumPattern) and pattern.segment is None:
            writer = Writer(name, "index, search")
            write_sum(writer, pattern)
        else:
            raise NoGate("a pattern with a segment, a function slot, or of min, max, and, or")
    except NoGate as reason:
        return CompiledRule(entry, None, False, str(reason), needs, "")
    source = "\n".join([f"# {entry.name!r}", *writer.lines]) + "\n"
    namespace = {**_NAMESPACE, **writer.constants}
    exec(compile(source, f"<gate of {entry.name!r}>", "exec"), namespace)
    return CompiledRule(entry, namespace[name], whole, "", needs, source)
