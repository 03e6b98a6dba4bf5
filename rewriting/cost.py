"""Cost models: what a term costs to compute, as a value that every optimiser takes.

A model prices single operations, such as one addition or one call of sin.  Which operations a term needs is the same for all models:
those of the straight program that ``compile`` lowers it to.  ``dag`` counts a shared part once, as compiled code computes it; ``tree``
counts it as often as it occurs, as the paper does (Gowda et al., arXiv:2105.03949).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, is_value, product_view, sum_view

LITERAL = "literal"
"""The head under which a number that an operation takes is counted; it costs what a leaf costs."""

MAX_CHAIN = 32
"""Largest whole exponent that is computed by multiplications; the lowering to code uses the same."""

Counts = list[tuple[str, int]]
"""Pairs (head, number of operations)."""


@dataclass(frozen=True, slots=True, eq=False)
class CostModel:
    """Price operations: ``weights`` is {head: cost of one operation}, or a function of the head.

    A head that the mapping lacks costs ``default``; each distinct symbol or number costs ``leaf``.  Raises ValueError, when the model
    is made or first asked, for a price that is negative, infinite or nan.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> flops = CostModel("flops", {"+": 1, "-": 1, "*": 1, "/": 4}, default=20)
    >>> flops.dag(sn.sin(x*y) + x*y)
    22.0
    """

    name: str
    weights: Mapping[str, float] | Callable[[str], float]
    default: float = 1.0
    leaf: float = 0.0
    known: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not callable(self.weights):
            object.__setattr__(self, "weights", MappingProxyType(dict(self.weights)))
            for head, price in self.weights.items():
                self._checked(price, f"the weight of {head!r}")
                if head != LITERAL and head not in OPERATORS:
                    close = get_close_matches(str(head), OPERATORS, 3) or sorted(OPERATORS)[:8]
                    raise ValueError(
                        f"the cost model {self.name!r} prices {head!r}, which is no operator; write one of the names in "
                        f"symnum.operators.OPERATORS, such as {', '.join(map(repr, close))}"
                    )
        self._checked(self.default, "the default")
        self._checked(self.leaf, "the cost of a leaf")

    def _checked(self, price: Any, what: str) -> float:
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
            raise ValueError(
                f"{what} in the cost model {self.name!r} is {price!r}, but a cost must be a finite number that is not negative; "
                f"with a negative one dearer would be cheaper, and nothing would end"
            )
        return float(price)

    def price(self, head: str) -> float:
        """Return the cost of one operation, or of a literal number."""
        found = self.known.get(head)
        if found is None:
            if head == LITERAL:
                found = float(self.leaf)
            elif head == "hold":
                found = 0.0  # no operation: it only keeps its argument together
            elif callable(self.weights):
                try:
                    found = self._checked(self.weights(head), f"the price of {head!r}")
                except Exception as problem:  # whatever a user's function raises goes on, and says where
                    problem.add_note(f"while the cost model {self.name!r} priced {head!r}")
                    raise
            else:
                found = float(self.weights.get(head, self.default))
            self.known[head] = found  # as many entries as there are heads
        return found

    def total(self, counts: Counts) -> float:
        """Return the cost of counted operations."""
        return sum([self.price(head) * count for head, count in counts])

    def own(self, node: Any) -> tuple[float, Sequence[Any]]:
        """Return the cost of the operations at one node, and the terms that they take."""
        if not interface.is_call(node):
            return self.leaf, ()
        counts, operands = operations(node)
        return self.total(counts), operands

    def dag(self, *roots: Any) -> float:
        """Return the cost of computing all roots, each distinct part and power once."""
        seen: set[Hashable] = set()
        total = 0.0
        stack = list(roots)
        while stack:
            node = stack.pop()
            face = interface.interface(node)
            identity = face.key(node)
            if identity in seen:
                continue
            seen.add(identity)
            if not face.is_call(node):
                total += self.leaf
                continue
            plain = _plain_factors(node, face)
            if plain is not None:
                total += self.price("*") * (len(plain) - 1)
                stack += plain
                continue
            counts, operands, powers = _operations(node)
            total += self.total(counts)
            stack.extend(operands)
            for base, exponent in powers:
                power = (interface.key(base), abs(exponent) if is_cheap_power(exponent) else exponent)
                if power not in seen:
                    seen.add(power)
                    total += self.total(power_operations(exponent))
        return total

    def tree(self, *roots: Any) -> float:
        """Return the sum of the roots' costs with shared parts counted as often as they occur."""
        known: dict[Hashable, float] = {}
        stack: list[tuple[Any, float, Sequence[Any] | None]] = [(root, 0.0, None) for root in roots]
        while stack:
            node, own, operands = stack.pop()
            identity = interface.key(node)
            if identity in known:
                continue
            if operands is None:
                own, operands = self.own(node)
                missing = [part for part in operands if interface.key(part) not in known]
                if missing:
                    stack.append((node, own, operands))
                    stack.extend((part, 0.0, None) for part in missing)
                    continue
            known[identity] = own + sum(known[interface.key(part)] for part in operands)
        return float(sum(known[interface.key(root)] for root in roots))


# --- the operations of one node -----------------------------------------------------------------------------------------------


def operations(node: Any) -> tuple[Counts, Sequence[Any]]:
    """Return the operations that a call needs once its operands are there, and the operands."""
    counts, operands, powers = _operations(node)
    return [*counts, *(count for _, exponent in powers for count in power_operations(exponent))], operands


def _plain_factors(node: Any, face: interface.Interface) -> list[Any] | None:
    """Return the factors of a canonical product without coefficient and powers, the most common call of all; None for another."""
    if face.factors is None or face.head(node) != "*":
        return None
    coefficient, pairs = face.factors(node)
    if coefficient != 1 or type(coefficient) is not int:
        return None
    bases = []
    for base, exponent in pairs:
        if type(exponent) is not int or exponent != 1:
            return None
        bases.append(base)
    return bases


_Powers = Sequence[tuple[Any, Any]]
"""Pairs (base, number): powers other than 1 and -1."""


def _operations(node: Any) -> tuple[Counts, Sequence[Any], _Powers]:
    """Return the operations of a call without its powers, its operands, and its powers."""
    face = interface.interface(node)
    head = face.head(node)
    if head in SUM_HEADS:
        return _of_sum(*sum_view(node))
    if head in PRODUCT_HEADS:
        coefficient, pairs = product_view(node)
        if (coefficient == 1 and type(coefficient) is int) or is_reciprocal(pairs):
            return _of_product(coefficient, pairs)
        return _of_sum(*sum_view(node))  # 2*x*y takes x*y, which may be shared
    args = face.args(node)
    row = OPERATORS.get(head)
    count = 1 if row is None or not row.associative else max(len(args) - 1, 0)
    return ([(head, count)] if args else []), args, ()


def _of_product(coefficient: Any, pairs: _Powers) -> tuple[Counts, Sequence[Any], _Powers]:
    operands = [b for b, _ in pairs]
    exponents: list[Any] = []
    powers = []
    for base, exponent in pairs:
        if type(exponent) is int and exponent == 1:
            exponents.append(1)
        elif is_value(exponent):
            exponents.append(exponent)
            if exponent != 1 and exponent != -1:
                powers.append((base, exponent))
        else:
            exponents.append(None)
            operands.append(exponent)
    return product_operations(coefficient, exponents), operands, powers


def _of_sum(constant: Any, pairs: _Powers) -> tuple[Counts, Sequence[Any], _Powers]:
    operands: list[Any] = []
    powers: list[Any] = []
    extra: Counts = []
    signs = []
    for term, coefficient in pairs:
        if coefficient != 1 and coefficient != -1 and _is_product(term):
            _, factors = product_view(term)
            if is_reciprocal(factors):  # 3/x is one division, which 1/x does not save
                counts, bases, inner = _of_product(coefficient, factors)
                extra += counts
                operands.extend(bases)
                powers.extend(inner)
                signs.append((True, coefficient))
                continue
        operands.append(term)
        signs.append((False, coefficient))
    return [*sum_operations(constant, signs), *extra], operands, powers


def _is_product(term: Any) -> bool:
    face = interface.interface(term)
    return face.is_call(term) and face.head(term) in PRODUCT_HEADS


def is_reciprocal(pairs: _Powers) -> bool:
    """Tell whether a product of powers is 1 over something, whose 1 can be any number."""
    return bool(pairs) and all([is_value(e) and e < 0 and is_cheap_power(e) for _, e in pairs])


def sum_operations(constant: Any, addends: Sequence[tuple[bool, Any]]) -> Counts:
    """Return the operations of constant + sum of coefficient * addend; each is given as (does it hold its coefficient?, coefficient).

    The 1 of a reciprocal holds the coefficient, and signs become subtractions.
    """
    if len(addends) == 1 and constant == 0 and addends[0][0]:
        return []
    coefficients = sum([c != 1 and c != -1 for _, c in addends])
    scaled = sum([c != 1 and c != -1 and not reciprocal for reciprocal, c in addends])
    negative = sum([c < 0 for _, c in addends]) + (constant < 0)
    terms = len(addends) + (constant != 0)
    literals = scaled + (constant != 0)
    if negative == terms and negative:
        # all negative: one that has a number takes the sign for nothing; without one, the sign of the total is turned
        free = constant != 0 or coefficients > 0
        counts = [("-" if free else "+", terms - 1), ("*", scaled), ("neg", 0 if free else 1)]
    else:
        counts = [("+", terms - 1 - negative), ("-", negative), ("*", scaled)]
    return [*counts, (LITERAL, literals)]


def product_operations(coefficient: Any, exponents: Sequence[Any]) -> Counts:
    """Return the operations of coefficient * product of powers without the powers; an exponent is a number, or None for a term."""
    above = below = literals = 0
    counts: Counts = []
    for exponent in exponents:
        if exponent == 1:
            above += 1
        elif exponent is None:
            counts.append(("^", 1))
            above += 1
        elif exponent < 0 and is_cheap_power(exponent):
            below += 1
        else:
            above += 1
    multiplications = max(above - 1, 0) + max(below - 1, 0)
    if below:
        counts.append(("/", 1))
        literals += above == 0
    if above and coefficient == -1:
        counts.append(("neg", 1))
    elif above and coefficient != 1:
        multiplications, literals = multiplications + 1, literals + 1
    return [*counts, ("*", multiplications), (LITERAL, literals)]


def power_operations(exponent: Any) -> Counts:
    """Return the operations of a power with a number as exponent, the division of a negative one aside."""
    if not is_cheap_power(exponent):
        return [("^", 1), (LITERAL, 1)]
    whole, rest = divmod(abs(exponent), 1)
    whole = int(whole)
    chain = whole.bit_length() + whole.bit_count() - 2 + bool(rest) if whole else 0
    return [("*", chain), ("sqrt", 1 if rest else 0)]


def is_cheap_power(exponent: Any) -> bool:
    """Tell whether a power with this number as exponent becomes multiplications, at most one root and one division."""
    if not abs(exponent) <= MAX_CHAIN:
        return False
    return exponent == int(exponent) or (not isinstance(exponent, float) and (exponent * 2) % 1 == 0)


# --- the models that come with symnum -------------------------------------------------------------------------------------------

ops = CostModel("ops", {})
"""Number of operations: each addition, multiplication, division, power, function call or choice counts one."""

paper_cycles = CostModel(
    "paper_cycles",
    {
        "+": 1, "-": 1, "neg": 1, "abs": 2, "*": 3, "exp": 18, "/": 24, "^": 100, "log1p": 124, "acos": 127,
        "sin": 134, "cos": 134, "atan": 135, "tan": 156,
    },
    leaf=1.0,
)  # fmt: skip
"""The table of the paper's cycle optimiser (SymbolicUtils.jl pull request 389); a leaf and any other operation cost 1.

Its acsch (133) is left out, since symnum has no such operator.
"""

table_cycles = CostModel("table_cycles", lambda head: OPERATORS[head].cost if head in OPERATORS else 20.0)
"""The cost column of the operator table: typical cycles; a function that is not in the table counts 20."""


def cost_model(model: str | CostModel) -> CostModel:
    """Return a model by its name: "ops", "cycles", "table_cycles" or "paper_cycles"; a model is returned as it is.

    "cycles" is what ``symnum calibrate`` measured on this machine, or "table_cycles" before that.  Raises ValueError for another name.
    """
    if isinstance(model, CostModel):
        return model
    if model == "cycles":
        from symnum.rewriting.calibration import measured_cycles

        return measured_cycles() or table_cycles
    for known in (ops, table_cycles, paper_cycles):
        if model == known.name:
            return known
    raise ValueError(
        f"there is no cost model {model!r}; give 'ops', 'cycles', 'table_cycles', 'paper_cycles', "
        f"or a CostModel('mine', {{'+': 1, '*': 3}}, default=20)"
    )


def cost(terms: Any, model: str | CostModel = "cycles") -> float:
    """Return what a term, or a list of terms together, costs to compute with shared parts computed once.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> cost(x*y + sn.sin(x*y), "ops"), cost([x*y, sn.exp(x*y)], "paper_cycles")
    (3.0, 23.0)
    """
    chosen = cost_model(model)
    roots = list(terms) if isinstance(terms, list | tuple) else [terms]
    for root in roots:
        if not interface.is_term(root):
            raise TypeError(
                f"cost takes a term or a list of terms, but got {root!r} of type {type(root).__name__}; "
                f"write symnum.parse(text) to read a formula"
            )
    return chosen.dag(*roots)
