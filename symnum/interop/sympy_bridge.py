"""Terms to SymPy and back, without recursion and with shared parts kept shared.

What holds:

- ``from_sympy(to_sympy(t))`` is ``t`` for interned terms, except that the two spellings named below are read as what they are worth
  and that (-1)^(1/2), which is nan for us and complex for SymPy, is refused;
- ``to_sympy(from_sympy(e), symbols=e.free_symbols)`` has the value of ``e`` wherever that is real, over the same symbols;
- our symbols are real, so ``to_sympy`` makes ``Symbol("x", real=True)``, for SymPy another symbol than ``Symbol("x")``; with
  ``symbols=`` you say which symbols to use instead.

Nothing is evaluated on the way: SymPy gets the term as it stands, in SymPy's own order of arguments, so that it equals what you would
write there, unless SymPy would have rewritten it (``2*(x + y)``, ``sin(pi)``); ``.doit()`` asks for that.  Which class an operator
becomes is the column ``sympy`` of the operator table; ``log1p``, ``log2`` and their kin are those of ``sympy.codegen.cfunctions``.
Without a class of their own are ``cbrt(a)``, written ``sign(a)*Abs(a)**(1/3)``, ``lgamma(a)``, written ``log(Abs(gamma(a)))`` where a
may be negative, and operators of your own, which become undefined functions of their name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cmp_to_key, reduce
from typing import Any

from symnum import term as interface
from symnum.operators import ARGUMENTS, OPERATORS, Operator
from symnum.symbols import backend_module

_ORDER_DEPTH = 60
_ORDER_SIZE = 1000
"""Below this depth (and, for and, or, min, max, unfolded size) arguments take SymPy's order, whose comparison recurses."""

Plan = tuple[Callable[[list[Any]], Any], Sequence[Any]]
"""How a SymPy node becomes a term: a builder, and the SymPy nodes whose terms it takes."""


def to_sympy(term: Any, symbols: Any = None) -> Any:
    """Return a term as a SymPy expression, or a list (of lists) of terms as a list of expressions.

    ``symbols`` says which SymPy symbols to use: a mapping from ours (or names) to theirs, or SymPy symbols to be matched by name,
    such as ``symbols=expr.free_symbols``.  Without it, x becomes ``Symbol("x", real=True)``, with its assumptions.

    Raises TypeError for what is not a term.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> to_sympy(sn.sqrt(x) + x*y/2)
    sqrt(x) + x*y/2
    """
    from symnum.interop.sympy_leaves import our_names

    roots, rebuild = _flat(term)
    return rebuild(_Writer(*our_names(symbols)).run(roots))


def from_sympy(expression: Any, backend: str = "interned", symbols: Any = None) -> Any:
    """Return a SymPy expression as a term; a list gives a list of terms and a Matrix the list of its rows.

    A SymPy symbol without assumptions is read as our real symbol.  ``symbols`` says otherwise: a mapping from SymPy expressions
    (symbols, dummies, f(t), A[0], derivatives) or names to our terms, or symbols of ours to be matched by name.

    Raises ValueError, which names the part and the way out, for assumptions that our symbols cannot hold, complex numbers, floats of
    more than double precision, and operators that are not in the table; TypeError for what is not a SymPy expression.

    >>> import sympy
    >>> x = sympy.Symbol("x")
    >>> from_sympy(sympy.sin(x)**2 / 3)
    1/3*sin(x)^2
    """
    from symnum.interop.sympy_leaves import their_names

    roots, rebuild = _flat(expression)
    return rebuild(_Reader(backend, *their_names(symbols)).run(roots))


def _flat(given: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """Return the expressions in ``given``, which may be a matrix or a list of lists, and how to put the results in their places."""
    if hasattr(given, "tolist"):
        given = given.tolist()
    if not isinstance(given, list | tuple):
        return [given], lambda results: results[0]
    parts = [_flat(item) for item in given]
    sizes = [len(roots) for roots, _ in parts]

    def rebuild(results: list[Any]) -> Any:
        rest = iter(results)
        return [inner([next(rest) for _ in range(size)]) for (_, inner), size in zip(parts, sizes)]

    return [root for roots, _ in parts for root in roots], rebuild


# --- to SymPy ---------------------------------------------------------------------------------------------------------------


class _Writer:
    """Build SymPy nodes, bypassing the constructors: these evaluate, recurse, and keep a cache that compares deep terms."""

    def __init__(self, keyed: dict[Any, Any], named: dict[str, Any]) -> None:
        import sympy

        self.sympy = sympy
        self.keyed, self.named = keyed, named
        self.shapes: dict[int, tuple[int, int]] = {}
        self.arities: dict[type, Any] = {}
        self.order = cmp_to_key(sympy.Basic.compare)

    def run(self, roots: Sequence[Any]) -> list[Any]:
        """Return the SymPy expressions of the terms."""
        made: dict[Any, Any] = {}
        chained = self._chained(roots)
        for node in interface.postorder(*roots, ordered=True):
            made[interface.key(node)] = self._convert(node, made, chained)
        return [made[interface.key(root)] for root in roots]

    def _chained(self, roots: Sequence[Any]) -> set[Any]:
        """Return the keys of each ifelse that occurs once, in the last place of another: it becomes one more branch of that one."""
        uses: dict[Any, int] = {interface.key(root): 2 for root in roots}
        last: set[Any] = set()
        for node in interface.postorder(*roots):
            if not interface.is_call(node):
                continue
            arguments = interface.args(node)
            for argument in arguments:
                uses[interface.key(argument)] = uses.get(interface.key(argument), 0) + 1
            if (
                interface.head(node) == "ifelse"
                and interface.is_call(arguments[2])
                and interface.head(arguments[2]) == "ifelse"
            ):
                last.add(interface.key(arguments[2]))
        return {key for key in last if uses[key] == 1}

    def _convert(self, node: Any, made: dict[Any, Any], chained: set[Any]) -> Any:
        from symnum.interop.sympy_leaves import number_to_sympy, symbol_to_sympy

        if interface.is_number(node):
            return number_to_sympy(interface.value(node))
        if interface.is_symbol(node):
            found = self.keyed.get(interface.key(node))
            found = self.named.get(interface.name(node)) if found is None else found
            return symbol_to_sympy(node) if found is None else found
        head, terms = interface.head(node), interface.sorted_args(node)
        arguments = [made[interface.key(argument)] for argument in terms]
        if head == "ifelse":
            return self.branches(
                node, arguments, interface.key(terms[2]) in chained, interface.key(node) in chained
            )
        spelled = _SPELLED.get(head)
        if spelled is not None:
            return spelled(self, *arguments)
        return self.call(OPERATORS[head], arguments)

    def node(self, cls: Any, *arguments: Any) -> Any:
        """Return the node as it stands, with what SymPy would later find by recursion (hash, commutativity) found now."""
        made = self.sympy.Basic.__new__(cls, *arguments)
        shapes = [self.shapes.get(id(a), (0, 1)) for a in arguments]
        self.shapes[id(made)] = (
            1 + max(d for d, _ in shapes),
            min(_ORDER_SIZE, 1 + sum(s for _, s in shapes)),
        )
        if cls in (self.sympy.Add, self.sympy.Mul, self.sympy.Pow):
            made.is_commutative = True
        elif isinstance(cls, type(self.sympy.Function)) and cls not in (
            self.sympy.Piecewise,
            self.sympy.Min,
            self.sympy.Max,
        ):
            if cls not in self.arities:
                self.arities[cls] = cls.nargs
            made.nargs = self.arities[cls]
        hash(made)
        _ = made.is_commutative
        return made

    def chain(self, cls: Any, arguments: Iterable[Any]) -> Any:
        """Return a sum or product in SymPy's order: the number first."""
        given = list(arguments)
        if len(given) < 2:
            return given[0] if given else cls.identity
        if all(self.shapes.get(id(a), (0, 1))[0] < _ORDER_DEPTH for a in given):
            given.sort(key=lambda a: (not a.is_Number, 0 if a.is_Number else self.order(a)))
        return self.node(cls, *given)

    def lattice(self, cls: Any, arguments: Sequence[Any]) -> Any:
        """Return and, or, min or max: a set of arguments, in SymPy's order where that is cheap to find."""
        distinct = dict.fromkeys(arguments)
        if len(distinct) < 2:
            return next(iter(distinct), cls.identity)
        small = all(self.shapes.get(id(a), (0, 1))[1] < _ORDER_SIZE for a in distinct)
        made = self.node(cls, *(self.sympy.ordered(distinct) if small else distinct))
        made._argset = frozenset(distinct)
        return made

    def branches(self, node: Any, arguments: Sequence[Any], flatten: bool, waiting: bool) -> Any:
        """Return a Piecewise; one that waits to become part of another is handed on as a list of pairs, innermost first."""
        condition, chosen, other = arguments
        if interface.sort_of(node) == "boolean":
            return self.node(self.sympy.ITE, condition, chosen, other)
        pair = self.sympy.functions.elementary.piecewise.ExprCondPair
        pairs = other if flatten else [self.node(pair, other, self.sympy.true)]
        pairs.append(self.node(pair, chosen, condition))
        return pairs if waiting else self.node(self.sympy.Piecewise, *reversed(pairs))

    def power(self, base: Any, exponent: Any) -> Any:
        if base.is_Integer and exponent == -1 and base != 0:
            return self.sympy.Rational(1, base)
        return self.node(self.sympy.Pow, base, exponent)

    def call(self, row: Operator, arguments: Sequence[Any]) -> Any:
        """Return the call of an operator by its class; operators of the user's without one are undefined functions."""
        cls = sympy_class(row) or self.sympy.Function(row.name, real=True)
        if row.arity == (0, 0):
            return cls
        if cls in (self.sympy.Add, self.sympy.Mul):
            return self.chain(cls, arguments)
        return self.lattice(cls, arguments) if row.associative else self.node(cls, *arguments)


def sympy_class(row: Operator) -> Any:
    """Return the SymPy class (or constant) that a row names, or None; raises ValueError for a name that SymPy does not have."""
    import sympy
    from sympy.codegen import cfunctions

    if not row.sympy:
        return None
    found = getattr(sympy, row.sympy, None) or getattr(cfunctions, row.sympy, None)
    if found is None:
        raise ValueError(
            f"operator {row.name!r} names the SymPy class {row.sympy!r}, which SymPy {sympy.__version__} does not have; "
            f"register it without sympy=, so that it becomes an undefined function"
        )
    return found


def _lgamma(writer: _Writer, a: Any) -> Any:
    sp = writer.sympy
    if (a.is_Symbol or a.is_Number) and a.is_positive:
        return writer.node(sp.loggamma, a)
    return writer.node(sp.log, writer.node(sp.Abs, writer.node(sp.gamma, a)))


def _cbrt(writer: _Writer, a: Any) -> Any:
    sp = writer.sympy
    return writer.chain(
        sp.Mul, [writer.node(sp.sign, a), writer.node(sp.Pow, writer.node(sp.Abs, a), sp.Rational(1, 3))]
    )


def _negative(writer: _Writer, a: Any) -> Any:
    return -a if a.is_Number else writer.chain(writer.sympy.Mul, [writer.sympy.S.NegativeOne, a])


_SPELLED: dict[str, Callable[..., Any]] = {
    "-": lambda w, a, b: w.chain(w.sympy.Add, [a, _negative(w, b)]),
    "/": lambda w, a, b: w.chain(w.sympy.Mul, [a, w.power(b, w.sympy.S.NegativeOne)]),
    "^": lambda w, a, b: w.power(a, b),
    "neg": _negative,
    "sqrt": lambda w, a: w.power(a, w.sympy.S.Half),
    "exp": lambda w, a: w.sympy.E if a == 1 and a.is_Integer else w.node(w.sympy.exp, a),
    "cbrt": _cbrt,
    "lgamma": _lgamma,
    "digamma": lambda w, a: w.node(w.sympy.polygamma, w.sympy.S.Zero, a),
    "trigamma": lambda w, a: w.node(w.sympy.polygamma, w.sympy.S.One, a),
}
"""Operators that are not simply the call of one SymPy class."""


# --- from SymPy -------------------------------------------------------------------------------------------------------------


class _Reader:
    """Read SymPy nodes; each object is read once, however often it is shared."""

    def __init__(self, backend: str, keyed: dict[Any, Any], named: dict[str, Any]) -> None:
        import sympy

        self.sympy, self.backend = sympy, backend
        self.module = backend_module(backend)
        for ours in (*keyed.values(), *named.values()):
            if interface.backend_of(ours) not in (backend, "python"):
                raise ValueError(
                    f"symbols gives {ours!s} of the {interface.backend_of(ours)!r} backend, but the result is to be of {backend!r}; "
                    f"use one backend for both: from_sympy(..., backend={interface.backend_of(ours)!r})"
                )
        self.keyed, self.named = keyed, named
        self.mapped = {type(theirs) for theirs in keyed}
        self.heads = {sympy_class(row): name for name, row in OPERATORS.items() if row.sympy}
        self.heads[sympy.loggamma] = "lgamma"
        self.sources: dict[Any, Any] = {}

    def run(self, roots: Sequence[Any]) -> list[Any]:
        """Return the terms of the expressions."""
        nodes = [self._checked(root) for root in roots]
        self.booleans = self._conditions(nodes)
        terms: dict[int, Any] = {}
        kept: list[Any] = []  # nodes made on the way stay alive, so that no id is used twice
        stack: list[tuple[Any, Plan | None]] = [(node, None) for node in reversed(nodes)]
        while stack:
            node, plan = stack.pop()
            if plan is not None:
                build, parts = plan
                terms[id(node)] = build([terms[id(part)] for part in parts])
            elif id(node) not in terms:
                plan = self.plan(node)
                kept.append((node, plan[1]))
                stack.append((node, plan))
                stack.extend((part, None) for part in reversed(plan[1]))
        return [terms[id(node)] for node in nodes]

    def _checked(self, given: Any) -> Any:
        if isinstance(given, str):
            raise TypeError(
                f"from_sympy takes a SymPy expression, but got the text {given!r}; write symnum.parse({given!r})"
            )
        if not isinstance(given, self.sympy.Basic) and isinstance(given, bool | int | float | Fraction):
            return self.sympy.sympify(given)
        if not isinstance(given, self.sympy.Basic):
            raise TypeError(
                f"from_sympy takes a SymPy expression, but got {given!r} of type {type(given).__name__}"
            )
        return given

    def _conditions(self, nodes: Sequence[Any]) -> set[Any]:
        """Return the symbols that stand where a condition must: SymPy's boolean symbols are plain ones."""
        sp = self.sympy
        found: set[Any] = set()
        seen: set[int] = set()
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            parts = node.args
            if isinstance(node, sp.logic.boolalg.BooleanFunction):
                found.update(part for part in parts if part.is_Symbol)
            elif isinstance(node, sp.Piecewise):
                found.update(pair.cond for pair in parts if pair.cond.is_Symbol)
            stack.extend(parts)
        return found

    def make(self, head: str) -> Callable[[list[Any]], Any]:
        return lambda terms: self.module.make(head, terms)

    def plan(self, node: Any) -> Plan:
        """Return how to read one node; raises ValueError for what has no counterpart."""
        sp = self.sympy
        if type(node) in self.mapped and node in self.keyed:
            return _constant(self._term(self.keyed[node]))
        if isinstance(node, sp.Symbol):
            return _constant(self._symbol(node))
        if node.is_Number or node is sp.zoo or node is sp.I:
            from symnum.interop.sympy_leaves import number_from_sympy

            return _constant(self.module.number(number_from_sympy(node)))
        if node is sp.true or node is sp.false:
            return _constant(self.module.number(node is sp.true))
        cls = type(node)
        own = (cls.__module__ or "").startswith("sympy.")
        if own and cls.__name__ in _READ:
            return _READ[cls.__name__](self, node)
        if own and cls.__name__ in _WORTH:
            return (lambda terms: _worth(self, _WORTH[cls.__name__], terms)), node.args
        head = self.heads.get(node) if node.is_NumberSymbol else self.heads.get(cls)
        if head is None and isinstance(node, sp.Function) and not own:
            row = OPERATORS.get(cls.__name__)
            head = row.name if row is not None and not row.sympy and row.name not in _SPELLED else None
        if head is None:
            raise _no_counterpart(node)
        return self.make(head), node.args

    def _term(self, ours: Any) -> Any:
        return self.module.number(ours) if interface.backend_of(ours) == "python" else ours

    def _symbol(self, node: Any) -> Any:
        from symnum.interop.sympy_leaves import symbol_from_sympy

        if node.name in self.named and type(node) is self.sympy.Symbol:
            return self._term(self.named[node.name])
        ours = symbol_from_sympy(node, node in self.booleans, self.backend)
        other = self.sources.setdefault(interface.key(ours), node)
        if other != node:
            raise ValueError(
                f"the expression has two different SymPy symbols {node.name!r}, declared {other._assumptions_orig or 'plain'} and "
                f"{node._assumptions_orig or 'plain'}, that would become one; rename one, or map both with symbols={{...}}"
            )
        return ours


def _constant(term: Any) -> Plan:
    return (lambda _: term), ()


def _product(reader: _Reader, node: Any) -> Plan:
    """Read a product; sign(a)*abs(a)^(1/3) in it is cbrt(a)."""
    if not any(isinstance(part, reader.sympy.sign) for part in node.args):
        return reader.make("*"), node.args

    def build(terms: list[Any]) -> Any:
        roots = {
            interface.key(root): i
            for i, term in enumerate(terms)
            if (root := _cube_root_of_abs(term)) is not None
        }
        for i, term in enumerate(terms):
            if _is_call_of(term, "sign"):
                argument = interface.args(term)[0]
                partner = roots.pop(interface.key(argument), None)
                if partner is not None:
                    terms[i], terms[partner] = reader.module.make("cbrt", (argument,)), None
        return reader.module.make("*", [term for term in terms if term is not None])

    return build, node.args


def _cube_root_of_abs(term: Any) -> Any:
    """Return a where the term is abs(a)^(1/3), else None."""
    if interface.is_call(term) and interface.head(term) == "^":
        base, exponent = interface.args(term)
        if (
            interface.is_number(exponent)
            and interface.value(exponent) == Fraction(1, 3)
            and _is_call_of(base, "abs")
        ):
            return interface.args(base)[0]
    return None


def _is_call_of(term: Any, head: str) -> bool:
    return interface.is_call(term) and interface.head(term) == head


def _power(reader: _Reader, node: Any) -> Plan:
    base, exponent = node.args
    if base is reader.sympy.E:
        return reader.make("exp"), (exponent,)
    if base == -1 and exponent.is_Number and not exponent.is_integer:  # how SymPy spells the root of any negative number
        raise ValueError(f"{node} of SymPy is a complex number, and terms are real; take its real part, or use sympy.real_root")
    return reader.make("^"), node.args


def _logarithm(reader: _Reader, node: Any) -> Plan:
    """Read a logarithm; log(abs(gamma(a))) is lgamma(a), which does not overflow."""

    def build(terms: list[Any]) -> Any:
        (inner,) = terms
        if _is_call_of(inner, "abs") and _is_call_of(interface.args(inner)[0], "gamma"):
            return reader.module.make("lgamma", interface.args(interface.args(inner)[0]))
        return reader.module.make("log", terms)

    return build, node.args


def _polygamma(reader: _Reader, node: Any) -> Plan:
    order, argument = node.args
    if order not in (0, 1):
        raise ValueError(
            f"{_shown(node)} of SymPy has no counterpart: of polygamma there are order 0, digamma, and order 1, trigamma"
        )
    return reader.make("trigamma" if order == 1 else "digamma"), (argument,)


def _piecewise(reader: _Reader, node: Any) -> Plan:
    """Read the branches as nested ifelse; where no condition holds, the value is nan."""
    pairs = node.args

    def build(terms: list[Any]) -> Any:
        value = reader.module.number(float("nan"))
        for i in reversed(range(len(pairs))):
            chosen, condition = terms[2 * i : 2 * i + 2]
            always = interface.is_number(condition) and interface.value(condition) is True
            value = chosen if always else reader.module.make("ifelse", (condition, chosen, value))
        return value

    return build, [part for pair in pairs for part in (pair.expr, pair.cond)]


_WORTH = {
    "Cbrt": "a^(1/3)",
    "EulerGamma": "-digamma(1)",
    "Exp1": "exp(1)",
    "GoldenRatio": "1/2 + sqrt(5)/2",
    "Heaviside": "ifelse(a == 0, b, (1 + sign(a))/2)",
    "Implies": "not a or b",
    "Sqrt": "sqrt(a)",
    "TribonacciConstant": "(1 + cbrt(19 + 3*sqrt(33)) + cbrt(19 - 3*sqrt(33)))/3",
    "UnevaluatedExpr": "a",
    "beta": "gamma(a)*gamma(b)/gamma(a + b)",
    "binomial": "gamma(a + 1)/(gamma(b + 1)*gamma(a - b + 1))",
    "erfc": "1 - erf(a)",
    "exp2": "2^a",
    "factorial": "gamma(a + 1)",
    "fma": "a*b + c",
    "frac": "a - floor(a)",
    "hypot": "sqrt(a^2 + b^2)",
    "sinc": "ifelse(a == 0, 1, sin(a)/a)",
}
"""SymPy classes that are no operators of ours: what they are worth, in the names of their arguments."""

_EITHER = "a and not b or not a and b"
_ALIKE = "a and b or not a and not b"


def _worth(reader: _Reader, text: str, terms: Sequence[Any]) -> Any:
    from symnum.text.parser import parse

    return parse(text, dict(zip(ARGUMENTS, terms)), backend=reader.backend)


def _exclusive(reader: _Reader, node: Any) -> Plan:
    return (lambda terms: reduce(lambda a, b: _worth(reader, _EITHER, (a, b)), terms)), node.args


def _equivalent(reader: _Reader, node: Any) -> Plan:
    def build(terms: list[Any]) -> Any:
        return reader.module.make("and", [_worth(reader, _ALIKE, (terms[0], other)) for other in terms[1:]])

    return build, node.args


_READ: dict[str, Callable[[_Reader, Any], Plan]] = {
    "Mul": _product,
    "Pow": _power,
    "log": _logarithm,
    "polygamma": _polygamma,
    "Piecewise": _piecewise,
    "ITE": lambda reader, node: (reader.make("ifelse"), node.args),
    "Xor": _exclusive,
    "Equivalent": _equivalent,
}
"""SymPy classes that are not simply the call of one operator."""


_WAYS_OUT = {
    **dict.fromkeys(
        ("Derivative", "Integral", "Limit", "Product", "Subs", "Sum"), "evaluate it first with expr.doit()"
    ),
    **dict.fromkeys(
        ("arg", "conjugate", "im", "re"),
        "declare the symbols real, as sympy.Symbol('x', real=True), and build it again",
    ),
    **dict.fromkeys(("CRootOf", "Catalan", "RootSum"), "replace it by its value, expr.n()"),
    "Order": "drop it with expr.removeO()",
    "Tuple": "pass a list of expressions",
}


def _no_counterpart(node: Any) -> ValueError:
    import sympy

    name = type(node).__name__
    way = _WAYS_OUT.get(name)
    if way is None and isinstance(node, sympy.Function):
        way = (
            f"add the operator with symnum.register_operator({name!r}, arity={len(node.args)}, ...), "
            f"rewrite it in SymPy, or give the term it becomes: symbols={{{_shown(node)}: term}}"
        )
    return ValueError(
        f"{_shown(node)} of SymPy ({name}) has no counterpart; {way or 'give the term it becomes: symbols={expression: term}'}"
    )


def _shown(node: Any, limit: int = 60) -> str:
    """Return the text of a small node, and of a larger one its class: SymPy's printers recurse."""
    seen, stack = 0, [node]
    while stack and seen <= limit:
        seen += 1
        stack.extend(stack.pop().args)
    return str(node) if seen <= limit else f"{type(node).__name__}(...)"
