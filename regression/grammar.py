"""The language of a search: which tokens there are, which expressions are allowed, and what a token array means as a term.

An expression is an array of tokens in prefix order: ``+ x sin y`` is x + sin(y).  Tokens are the variables, a few whole numbers and
declared constants, one constant slot (its value lies beside the array) and the operations, in this order.  Constraints and units
say which expressions are allowed, apart from rules that hold for all.

>>> import numpy as np
>>> grammar = Grammar(("x", "y"), operators=("+", "sin"))
>>> str(grammar.term(grammar.parse("+ x sin y")))
'x + sin(y)'
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum import term as interface
from symnum.backends import interned
from symnum.operators import OPERATORS
from symnum.regression import constraint_kernels, kernels, operations, unit_rules
from symnum.regression.constraints import ConstraintRules, Constraints
from symnum.regression.declared import Declared, check_names, multiples
from symnum.regression.kernels import CONSTANT, NUMBER, OPERATION, VARIABLE
from symnum.regression.unit_rules import UnitRules
from symnum.regression.units import PURE, Units
from symnum.symbols import symbol

Tokens = NDArray[np.int16]
"""A token array in prefix order."""

DEFAULT_OPERATORS = ("+", "-", "*", "/", "^", "^2", "sqrt", "exp", "log", "sin", "cos")
"""The operations of a search that is told nothing."""

FAMILIES = (
    ("sin", "cos", "tan", "cot", "sec", "csc"),
    ("exp", "expm1", "sinh", "cosh", "gamma"),
    ("log", "log1p", "log2", "log10", "lgamma"),
    ("asin", "acos", "atan", "acot", "asec", "acsc", "asinh", "acosh", "atanh"),
    ("tanh", "coth", "sech", "csch", "erf"),
)
"""Operations that are not nested in one another: sin(cos(x)), exp(sinh(x)) and the like fit anything and mean nothing."""

INVERSE = {
    "exp": "log", "log": "exp", "sqrt": "^2", "^2": "sqrt", "neg": "neg", "^-1": "^-1", "sin": "asin", "cos": "acos", "tan": "atan",
    "sinh": "asinh", "cosh": "acosh", "tanh": "atanh", "asin": "sin", "acos": "cos", "atan": "tan", "asinh": "sinh", "acosh": "cosh",
    "atanh": "tanh", "expm1": "log1p", "log1p": "expm1", "abs": "abs",
}  # fmt: skip
"""Operation -> the one it undoes, which is therefore never its direct argument."""

FORMS = ("+", "*", "^", "^-1", "^2", "sqrt", "exp")
"""Operations that write down a fit, such as a*f + b or c*g^a; they have tokens even where the search itself may not use them."""

_POWER_FAMILY = 1 << len(FAMILIES)


@dataclass(frozen=True)
class Grammar:
    """Hold the tokens over ``variables`` with the given ``operators``.

    ``operators`` are names of the operator table, and ``"^-1"``, ``"^2"``, ``"^3"``, ``"^4"`` for powers with that exponent;
    ``numbers`` are the whole numbers and declared constants that may stand as leaves; ``constraints`` and ``units`` narrow down what
    is allowed; ``spare`` operators have tokens but are not searched.  Raises LookupError for an unknown operator, ValueError for one
    that a search cannot use, or for none, and for constraints and units that allow no expression.
    """

    variables: tuple[str, ...]
    operators: tuple[str, ...] = DEFAULT_OPERATORS
    numbers: tuple[int | Declared, ...] = (1, 2)
    constraints: Constraints | None = None
    units: Units | None = None
    spare: tuple[str, ...] = ()
    symbols: tuple[Any, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.operators:
            raise ValueError(
                "a search needs at least one operator, but operators is empty; write operators=('+', '*')"
            )
        for name in (*self.operators, *self.spare):
            reason = operations.refusal(name)
            if reason is not None:
                raise ValueError(f"operator {name!r} cannot be used in a search: {reason}")
        repeated = [name for i, name in enumerate(self.operators) if name in self.operators[:i]]
        if repeated:
            raise ValueError(f"operator {repeated[0]!r} is given twice; name each operator once")
        check_names(self.variables, self.declared)
        object.__setattr__(self, "symbols", tuple(symbol(name) for name in self.variables))
        # built now, so that what allows no expression is told before a search
        _ = self.constraint_rules, self.unit_rules

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the spelling of each token."""
        return (*self.variables, *map(str, self.numbers), "C", *self.all_operators)

    @cached_property
    def all_operators(self) -> tuple[str, ...]:
        """Return the operations that have a token: those of the search, then the others that forms of a fit need."""
        return tuple(dict.fromkeys((*self.operators, *FORMS, *self.spare)))

    @property
    def declared(self) -> tuple[Declared, ...]:
        """Return the declared constants among the numbers."""
        return tuple(number for number in self.numbers if isinstance(number, Declared))

    @cached_property
    def searched(self) -> NDArray[np.int64]:
        """Return the tokens of the operations that the search may use."""
        return self.first_operator + np.arange(len(self.operators))

    @property
    def constant(self) -> int:
        """Return the token of a constant slot."""
        return len(self.variables) + len(self.numbers)

    @property
    def first_operator(self) -> int:
        """Return the token of the first operation."""
        return self.constant + 1

    @cached_property
    def leaves(self) -> NDArray[np.int16]:
        """Return the variables and numbers."""
        usable = self.constraint_rules.usable[: self.constant]
        return np.flatnonzero(usable).astype(np.int16)

    @cached_property
    def droppable(self) -> NDArray[np.bool_]:
        """Tell which tokens make a constant that the linear constants of a fit can take over: all but variables.

        Where fitted constants are pure numbers, that is not so for declared ones with a unit.
        """
        flags = np.arange(len(self.names)) >= len(self.variables)
        if self.unit_rules is not None and self.unit_rules.strict:
            leaves = self.unit_rules.leaves[: self.constant]
            flags[: self.constant] &= ~leaves[:, : unit_rules.ANY + 1].any(axis=1)
        return flags

    @cached_property
    def machine(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], int]:
        """Return the operations as the kernels take them: steps, first steps, literals and number of temporaries."""
        table = operations.table(self.all_operators)
        return table.steps, table.first, table.literals, table.temporaries

    @cached_property
    def arity(self) -> NDArray[np.int64]:
        """Return the number of arguments of each token."""
        return np.array(
            [0] * self.first_operator + [operations.arity(name) for name in self.all_operators], np.int64
        )

    @cached_property
    def kind(self) -> NDArray[np.int64]:
        """Return the kind of each token, as the kernels name it."""
        counts = (len(self.variables), len(self.numbers), 1, len(self.all_operators))
        return np.repeat(np.array([VARIABLE, NUMBER, CONSTANT, OPERATION], np.int64), counts)

    @cached_property
    def code(self) -> NDArray[np.int64]:
        """Return the place of each token among the variables, the numbers or the operations."""
        counts = (len(self.variables), len(self.numbers), 1, len(self.all_operators))
        return np.concatenate([np.arange(count) for count in counts]).astype(np.int64)

    @cached_property
    def family(self) -> NDArray[np.int64]:
        """Return, as one bit, the family of each token; 0 for none."""
        bits = {name: 1 << i for i, names in enumerate(FAMILIES) for name in names} | {"^": _POWER_FAMILY}
        return np.array(
            [0] * self.first_operator + [bits.get(name, 0) for name in self.all_operators], np.int64
        )

    @cached_property
    def banned(self) -> NDArray[np.int64]:
        """Return (tokens, 2): the families that may not occur in the first and in the second argument."""
        both = np.stack([self.family, self.family], axis=1)
        both[self.family == _POWER_FAMILY, 0] = (
            0  # x^y^z: a power may be the base of a power, not its exponent
        )
        return both

    @cached_property
    def inverse(self) -> NDArray[np.int64]:
        """Return the token that may not be the direct argument of each token; -1 for none."""
        token = {name: self.first_operator + i for i, name in enumerate(self.all_operators)}
        return np.array(
            [-1] * self.first_operator
            + [token.get(INVERSE.get(name, ""), -1) for name in self.all_operators],
            np.int64,
        )

    @cached_property
    def commutative(self) -> NDArray[np.bool_]:
        """Tell for each token whether its arguments may be exchanged."""
        flags = [name in OPERATORS and OPERATORS[name].commutative for name in self.all_operators]
        return np.array([False] * self.first_operator + flags)

    @property
    def vocabulary(self) -> int:
        """Return how many operations, variables and numbers an expression is written with."""
        return len(self.operators) + self.constant

    @property
    def token_bits(self) -> float:
        """Return the bits of one token."""
        return math.log2(self.vocabulary)

    def has(self, *names: str) -> bool:
        """Tell whether the search may use all these operations."""
        most = self.constraints.max_count if self.constraints is not None else {}
        return all(name in self.operators and most.get(name, 1) > 0 for name in names)

    def token(self, name: str) -> int:
        """Return the token of this spelling; raises LookupError when there is none."""
        if name not in self.names:
            raise LookupError(f"there is no token {name!r}; the tokens are {' '.join(self.names)}")
        return self.names.index(name)

    def parse(self, text: str) -> Tokens:
        """Return the token array that a text of spellings in prefix order means; raises ValueError unless it is one expression."""
        tokens = np.array([self.token(word) for word in text.split()], np.int16)
        if len(tokens) == 0 or self.end(tokens, 0) != len(tokens):
            raise ValueError(
                f"{text!r} is not one expression in prefix order; "
                "write every operation before its arguments, as in '+ x sin y'"
            )
        return tokens

    def end(self, tokens: Tokens, start: int) -> int:
        """Return where the sub-expression that begins at ``start`` ends; -1 when the array stops before it does."""
        return int(kernels.end(tokens, start, self.arity))

    @cached_property
    def constraint_rules(self) -> ConstraintRules:
        """Return the constraints as tables over the tokens; without constraints they limit nothing."""
        return (self.constraints or Constraints()).rules(self)

    @cached_property
    def unit_rules(self) -> UnitRules | None:
        """Return the units as tables over the tokens, None where no units are given."""
        return None if self.units is None else UnitRules.of(self.units, self)

    @property
    def restricted(self) -> bool:
        """Tell whether there are constraints or units, which stored parts must then be held to, see :meth:`joined`."""
        return self.constraints is not None or self.units is not None

    def allowed(self, tokens: Tokens) -> bool:
        """Tell whether a whole expression keeps the rules of nesting and the constraints, and has a unit."""
        return (
            bool(kernels.allowed(tokens, self.arity, self.family, self.banned, self.inverse))
            and (self.constraints is None or self.constraint_rules.keeps(tokens, self.arity, self.constant))
            and (self.unit_rules is None or self.unit_rules.consistent(tokens, self.arity))
        )

    def suits(self, tokens: Tokens) -> bool:
        """Tell whether an expression may be a part of another one, as far as constraints and units go."""
        state = np.zeros(self.constraint_rules.width, np.int64)
        return bool(
            constraint_kernels.describe(
                tokens, self.arity, self.constant, False, *self.constraint_rules.arrays, state
            )
        ) and (self.unit_rules is None or self.unit_rules.consistent(tokens, self.arity))

    def legal(self, prefix: Sequence[int], longest: int) -> NDArray[np.bool_]:
        """Return which tokens may follow an unfinished prefix so that an allowed expression of ``longest`` tokens can still end.

        No token is legal when the prefix is already a whole expression.  With units a prefix may also turn out to have no ending
        (the second factor of a product cannot make good every first one); then no token is legal either.
        """
        so_far = np.array(prefix, np.int64)
        mask = self.constraint_rules.legal(so_far, longest, self)
        mask[self.constant] = False
        if self.unit_rules is not None:
            rules = self.unit_rules
            root = rules.target if rules.strict else rules.leaves[self.constant]
            unit_rules.narrow(so_far, len(so_far), self.arity, *rules.arrays, root, mask)
        return mask

    def reportable(
        self, tokens: Tokens, constants: Sequence[float], *, fitted: int = 0, complexity: int = 0
    ) -> bool:
        """Tell whether a formula with constants in its slots, ``fitted`` of them no simple numbers, may be shown.

        It keeps the constraints of nesting, of uses, of variables and of length, has no more fitted constants than allowed, and the
        unit of the target.  Limits of depth and of arguments hold for what was searched, without the constants of the fit.
        """
        if self.constraints is not None:
            for limit, value in (
                (self.constraints.max_constants, fitted),
                (self.constraints.max_length, complexity),
            ):
                if limit is not None and value > limit:
                    return False
            if not self.constraint_rules.keeps(tokens, self.arity, self.constant, formula=True):
                return False
        return self.unit_rules is None or self.unit_rules.fits(tokens, self.arity, constants)

    def multiples(self, value: float, deviation: float) -> list[tuple[Any, float]]:
        """Return simple multiples of declared constants near a fitted constant, as :func:`~symnum.regression.declared.multiples`.

        Where fitted constants are pure numbers, of pure declared constants only.
        """
        declared = self.declared
        if self.unit_rules is not None and self.unit_rules.strict:
            declared = tuple(each for each in declared if each.unit == PURE)
        return multiples(value, deviation, declared)

    @cached_property
    def leaf_states(self) -> NDArray[np.int64]:
        """Return (leaves, integers): what constraints and units need to know of each leaf, see :meth:`joined`."""
        width = self.constraint_rules.width
        states = np.zeros((self.constant + 1, width + unit_rules.WIDTH), np.int64)
        for token in range(self.constant + 1):
            constraint_kernels.describe_leaf(
                token, self.constant, self.constraint_rules.bit, states[token, :width]
            )
            if self.unit_rules is not None:
                states[token, width:] = self.unit_rules.leaves[token]
        return states

    def states(
        self, tokens: NDArray[np.int16], lengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Tell for padded expressions (expressions, longest) which keep constraints and units as parts; return their states too.

        States are what :meth:`joined` needs to know of a part.
        """
        width = self.constraint_rules.width
        ok, states = (
            np.zeros(len(tokens), bool),
            np.zeros((len(tokens), width + unit_rules.WIDTH), np.int64),
        )
        constraint_kernels.describe_many(
            tokens, lengths, self.arity, self.constant, *self.constraint_rules.arrays, ok, states[:, :width]
        )
        if self.unit_rules is not None:
            sound = np.zeros(len(tokens), bool)
            unit_rules.analyse_many(
                tokens, lengths, self.arity, *self.unit_rules.arrays, sound, states[:, width:]
            )
            ok &= sound
        return ok, states

    def joined(
        self,
        token: int,
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        states: NDArray[np.int64],
        *,
        formula: bool = False,
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Tell for pairs of parts, places in ``states``, on which an operation keeps constraints and units; return the new states too.

        What only a whole expression must have, such as required variables, is left to :func:`symnum.regression.admission.fitting`;
        limits of size and depth do not hold for a ``formula``.
        """
        ok, out = np.ones(len(left), bool), np.zeros((len(left), states.shape[1]), np.int64)
        binary, width = bool(self.arity[token] == 2), self.constraint_rules.width
        constraint_kernels.joined(
            token, binary, left, right, states[:, :width], formula, *self.constraint_rules.arrays, ok, out[:, :width]
        )  # fmt: skip
        if self.unit_rules is not None:
            sound = np.ones(len(left), bool)
            unit_rules.joined(
                token, binary, left, right, states[:, width:], self.unit_rules.kinds, sound, out[:, width:]
            )
            ok &= sound
        return ok, out

    def over(self, variables: Sequence[Tokens], factor: Tokens | None = None) -> Grammar:
        """Return the language in which these expressions are the variables, and ``factor`` times an expression is one of this language.

        Constraints on operators, sizes and depths stay, for a part cannot break what the whole keeps; those on variables can only be
        checked on the whole.  The new variables have the units of their expressions; where constants are pure numbers, units too are
        left to the whole.
        """
        taken = {each.name for each in self.declared}
        names = tuple(f"u{k}" if f"u{k}" not in taken else f"u{k}_" for k in range(len(variables)))
        limits = self.constraints
        if limits is not None:
            limits = replace(limits, required=(), forbidden=())
        units, rules = self.units, self.unit_rules
        if units is not None and rules is not None:
            known = [rules.unit(each, self.arity) for each in variables if rules.consistent(each, self.arity)]
            units = Units(tuple(known), None) if len(known) == len(variables) and not rules.strict else None
        return replace(self, variables=names, constraints=limits, units=units)

    def term(self, tokens: Iterable[int], constants: Sequence[Any] = ()) -> Any:
        """Return the interned term of a token array; ``constants`` are numbers or terms for its slots, in order."""
        values = list(constants)
        stack: list[Any] = []
        for token in reversed(list(tokens)):
            if token < len(self.variables):
                stack.append(self.symbols[token])
            elif token < self.constant:
                number = self.numbers[token - len(self.variables)]
                stack.append(number.term if isinstance(number, Declared) else number)
            elif token == self.constant:
                stack.append(values.pop())
            else:
                name = self.all_operators[token - self.first_operator]
                args = [stack.pop() for _ in range(self.arity[token])]
                stack.append(
                    interned.make("^", [*args, int(name[1:])])
                    if name in operations.POWERS
                    else interned.make(name, args)
                )
        return (
            stack[0]
            if interface.is_call(stack[0]) or interface.is_symbol(stack[0])
            else interned.number(interface.value(stack[0]))
        )
