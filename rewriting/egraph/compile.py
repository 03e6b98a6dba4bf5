"""Rules as egglog queries.

A rule whose left side is one call of slots is an egglog rule as it stands.  The others are queries; those on sums, products and bags
read relations that list the operands of n-ary e-nodes (``ROWS``).  What matches is put down in a table of the rule, and the other
operands of the e-node, which the query does not see, are brought back when the hit is applied (see ``saturation``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.egraph.adapter import EGraphError
from symnum.rewriting.egraph.analysis import FACTS
from symnum.rewriting.egraph.encoding import Language, constructor_name, is_exact, term_text
from symnum.rewriting.egraph.graph import is_bag, number_text
from symnum.rewriting.rules import Rule
from symnum.rewriting.slots import applied, declaration
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, head_of, is_value, product_view, sum_view

ROWS = (
    "(relation sum (T i64 String i64))",  # class, e-node, constant, number of other addends
    "(relation addend (i64 String T))",  # e-node, coefficient, class
    "(relation product (T i64 i64))",  # class, e-node, number of factors
    "(relation factor (i64 T String))",  # e-node, base, exponent
    "(relation bag (String T i64 i64))",  # head, class, e-node, number of items
    "(relation item (i64 T))",  # e-node, class
    "(relation raised (T T T))",  # class, base, exponent
    *(f"(relation {name} (T))" for name in [*FACTS, "integer"]),
)
"""Relations that say what the bags of e-nodes hold, and what is certain about classes."""

_CONDITIONS = {"<": "negative", "<=": "nonpositive", ">": "positive", ">=": "nonnegative", "!=": "nonzero"}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Site:
    """An n-ary place of a pattern: the column of the e-node and the operands that are matched there.

    ``kind`` is "+", "*" or the head of another bag; an item is (coefficient or exponent, column).  What is left over must be nothing,
    or is bound to the slot ``rest``, or at the top of a pattern stays beside the result.
    """

    column: int
    kind: str
    constant: Any
    items: tuple[tuple[Any, int], ...]
    rest: str | None


@dataclass(frozen=True, slots=True)
class Query:
    """A compiled rule: what egglog looks for, and how a row of hits becomes an equation.

    ``top`` is the column of the class that is matched; ``site`` the place at the top of an n-ary pattern, else None; ``slots`` gives the
    columns of the slots, and ``right`` the template as an interned term whose symbols are the slots.
    """

    rule: Rule
    facts: tuple[str, ...]
    columns: tuple[str, ...]
    top: int
    site: Site | None
    inner: tuple[Site, ...]
    slots: dict[str, int]
    right: Any
    calls: tuple[tuple[str, int], ...]

    @property
    def direct(self) -> bool:
        """Tell whether the rule needs no n-ary place and matches an e-node at most once, so that no step of it can explode."""
        joined = [fact for fact in self.facts if fact.startswith(("(= ", "(raised "))]
        return self.site is None and not self.inner and len(joined) <= 1

    @property
    def reads_rows(self) -> bool:
        """Tell whether the rule looks at the operands of n-ary e-nodes and powers."""
        return (
            self.site is not None
            or bool(self.inner)
            or any(fact.startswith("(raised ") for fact in self.facts)
        )

    def program(self, index: int, language: Language) -> list[str]:
        """Return the commands that add the rule in a ruleset of its own, and its table of hits where it is not direct."""
        facts = " ".join(self.facts)
        for head, arity in self.calls:
            language.constructor(head, arity)
        if self.direct:
            bound = {
                interface.key(slot): _variable(self.slots[interface.name(slot)], "T")
                for slot in interface.free_symbols(self.right)
            }
            with language.unnamed():
                text = term_text(self.right, language, bound)
            return [
                *language.flush(),
                f"(ruleset rule{index})",
                f'(rule ({facts}) ((union v{self.top} {text})) :ruleset rule{index} :name "rule{index}")',
            ]
        sorts = " ".join(self.columns)
        names = " ".join(_variable(i, sort) for i, sort in enumerate(self.columns))
        return [
            *language.flush(),
            f"(relation hit{index} ({sorts}))",
            f"(ruleset rule{index})",
            f'(rule ({facts}) ((hit{index} {names})) :ruleset rule{index} :name "rule{index}")',
        ]


def _variable(column: int, sort: str) -> str:
    return f"v{column}" if sort == "T" else f"n{column}"


@lru_cache(maxsize=2048)
def rule_heads(rule: Rule) -> frozenset[str]:
    """Return the heads of calls that must be in a graph before the rule can match there."""
    found = set()
    for node in interface.postorder(rule.left):
        head = head_of(node)
        if head and head not in SUM_HEADS and head not in PRODUCT_HEADS:
            found.add(head)
    return frozenset(found)


@lru_cache(maxsize=2048)
def compile_rule(rule: Rule) -> tuple[Query, ...]:
    """Return the queries of a rule: one, or two for a rule on sums, which holds with all signs turned too.

    Raises EGraphError for a rule that the e-graph cannot run: one with a Python function in it, with segments, default or function
    slots, floats, or a condition that is no comparison of a slot with zero.
    """
    if not interface.is_term(rule.right):
        raise _refused(rule, "its template is a Python function", "give a term or text as template")
    if rule.given is not None and not interface.is_term(rule.given):
        raise _refused(rule, "its condition is a Python function", "compare slots with 0, such as 'a > 0'")
    if _has_predicates(rule.patterns):
        raise _refused(rule, "a slot has a predicate of its own", "use assumptions, such as a::positive")
    left, right = _interned(rule.left), _interned(rule.right)
    for node in interface.postorder(left, right):
        if interface.is_symbol(node) and (
            applied(node) is not None
            or declaration(node).segment
            or declaration(node).default
            or declaration(node).words
        ):
            raise _refused(rule, f"{node!s} stands for more than one term", "use plain slots")
        if interface.is_number(node) and not is_exact(interface.value(node)):
            raise _refused(rule, f"the float {node!s} is in it", "write an exact number, such as 1/2")
    signs = (1, -1) if head_of(left) in SUM_HEADS else (1,)
    return tuple([_Compiler(rule).query(left, right, sign) for sign in signs])


def _interned(term: Any) -> Any:
    from symnum.symbols import convert

    return convert(term, "interned") if interface.backend_of(term) != "interned" else term


def _has_predicates(part: Any) -> bool:
    """Tell whether a compiled pattern has slots with functions of their own (patterns are shallow: at most 100 deep)."""
    stack = [part]
    while stack:
        here = stack.pop()
        if isinstance(here, tuple | list):
            stack += here
        elif is_dataclass(here) and not interface.is_term(here):
            if getattr(here, "predicates", ()):
                return True
            stack += [getattr(here, f.name) for f in fields(here)]
    return False


def _refused(rule: Rule, why: str, cure: str) -> EGraphError:
    return EGraphError(
        f"the e-graph cannot run {rule!r}: {why}; {cure}, or use the rule with simplify(rules=...)"
    )


@dataclass(slots=True)
class _Compiler:
    """Compiles one rule; recursion is over patterns, which are at most 100 deep."""

    rule: Rule
    facts: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    slots: dict[str, int] = field(default_factory=dict)
    rests: set[str] = field(default_factory=set)
    inner: list[Site] = field(default_factory=list)
    uses: dict[str, int] = field(default_factory=dict)
    calls: dict[tuple[str, int], None] = field(default_factory=dict)

    def query(self, left: Any, right: Any, sign: int) -> Query:
        self._count_uses(left)
        coefficient, site, turned = 1, None, right
        head = head_of(left)
        top = self._column("T")
        if head in SUM_HEADS:
            constant, pairs = sum_view(left)
            site = self._sum(top, constant * sign, [(t, c * sign) for t, c in pairs], top=True)
            turned = right if sign == 1 else -right
        elif head in PRODUCT_HEADS:
            coefficient, factors = product_view(left)
            turned = right / coefficient if coefficient != 1 else right
            if len(factors) == 1 and not (is_value(factors[0][1]) and _is_count(factors[0][1])):
                self._power(top, *factors[0])
            else:
                site = self._product(top, factors, top=True)
        elif head and is_bag(head):
            site = self._bag(top, left, top=True)
        else:
            self._bind(left, top)
        self._condition()
        for name, column in self.slots.items():
            if column >= 0 and self.columns[column] == "T":
                self._guards(left, name, column)
        return Query(
            self.rule, tuple(self.facts), tuple(self.columns), top, site, tuple(self.inner), dict(self.slots),
            _interned(turned), tuple(self.calls),
        )  # fmt: skip

    # --- patterns ---

    def _bind(self, pattern: Any, column: int | None = None) -> int:
        """Make the class in a column match a pattern, and return the column."""
        if interface.is_symbol(pattern):
            return self._slot(pattern, column)
        column = self._column("T") if column is None else column
        here = f"v{column}"
        if interface.is_number(pattern):
            self.facts.append(f'(= {here} (Num "{number_text(interface.value(pattern))}"))')
            return column
        head = interface.head(pattern)
        if head in SUM_HEADS:
            constant, pairs = sum_view(pattern)
            self.inner.append(self._sum(column, constant, pairs, top=False))
        elif head in PRODUCT_HEADS:
            coefficient, factors = product_view(pattern)
            core = column
            if coefficient != 1:
                core = self._column("T")
                self.facts.append(f'(= {here} (Scale "{number_text(coefficient)}" v{core}))')
            self._core(core, factors)
        elif is_bag(head):
            self.inner.append(self._bag(column, pattern, top=False))
        else:
            args = [self._bind(a) for a in interface.sorted_args(pattern)]
            self.calls[head, len(args)] = None
            name = constructor_name(head, len(args))
            self.facts.append(f"(= {here} ({' '.join([name, *(f'v{a}' for a in args)])}))")
        return column

    def _core(self, column: int, factors: list[tuple[Any, Any]]) -> None:
        """Match a product without coefficient, whole."""
        if len(factors) == 1:
            self._power(column, *factors[0])
        else:
            self.inner.append(self._product(column, factors, top=False))

    def _power(self, column: int, base: Any, exponent: Any) -> None:
        if is_value(exponent):
            if exponent == 1:
                self._bind(base, column)
            else:
                self.facts.append(f'(= v{column} (Power v{self._bind_base(base)} "{number_text(exponent)}"))')
        else:
            self.facts.append(f"(raised v{column} v{self._bind_base(base)} v{self._bind(exponent)})")

    def _bind_base(self, base: Any) -> int:
        return self._bind(_number(base) if is_value(base) else base)

    def _slot(self, pattern: Any, column: int | None) -> int:
        name = interface.name(pattern)
        if name in self.slots:
            if column is not None:
                self.facts.append(f"(= v{column} v{self.slots[name]})")
            return self.slots[name]
        self.slots[name] = self._column("T") if column is None else column
        return self.slots[name]

    # --- n-ary places ---

    def _sum(self, column: int, constant: Any, pairs: Any, top: bool) -> Site:
        node = self._column("i64")
        rest, pairs = self._rest([(t, c) for t, c in pairs], top)
        size = f"n{self._column('i64')}" if top or rest else str(len(pairs))
        written = f'"{number_text(constant)}"' if constant != 0 or not (top or rest) else f"k{node}"
        self.facts.append(f"(sum v{column} n{node} {written} {size})")
        items = []
        for part, coefficient in pairs:
            item = self._column("T")
            self.facts.append(f'(addend n{node} "{number_text(coefficient)}" v{item})')
            items.append((coefficient, self._item(part, item)))
        return Site(node, "+", constant, tuple(items), rest)

    def _product(self, column: int, factors: list[tuple[Any, Any]], top: bool) -> Site:
        node = self._column("i64")
        rest, factors = self._rest(factors, top)
        size = f"n{self._column('i64')}" if top or rest else str(len(factors))
        self.facts.append(f"(product v{column} n{node} {size})")
        items = []
        for base, exponent in factors:
            item = self._column("T")
            power = exponent if is_value(exponent) else 1
            self.facts.append(f'(factor n{node} v{item} "{number_text(power)}")')
            if is_value(exponent):
                self._item(_number(base) if is_value(base) else base, item)
            else:
                self._power(item, base, exponent)
            items.append((power, item))
        return Site(node, "*", 1, tuple(items), rest)

    def _bag(self, column: int, pattern: Any, top: bool) -> Site:
        head = interface.head(pattern)
        row = OPERATORS.get(head)
        node = self._column("i64")
        args = list(interface.args(pattern))
        size = f"n{self._column('i64')}" if top and row is not None and row.associative else str(len(args))
        self.facts.append(f'(bag "{head}" v{column} n{node} {size})')
        items = []
        for part in sorted(args, key=interface.is_symbol):
            item = self._column("T")
            self.facts.append(f"(item n{node} v{item})")
            items.append((1, self._item(part, item)))
        return Site(node, head, None, tuple(items), None)

    def _item(self, part: Any, column: int) -> int:
        """Match one operand; the column of the operand itself is what is accounted for."""
        if interface.is_symbol(part):
            name = interface.name(part)
            if name in self.slots:
                self.facts.append(f"(= v{column} v{self.slots[name]})")
            else:
                self.slots[name] = column
        else:
            self._bind(part, column)
        return column

    def _rest(self, pairs: list[tuple[Any, Any]], top: bool) -> tuple[str | None, list[tuple[Any, Any]]]:
        """Return the slot that takes what is left over, and the other operands, those that say most first.

        What is left over has no class before the rule is applied: nothing can be asked of it.
        """
        given = () if self.rule.given is None else interface.free_symbols(self.rule.given)
        asked = {interface.name(slot) for slot in given}
        free = [
            interface.name(part)
            for part, weight in pairs
            if not is_value(part)
            and interface.is_symbol(part)
            and is_value(weight)
            and weight == 1
            and self.uses[interface.name(part)] == 1
            and interface.name(part) not in asked
            and not interface.assumptions(part)
            and interface.sort_of(part) == "real"
        ]
        rest = free[0] if free and not top else None
        if rest is not None:
            self.rests.add(rest)
            self.slots[rest] = -1
        kept = [
            (p, w) for p, w in pairs if is_value(p) or not interface.is_symbol(p) or interface.name(p) != rest
        ]
        return rest, sorted(kept, key=lambda pair: not is_value(pair[0]) and interface.is_symbol(pair[0]))

    # --- conditions ---

    def _guards(self, left: Any, name: str, column: int) -> None:
        for symbol in interface.free_symbols(left):
            if interface.name(symbol) == name:
                for fact in sorted(interface.assumptions(symbol)):
                    self.facts.append(f"({fact} v{column})")
                if interface.sort_of(symbol) == "integer":
                    self.facts.append(f"(integer v{column})")

    def _condition(self) -> None:
        if self.rule.given is None:
            return
        waiting = [_interned(self.rule.given)]
        while waiting:
            part = waiting.pop()
            head = head_of(part)
            if head == "and":
                waiting += interface.sorted_args(part)
                continue
            slot, other = interface.sorted_args(part) if head in _CONDITIONS else (None, None)
            if slot is not None and interface.is_number(slot):
                slot, other, head = other, slot, _TURNED[head]
            if (
                slot is None
                or not interface.is_symbol(slot)
                or interface.key(other) != interface.key(_number(0))
            ):
                raise _refused(
                    self.rule, f"its condition {part!s} compares no slot with 0", "write a > 0 and b > 0"
                )
            self.facts.append(f"({_CONDITIONS[head]} v{self.slots[interface.name(slot)]})")

    def _count_uses(self, left: Any) -> None:
        """Count the places of each slot: a shared sub-term of the pattern counts at each of them."""
        stack = [left]
        while stack:
            node = stack.pop()
            if interface.is_symbol(node):
                self.uses[interface.name(node)] = self.uses.get(interface.name(node), 0) + 1
            elif interface.is_call(node):
                if interface.head(node) in PRODUCT_HEADS:
                    for base, exponent in product_view(node)[1]:
                        stack += [part for part in (base, exponent) if not is_value(part)]
                elif interface.head(node) in SUM_HEADS:
                    stack += [part for part, _ in sum_view(node)[1]]
                else:
                    stack += interface.args(node)

    def _column(self, sort: str) -> int:
        self.columns.append(sort)
        return len(self.columns) - 1


def _is_count(exponent: Any) -> bool:
    """Tell whether a power can be a part of a higher power: a^2 in a^3, 1/a in 1/a^2."""
    return isinstance(exponent, int)


def _number(value: Any) -> Any:
    from symnum.backends import interned

    return interned.number(value)
