"""Gates of sum patterns: which addends of a longer sum have the same rest and slots in common.

The functions that the generated code calls are here, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symnum import term as interface
from symnum.backends.nodes import number_key
from symnum.rewriting.features import fits
from symnum.rewriting.gate_writer import NoGate, Writer, is_nan, simple_slots
from symnum.rewriting.pattern import CallPattern, Pattern, ProductPattern, Slot, SumPattern, base_head
from symnum.rewriting.views import SUM_HEADS, head_of, is_value, item_keys


def write_sum(writer: Writer, pattern: SumPattern) -> None:
    """Write the gate of a sum pattern found in a longer sum: addends with the same rest and slots in common.

    An addend whose slots are all bound by those before it is built and looked up by the interpreter.  It then may have cancelled with the
    rest, or its call may have been folded; the gate lets pass what could be such a case.
    """
    bound: set[str] = set()
    searched = []
    for i, (_, product) in enumerate(pattern.addends):
        searched.append(i == 0 or not product.slots <= bound)
        bound |= product.slots
    products = [product for _, product in pattern.addends]
    if not products or not _is_power_of_call(products[0]):
        raise NoGate("a sum whose first addend is no power of a call: the features say all")
    if any(is_value(power) and is_nan(power) for product in products for _, power in product.factors):
        raise NoGate("a power of nan, which no arithmetic on exponents finds again")
    a, e = products[0].factors[0]
    others = [
        (product.factors[0], is_searched)
        for product, is_searched in zip(products[1:], searched[1:])
        if _is_power_of_call(product) and (is_searched or _is_tame(product.factors[0][0]))
    ]
    if not others and pattern.constant == 0:
        raise NoGate("a sum with fewer than two addends that are powers of a call: the features say all")
    for number, ((b, f), is_searched) in enumerate(others):
        shared = sorted(simple_slots(a).keys() & simple_slots(b).keys())
        found = f"found{number}"
        writer.line(f"{found} = {{}}")
        writer.line("passed = False")
        _write_held(writer, a, e)
        if not is_searched:
            writer.line(f"if could_fold(args) or has_other(items, place, {base_head(b)!r}): passed = True", 4)
        writer.line(f"{found}.setdefault({_entry(a, shared)}, core)", 4)
        writer.line("if not passed:")
        writer.line(f"if not {found}: return None", 2)
        _write_held(writer, b, f, 2)
        if base_head(a) == base_head(b) and number_key(e) == number_key(f):
            # one addend cannot be two; where several give one entry, the first stands for all
            writer.line(f"if {found}.get({_entry(b, shared)}, core) is not core: passed = True", 5)
        else:
            writer.line(f"if {_entry(b, shared)} in {found}: passed = True", 5)
        writer.line("if not passed: return None")
    if pattern.constant != 0:
        _write_held(writer, a, e)
        writer.line("if len(items) == 1 and power == wanted:", 4)
        writer.line("if index.constant != 0: return True", 5)
        writer.line(
            "elif is_sum(items, place) or rest(items, place, power, wanted) in index.products(): return True",
            4,
        )
        writer.line("return None")
    else:
        writer.line("return True")


def _is_power_of_call(product: ProductPattern) -> bool:
    if len(product.factors) != 1 or product.segment is not None:
        return False
    base, exponent = product.factors[0]
    return isinstance(base, CallPattern) and is_value(exponent)


def _is_tame(base: Pattern) -> bool:
    """Tell whether a call that is built is a call of the same head again, unless :func:`could_fold` warns of its slots."""
    if not isinstance(base, CallPattern) or base.commutative or base.head in ("ifelse", "hold"):
        return False
    return bool(base.args) and all(isinstance(part, Slot) or _is_multiple(part) for part in base.args)


def _is_multiple(pattern: Any) -> bool:
    if not isinstance(pattern, ProductPattern) or len(pattern.factors) != 1 or pattern.segment is not None:
        return False
    ((base, exponent),) = pattern.factors
    return isinstance(base, Slot) and is_value(exponent) and exponent == 1


def could_fold(args: Iterable[Any]) -> bool:
    """Tell whether a call of these terms could be a number, or lose its sign."""
    return any(interface.is_number(arg) or head_of(arg) in ("*", "neg") for arg in args)


def has_other(items: list[tuple[Any, Any]], place: int, head: str) -> bool:
    """Tell whether a product has another factor of a head."""
    return any(i != place and head_of(base) == head for i, (base, _) in enumerate(items))


def is_sum(items: list[tuple[Any, Any]], place: int) -> bool:
    """Tell whether a product without one factor may be a sum, which is no addend but several."""
    return any(head_of(base) in SUM_HEADS for i, (base, _) in enumerate(items) if i != place)


def repr_of(writer: Writer, value: Any) -> str:
    """Return the text of a number in generated code."""
    return repr(value) if type(value) is int else writer.constant(value)


def _write_held(writer: Writer, base: Pattern, exponent: Any, depth: int = 1) -> None:
    """Write the loops over the addends that hold base^exponent; their body comes at ``depth`` + 3."""
    head = repr(base_head(base))
    writer.line(f"wanted = {repr_of(writer, exponent)}", depth)
    writer.line(f"for core, items in index.by_head.get({head}, ()):", depth)
    writer.line("for place, (base, power) in enumerate(items):", depth + 1)
    writer.line(f"if head_of(base) == {head} and is_value(power) and held(power, wanted):", depth + 2)
    writer.line("args = sorted_args(base)", depth + 3)


def _entry(base: Pattern, shared: list[str]) -> str:
    arguments = "".join(f"key(args[{simple_slots(base)[name]}]), " for name in shared)
    return f"({arguments}rest(items, place, power, wanted))"


_NOTHING: frozenset[Any] = frozenset()


def rest(items: list[tuple[Any, Any]], place: int, power: Any, wanted: Any) -> frozenset[Any]:
    """Return what a product is without one factor, as a set."""
    if len(items) == 1 and power == wanted:
        return _NOTHING
    left = [pair for i, pair in enumerate(items) if i != place]
    if power != wanted:
        left.append((items[place][0], power - wanted))
    return item_keys(left)


def held(power: Any, wanted: Any) -> bool:
    """Tell whether a power of a term holds another one, as sin(x)^3 holds sin(x)^2."""
    return fits("held", wanted, power)
