"""The parts of a rule, read and checked: what is wrong with one is said with the file and line of the rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from symnum import term as interface
from symnum.rewriting.assignment import Search
from symnum.rewriting.binding import bind
from symnum.rewriting.facts import Facts
from symnum.rewriting.pattern import compile_slot, slots_of
from symnum.rewriting.slots import FunctionSlot, declaration, read
from symnum.rewriting.template import compile_template


def placed(place: str, function: Callable[..., Any], *args: Any) -> Any:
    """Return what a function returns; what it refuses is refused with file and line."""
    try:
        return function(*args)
    except ValueError as problem:
        raise ValueError(f"{problem} ({place})") from None
    except TypeError as problem:
        raise TypeError(f"{problem} ({place})") from None


def may_be_left_out(
    fixed: Mapping[str, Any], bound: Mapping[str, Any], where: Mapping[str, Callable[[Any], Any]]
) -> bool:
    """Tell whether default slots may stand for their defaults: a positive one cannot be the 0 that is left out of a sum."""
    search = Search(Facts())
    return all(
        bind(compile_slot(bound[name], where), interface.make_number(bound[name], value), {}, search)
        is not None
        for name, value in fixed.items()
    )


def parse_part(text: str, known: dict[str, Any], place: str) -> tuple[Any, dict[str, Any]]:
    """Return a term and its slots by name; a declared slot needs its declaration only once."""
    from symnum.text.parser import ParseError

    try:
        return read(text, known)
    except ParseError as problem:
        raise ValueError(f"the rule part {text.strip()!r} ({place}) is no formula: {problem}") from None
    except ValueError as problem:
        raise ValueError(f"the rule part {text.strip()!r} ({place}) is wrong: {problem}") from None


def checked_part(part: Any, bound: dict[str, Any], homes: dict[str, str], place: str, pattern: Any) -> Any:
    """Return a template or condition compiled, or the function itself."""
    if part is None:
        return part
    if callable(part) and not interface.is_term(part):
        _check_parameters(part, bound, place, pattern)
        return part
    used = placed(place, slots_of, part)
    missing = [slot for slot in used if slot not in bound]
    if missing:
        raise ValueError(
            f"{part!s} uses the slot {missing[0]!r}, which the pattern {pattern!s} does not bind ({place}); "
            f"its slots are {', '.join(bound) or 'none'}"
        )
    for slot, made in used.items():
        if _kind(made) != _kind(bound[slot]):
            raise ValueError(
                f"{part!s} uses {slot!r} as a {_kind(made)}, but in the pattern {pattern!s} it is a {_kind(bound[slot])} ({place})"
            )
    return placed(place, compile_template, part, homes)


def _check_parameters(function: Callable[..., Any], bound: dict[str, Any], place: str, pattern: Any) -> None:
    """Refuse a function that cannot be called with the slots by their names."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # some functions written in C do not tell
    called = getattr(function, "__name__", "the function")
    wanted = signature.parameters.values()
    named = {p.name for p in wanted if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    needed = [p.name for p in wanted if p.name in named and p.default is p.empty]
    missing = [name for name in needed if name not in bound]
    if missing:
        raise ValueError(
            f"{called} has the parameter {missing[0]!r}, which is no slot of the pattern {pattern!s} ({place}); "
            f"its slots are {', '.join(bound) or 'none'}"
        )
    ignored = [name for name in bound if name not in named]
    if ignored and not any(p.kind is p.VAR_KEYWORD for p in wanted):
        raise ValueError(
            f"{called} does not take the slot {ignored[0]!r} of the pattern {pattern!s} ({place}); give it a parameter of that "
            f"name, or **others"
        )


def _kind(made: Any) -> str:
    if isinstance(made, FunctionSlot):
        return "function slot"
    return "segment" if declaration(made).segment else "slot"
