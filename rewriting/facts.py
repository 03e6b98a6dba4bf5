"""What is certain about a term: its possible signs, and whether it has a value wherever its symbols have real values.

Signs follow from the assumptions of the symbols; definedness follows from the domains in the operator table.  Nothing is guessed:
an answer None means that it is not known.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from symnum import term as interface
from symnum.exact import is_integer
from symnum.operators import OPERATORS
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, head_of, is_value, product_view, sum_view

NEGATIVE, ZERO, POSITIVE = 1, 2, 4
ANY = NEGATIVE | ZERO | POSITIVE
"""A set of signs is a bit mask: ``ZERO | POSITIVE`` is nonnegative."""

ASSUMED = {
    "positive": POSITIVE,
    "negative": NEGATIVE,
    "nonnegative": ZERO | POSITIVE,
    "nonzero": NEGATIVE | POSITIVE,
}
"""What an assumption on a symbol or slot says about signs."""

_ALWAYS = {
    "exp": POSITIVE, "cosh": POSITIVE, "sech": POSITIVE, "pi": POSITIVE,
    "abs": ZERO | POSITIVE, "acosh": ZERO | POSITIVE, "acos": ZERO | POSITIVE, "asec": ZERO | POSITIVE,
}  # fmt: skip
"""Signs of calls whatever their argument is."""

_LIKE_ARGUMENT = frozenset("sinh tanh asinh atanh atan asin erf cbrt sign expm1 log1p".split())
"""Functions whose value has the sign of their argument."""

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
            return _negated(b)
        if interface.key(left) == interface.key(right):
            return ZERO
        if interface.is_number(left) and interface.is_number(right):
            return _sign_of(interface.value(left) - interface.value(right))
        return _add(a, _negated(b))

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
            parts = _parts(node)
            missing = [part for part in parts if interface.key(part) not in known]
            if missing:
                stack.extend(missing)
                continue
            known[identity] = (node, self._signs_of(node), self._defined(node, parts))
        return known[interface.key(root)]

    # --- signs ---

    def _signs_of(self, node: Any) -> int:
        if interface.is_number(node):
            return _sign_of(interface.value(node))
        if interface.is_symbol(node):
            found = ANY
            for assumption in interface.assumptions(node):
                found &= ASSUMED.get(assumption, ANY)
            return found
        head = interface.head(node)
        if head in _ALWAYS:
            found = _ALWAYS[head]
            if head == "abs":
                inner = self.signs(interface.args(node)[0])
                found = inner & ZERO | (POSITIVE if inner & ~ZERO else 0)
            return found
        if head in _LIKE_ARGUMENT:
            return self.signs(interface.args(node)[0])
        if head == "ifelse":
            return self.signs(interface.args(node)[1]) | self.signs(interface.args(node)[2])
        if head in ("min", "max"):
            return _extreme([self.signs(a) for a in interface.args(node)], head == "max")
        if head in SUM_HEADS:
            constant, pairs = sum_view(node)
            found = _sign_of(constant)
            for term, coefficient in pairs:
                found = _add(found, _multiply(self.signs(term), _sign_of(coefficient)))
            return found
        if head in PRODUCT_HEADS:
            coefficient, pairs = product_view(node)
            found = _sign_of(coefficient)
            for base, exponent in pairs:
                found = _multiply(found, _power(self.signs(base), exponent))
            return found
        return ANY

    # --- definedness ---

    def _defined(self, node: Any, parts: list[Any]) -> bool:
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


def _parts(node: Any) -> list[Any]:
    if not interface.is_call(node):
        return []
    head = interface.head(node)
    if head in SUM_HEADS:
        return [term for term, _ in sum_view(node)[1]]
    if head in PRODUCT_HEADS:
        return [part for pair in product_view(node)[1] for part in pair if not is_value(part)]
    return list(interface.args(node))


def _domain(node: Any) -> Any:
    """Return the condition in the operator table for a call, on its own arguments and without recursion into them."""
    from symnum.rewriting.pattern import template_of

    args = interface.args(node)
    bindings = dict(zip(("a", "b", "c"), args))
    return template_of(OPERATORS[interface.head(node)].domain).build(node, bindings)


def _sign_of(value: Any) -> int:
    if value != value:
        return ANY
    return POSITIVE if value > 0 else ZERO if value == 0 else NEGATIVE


def _negated(signs: int) -> int:
    return signs & ZERO | (POSITIVE if signs & NEGATIVE else 0) | (NEGATIVE if signs & POSITIVE else 0)


def _add(a: int, b: int) -> int:
    if a == ZERO or b == ZERO:
        return a | b if a == b else b if a == ZERO else a
    if (a | b) & NEGATIVE and (a | b) & POSITIVE:
        return ANY
    return (a | b) & ~ZERO | (ZERO if a & ZERO and b & ZERO else 0)


def _multiply(a: int, b: int) -> int:
    found = (a | b) & ZERO
    if b & POSITIVE:
        found |= a & ~ZERO
    if b & NEGATIVE:
        found |= _negated(a) & ~ZERO
    return found


def _power(signs: int, exponent: Any) -> int:
    """Return the signs of base^exponent where it is defined."""
    if is_value(exponent):
        if is_integer(exponent) and exponent % 2:
            return signs
        return (
            signs & ZERO | (POSITIVE if signs & (POSITIVE | (NEGATIVE if is_integer(exponent) else 0)) else 0)
            or ZERO
        )
    return POSITIVE if signs == POSITIVE else ZERO | POSITIVE if not signs & NEGATIVE else ANY


def _extreme(signs: list[int], largest: bool) -> int:
    """Return the signs of a maximum: the largest sign of each combination; of a minimum, the smallest."""
    turned = signs if largest else [_negated(s) for s in signs]
    found = 0
    lowest = max(s & -s for s in turned)
    for s in turned:
        found |= s
    found &= ~(lowest - 1)
    return found if largest else _negated(found)
