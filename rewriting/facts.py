"""What is certain about a term: its possible signs, and whether it has a value wherever its symbols have real values.

Signs follow from the assumptions of the symbols; definedness follows from the domains in the operator table.  Nothing is guessed:
an answer None means that it is not known.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

from symnum import term as interface
from symnum.exact import is_integer
from symnum.operators import OPERATORS
from symnum.rewriting.sign_sets import (
    ANY,
    ASSUMED,
    NEGATIVE,
    POSITIVE,
    ZERO,
    added,
    multiplied,
    negated,
    of_call,
    of_power,
    powered,
    sign_of,
)
from symnum.rewriting.template import template_of
from symnum.rewriting.views import (
    PRODUCT_HEADS,
    SUM_HEADS,
    head_of,
    is_value,
    product_view,
    sum_view,
    view_parts,
)

_COMPARED = {
    "<": NEGATIVE,
    "<=": NEGATIVE | ZERO,
    ">": POSITIVE,
    ">=": POSITIVE | ZERO,
    "==": ZERO,
    "!=": NEGATIVE | POSITIVE,
}


class Facts:
    """Answer questions about terms; each distinct sub-term is looked at once as long as the object lives."""

    def __init__(self) -> None:
        self.deadline = math.inf
        """When a search for matches that uses these facts is to be given up, as time.monotonic() tells it."""
        self._known: dict[Hashable, tuple[Any, int, bool]] = {}

    def signs(self, term: Any) -> int:
        """Return the set of signs that ``term`` can have where it is defined."""
        return self._find(term)[1]

    def is_defined(self, term: Any) -> bool:
        """Tell whether ``term`` certainly is a real number whenever its symbols are, overflow aside."""
        return self._find(term)[2]

    def decide(self, condition: Any) -> bool | None:
        """Tell whether a condition certainly holds (True), certainly fails (False), or neither (None).

        A comparison of terms that may be undefined is judged where they are defined.

        >>> import symnum as sn
        >>> x, k = sn.symbols("x"), sn.symbols("k", positive=True)
        >>> Facts().decide(k + x**2 > 0), Facts().decide(x > 0)
        (True, None)
        """
        if interface.is_number(condition):
            return bool(interface.value(condition))
        head = head_of(condition)
        if head == "not":
            inner = self.decide(interface.args(condition)[0])
            return None if inner is None else not inner
        if head in ("and", "or"):
            answers = [self.decide(part) for part in interface.args(condition)]
            decisive = head == "or"
            return decisive if decisive in answers else None if None in answers else not decisive
        if head not in _COMPARED:
            return None
        left, right = interface.args(condition)
        signs = self._sign_of_difference(left, right)
        wanted = _COMPARED[head]
        return True if signs & ~wanted == 0 else False if signs & wanted == 0 else None

    def _sign_of_difference(self, left: Any, right: Any) -> int:
        a, b = self.signs(left), self.signs(right)
        if b == ZERO:
            return a
        if a == ZERO:
            return negated(b)
        if interface.key(left) == interface.key(right):
            return ZERO
        if interface.is_number(left) and interface.is_number(right):
            return sign_of(interface.value(left) - interface.value(right))
        return added(a, negated(b))

    def _find(self, root: Any) -> tuple[Any, int, bool]:
        known = self._known
        found = known.get(interface.key(root))
        if found is not None:
            return found
        stack = [root]
        while stack:
            node = stack[-1]
            identity = interface.key(node)
            if identity in known:
                stack.pop()
                continue
            parts = view_parts(node)
            missing = [part for part in parts if interface.key(part) not in known]
            if missing:
                stack.extend(missing)
                continue
            known[identity] = (node, self._signs_of(node), self._defined(node, parts))
        return known[interface.key(root)]

    # --- signs ---

    def _signs_of(self, node: Any) -> int:
        if interface.is_number(node):
            return sign_of(interface.value(node))
        if interface.is_symbol(node):
            found = ANY
            for assumption in interface.assumptions(node):
                found &= ASSUMED.get(assumption, ANY)
            return found
        head = interface.head(node)
        if head in SUM_HEADS:
            constant, pairs = sum_view(node)
            found = sign_of(constant)
            for term, coefficient in pairs:
                found = added(found, multiplied(self.signs(term), sign_of(coefficient)))
            return found
        if head in PRODUCT_HEADS:
            coefficient, pairs = product_view(node)
            found = sign_of(coefficient)
            for base, exponent in pairs:
                if is_value(exponent):
                    signs = powered(self.signs(base), exponent, self.is_defined(base))
                else:
                    signs = of_power(self.signs(base), self.is_defined(base) and self.is_defined(exponent))
                found = multiplied(found, signs)
            return found
        args = interface.args(node)
        return of_call(head, [self.signs(a) for a in args], all(self.is_defined(a) for a in args))

    # --- definedness ---

    def _defined(self, node: Any, parts: Sequence[Any]) -> bool:
        if interface.is_number(node):
            value = interface.value(node)
            return type(value) is not float or value - value == 0
        if not all(self._known[interface.key(part)][2] for part in parts):
            return False
        if interface.is_symbol(node):
            return True
        head = interface.head(node)
        if head in PRODUCT_HEADS:
            return all(self._power_defined(base, exponent) for base, exponent in product_view(node)[1])
        if head not in OPERATORS:
            return False
        return OPERATORS[head].domain == "true" or self.decide(_domain(node)) is True

    def _power_defined(self, base: Any, exponent: Any) -> bool:
        signs = self.signs(base)
        if is_value(exponent):
            if signs & ZERO and exponent < 0:
                return False
            return is_integer(exponent) or not signs & NEGATIVE
        return signs == POSITIVE


def _domain(node: Any) -> Any:
    """Return the condition in the operator table for a call, on its own arguments and without recursion into them."""
    args = interface.args(node)
    bindings = dict(zip(("a", "b", "c"), args))
    return template_of(OPERATORS[interface.head(node)].domain).build(node, bindings)
