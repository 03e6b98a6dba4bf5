"""Simultaneous substitution of terms for terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symnum import term as interface
from symnum.expression import refuse_mixed


def substitute(term: Any, replacements: Mapping[Any, Any]) -> Any:
    """Replace symbols, or whole sub-terms, all at once, and return the rebuilt term.

    Keys are terms, or names of symbols as text; values are terms or Python numbers of the same backend.  What is put in is not
    searched again, so ``{x: y, y: x}`` swaps.  A sub-term matches when it is equal; a part of a sum or product does not match.
    A list or tuple of terms gives a list.  Raises TypeError for a key that is not a term and for a number where a condition
    belongs, and ValueError for a name that stands for two symbols.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> substitute(x - 2*y, {x: y, y: x})
    -2*x + y
    """
    if isinstance(term, list | tuple) and not interface.is_term(term):
        return [substitute(t, replacements) for t in term]
    if not isinstance(replacements, Mapping):
        raise TypeError(
            f"substitute takes a mapping, but got {replacements!r}; write substitute(term, {{x: 2}})"
        )
    known: dict[Any, Any] = {}
    targets: list[Any] = []
    for key, value in _by_term(term, replacements):
        _check_sorts(key, value)
        number = interface.is_term(value) and interface.backend_of(value) == "python"
        known[interface.key(key)] = interface.make_number(key, value) if number else value
        targets.append(key)
    refuse_mixed([term, *targets])
    if not known:
        return term
    if all(map(interface.is_symbol, targets)):
        in_bulk = interface.in_bulk("substitute", [term], targets, list(known.values()))
        if in_bulk is not None:
            return in_bulk[0]
    may_occur = _occurrence_test(targets)
    whole = any(
        interface.is_number(t) or (interface.is_call(t) and interface.head(t) in ("*", "^")) for t in targets
    )
    face = interface.interface(term)
    if face.rebuild is None or whole:
        _replace_arguments(term, known, may_occur)
    else:
        _replace_operands(term, known, may_occur, face)
    return known[interface.key(term)]


def _replace_arguments(root: Any, known: dict[Any, Any], may_occur: Callable[[Any], Any]) -> None:
    """Fill ``known`` (key -> new term) up to the root, rebuilding calls from their arguments."""
    stack: list[tuple[Any, Any]] = [(root, None)]
    while stack:
        node, children = stack.pop()
        face = interface.interface(node)
        identity = face.key(node)
        if children is not None:
            new = [known[interface.key(child)] for child in children]
            same = all(a is b for a, b in zip(new, children))
            known[identity] = node if same else face.make(face.head(node), tuple(new))
        elif identity not in known:
            if not may_occur(node) or not face.is_call(node):
                known[identity] = node
                continue
            children = face.args(node)
            stack.append((node, children))
            stack.extend([(child, None) for child in children])


def _replace_operands(
    root: Any, known: dict[Any, Any], may_occur: Callable[[Any], Any], face: interface.Interface
) -> None:
    """Do the same along the operands; a backend that has ``rebuild`` keys its terms by themselves."""
    operands, rebuild, is_call = face.operands, face.rebuild, face.is_call
    assert rebuild is not None
    stack: list[tuple[Any, Any]] = [(root, None)]
    while stack:
        node, children = stack.pop()
        if children is not None:
            known[node] = rebuild(node, known)
        elif node not in known:
            if not may_occur(node) or not is_call(node):
                known[node] = node
                continue
            children = operands(node)
            stack.append((node, children))
            stack.extend([(child, None) for child in children if child not in known])


def _by_term(term: Any, replacements: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """Return the replacements with names resolved to the symbols of the term."""
    pairs = []
    named: dict[str, list[Any]] = {}
    if any(isinstance(key, str) for key in replacements):
        for symbol in interface.free_symbols(term):
            named.setdefault(interface.name(symbol), []).append(symbol)
    for key, value in replacements.items():
        if not interface.is_term(value):
            raise TypeError(
                f"cannot put {value!r} of type {type(value).__name__} for {key!s}; give a term or a number"
            )
        if isinstance(key, str):
            found = named.get(key, [])
            if len(found) > 1:
                raise ValueError(
                    f"the name {key!r} stands for {len(found)} symbols of the term; give the symbol itself as the key"
                )
            pairs += [(symbol, value) for symbol in found]
        elif not interface.is_term(key) or interface.backend_of(key) == "python":
            raise TypeError(
                f"cannot replace {key!r} of type {type(key).__name__}; the keys are symbols, terms or names"
            )
        else:
            pairs.append((key, value))
    return pairs


def _check_sorts(key: Any, value: Any) -> None:
    """Refuse a value of another backend, and a number for a condition or the reverse."""
    wanted, given = interface.backend_of(key), interface.backend_of(value)
    if given not in (wanted, "python"):
        raise TypeError(
            f"cannot put {value!s} of the {given!r} backend for {key!s} of the {wanted!r} backend; "
            f"use symnum.convert(term, backend={wanted!r})"
        )
    if (interface.sort_of(key) == "boolean") != (interface.sort_of(value) == "boolean"):
        raise TypeError(
            f"cannot put {value!s} of sort {interface.sort_of(value)} for {key!s} of sort {interface.sort_of(key)}; "
            f"use a comparison or true/false for a condition, and ifelse(condition, 1, 0) for a number"
        )


def _occurrence_test(targets: list[Any]) -> Any:
    """Return a quick test that is False only where no target can occur."""
    if len({interface.backend_of(t) for t in targets}) == 1 and all(hasattr(t, "mask") for t in targets):
        if all(interface.is_symbol(t) for t in targets):
            mask = 0
            for target in targets:
                mask |= target.mask
            return lambda node: node.mask & mask
        masks = [target.mask for target in targets]
        return lambda node: any(node.mask & m == m for m in masks)
    return lambda node: True
