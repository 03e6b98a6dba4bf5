"""The one walk that computes something for each distinct part of a term, parts before wholes, without recursion."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from symnum import term as interface

Found = TypeVar("Found")


def arguments(term: Any) -> Sequence[Any]:
    """Return the arguments of a call, and nothing for a leaf."""
    face = interface.interface(term)
    return face.args(term) if face.is_call(term) else ()


def fold(
    root: Any,
    visit: Callable[[Any, list[Found]], Found],
    *,
    parts: Callable[[Any], Sequence[Any]] = arguments,
    memo: dict[Hashable, Found] | None = None,
) -> Found:
    """Return ``visit(root, values of its parts)``, where the parts are visited in the same way, each distinct one once.

    ``parts`` says what a term is made of, by default its arguments; a term must be no part of itself.  ``memo`` keeps {key: value}
    between calls and may be filled before: what it holds is not visited.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> fold(sn.sin(x*y) + x, lambda node, depths: 1 + max(depths, default=0))
    4
    """
    done: dict[Hashable, Found] = {} if memo is None else memo
    stack: list[tuple[Any, Sequence[Any] | None]] = [(root, None)]
    while stack:
        node, below = stack[-1]
        identity = interface.key(node)
        if identity in done:
            stack.pop()
            continue
        if below is None:
            below = parts(node)
            missing = [part for part in below if interface.key(part) not in done]
            if missing:
                stack[-1] = (node, below)
                stack.extend([(part, None) for part in reversed(missing)])
                continue
        stack.pop()
        done[identity] = visit(node, [done[interface.key(part)] for part in below])
    return done[interface.key(root)]
