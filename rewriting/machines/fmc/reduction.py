"""Reduction of programs: the rules, run by the strategies that all of symnum shares.

Each rule is a rewriter, a function from a program to a program or None, for the top of a term:

=========  ==============================================================  ====  =====================
rule       statement                                                       tag   used by default
=========  ==============================================================  ====  =====================
beta       [N]a.a⟨x⟩.M → {N/x}M                                            [C]   yes
passage    [N]b.a⟨x⟩.M → a⟨x⟩.[N]b.M, a other than b                       [C]   yes
select     i;i→M → M                                                       [C]   yes
reject     j;i→M → j, j other than i                                       [R]   yes
prefix     ([N]a.P);i→M → [N]a.(P;i→M), and for a⟨x⟩, without capture;     [M]   yes
           (x.P);M → x.(P;M)
associate  (P;i→N);i→M → P;i→(N;i→M), the same label                       [R]   yes
truth      true.M → t, false.M → f                                         [R]   yes
eta        a⟨x⟩.[x]a.M → M, x not in M                                     [C]   with ``eta=True``
end        M;i→i → M                                                       [R]   with ``eta=True``
=========  ==============================================================  ====  =====================

[C] of beta, passage and eta: an implemented extension of these rules to location values has this shape and these side conditions.
Beta, passage and the rules of control are confluent, which tests measure on random programs.  Eta holds for typed programs only:
``⟨x⟩.[x]`` is stuck on an empty stack where ⋆ is not.  ``M^i = M;i→M^i`` (unroll) is an equation and never used to normalise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symnum.rewriting.limits import check_limits, refuse_other_limits
from symnum.rewriting.machines.binding import instantiate, shift, uses
from symnum.rewriting.machines.fmc.machine import read_program
from symnum.rewriting.machines.fmc.substitution import TRUTH
from symnum.rewriting.machines.fmc.syntax import (
    DONE,
    POP,
    PUSH,
    build,
    case,
    is_program,
    substitute,
    value_of,
)
from symnum.rewriting.machines.fmc.writing import to_text
from symnum.rewriting.machines.nodes import Node, index, is_head, make
from symnum.rewriting.strategies import RewriteLoopError, Rewriter, bottom_up, first, fixpoint


def beta(term: Any) -> Any | None:
    """[C] ``[N]a.a⟨x⟩.M → {N/x}M``.

    >>> from symnum.rewriting.machines import fmc
    >>> beta(fmc.parse("[2]a.a<x>.[x + 1]"))
    [3]
    """
    if not is_head(term, "fmc.push") or not is_head(term.args[2], "fmc.pop"):
        return None
    pushed, location, then = term.args
    if then.args[0] is not location:
        return None
    return substitute(then.args[2], pushed)


def passage(term: Any) -> Any | None:
    """[C] ``[N]b.a⟨x⟩.M → a⟨x⟩.[N]b.M`` for different locations, x not in N, which de Bruijn indices see to.

    >>> from symnum.rewriting.machines import fmc
    >>> passage(fmc.parse("[y]b.a<x>.[x]"))
    a⟨x⟩.[y]b.[x]
    """
    if not is_head(term, "fmc.push") or not is_head(term.args[2], "fmc.pop"):
        return None
    pushed, location, then = term.args
    if then.args[0] is location:
        return None
    moved = make("fmc.push", (shift(pushed, 1), location, then.args[2]))
    return make("fmc.pop", (*then.args[:2], moved))


def select(term: Any) -> Any | None:
    """[C] ``i;i→M → M``."""
    if (
        is_head(term, "fmc.case")
        and is_head(term.args[0], "fmc.exit")
        and term.args[0].args[0] is term.args[1]
    ):
        return term.args[2]
    return None


def reject(term: Any) -> Any | None:
    """[R] ``j;i→M → j`` for another label."""
    if (
        is_head(term, "fmc.case")
        and is_head(term.args[0], "fmc.exit")
        and term.args[0].args[0] is not term.args[1]
    ):
        return term.args[0]
    return None


def prefix(term: Any) -> Any | None:
    """[M] ``([N]a.P);i→M → [N]a.(P;i→M)`` and ``(a⟨x⟩.P);i→M → a⟨x⟩.(P;i→M)``; for ⋆ also ``(x.P);M → x.(P;M)``.

    What an executed variable exits with is not known, so that it passes into a case on ⋆ only.
    """
    if not is_head(term, "fmc.case"):
        return None
    inner, label, then = term.args
    if is_head(inner, "fmc.pop"):
        then = shift(then, 1)
    elif not is_head(inner, "fmc.push") and not (is_head(inner, "fmc.run") and label is DONE):
        return None
    return make(inner.head.name, (*inner.args[:-1], case(inner.args[-1], label, then)))


def associate(term: Any) -> Any | None:
    """[R] ``(P;i→N);i→M → P;i→(N;i→M)``; with different labels the right side would lose exits of P."""
    if (
        is_head(term, "fmc.case")
        and is_head(term.args[0], "fmc.case")
        and term.args[0].args[1] is term.args[1]
    ):
        inner, label, then = term.args
        return case(inner.args[0], label, case(inner.args[2], label, then))
    return None


def truth(term: Any) -> Any | None:
    """[R] ``true.M → t``, ``false.M → f``: a truth value that is run is an exit."""
    if is_head(term, "fmc.run"):
        return TRUTH.get(known) if isinstance(known := getattr(term.args[0], "value", None), bool) else None
    return None


def eta(term: Any) -> Any | None:
    """[C] ``a⟨x⟩.[x]a.M → M`` for x not in M; an equation of typed programs."""
    if not is_head(term, "fmc.pop") or not is_head(term.args[2], "fmc.push"):
        return None
    pushed, location, then = term.args[2].args
    value = value_of(pushed)
    if location is not term.args[0] or value is not index(0) or uses(then, 0):
        return None
    return shift(then, -1)


def end(term: Any) -> Any | None:
    """[R] ``M;i→i → M``."""
    if (
        is_head(term, "fmc.case")
        and is_head(term.args[2], "fmc.exit")
        and term.args[2].args[0] is term.args[1]
    ):
        return term.args[0]
    return None


def unroll(term: Any) -> Any | None:
    """[R] ``M^i = M;i→M^i``, to be asked for: it never ends by itself."""
    return case(term.args[0], term.args[1], term) if is_head(term, "fmc.loop") else None


RULES: Mapping[str, Callable[[Any], Any | None]] = {
    "beta": beta,
    "passage": passage,
    "select": select,
    "reject": reject,
    "prefix": prefix,
    "associate": associate,
    "truth": truth,
}
"""Name -> rule, of those that normalise every program that has a normal form."""

TYPED_RULES: Mapping[str, Callable[[Any], Any | None]] = {**RULES, "eta": eta, "end": end}
"""The rules and the two equations that typed programs also have."""


def rewriter(*, eta: bool = False) -> Rewriter:
    """Return the rules as one rewriter, to be used with symnum's strategies.

    >>> from symnum.rewriting import bottom_up, fixpoint
    >>> from symnum.rewriting.machines import fmc
    >>> fixpoint(bottom_up(rewriter()))(fmc.parse("[2].[3].<x>.<y>.[x + y]"))
    [5]
    """
    return first(*(TYPED_RULES if eta else RULES).values())


@dataclass(frozen=True, slots=True)
class ReductionLimits:
    """Bound a reduction: ``passes`` over the whole term, each of which rewrites every part once."""

    passes: int = 1000

    def __post_init__(self) -> None:
        check_limits(self)


def normalize(term: Any, *, eta: bool = False, limits: ReductionLimits | None = None) -> Any:
    """Return the normal form of a program (text or term) under beta, passage and the rules of control.

    ``eta`` adds the equations of typed programs.  Raises RewriteLoopError for a program that has none, or whose normal form is not
    reached within the limits.

    >>> from symnum.rewriting.machines import fmc
    >>> normalize("c<_>.[2]c.c<x>.[x]c.[x]")
    c⟨_⟩.[2]c.[2]
    >>> normalize("c<x>.[x]c.c<_>.[x]c", eta=True)
    ⋆
    """
    given = term if is_program(term) else read_program(term)
    limits = ReductionLimits() if limits is None else limits
    refuse_other_limits(limits, ReductionLimits, "fmc.normalize")
    # one step at each place and pass, inside and outside alike: a part that never ends does not keep what drops it from acting
    try:
        found = fixpoint(bottom_up(rewriter(eta=eta), make=_make, prune=_is_foreign), limit=limits.passes)(
            given
        )
    except RewriteLoopError as error:
        raise RewriteLoopError(
            f"{to_text(given, limit=60)} has no normal form that {limits.passes:,} passes reach; run it for a number of steps, "
            f"look at islice(fmc.reduce(...), 10), or pass ReductionLimits(passes=...)"
        ) from error
    found = given if found is None else found
    redex = next(redexes(found, eta=eta), None)
    if redex is not None:  # the rule makes the same program again
        raise RewriteLoopError(
            f"{to_text(given, limit=60)} has no normal form: rule {redex.rule!r} makes {to_text(found, limit=60)} of itself"
        )
    return found


def _make(like: Any, head: str, args: Iterable[Any]) -> Any:
    return build(head, tuple(args))


def _is_foreign(part: Any) -> bool:
    return not isinstance(part, Node)


@dataclass(frozen=True, slots=True)
class Redex:
    """Say where a rule applies: ``path`` has the argument places from the root, ``contractum`` is what the rule makes there."""

    rule: str
    path: tuple[int, ...]
    contractum: Any


def redexes(term: Any, *, eta: bool = False, spine: bool = False) -> Iterator[Redex]:
    """Yield every place where a rule applies, outermost first and from left to right; on the ``spine`` nothing within pushed terms.

    >>> from symnum.rewriting.machines import fmc
    >>> [(r.rule, r.path) for r in redexes(fmc.parse("[2].<x>.[3]a.b<y>.[x]"))]
    [('beta', ()), ('passage', (2, 2))]
    """
    table = TYPED_RULES if eta else RULES
    # a path is a chain (path of the part around, place), so that deep programs take no more than linear time
    stack: list[tuple[Any, Any]] = [(term, None)]
    while stack:
        part, path = stack.pop()
        for name, rule in table.items():
            new = rule(part)
            if new is not None:
                yield Redex(name, _places(path), new)
        inner = [(a, (path, i)) for i, a in enumerate(part.args) if isinstance(a, Node) and a.args]
        if spine and part.head is PUSH:
            inner = inner[-1:]
        stack.extend(reversed(inner))


def _places(path: Any) -> tuple[int, ...]:
    places = []
    while path is not None:
        path, place = path
        places.append(place)
    return tuple(reversed(places))


def contract(term: Any, redex: Redex) -> Any:
    """Return the program with one redex replaced by what the rule makes of it."""
    above = []
    for place in redex.path:
        above.append(term)
        term = term.args[place]
    made = redex.contractum
    for part, place in zip(reversed(above), reversed(redex.path)):
        made = build(part.head.name, (*part.args[:place], made, *part.args[place + 1 :]))
    return made


def reduce(term: Any, *, eta: bool = False, spine: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield (rule, program) for each step of the reduction that takes the outermost redex, the leftmost first.

    This finds the normal form where there is one; it goes on for ever where there is none, so take as many steps as are wanted.
    On the ``spine`` pushed terms stay as they are: this is what the machine does, and each beta step is one of its pops.

    >>> from symnum.rewriting.machines import fmc
    >>> for rule, program in fmc.reduce("[1]a.[2]b.a<x>.b<y>.[x + y]"):
    ...     print(rule, program, sep=": ")
    passage: [1]a.a⟨x⟩.[2]b.b⟨y⟩.[x + y]
    beta: [2]b.b⟨y⟩.[1 + y]
    beta: [3]
    """
    current = term if is_program(term) else read_program(term)
    while True:
        redex = next(redexes(current, eta=eta, spine=spine), None)
        if redex is None:
            return
        current = contract(current, redex)
        yield redex.rule, current


def permuted(term: Any) -> Any:
    """Return a program with neighbouring pushes, and neighbouring pops, in the order of their locations.

    [M] ``[N]a.[P]b.M = [P]b.[N]a.M`` and ``a⟨x⟩.b⟨y⟩.M = b⟨y⟩.a⟨x⟩.M`` for different locations follow from eta and passage.

    >>> from symnum.rewriting.machines import fmc
    >>> permuted(fmc.parse("b<y>.a<x>.[y]b.[x]a"))
    a⟨x⟩.b⟨y⟩.[x]a.[y]b
    """

    found = bottom_up(_in_order, prune=_is_foreign)(term)
    return term if found is None else found


def _in_order(part: Any) -> Any | None:
    """Sort the pushes, or the pops, that a program begins with by location; those on one location keep their order."""
    head = part.head
    if head is not PUSH and head is not POP:
        return None
    run = []
    while part.leaf is None and part.head is head:
        run.append(part)
        part = part.args[2]
    place = 1 if head is PUSH else 0
    order = sorted(range(len(run)), key=lambda i: run[i].args[place].leaf[1])
    if order == list(range(len(run))):
        return None
    if head is POP:  # index k counts from the last pop
        count = len(run)
        moved = {old: new for new, old in enumerate(order)}
        places = [index(count - 1 - moved[count - 1 - k]) for k in range(count)]
        part = instantiate(shift(part, count, count), places)
    for i in reversed(order):
        part = make(head.name, (*run[i].args[:2], part))
    return part


def equal(left: Any, right: Any, *, limits: ReductionLimits | None = None) -> bool:
    """Tell whether two programs have one normal form under beta, eta, passage and the permutations: the equations of typed programs.

    Raises RewriteLoopError where a normal form is not reached.

    >>> equal("c<_>.[2]c.d<_>.[3]d", "d<_>.[3]d.c<_>.[2]c")
    True
    """
    forms = [permuted(normalize(side, eta=True, limits=limits)) for side in (left, right)]
    again = [permuted(normalize(form, eta=True, limits=limits)) for form in forms]
    return again[0] == again[1]
