"""States of the relational machine, and its transitions one at a time.

A state is (S, M, K): a memory of stacks, a program, and a stack of programs that come after it; beside it are the bindings so far.
Transitions [C: pop, freshness, occurs check, failure on the empty stack; M: the rest]:

    skip      (S, skip, M.K)         ->  (S, M, K)
    sequence  (S, M; N, K)           ->  (S, M, N.K)
    zero      (S, 0, K)              fails
    choice    (S, M + N, K)          ->  (S, M, K)  and  (S, N, K)
    star      (S, M*, K)             ->  (S, skip, K)  and  (S, M, M*.K)
    new       (S, new x. M, K)       ->  (S, {y/x}M, K)          y fresh
    push      (S; S_a, [t]a, K)      ->  (S; S_a.t, skip, K)
    pop       (S; S_a.s, a<t>, K)    ->  mgu(s, t) of (S; S_a, skip, K), or fails
    test      (S, s == t, K)         ->  mgu(s, t) of (S, skip, K), or fails

Instead of renaming the body of a ``new``, a program is kept with an environment: the unknown for each of its bound variables.  In a
symbolic run the memory goes on below what is known of it: a pop from a stack that is used up is a demand on the input.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from symnum.rewriting.machines.binding import free_indices
from symnum.rewriting.machines.nodes import Node, variable
from symnum.rewriting.machines.rmc.primitives import PRIMITIVE, holds
from symnum.rewriting.machines.rmc.printer import format, quoted
from symnum.rewriting.machines.rmc.syntax import NEW, POP, PUSH, SEQ, SKIP, STAR, SUM, TEST, ZERO, skip
from symnum.rewriting.machines.rmc.unification import Bindings, resolve, unbound, unify, walk

Environment = tuple[Any, ...]
"""The unknowns for the bound variables of a program, the outermost first."""

Continuation = Any
"""What comes after: (program, environment, continuation), or None for nothing."""


class Stack:
    """A value on top of a stack or of None; equality is of the values, and the hash is found once."""

    __slots__ = ("_hash", "ground", "rest", "top")

    def __init__(self, top: Any, rest: Stack | None) -> None:
        self.top, self.rest = top, rest
        self.ground: bool = (type(top) is not Node or top.ground) and (rest is None or rest.ground)
        self._hash: int = hash((top, None if rest is None else rest._hash))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stack):
            return False
        one: Stack | None = self
        two: Stack | None = other
        while one is not two:
            if one is None or two is None or one._hash != two._hash or one.top != two.top:
                return False
            one, two = one.rest, two.rest
        return True

    def __iter__(self) -> Iterator[Any]:
        """Yield the values from the top."""
        cell: Stack | None = self
        while cell is not None:
            yield cell.top
            cell = cell.rest


Memory = dict[str, Stack]
"""The stacks that are not empty; never changed in place, as states share it."""


class State:
    """A memory, a program with its environment, what comes after, and the bindings; ``demands`` is None but in a symbolic run."""

    __slots__ = ("bindings", "continuation", "demands", "depth", "environment", "live", "memory", "program")

    def __init__(
        self,
        memory: Memory,
        program: Node,
        environment: Environment,
        continuation: Continuation,
        bindings: Bindings,
        demands: Memory | None = None,
    ) -> None:
        self.memory, self.program, self.environment = memory, program, environment
        self.continuation, self.bindings, self.demands = continuation, bindings, demands
        self.depth = 0
        self.live = 0

    def branch(self, program: Node, continuation: Continuation) -> State:
        """Return a copy that goes on with another program; it shares the bindings."""
        made = State(self.memory, program, self.environment, continuation, self.bindings, self.demands)
        made.depth, made.live = self.depth, self.live
        return made

    def in_scope(self, value: Any) -> Any:
        """Return a value of the program with unknowns for its bound variables and the bindings carried out."""
        return resolve(value, self.bindings, self.environment)

    def roots(self) -> Iterator[Any]:
        """Yield the values that the state can still use."""
        for memory in (self.memory, self.demands or {}):
            for stack in memory.values():
                yield from stack
        yield from self.environment
        frame = self.continuation
        while frame is not None:
            yield from frame[1]
            frame = frame[2]


@dataclass(frozen=True, slots=True)
class Failure:
    """A state without successor: the steps to it, the rule that found nothing to do, and the two values that do not unify, if any."""

    depth: int
    rule: str
    location: str = ""
    wanted: Any = None
    found: Any = None

    def __str__(self) -> str:
        if self.rule == "zero":
            return "0 has no successor"
        wanted = format(self.wanted)
        if self.rule == "test":
            return f"test {wanted} ≐ {format(self.found)}: the values do not unify"
        if self.rule not in ("pop", "test"):
            return f"{self.rule} does not hold of {wanted} and {format(self.found)}"
        if self.found is None:
            return f"pop {quoted(self.location)}⟨{wanted}⟩: the stack is empty"
        return f"pop {quoted(self.location)}⟨{wanted}⟩: {format(self.found)} is on top, and does not unify"


Branches = tuple[State, ...]
"""The states that follow where there is a choice; none where the state fails."""

FAILS: Branches = ()


class Stepper:
    """Make transitions; ``failure`` says what was wrong when the last one failed."""

    def __init__(self) -> None:
        self.fresh = 0
        self.failure = Failure(0, "zero")
        self._rules = {
            SKIP: self._skip, SEQ: self._sequence, ZERO: self._zero, SUM: self._choice, STAR: self._star,
            NEW: self._new, PUSH: self._push, POP: self._pop, TEST: self._test, PRIMITIVE: self._primitive,
        }  # fmt: skip

    def step(self, state: State) -> Branches | None:
        """Make one transition: change the state and return None, or return what follows in its stead.

        A state with nothing left to do (skip, and nothing after it) must not be given.
        """
        state.depth += 1
        return self._rules[state.program.head.name](state, state.program)

    def _skip(self, state: State, program: Node) -> None:
        state.program, state.environment, state.continuation = state.continuation

    def _sequence(self, state: State, program: Node) -> None:
        after = state.continuation
        for part in program.args[:0:-1]:
            after = (part, state.environment, after)
        state.program, state.continuation = program.args[0], after

    def _zero(self, state: State, program: Node) -> Branches:
        self.failure = Failure(state.depth, "zero")
        return FAILS

    def _choice(self, state: State, program: Node) -> Branches:
        return tuple([state.branch(part, state.continuation) for part in program.args])

    def _star(self, state: State, program: Node) -> Branches:
        again = (program, state.environment, state.continuation)
        return state.branch(skip, state.continuation), state.branch(program.args[0], again)

    def _new(self, state: State, program: Node) -> None:
        self.fresh += 1
        state.environment = (*state.environment, variable(self.fresh))
        state.program = program.args[1]

    def _push(self, state: State, program: Node) -> None:
        location = program.args[1].leaf[1]
        pushed = Stack(state.in_scope(program.args[0]), state.memory.get(location))
        state.memory = {**state.memory, location: pushed}
        self._done(state)

    def _pop(self, state: State, program: Node) -> Branches | None:
        location = program.args[0].leaf[1]
        stack = state.memory.get(location)
        wanted = state.in_scope(program.args[1])
        if stack is None:
            if state.demands is None:
                self.failure = Failure(state.depth, "pop", location, wanted)
                return FAILS
            state.demands = {**state.demands, location: Stack(wanted, state.demands.get(location))}
        elif unify(stack.top, wanted, state.bindings):
            memory = state.memory.copy()
            if stack.rest is None:
                del memory[location]
            else:
                memory[location] = stack.rest
            state.memory = memory
        else:
            self.failure = Failure(state.depth, "pop", location, wanted, resolve(stack.top, state.bindings))
            return FAILS
        self._done(state)
        return None

    def _test(self, state: State, program: Node) -> Branches | None:
        left, right = map(state.in_scope, program.args)
        if not unify(left, right, state.bindings):
            self.failure = Failure(state.depth, "test", "", left, right)
            return FAILS
        self._done(state)
        return None

    def _primitive(self, state: State, program: Node) -> Branches | None:
        name = program.args[0].leaf[1]
        values = [state.in_scope(value) for value in program.args[1:]]
        if not holds(name, values, state.bindings):
            self.failure = Failure(state.depth, name, "", values[0], values[-1])
            return FAILS
        self._done(state)
        return None

    def _done(self, state: State) -> None:
        """Go on with what comes after a step, so that the skip that it leaves costs no transition of its own."""
        if state.continuation is None:
            state.program = skip
        else:
            state.program, state.environment, state.continuation = state.continuation


def is_final(state: State) -> bool:
    """Tell whether a state has nothing left to do."""
    return state.continuation is None and state.program is skip


def collect(state: State, kept: list[Node]) -> None:
    """Drop the bindings that neither the state nor the unknowns ``kept`` can reach, into a new dict."""
    old, new = state.bindings, {}
    seen: set[Node] = set()
    stack: list[Any] = [*kept, *state.roots()]
    while stack:
        term = stack.pop()
        if type(term) is not Node or term.ground or term in seen:
            continue
        seen.add(term)
        if term.leaf is None:
            stack.extend(term.args)
        elif term in old:
            new[term] = old[term]
            stack.append(old[term])
    state.bindings, state.live = new, len(new)


class Fingerprints:
    """Find one key for all states that differ in the names of their unknowns only."""

    def __init__(self, kept: list[Node]) -> None:
        self.kept = kept
        self._free: dict[Node, tuple[int, ...]] = {}

    def of(self, state: State) -> Any:
        """Return the key of a state: its memory, its program, what comes after, and the unknowns that were asked for."""
        names: Bindings = {}
        parts: list[Any] = []
        for location in sorted(state.memory):
            stack = state.memory[location]
            parts.append(location)
            if stack.ground:
                parts.append(stack)
            else:
                parts.extend([self._value(v, state.bindings, names) for v in stack])
        program, environment, frame = state.program, state.environment, state.continuation
        while True:
            parts.append(program)
            for k in self._indices(program):
                parts.append(self._value(environment[-1 - k], state.bindings, names))
            if frame is None:
                break
            program, environment, frame = frame
        parts.extend([self._value(u, state.bindings, names) for u in self.kept])
        return tuple(parts)

    def _indices(self, program: Node) -> tuple[int, ...]:
        if not program.free:
            return ()
        found = self._free.get(program)
        if found is None:
            found = self._free[program] = tuple(sorted(free_indices(program)))
        return found

    @staticmethod
    def _value(value: Any, bindings: Bindings, names: Bindings) -> Any:
        value = walk(value, bindings)
        if type(value) is not Node or value.ground:
            return value
        value = resolve(value, bindings)
        for unknown in unbound(value, {}):
            names.setdefault(unknown, variable(-1 - len(names)))
        return resolve(value, names)
