"""Rule sets compiled for being asked at many nodes.

Most questions "does any rule fire here?" have the answer no, and it must come fast.  Three sieves give it, each finer than the last:

1. *heads*: rules are indexed by the head at which they start;
2. *features*: a feature is a factor with a certain head and power, such as sin^2 or 1/cos.  A node's features are one bit mask, found
   from its parts; the rules whose needs are among them are looked up by that mask.  A sum has the features of whole addends;
3. *gates*: for each rule a function of straight-line Python is generated that looks at repeated slots, constants and what
   addends have in common.  For patterns without sums and products it is the whole match.

What passes all three is matched by the interpreter in ``matching`` and ``within``, so that the results and their order are the same.
A gate may only refuse what the interpreter does not match.  Rules without a gate say why, see :class:`symnum.rewriting.gates.CompiledRule`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.rewriting.features import MOST_ENTRIES, Features
from symnum.rewriting.gates import CompiledRule, compile_rule
from symnum.rewriting.sum_index import SumIndex
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, is_value, product_view, sum_view

if TYPE_CHECKING:
    from symnum.rewriting.rules import Rule


class CompiledSet:
    """The rules of one set with their gates, and the tables in which the rules for a mask of features are found."""

    def __init__(self, rules: tuple[Rule, ...], at_head: Callable[[str], tuple[Rule, ...]]) -> None:
        self.features = Features()
        self.entries = tuple([compile_rule(entry, i, self.features) for i, entry in enumerate(rules)])
        self._of_rule = {id(found.rule): found for found in self.entries}
        self._at_head = at_head
        self.column_needs: Any = None
        """What ``column_sieve`` last made of this set."""
        self._tables: dict[str, dict[int, tuple[CompiledRule, ...]]] = {}

    @property
    def source(self) -> str:
        """Return the generated Python of all gates."""
        return "\n\n".join(found.source for found in self.entries if found.source)

    def at_head(self, head: str) -> tuple[CompiledRule, ...]:
        """Return the rules that may fire at a term with this head, in order."""
        return tuple([self._of_rule[id(entry)] for entry in self._at_head(head)])

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
                for compiled in self.at_head(head)
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
