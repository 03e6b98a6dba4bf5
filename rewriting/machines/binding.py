"""Binding: shift, substitute and look for variables, for every head that says what it binds.

Everything walks with an explicit stack and meets a shared part once for each number of binders around it; parts without free
indices are passed over.  Indices count binders outwards from 0 (de Bruijn, Indagationes Mathematicae 34, 1972).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.nodes import Node, index, is_index, is_variable, make

Build = Callable[[str, tuple[Any, ...]], Any]
"""How calls whose arguments changed are built; a calculus may pass its own, as FMC does to splice what is run."""


def shift(term: Any, by: int, cutoff: int = 0) -> Any:
    """Add ``by`` to the free indices of a term from ``cutoff`` on, for a move under ``by`` more binders, or out of -``by``.

    Raises ValueError where an index would be lost: the term uses a variable whose binder it would leave.

    >>> from symnum.rewriting.machines.nodes import call, index
    >>> shift(call("f", index(0), index(2)), 1, cutoff=1)
    f(#0, #3)
    """
    if by == 0 or free_bound(term) <= cutoff:
        return term

    def moved(leaf: Any, depth: int) -> Any:
        if not is_index(leaf) or leaf.leaf[1] < cutoff + depth:
            return leaf
        k = leaf.leaf[1] + by
        if k < cutoff + depth:
            raise ValueError(
                f"{term!s} uses the variable #{leaf.leaf[1] - depth} and cannot leave its binder; "
                f"ask uses(term, {leaf.leaf[1] - depth}) first"
            )
        return index(k)

    return replaced(term, moved, lambda part, depth: free_bound(part) <= cutoff + depth)


def instantiate(body: Any, values: Sequence[Any], *, build: Build = make) -> Any:
    """Put values for the innermost bound variables of a body: ``values[i]`` for index i; what is further out moves in.

    >>> from symnum.rewriting.machines.nodes import call, index
    >>> instantiate(call("f", index(0), index(1)), [7])
    f(7, #0)
    """
    count = len(values)

    def value_of(leaf: Any, depth: int) -> Any:
        if not is_index(leaf) or leaf.leaf[1] < depth:
            return leaf
        k = leaf.leaf[1] - depth
        return shift(values[k], depth) if k < count else index(leaf.leaf[1] - count)

    return replaced(body, value_of, lambda part, depth: free_bound(part) <= depth, build=build)


def substitute(term: Any, values: Mapping[Any, Any], *, build: Build = make) -> Any:
    """Put terms for leaves (variables, symbols) all at once; nothing that the terms leave free is captured.

    >>> from symnum.rewriting.machines.nodes import call, variable
    >>> substitute(call("f", variable("X"), 1), {variable("X"): call("g", 2)})
    f(g(2), 1)
    """

    def value_of(leaf: Any, depth: int) -> Any:
        found = values.get(leaf)
        return leaf if found is None else shift(found, depth)

    return replaced(term, value_of, _nothing, build=build)


def abstract(term: Any, *leaves: Any, build: Build = make) -> Any:
    """Turn leaves (variables, symbols) into bound variables of a binder about to be put around: ``leaves[i]`` is index i.

    >>> from symnum.rewriting.machines.nodes import call, index, variable
    >>> abstract(call("f", variable("X"), index(0)), variable("X"))
    f(#0, #1)
    """
    place = {leaf: i for i, leaf in enumerate(leaves)}

    def bound(leaf: Any, depth: int) -> Any:
        if is_index(leaf):
            return leaf if leaf.leaf[1] < depth else index(leaf.leaf[1] + len(leaves))
        k = place.get(leaf)
        return leaf if k is None else index(k + depth)

    return replaced(term, bound, _nothing, build=build)


def replaced(
    root: Any,
    leaf: Callable[[Any, int], Any],
    skip: Callable[[Any, int], bool],
    *,
    build: Build = make,
) -> Any:
    """Rebuild a term from its leaves: ``leaf(leaf, depth)`` under ``depth`` binders; parts for which ``skip`` is true stay."""
    done: dict[tuple[Any, int], Any] = {}
    stack = [(root, 0)]
    while stack:
        part, depth = stack[-1]
        key = (interface.key(part), depth)
        if key in done:
            stack.pop()
            continue
        if skip(part, depth):
            done[key] = part
            stack.pop()
            continue
        if not interface.is_call(part):
            done[key] = leaf(part, depth)
            stack.pop()
            continue
        # what is not a node binds nothing, and its arguments come in the order in which they are printed
        if isinstance(part, Node):
            children = [(a, depth + part.head.bound_in(i)) for i, a in enumerate(part.args)]
        else:
            children = [(a, depth) for a in interface.sorted_args(part)]
        missing = [c for c in children if (interface.key(c[0]), c[1]) not in done]
        if missing:
            stack.extend(reversed(missing))
            continue
        new = tuple([done[interface.key(a), d] for a, d in children])
        same = all(n is a for n, (a, _) in zip(new, children))
        done[key] = part if same else build(interface.head(part), new)
        stack.pop()
    return done[interface.key(root), 0]


def _nothing(part: Any, depth: int) -> bool:
    return False


def free_bound(term: Any) -> int:
    """Return one more than the largest free index of a term, 0 where there is none."""
    return term.free if isinstance(term, Node) else 0


def free_indices(root: Any) -> set[int]:
    """Return the free indices of a term, as seen from outside of it.

    >>> from symnum.rewriting.machines.nodes import call, index
    >>> sorted(free_indices(call("f", index(2), index(0))))
    [0, 2]
    """
    found: set[int] = set()
    seen: set[tuple[Any, int]] = set()
    stack = [(root, 0)]
    while stack:
        part, depth = stack.pop()
        if free_bound(part) <= depth or (part, depth) in seen:
            continue
        seen.add((part, depth))
        if part.leaf is not None:
            found.add(part.leaf[1] - depth)
        else:
            stack.extend([(a, depth + part.head.bound_in(i)) for i, a in enumerate(part.args)])
    return found


def uses(term: Any, k: int) -> bool:
    """Tell whether the index ``k`` is free in a term."""
    return free_bound(term) > k and k in free_indices(term)


def free_variables(*roots: Any) -> list[Any]:
    """Return the distinct variables that no binder binds, in the order in which they are met from the left.

    >>> from symnum.rewriting.machines.nodes import call, variable
    >>> free_variables(call("f", variable("Y"), variable("X"), variable("Y")))
    [Y, X]
    """
    return [t for t in interface.postorder(*roots, ordered=True) if is_variable(t)]
