"""Terms to text that reads back as the same term.

Canonical terms are written the way one writes by hand: ``2*x^2 - y/3``.  Terms of the ``tree`` backend are written exactly as they
are built, so that reading them into that backend gives the same nodes again:

====================================  ========================
node                                  text
====================================  ========================
``+`` of x, y, z                      ``x + y + z``
``+`` of (``+`` of x, y), z           ``(x + y) + z``
the numbers -2 and 1/3                ``-2``, ``1/3``
``neg`` of 2, ``/`` of 1, 3           ``-(2)``, ``1/(3)``
``+`` of x alone, ``*`` of nothing    ``(+)(x)``, ``(*)()``
====================================  ========================

A term that shares so much that it would be far longer than its graph is written with definitions: ``_1 := x + y; sin(_1)*_1``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

from symnum import term as interface
from symnum.text.layout import (
    ATOM,
    COMPARISONS,
    INFIX,
    Factor,
    Graph,
    addends_as_built,
    addends_in_order,
    is_canonical,
    is_larger_than,
    is_negative,
    number_text,
    precedence,
    quotient,
)

Part = str | tuple[Any, int]
"""A piece of text, or a term with the least precedence that stands there without brackets."""

_SHARED_SIZE = 10_000
"""Terms up to this unfolded size are written without definitions."""

_SHARED_RATIO = 4
"""Definitions are used when the text would be this many times longer than the graph."""

_TINY = 4
"""Shared terms up to this unfolded size are written out each time."""

_CUT_ORDERED = 1000
"""A text that will be cut is put in order only if the term has at most this many distinct sub-terms."""

_SUM, _PRODUCT, _POWER = precedence("+"), precedence("*"), precedence("^")
_SIGNED = precedence("neg") + 1
_EXPONENT = _POWER + 10
_HALF = Fraction(1, 2)


def to_text(term: Any, *, declare: bool = False, limit: int | None = None) -> str:
    """Write a term as a formula that :func:`symnum.parse` reads back.

    ``declare`` writes the sort and the assumptions of a symbol where it first occurs, as in ``k::positive*x + k``.  ``limit`` keeps
    that many characters and adds ``...``, without looking at the rest of the term; a term of more than 1,000 nodes is then
    written in the order in which it was built.

    >>> import symnum as sn
    >>> x, k = sn.symbols("x"), sn.symbols("k", positive=True)
    >>> to_text(k * x**2 - sn.sqrt(k) / x), to_text(k * x, declare=True)
    ('k*x^2 - sqrt(k)/x', 'k::positive*x')
    >>> to_text(sum(sn.symbols("x1:9")), limit=12)
    'x1 + x2 + x3...'
    """
    if limit is None:
        return "".join(_Writer(term, declare).formula())
    pieces: list[str] = []
    length = 0
    for piece in _Writer(term, declare, limit + 1).formula():
        pieces.append(piece)
        length += len(piece)
        if length > limit:
            return "".join(pieces)[:limit] + "..."
    return "".join(pieces)


class _Writer:
    """Yield the text of one term piece by piece, from left to right."""

    def __init__(self, root: Any, declare: bool, limit: int | None = None) -> None:
        self.root = root
        self.most = limit  # more addends than characters are not needed
        self.ordered = limit is None or not is_larger_than(root, _CUT_ORDERED)
        self.names: dict[Hashable, str] = {}
        self.defined: list[Any] = []
        self.ambiguous: set[str] = set()
        self.declared: set[Hashable] | None = set() if declare else None
        if limit is None:
            self._define_shared()
            if declare:
                self._find_ambiguous()

    def _define_shared(self) -> None:
        """Choose the sub-terms that get a name."""
        graph = Graph(self.root)
        if graph.size <= max(_SHARED_SIZE, _SHARED_RATIO * len(graph.sizes)):
            return
        graph = Graph(self.root, ordered=True)
        for node in graph.calls:
            identity = interface.key(node)
            if graph.uses.get(identity, 0) > 1 and graph.sizes[identity] > _TINY:
                self.defined.append(node)
        taken = [interface.name(symbol) for symbol in interface.free_symbols(self.root)]
        prefix = "_"
        while any(name.startswith(prefix) and name[len(prefix) :].isdigit() for name in taken):
            prefix += "_"
        self.names = {interface.key(node): f"{prefix}{i}" for i, node in enumerate(self.defined, 1)}

    def _find_ambiguous(self) -> None:
        """Find names that stand for several symbols: each of their occurrences is declared."""
        seen: set[str] = set()
        for symbol in interface.free_symbols(self.root):
            name = interface.name(symbol)
            (self.ambiguous if name in seen else seen).add(name)

    def formula(self) -> Iterator[str]:
        """Yield definitions and then the term."""
        for node in self.defined:
            yield f"{self.names[interface.key(node)]} := "
            yield from self._pieces(node)
            yield "; "
        yield from self._pieces(self.root)

    def _pieces(self, root: Any) -> Iterator[str]:
        stack: list[Part] = list(reversed(self._layout(root)[1]))
        while stack:
            part = stack.pop()
            if isinstance(part, str):
                yield part
                continue
            term, floor = part
            name = self.names.get(interface.key(term)) if self.names else None
            if name is not None:
                yield name
                continue
            binding, parts = self._layout(term)
            if binding < floor:
                stack.append(")")
                stack.extend(reversed(parts))
                yield "("
            else:
                stack.extend(reversed(parts))

    def _layout(self, term: Any) -> tuple[int, Sequence[Part]]:
        """Return the precedence and the parts of one node."""
        if interface.is_number(term):
            binding, text = number_text(interface.value(term))
            return binding, (text,)
        if interface.is_symbol(term):
            return ATOM, (self._symbol(term),)
        head = interface.head(term)
        if head in ("*", "^") and is_canonical(term):
            return self._product(*interface.factors(term))
        if head == "+" and is_canonical(term):
            addends = addends_in_order(term) if self.ordered else addends_as_built(term)
            return _SUM, self._sum(islice(addends, self.most))
        args = interface.sorted_args(term) if self.ordered else interface.args(term)
        binding = precedence(head)
        if head == "neg":
            return binding, ("-", *_bracketed_number(args[0], _SIGNED))
        if head == "not":
            return binding, ("not ", (args[0], _EXPONENT))
        if head in COMPARISONS:
            return binding, ((args[0], binding + 1), f" {head} ", (args[1], binding + 1))
        if head in ("and", "or") and len(args) > 1:
            return binding, _joined(args, f" {head} ", binding + 1)
        if head in _EXACT and (len(args) == 2 or (len(args) > 2 and head in ("+", "*"))):
            return binding, _EXACT[head](args)
        if head in INFIX:
            return ATOM, (f"({head})(", *_joined(args, ", ", 0), ")")
        return ATOM, (f"{head}(", *_joined(args, ", ", 0), ")") if args else (head,)

    def _symbol(self, term: Any) -> str:
        name = interface.name(term)
        if self.declared is None:
            return name
        sort = interface.sort_of(term)
        kinds = [] if sort == "real" else [sort]
        kinds += sorted(interface.assumptions(term))
        if name in self.ambiguous:
            return "::".join([name, *(kinds or ["real"])])
        if interface.key(term) in self.declared:
            return name
        self.declared.add(interface.key(term))
        return "::".join([name, *kinds])

    def _sum(self, addends: Iterable[tuple[Any, Any]]) -> list[Part]:
        """Write a canonical sum: a negative addend is subtracted."""
        parts: list[Part] = []
        for coefficient, term in addends:
            pairs: Iterable[Factor] = ()
            if term is not None:
                pairs = [(term, 1)] if interface.key(term) in self.names else interface.factors(term)[1]
            negative, above, below = quotient(coefficient, pairs, self.ordered)
            if parts:
                parts.append(" - " if negative else " + ")
            elif negative:
                parts.append("-")
            alone = len(above) == 1 and not below and above[0][1] is None
            parts += [(above[0][0], _SUM + 1)] if alone else _fraction(above, below)
        return parts

    def _product(self, coefficient: Any, pairs: Any) -> tuple[int, list[Part]]:
        negative, above, below = quotient(coefficient, pairs, self.ordered)
        if len(above) == 1 and not below and not negative:
            return _power(*above[0])
        return _PRODUCT, [*("-" if negative else ""), *_fraction(above, below)]


def _joined(args: Sequence[Any], separator: str, floor: int) -> list[Part]:
    parts: list[Part] = []
    for arg in args:
        if parts:
            parts.append(separator)
        parts.append((arg, floor))
    return parts


def _power(base: Any, exponent: Any) -> tuple[int, list[Part]]:
    """Lay out a factor of a canonical product; the exponent 1/2 is a sqrt."""
    if exponent is None:
        return _PRODUCT, [(base, _PRODUCT + 1)]
    if type(exponent) is Fraction and exponent == _HALF:
        return ATOM, ["sqrt(", (base, 0), ")"]
    return _POWER, [(base, _POWER + 1), "^", (exponent, _EXPONENT)]


def _fraction(above: Sequence[Factor], below: Sequence[Factor]) -> list[Part]:
    parts = _factors(above)
    if below:
        parts.append("/")
        parts += _factors(below) if len(below) == 1 else ["(", *_factors(below), ")"]
    return parts


def _factors(factors: Sequence[Factor]) -> list[Part]:
    parts: list[Part] = []
    for base, exponent in factors:
        if parts:
            parts.append("*")
        parts += _power(base, exponent)[1]
    return parts


# --- exactly as built ---------------------------------------------------------------------------------------------------------


def _later(arg: Any, floor: int) -> Part:
    """Return an argument that is not the first: one that begins with a sign gets brackets."""
    if interface.is_number(arg):
        return (arg, _SIGNED if is_negative(interface.value(arg)) else floor)
    return (arg, _SIGNED if interface.is_call(arg) and interface.head(arg) == "neg" else floor)


def _bracketed_number(arg: Any, floor: int) -> tuple[Part, ...]:
    """Return an argument with brackets around a number, which would otherwise be read as part of a longer one."""
    return ("(", (arg, 0), ")") if interface.is_number(arg) else ((arg, floor),)


def _sum(args: Sequence[Any]) -> list[Part]:
    return _run("+", " + ", _SUM, args)


def _product(args: Sequence[Any]) -> list[Part]:
    return _run("*", "*", _PRODUCT, args)


def _run(head: str, separator: str, floor: int, args: Sequence[Any]) -> list[Part]:
    """Lay out a run ``a + b + c``; a first argument of the same head gets brackets, as it would join the run."""
    joins = interface.is_call(args[0]) and interface.head(args[0]) == head
    parts: list[Part] = [(args[0], floor + 1 if joins else floor)]
    for arg in args[1:]:
        parts += [separator, _later(arg, floor + 1)]
    return parts


def _difference(args: Sequence[Any]) -> list[Part]:
    return [(args[0], _SUM), " - ", _later(args[1], _SUM + 1)]


def _division(args: Sequence[Any]) -> list[Part]:
    above, below = args
    if not interface.is_number(above):
        return [(above, _PRODUCT), "/", _later(below, _PRODUCT + 1)]
    literal = type(interface.value(above)) is int
    return [
        (above, _PRODUCT + 1),
        "/",
        *(_bracketed_number(below, _PRODUCT + 1) if literal else [_later(below, _PRODUCT + 1)]),
    ]


def _raised(args: Sequence[Any]) -> list[Part]:
    return [(args[0], _POWER + 1), "^", (args[1], _EXPONENT)]


_EXACT = {"+": _sum, "-": _difference, "*": _product, "/": _division, "^": _raised}
