"""Sums and products in the e-graph: associativity and commutativity by normal form, and the laws that take all operands at once.

A sum is read as {monomial: coefficient}, a monomial as base^exponent pairs over e-classes.  Each law makes one result, or one for each
base, out of *all* the operands that it concerns: a common factor is taken out of every addend that has it, never out of each pair.  So
n operands give about n results where pairwise rules, with associativity and commutativity on top, give 2^n or n!.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import gcd, prod
from typing import Any

from symnum import exact as numbers
from symnum.operators import OPERATORS
from symnum.rewriting.egraph.analysis import Signs
from symnum.rewriting.egraph.encoding import Language, Writer, class_text
from symnum.rewriting.egraph.graph import Graph, Node, is_bag, number_value
from symnum.rewriting.egraph.sizes import Sizes
from symnum.rewriting.sign_sets import POSITIVE, ZERO

Base = int | str
"""An e-class by its name, or the program text of a part that is just being made."""

Monomial = tuple[tuple[Base, Any], ...]
"""Pairs (base, exponent), sorted; () is 1."""

Spec = dict[Monomial, Any]
"""A sum as {monomial: coefficient}."""

WIDTH = 48
"""Longest sum or product that the laws below look at; longer ones stay as they are."""

EXPANDED = 64
"""Most addends that a product of sums may have when it is multiplied out."""

MAX_POWER = 4
"""Largest power of a sum that is multiplied out."""

FORMS = 3
"""How many forms of one e-class are considered at one place."""


class Arithmetic:
    """The laws of sums, products and powers on one reading of the e-graph; each yields program texts of equal terms."""

    def __init__(self, graph: Graph, language: Language, signs: Signs, sizes: Sizes) -> None:
        self.graph, self.signs, self.sizes = graph, signs, sizes
        self.writer = Writer(language)
        self.language = language
        self._views: dict[int, tuple[Any, Monomial]] = {}

    # --- reading ---

    def view(self, name: int) -> tuple[Any, Monomial]:
        """Return (coefficient, monomial) of a class: its canonical form as a multiple of a product of powers."""
        found = self._views.get(name)
        if found is None:
            found = self._views[name] = self._view(name)
        return found

    def _view(self, name: int) -> tuple[Any, Monomial]:
        coefficients = {name: 1}
        waiting = [name]
        while waiting and len(coefficients) < 8:
            here = waiting.pop()
            for node in self.graph.nodes(here, "scale"):
                core = node.children[0]
                if core not in coefficients:
                    coefficients[core] = numbers.normal(coefficients[here] * number_value(node.data))
                    waiting.append(core)
        for core in sorted(coefficients):
            value = self.graph.number(core)
            if value is not None and not isinstance(value, bool):
                return numbers.normal(coefficients[core] * value), ()
        # a class that is a multiple of another is seen as that multiple
        cores = [c for c in coefficients if c != name and not self.graph.nodes(c, "scale")] or [
            min(coefficients)
        ]
        core = min(cores)
        monomials = self._monomials(core)
        return coefficients[core], monomials[0] if monomials else ((core, 1),)

    def _monomials(self, name: int) -> list[Monomial]:
        """Return the forms of a class as a product or power, the longest first."""
        found = []
        for node in self.graph.classes[name]:
            if node.op == "*" and name not in node.children and self.sizes.breeds(name, node):
                monomial = _combined([self.powered(child) for child in node.children])
            elif node.op == "power" and node.children[0] != name:
                monomial = ((node.children[0], number_value(node.data)),)
            else:
                continue
            if all(base != name for base, _ in monomial):
                found.append(monomial)
        return sorted(set(found), key=lambda m: (-len(m), _order(m)))

    def powered(self, name: int) -> tuple[Base, Any]:
        """Return (base, exponent) of a class; what is no power is itself to the power 1."""
        for node in self.graph.nodes(name, "power"):
            if node.children[0] != name:
                return node.children[0], number_value(node.data)
        return name, 1

    def forms(self, name: int) -> list[tuple[Any, Monomial]]:
        """Return the canonical form of a class and a few others."""
        first = self.view(name)
        found = [first, (1, ((name, 1),))]
        found += [(1, monomial) for monomial in self._monomials(name)]
        if len(first[1]) == 1 and isinstance(first[1][0][0], int) and first[1][0][1] == 1:
            found += [(first[0], monomial) for monomial in self._monomials(first[1][0][0])]
        distinct = {(str(c), m): (c, m) for c, m in found}
        return list(distinct.values())[: FORMS + 1]

    def spec(self, node: Node) -> Spec:
        """Return the e-node of a sum as {monomial: coefficient}."""
        found: Spec = {}
        for child in node.children:
            coefficient, monomial = self.view(child)
            _add(found, monomial, coefficient)
        return found

    def sums(self, name: int) -> list[Spec]:
        """Return a few forms of a class as a sum, the longest first; a class that is a number has none."""
        if self.graph.number(name) is not None:
            return []
        specs = [self.spec(node) for node in self.graph.nodes(name, "+") if len(node.children) <= WIDTH]
        # a sum that holds its own class, as f = f*sin(x)^2 + f*cos(x)^2 does, would grow without end
        distinct = {
            _spec_key(s): s for s in specs if len(s) > 1 and all(base != name for m in s for base, _ in m)
        }
        return sorted(distinct.values(), key=lambda s: (-len(s), _spec_key(s)))[: FORMS - 1]

    # --- writing ---

    def monomial_text(self, monomial: Monomial) -> str:
        """Return the text of a product of powers."""
        return self.writer.product(
            1, [self.writer.powered(b if isinstance(b, str) else class_text(b), e) for b, e in monomial]
        )

    def scaled_text(self, coefficient: Any, monomial: Monomial) -> str:
        """Return the text of a coefficient times a product of powers."""
        if not monomial or coefficient == 0:
            return self.writer.number(coefficient if not monomial else 0)
        return self.writer.scaled(coefficient, self.monomial_text(monomial))

    def sum_text(self, spec: Spec) -> str:
        """Return the text of a sum."""
        parts = [self.scaled_text(c, m) for m, c in spec.items() if m]
        return self.writer.sum(spec.get((), 0), parts)

    # --- the laws ---

    def results(self, name: int, node: Node) -> Iterator[str]:
        """Yield the texts of terms that equal an e-node of the class ``name``; what is a number needs no other form."""
        if node.op != "number" and self.graph.number(name) is not None:
            return
        if node.op == "+":
            if len(node.children) <= WIDTH:
                yield from self._sum(node)
        elif node.op == "*":
            if len(node.children) <= WIDTH:
                yield from self._product(node)
        elif node.op == "scale":
            yield from self._multiple(node)
        elif node.op == "power":
            yield from self._power(node)
        elif node.op not in ("number", "leaf"):
            yield from self._call(node)

    def _sum(self, node: Node) -> Iterator[str]:
        spec = self.spec(node)
        yield self.sum_text(spec)  # like terms together, numbers folded
        for child in node.children:  # a sum in a sum, flat
            coefficient, monomial = self.view(child)
            core = (
                monomial[0][0]
                if len(monomial) == 1 and monomial[0][1] == 1 and isinstance(monomial[0][0], int)
                else child
            )
            for form in [*self.sums(core)] if core != child else self.sums(child):
                if core == child:
                    coefficient = 1
                flat = dict(spec)
                own_coefficient, own = self.view(child)
                _add(flat, own, -own_coefficient)
                for part, weight in form.items():
                    _add(flat, part, numbers.normal(coefficient * weight))
                if len(flat) <= WIDTH:
                    yield self.sum_text(flat)
        if len(spec) < 2:
            return
        yield from self._content(spec)
        yield from self._common_factors(node, spec)
        yield from self._common_denominator(spec)
        yield from self._logarithms(spec)

    def _content(self, spec: Spec) -> Iterator[str]:
        """2*a + 4*b = 2*(a + 2*b), and the first coefficient positive."""
        content = _content(spec)
        if content != 1:
            inner = {m: numbers.normal(Fraction(c) / content) for m, c in spec.items()}
            yield self.writer.scaled(content, self.sum_text(inner))

    def _common_factors(self, node: Node, spec: Spec) -> Iterator[str]:
        """a*x + a*y + z = a*(x + y) + z, for each a, and the same for numbers and signs."""
        having: dict[tuple[int, bool], dict[Monomial, tuple[Any, Monomial]]] = {}
        for child in node.children:
            own_coefficient, own = self.view(child)
            for coefficient, monomial in self.forms(child) if own in spec and own_coefficient != 0 else ():
                ratio = numbers.normal(coefficient / Fraction(own_coefficient))  # own = ratio * monomial
                for base, exponent in monomial:
                    if isinstance(base, int):
                        having.setdefault((base, exponent > 0), {}).setdefault(own, (ratio, monomial))
        for (base, positive), group in sorted(having.items()):
            if len(group) > 1:
                least = min(abs(dict(m)[base]) for _, m in group.values())
                yield self._taken_out(spec, group, 1, ((base, least if positive else -least),))
        by_size: dict[Any, dict[Monomial, tuple[Any, Monomial]]] = {}
        for monomial, coefficient in spec.items():
            by_size.setdefault(abs(coefficient), {})[monomial] = (1, monomial)
        for size, group in sorted(by_size.items()):
            minus = {m: entry for m, entry in group.items() if spec[m] < 0}
            for part, factor in ((group, size), (minus, -size)):
                if 1 < len(part) < len(spec) and factor != 1:
                    yield self._taken_out(spec, part, factor, ())

    def _taken_out(
        self, spec: Spec, group: Mapping[Monomial, tuple[Any, Monomial]], factor: Any, common: Monomial
    ) -> str:
        """Return factor * common * (the group divided by both) + the rest."""
        turned = [(base, -exponent) for base, exponent in common]
        inner: Spec = {}
        for own, (ratio, monomial) in group.items():
            _add(inner, _combined([*monomial, *turned]), numbers.normal(Fraction(spec[own]) * ratio / factor))
        left = {m: c for m, c in spec.items() if m not in group}
        _add(left, tuple([*common, (self.sum_text(inner), 1)]), factor)
        return self.sum_text(left)

    def _common_denominator(self, spec: Spec) -> Iterator[str]:
        """a/b + c = (a + b*c)/b, over all denominators at once."""
        lowest: dict[Base, Any] = {}
        for monomial in spec:
            for base, exponent in monomial:
                if exponent < 0 and numbers.is_integer(exponent):
                    lowest[base] = min(exponent, lowest.get(base, 0))
        if not lowest or len(lowest) * len(spec) > 4 * EXPANDED:
            return
        turned = [(base, -exponent) for base, exponent in lowest.items()]
        above: Spec = {}
        for monomial, coefficient in spec.items():
            _add(above, _combined([*monomial, *turned]), coefficient)
        if len(above) == len(spec):
            yield self.monomial_text((*sorted(lowest.items(), key=str), (self.sum_text(above), 1)))

    def _logarithms(self, spec: Spec) -> Iterator[str]:
        """n*log(a) + m*log(b) + c = log(a^n*b^m) + c for whole n, m: every argument is positive where the left side is defined."""
        for head in ("log", "log2", "log10"):
            inner = []
            left = dict(spec)
            for monomial, coefficient in spec.items():
                argument = self._argument(monomial, head)
                if argument is not None and isinstance(coefficient, int):
                    inner.append((argument, coefficient))
                    del left[monomial]
            if len(inner) > 1:
                product = self.monomial_text(_combined(inner))
                _add(left, ((self.language.text(head, None, [product]), 1),), 1)
                yield self.sum_text(left)

    def _argument(self, monomial: Monomial, head: str) -> int | None:
        """Return the argument if the monomial is one call of a function."""
        if len(monomial) != 1 or monomial[0][1] != 1 or isinstance(monomial[0][0], str):
            return None
        calls = self.graph.nodes(monomial[0][0], head)
        return calls[0].children[0] if calls else None

    def _product(self, node: Node) -> Iterator[str]:
        coefficient, monomial = self._of_children(node)
        yield self.scaled_text(
            coefficient, monomial
        )  # like bases together, numbers folded, a product in a product flat
        yield from self._distributed(coefficient, monomial)
        yield from self._gathered(coefficient, monomial)

    def _of_children(self, node: Node) -> tuple[Any, Monomial]:
        views = [self.view(child) for child in node.children]
        coefficient = numbers.normal(prod(c for c, _ in views))
        return coefficient, _combined([pair for _, m in views for pair in m])

    def _distributed(self, coefficient: Any, monomial: Monomial) -> Iterator[str]:
        """a*(b + c) = a*b + a*c: for each sum among the factors, and for all of them."""
        factors = []
        for base, exponent in monomial:
            if isinstance(base, int) and isinstance(exponent, int) and 1 <= exponent <= MAX_POWER:
                factors += [(base, exponent, form) for form in self.sums(base)[:1]]
        for base, exponent, form in factors:
            rest = tuple(pair for pair in monomial if pair[0] != base)
            yield from self._expanded(coefficient, rest, [(form, exponent)])
        if len(factors) > 1:
            sums = {base for base, _, _ in factors}
            rest = tuple(pair for pair in monomial if pair[0] not in sums)
            yield from self._expanded(coefficient, rest, [(form, exponent) for _, exponent, form in factors])

    def _expanded(self, coefficient: Any, rest: Monomial, factors: list[tuple[Spec, int]]) -> Iterator[str]:
        if prod(len(form) ** exponent for form, exponent in factors) > 4 * EXPANDED:
            return
        total: Spec = {rest: coefficient}
        for form, exponent in factors:
            for _ in range(exponent):
                new: Spec = {}
                for m, c in total.items():
                    for other, weight in form.items():
                        _add(new, _combined([*m, *other]), numbers.normal(c * weight))
                total = new
        if len(total) <= EXPANDED:
            yield self.sum_text(total)

    def _gathered(self, coefficient: Any, monomial: Monomial) -> Iterator[str]:
        """Functions that turn products into products or sums: exp, abs, sign, cbrt and equal powers, all factors at once."""
        for head, outer in _HOMOMORPHISMS.items():
            inner, left = [], []
            for base, exponent in monomial:
                calls = self.graph.nodes(base, head) if isinstance(base, int) else []
                if calls and numbers.is_integer(exponent):
                    inner.append((calls[0].children[0], exponent))
                else:
                    left.append((base, exponent))
            if len(inner) > 1 or (outer == "+" and inner and inner[0][1] != 1):
                if outer == "+":
                    total: Spec = {}
                    for argument, exponent in inner:
                        scale, part = self.view(argument)
                        _add(total, part, numbers.normal(scale * exponent))
                    text = self.sum_text(total)
                else:
                    text = self.monomial_text(_combined(inner))
                yield self.scaled_text(
                    coefficient, _combined([*left, (self.language.text(head, None, [text]), 1)])
                )
        by_exponent: dict[Any, list[Base]] = {}
        for base, exponent in monomial:
            if exponent != 1:
                by_exponent.setdefault(exponent, []).append(base)
        for exponent, bases in sorted(by_exponent.items()):
            if len(bases) > 1:
                # where the left side is defined, each base of a broken power is not negative
                left = [pair for pair in monomial if pair[1] != exponent]
                text = self.monomial_text(_combined([(base, 1) for base in bases]))
                yield self.scaled_text(coefficient, _combined([*left, (text, exponent)]))

    def _multiple(self, node: Node) -> Iterator[str]:
        own = number_value(node.data)
        coefficient, monomial = self.view(node.children[0])
        yield self.scaled_text(numbers.normal(own * coefficient), monomial)
        for form in self.sums(node.children[0]):  # 2*(a + b) = 2*a + 2*b
            yield self.sum_text({m: numbers.normal(own * c) for m, c in form.items()})
        if len(monomial) == 1 and monomial[0][1] == 1 and isinstance(monomial[0][0], int):
            for form in self.sums(monomial[0][0]):
                yield self.sum_text({m: numbers.normal(own * coefficient * c) for m, c in form.items()})

    def _power(self, node: Node) -> Iterator[str]:
        exponent = number_value(node.data)
        name = node.children[0]
        coefficient, monomial = self.view(name)
        if exponent == 0:
            yield self.writer.number(1)
        elif numbers.is_integer(exponent):
            factor = numbers.power(coefficient, exponent)
            if factor is not None:
                yield self.scaled_text(factor, _combined([(b, e * exponent) for b, e in monomial]))
            if 1 < exponent <= MAX_POWER:
                for form in self.sums(name)[:1]:
                    yield from self._expanded(1, (), [(form, exponent)])
        else:
            yield from self._root(coefficient, monomial, exponent)
        if exponent != 1:
            for head, outer in _HOMOMORPHISMS.items():
                calls = self.graph.nodes(name, head)
                if calls and outer == "+":  # exp(a)^n = exp(n*a) for any number n
                    scale, part = self.view(calls[0].children[0])
                    yield self.language.text(
                        head, None, [self.scaled_text(numbers.normal(scale * exponent), part)]
                    )

    def _root(self, coefficient: Any, monomial: Monomial, exponent: Any) -> Iterator[str]:
        """A broken power of a product: positive factors come out; a broken power in it has a base that is not negative."""
        factor = numbers.power(coefficient, exponent) if coefficient > 0 else None
        out, inside = [], []
        for base, e in monomial:
            sign = self.signs.of(base) if isinstance(base, int) else 0
            if sign == POSITIVE or (
                len(monomial) == 1 and (not numbers.is_integer(e) or (sign and not sign & ~(ZERO | POSITIVE)))
            ):
                out.append((base, numbers.normal(e * exponent)))
            else:
                inside.append((base, e))
        if factor is None:
            factor = 1
            kept = coefficient
        else:
            kept = 1
        if not out and kept == coefficient:
            return
        if inside or kept != 1:
            out.append((self.scaled_text(kept, tuple(inside)), exponent))
        yield self.scaled_text(factor, _combined(out))

    def _call(self, node: Node) -> Iterator[str]:
        row = OPERATORS.get(node.op)
        children = [class_text(child) for child in node.children]
        if row is not None and row.parity is not None and len(node.children) == 1:
            coefficient, monomial = self.view(node.children[0])
            if coefficient < 0:  # sin(-a) = -sin(a), cos(-a) = cos(a)
                inner = self.language.text(node.op, None, [self.scaled_text(-coefficient, monomial)])
                yield inner if row.parity == "even" else self.writer.scaled(-1, inner)
        if node.op == "exp":
            for form in self.sums(node.children[0])[:1]:  # exp(a + b) = exp(a)*exp(b), for all addends
                texts = [self.language.text("exp", None, [self.scaled_text(c, m)]) for m, c in form.items()]
                yield self.writer.product(1, texts)
        if node.op == "^":
            value = self.graph.number(node.children[1])
            if value is not None and not isinstance(value, bool):
                yield self.writer.powered(children[0], value)
        if node.op == "ifelse":
            truth = self.graph.number(node.children[0])
            if isinstance(truth, bool):
                yield children[1] if truth else children[2]
            elif node.children[1] == node.children[2]:
                yield children[1]
        if is_bag(node.op) and row is not None and row.associative:
            flat: list[int] = []
            for child in node.children:  # min(a, min(b, c)) = min(a, b, c), min(a, a) = a
                inner_nodes = self.graph.nodes(child, node.op)
                flat += (
                    inner_nodes[0].children
                    if inner_nodes and child not in inner_nodes[0].children
                    else [child]
                )
            distinct = sorted(set(flat)) if row.idempotent else flat
            if distinct != list(node.children) and len(distinct) <= WIDTH:
                texts = [class_text(child) for child in distinct]
                yield texts[0] if len(texts) == 1 else self.language.text(node.op, None, texts)


_HOMOMORPHISMS = {"exp": "+", "abs": "*", "sign": "*", "cbrt": "*"}
"""f(a)*f(b) = f(a + b) or f(a*b), wherever f(a) and f(b) are defined."""


def _combined(pairs: Iterable[tuple[Base, Any]]) -> Monomial:
    """Return a product of powers with like bases together; x/x is 1."""
    found: dict[Base, Any] = {}
    for base, exponent in pairs:
        total = numbers.normal(found.get(base, 0) + exponent)
        if total == 0:
            found.pop(base, None)
        else:
            found[base] = total
    return tuple(sorted(found.items(), key=lambda pair: (isinstance(pair[0], str), pair[0], pair[1])))


def _add(spec: Spec, monomial: Monomial, coefficient: Any) -> None:
    total = numbers.normal(spec.get(monomial, 0) + coefficient)
    if total == 0:
        spec.pop(monomial, None)
    else:
        spec[monomial] = total


def _order(monomial: Monomial) -> tuple[Any, ...]:
    return tuple((isinstance(b, str), str(b) if isinstance(b, str) else b, e) for b, e in monomial)


def _spec_key(spec: Spec) -> tuple[Any, ...]:
    return tuple(sorted((_order(m), str(c)) for m, c in spec.items()))


def _content(spec: Spec) -> Any:
    """Return the greatest common divisor of the coefficients, with the sign of the first."""
    above = below = 0
    for coefficient in spec.values():
        value = Fraction(coefficient)
        above = gcd(above, value.numerator)
        below = value.denominator if not below else below * value.denominator // gcd(below, value.denominator)
    first = spec[min(spec, key=_order)]
    return numbers.normal(Fraction(above, below) * (1 if first > 0 else -1))
