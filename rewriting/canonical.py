"""Normal form of whole terms for backends that keep terms as written, and the way back to a readable spelling.

Both are the identity on the interned backend.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.rewriting.views import call_of, head_of, is_canonical, is_value, product_view, sum_of, sum_view

_WEIGHTS: dict[str, tuple[int, ...]] = {"+": (), "-": (1, -1), "neg": (-1,)}
"""Heads that are sums, with the weights of their arguments (all 1 when not given)."""


def normal_form(root: Any, memo: dict[Hashable, Any] | None = None) -> Any:
    """Return the normal form of a term; a nest of sums is added up at once, so that the time stays linear.

    ``memo`` keeps the normal forms of parts between calls.

    >>> import symnum as sn
    >>> x = sn.symbols("x", backend="tree")
    >>> normal_form(x + x - 2*x + 3)
    3
    """
    if is_canonical(root):
        return root
    done: dict[Hashable, Any] = {} if memo is None else memo
    stack = [root]
    while stack:
        node = stack[-1]
        identity = interface.key(node)
        if identity in done:
            done.setdefault(interface.key(done[identity]), done[identity])
            stack.pop()
            continue
        if not interface.is_call(node):
            done[identity] = node
            continue
        head = interface.head(node)
        weighted = _addends_of_nest(node) if head in _WEIGHTS else None
        parts = list(interface.sorted_args(node)) if weighted is None else [part for part, _ in weighted]
        missing = [part for part in parts if interface.key(part) not in done]
        if missing:
            stack.extend(reversed(missing))
            continue
        if weighted is None:
            new = call_of(node, head, [done[interface.key(part)] for part in parts])
        else:
            new = sum_of(node, 0, [(done[interface.key(part)], weight) for part, weight in weighted])
        done[identity] = node if _is_rebuilt(node, new) else new
    return done[interface.key(root)]


def _is_rebuilt(node: Any, new: Any) -> bool:
    """Tell at a glance whether ``new`` is ``node`` again; keeping the old object keeps later comparisons short."""
    if head_of(new) != interface.head(node):
        return False
    old_args, new_args = interface.sorted_args(node), interface.sorted_args(new)
    return len(old_args) == len(new_args) and all(
        a is b or (not interface.is_call(a) and interface.key(a) == interface.key(b))
        for a, b in zip(old_args, new_args)
    )


def _addends_of_nest(root: Any) -> list[tuple[Any, int]]:
    """Return the terms below a nest of sums with the number of times each is added; shared sums are entered once."""
    order = list(interface.postorder(root, prune=lambda t: interface.head(t) not in _WEIGHTS, ordered=True))
    weights: dict[Hashable, int] = {interface.key(root): 1}
    found = []
    for node in reversed(order):
        weight = weights[interface.key(node)]
        if head_of(node) not in _WEIGHTS:
            found.append((node, weight))
            continue
        args = interface.sorted_args(node)
        for arg, sign in zip(args, _WEIGHTS[interface.head(node)] or (1,) * len(args)):
            identity = interface.key(arg)
            weights[identity] = weights.get(identity, 0) + sign * weight
    return found[::-1]


def readable(root: Any) -> Any:
    """Return a term in normal form with differences, quotients and square roots written as such.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y", backend="tree")
    >>> readable(normal_form(-y/sn.sqrt(x) + 1))
    1 - y/sqrt(x)
    """
    if is_canonical(root):
        return root
    done: dict[Hashable, Any] = {}
    stack = [root]
    while stack:
        node = stack[-1]
        identity = interface.key(node)
        if identity in done:
            stack.pop()
            continue
        head = head_of(node)
        if not head:
            done[identity] = node
            continue
        constant: Any = 0
        pairs: list[tuple[Any, Any]] = []
        parts = list(interface.sorted_args(node))
        if head == "+":
            constant, pairs = sum_view(node)
            parts = [part for part, _ in pairs]
        elif head in ("*", "^"):
            constant, pairs = product_view(node)
            parts = [part for pair in pairs for part in pair if not is_value(part)]
        missing = [part for part in parts if interface.key(part) not in done]
        if missing:
            stack.extend(reversed(missing))
            continue
        if head == "+":
            done[identity] = _difference(node, constant, [(done[interface.key(t)], c) for t, c in pairs])
        elif head in ("*", "^"):
            new = [(done[interface.key(b)], e if is_value(e) else done[interface.key(e)]) for b, e in pairs]
            done[identity] = _quotient(node, constant, new)
        else:
            done[identity] = interface.make(node, head, [done[interface.key(part)] for part in parts])
    return done[interface.key(root)]


def _difference(like: Any, constant: Any, pairs: list[tuple[Any, Any]]) -> Any:
    """Write a sum: what is added first, then what is subtracted; the readable parts keep their own coefficient."""
    plus = [_scaled(like, c, t) for t, c in pairs if c > 0]
    negative = [(t, c) for t, c in pairs if not c > 0]
    if not plus and not constant > 0:
        # -2*x - y begins with the coefficient -2; only -x - y needs a sign of its own
        lead = next((i for i, (_, c) in enumerate(negative) if c != -1), None)
        if lead is not None:
            plus = [_scaled(like, *reversed(negative.pop(lead)))]
    minus = [_scaled(like, -c, t) for t, c in negative]
    if constant != 0:
        (plus if constant > 0 or constant != constant or not plus else minus).append(
            interface.make_number(
                like, constant if constant > 0 or constant != constant or not plus else -constant
            )
        )
    found = None
    if plus:
        found = plus[0] if len(plus) == 1 else interface.make(like, "+", plus)
    for part in minus:
        found = (
            interface.make(like, "neg", (part,))
            if found is None
            else interface.make(like, "-", (found, part))
        )
    return interface.make_number(like, 0) if found is None else found  # as of 1 - 1, written so


def _scaled(like: Any, coefficient: Any, term: Any) -> Any:
    if coefficient == 1 and type(coefficient) is int:
        return term
    if head_of(term) == "/" and type(coefficient) is int:
        above, below = interface.args(term)
        unit = interface.is_number(above) and interface.value(above) == 1
        top = interface.make_number(like, coefficient) if unit else _scaled(like, coefficient, above)
        return interface.make(like, "/", (top, below))
    inner = interface.sorted_args(term) if head_of(term) == "*" else (term,)
    return interface.make(like, "*", (interface.make_number(like, coefficient), *inner))


def _quotient(like: Any, coefficient: Any, pairs: list[tuple[Any, Any]]) -> Any:
    """Write a product: negative powers below a bar, and the sign in front."""
    if coefficient == -1 and type(coefficient) is int and pairs:
        return interface.make(like, "neg", (_quotient_of(like, 1, pairs),))
    return _quotient_of(like, coefficient, pairs)


def _quotient_of(like: Any, coefficient: Any, pairs: list[tuple[Any, Any]]) -> Any:
    above, below = [], []
    for base, exponent in pairs:
        if is_value(exponent) and exponent < 0:
            below.append(_power(like, base, numbers.normal(-exponent)))
        else:
            above.append(_power(like, base, exponent))
    if coefficient != 1 or type(coefficient) is not int or not above:
        above.insert(0, interface.make_number(like, coefficient))
    top = above[0] if len(above) == 1 else interface.make(like, "*", above)
    if not below:
        return top
    return interface.make(like, "/", (top, below[0] if len(below) == 1 else interface.make(like, "*", below)))


def _power(like: Any, base: Any, exponent: Any) -> Any:
    if not is_value(exponent):
        return interface.make(like, "^", (base, exponent))
    if exponent == 1:
        return base
    if exponent * 2 == 1:
        return interface.make(like, "sqrt", (base,))
    return interface.make(like, "^", (base, interface.make_number(like, exponent)))
