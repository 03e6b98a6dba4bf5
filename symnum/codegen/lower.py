"""Lowering: terms become a straight program of single assignments, in which each distinct value is computed once.

Sums and products are folded to binary steps in the order in which they are printed, negative coefficients become subtractions,
negative powers divisions, and small whole powers multiplications.  Constants are floats, and what depends on constants only is
computed here.  All of this is exact in IEEE arithmetic up to the rounding of the steps themselves: nothing is reassociated.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symnum import term as interface
from symnum.algebra.evaluate import float_call, to_float
from symnum.operators import Operator, operator

MAX_CHAIN = 32
"""Largest whole exponent that becomes multiplications instead of a call of pow."""

Operand = int
"""Argument i is ``i``, the result of step k is ``len(arguments) + k``, and constant c is ``-1 - c``."""

Step = tuple[str, tuple[Operand, ...]]
Constant = float | bool


@dataclass(frozen=True, slots=True)
class Program:
    """A straight program: ``steps`` in order, each an operator and its operands; see :data:`Operand`."""

    arguments: tuple[str, ...]
    constants: tuple[Constant, ...]
    steps: tuple[Step, ...]
    boolean_steps: tuple[bool, ...]
    outputs: tuple[Operand, ...]

    def is_boolean(self, operand: Operand) -> bool:
        """Tell whether an operand holds a truth value; arguments are always numbers."""
        if operand < 0:
            return type(self.constants[-1 - operand]) is bool
        return operand >= len(self.arguments) and self.boolean_steps[operand - len(self.arguments)]

    @property
    def boolean(self) -> bool:
        """Tell whether all outputs are truth values, so that results are arrays of bool."""
        return bool(self.outputs) and all(map(self.is_boolean, self.outputs))

    def operators(self) -> list[Operator]:
        """Return the rows of the operators that occur, in the order of their first use."""
        return [operator(name) for name in dict.fromkeys(op for op, _ in self.steps)]


def lower(terms: Sequence[Any], arguments: Sequence[Any]) -> Program:
    """Return the straight program that computes ``terms`` from ``arguments``, which are distinct symbols.

    Raises ValueError when a term has a symbol that is not an argument.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> lower([x**2 - y], [x, y]).steps
    (('*', (0, 0)), ('-', (2, 1)))
    """
    in_bulk: Program | None = interface.in_bulk("lower", list(terms), list(arguments)) if arguments else None
    return _Lowering(arguments).run(terms) if in_bulk is None else in_bulk


_Task = Generator[Any, Operand, Operand]
"""The lowering of one node: it yields the sub-terms whose operands it needs, and returns its own operand."""


class _Lowering:
    def __init__(self, arguments: Sequence[Any]) -> None:
        self.arguments = arguments
        self.known: dict[Hashable, Operand] = {}
        self.steps: list[Step] = []
        self.boolean: list[bool] = []
        self.constants: list[Constant] = []
        self.constant_of: dict[tuple[type, str], Operand] = {}
        self.operand_of: dict[Step, Operand] = {}
        self.rows: dict[str, Operator] = {}
        for i, symbol in enumerate(arguments):
            truth = interface.sort_of(symbol) == "boolean"
            self.known[interface.key(symbol)] = self.emit("!=", i, self.constant(0.0)) if truth else i

    def run(self, terms: Sequence[Any]) -> Program:
        outputs = [self.operand(t) for t in terms]
        return self.scheduled(outputs)

    def operand(self, root: Any) -> Operand:
        """Lower one term with a stack of generators, so that depth costs memory and not recursion."""
        known = self.known
        key = interface.key(root)
        if key in known:
            return known[key]
        stack = [(key, self.node(root))]
        found: Any = None
        while stack:
            key, task = stack[-1]
            try:
                child = task.send(found)
            except StopIteration as done:
                found = known[key] = done.value
                stack.pop()
                continue
            key = interface.key(child)
            found = known.get(key)
            if found is None:
                stack.append((key, self.node(child)))
        return known[interface.key(root)]

    def node(self, term: Any) -> _Task:
        if interface.is_number(term):
            return self.constant(interface.value(term))
        if not interface.is_call(term):
            raise ValueError(_unknown_symbol(term, self.arguments))
        head = interface.head(term)
        special = _SPECIAL.get(head)
        if special is not None:
            return (yield from special(self, term))
        operands = []
        if not self.row(head).associative:
            for arg in interface.sorted_args(term):
                operands.append((yield arg))
            return self.emit(head, *operands)
        folded: Operand | None = None
        for arg in interface.sorted_args(term):
            operand = yield arg
            folded = operand if folded is None else self.emit(head, folded, operand)
        return self.constant(self.row(head).unit) if folded is None else folded

    # --- sums, products and powers ---

    def sum(self, term: Any) -> _Task:
        """Fold a sum from the left; while only negative addends were met, the total is kept negated.

        Where all are negative, a number takes the sign and comes first: -x - 2*y is -2*y - x.
        """
        total: Operand | None = None
        negated = False
        addends = [_coefficient(arg) for arg in interface.sorted_args(term)]
        if all(c < 0 for c, _ in addends):
            for i, (coefficient, addend) in enumerate(addends):
                if addend is None or coefficient != -1:
                    total = (
                        self.constant(coefficient)
                        if addend is None
                        else (yield from self.scaled(coefficient, addend))
                    )
                    del addends[i]
                    break
        for coefficient, addend in addends:
            negative = coefficient < 0
            if addend is None:
                operand = self.constant(abs(coefficient) if negative else coefficient)
            else:
                operand = yield from self.scaled(abs(coefficient) if negative else coefficient, addend)
            if total is None:
                total, negated = operand, negative
            elif negated == negative:
                total = self.emit("+", total, operand)
            else:
                total = self.emit("-", operand, total) if negated else self.emit("-", total, operand)
                negated = False
        if total is None:
            return self.constant(0.0)
        return self.emit("neg", total) if negated else total

    def scaled(self, coefficient: Any, term: Any) -> _Task:
        """Lower coefficient * term, where a lone reciprocal takes the coefficient as its numerator."""
        if coefficient == 1:
            return (yield term)
        if interface.is_call(term) and interface.head(term) in ("^", "*"):
            factors = (term,) if interface.head(term) == "^" else interface.sorted_args(term)
            if all(_reciprocal(factor) is not None for factor in factors):
                return (yield from self.quotient(coefficient, factors))
        return self.emit("*", (yield term), self.constant(coefficient))

    def product(self, term: Any) -> _Task:
        coefficient: Any = 1
        factors = []
        for arg in interface.sorted_args(term):
            if interface.is_number(arg):
                coefficient = coefficient * interface.value(arg)
            else:
                factors.append(arg)
        return (yield from self.quotient(coefficient, factors))

    def quotient(self, coefficient: Any, factors: Sequence[Any]) -> _Task:
        """Lower the product of factors with the negative powers collected under one division."""
        above: Operand | None = None
        below: Operand | None = None
        for factor in factors:
            reciprocal = _reciprocal(factor)
            if reciprocal is None:
                operand = yield factor
                above = operand if above is None else self.emit("*", above, operand)
            else:
                base, exponent = reciprocal
                operand = self.power((yield base), exponent)
                below = operand if below is None else self.emit("*", below, operand)
        if above is None:
            numerator = self.constant(coefficient)
            return numerator if below is None else self.emit("/", numerator, below)
        quotient = above if below is None else self.emit("/", above, below)
        return self.emit("*", quotient, self.constant(coefficient))

    def call_of_power(self, term: Any) -> _Task:
        base, exponent = interface.sorted_args(term)
        operand = yield base
        if interface.is_number(exponent):
            return self.power(operand, interface.value(exponent))
        return self.emit("^", operand, (yield exponent))

    def power(self, base: Operand, exponent: Any) -> Operand:
        """Return base ^ exponent for a number: multiplications for small whole exponents, a root for halves."""
        if exponent == 0:
            return self.constant(1.0)
        if not _is_cheap(exponent):
            return self.emit("^", base, self.constant(exponent))
        if exponent < 0:
            return self.emit("/", self.constant(1.0), self.power(base, -exponent))
        whole, rest = divmod(exponent, 1)
        root = self.emit("sqrt", base) if rest else None
        if whole == 0:
            assert root is not None
            return root
        chain = self.chain(base, int(whole))
        return chain if root is None else self.emit("*", chain, root)

    def chain(self, base: Operand, exponent: int) -> Operand:
        if exponent == 1:
            return base
        half = self.chain(base, exponent // 2)
        square = self.emit("*", half, half)
        return self.emit("*", square, base) if exponent % 2 else square

    def held(self, term: Any) -> _Task:
        return (yield interface.args(term)[0])

    # --- steps ---

    def row(self, head: str) -> Operator:
        row = self.rows.get(head)
        if row is None:
            row = self.rows[head] = operator(head)
        return row

    def constant(self, value: Any) -> Operand:
        if type(value) is not bool:
            value = to_float(value)
        key = (type(value), repr(value))
        operand = self.constant_of.get(key)
        if operand is None:
            self.constants.append(value)
            operand = self.constant_of[key] = -len(self.constants)
        return operand

    def is_boolean(self, operand: Operand) -> bool:
        if operand < 0:
            return type(self.constants[-1 - operand]) is bool
        return operand >= len(self.arguments) and self.boolean[operand - len(self.arguments)]

    def emit(self, op: str, *operands: Operand) -> Operand:
        """Return the operand that holds ``op`` of ``operands``, appending a step when there is none yet."""
        if all(o < 0 for o in operands):
            return self.constant(_fold(self.row(op), [self.constants[-1 - o] for o in operands]))
        shorter = self.peephole(op, operands)
        if shorter is not None:
            return shorter
        key = (op, operands if op not in ("+", "*") or operands[0] <= operands[1] else operands[::-1])
        found = self.operand_of.get(key)
        if found is None:
            sort = self.row(op).result_sort
            self.boolean.append(sort == "boolean" or (sort == "branch" and self.is_boolean(operands[1])))
            self.steps.append((op, operands))
            found = self.operand_of[key] = len(self.arguments) + len(self.steps) - 1
        return found

    def peephole(self, op: str, operands: tuple[Operand, ...]) -> Operand | None:
        """Return the operand of an equal but shorter step; only laws that hold for every float are used."""
        if op == "neg":
            return self.negated(operands[0])
        if op == "ifelse":
            condition, yes, no = operands
            if condition < 0:
                return yes if self.constants[-1 - condition] else no
            return yes if yes == no else None
        if op not in ("+", "-", "*", "/"):
            return None
        a, b = operands
        if op == "+" or op == "-":
            inner = self.negated(b)
            if inner is not None:
                return self.emit("-" if op == "+" else "+", a, inner)
            inner = self.negated(a) if op == "+" else None
            return None if inner is None else self.emit("-", b, inner)
        if op == "*" and a < 0:
            a, b = b, a
        factor = self.constants[-1 - b] if b < 0 else None
        return a if factor == 1.0 else self.emit("neg", a) if factor == -1.0 else None

    def negated(self, operand: Operand) -> Operand | None:
        """Return what ``operand`` is the negation of, or None."""
        index = operand - len(self.arguments)
        if index < 0:
            return None
        op, operands = self.steps[index]
        return operands[0] if op == "neg" else None

    def scheduled(self, outputs: Sequence[Operand]) -> Program:
        """Return the steps that the outputs need, ordered so that few values are alive at a time.

        This is Sethi and Ullman's order: of two operands, the one that needs more registers is computed first.
        """
        count = len(self.arguments)
        need = self.register_needs()
        new: dict[Operand, Operand] = {i: i for i in range(count)}
        constants: list[Constant] = []
        steps: list[Step] = []
        boolean: list[bool] = []

        def renumber(operand: Operand) -> Operand:
            found = new.get(operand)
            if found is None:
                constants.append(self.constants[-1 - operand])
                found = new[operand] = -len(constants)
            return found

        for output in outputs:
            stack = [output] if output >= 0 else []
            while stack:
                value = stack[-1]
                if value in new:
                    stack.pop()
                    continue
                op, operands = self.steps[value - count]
                missing = [o for o in operands if o >= 0 and o not in new]
                if missing:
                    missing.sort(key=need.__getitem__)
                    stack += missing
                    continue
                stack.pop()
                new[value] = count + len(steps)
                steps.append((op, tuple([renumber(o) for o in operands])))
                boolean.append(self.boolean[value - count])
        names = tuple(interface.name(symbol) for symbol in self.arguments)
        results = tuple([renumber(o) for o in outputs])
        return Program(names, tuple(constants), tuple(steps), tuple(boolean), results)

    def register_needs(self) -> list[int]:
        """Return for each value how many registers computing it takes, as if nothing were shared."""
        need = [0] * len(self.arguments)
        for _, operands in self.steps:
            inner = [need[o] for o in operands if o >= 0]
            if len(inner) == 2:
                a, b = inner
                need.append(max(a, b, 1) if a != b else a + 1)
            else:
                inner.sort(reverse=True)
                need.append(max([1, *(n + i for i, n in enumerate(inner))]))
        return need


_SPECIAL: dict[str, Callable[[_Lowering, Any], _Task]] = {
    "+": _Lowering.sum,
    "*": _Lowering.product,
    "^": _Lowering.call_of_power,
    "hold": _Lowering.held,
}


def _coefficient(term: Any) -> tuple[Any, Any]:
    """Return an argument of a sum as (coefficient, term), or (value, None) for a number."""
    if interface.is_number(term):
        return interface.value(term), None
    if interface.is_call(term) and interface.head(term) == "+":
        return 1, term
    _, pairs = interface.addends(term)
    ((addend, coefficient),) = pairs
    return coefficient, addend


def _is_cheap(exponent: Any) -> bool:
    """Tell whether a power with this number as exponent is made of multiplications, at most one root and one division.

    A float exponent that is not whole stays a call of pow, whose value at -inf and -0.0 is not that of a root.
    """
    if abs(exponent) > MAX_CHAIN or exponent != exponent:
        return False
    return exponent == int(exponent) or (type(exponent) is Fraction and exponent.denominator == 2)


def _reciprocal(factor: Any) -> tuple[Any, Any] | None:
    """Return (base, exponent) with factor = 1/base^exponent when that is how a factor is best computed."""
    if not interface.is_call(factor) or interface.head(factor) != "^":
        return None
    base, exponent = interface.sorted_args(factor)
    if not interface.is_number(exponent):
        return None
    value = interface.value(exponent)
    return (base, -value) if value < 0 and _is_cheap(value) else None


def _fold(row: Operator, values: Sequence[Constant]) -> Constant:
    """Return the value of a call on constants, found with the same NumPy functions as at run time."""
    if row.name == "ifelse":
        return values[1] if values[0] else values[2]
    return float_call(row, values)


def _unknown_symbol(symbol: Any, arguments: Sequence[Any]) -> str:
    name = interface.name(symbol)
    listed = ", ".join(interface.name(a) for a in arguments) or "none"
    if any(interface.name(a) == name for a in arguments):
        return (
            f"the symbol {name!r} of the expression is not the argument {name!r}: they differ in assumptions, sort or backend; "
            f"pass the very symbol that the expression was built with"
        )
    return (
        f"the expression has the symbol {name!r}, which is not among the arguments ({listed}); "
        f"add it to the list of arguments, or replace it by a value with symnum.substitute"
    )
