"""What a formula may look like: limits of length and depth, of how often and on what an operator stands, and which variables occur.

>>> from symnum.regression.grammar import Grammar
>>> limits = Constraints(max_depth=3, nesting={"sin": {"exp": 0}}, required=("x",))
>>> grammar = Grammar(("x", "y"), operators=("+", "sin", "exp"), constraints=limits)
>>> [grammar.allowed(grammar.parse(text)) for text in ("sin + x y", "sin exp x", "exp y", "+ 1 + 1 sin x")]
[True, False, False, False]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression import constraint_kernels

Array = NDArray[Any]

FREE = 1 << 30
"""A limit that nothing reaches."""


def _empty() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Constraints:
    """Hold the limits of formulas; None and empty mean no limit.

    max_length: tokens of the expression that is searched, and the complexity of the formula that it becomes.
    max_depth: levels (a leaf has one) of the expression that is searched; the constants of its fit, as in ``a*f + b``, come on top,
        here and where arguments are limited.
    max_constants: fitted constants of a formula; simple numbers do not count.
    max_count: operator -> how often it may stand.
    max_size, max_argument_depth: operator -> tokens, or levels, of each argument; a pair gives the two arguments of an operator
        different limits.
    nesting: outer operator -> inner operator -> how many of the inner may follow one another on the way down from an outer one to a
        leaf; 0 forbids the inner one anywhere inside.
    required, forbidden: variables that each formula has, or has not.

    Raises ValueError for limits that are no whole numbers or too small.
    """

    max_length: int | None = None
    max_depth: int | None = None
    max_constants: int | None = None
    max_count: Mapping[str, int] = field(default_factory=_empty, hash=False)
    max_size: Mapping[str, int | tuple[int, int]] = field(default_factory=_empty, hash=False)
    max_argument_depth: Mapping[str, int | tuple[int, int]] = field(default_factory=_empty, hash=False)
    nesting: Mapping[str, Mapping[str, int]] = field(default_factory=_empty, hash=False)
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, least in (("max_length", 1), ("max_depth", 1), ("max_constants", 0)):
            if (limit := getattr(self, name)) is not None:
                _check_limit(name, limit, least)
        for name, least in (("max_count", 0), ("max_size", 1), ("max_argument_depth", 1)):
            for key, limit in _items(name, getattr(self, name)):
                pair = isinstance(limit, tuple) and name != "max_count"
                for each in limit if pair else (limit,):
                    _check_limit(f"{name}[{key!r}]", each, least)
        for outer, inner in _items("nesting", self.nesting):
            for key, limit in _items(f"nesting[{outer!r}]", inner):
                _check_limit(f"nesting[{outer!r}][{key!r}]", limit, 0)
        for name in ("required", "forbidden"):
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Sequence):
                raise ValueError(
                    f"{name} must be a sequence of variables, but is {given!r}; write {name}=({given!r},)"
                )
            object.__setattr__(self, name, tuple(given))
        both = set(self.required) & set(self.forbidden)
        if both:
            raise ValueError(
                f"the variable {min(both)!r} is required and forbidden; leave it out of one of them"
            )

    def rules(self, grammar: Any) -> ConstraintRules:
        """Return the limits as tables over the tokens of a grammar.

        Raises LookupError for an operator or a variable that the grammar does not have, ValueError when no expression is left.
        """
        return ConstraintRules.of(self, grammar)


def _check_limit(name: str, limit: Any, least: int) -> None:
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < least:
        raise ValueError(
            f"{name} must be a whole number from {least} on, but is {limit!r}; write {max(least, 3)}, or leave it out for no limit"
        )


def _items(name: str, given: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(given, Mapping):
        raise ValueError(
            f"{name} must be a mapping from operators, but is {given!r}; write {name.partition('[')[0]}={{'sin': ...}}"
        )
    return given.items()


@dataclass(frozen=True)
class ConstraintRules:
    """Hold constraints as arrays over the tokens, for kernels.

    ``usable`` (tokens,): may stand at all.  ``size``, ``depth`` (tokens, 2): the most that each argument may have.  ``counted`` and
    ``nested`` (tokens,): the column in which uses, or nested uses, of the token are counted, -1 for none.  ``most`` (counts,): the
    most uses.  ``nest`` (tokens, columns): the most nested uses inside the token's arguments.  ``bit`` (tokens,): the bit of a
    required variable.  ``limits``: length, depth, constants, all required bits.  ``grows`` (tokens,): operations of two arguments
    without limits of their own, by which a place can take in more variables.
    """

    usable: NDArray[np.bool_]
    size: NDArray[np.int64]
    depth: NDArray[np.int64]
    counted: NDArray[np.int64]
    most: NDArray[np.int64]
    nested: NDArray[np.int64]
    nest: NDArray[np.int64]
    bit: NDArray[np.int64]
    limits: NDArray[np.int64]
    grows: NDArray[np.bool_]

    @classmethod
    def of(cls, given: Constraints, grammar: Any) -> ConstraintRules:
        """Return the tables of a grammar; see :meth:`Constraints.rules`."""
        tokens = len(grammar.names)
        inner = list(dict.fromkeys(name for each in given.nesting.values() for name in each))
        usable = np.ones(tokens, bool)
        usable[[_variable(grammar, "forbidden", name) for name in given.forbidden]] = False
        size, depth = np.full((tokens, 2), FREE, np.int64), np.full((tokens, 2), FREE, np.int64)
        for table, name in ((size, "max_size"), (depth, "max_argument_depth")):
            for key, limit in getattr(given, name).items():
                table[_operation(grammar, name, key)] = _per_argument(grammar, name, key, limit)
        counted, nested, bit = (
            np.full(tokens, -1, np.int64),
            np.full(tokens, -1, np.int64),
            np.zeros(tokens, np.int64),
        )
        for column, key in enumerate(given.max_count):
            counted[_operation(grammar, "max_count", key)] = column
        for column, key in enumerate(inner):
            nested[_operation(grammar, "nesting", key)] = column
        nest = np.full((tokens, len(inner)), FREE, np.int64)
        for outer, limits in given.nesting.items():
            for key, limit in limits.items():
                nest[_operation(grammar, "nesting", outer), inner.index(key)] = limit
        if len(given.required) > 60:
            raise ValueError(
                f"{len(given.required)} variables are required, but at most 60 can be; require fewer"
            )
        for place, name in enumerate(given.required):
            bit[_variable(grammar, "required", name)] = 1 << place
        limits_ = [
            FREE if limit is None else limit
            for limit in (given.max_length, given.max_depth, given.max_constants)
        ]
        grows = np.zeros(tokens, bool)
        for token in grammar.searched:
            grows[token] = (
                grammar.arity[token] == 2
                and nested[token] < 0
                and grammar.family[token] == 0
                and bool(np.all(size[token] == FREE) and np.all(depth[token] == FREE))
            )
        rules = cls(
            usable,
            size,
            depth,
            counted,
            np.array([*given.max_count.values()], np.int64),
            nested,
            nest,
            bit,
            np.array([*limits_, (1 << len(given.required)) - 1], np.int64),
            grows,
        )
        if given.required or given.forbidden:
            rules._check_possible(given, grammar)
        return rules

    def _check_possible(self, given: Constraints, grammar: Any) -> None:
        """Raise ValueError when no expression is allowed."""
        if not np.any(self.usable[: grammar.constant]):
            raise ValueError(
                f"all variables are forbidden ({', '.join(given.forbidden)}) and there are no numbers, so no expression is left; "
                "allow a variable"
            )
        if not self.legal(np.zeros(0, np.int64), FREE, grammar).any():
            raise ValueError(
                f"no expression within the limits has all required variables {', '.join(given.required)}; allow more length or depth, or "
                "an operator of two arguments without limits of its own"
            )

    @property
    def arrays(self) -> tuple[Array, ...]:
        """Return what every kernel takes."""
        return (
            self.usable,
            self.size,
            self.depth,
            self.counted,
            self.most,
            self.nested,
            self.nest,
            self.bit,
            self.limits,
            self.grows,
        )

    @property
    def width(self) -> int:
        """Return how many integers describe an expression, see :func:`constraint_kernels.combine`."""
        return constraint_kernels.COUNTS + len(self.most) + self.nest.shape[1]

    def keeps(self, tokens: Array, arity: Array, constant: int, *, formula: bool = False) -> bool:
        """Tell whether a whole expression keeps the limits.

        A ``formula``, to which the constants of a fit were added, may be longer and deeper; how many of them there are is not looked at.
        """
        return bool(constraint_kernels.keeps(tokens, arity, constant, formula, *self.arrays))

    def legal(self, prefix: Array, longest: int, grammar: Any) -> NDArray[np.bool_]:
        """Return which tokens may follow a prefix, see :func:`constraint_kernels.legal`."""
        mask = np.zeros(len(self.usable), bool)
        constraint_kernels.legal(
            prefix, len(prefix), longest, grammar.arity, grammar.family, grammar.banned, grammar.inverse, grammar.constant,
            grammar.first_operator + len(grammar.operators), *self.arrays, mask,
        )  # fmt: skip
        return mask


def _operation(grammar: Any, what: str, name: str) -> int:
    if name not in grammar.operators:
        raise LookupError(
            f"{what} names the operator {name!r}, which is not searched; the operators are {' '.join(grammar.operators)}"
        )
    return int(grammar.token(name))


def _variable(grammar: Any, what: str, name: str) -> int:
    if name not in grammar.variables:
        raise LookupError(
            f"{what} names the variable {name!r}, but the variables are {', '.join(grammar.variables)}; a column that does not vary, or "
            "repeats another, takes no part"
        )
    return grammar.variables.index(name)


def _per_argument(grammar: Any, what: str, name: str, limit: int | tuple[int, int]) -> tuple[int, int]:
    if not isinstance(limit, tuple):
        return limit, limit
    if len(limit) != grammar.arity[grammar.token(name)]:
        raise ValueError(
            f"{what}[{name!r}] gives {len(limit)} limits, but {name!r} takes {grammar.arity[grammar.token(name)]} arguments; give one for "
            "each, or a single number"
        )
    return (limit[0], limit[1] if len(limit) == 2 else FREE)
