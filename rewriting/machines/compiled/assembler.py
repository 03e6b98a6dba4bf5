"""Graphs of programs to instructions: registers for unknowns, unification spelled out, choices indexed by what they pop.

Operands of the instructions, after the number of the instruction:

    JUMP place                        SWITCH depth location switch     TRY depth first end (of its list of targets)
    POP location register             PUSH location operand            FRESH register        MOVE register operand
    GET_STRUCTURE register header n operand...      GET_PAIR register operand operand        UNIFY operand operand
    PUT_STRUCTURE register header n operand...      PUT_PAIR register operand operand
    PUSH_STRUCTURE location header n operand...     PUSH_PAIR location operand operand
    EVALUATE operation register operand operand     COMPARE comparison operand operand       TEST test operand operand

Registers: first the free unknowns, then those in scope from the outside in, then the one for what a switch pops, then temporary ones.
A register is written when its unknown is first used; where ways meet, all unknowns in scope have been made.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.machines.compiled import cells
from symnum.rewriting.machines.compiled.arithmetic import ADD, COMPARISONS, TESTS
from symnum.rewriting.machines.compiled.arithmetic import OPERATIONS as ARITHMETIC
from symnum.rewriting.machines.compiled.cells import NEW as FIRST
from symnum.rewriting.machines.compiled.cells import OLD, TAG_BITS, cell
from symnum.rewriting.machines.compiled.graph import (
    Choice,
    End,
    Place,
    Step,
    branches,
    entries,
    first_pop,
    graph,
)
from symnum.rewriting.machines.compiled.symbols import PAIR_NAME, Symbols, children
from symnum.rewriting.machines.compiled.tables import Tables
from symnum.rewriting.machines.nodes import Node, is_index, is_variable
from symnum.rewriting.machines.rmc.symbols import spelled
from symnum.rewriting.machines.rmc.syntax import NEW, POP, PUSH, TEST

_SHAPES = {
    "get": (cells.GET_PAIR, cells.GET_STRUCTURE),
    "put": (cells.PUT_PAIR, cells.PUT_STRUCTURE),
    "push": (cells.PUSH_PAIR, cells.PUSH_STRUCTURE),
}


@dataclass(frozen=True)
class Program:
    """A program as arrays for the loop, with the names that its numbers stand for."""

    code: np.ndarray
    tables: Tables
    operations: np.ndarray
    symbols: Symbols
    locations: tuple[str, ...]
    unknowns: tuple[Node, ...]
    depth: int
    registers: int
    margin: int

    @property
    def goal_register(self) -> int:
        """The register that a switch writes what it pops to."""
        return len(self.unknowns) + self.depth


def assemble(program: Node, unknowns: tuple[Node, ...]) -> Program:
    """Compile a program whose free unknowns are ``unknowns``."""
    return _Assembler(graph(program), unknowns).program()


class _Assembler:
    def __init__(self, start: Place, unknowns: tuple[Node, ...]) -> None:
        self.start, self.unknowns = start, unknowns
        self.free = {unknown: number for number, unknown in enumerate(unknowns)}
        self.entries = entries(start)
        self.depth = max(p.depth + (isinstance(p, Step) and p.kind == NEW) for p in self.entries)
        self.goal = len(unknowns) + self.depth
        self.symbols = Symbols()
        self.locations: dict[str, int] = {}
        self.code: list[int] = [cells.FAIL]
        self.tables = Tables()
        self.address: dict[Place, int] = {}
        self.waiting: deque[tuple[Place, int, bool, int]] = deque()
        self.jumps: list[tuple[int, Place]] = []
        self.made: set[int] = set()
        """Levels of the unknowns whose registers have been written on the way to here."""
        self.idle: list[int] = []
        self.registers = self.goal + 1

    def program(self) -> Program:
        for register in range(len(self.unknowns)):
            self.code += [cells.FRESH, register]
        self.follow(self.start)
        while self.waiting:
            self.branch(*self.waiting.popleft())
        for place, target in self.jumps:
            self.code[place] = self.address[target]
        return Program(
            code=np.array(self.code, np.int64),
            tables=self.tables.finished(),
            operations=self.symbols.operations(),
            symbols=self.symbols,
            locations=tuple(self.locations),
            unknowns=self.unknowns,
            depth=self.depth,
            registers=self.registers,
            margin=len(self.code) + 16,
        )

    # --- control --------------------------------------------------------------------------------------------------------------

    def follow(self, place: Place, entry: list[int] | None = None) -> None:
        """Emit the code from a place on, up to where it joins code that is there or awaits its turn.

        For a branch that is entered with its first value popped too, ``entry`` gets the address of what comes after that pop.
        """
        while True:
            if entry is None and (self.entries[place] > 1 or isinstance(place, Choice)):
                self.make_all(place.depth)
                if place in self.address:
                    self.jump(place)
                    return
                self.address[place] = len(self.code)
            if isinstance(place, End):
                self.code += [cells.ANSWER] if place.answers else [cells.JUMP, 0]
                return
            if isinstance(place, Choice):
                self.choice(place)
                return
            self.step(place, entry)
            if place.kind == POP:
                entry = None
            place = place.next

    def jump(self, place: Place) -> None:
        self.jumps.append((len(self.code) + 1, place))
        self.code += [cells.JUMP, -1]

    def make_all(self, depth: int) -> None:
        """Make the unknowns in scope that no step has used so far."""
        for level in range(depth):
            if level not in self.made:
                self.code += [cells.FRESH, len(self.unknowns) + level]
                self.made.add(level)

    def choice(self, choice: Choice) -> None:
        found = branches(choice)
        pops = [first_pop(branch) for branch in found]
        shapes = [None if pop is None else self.symbols.principal(pop.values[0]) for pop in pops]
        guards: dict[str, int] = {}
        for pop, shape in zip(pops, shapes):
            if pop is not None and shape is not None:
                guards[pop.name] = guards.get(pop.name, 0) + 1
        targets = self.tables.targets(len(found))
        location = max(guards, key=lambda name: guards[name]) if guards else None
        if len(found) == 1:
            self.jumps_to_branch(found[0], choice.depth, targets[0])
            return
        if location is None:
            first, end = self.tables.sequence(targets)
            self.code += [cells.TRY, choice.depth, first, end]
        else:
            here = [pop is not None and pop.name == location for pop in pops]
            values = [pop.values[0] if pop is not None and own else None for pop, own in zip(pops, here)]
            switch = self.tables.switch(values, here, targets, self.symbols)
            self.code += [cells.SWITCH, choice.depth, self.location(location), switch]
        for number, (branch, pop) in enumerate(zip(found, pops)):
            pops_here = pop is not None and pop.name == location
            self.waiting.append((branch, choice.depth, pops_here, targets[number]))

    def jumps_to_branch(self, branch: Place, depth: int, target: int) -> None:
        first, end = self.tables.sequence([target])
        self.code += [cells.TRY, depth, first, end]  # a control instruction, where a run may be paused
        self.waiting.append((branch, depth, False, target))

    def branch(self, place: Place, depth: int, pops: bool, target: int) -> None:
        """Emit a branch of a choice, and say where it begins; one that begins with a pop may be entered after it."""
        self.made = set(range(depth))
        if not pops:
            self.tables.place(target, len(self.code))
            self.follow(place)
            return
        entry: list[int] = []
        begin = len(self.code)
        self.follow(place, entry)
        self.tables.place(target, begin, entry[0])

    # --- steps ----------------------------------------------------------------------------------------------------------------

    def step(self, step: Step, entry: list[int] | None) -> None:
        if step.kind == NEW:
            self.made.discard(step.depth)
        elif step.kind == PUSH:
            self.push(self.location(step.name), step.values[0], step.depth)
        elif step.kind == POP:
            self.pop(self.location(step.name), step.values[0], step.depth, entry)
        elif step.kind == TEST:
            self.unify(step.values[0], step.values[1], step.depth)
        else:
            self.primitive(step)

    def location(self, name: str) -> int:
        return self.locations.setdefault(name, len(self.locations))

    def register(self, value: Any, depth: int) -> int:
        """Return the register of an unknown."""
        if is_variable(value):
            return self.free[value]
        return len(self.unknowns) + depth - 1 - value.leaf[1]

    def is_made(self, register: int) -> bool:
        return not len(self.unknowns) <= register < self.goal or register - len(self.unknowns) in self.made

    def operand(self, value: Any, depth: int) -> int:
        """Return the operand of an unknown or a constant; an unknown counts as made from now on."""
        if not is_index(value) and not is_variable(value):
            return self.symbols.constant(value)
        register = self.register(value, depth)
        if self.is_made(register):
            return cell(OLD, register)
        self.made.add(register - len(self.unknowns))
        return cell(FIRST, register)

    def made_operand(self, value: Any, depth: int) -> int:
        """Return an operand that stands for any value, which is put into a register where need be."""
        if children(value):
            register = self.temporary()
            self.build("put", register, value, depth)
            return cell(OLD, register)
        word = self.operand(value, depth)
        if word & cells.TAG != FIRST:
            return word
        self.code += [cells.FRESH, word >> TAG_BITS]
        return cell(OLD, word >> TAG_BITS)

    def temporary(self) -> int:
        if self.idle:
            return self.idle.pop()
        self.registers += 1
        return self.registers - 1

    def release(self, word: int) -> None:
        """Let a temporary register be used again."""
        if word & cells.TAG == OLD and word >> TAG_BITS > self.goal:
            self.idle.append(word >> TAG_BITS)

    def push(self, location: int, value: Any, depth: int) -> None:
        if children(value):
            self.build("push", location, value, depth)
        else:
            self.code += [cells.PUSH, location, self.operand(value, depth)]

    def pop(self, location: int, value: Any, depth: int, entry: list[int] | None) -> None:
        simple = not children(value)
        if entry is None and simple and (is_index(value) or is_variable(value)):
            register = self.register(value, depth)
            if not self.is_made(register):
                self.made.add(register - len(self.unknowns))
                self.code += [cells.POP, location, register]
                return
        self.code += [cells.POP, location, self.goal]
        if entry is not None:
            entry.append(len(self.code))
        if not simple:
            self.get(self.goal, value, depth)
            return
        word = self.operand(value, depth)
        if word & cells.TAG == FIRST:
            self.code += [cells.MOVE, word >> TAG_BITS, cell(OLD, self.goal)]
        else:
            self.code += [cells.UNIFY, cell(OLD, self.goal), word]

    def unify(self, one: Any, other: Any, depth: int) -> None:
        if children(other) and not children(one):
            one, other = other, one
        word = self.made_operand(other, depth)
        if children(one):
            register = self.temporary()
            self.code += [cells.MOVE, register, word]
            self.get(register, one, depth)
        else:
            self.code += [cells.UNIFY, word, self.made_operand(one, depth)]
        self.release(word)

    def get(self, register: int, value: Any, depth: int) -> None:
        """Emit the unification of a register with a call, from the top down."""
        waiting = deque([(register, value)])
        while waiting:
            source, part = waiting.popleft()
            words = []
            for child in children(part):
                if children(child):
                    temporary = self.temporary()
                    waiting.append((temporary, child))
                    words.append(cell(FIRST, temporary))
                else:
                    words.append(self.operand(child, depth))
            self.emit("get", source, part, words)
            self.release(cell(OLD, source))

    def build(self, how: str, destination: int, value: Any, depth: int) -> None:
        """Emit the building of a call from the bottom up, into a register or onto a stack."""
        words: list[int] = []
        stack: list[tuple[Any, bool, bool]] = [(value, False, False)]
        while stack:
            part, opened, early = stack.pop()
            arguments = children(part)
            if not arguments:
                words.append(self.operand(part, depth))
                if early and words[-1] & cells.TAG == FIRST:
                    self.code += [cells.FRESH, words[-1] >> TAG_BITS]
                    words[-1] = cell(OLD, words[-1] >> TAG_BITS)
            elif not opened:
                stack.append((part, True, False))
                early = False  # an argument is early if one built after it, but before this call, may use it
                for child in reversed(arguments):
                    stack.append((child, False, early))
                    early = early or bool(children(child))
            else:
                own = words[len(words) - len(arguments) :]
                del words[len(words) - len(arguments) :]
                if stack:
                    register = self.temporary()
                    self.emit("put", register, part, own)
                    words.append(cell(OLD, register))
                else:
                    self.emit(how, destination, part, own)
                for word in own:
                    self.release(word)

    def emit(self, how: str, register: int, part: Any, words: list[int]) -> None:
        pair, structure = _SHAPES[how]
        name = interface.head(part)
        if name == PAIR_NAME and len(words) == 2:
            self.code += [pair, register, *words]
            return
        if name in OPERATORS and (part.free or not part.ground):
            raise ValueError(
                f"the value {part!s} is a call of symnum's operator {name!r} on unknowns, which is evaluated when they are known; "
                f"compiled machines only unify, so run the program on the readable one, with rmc.answers"
            )
        self.code += [structure, register, self.symbols.header(name, len(words)), len(words), *words]

    # --- primitives -----------------------------------------------------------------------------------------------------------

    def primitive(self, step: Step) -> None:
        name, values = step.name, step.values
        if name == "is":
            word = self.evaluated(values[1], step.depth)
            self.unify_word(word, values[0], step.depth)
        elif name in COMPARISONS:
            one, other = (self.evaluated(v, step.depth) for v in values)
            self.code += [cells.COMPARE, COMPARISONS[name], one, other]
            self.release(one)
            self.release(other)
        else:
            words = [self.made_operand(v, step.depth) for v in values]
            self.code += [cells.TEST, TESTS[name, len(values)], words[0], words[-1]]
            for word in set(words):
                self.release(word)

    def unify_word(self, word: int, value: Any, depth: int) -> None:
        """Emit the unification of a number with a value."""
        if children(value):
            self.code += [cells.JUMP, 0]  # a number is no call
        else:
            found = self.operand(value, depth)
            if found & cells.TAG == FIRST:
                self.code += [cells.MOVE, found >> TAG_BITS, word]
            else:
                self.code += [cells.UNIFY, word, found]
        self.release(word)

    def evaluated(self, value: Any, depth: int) -> int:
        """Emit the evaluation of an arithmetic expression, and return the operand of its value."""
        words: list[int] = []
        stack: list[tuple[Any, int]] = [(value, -1)]
        while stack:
            part, operation = stack.pop()
            arguments = children(part)
            if operation < 0 and arguments:
                key = (spelled(interface.head(part)), len(arguments))
                if key in ARITHMETIC:
                    stack.append((part, ARITHMETIC[key]))
                    stack.extend((child, -1) for child in reversed(arguments))
                    continue
            if operation < 0:
                words.append(self.made_operand(part, depth))
                continue
            own = words[len(words) - len(arguments) :]
            del words[len(words) - len(arguments) :]
            words.append(self.evaluate(operation, own[0], own[1] if len(own) > 1 else cell(cells.INT, 0)))
        if words[0] & cells.TAG == cells.INT:
            return words[0]
        if isinstance(value, Node) and children(value):
            return words[0]
        return self.evaluate(ADD, words[0], cell(cells.INT, 0))

    def evaluate(self, operation: int, one: int, other: int) -> int:
        register = self.temporary()
        self.code += [cells.EVALUATE, operation, register, one, other]
        self.release(one)
        self.release(other)
        return cell(OLD, register)
