"""Slots: what stands for something in a pattern, and how it is written, in text and in Python.

========================  ============================  =============================================================================
text                      Python                        stands for
========================  ============================  =============================================================================
``a``                     ``symbols("a")``              any term
``a::positive``           ``symbols("a", positive=...)``  a term that is known to be positive; the sorts and assumptions of symbols
``c::number``             ``slot("c", "number")``       a number, also the coefficient of a product and the constant of a sum
``v::symbol``             ``slot("v", "symbol")``       a symbol
``n::default``            ``default_slot("n")``         any term, or what leaves the rest as it is: 1*x, x^1, x + 0
``xs...``                 ``segment("xs")``             any number of arguments, addends, factors, or items of min, max, and, or
``F::function(a, b)``     ``function_slot("F")(a, b)``  any call that is no sum, product or power; F is its head
========================  ============================  =============================================================================

A segment in a template is spliced into a sum, product or other call that takes any number of arguments, ``max(a, xs...) -> a + xs``; where
one term is needed, it is put together again by the head from which it was taken, ``log(a*xs...) -> log(a) + log(xs)``.

A slot is a symbol, so that patterns are written with the operators of terms; what kind it is stands in its name.  An application of a
function slot is a symbol too, whose metadata hold the function and the arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.symbols import backend_module, symbol

PREDICATES: Mapping[str, Callable[[Any], bool]] = {
    "number": interface.is_number,
    "symbol": interface.is_symbol,
}
"""Words after ``::`` that are neither sorts nor assumptions -> what must hold for the term."""

_DEFAULT, _FUNCTION, _SEGMENT = "default", "function", "..."
_KINDS = (*PREDICATES, _DEFAULT)

_DECLARED = re.compile(r"\b([^\W\d]\w*)((?:\s*::\s*\w+)*)(\s*\.\.\.)?((?:\s*::\s*\w+)*)")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the symbol of a slot says: its name, whether it is a segment or may be left out, and its predicate words."""

    name: str
    segment: bool
    default: bool
    words: tuple[str, ...]


def declaration(slot: Any) -> Declaration:
    """Read what kind of slot a symbol is.

    >>> declaration(segment("xs"))
    Declaration(name='xs', segment=True, default=False, words=())
    """
    name, *words = interface.name(slot).removesuffix(_SEGMENT).split("::")
    return Declaration(
        name,
        interface.name(slot).endswith(_SEGMENT),
        _DEFAULT in words,
        tuple(word for word in words if word in PREDICATES),
    )


def slot(name: str, *words: str, backend: str = "interned", **assume: bool) -> Any:
    """Return a slot for one term; words are "number", "symbol" and "default", assumptions those of symbols.

    Raises ValueError for another word.

    >>> from symnum.rewriting import rule
    >>> import symnum as sn
    >>> a, c = sn.symbols("a"), slot("c", "number")
    >>> next(rule(sn.exp(a)**c, sn.exp(c*a)).results(sn.parse("exp(x)^3")))
    exp(3*x)
    """
    return _slot(name, words, "", backend, assume)


def default_slot(name: str, *words: str, backend: str = "interned", **assume: bool) -> Any:
    """Return a slot that may be left out: as a factor or exponent it then is 1, as an addend 0.

    >>> from symnum.rewriting import rule
    >>> import symnum as sn
    >>> a, c = sn.symbols("a"), default_slot("c")
    >>> rule(sn.log(c*sn.exp(a)), a + sn.log(c)).text
    'log(c::default*exp(a)) -> a + log(c::default)'
    """
    return _slot(name, (_DEFAULT, *words), "", backend, assume)


def segment(name: str, *words: str, backend: str = "interned", **assume: bool) -> Any:
    """Return a slot for any number of arguments of a call; assumptions and words hold for each of them.

    >>> from symnum.rewriting import rule
    >>> import symnum as sn
    >>> a, rest = sn.symbols("a"), segment("rest")
    >>> drop = rule(sn.max(0, a, rest), sn.max(a, rest), where={"a": lambda term: str(term).startswith("exp")})
    >>> next(drop.results(sn.parse("max(0, exp(x), y, z)")))
    max(y, z, exp(x))
    """
    return _slot(name, words, _SEGMENT, backend, assume)


def _slot(name: str, words: Sequence[str], suffix: str, backend: str, assume: Mapping[str, bool]) -> Any:
    plain = symbol(name, "real", backend, **assume)
    for word in words:
        if word not in _KINDS:
            raise ValueError(
                f"slot {name!r} has the unknown word {word!r}; the words are {', '.join(map(repr, _KINDS))}, "
                f"and assumptions are written {name}=symbols({name!r}, positive=True) or slot({name!r}, positive=True)"
            )
    if _DEFAULT in words and suffix:
        raise ValueError(f"the segment {name!r} may stand for nothing anyway; leave the word 'default' out")
    spelled = "::".join([name, *[w for w in _KINDS if w in words]]) + suffix
    module = backend_module(backend)
    return module.symbol(spelled, interface.sort_of(plain), interface.assumptions(plain))


class FunctionSlot:
    """Stands for the head of a call: calling it on terms gives a pattern or template."""

    def __init__(self, name: str, sort: str = "real") -> None:
        symbol(name)  # refuses what is no name
        if sort not in ("real", "boolean"):
            raise ValueError(f"function slot {name!r} has the sort {sort!r}; use 'real' or 'boolean'")
        self.name, self.sort = name, sort

    def __repr__(self) -> str:
        return f"function_slot({self.name!r})"

    def __call__(self, *args: Any) -> Any:
        """Return the application to terms or numbers."""
        from symnum.text.printer import to_text

        backend = next((b for a in args if (b := interface.backend_of(a)) != "python"), "interned")
        module = backend_module(backend)
        terms = tuple(module.number(a) if interface.backend_of(a) == "python" else a for a in args)
        if not terms:
            raise ValueError(
                f"the function slot {self.name!r} needs arguments; write {self.name}(a), or {self.name}(xs...) for any"
            )
        kinds = _FUNCTION if self.sort == "real" else f"{_FUNCTION}::{self.sort}"
        text = f"{self.name}::{kinds}({', '.join(to_text(t, declare=True) for t in terms)})"
        made = module.symbol(text, self.sort, ())
        return module.with_metadata(made, applied=(self, terms))


def function_slot(name: str, sort: str = "real") -> FunctionSlot:
    """Return a slot for the head of any call but a sum, product or power.

    ``sort="boolean"`` makes its applications conditions.

    >>> from symnum.rewriting import rule
    >>> import symnum as sn
    >>> F, a = function_slot("F"), sn.symbols("a")
    >>> even = rule(F(abs(a)), F(a), where={"F": lambda head: sn.operators.operator(head).parity == "even"})
    >>> next(even.results(sn.cos(abs(sn.symbols("x")))))
    cos(x)
    """
    return FunctionSlot(name, sort)


def applied(node: Any) -> tuple[FunctionSlot, tuple[Any, ...]] | None:
    """Return function slot and arguments when a symbol is an application, else None."""
    if not interface.is_symbol(node):
        return None
    return interface.metadata(node).get("applied")


def parts(node: Any) -> Sequence[Any]:
    """Return the arguments of a call or of an application of a function slot."""
    if interface.is_call(node):
        return list(interface.sorted_args(node))
    found = applied(node)
    return [] if found is None else list(found[1])


def rebuilt(node: Any, new: Sequence[Any]) -> Any:
    """Return a call or application with other arguments."""
    if interface.is_call(node):
        return interface.make(node, interface.head(node), new)
    found = applied(node)
    return node if found is None else found[0](*new)


def is_segment(node: Any) -> bool:
    """Tell whether a node is the symbol of a segment."""
    return interface.is_symbol(node) and applied(node) is None and declaration(node).segment


# --- text -----------------------------------------------------------------------------------------------------------------------


def read(text: str, known: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the term of one side of a rule, and {name: symbol or function slot} of all slots known by then.

    A slot that was declared needs its declaration only once.  Raises ValueError, also as ParseError, for what is no formula.
    """
    from symnum.text.parser import parse

    bound = dict(known)
    for found in _DECLARED.finditer(text):
        words = _WORD.findall(found[2]) + _WORD.findall(found[4] or "")
        if words or found[3]:
            bound[found[1]] = _declared(found[1], words, bool(found[3]), bound.get(found[1]))
    plain = _DECLARED.sub(r"\1", text).strip()
    functions = {name: made for name, made in bound.items() if isinstance(made, FunctionSlot)}
    terms = {name: made for name, made in bound.items() if name not in functions}
    count = 0
    while functions:
        place = _last_application(plain, functions)
        if place is None:
            break
        name, start, end, pieces = place
        stand_in = f"_{name}{count}"
        while stand_in in plain:
            stand_in += "_"
        count += 1
        # the pieces hold no application any more: it was the last one in the text
        terms[stand_in] = functions[name](*[parse(piece, symbols=terms) for piece in pieces])
        plain = plain[:start] + stand_in + plain[end:]
    alone = next((word for word in _WORD.findall(plain) if word in functions), None)
    if alone is not None:
        raise ValueError(
            f"the function slot {alone!r} stands alone in {text.strip()!r}; apply it, as in {alone}(a)"
        )
    return parse(plain, symbols=terms), bound


def _declared(name: str, words: list[str], dotted: bool, known: Any) -> Any:
    from symnum.text.parser import parse

    if _FUNCTION in words:
        rest = [word for word in words if word != _FUNCTION]
        made: Any = function_slot(name, *rest[:1])
        same = isinstance(known, FunctionSlot) and known.sort == made.sort
    else:
        kinds = [word for word in words if word in _KINDS]
        others = [word for word in words if word not in _KINDS]
        plain = parse("::".join([name, *others])) if others else symbol(name)
        assume = dict.fromkeys([*interface.assumptions(plain)], True)
        spelled = _slot(name, kinds, _SEGMENT if dotted else "", "interned", assume)
        made = backend_module("interned").symbol(
            interface.name(spelled), interface.sort_of(plain), interface.assumptions(plain)
        )
        same = known is made or (dotted and not words and _is_segment(known))
    if known is not None and not same:
        raise ValueError(
            f"{name!r} is declared as {known!r} before and here as {made!r}; write it without '::' here"
        )
    return made if known is None else known


def _is_segment(made: Any) -> bool:
    return made is not None and not isinstance(made, FunctionSlot) and declaration(made).segment


def _last_application(
    text: str, functions: Mapping[str, FunctionSlot]
) -> tuple[str, int, int, list[str]] | None:
    """Return (name, start, end, texts of the arguments) of the last application of a function slot in a text."""
    last = None
    for found in re.finditer(r"\b([^\W\d]\w*)\s*\(", text):
        if found[1] in functions:
            last = found
    if last is None:
        return None
    depth, begin, pieces = 0, last.end(), []
    for place in range(last.end() - 1, len(text)):
        letter = text[place]
        if letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
        if (letter == "," and depth == 1) or depth == 0:
            pieces.append(text[begin:place])
            begin = place + 1
        if depth == 0:
            return last[1], last.start(), place + 1, [p for p in pieces if p.strip() or len(pieces) > 1]
    raise ValueError(f"the bracket of {last[1]}(...) is never closed in {text!r}")
