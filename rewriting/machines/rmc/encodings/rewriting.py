"""Rewrite rules as programs, so that the machine checks the rewriters: l -> r is the span ``new x1 ... xn. <l>; [r]``.

Choice of rules is ``+``, repetition ``*``, and the reverse of a rule its dual.  To rewrite inside a term, the machine goes down to an
argument and keeps what is around it on the location ``context``; the way back up is the dual of the way down.

Matching is of terms as they stand: a pattern has the arguments of a commutative operator in their order, and no sum matches inside a
longer one.  On ground terms of symnum this is rewriting at the root, for rules without conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.nodes import Node, variable
from symnum.rewriting.machines.rmc.duality import dual
from symnum.rewriting.machines.rmc.machine import answers
from symnum.rewriting.machines.rmc.parser import with_unknowns
from symnum.rewriting.machines.rmc.results import DEFAULT_LIMITS, Limits
from symnum.rewriting.machines.rmc.syntax import (
    MAIN,
    constant,
    function,
    new,
    plus,
    pop,
    push,
    seq,
    star,
    unknown,
)
from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import Rule

_CONTEXT, _MARK = "context", "#"


def rule_span(rule: Rule) -> Node:
    """Return a rule of symnum as a program.

    Raises ValueError for a rule with a condition, a Python function, or slots that stand for more than one term: these are no spans.

    >>> from symnum.rewriting import rule
    >>> rule_span(rule("sin(asin(a)) -> a"))
    ∃a. ⟨sin(asin(a))⟩; [a]
    """
    if rule.given is not None or callable(rule.right) or not interface.is_term(rule.right):
        raise ValueError(
            f"{rule!r} has a condition or a Python function, which no span has; choose rules that are a pattern and a template"
        )
    if len(rule.patterns) > 1:
        raise ValueError(
            f"{rule!r} has a slot with a default value and stands for several rules; write them one by one"
        )
    slots = interface.free_symbols(rule.left)
    for slot in slots:
        if (
            not interface.name(slot).isidentifier()
            or interface.assumptions(slot)
            or interface.sort_of(slot) != "real"
        ):
            raise ValueError(
                f"{rule!r} has the slot {slot!s}, which does not stand for any one term; no span has such"
            )
    unknowns = {slot: variable(interface.name(slot)) for slot in slots}
    left, right = [with_unknowns(side, unknowns.get) for side in (rule.left, rule.right)]
    return new(unknowns.values(), seq(pop(left), push(right)))


def rules_span(rules: RuleSet | Iterable[Rule]) -> Node:
    """Return the choice between the spans of rules."""
    return plus(*[rule_span(entry) for entry in rules])


def everywhere(step: Node, signature: Mapping[str, int]) -> Node:
    """Return the program that does a step at one place of the term on top: the term itself, or a part of it.

    ``signature`` gives the number of arguments of each operator below which the machine looks.

    >>> from symnum.rewriting import rule
    >>> from symnum.rewriting.machines.rmc import run
    >>> import symnum as sn
    >>> program = everywhere(rule_span(rule("sin(asin(a)) -> a")), {"exp": 1, "sin": 1})
    >>> run(program, [sn.parse("exp(sin(asin(x)))")], search="tabled")[0]
    <λ: {exp(x)}>
    """
    down = plus(*[_down(name, arity, i) for name, arity in signature.items() for i in range(arity)])
    mark = constant(_MARK)
    return seq(push(mark, _CONTEXT), star(down), step, star(dual(down)), pop(mark, _CONTEXT))


def _down(name: str, arity: int, place: int) -> Node:
    """Return the program that goes from a call to one of its arguments, and keeps the others."""
    parts = [unknown(f"x{i}") for i in range(arity)]
    others = [part for i, part in enumerate(parts) if i != place]
    around = function(f"{name} {place}", *others)
    return new(parts, seq(pop(function(name, *parts)), push(around, _CONTEXT), push(parts[place])))


def signature_of(*terms: Any) -> dict[str, int]:
    """Return the operators of terms and how many arguments they have; for one that occurs with several numbers, the largest.

    >>> import symnum as sn
    >>> signature_of(sn.parse("sin(x)^2 + y"))
    {'sin': 1, '^': 2, '+': 2}
    """
    found: dict[str, int] = {}
    for part in interface.postorder(*terms, ordered=True):
        if interface.is_call(part):
            found[interface.head(part)] = max(len(interface.args(part)), found.get(interface.head(part), 0))
    return found


def rewrites(
    rules: RuleSet | Iterable[Rule],
    term: Any,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Any]:
    """Return all terms that one application of one rule makes of a term, at any place, each once.

    Raises OverflowError at a limit.

    >>> from symnum.rewriting import rule
    >>> import symnum as sn
    >>> rewrites([rule("sin(asin(a)) -> a"), rule("cos(acos(a)) -> a")], sn.parse("sin(asin(x)) - cos(acos(y))"))
    [x - cos(acos(y)), -y + sin(asin(x))]
    """
    entries = list(rules)
    return _results(everywhere(rules_span(entries), _signature(entries, term)), term, limits)


def reached(
    rules: RuleSet | Iterable[Rule],
    term: Any,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Any]:
    """Return all terms that rules make of a term in any number of steps, the nearest first.

    Raises OverflowError at a limit, as where the rules go on for ever.

    >>> from symnum.rewriting import rule
    >>> import symnum as sn
    >>> reached([rule("sin(asin(a)) -> a")], sn.parse("sin(asin(sin(asin(x))))"))
    [sin(asin(sin(asin(x)))), sin(asin(x)), x]
    """
    entries = list(rules)
    return _results(star(everywhere(rules_span(entries), _signature(entries, term))), term, limits)


def _signature(rules: list[Rule], term: Any) -> dict[str, int]:
    return signature_of(term, *[side for entry in rules for side in (entry.left, entry.right)])


def _results(program: Node, term: Any, limits: Limits) -> list[Any]:
    found = answers(program, {MAIN: (term,)}, search="tabled", limits=limits)
    results = [answer.memory[MAIN][-1] for answer in found]
    if not found.report.exhausted:
        raise OverflowError(f"{len(results)} terms were found, and there are more: {found.report.why}")
    return results
