"""Polynomials in any sub-terms: expand, collect and coefficients here, the functions that need division in ``rational``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.algebra.laurent import MAX_TERMS, Arithmetic, DenseArithmetic, Monomial, Polynomial, arithmetic
from symnum.algebra.monomials import in_bulk, sum_of_monomials
from symnum.algebra.rational import cancel, factor, factor_list, gcd, lcm
from symnum.algebra.ring import ATOM, EXP, Ring, view, walk
from symnum.expression import refuse_mixed

__all__ = ["cancel", "coefficients", "collect", "degree", "expand", "factor", "factor_list", "gcd", "lcm"]


def expand(term: Any, *, max_terms: int = MAX_TERMS, deep: bool = True) -> Any:
    """Multiply products and whole powers of sums out, everywhere in the term, and collect like terms.

    Whatever is not a polynomial (sin(x), x^y, x^(1/2), 1/(x + 1)) is a generator, with its own arguments expanded unless
    ``deep=False``; exp(a + b) becomes exp(a)*exp(b).  Coefficients may be floats.  A list or tuple of terms gives a list.
    Raises ValueError when the result would have more than ``max_terms`` terms.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> expand((x + 1)**2 * sn.sin(x*(y + 1)))
    x^2*sin(x*y + x) + 2*x*sin(x*y + x) + sin(x*y + x)
    """
    roots = list(term) if isinstance(term, list | tuple) else [term]
    if not deep:
        tops = [root if view(root)[0] == ATOM else _expanded(Ring([root]), root, max_terms) for root in roots]
        return tops if isinstance(term, list | tuple) else tops[0]
    done: dict[Any, Any] = {}
    for root in roots if max_terms == MAX_TERMS else ():  # kernels have a limit of their own
        in_bulk = interface.in_bulk("expand", root)
        if in_bulk is not None:
            done[interface.key(root)] = in_bulk
    stack = list(roots)
    while stack:
        node = stack[-1]
        identity = interface.key(node)
        if identity in done:
            stack.pop()
            continue
        if not interface.is_call(node):
            done[identity] = node
            continue
        if view(node)[0] == ATOM:
            args = interface.args(node)
            missing = [a for a in args if interface.key(a) not in done]
            if not missing:
                new = [done[interface.key(a)] for a in args]
                same = all(a is b for a, b in zip(args, new))
                found = node if same else interface.make(node, interface.head(node), new)
                if interface.is_call(found) and interface.head(found) == EXP:
                    found = Expansion(Ring([found]), max_terms).term(found)
        else:
            ring = Ring([node], inner=lambda part: done.get(interface.key(part)))
            missing = ring.missing
            if not missing:
                found = _expanded(ring, node, max_terms)
        if missing:
            stack.extend(missing)
            continue
        done[identity] = found
        done.setdefault(interface.key(found), found)
    results = [done[interface.key(root)] for root in roots]
    return results if isinstance(term, list | tuple) else results[0]


def _expanded(ring: Ring, node: Any, max_terms: int) -> Any:
    """Return a sum or product expanded down to the generators of its ring."""
    if (
        interface.interface(node).addends is not None
        and not ring.changed
        and ring.is_expanded(ring.plans[interface.key(node)])
    ):
        return node
    return Expansion(ring, max_terms).term(node)


class Expansion:
    """Polynomials of the nodes of one ring, computed once each."""

    def __init__(self, ring: Ring, max_terms: int = MAX_TERMS) -> None:
        self.ring = ring
        self.arithmetic: Arithmetic = arithmetic(ring, max_terms)
        self._known: dict[Any, Polynomial] = {}

    def polynomial(self, root: Any) -> Polynomial:
        """Return the polynomial of a node."""
        known, ops, ring = self._known, self.arithmetic, self.ring
        for node, plan in walk(ring, root):
            identity = interface.key(node)
            if identity in known:
                continue
            parts = [(known[interface.key(part)], weight) for part, weight in plan.others]
            if plan.is_sum:
                monomials = [(c, ring.exponents(f)) for c, f in plan.monomials]
                own = ops.from_monomials([(plan.coefficient, {}), *monomials])
                known[identity] = ops.add([(own, 1), *parts]) if parts else own
            else:
                found = ops.from_monomials([(plan.coefficient, ring.exponents(plan.factors))])
                for part, exponent in parts:
                    found = ops.multiply(found, part if exponent == 1 else ops.power(part, exponent))
                known[identity] = found
        return self._reduced(known[interface.key(root)]) if ring.relations else known[interface.key(root)]

    def _reduced(self, polynomial: Polynomial) -> Polynomial:
        """Replace whole powers under a root: with g = s^(1/d), g^(d*q + r) is s^q * g^r."""
        ops, ring = self.arithmetic, self.ring
        while True:
            groups: dict[tuple[tuple[int, int], ...], list[Monomial]] = {}
            for coefficient, exponents in ops.monomials(polynomial):
                wholes = []
                for slot, base in ring.relations.items():
                    d, e = ring.denominators[slot], exponents.get(slot, 0)
                    if interface.is_number(base) and e < 0:
                        # 2^(-3/2) is 1/4 * 2^(1/2); a negative power of 0 stays
                        factor = numbers.power(interface.value(base), e // d)
                        if factor is not None:
                            exponents[slot] = e % d
                            coefficient = numbers.normal(coefficient * factor)
                    elif e >= d:
                        wholes.append((slot, e // d))
                        exponents[slot] = e % d
                groups.setdefault(tuple(wholes), []).append((coefficient, exponents))
            if not groups or (len(groups) == 1 and () in groups):
                return ops.from_monomials(groups.get((), []))
            parts = []
            for wholes_of_group, monomials in groups.items():
                part = ops.from_monomials(monomials)
                for slot, whole in wholes_of_group:
                    part = ops.multiply(part, ops.power(self.polynomial(ring.relations[slot]), whole))
                parts.append((part, 1))
            polynomial = ops.add(parts)

    def term(self, root: Any) -> Any:
        """Return the expansion of a node as a term."""
        polynomial = self.polynomial(root)
        if (
            isinstance(self.arithmetic, DenseArithmetic)
            and interface.backend_of(self.ring.like) == "interned"
        ):
            found = in_bulk(self.ring, polynomial)
            if found is not None:
                return found
        return sum_of_monomials(self.ring, self.arithmetic.monomials(polynomial))


# --- powers of chosen terms ---------------------------------------------------------------------------------------------------


def collect(term: Any, variables: Any) -> Any:
    """Write a term as a sum of powers of ``variables`` (a term, or several) times coefficients without them.

    A variable may be any generator: x, sin(x), x^y.  Coefficients keep their form: what does not hold a variable is not expanded.
    Raises ValueError for a variable that is a sum, a number or a multiple.

    >>> import symnum as sn
    >>> x, y, z = sn.symbols("x y z")
    >>> collect(x*y + x*z + x**2*y + 3, x)
    x^2*y + x*(y + z) + 3
    """
    several = list(variables) if isinstance(variables, list | tuple) else [variables]
    ring, groups = by_powers(term, several)
    parts = []
    for powers, rest in groups.items():
        factors = [ring.power(slot, e) for slot, e in powers]
        parts.append(
            ring.product(1, [*factors, sum_of_monomials(ring, rest)])
            if factors
            else sum_of_monomials(ring, rest)
        )
    return ring.total(parts)


def coefficients(term: Any, variable: Any) -> dict[int, Any]:
    """Return {exponent: coefficient} of a polynomial in ``variable``, highest exponent first.

    Raises ValueError when the term is no polynomial in the variable.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> coefficients(3*x**2 + x*y + y, x)
    {2: 3, 1: y, 0: y}
    """
    ring, groups = by_powers(term, [variable])
    found = {}
    for powers, rest in groups.items():
        exponent = powers[0][1] if powers else 0
        if exponent < 0 or (powers and ring.denominators[powers[0][0]] != 1):
            raise ValueError(_not_polynomial(term, variable, ring.power(*powers[0])))
        for _, exponents in rest:
            for slot in exponents:
                stray = ring.power(slot, exponents[slot])
                if any(part == variable for part in interface.postorder(stray)):
                    raise ValueError(_not_polynomial(term, variable, stray))
        found[exponent] = sum_of_monomials(ring, rest)
    return dict(sorted(found.items(), reverse=True))


def degree(term: Any, variable: Any) -> int:
    """Return the highest exponent of ``variable`` in a polynomial, and -1 for the polynomial 0.

    Raises ValueError when the term is no polynomial in the variable.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> degree((x + y)**3 * x, x)
    4
    """
    return max(coefficients(term, variable), default=-1)


def _brief(term: Any) -> str:
    """Return the beginning of a term's text, for messages."""
    from symnum.text.printer import to_text

    return to_text(term, limit=60) if interface.backend_of(term) != "python" else str(term)


def _not_polynomial(term: Any, variable: Any, stray: Any) -> str:
    return (
        f"{_brief(term)} is not a polynomial in {_brief(variable)}, since it holds {_brief(stray)}; "
        f"use collect to group by powers, or cancel and expand first"
    )


def by_powers(
    term: Any, variables: Sequence[Any]
) -> tuple[Ring, dict[tuple[tuple[int, int], ...], list[Monomial]]]:
    """Return the expansion with respect to the variables as {powers of the variables: monomials of the rest}."""
    refuse_mixed([term, *variables])
    depends = _occurrence(term, variables)
    ring = Ring([term], opaque=lambda node: not interface.is_number(node) and not depends(node))
    slots = set()
    for variable in variables:
        slot = ring.slot_of(variable)
        if (
            slot is None
            and (view(variable)[0] != ATOM or interface.is_number(variable))
            and len(_only_power(variable)) != 1
        ):
            raise ValueError(
                f"cannot collect powers of {variable!s}, which is a sum, product or number; "
                f"give a symbol, a call such as sin(x), or a power such as x^y"
            )
        slots.add(slot)
    expansion = Expansion(ring)
    groups: dict[tuple[tuple[int, int], ...], list[Monomial]] = {}
    for coefficient, exponents in expansion.arithmetic.monomials(expansion.polynomial(term)):
        powers = tuple((slot, e) for slot, e in sorted(exponents.items()) if slot in slots and e)
        rest = {slot: e for slot, e in exponents.items() if slot not in slots}
        groups.setdefault(powers, []).append((coefficient, rest))
    return ring, groups


def _only_power(term: Any) -> Sequence[Any]:
    """Return the factors of a term that is a product without a coefficient."""
    kind, coefficient, pairs = view(term)
    return pairs if kind not in (ATOM,) and coefficient == 1 else ()


def _occurrence(root: Any, targets: Sequence[Any]) -> Callable[[Any], bool]:
    """Return a test whether a sub-term of ``root`` holds a symbol of one of the targets."""
    wanted = {interface.key(s) for s in interface.free_symbols(*targets)}
    known: dict[Any, bool] = {}

    def depends(node: Any) -> bool:
        identity = interface.key(node)
        if identity not in known:
            for part in interface.postorder(node, prune=lambda t: interface.key(t) in known):
                key = interface.key(part)
                if key not in known:
                    known[key] = key in wanted or (
                        interface.is_call(part) and any(known[interface.key(a)] for a in interface.args(part))
                    )
        return known[identity]

    depends(root)
    return depends
