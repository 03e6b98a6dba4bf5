"""Programs of the Functional Machine Calculus as terms: heads, constructors, composition and substitution.

A program is read from left to right.  In cons form (Heijltjes, "The Functional Machine Calculus", MFPS 2022, arXiv 2212.08177) it is
a list of instructions; with the constructors of control (Heijltjes, "The Functional Machine Calculus III: Control", MFPS 2025,
arXiv 2510.07851) sequence is a case on the exit ⋆:

====================  ===============================  ===============================================  ====
written               head                             meaning                                          tag
====================  ===============================  ===============================================  ====
``⋆``, ``!i``         ``fmc.exit`` (label)             stop, with ⋆ or with label i                     [C]
``x.M``               ``fmc.run`` (value, M)           run what x stands for, then M                    [C]
``[N]a.M``            ``fmc.push`` (N, location, M)    push N on location a, then M                     [C]
``a⟨x⟩.M``            ``fmc.pop`` (location, hint, M)  pop a and call it x in M                         [C]
``N;i→M``, ``N;M``    ``fmc.case`` (N, label, M)       run N; if it exits with i (⋆), go on with M      [C]
``M^i``               ``fmc.loop`` (M, label)          repeat M while it exits with i                   [C]
====================  ===============================  ===============================================  ====

[C] means that the rule comes from code or a secondary source, [M] that it is the published rule as generally known, [R] that it was
reconstructed.  None was compared letter by letter with the papers.

A free name is a symbol of symnum, and a number or a formula is a value: ``[n*x]`` pushes a product, worked out as soon as n and x are
known.  A value that stands as a program is ``run(value, skip)``.
"""

from __future__ import annotations

from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.machines.binding import instantiate, shift
from symnum.rewriting.machines.nodes import (
    Node,
    atom,
    call,
    declare,
    head_named,
    hint,
    is_head,
    make,
    node,
    spell,
)

EXIT = declare("fmc.exit", arity=1)
RUN = declare("fmc.run", arity=2)
PUSH = declare("fmc.push", arity=3)
POP = declare("fmc.pop", arity=3, binds=(0, 0, 1))
CASE = declare("fmc.case", arity=3)
LOOP = declare("fmc.loop", arity=2)


def _text(term: Any) -> str:
    from symnum.rewriting.machines.fmc.writing import to_text  # which needs this module

    return to_text(term)


spell("fmc", _text)

MAIN = atom("λ")
"""The main location, whose name is not written."""

DONE_NAME = "⋆"
DONE = atom(DONE_NAME)
"""The label of a program that ends as usual."""

SKIP: Any = call("fmc.exit", DONE)
"""The program that does nothing."""


def exit_with(label: Any) -> Any:
    """Return the program that exits with a label, SKIP for ⋆."""
    return call("fmc.exit", _atom(label))


def run(value: Any, then: Any = SKIP) -> Any:
    """Return ``value.then``: run what a variable stands for, or hold a value."""
    return call("fmc.run", value, then)


def push(term: Any, location: Any = MAIN, then: Any = SKIP) -> Any:
    """Return ``[term]location.then``; a value may be given as it is, in place of the program that holds it."""
    return call("fmc.push", program(term), _atom(location), then)


def pop(location: Any, name: str, then: Any) -> Any:
    """Return ``location⟨name⟩.then``, where index 0 of ``then`` is what was popped."""
    return call("fmc.pop", _atom(location), hint(name), then)


def case(term: Any, label: Any, then: Any) -> Any:
    """Return ``term;label→then`` as it stands, and ``term;then`` for the label ⋆."""
    return call("fmc.case", term, _atom(label), then)


def loop(term: Any, label: Any) -> Any:
    """Return ``term^label``: repeat a program while it exits with a label."""
    return call("fmc.loop", term, _atom(label))


def _atom(name: Any) -> Any:
    return atom(name) if isinstance(name, str) else name


def is_program(term: Any) -> bool:
    """Tell whether a term is a program, not a value, location, label or name."""
    return type(term) is Node and term.leaf is None and term.head.name.startswith("fmc.")


def program(term: Any) -> Any:
    """Return a term as a program: a value becomes the program that holds it."""
    return term if is_program(term) else run(term)


def value_of(term: Any) -> Any | None:
    """Return the value that a program holds, or None where it is another kind of program.

    >>> value_of(run(3)), value_of(SKIP)
    (3, None)
    """
    if is_head(term, "fmc.run") and term.args[1] is SKIP:
        return term.args[0]
    return None


def is_skip(term: Any) -> bool:
    """Tell whether a program is ⋆."""
    return term is SKIP


def compose(first: Any, second: Any) -> Any:
    """Return ``first`` followed by ``second``, in cons form as far as ``first`` is.

    [M] ``⋆;P = P``, ``(x.M);P = x.(M;P)``, ``([N]a.M);P = [N]a.(M;P)``, ``(a⟨x⟩.M);P = a⟨x⟩.(M;P)`` without capture.  Where ``first`` ends
    in another exit, a case or a loop, the rest follows it as a case on ⋆.  Takes time linear in the length of ``first``.

    >>> from symnum.rewriting.machines import fmc
    >>> compose(fmc.parse("⟨x⟩.[x].[x]"), fmc.parse("[y]a"))
    ⟨x⟩.[x].[x].[y]a
    """
    if is_skip(second):
        return first
    spine = []
    end, pops = first, 0
    while not is_skip(end) and end.head.name in ("fmc.run", "fmc.push", "fmc.pop"):
        pops += end.head.name == "fmc.pop"
        spine.append(end)
        end = end.args[-1]
    rest = shift(second, pops)
    made = rest if is_skip(end) else call("fmc.case", end, DONE, rest)
    for instruction in reversed(spine):
        made = make(instruction.head.name, (*instruction.args[:-1], made))
    return made


def build(head: str, args: tuple[Any, ...]) -> Any:
    """Build a call where programs stand in the place of variables: what is run is spliced in, and formulas get values.

    A formula of what is no value, such as ⟨y⟩.y + 1, or of values that it has no result for, stays as it is: see :func:`trouble`.
    """
    if head == "fmc.run":
        return compose(args[0], args[1]) if is_program(args[0]) else make(head, args)
    if head.startswith("fmc."):
        return make(head, args)
    values = tuple([arg if (value := value_of(arg)) is None else value for arg in args])
    try:
        return make(head, values)
    except (
        TypeError,
        ValueError,
        ArithmeticError,
    ):  # true + 1: nothing is lost, and the machine is stuck when it is needed
        return node(head_named(head), values)


def trouble(value: Any) -> str | None:
    """Return why a closed value cannot be pushed, or None where it can: a formula of programs, or one without a result.

    >>> trouble(build("+", (SKIP, run(1))))
    "'+' works on values, but got the program ⋆"
    """
    if not isinstance(value, Node):
        return None
    for part in interface.postorder(value, prune=is_program):
        if is_program(part):
            continue
        for arg in interface.args(part) if isinstance(part, Node) and part.leaf is None else ():
            if is_program(arg):
                return f"{part.head.name!r} works on values, but got the program {arg!s}"
        if isinstance(part, Node) and part.leaf is None and part.head.name in OPERATORS and part.free == 0:
            try:
                make(part.head.name, part.args)
            except (TypeError, ValueError, ArithmeticError) as error:
                return str(error)
    return None


def substitute(body: Any, term: Any) -> Any:
    """Return {N/x}M for the body M of a pop: the variable bound last becomes a program, without capture.

    [M] ``{N/x}(x.M) = N;{N/x}M``: an executed variable is replaced by running N; elsewhere as usual.

    >>> from symnum.rewriting.machines import fmc
    >>> substitute(fmc.parse("⟨x⟩.x.[x]").args[2], fmc.parse("⟨y⟩.[y].[y]"))
    ⟨y⟩.[y].[y].[⟨y⟩.[y].[y]]
    """
    return instantiate(body, [program(term)], build=build)


def in_cons_form(term: Any) -> bool:
    """Tell whether a program is a list of instructions that ends in ⋆, and so are all that it pushes.

    >>> from symnum.rewriting.machines import fmc
    >>> in_cons_form(fmc.parse("[2].⟨x⟩.x")), in_cons_form(fmc.parse("[2];⟨x⟩.x"))
    (True, False)
    """
    return all(
        not is_program(t) or is_skip(t) or t.head.name in ("fmc.run", "fmc.push", "fmc.pop")
        for t in interface.postorder(term)
    )


def in_sequence_form(term: Any) -> Any:
    """Return a program with each sequence written as a case on ⋆: ``x.M`` as ``x;M`` and composition by ``;``.

    What is pushed is changed too.  The machine gives the same results, with a continuation for each step of a sequence.

    >>> from symnum.rewriting.machines import fmc
    >>> in_sequence_form(fmc.parse("⟨x⟩.x.x"))
    ⟨x⟩.(x;x)
    """
    from symnum.rewriting.strategies import bottom_up

    def separate(part: Any) -> Any:
        if is_head(part, "fmc.run") and not is_skip(part.args[1]):
            return case(run(part.args[0]), DONE, part.args[1])
        return None

    found = bottom_up(separate)(term)
    return term if found is None else found


def symbols_of(term: Any) -> list[Any]:
    """Return the free symbols of a program, by name."""
    return [t for t in interface.free_symbols(term) if type(t) is not Node]


def names_in(term: Any, what: str) -> list[str]:
    """Return the names of the locations ("location") or of the labels ("label") of a program, in order.

    >>> from symnum.rewriting.machines import fmc
    >>> names_in(fmc.parse("c⟨x⟩.[x]c.[x]"), "location")
    ['c', 'λ']
    """
    place = _PLACES[what]
    found = {
        part.args[place[part.head.name]].leaf[1]
        for part in interface.postorder(term)
        if is_program(part) and part.head.name in place
    }
    return sorted(found)


_PLACES = {
    "location": {"fmc.push": 1, "fmc.pop": 0},
    "label": {"fmc.exit": 0, "fmc.case": 1, "fmc.loop": 1},
}
"""Head -> the argument that is a name of this kind."""
