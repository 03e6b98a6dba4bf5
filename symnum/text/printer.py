"""Terms as text that parses back to the same term.

Sums and products are written from the views of :func:`symnum.term.addends` and :func:`symnum.term.factors` where the backend has
them (``x/y - sqrt(2)``), and exactly as they stand where it has not: a nested ``+`` keeps its brackets.  A graph whose unfolded tree
is far larger than itself is written with named parts, ``_1 := x + y; sin(_1)*_1``, so that the text grows with the distinct nodes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import Any

from symnum import term as interface
from symnum.exact import to_digits
from symnum.operators import OPERATORS

UNFOLDED_LIMIT = 10_000
"""Nodes of the unfolded tree above which shared parts get names."""

_LOWEST, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _NEGATE, _POWER, _ATOM = 0, 10, 20, 30, 40, 50, 60, 70, 80, 100
_WORDS = {"and": " and ", "or": " or "}
_ORDERED_NODES = 200

Piece = Any
"""What waits to be written: text, or (term, precedence that its place asks for)."""


def to_text(term: Any, *, declare: bool = False, limit: int | None = None) -> str:
    """Return a term as text in the formula language.

    ``declare`` writes sorts and assumptions of symbols (``x::positive``), so that :func:`symnum.parse` gives the same term;
    ``limit`` cuts after so many characters, at a cost that does not grow with the term.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> to_text(sn.sqrt(x) / y - 2 * x**2)
    '-2*x^2 + sqrt(x)/y'
    """
    if limit is not None:
        text = _Writer(declare, {}, _is_small(term)).write(term, limit)
        return text if len(text) <= limit else text[:limit] + "..."
    names = _shared_names(term)
    writer = _Writer(declare, {}, True)
    parts = []
    for key, (node, name) in names.items():
        parts.append(f"{name} := {writer.write(node)}; ")
        writer.names[key] = name
    return "".join(parts) + writer.write(term)


def _is_small(term: Any) -> bool:
    for count, _ in enumerate(interface.postorder(term)):
        if count > _ORDERED_NODES:
            return False
    return True


def _shared_names(root: Any) -> dict[Hashable, tuple[Any, str]]:
    """Return {key: (term, name)} of the parts to name, arguments first; empty for a term that prints as it is."""
    sizes: dict[Hashable, int] = {}
    uses: dict[Hashable, int] = {}
    order: list[Any] = []
    for node in walk(root):
        total = 1
        if interface.is_call(node):
            order.append(node)
            for child in interface.operands(node):
                key = interface.key(child)
                uses[key] = uses.get(key, 0) + 1
                total += sizes[key]
        sizes[interface.key(node)] = total
    if sizes[interface.key(root)] <= max(UNFOLDED_LIMIT, 4 * len(sizes)):
        return {}
    taken = {interface.name(s) for s in interface.free_symbols(root)}
    names: dict[Hashable, tuple[Any, str]] = {}
    number = 0
    for node in order:
        if uses.get(interface.key(node), 0) > 1:
            number += 1
            while f"_{number}" in taken:
                number += 1
            names[interface.key(node)] = (node, f"_{number}")
    return names


def walk(root: Any) -> list[Any]:
    """Return the distinct terms that the printer meets below ``root``, operands first."""
    seen: set[Hashable] = set()
    out: list[Any] = []
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, entered = stack.pop()
        if entered:
            out.append(node)
            continue
        key = interface.key(node)
        if key in seen:
            continue
        seen.add(key)
        stack.append((node, True))
        if interface.is_call(node):
            stack.extend((child, False) for child in interface.operands(node))
    return out


def number_text(value: Any) -> str:
    """Return a number as the formula language writes it.

    >>> number_text(Fraction(1, 3)), number_text(True), number_text(-0.0)
    ('1/3', 'true', '-0.0')
    """
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return to_digits(value)
    if isinstance(value, Fraction):
        return f"{to_digits(value.numerator)}/{to_digits(value.denominator)}"
    return repr(value)


class _Writer:
    """Write terms with an explicit stack; ``names`` holds the parts that are written by name."""

    def __init__(self, declare: bool, names: dict[Hashable, str], ordered: bool) -> None:
        self.declare, self.names, self.ordered = declare, names, ordered

    def write(self, root: Any, limit: int | None = None) -> str:
        out: list[str] = []
        length = 0
        stack: list[Piece] = [(root, _LOWEST)]
        while stack:
            piece = stack.pop()
            if isinstance(piece, str):
                out.append(piece)
                length += len(piece)
                if limit is not None and length > limit:
                    break
                continue
            stack.extend(reversed(self._pieces(*piece)))
        return "".join(out)

    def _pieces(self, term: Any, place: int) -> list[Piece]:
        """Return the pieces of one term, in brackets if its place binds tighter than it does."""
        name = self.names.get(interface.key(term)) if self.names else None
        if name is not None:
            return [name]
        face = interface.interface(term)
        if face.is_number(term):
            value = face.value(term)
            text = number_text(value)
            binds = _PRODUCT if isinstance(value, Fraction) else _NEGATE if text[0] == "-" else _ATOM
            return [text] if binds >= place else [f"({text})"]
        if face.is_symbol(term):
            return [self._symbol(term)]
        head = face.head(term)
        if face.factors is not None and head in ("*", "^"):
            binds, pieces = self._product(*face.factors(term))
        elif face.addends is not None and head == "+":
            binds, pieces = _SUM, self._sum(term)
        else:
            binds, pieces = self._call(term, face, head)
        return pieces if binds >= place else ["(", *pieces, ")"]

    def _symbol(self, term: Any) -> str:
        text = interface.name(term)
        if not self.declare:
            return text
        sort = interface.sort_of(term)
        words = [] if sort == "real" else [sort]
        return "::".join([text, *words, *sorted(interface.assumptions(term))])

    def _sum(self, term: Any) -> list[Piece]:
        """Write a sum from its view: a negative addend is subtracted."""
        pieces: list[Piece] = []
        for arg in interface.sorted_args(term) if self.ordered else interface.args(term):
            part = self._addend(arg)
            if isinstance(part[0], str) and part[0].startswith("-"):
                part[0] = part[0][1:]
                pieces.append(" - " if pieces else "-")
            elif pieces:
                pieces.append(" + ")
            pieces.extend(part)
        return pieces

    def _addend(self, arg: Any) -> list[Piece]:
        face = interface.interface(arg)
        if face.is_number(arg):
            return [number_text(face.value(arg))]
        named = self.names and interface.key(arg) in self.names
        if not named and face.is_call(arg) and face.head(arg) in ("*", "^"):
            return self._product(*face.factors(arg))[1]
        return [(arg, _SUM + 1)]

    def _product(self, coefficient: Any, pairs: Any) -> tuple[int, list[Piece]]:
        """Write coefficient * product of base^exponent as a fraction; returns how tightly it binds and the pieces."""
        factors = list(pairs)
        if self.ordered and len(factors) > 1:
            from symnum.order import order_key

            factors.sort(key=lambda pair: order_key(pair[0]))
        above: list[list[Piece]] = []
        below: list[list[Piece]] = []
        for base, exponent in factors:
            exact_negative = isinstance(exponent, int | Fraction) and exponent < 0
            (below if exact_negative else above).append(self._factor(base, -exponent if exact_negative else exponent))
        top, bottom = (coefficient.numerator, coefficient.denominator) if isinstance(coefficient, Fraction) else (coefficient, 1)
        lead = number_text(top)
        sign = ""
        if lead.startswith("-"):
            sign, lead = "-", lead[1:]
        if not above or lead != "1":
            above.insert(0, [lead])
        if bottom != 1:
            below.insert(0, [number_text(bottom)])
        pieces: list[Piece] = [sign] if sign else []
        pieces += _joined(above, "*")
        if below:
            pieces.append("/")
            pieces += below[0] if len(below) == 1 else ["(", *_joined(below, "*"), ")"]
        if len(above) == 1 and not below and not sign and len(factors) == 1:
            return self._power_binding(*factors[0]), pieces
        return _PRODUCT, pieces

    def _power_binding(self, base: Any, exponent: Any) -> int:
        if exponent == 1:
            return _PRODUCT
        return _ATOM if exponent == Fraction(1, 2) else _POWER

    def _factor(self, base: Any, exponent: Any) -> list[Piece]:
        if isinstance(exponent, int | Fraction) and exponent == 1:
            return [(base, _PRODUCT + 1)]
        if isinstance(exponent, Fraction) and exponent == Fraction(1, 2):
            return ["sqrt(", (base, _LOWEST), ")"]
        if isinstance(exponent, int | float | Fraction):
            text = number_text(exponent)
            return [(base, _POWER + 1), f"^({text})" if isinstance(exponent, Fraction) or text[0] == "-" else f"^{text}"]
        return [(base, _POWER + 1), "^", (exponent, _POWER + 1)]

    def _call(self, term: Any, face: Any, head: str) -> tuple[int, list[Piece]]:
        args = face.sorted_args(term) if self.ordered else face.args(term)
        row = OPERATORS.get(head)
        binds = row.precedence if row is not None else _ATOM
        if binds == _ATOM or len(args) < 1 + (head not in ("neg", "not")):
            if not args:
                return _ATOM, [head]
            return _ATOM, [f"{head}(", *_joined([[(a, _LOWEST)] for a in args], ", "), ")"]
        if head == "neg":
            bare = interface.is_number(args[0])
            return _NEGATE, ["-", *(["(", (args[0], _LOWEST), ")"] if bare else [(args[0], _NEGATE + 1)])]
        if head == "not":
            return _NOT, ["not ", (args[0], _ATOM)]
        if head == "^":
            return _POWER, [(args[0], _POWER + 1), "^", (args[1], _POWER + 1)]
        if binds == _COMPARE:
            return _COMPARE, [(args[0], _COMPARE + 1), f" {head} ", (args[1], _COMPARE + 1)]
        return binds, self._chain(head, binds, args)

    def _chain(self, head: str, binds: int, args: Sequence[Any]) -> list[Piece]:
        """Write + - * / and or with the left operand open to the operators that the parser chains differently."""
        spelled = _WORDS.get(head, f" {head} " if binds == _SUM else head)
        first = args[0]
        inner = interface.head(first) if interface.is_call(first) else ""
        nested = inner == head and head in ("+", "*", "and", "or")
        numbers = head == "/" and all(interface.is_number(a) for a in args)
        pieces: list[Piece] = ["(", (first, _LOWEST), ")"] if nested or numbers else [(first, binds)]
        for arg in args[1:]:
            pieces.append(spelled)
            pieces += ["(", (arg, _LOWEST), ")"] if numbers else [(arg, binds + 1)]
        return pieces


def _joined(groups: list[list[Piece]], separator: str) -> list[Piece]:
    out: list[Piece] = []
    for group in groups:
        if out:
            out.append(separator)
        out.extend(group)
    return out
