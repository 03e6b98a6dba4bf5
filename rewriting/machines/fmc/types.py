"""Simple types of programs, inferred: what a program needs on each stack, and what it leaves there at each exit.

[M] Types are ``ρ ::= o | σ_A ⇒ τ_A`` with a stack of types for each location.  [R] Inference gives each location a row, a list of types
that ends in a row variable: the variable is exactly the rule of expansion, so that first-order unification finds the principal
type.  A program has, for each of its labels, the stacks that it leaves when it exits with it.

Rules, Γ the types of variables; ``a(ρ)·σ`` has ρ on top at a:

- [M] ``⋆ : ρ ⇒ ρ``; [R] ``i : ρ ⇒ {i: ρ}``
- [M] ``[N]a.M : σ ⇒ τ`` if ``N : ρ`` and ``M : a(ρ)·σ ⇒ τ``
- [M] ``a⟨x⟩.M : a(ρ)·σ ⇒ τ`` if ``x: ρ ⊢ M : σ ⇒ τ``
- [M] ``x.M : ρ·σ ⇒ υ`` if ``x: ρ ⇒ τ`` and ``M : τ·σ ⇒ υ``
- [R] ``N;i→M : σ ⇒ E`` if ``N : σ ⇒ {i: ρ} ∪ E`` and ``M : ρ ⇒ E``; ``M^i : σ ⇒ E`` if ``M : σ ⇒ {i: σ} ∪ E``
- [R] numbers and formulas have the base type o; a comparison has the type of ``t`` or ``f``: ``ρ ⇒ {t: ρ, f: ρ}``

A typed program without loops terminates, on the machine and in every reduction [C]; with loops it does not go wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.machines.binding import free_bound, instantiate
from symnum.rewriting.machines.fmc.machine import read_program
from symnum.rewriting.machines.fmc.syntax import build, is_program, names_in, symbols_of, value_of
from symnum.rewriting.machines.fmc.type_text import TypeNames, exits_of
from symnum.rewriting.machines.fmc.unification import BASE_TYPE, MismatchError, Unifier, renamed, split
from symnum.rewriting.machines.fmc.writing import to_text
from symnum.rewriting.machines.nodes import call, is_index, is_variable, variable

Rows = tuple[Any, ...]
"""A row for each location, in the order of the locations."""


@dataclass(frozen=True, slots=True)
class ProgramType:
    """Hold the principal type of a program.

    ``arrow`` is a term of :mod:`symnum.rewriting.machines.fmc.unification`, and ``symbols`` has the types of free names.
    ``str`` writes the top of each stack first, and leaves out locations that nothing touches.
    """

    locations: tuple[str, ...]
    labels: tuple[str, ...]
    arrow: Any
    symbols: tuple[tuple[str, Any], ...] = ()

    @property
    def exits(self) -> tuple[str, ...]:
        """Return the labels with which the program may end."""
        return exits_of(self.arrow, self.locations, self.labels)

    def needs(self, location: str = "λ") -> list[Any]:
        """Return the types that must lie on a location, the top first."""
        return split(self._rows(0)[self.locations.index(location)])[0] if location in self.locations else []

    def leaves(self, location: str = "λ", exit: str = "⋆") -> list[Any]:
        """Return the types that lie on a location afterwards, the top first, as far as they are known."""
        if location not in self.locations:
            return []
        return split(self._rows(1 + self.labels.index(exit))[self.locations.index(location)])[0]

    def _rows(self, block: int) -> Rows:
        width = len(self.locations)
        return tuple(self.arrow.args[block * width : (block + 1) * width])

    def __str__(self) -> str:
        names = TypeNames(self.locations, self.labels)
        given = ", ".join(f"{name}: {names.text(kind)}" for name, kind in self.symbols)
        return (f"{given} ⊢ " if given else "") + names.text(self.arrow)

    def __repr__(self) -> str:
        return str(self)

    def agrees_with(self, other: ProgramType) -> bool:
        """Tell whether two types have a common instance, for types over the same locations and labels.

        >>> from symnum.rewriting.machines import fmc
        >>> fmc.infer("<x>.[x]").agrees_with(fmc.infer("<f>.[<x>.[x].f].<y>.[y]"))
        True
        """
        if (self.locations, self.labels) != (other.locations, other.labels):
            raise ValueError(
                f"types over different locations or labels cannot be compared: {self.locations} {self.labels} and {other.locations} "
                f"{other.labels}; pass the same locations= and labels= to infer"
            )
        unifier = Unifier()
        fresh: dict[Any, Any] = {}
        mine, theirs = dict(self.symbols), dict(other.symbols)

        def apart(name: Any) -> Any:
            return fresh.setdefault(name, variable(f"other {name.leaf[1]}"))

        left = call("type.arrow", self.arrow, *[mine[name] for name in mine if name in theirs])
        right = call("type.arrow", other.arrow, *[theirs[name] for name in mine if name in theirs])
        try:
            unifier.unify(left, renamed(right, apart))
        except MismatchError:
            return False
        return True


class IllTypedError(TypeError):
    """Say that a program has no simple type: ``left`` and ``right`` are the two types that cannot be one, as text."""

    def __init__(self, message: str, left: str, right: str, at: Any) -> None:
        super().__init__(message)
        self.left, self.right, self.at = left, right, at


def infer(
    term: Any,
    *,
    locations: tuple[str, ...] | None = None,
    labels: tuple[str, ...] | None = None,
) -> ProgramType:
    """Return the principal type of a program (text or term); raises IllTypedError, a TypeError, with both types where there is none.

    ``locations`` and ``labels`` are by default those that the program names; more may be given, to compare types.

    >>> infer("<x>.[x].[x]"), infer("<f>.<g>.[f.g]")
    (α ρ ⇒ α α ρ, {ρ ⇒ σ} {σ ⇒ τ} υ ⇒ {ρ ⇒ τ} υ)
    >>> infer("<x>.[x].x")
    Traceback (most recent call last):
        ...
    symnum.rewriting.machines.fmc.types.IllTypedError: x has type α, but it is run where the type must be α ρ ⇒ σ: ...
    """
    program = read_program(term)
    try:
        quick = _Inference(program, locations, labels, careful=False)
        if not quick.unifier.is_cyclic():
            return quick.type()
    except IllTypedError:
        pass  # the careful inference says where, before types are merged
    return _Inference(program, locations, labels, careful=True).type()


@dataclass(slots=True)
class _Task:
    """Say that a program is to be typed: from these rows, to the rows of each exit."""

    term: Any
    environment: Any
    rows: Rows
    exits: dict[str, Rows]


class _Inference:
    def __init__(
        self, term: Any, locations: tuple[str, ...] | None, labels: tuple[str, ...] | None, *, careful: bool
    ) -> None:
        self.term = term
        found = names_in(term, "location") or ["λ"]
        self.locations = tuple(sorted({*found, *(locations or ())}))
        logical = {"t", "f"} if _has_truth(term) else set()
        self.labels = tuple(sorted({"⋆", *names_in(term, "label"), *logical, *(labels or ())}))
        self.place = {location: i for i, location in enumerate(self.locations)}
        self.unifier = Unifier(careful=careful)
        self.symbols = {s: self.unifier.fresh("type") for s in symbols_of(term)}
        self.tasks: list[_Task] = []
        self.arrow = self._pushed(self.term, None)
        while self.tasks:
            self._follow(self.tasks.pop())

    def type(self) -> ProgramType:
        """Return the type that was found."""
        resolved = self.unifier.resolved
        return ProgramType(
            self.locations,
            self.labels,
            resolved(self.arrow),
            tuple([(interface.name(s), resolved(kind)) for s, kind in self.symbols.items()]),
        )

    def _fresh_rows(self) -> Rows:
        return tuple([self.unifier.fresh("row") for _ in self.locations])

    def _arrow(self, rows: Rows, exits: dict[str, Rows]) -> Any:
        return call("type.arrow", *rows, *[r for label in self.labels for r in exits[label]])

    def _pushed(self, term: Any, environment: Any) -> Any:
        """Return the type of a program of its own, to be typed later."""
        rows, exits = self._fresh_rows(), {label: self._fresh_rows() for label in self.labels}
        self.tasks.append(_Task(term, environment, rows, exits))
        return self._arrow(rows, exits)

    def _follow(self, task: _Task) -> None:
        """Type one program along its spine; what it pushes and where it branches become tasks."""
        term, environment, rows, exits = task.term, task.environment, task.rows, task.exits
        while True:
            head, given = term.head.name, term.args
            if head == "fmc.exit":
                label = given[0].leaf[1]
                for k, location in enumerate(self.locations):
                    self._unify(rows[k], exits[label][k], term, partial(_exit_message, label, location))
                return
            if head == "fmc.push":
                value = value_of(given[0])
                kind = (
                    self._pushed(given[0], environment) if value is None else self._value(value, environment)
                )
                k = self.place[given[1].leaf[1]]
                rows = (*rows[:k], call("type.cons", kind, rows[k]), *rows[k + 1 :])
                if value is None:
                    # what is pushed comes first, so that a message about it can show all of its type
                    self.tasks.insert(-1, _Task(given[2], environment, rows, exits))
                    return
            elif head == "fmc.pop":
                k = self.place[given[0].leaf[1]]
                top, rest = self._top(rows[k])
                environment = ((top, given[1].leaf[1]), environment)
                rows = (*rows[:k], rest, *rows[k + 1 :])
            elif head == "fmc.run":
                between = self._fresh_rows()
                wanted = self._arrow(rows, {**exits, "⋆": between})
                kind = self._value(given[0], environment)
                self._unify(kind, wanted, given[0], partial(_run_message, given[0], environment))
                rows = between
            elif head == "fmc.case":
                between = self._fresh_rows()
                self.tasks.append(_Task(given[2], environment, between, exits))
                term, exits = given[0], {**exits, given[1].leaf[1]: between}
                continue
            else:
                term, exits = given[0], {**exits, given[1].leaf[1]: rows}
                continue
            term = given[-1]

    def _top(self, stack: Any) -> tuple[Any, Any]:
        stack = self.unifier.walk(stack)
        if is_variable(stack):
            top, rest = self.unifier.fresh("type"), self.unifier.fresh("row")
            self.unifier.bind(stack, call("type.cons", top, rest))
            return top, rest
        return stack.args

    def _value(self, root: Any, environment: Any) -> Any:
        """Return the type of a value; the arguments of a formula must have those that its operator takes."""
        stack = [root]
        while stack:
            part = stack.pop()
            if not interface.is_call(part):
                continue
            row = OPERATORS.get(interface.head(part))
            sorts = ("real",) if row is None else row.argument_sorts
            for position, arg in enumerate(interface.sorted_args(part)):
                logical = sorts[min(position, len(sorts) - 1)] == "boolean"
                wanted = self._truth() if logical else BASE_TYPE
                if is_program(arg):  # what substitution puts there where types are wrong
                    found = self._pushed(arg, environment)
                else:
                    found = self._leaf(arg, environment)
                    stack.append(arg)
                self._unify(found, wanted, arg, partial(_formula_message, arg, part, environment))
        return self._leaf(root, environment)

    def _leaf(self, value: Any, environment: Any) -> Any:
        """Return the type of a variable, symbol, number, or of a formula without a look at its arguments."""
        if is_index(value):
            return _entry(environment, value.leaf[1])[0]
        if value in self.symbols:
            return self.symbols[value]
        return self._truth() if _is_truth(value) else BASE_TYPE

    def _truth(self) -> Any:
        rows = self._fresh_rows()
        return self._arrow(
            rows, {label: rows if label in ("t", "f") else self._fresh_rows() for label in self.labels}
        )

    def _unify(self, found: Any, wanted: Any, at: Any, say: Callable[[], tuple[str, str]]) -> None:
        """Make the type that something has the one that it must have; ``say()`` is what leads to the two in a message."""
        try:
            self.unifier.unify(found, wanted)
        except MismatchError as error:
            if not self.unifier.careful:
                raise IllTypedError("", "", "", at) from error
            what, but = say()
            names = TypeNames(self.locations, self.labels)
            resolved = self.unifier.resolved
            left, right = names.text(resolved(found)), names.text(resolved(wanted))
            inner = [names.text(resolved(part)) for part in (error.left, error.right)]
            why = "would hold itself, as it is" if error.cyclic else "is never"
            raise IllTypedError(
                f"{what} {left}, {but} {right}: {inner[0]} {why} {inner[1]}; "
                f"the program is {to_text(self.term, limit=80)}",
                left,
                right,
                at,
            ) from error


def _exit_message(label: str, location: str) -> tuple[str, str]:
    return f"exit {label} leaves on {location} a stack of type", "but elsewhere it leaves one of type"


def _run_message(value: Any, environment: Any) -> tuple[str, str]:
    return f"{_spelled(value, environment)} has type", "but it is run where the type must be"


def _formula_message(arg: Any, formula: Any, environment: Any) -> tuple[str, str]:
    return f"{_spelled(arg, environment)} has type", f"but {_spelled(formula, environment)} needs"


def _spelled(term: Any, environment: Any) -> str:
    """Return a part of the program as text, with the names of the variables around it."""
    names = [_entry(environment, k)[1] for k in range(free_bound(term))]
    return to_text(instantiate(term, [variable(name) for name in names], build=build), limit=60)


def _entry(environment: Any, k: int) -> Any:
    for _ in range(k):
        environment = environment[1]
    return environment[0]


def _is_truth(value: Any) -> bool:
    """Tell whether a value is a truth value: a comparison, or what is made of such."""
    if interface.is_call(value):
        row = OPERATORS.get(interface.head(value))
        return row is not None and row.result_sort == "boolean"
    return interface.is_number(value) and isinstance(interface.value(value), bool)


def _has_truth(term: Any) -> bool:
    return any(not is_program(part) and _is_truth(part) for part in interface.postorder(term))
