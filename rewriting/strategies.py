"""Strategies: how rewriters are applied.

A rewriter is any callable from a term to a term, or to None for "no change".  Strategies take rewriters and are rewriters again.
None of them recurses over terms, and a shared part is rewritten once.

>>> import symnum as sn
>>> from symnum.rewriting import rule, RuleSet
>>> shrink = fixpoint(bottom_up(RuleSet([rule("sin(asin(a)) -> a"), rule("abs(abs(a)) -> abs(a)")])))
>>> shrink(sn.parse("abs(abs(sin(asin(x))))"))
abs(x)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import islice
from operator import is_
from typing import Any

from symnum import term as interface

Rewriter = Callable[[Any], Any]
"""A function from a term to a term, or to None where it changes nothing."""


class RewriteLoopError(RuntimeError):
    """Say that rewriting does not end: a measure did not fall, a term came back, or the steps ran out."""


LARGEST = 20_000
"""Distinct parts beyond which a term that grows without a measure counts as a loop, and ten times what it had at first for larger ones."""


def _is_larger(term: Any, most: int) -> bool:
    return next(islice(interface.postorder(term), most, None), None) is not None


def _changed(old: Any, new: Any) -> bool:
    return new is not None and new is not old and interface.key(new) != interface.key(old)


def chain(*rewriters: Rewriter) -> Rewriter:
    """Apply all rewriters, each to what the one before made."""

    _refuse_others("chain", *rewriters)

    def chained(term: Any) -> Any:
        current = term
        for rewriter in rewriters:
            new = rewriter(current)
            current = current if new is None else new
        return current if _changed(term, current) else None

    return chained


def first(*rewriters: Rewriter) -> Rewriter:
    """Apply the first rewriter that changes the term."""

    _refuse_others("first", *rewriters)

    def chosen(term: Any) -> Any:
        for rewriter in rewriters:
            new = rewriter(term)
            if _changed(term, new):
                return new
        return None

    return chosen


def bottom_up(
    rewriter: Rewriter,
    *,
    memo: dict[Hashable, tuple[Any, Any]] | None = None,
    make: Callable[[Any, str, Any], Any] = interface.make,
    prune: Callable[[Any], bool] | None = None,
) -> Rewriter:
    """Apply a rewriter once at each distinct part of a term, arguments before calls.

    ``memo`` keeps {key: (part, result)} between calls; give it only for a rewriter whose result depends on the part alone.
    ``make(like, head, args)`` builds the calls whose arguments changed; calls for which ``prune`` is true are not entered.
    """
    _refuse_others("bottom_up", rewriter)

    return lambda root: rewritten(root, rewriter, {} if memo is None else memo, make, prune)


def rewritten(
    root: Any,
    rewriter: Rewriter,
    done: dict[Hashable, tuple[Any, Any]],
    make: Callable[[Any, str, Any], Any],
    prune: Callable[[Any], bool] | None = None,
) -> Any | None:
    """Return what :func:`bottom_up` makes of one term, or None where that is the term itself; ``done`` is its memo."""
    face, own_keys = interface.interface(root), interface.is_own_key(root)
    stack = [root]
    while stack:
        node = stack[-1]
        if own_keys:
            identity = node
        else:
            face = interface.interface(node)
            identity = face.key(node)
        if identity in done:
            stack.pop()
            continue
        current = node
        if face.is_call(node) and not (prune is not None and prune(node)):
            args = face.args(node)
            found = list(map(done.get, args if own_keys else map(interface.key, args)))
            if None in found:
                stack.extend([arg for arg, known in zip(args[::-1], found[::-1]) if known is None])
                continue
            # an argument that did not change stays the object it is, also where an equal one was met first
            kept = [pair for pair in found if pair is not None]
            if not all([new is old for old, new in kept]):
                new_args = [arg if new is old else new for arg, (old, new) in zip(args, kept)]
                if not all(map(is_, new_args, args)):
                    current = make(node, face.head(node), new_args)
        new = rewriter(current)
        done[identity] = (node, current if new is None else new)
        stack.pop()
    result = done[interface.key(root)][1]
    return result if _changed(root, result) else None


def top_down(rewriter: Rewriter) -> Rewriter:
    """Apply a rewriter once at each distinct part of a term, calls before arguments.

    What the rewriter makes is entered, but it is not applied to the same place again.
    """
    _refuse_others("top_down", rewriter)

    def walk(root: Any) -> Any:
        done: dict[Hashable, tuple[Any, Any]] = {}
        rewritten: dict[Hashable, tuple[Any, Any]] = {}
        stack = [root]
        while stack:
            node = stack[-1]
            identity = interface.key(node)
            if identity in done:
                stack.pop()
                continue
            if identity not in rewritten:
                new = rewriter(node)
                rewritten[identity] = (node, node if new is None else new)
            current = rewritten[identity][1]
            if interface.is_call(current):
                args = interface.args(current)
                # what was entered and is not done lies above: a rewriter that puts its own place below itself
                missing = [
                    arg
                    for arg in args
                    if interface.key(arg) not in done and interface.key(arg) not in rewritten
                ]
                if missing:
                    stack.extend(reversed(missing))
                    continue
                new_args = [
                    done[interface.key(arg)][1] if interface.key(arg) in done else arg for arg in args
                ]
                if any(new is not old for new, old in zip(new_args, args)):
                    current = interface.make(current, interface.head(current), new_args)
            done[identity] = (node, current)
            stack.pop()
        result = done[interface.key(root)][1]
        return result if _changed(root, result) else None

    return walk


def fixpoint(
    rewriter: Rewriter, *, measure: Callable[[Any], Any] | None = None, limit: int = 1000
) -> Rewriter:
    """Apply a rewriter until it changes nothing.

    With a ``measure`` (any function of a term to comparable values) each change must make it fall; without one a term that
    comes back, or more than ``limit`` changes, is a loop.  Raises RewriteLoopError for a loop, naming the terms; it never runs forever.

    >>> import symnum as sn
    >>> from symnum.rewriting import rule, RuleSet
    >>> swap = RuleSet([rule("atan2(a, b) -> atan2(b, a)")])
    >>> fixpoint(swap)(sn.parse("atan2(x, y)"))
    Traceback (most recent call last):
    ...
    symnum.rewriting.strategies.RewriteLoopError: rewriting 'atan2(x, y)' came back to it after 2 changes; ...
    """
    _refuse_others("fixpoint", rewriter)

    def repeat(term: Any) -> Any:
        current = term
        seen: dict[Hashable, Any] = {interface.key(term): term}
        value = None if measure is None else measure(term)
        most = (
            LARGEST
            if measure is not None or not _is_larger(term, LARGEST // 10)
            else 10 * interface.node_count(term)
        )
        for step in range(1, limit + 1):
            new = rewriter(current)
            if not _changed(current, new):
                return current if _changed(term, current) else None
            if measure is not None:
                new_value = measure(new)
                if not new_value < value:
                    raise RewriteLoopError(
                        f"rewriting {_short(current)} to {_short(new)} does not make the measure fall ({value} to {new_value}); "
                        f"turn the rule round, give it a condition, or pass another measure"
                    )
                value = new_value
            elif _is_larger(new, most):
                raise RewriteLoopError(
                    f"rewriting {_short(term)} has grown to more than {most:,} distinct parts after {step} changes and may go on; "
                    f"pass a measure that must fall"
                )
            elif interface.key(new) in seen:
                raise RewriteLoopError(
                    f"rewriting {_short(new)} came back to it after {step} changes; "
                    f"remove one of the rules that undo each other, or pass a measure that must fall"
                )
            seen[interface.key(new)] = new
            current = new
        raise RewriteLoopError(
            f"rewriting {_short(term)} did not end within {limit} changes, and is now {_short(current)}; "
            f"pass a measure that must fall, or a higher limit"
        )

    return repeat


def _refuse_others(strategy: str, *rewriters: Any) -> None:
    for rewriter in rewriters:
        if not callable(rewriter):
            hint = (
                f"write {strategy}(RuleSet([rule({rewriter!r})]))"
                if isinstance(rewriter, str)
                else "pass a RuleSet, a rule, or any function from a term to a term or None"
            )
            raise TypeError(f"{strategy} takes rewriters, but got {rewriter!r}; {hint}")


def _short(term: Any) -> str:
    from symnum.text.printer import to_text

    return repr(to_text(term, limit=60))
