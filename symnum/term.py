"""The abstract term interface: a term is a leaf (symbol, number) or a call of a head on arguments.

Every algorithm of symnum is written against the functions of this module and never against a class.  Foreign types join
with :func:`register`.  The contract:

1. :func:`make` takes the *head*, not a template, and may return another kind of term (``x + 0`` may be ``x``);
2. :func:`args` comes in any order for a commutative head, and is cheap; :func:`sorted_args` is deterministic, and never
   depends on a hash;
3. metadata takes no part in identity, equality or hash;
4. numbers are exact (int, Fraction) or float, and are read with :func:`value`;
5. terms may be 10,000 deep and share sub-terms: walk them with :func:`postorder`, never by recursion.

Heads are the names of rows in the operator table, such as ``"+"`` and ``"sin"``.

>>> import symnum as sn
>>> x = sn.symbols("x")
>>> head(x + 1), sorted(str(a) for a in args(x + 1))
('+', ['1', 'x'])
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Term = Any
"""A term of any backend.  There is no common base class: the interface is functions."""

Value = Any
"""The value of a number leaf: int, Fraction, float or bool."""


def _never(term: Term) -> bool:
    return False


def _itself(term: Term) -> Hashable:
    return term


def _not_given(what: str, function: str) -> Callable[..., Any]:
    def refuse(term: Term, *rest: Any) -> Any:
        raise TypeError(
            f"{type(term).__name__} has no {what}; register it with symnum.term.register({type(term).__name__}, {function}=...)"
        )

    return refuse


@dataclass(frozen=True, slots=True)
class Interface:
    """Hold the functions that one Python type registered; see :func:`register`."""

    is_call: Callable[[Term], bool]
    head: Callable[[Term], str]
    args: Callable[[Term], Sequence[Term]]
    sorted_args: Callable[[Term], Sequence[Term]]
    make: Callable[..., Term]
    is_symbol: Callable[[Term], bool]
    is_number: Callable[[Term], bool]
    name: Callable[[Term], str]
    value: Callable[[Term], Value]
    number: Callable[[Value], Term]
    sort_of: Callable[[Term], str]
    assumptions: Callable[[Term], frozenset[str]]
    metadata: Callable[[Term], Mapping[str, Any]]
    key: Callable[[Term], Hashable]
    addends: Callable[[Term], tuple[Value, Iterable[tuple[Term, Value]]]] | None
    factors: Callable[[Term], tuple[Value, Iterable[tuple[Term, Any]]]] | None
    operands: Callable[[Term], Iterable[Term]]
    rebuild: Callable[[Term, Mapping[Term, Term]], Term] | None
    bulk: Mapping[str, Callable[..., Any]]
    backend: str


_INTERFACES: dict[type, Interface] = {}


def register(
    cls: type,
    *,
    is_call: Callable[[Term], bool],
    head: Callable[[Term], str] | None = None,
    args: Callable[[Term], Sequence[Term]] | None = None,
    make: Callable[..., Term] | None = None,
    is_symbol: Callable[[Term], bool] = _never,
    is_number: Callable[[Term], bool] = _never,
    name: Callable[[Term], str] | None = None,
    value: Callable[[Term], Value] | None = None,
    number: Callable[[Value], Term] | None = None,
    sorted_args: Callable[[Term], Sequence[Term]] | None = None,
    sort_of: Callable[[Term], str] | None = None,
    assumptions: Callable[[Term], frozenset[str]] | None = None,
    metadata: Callable[[Term], Mapping[str, Any]] | None = None,
    key: Callable[[Term], Hashable] | None = None,
    addends: Callable[[Term], tuple[Value, Iterable[tuple[Term, Value]]]] | None = None,
    factors: Callable[[Term], tuple[Value, Iterable[tuple[Term, Any]]]] | None = None,
    operands: Callable[[Term], Iterable[Term]] | None = None,
    rebuild: Callable[[Term, Mapping[Term, Term]], Term] | None = None,
    bulk: Mapping[str, Callable[..., Any]] | None = None,
    backend: str | None = None,
) -> None:
    """Make ``cls`` a term type, so that every generic function of symnum accepts its instances.

    ``make(head, args)`` builds a call and may return another type; ``number(value)`` builds a number leaf (by default the bare
    Python number); ``key(term)`` is a hashable that equals for equal terms (by default the term itself).
    ``addends`` and ``factors`` give a faster view of sums and products, see the functions of these names, with ``operands`` to match;
    ``rebuild(term, new)`` then returns the call with each of its operands replaced by ``new[operand]``; a backend with
    ``rebuild`` leaves ``key`` at its default.  ``bulk`` holds operations on many terms by name, see :func:`in_bulk`.
    Subclasses of ``cls`` are term types too.  Raises TypeError when ``cls`` is no class.

    >>> class Leaf:
    ...     pass
    >>> register(Leaf, is_call=lambda t: False, is_symbol=lambda t: True, name=lambda t: "leaf")
    >>> name(Leaf())
    'leaf'
    """
    if not isinstance(cls, type):
        raise TypeError(
            f"register takes a class, but got {cls!r}; write register(type(term), is_call=..., ...)"
        )
    given_args = args or _not_given("arguments", "args")
    _INTERFACES[cls] = Interface(
        is_call=is_call,
        head=head or _not_given("head", "head"),
        args=given_args,
        sorted_args=sorted_args or given_args,
        make=make or _refuse_make(cls),
        is_symbol=is_symbol,
        is_number=is_number,
        name=name or _not_given("name", "name"),
        value=value or _not_given("value", "value"),
        number=number or (lambda v: v),
        sort_of=sort_of or (lambda term: "real"),
        assumptions=assumptions or (lambda term: frozenset()),
        metadata=metadata or (lambda term: {}),
        key=key or _itself,
        addends=addends,
        factors=factors,
        operands=operands or given_args,
        rebuild=rebuild,
        bulk=bulk or {},
        backend=backend or cls.__name__,
    )
    for known in [c for c in _FACES if issubclass(c, cls)]:
        del _FACES[known]
        _OWN_KEYS.discard(known)


def _refuse_make(cls: type) -> Callable[..., Term]:
    def refuse(head: str, args: Sequence[Term]) -> Term:
        raise TypeError(
            f"{cls.__name__} cannot build a call of {head!r}; register it with symnum.term.register({cls.__name__}, make=...)"
        )

    return refuse


_FACES: dict[type, Interface] = {}
"""What was found for types of terms, also for those that inherit it: most of all look-ups end here."""


_OWN_KEYS: set[type] = set()
"""The types in ``_FACES`` whose terms are their own keys."""


def interface(term: Term) -> Interface:
    """Return the functions registered for the type of ``term``; raises TypeError for a type that is not registered."""
    try:
        return _FACES[type(term)]
    except KeyError:
        return _looked_up(term)


def _looked_up(term: Term) -> Interface:
    cls = type(term)
    for base in cls.__mro__:
        if base in _INTERFACES and (base is not object or cls is object):
            found = _FACES[cls] = _INTERFACES[base]
            if found.key is _itself:
                _OWN_KEYS.add(cls)
            return found
    hint = (
        "write symnum.parse(text) to read a formula"
        if isinstance(term, str)
        else f"pass a symnum term, or make the type known with symnum.term.register({cls.__name__}, ...)"
    )
    raise TypeError(f"{term!r} of type {cls.__name__} is not a term; {hint}")


def is_term(thing: Any) -> bool:
    """Tell whether ``thing`` is of a registered term type (Python numbers are)."""
    cls = type(thing)
    return cls in _INTERFACES or any(base in _INTERFACES for base in cls.__mro__[:-1])


def is_call(term: Term) -> bool:
    """Tell whether ``term`` is a call, so that :func:`head` and :func:`args` are defined."""
    return interface(term).is_call(term)


def head(term: Term) -> str:
    """Return the operator name of a call; raises TypeError for a leaf."""
    return interface(term).head(term)


def args(term: Term) -> Sequence[Term]:
    """Return the arguments of a call, in any order if the head is commutative; raises TypeError for a leaf."""
    return interface(term).args(term)


def sorted_args(term: Term) -> Sequence[Term]:
    """Return the arguments of a call in a deterministic order, the one in which the term is printed."""
    return interface(term).sorted_args(term)


def make(like: Term, head: str, args: Iterable[Term]) -> Term:
    """Build the call of ``head`` on ``args`` in the backend of ``like``; the result may be of another kind than a call."""
    return interface(like).make(head, tuple(args))


def make_number(like: Term, value: Value) -> Term:
    """Build the number leaf of ``value`` in the backend of ``like``."""
    return interface(like).number(value)


def is_symbol(term: Term) -> bool:
    """Tell whether ``term`` is a symbol."""
    return interface(term).is_symbol(term)


def is_number(term: Term) -> bool:
    """Tell whether ``term`` is a number leaf; Python numbers are."""
    return interface(term).is_number(term)


def name(term: Term) -> str:
    """Return the name of a symbol; raises TypeError for another term."""
    return interface(term).name(term)


def value(term: Term) -> Value:
    """Return the Python value of a number leaf; raises TypeError for another term."""
    return interface(term).value(term)


def sort_of(term: Term) -> str:
    """Return the sort of a term: ``"real"``, ``"integer"`` or ``"boolean"``."""
    return interface(term).sort_of(term)


def assumptions(term: Term) -> frozenset[str]:
    """Return the declared assumptions of a symbol, such as ``frozenset({"positive"})``."""
    return interface(term).assumptions(term)


def metadata(term: Term) -> Mapping[str, Any]:
    """Return what was attached to ``term`` by its backend; it takes no part in equality."""
    return interface(term).metadata(term)


def backend_of(term: Term) -> str:
    """Return the backend name of ``term``: ``"interned"``, ``"tree"`` or that of a registered type."""
    return interface(term).backend


def key(term: Term) -> Hashable:
    """Return a hashable that is equal for equal terms, to be used in dictionaries."""
    return term if type(term) in _OWN_KEYS else interface(term).key(term)


def is_own_key(term: Term) -> bool:
    """Tell whether a term and all of its parts are their own keys and have one interface, as the terms of a backend with ``rebuild`` do."""
    return interface(term).rebuild is not None


def addends(term: Term) -> tuple[Value, Iterable[tuple[Term, Value]]]:
    """Return a sum as (constant, pairs (term, coefficient)); any other term is the sum of itself.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> constant, pairs = addends(3*x + 2)
    >>> constant, list(pairs)
    (2, [(x, 3)])
    """
    face = interface(term)
    if face.addends is not None:
        return face.addends(term)
    if not face.is_call(term) or face.head(term) != "+":
        return (0, [(term, 1)]) if not face.is_number(term) else (face.value(term), [])
    constant: Value = 0
    pairs = []
    for arg in face.args(term):
        if is_number(arg):
            constant = constant + value(arg)
        else:
            pairs.append((arg, 1))
    return constant, pairs


def factors(term: Term) -> tuple[Value, Iterable[tuple[Term, Any]]]:
    """Return a product as (coefficient, pairs (base, exponent)); an exponent is a Python number or a term.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> coefficient, pairs = factors(5*x**2)
    >>> coefficient, list(pairs)
    (5, [(x, 2)])
    """
    face = interface(term)
    if face.factors is not None:
        return face.factors(term)
    if not face.is_call(term) or face.head(term) != "*":
        return (1, [(term, 1)]) if not face.is_number(term) else (face.value(term), [])
    coefficient: Value = 1
    pairs: list[tuple[Term, Any]] = []
    for arg in face.args(term):
        if is_number(arg):
            coefficient = coefficient * value(arg)
        else:
            pairs.append((arg, 1))
    return coefficient, pairs


def operands(term: Term) -> Iterable[Term]:
    """Return the terms that a call is a function of in its sum or product view, or else its arguments.

    For 2*x^3 + y these are x^3 and y, and for x^3 it is x, so that no node for 2*x^3 or for the exponent is made.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> list(operands(2 * x**3 + y)), list(operands(x**3 / y))
    ([x^3, y], [x, y])
    """
    return interface(term).operands(term)


def in_bulk(operation: str, *given: Term | Sequence[Term]) -> Any | None:
    """Return what the backend's own operation on many terms gives, or None where there is none or it does not reach.

    The operations are ``jacobian(terms, variables)``, ``hessian(term, variables)``, ``gradient(term, variables)`` and
    ``substitute(terms, old, new)``, ``expand(term)`` and ``lower(terms, arguments)``; all terms must be of the backend that has them.
    """
    terms = [t for part in given for t in (part if isinstance(part, list | tuple) else (part,))]
    if not terms:
        return None
    function = interface(terms[0]).bulk.get(operation)
    if function is None or any(type(t) is not type(terms[0]) for t in terms):
        return None
    return function(*given)


def postorder(
    *roots: Term, prune: Callable[[Term], bool] | None = None, ordered: bool = False
) -> Iterator[Term]:
    """Yield each distinct sub-term of ``roots`` once, arguments before calls, without recursion.

    ``prune`` names terms that are yielded but not entered; ``ordered`` walks :func:`sorted_args`.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> [str(t) for t in postorder(sn.sin(x) * y, ordered=True)]
    ['y', 'x', 'sin(x)', 'y*sin(x)']
    """
    seen: set[Hashable] = set()
    stack: list[tuple[Term, Hashable, bool]] = [(root, None, False) for root in reversed(roots)]
    while stack:
        term, identity, entered = stack.pop()
        if entered:
            yield term
            continue
        face = interface(term)
        identity = face.key(term)
        if identity in seen:
            continue
        seen.add(identity)
        if not face.is_call(term) or (prune is not None and prune(term)):
            yield term
            continue
        stack.append((term, identity, True))
        children = face.sorted_args(term) if ordered else face.args(term)
        stack.extend([(child, None, False) for child in reversed(children)])


def free_symbols(*roots: Term) -> list[Term]:
    """Return the distinct symbols that occur in ``roots``, ordered by name.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> free_symbols(y + x**2)
    [x, y]
    """
    return sorted(
        (t for t in postorder(*roots) if is_symbol(t)),
        key=lambda t: (name(t), sort_of(t), sorted(assumptions(t))),
    )


def node_count(*roots: Term) -> int:
    """Return the number of distinct sub-terms: the size of the shared graph, not of the unfolded tree."""
    return sum(1 for _ in postorder(*roots))


def _python_number(v: Value) -> str:
    return "boolean" if isinstance(v, bool) else "integer" if isinstance(v, int) else "real"


def _make_from_numbers(head: str, args: Sequence[Term]) -> Term:
    """Build a call when ``like`` is a Python number: the first argument that is a true term decides the backend."""
    for arg in args:
        if not isinstance(arg, bool | int | float | Fraction):
            return make(arg, head, args)
    from symnum.backends import interned

    return interned.make(head, args)


for _cls in (bool, int, float, Fraction):
    register(
        _cls,
        is_call=_never,
        make=_make_from_numbers,
        is_number=lambda v: True,
        value=lambda v: v,
        sort_of=_python_number,
        key=lambda v: (type(v), v),
        backend="python",
    )
