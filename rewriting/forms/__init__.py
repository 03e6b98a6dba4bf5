"""Normal forms: other ways of writing a term in which what is equal meets.

A form is a pair (name, term) with a term that is equal wherever the given one is defined.  The simplifier tries the forms of a term one
by one, cheap ones first, applies its rules to each, and keeps the cheapest result; so a form may be dearer than what it is made of.
A form that would be too large is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from symnum import term as interface
from symnum.algebra.rational import RationalTerm
from symnum.algebra.ring import ATOM, NUMBER, SUM, view
from symnum.rewriting.facts import Facts
from symnum.rewriting.forms import circular, hyperbolic
from symnum.rewriting.forms.choices import choice_forms, product_of_choice
from symnum.rewriting.forms.inverses import (
    arctangents_joined,
    circular_values,
    hyperbolic_values,
    inverse_inside,
)
from symnum.rewriting.forms.parts import by_other_factors, by_symbols
from symnum.rewriting.forms.radicals import radical_forms
from symnum.rewriting.forms.region import atoms_of
from symnum.rewriting.forms.signs import sign_forms
from symnum.rewriting.forms.truth import truth_forms
from symnum.rewriting.views import head_of

Form = tuple[str, Any]

LEAST = 3
"""Terms of fewer operations have no shorter form with several functions."""


def forms_of(
    term: Any,
    operations: int,
    facts: Facts,
    generic: bool,
    small_enough: Callable[[Any], bool],
    best: Callable[[Any], Any],
) -> Iterator[Form]:
    """Yield the forms of the top of a term.

    ``operations`` is its cost, ``small_enough(term)`` says whether polynomial arithmetic may enter it, ``best(part)`` simplifies a part.
    """
    kind = view(term)[0]
    if kind == NUMBER:
        return
    if kind == ATOM:
        head = head_of(term)
        if head in ("and", "or", "not"):
            yield from truth_forms(term, facts)
        elif head in ("ifelse", "min", "max"):
            yield from choice_forms(term, facts)
        elif head in circular.HEADS or head in hyperbolic.HEADS:
            yield from _of_functions(term, {interface.key(term): term}, operations)
        return
    if small_enough(term):
        read = RationalTerm(term)
        for name, form in (("cancel", read.cancelled), ("factor", read.factored)):
            yield from _tried(name, form)
    if kind == SUM:
        yield from arctangents_joined(term)
    else:
        yield from sign_forms(term)
        yield from radical_forms(term, facts, generic)
        yield from product_of_choice(term)
    if operations < LEAST:
        return
    atoms = atoms_of(term)
    if atoms is None:
        return
    if any(head_of(a) in circular.HEADS or head_of(a) in hyperbolic.HEADS for a in atoms.values()):
        yield from _of_functions(term, atoms, operations)
        if kind == SUM:
            yield from by_other_factors(term, circular.HEADS | hyperbolic.HEADS, best)
    if kind == SUM:
        yield from by_symbols(term, best)


def _tried(name: str, form: Callable[[], Any]) -> Iterator[Form]:
    try:
        yield name, form()
    except (ValueError, ZeroDivisionError):  # too many monomials, a float, a denominator that is 0
        return


def _of_functions(term: Any, atoms: dict[Hashable, Any], operations: int) -> Iterator[Form]:
    """Yield the forms of a rational function of circular, or of hyperbolic and exponential functions."""
    turning = [a for a in atoms.values() if head_of(a) in circular.HEADS]
    growing = [a for a in atoms.values() if head_of(a) in hyperbolic.HEADS]
    try:
        if turning:
            algebraic = inverse_inside(turning)
            if algebraic or len(turning) > 1:
                yield from circular.unfolded_forms(term, turning, circular.ROLES, -1, circular_values)
            if operations >= LEAST and not algebraic:
                yield from circular.circular_forms(term, turning)
        if growing:
            algebraic = inverse_inside(growing)
            if algebraic or (len(growing) > 1 and any(head_of(g) != "exp" for g in growing)):
                yield from circular.unfolded_forms(term, growing, hyperbolic.ROLES, 1, hyperbolic_values)
            if operations >= LEAST and not algebraic:
                yield from hyperbolic.hyperbolic_forms(term, growing)
    except (ValueError, ZeroDivisionError):  # too many monomials, or a denominator that is 0
        return
