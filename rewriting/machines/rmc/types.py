"""Simple types: what a program takes from each stack and what it leaves there, by sorts [M; inference R].

    skip : r => r        M; N : r => t  for  M : r => s, N : s => t        0 : r => s        M + N : r => s  for both        M* : r => r
    [t]a : r => a(t) r        a<t> : a(t) r => r        new x. M and s == t : as their parts, x of any one sort

A signature gives the sorts of function symbols, ``{"s": "nat -> nat", "z": "nat"}``; a symbol that it does not name gets one sort for each
of its places, found with all the rest.  The type found is principal: every other is an instance.  Rows of sorts end in a variable, so
that a program of type r => s works with more values below.  Vectors are written top first, as in the specification.

A typed program may fail, but it never pops from an empty stack on a memory of its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from symnum import term as interface
from symnum.rewriting.machines.nodes import Node, call, is_index, is_variable, variable
from symnum.rewriting.machines.rmc.printer import format
from symnum.rewriting.machines.rmc.syntax import (
    MAIN,
    NEW,
    POP,
    PUSH,
    SEQ,
    SKIP,
    STAR,
    SUM,
    TEST,
    as_program,
    location_of,
    value_of,
)
from symnum.rewriting.machines.rmc.unification import Bindings, resolve, unbound, unify

_ROW = "·"
"""The head of a row: a sort, and the row of what is below."""

_SORT_NAMES, _ROW_NAMES = "αβγδεζηθικμν", "ρστυφχψω"


class RmcTypeError(TypeError):
    """Says that a program has no type, with both sorts or rows that do not agree."""


@dataclass(frozen=True, slots=True)
class Type:
    """What a program takes and leaves, for each location that it uses: sorts from the top, and the name of the row below.

    Locations that are not named are unchanged.
    """

    takes: Mapping[str, tuple[tuple[str, ...], str]]
    leaves: Mapping[str, tuple[tuple[str, ...], str]]

    @property
    def dual(self) -> Type:
        """Return the type of the dual program."""
        return Type(self.leaves, self.takes)

    def __str__(self) -> str:
        parts = []
        for location in self.takes:
            sides = [" ".join([*sorts, row]) for sorts, row in (self.takes[location], self.leaves[location])]
            parts.append(" ⇒ ".join(sides) if location == MAIN else f"{location}({' ⇒ '.join(sides)})")
        return ", ".join(parts) or "⇒"

    def __repr__(self) -> str:
        return f"<{self}>"


def infer(program: Node | str, signature: Mapping[str, str] | None = None) -> Type:
    """Return the principal type of a program; raises RmcTypeError, a TypeError that shows both types, for one that has none.

    >>> infer("new x. <x>; [x]; [x]")
    <α ρ ⇒ α α ρ>
    >>> infer("(new x y. <s(x)>; <y>; [s(y)]; [x])*; <z>", {"s": "nat -> nat", "z": "nat"})
    <nat nat ρ ⇒ nat ρ>
    >>> infer("([z])*")
    Traceback (most recent call last):
    ...
    symnum.rewriting.machines.rmc.types.RmcTypeError: [z]* has no type: at λ it takes ρ and leaves α ρ, which must be one type; ...
    """
    term = as_program(program)
    return _Inference(term, signature or {}).type()


def _refuse(program: Node, problem: str) -> NoReturn:
    text = format(program)
    raise RmcTypeError(
        f"{text if len(text) <= 80 else text[:77] + '...'} has no type: {problem}; run it untyped, or mend the step"
    )


def _sorts(name: str, text: str) -> list[str]:
    parts = [p.strip() for p in text.replace("→", "->").split("->")]
    arguments = [s for p in parts[:-1] for s in p.replace(",", " ").replace("×", " ").split()]
    if not 1 <= len(parts) <= 2 or not parts[-1] or len(parts[-1].split()) != 1:
        raise ValueError(
            f"the signature gives {name!r} the sorts {text!r}; write 'nat' for a constant, or 'nat list -> list' for a function"
        )
    return [*arguments, parts[-1]]


class _Inference:
    """Infer with unknowns for sorts and rows, which are values like others, so that the machine's unification serves."""

    def __init__(self, program: Node, signature: Mapping[str, str]) -> None:
        self.program = program
        self.bindings: Bindings = {}
        self.made = 0
        self.signature = {name: [call(s) for s in _sorts(name, text)] for name, text in signature.items()}
        self.given = frozenset(signature)
        self.free: dict[Node, Any] = {}
        self.environment: list[Any] = []
        steps = [p for p in interface.postorder(program) if type(p) is Node and p.leaf is None]
        self.locations = sorted({location_of(p) for p in steps if p.head.name in (PUSH, POP)})

    def fresh(self) -> Node:
        self.made += 1
        return variable(self.made)

    def rows(self) -> dict[str, Any]:
        return {a: self.fresh() for a in self.locations}

    def type(self) -> Type:
        """Return the type of the program as text."""
        before = self.rows()
        after = self._run(self.program, before)
        names: dict[Node, str] = {}
        shown = [{a: self._row(side[a], names) for a in self.locations} for side in (before, after)]
        return Type(*shown)

    # --- programs -----------------------------------------------------------------------------------------------------------

    def _run(self, root: Node, start: dict[str, Any]) -> dict[str, Any]:
        """Walk a program with a stack of generators, each of which asks for the rows after its parts."""
        stack = [self._after(root, start)]
        result: Any = None
        while stack:
            try:
                asked = stack[-1].send(result)
            except StopIteration as done:
                result = done.value
                stack.pop()
            else:
                stack.append(self._after(*asked))
                result = None
        return result

    def _after(self, program: Node, rows: dict[str, Any]) -> Any:
        head, args = program.head.name, program.args
        if head == PUSH:
            sort = self._sort(value_of(program))
            return {**rows, location_of(program): call(_ROW, sort, rows[location_of(program)])}
        if head == POP:
            location, below = location_of(program), self.fresh()
            sort = self._sort(value_of(program))
            self._same(rows[location], call(_ROW, sort, below), program, location)
            return {**rows, location: below}
        if head == TEST:
            left, right = [self._sort(a) for a in args]
            if not unify(left, right, self.bindings):
                one, two = [self._sort_text(t, {}) for t in (left, right)]
                _refuse(
                    program,
                    f"{format(args[0])} is of sort {one}, and {format(args[1])} of sort {two}, which do not agree",
                )
            return rows
        if head == SEQ:
            for part in args:
                rows = yield part, rows
            return rows
        if head == NEW:
            self.environment.append(self.fresh())
            rows = yield args[1], rows
            self.environment.pop()
            return rows
        if head == STAR:
            after = yield args[0], rows
            for a in self.locations:
                self._same(rows[a], after[a], program, a)
            return rows
        if head == SUM:
            first = None
            for part in args:
                after = yield part, rows
                if first is None:
                    first = after
                for a in self.locations:
                    self._same(first[a], after[a], program, a)
            return first
        return rows if head == SKIP else self.rows()

    def _same(self, left: Any, right: Any, program: Node, location: str) -> None:
        if unify(left, right, self.bindings):
            return
        names: dict[Node, str] = {}
        one, two = [self._row_text(row, names) for row in (left, right)]
        if program.head.name == POP:
            _refuse(program, f"at {location} there is {one} where it needs {two}, which do not agree")
        if program.head.name == STAR:
            _refuse(program, f"at {location} it takes {one} and leaves {two}, which must be one type")
        _refuse(program, f"at {location} one choice leaves {one} and another {two}, which do not agree")

    # --- values -------------------------------------------------------------------------------------------------------------

    def _sort(self, value: Any) -> Any:
        """Return the sort of a value under the sorts of the bound variables."""
        sorts: dict[Any, Any] = {}
        for part in interface.postorder(value, ordered=True):
            identity = interface.key(part)
            if is_index(part):
                sorts[identity] = self.environment[-1 - part.leaf[1]]
            elif is_variable(part):
                sorts[identity] = self.free.setdefault(part, self.fresh())
            elif interface.is_call(part):
                args = interface.sorted_args(part)
                symbol = self._symbol(interface.head(part), len(args))
                for wanted, arg in zip(symbol, args):
                    found = sorts[interface.key(arg)]
                    if not unify(wanted, found, self.bindings):
                        self._refuse_argument(part, arg, wanted, found)
                sorts[identity] = symbol[-1]
            else:
                sorts[identity] = call(interface.sort_of(part))
        return sorts[interface.key(value)]

    def _symbol(self, name: str, arity: int) -> list[Any]:
        key = name if name in self.given else f"{name}/{arity}"
        found = self.signature.get(key)
        if found is None:
            found = self.signature[key] = [self.fresh() for _ in range(arity + 1)]
        if len(found) != arity + 1:
            raise RmcTypeError(
                f"{name!r} has {arity} arguments in the program and {len(found) - 1} in the signature; make them agree"
            )
        return found

    def _refuse_argument(self, part: Any, arg: Any, wanted: Any, found: Any) -> None:
        names: dict[Node, str] = {}
        one, two = [self._sort_text(t, names) for t in (wanted, found)]
        raise RmcTypeError(
            f"{format(part)} has no sort: {interface.head(part)!r} takes {one} where {format(arg)} is of sort {two}; "
            f"change the value or the signature"
        )

    # --- text ---------------------------------------------------------------------------------------------------------------

    def _row(self, row: Any, names: dict[Node, str]) -> tuple[tuple[str, ...], str]:
        """Return a row as the texts of its sorts, from the top, and the name of what is below."""
        term = resolve(row, self.bindings)
        sorts = []
        while not is_variable(term):
            sorts.append(_named(term.args[0], names, _SORT_NAMES))
            term = term.args[1]
        return tuple(sorts), _named(term, names, _ROW_NAMES)

    def _row_text(self, row: Any, names: dict[Node, str]) -> str:
        sorts, below = self._row(row, names)
        return " ".join([*sorts, below])

    def _sort_text(self, sort: Any, names: dict[Node, str]) -> str:
        return _named(resolve(sort, self.bindings), names, _SORT_NAMES)


def _named(term: Any, names: dict[Node, str], letters: str) -> str:
    for unknown in unbound(term, {}):
        if unknown not in names:
            count = sum(name[0] in letters for name in names.values())
            names[unknown] = letters[count % len(letters)] + str(count // len(letters) or "")
    return names[term] if is_variable(term) else format(term)
