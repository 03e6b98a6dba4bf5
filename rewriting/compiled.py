"""Rule sets compiled for being asked at many nodes.

Most questions "does any rule fire here?" have the answer no, and it must come fast.  Three sieves give it, each finer than the last:

1. *heads*: rules are indexed by the head at which they start;
2. *features*: a feature is a factor with a certain head and power, such as sin^2 or 1/cos.  A node's features are one bit mask, found
   from its parts; the rules whose needs are among them are looked up by that mask.  A sum has the features of whole addends;
3. *gates*: for each rule a function of straight-line Python is generated that looks at repeated slots, constants and what
   addends have in common.  For patterns without sums and products it is the whole match.

What passes all three is matched by the interpreter in ``matching`` and ``within``, so that the results and their order are the same.
A gate may only refuse what the interpreter does not match.  Rules without a gate say why, see :class:`CompiledRule`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.backends.nodes import number_key
from symnum.rewriting.facts import ASSUMED
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
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, head_of, is_value, product_view, sum_view
from symnum.rewriting.within import SumIndex, item_keys

if TYPE_CHECKING:
    from symnum.rewriting.rules import Rule

MOST_ENTRIES = 4096
"""Tables of masks are started afresh when they hold more entries."""

_HELD, _POWER, _EXACT = "held", "power", "exact"

Feature = tuple[str, str, Any]
"""(head of the base or "#" for a number or "" for any, how powers compare, power or None for any)."""


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


# --- features -------------------------------------------------------------------------------------------------------------------


def _fits(how: str, wanted: Any, power: Any) -> bool:
    """Tell whether a factor with this power can be the one wanted; a power is None when it is a term."""
    if wanted is None:
        return True
    if power is None:
        return False
    if how == _POWER:
        return not (type(power) is int and type(wanted) is not int)
    if power == wanted:
        return True
    whole = type(power) is int and type(wanted) is int
    return how == _HELD and whole and power * wanted > 0 and abs(power) >= abs(wanted)


class Features:
    """The features that the rules of a set ask for, each with a bit."""

    def __init__(self) -> None:
        self.by_head: dict[str, list[tuple[str, Any, int]]] = {}
        self.bits: dict[Feature, int] = {}
        self.addends: dict[int, int] = {}
        self.inside: dict[int, int] = {}
        self._of_inside: dict[int, int] = {}
        self._of_factor: dict[Any, int] = {}
        self._of_addend: dict[int, int] = {}

    def bit(self, head: str, how: str, power: Any) -> int:
        """Return the bit of a feature, a new one if it is asked for the first time."""
        found = self.bits.get((head, how, power))
        if found is None:
            found = self.bits[head, how, power] = 1 << len(self.bits)
            self.by_head.setdefault(head, []).append((how, power, found))
        return found

    def addend(self, needed: int) -> int:
        """Return the bit of an addend whose factors have the features needed."""
        return self.addends.setdefault(needed, 1 << len(self.addends))

    def inner(self, needed: int) -> int:
        """Return the bit of a factor that is a sum with an addend whose factors have the features needed."""
        found = self.inside.get(needed)
        if found is None:
            found = self.inside[needed] = self.bits["+", "inside", needed] = 1 << len(self.bits)
        return found

    def of_factor(self, head: str, power: Any) -> int:
        """Return the features of base^power; ``head`` is that of the base, "#" for a number."""
        if type(power) is int:
            key: Any = (head, power)
        elif is_value(power):
            key = (head, power, type(power))
        else:
            key, power = head, None
        found = self._of_factor.get(key)
        if found is None:
            found = 0
            for how, wanted, bit in (
                *self.by_head.get(head, ()),
                *(self.by_head.get("", ()) if head else ()),
            ):
                if _fits(how, wanted, power):
                    found |= bit
            if len(self._of_factor) >= MOST_ENTRIES:
                self._of_factor.clear()
            self._of_factor[key] = found
        return found

    def of_addend(self, mask: int) -> int:
        """Return the addend features of an addend with the factor features ``mask``."""
        found = self._of_addend.get(mask)
        if found is None:
            found = 0
            for needed, bit in self.addends.items():
                if not needed & ~mask:
                    found |= bit
            if len(self._of_addend) >= MOST_ENTRIES:
                self._of_addend.clear()
            self._of_addend[mask] = found
        return found

    def of_inside(self, mask: int) -> int:
        """Return the features of a factor that is a sum, from an addend with the factor features ``mask``."""
        found = self._of_inside.get(mask)
        if found is None:
            found = 0
            for needed, bit in self.inside.items():
                if not needed & ~mask:
                    found |= bit
            if len(self._of_inside) >= MOST_ENTRIES:
                self._of_inside.clear()
            self._of_inside[mask] = found
        return found

    def of_items(self, items: Iterable[tuple[Any, Any]]) -> int:
        """Return the features of the factors of a product."""
        mask = 0
        for base, power in items:
            head = head_of(base) or ("#" if interface.is_number(base) else "")
            if head in SUM_HEADS:
                mask |= self.of_factor("+", power)
                if self.inside:
                    for core, _ in sum_view(base)[1]:
                        mask |= self.of_inside(self._of_core(core))
            else:
                mask |= self.of_factor(head, power)
        return mask

    def _of_core(self, core: Any) -> int:
        """Return the features of an addend of a sum that is a factor, without what its own sums hold."""
        mask = 0
        for base, power in product_view(core)[1]:
            head = head_of(base) or ("#" if interface.is_number(base) else "")
            mask |= self.of_factor("+" if head == "-" else head, power)
        return mask

    def of_term(self, term: Any) -> int:
        """Return the features of a term seen as a product."""
        return self.of_items(product_view(term)[1])

    # --- what patterns need ---

    def factors_needed(self, pattern: ProductPattern, how: str) -> int:
        """Return the features that a product needs."""
        needed = 0
        first = pattern.factors[0][0] if pattern.factors else None
        if isinstance(first, SumPattern) and how == _POWER:
            # it is matched before any slot is bound: its addends must be there as they are written
            for _, product in first.addends:
                inner = self.factors_needed(product, _EXACT)
                needed |= self.inner(inner) if inner else 0
        for base, exponent in pattern.factors:
            power = exponent if is_value(exponent) else None
            head = base_head(base)
            if isinstance(base, Literal):
                # a bare number in a sum or product is part of its coefficient
                needed |= self.bit("#", how, power) if power != 1 else 0
            elif isinstance(base, SumPattern) and how == _EXACT and len(pattern.factors) > 1:
                continue  # with all slots bound it is built, and may turn out to be no sum
            elif head:
                needed |= self.bit(head, how, power)
            elif how == _POWER and power is not None and power != 1:
                needed |= self.bit("", how, power)
        return needed

    def needs(self, pattern: Pattern) -> int:
        """Return the features that must be there for a pattern to match at the top: of factors, whole addends, or arguments."""
        if isinstance(pattern, SumPattern):
            return self._of_sum(pattern)
        if isinstance(pattern, ProductPattern):
            return self.factors_needed(pattern, _POWER if pattern.segment is None else _EXACT)
        if isinstance(pattern, CallPattern) and not pattern.commutative:
            return self._of_arguments(pattern.args)
        return 0

    def _of_sum(self, pattern: SumPattern) -> int:
        needed = 0
        bound: set[str] = set()
        for i, (_, product) in enumerate(pattern.addends):
            if pattern.segment is not None:
                factors = 0 if product.slots <= bound else self.factors_needed(product, _EXACT)
            elif i == 0 or not product.slots <= bound:
                factors = self.factors_needed(product, _HELD)
            else:
                # It is built and looked up, where its factors may cancel with the common one: only their heads must occur.
                for base, _ in product.factors:
                    head = base_head(base)
                    needed |= self.addend(self.bit(head, _HELD, None)) if head else 0
                factors = 0
            bound |= product.slots
            needed |= self.addend(factors) if factors else 0
        return needed

    def _of_arguments(self, patterns: Iterable[Any]) -> int:
        needed = 0
        bound: set[str] = set()
        for pattern in patterns:
            names = pattern_slots(pattern)
            if isinstance(pattern, CallPattern | BagPattern):
                needed |= self.bit(pattern.head, _EXACT, 1)
            elif names <= bound and bound:
                continue  # it is built and compared
            elif isinstance(pattern, ProductPattern):
                needed |= self.factors_needed(pattern, _EXACT)
            elif isinstance(pattern, SumPattern) and _is_true_sum(pattern):
                needed |= self.bit("+", _EXACT, 1)
            bound |= names
        return needed


def _is_true_sum(pattern: SumPattern) -> bool:
    """Tell whether only sums can match a pattern."""
    return len(pattern.addends) + (pattern.constant != 0) + (pattern.segment is not None) > 1


# --- generated gates ------------------------------------------------------------------------------------------------------------


class _NoGate(Exception):
    """Says why there is no gate for a rule."""


class _Writer:
    """Writes the source of one gate."""

    def __init__(self, name: str, arguments: str) -> None:
        self.lines = [f"def {name}({arguments}):"]
        self.names = count()
        self.slots: dict[str, str] = {}
        self.met: set[str] = set()
        self.constants: dict[str, Any] = {}

    def new(self) -> str:
        return f"t{next(self.names)}"

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def line(self, text: str, depth: int = 1) -> None:
        self.lines.append("    " * depth + text)


def _write_call(writer: _Writer, pattern: Pattern, variable: str, whole: bool) -> None:
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
    elif not whole:
        head = base_head(pattern)
        if head:
            writer.line(f"if head_of({variable}) != {head!r}: return None")


def _write_slot(writer: _Writer, slot: Slot, variable: str) -> None:
    if slot.sort == "real":
        writer.line(f"if sort_of({variable}) == 'boolean': return None")
    else:
        writer.line(f"if sort_of({variable}) != {slot.sort!r}: return None")
    for assumption in sorted(slot.assumptions):
        writer.line(f"if search.facts.signs({variable}) & {~ASSUMED[assumption]}: return None")
    for predicate in slot.predicates:
        writer.line(f"if not {writer.constant(predicate)}({variable}): return None")


def _write_whole_sum(writer: _Writer, pattern: SumPattern, variable: str) -> None:
    """Write checks of constant and width for a sum that is used up."""
    if not _is_true_sum(pattern):
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


def _write_width(writer: _Writer, pattern: SumPattern) -> None:
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


def _simple_slots(base: Pattern) -> dict[str, int]:
    """Return {slot: place} of the slots that are arguments of a call, one by one."""
    if not isinstance(base, CallPattern) or base.commutative:
        return {}
    return {part.name: i for i, part in reversed(list(enumerate(base.args))) if isinstance(part, Slot)}


def _write_product(writer: _Writer, pattern: ProductPattern) -> None:
    """Write the gate of a product pattern found in a longer product: two factors with a slot in common, on the same side."""
    factors = [(base, e) for base, e in pattern.factors if base_head(base)]
    if len(factors) < 2:
        raise _NoGate("a product with fewer than two factors of a known head: the features say all")
    (a, e), (b, f) = factors[:2]
    shared = sorted(_simple_slots(a).keys() & _simple_slots(b).keys())
    for number, (base, exponent) in enumerate(((a, e), (b, f))):
        found = f"found{number}"
        writer.line(f"{found} = []")
        writer.line("for place, (base, power) in enumerate(items):")
        writer.line(f"if head_of(base) == {base_head(base)!r}:", 2)
        if number == 0 and base is pattern.factors[0][0] and isinstance(base, SumPattern):
            _write_width(writer, base)
        arguments = "".join(f"key(args[{_simple_slots(base)[name]}]), " for name in shared)
        if shared:
            writer.line("args = sorted_args(base)", 3)
        # both powers must be values for the sides to be compared
        side = f"(power > 0) == {exponent > 0}" if is_value(exponent) and not _is_nan(exponent) else "None"
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


def _is_nan(value: Any) -> bool:
    return value != value


def _write_sum(writer: _Writer, pattern: SumPattern) -> None:
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
        raise _NoGate("a sum whose first addend is no power of a call: the features say all")
    if any(is_value(power) and _is_nan(power) for product in products for _, power in product.factors):
        raise _NoGate("a power of nan, which no arithmetic on exponents finds again")
    a, e = products[0].factors[0]
    others = [
        (product.factors[0], is_searched)
        for product, is_searched in zip(products[1:], searched[1:])
        if _is_power_of_call(product) and (is_searched or _is_tame(product.factors[0][0]))
    ]
    if not others and pattern.constant == 0:
        raise _NoGate("a sum with fewer than two addends that are powers of a call: the features say all")
    for number, ((b, f), is_searched) in enumerate(others):
        shared = sorted(_simple_slots(a).keys() & _simple_slots(b).keys())
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
    """Tell whether a call that is built is a call of the same head again, unless :func:`_could_fold` warns of its slots."""
    if not isinstance(base, CallPattern) or base.commutative or base.head in ("ifelse", "hold"):
        return False
    return bool(base.args) and all(isinstance(part, Slot) or _is_multiple(part) for part in base.args)


def _is_multiple(pattern: Any) -> bool:
    if not isinstance(pattern, ProductPattern) or len(pattern.factors) != 1 or pattern.segment is not None:
        return False
    ((base, exponent),) = pattern.factors
    return isinstance(base, Slot) and is_value(exponent) and exponent == 1


def _could_fold(args: Iterable[Any]) -> bool:
    """Tell whether a call of these terms could be a number, or lose its sign."""
    return any(interface.is_number(arg) or head_of(arg) in ("*", "neg") for arg in args)


def _has_other(items: list[tuple[Any, Any]], place: int, head: str) -> bool:
    """Tell whether a product has another factor of a head."""
    return any(i != place and head_of(base) == head for i, (base, _) in enumerate(items))


def _is_sum(items: list[tuple[Any, Any]], place: int) -> bool:
    """Tell whether a product without one factor may be a sum, which is no addend but several."""
    return any(head_of(base) in SUM_HEADS for i, (base, _) in enumerate(items) if i != place)


def repr_of(writer: _Writer, value: Any) -> str:
    """Return the text of a number in generated code."""
    return repr(value) if type(value) is int else writer.constant(value)


def _write_held(writer: _Writer, base: Pattern, exponent: Any, depth: int = 1) -> None:
    """Write the loops over the addends that hold base^exponent; their body comes at ``depth`` + 3."""
    head = repr(base_head(base))
    writer.line(f"wanted = {repr_of(writer, exponent)}", depth)
    writer.line(f"for core, items in index.by_head.get({head}, ()):", depth)
    writer.line("for place, (base, power) in enumerate(items):", depth + 1)
    writer.line(f"if head_of(base) == {head} and is_value(power) and held(power, wanted):", depth + 2)
    writer.line("args = sorted_args(base)", depth + 3)


def _entry(base: Pattern, shared: list[str]) -> str:
    arguments = "".join(f"key(args[{_simple_slots(base)[name]}]), " for name in shared)
    return f"({arguments}rest(items, place, power, wanted))"


_NOTHING: frozenset[Any] = frozenset()


def _rest(items: list[tuple[Any, Any]], place: int, power: Any, wanted: Any) -> frozenset[Any]:
    """Return what a product is without one factor, as a set."""
    if len(items) == 1 and power == wanted:
        return _NOTHING
    left = [pair for i, pair in enumerate(items) if i != place]
    if power != wanted:
        left.append((items[place][0], power - wanted))
    return item_keys(left)


def _held(power: Any, wanted: Any) -> bool:
    return _fits(_HELD, wanted, power)


_NAMESPACE = {
    "SUM_HEADS": SUM_HEADS,
    "could_fold": _could_fold,
    "has_other": _has_other,
    "is_sum": _is_sum,
    "head_of": head_of,
    "held": _held,
    "is_number": interface.is_number,
    "is_value": is_value,
    "key": interface.key,
    "number_key": number_key,
    "rest": _rest,
    "sort_of": interface.sort_of,
    "sorted_args": interface.sorted_args,
    "sum_view": sum_view,
    "value": interface.value,
}


def compile_rule(entry: Rule, number: int, features: Features) -> CompiledRule:
    """Return a rule with its gate, generated and compiled."""
    needs = tuple(features.needs(pattern) for pattern, _ in entry.patterns)
    name = f"gate_{number}"
    try:
        if len(entry.patterns) > 1:
            raise _NoGate(f"its default slots make it {len(entry.patterns)} patterns")
        pattern = entry.pattern
        whole = is_straight(pattern)
        if isinstance(pattern, CallPattern):
            writer = _Writer(name, "term, search")
            if pattern.commutative:
                raise _NoGate("the arguments of a commutative call match both ways round")
            _write_call(writer, pattern, "term", whole)
            bound = ", ".join(f"{slot!r}: {variable}" for slot, variable in writer.slots.items())
            writer.line(f"return {{{bound}}}" if whole else "return True")
        elif isinstance(pattern, ProductPattern) and pattern.segment is None:
            writer = _Writer(name, "items, search")
            _write_product(writer, pattern)
        elif isinstance(pattern, SumPattern) and pattern.segment is None:
            writer = _Writer(name, "index, search")
            _write_sum(writer, pattern)
        else:
            raise _NoGate("a pattern with a segment, a function slot, or of min, max, and, or")
    except _NoGate as reason:
        return CompiledRule(entry, None, False, str(reason), needs, "")
    source = "\n".join([f"# {entry.name}", *writer.lines]) + "\n"
    namespace = {**_NAMESPACE, **writer.constants}
    exec(compile(source, f"<gate of {entry.name}>", "exec"), namespace)
    return CompiledRule(entry, namespace[name], whole, "", needs, source)


# --- sets -----------------------------------------------------------------------------------------------------------------------


class CompiledSet:
    """The rules of one set with their gates, and the tables in which the rules for a mask of features are found."""

    def __init__(self, rules: tuple[Rule, ...], at_head: Callable[[str], tuple[Rule, ...]]) -> None:
        self.features = Features()
        self.entries = tuple([compile_rule(entry, i, self.features) for i, entry in enumerate(rules)])
        self._of_rule = {id(found.rule): found for found in self.entries}
        self._at_head = at_head
        self._tables: dict[str, dict[int, tuple[CompiledRule, ...]]] = {}

    @property
    def source(self) -> str:
        """Return the generated Python of all gates."""
        return "\n\n".join(found.source for found in self.entries if found.source)

    def table(self, head: str) -> dict[int, tuple[CompiledRule, ...]]:
        """Return {mask: rules} of a head, as far as masks were met."""
        found = self._tables.get(head)
        if found is None:
            if len(self._tables) >= MOST_ENTRIES:
                self._tables.clear()
            found = self._tables[head] = {}
        return found

    def fill(self, head: str, mask: int) -> tuple[CompiledRule, ...]:
        """Find the rules for a head and a mask of features, and keep them in the table."""
        table = self.table(head)
        found = tuple(
            [
                compiled
                for compiled in [self._of_rule[id(entry)] for entry in self._at_head(head)]
                if any(not needs & ~mask for needs in compiled.needs)
            ]
        )
        if len(table) >= MOST_ENTRIES:
            table.clear()
        table[mask] = found
        return found

    def mask(self, term: Any, head: str, index: SumIndex | None = None) -> int:
        """Return the features of a term at its top."""
        features = self.features
        if head in SUM_HEADS:
            mask = 0
            for core, _ in sum_view(term)[1]:
                mask |= features.of_addend(features.of_term(core))
            if index is not None:  # of a backend that keeps sums as written: the addends in normal form, too
                for core, _ in index.entries.values():
                    mask |= features.of_addend(features.of_term(core))
            return mask
        if head in PRODUCT_HEADS:
            return features.of_items(product_view(term)[1])
        mask = 0
        for arg in interface.args(term):
            mask |= features.of_term(arg)
        return mask

    def walk(self, root: Any) -> Iterator[tuple[Any, str, tuple[CompiledRule, ...]]]:
        """Yield (node, head, rules that pass the first two sieves) for the distinct nodes of a term where there are such rules.

        This is for backends with sums and products in canonical form.  Multiples and powers inside sums and products are asked without
        being built.
        """
        face, features = interface.interface(root), self.features
        is_call, head_of_call, make = face.is_call, face.head, face.make
        addends, factors = face.addends, face.factors
        assert addends is not None and factors is not None
        of_factor, of_addend = features.of_factor, features.of_addend
        sums, products, powers = self.table("+"), self.table("*"), self.table("^")
        masks: dict[Any, int] = {}
        insides: dict[Any, int] = {}
        of_inside = features.of_inside if features.inside else None
        heads: dict[Any, str] = {}
        seen: set[Any] = set()
        stack = [root]

        def head_of_base(term: Any) -> str:
            """Return the head of a term, kept for the next look."""
            found = heads.get(term)
            if found is None:
                found = heads[term] = (
                    head_of_call(term) if is_call(term) else "#" if face.is_number(term) else ""
                )
            return found

        def mask_of(term: Any) -> int:
            """Return the features of a term seen as a product."""
            head = head_of_base(term)
            if head == "*" or head == "^":
                mask = of_pairs(factors(term)[1])
            else:
                mask = of_factor(head, 1)
                if head == "+" and of_inside is not None:
                    mask |= inside(term)
            masks[term] = mask
            return mask

        def of_pairs(pairs: Iterable[tuple[Any, Any]]) -> int:
            """Return the features of the factors of a product."""
            mask = 0
            for base, power in pairs:
                head = head_of_base(base)
                mask |= of_factor(head, power)
                if head == "+" and of_inside is not None:
                    mask |= inside(base)
            return mask

        def inside(total: Any) -> int:
            """Return the features that a sum has as a factor, by what it holds."""
            found = insides.get(total)
            if found is None:
                found = 0
                assert of_inside is not None
                for term, _ in addends(total)[1]:
                    mask = 0
                    for base, power in factors(term)[1]:
                        mask |= of_factor(head_of_base(base), power)
                    found |= of_inside(mask)
                insides[total] = found
            return found

        def push_factors(pairs: Iterable[tuple[Any, Any]]) -> None:
            """Enter the factors of a product."""
            for base, power in pairs:
                if type(power) is int and power == 1:
                    if base not in seen:
                        stack.append(base)
                    continue
                mask = of_pairs(((base, power),))
                found = powers.get(mask)
                if found is None:
                    found = self.fill("^", mask)
                if found:
                    stack.append(make("^", (base, power)))
                    continue
                if base not in seen:
                    stack.append(base)
                if not is_value(power):
                    stack.append(power)

        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            head = head_of_base(node)
            if head == "" or head == "#":
                continue
            if head == "+":
                mask = 0
                for term, coefficient in addends(node)[1]:
                    found_mask = masks.get(term)
                    if found_mask is None:
                        found_mask = mask_of(term)
                    mask |= of_addend(found_mask)
                    if type(coefficient) is int and coefficient == 1:
                        if term not in seen:
                            stack.append(term)
                        continue
                    found = products.get(found_mask)
                    if found is None:
                        found = self.fill("*", found_mask)
                    if found:
                        stack.append(make("*", (coefficient, term)))
                    elif heads[term] == "*":
                        push_factors(factors(term)[1])
                    elif term not in seen:
                        stack.append(term)
                found = sums.get(mask)
            elif head == "*" or head == "^":
                pairs = factors(node)[1]
                mask = of_pairs(pairs)
                if head == "*":
                    push_factors(pairs)
                    found = products.get(mask)
                else:
                    for base, power in pairs:
                        stack.append(base)
                        if not is_value(power):
                            stack.append(power)
                    found = powers.get(mask)
            else:
                mask = 0
                for arg in face.args(node):
                    found_mask = masks.get(arg)
                    mask |= mask_of(arg) if found_mask is None else found_mask
                    if arg not in seen:
                        stack.append(arg)
                found = self.table(head).get(mask)
            if found is None:
                found = self.fill(head, mask)
            if found:
                yield node, head, found

    def candidates(self, term: Any, head: str, index: SumIndex | None = None) -> tuple[CompiledRule, ...]:
        """Return the rules that pass the first two sieves at the top of a term."""
        if not self._at_head(head):
            return ()
        mask = self.mask(term, head, index)
        found = self.table(head).get(mask)
        return self.fill(head, mask) if found is None else found
