"""Runs of programs: limits, traces, results, and the errors of runs that reach none.

>>> from symnum.rewriting.machines import fmc
>>> found = fmc.execute("[a]out;!e;[b]out", trace=True)
>>> found.exit, found.memory, found.steps
('e', {'out': [a]}, 5)
>>> print(found.trace)  # doctest: +ELLIPSIS
 0           [a]out;!e;[b]out
 1  case     [a]out;!e                  K = ⋆→[b]out
...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from symnum.rewriting.limits import check_limits, refuse_other_limits
from symnum.rewriting.machines.fmc.environment import EnvironmentMachine
from symnum.rewriting.machines.fmc.memory import Given, Stream, read_memory, shown
from symnum.rewriting.machines.fmc.reading import parse
from symnum.rewriting.machines.fmc.substitution import StuckError, SubstitutionMachine
from symnum.rewriting.machines.fmc.syntax import case, is_program, program, push
from symnum.rewriting.machines.fmc.writing import to_text

_WAITING = 10_000
"""Entries of a continuation that a state keeps: those of a deep recursion would take longer to read back than the run."""

MACHINES: Mapping[str, Any] = {"substitution": SubstitutionMachine, "environment": EnvironmentMachine}


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Bound a run: the steps that it makes, and the steps whose states a trace keeps (the first ones and the last)."""

    steps: int = 1_000_000
    trace: int = 10_000

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True)
class State:
    """Hold what a machine was like after a step: ``rule`` made it, and is empty for the first state.

    ``continuation`` has what comes next first, and no more than ten thousand entries.
    """

    number: int
    rule: str
    memory: dict[str, list[Any]]
    term: Any
    continuation: tuple[tuple[str, Any], ...]

    def readback(self) -> Any:
        """Return the program that leads to this state from the empty memory: all is pushed, then the term runs.

        [R] A step of the machine does not change the normal form of the readback.
        """
        made = self.term
        for label, then in self.continuation:
            made = case(made, label, then)
        for location in sorted(self.memory, reverse=True):
            for value in reversed(self.memory[location]):
                made = push(value, location, made)
        return made


@dataclass(frozen=True, slots=True)
class Trace:
    """Hold the states of a run; ``str`` writes one line for each."""

    states: tuple[State, ...]
    left_out: int = 0
    """States between the last and the one before it that were not kept."""

    def __iter__(self) -> Iterator[State]:
        return iter(self.states)

    def __len__(self) -> int:
        return len(self.states)

    def __str__(self) -> str:
        lines = []
        for state in self.states:
            if self.left_out and state is self.states[-1]:
                lines.append(f"    ... {self.left_out:,} states left out ...")
            memory = "  ".join(
                f"{location} = {' '.join(bracketed(shown(value)) for value in stack)}"
                for location, stack in sorted(state.memory.items())
                if stack
            )
            waiting = "  ".join(f"{label}→{to_text(then, limit=60)}" for label, then in state.continuation)
            parts = [f"{state.number:2}  {state.rule:7}  {to_text(state.term, limit=80):25}", memory]
            lines.append("  ".join([p for p in (*parts, f"K = {waiting}" if waiting else "") if p]).rstrip())
        return "\n".join(lines)


def bracketed(term: Any) -> str:
    """Return the text of a thing on a stack, in brackets where it is more than a word."""
    text = to_text(term, limit=60)
    return text if text.replace("_", "").isalnum() or not any(c in text for c in " .;^") else f"({text})"


@dataclass(frozen=True, slots=True)
class Run:
    """Say how a run went.

    ``stop`` is "done", "stuck", "limit" or, after Ctrl-C, "interrupted".  ``memory`` has {location: [bottom, ..., top]} with values and
    programs, ``exit`` the label of a run that is done ("⋆" for the usual end), ``rule`` and ``why`` which rule found nothing to do and
    the reason, ``read`` how many values were taken from each stream, ``counts`` how often each rule was used.
    """

    memory: dict[str, list[Any]]
    exit: str | None
    steps: int
    stop: str
    rule: str = ""
    why: str = ""
    location: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    last: State | None = None
    trace: Trace = field(default_factory=lambda: Trace(()))


class RunError(RuntimeError):
    """Say that a run reached no result; ``run`` holds what it did reach, with the trace where one was asked for."""

    def __init__(self, message: str, run: Run) -> None:
        super().__init__(message)
        self.run = run


class RunStuckError(RunError):
    """Say that no rule of the machine applies."""


class RunLimitError(RunError):
    """Say that a run did not end within its limit of steps."""


class UncaughtExitError(RunError):
    """Say that a program ended with a label other than ⋆."""


def read_program(given: Any) -> Any:
    """Return a program given as text or as a term; raises TypeError for anything else, ValueError for free indices."""
    if isinstance(given, str):
        return parse(given)
    term = given if is_program(given) else program(given)
    if term.free:
        raise ValueError(
            f"{to_text(term)} is a part of a program that uses variables bound outside; run it within the whole, or substitute for them"
        )
    return term


def execute(
    term: Any,
    memory: Given | None = None,
    *,
    machine: str = "",
    limits: RunLimits | None = None,
    trace: bool = False,
) -> Run:
    """Run a program (text or term) on a memory and report how it went, whatever happens.

    ``machine`` is "environment" (the default: a step takes constant time) or "substitution" (the default with ``trace``: the states
    are those on paper).  Stacks are given bottom first; iterators are streams, see :class:`Stream`.
    Raises ParseError (a ValueError) for ill-formed text.

    >>> from symnum.rewriting.machines import fmc
    >>> fmc.execute("<x>.<y>.[x].[y]", {"λ": ["p", "q"]}).memory
    {'λ': [q, p]}
    >>> fmc.execute("<x>.[x]").why
    'the main location λ is empty where the program pops it'
    """
    limits = RunLimits() if limits is None else limits
    refuse_other_limits(limits, RunLimits, "fmc.execute")
    name = machine or ("substitution" if trace else "environment")
    if name not in MACHINES:
        raise ValueError(
            f"there is no machine {name!r}; write machine='environment' or machine='substitution'"
        )
    runner = MACHINES[name](read_program(term), read_memory(memory))
    states = [_state(runner, 0, "")] if trace else []
    counts: dict[str, int] = {}
    stop, why, rule, location, steps = (
        "limit",
        f"the run did not end within {limits.steps:,} steps",
        "",
        "",
        0,
    )
    step = runner.step
    try:
        while steps < limits.steps:
            made = step()
            if not made:
                stop, why = "done", ""
                break
            steps += 1
            counts[made] = counts.get(made, 0) + 1
            if trace and len(states) < limits.trace:
                states.append(_state(runner, steps, made))
    except KeyboardInterrupt:
        stop, why = "interrupted", "the run was interrupted"
    except StuckError as error:
        stop, why, rule, location = "stuck", error.why, error.rule, error.location
    last = _state(runner, steps, "")
    streams = {a: s for a, s in runner.memory.items() if isinstance(s, Stream)}
    return Run(
        memory={a: [shown(value) for value in s] for a, s in last.memory.items() if s},
        exit=last.term.args[0].leaf[1] if stop == "done" else None,
        steps=steps,
        stop=stop,
        rule=rule,
        why=why,
        location=location,
        counts=counts,
        read={a: stream.taken for a, stream in streams.items()},
        last=last,
        trace=_trace(states, last),
    )


def _trace(states: list[State], last: State) -> Trace:
    """Return the states that were kept and the last one."""
    if not states or states[-1].number == last.number:
        return Trace(tuple(states))
    return Trace((*states, last), last.number - states[-1].number - 1)


def _state(runner: Any, number: int, rule: str) -> State:
    return State(number, rule, runner.stacks(), runner.current(), tuple(runner.waiting(_WAITING)))


def run(
    term: Any,
    memory: Given | None = None,
    *,
    machine: str = "",
    limits: RunLimits | None = None,
    trace: bool = False,
) -> dict[str, list[Any]]:
    """Run a program and return the final memory, {location: [bottom, ..., top]}.

    Takes what :func:`execute` takes, which reports a run instead of raising errors.  Raises RunStuckError where no rule applies,
    RunLimitError for a run that does not end, UncaughtExitError for a label that no case takes; each has the partial ``run``.

    >>> from symnum.rewriting.machines import fmc
    >>> fmc.run("c⟨_⟩.[2]c.c⟨x⟩.[x]c.[x]", {"c": [1]})
    {'c': [2], 'λ': [2]}
    >>> fmc.run("[⟨x⟩.[x].x].⟨x⟩.[x].x", limits=fmc.RunLimits(steps=100))
    Traceback (most recent call last):
        ...
    symnum.rewriting.machines.fmc.machine.RunLimitError: the run did not end within 100 steps; it is at ...
    """
    found = execute(term, memory, machine=machine, limits=limits, trace=trace)
    assert found.last is not None
    at = to_text(found.last.term, limit=60)
    if found.stop == "stuck":
        raise RunStuckError(
            f"rule {found.rule!r} found nothing to do after {found.steps:,} steps: {found.why}; the program left is {at}",
            found,
        )
    if found.stop == "limit":
        raise RunLimitError(
            f"{found.why}; it is at {at}, pass limits=RunLimits(steps=...) for more, or execute(..., trace=True) to see them",
            found,
        )
    if found.stop == "interrupted":
        raise KeyboardInterrupt
    if found.exit != "⋆":
        raise UncaughtExitError(
            f"the program ended with exit {found.exit!r}, which nothing catches; "
            f"write (...);{found.exit}→..., or use execute, whose report has the exit",
            found,
        )
    return found.memory
