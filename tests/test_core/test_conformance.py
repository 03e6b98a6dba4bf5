"""One suite for every term backend: the built-in ones, and a deliberately odd one written here."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest

import symnum as sn
from symnum import term
from symnum.backends import columns, interned, tree
from symnum.operators import operator


class OddName:
    """A symbol that is equal by name only."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OddName) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


class OddCall:
    """A call whose arguments come in another order at each look, where the order is free."""

    looks = itertools.count()

    def __init__(self, head: str, parts: tuple[Any, ...]) -> None:
        self.head, self.parts = head, parts
        self.code = hash((head, tuple(term.key(p) for p in parts)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OddCall) and self.code == other.code and self.head == other.head

    def __hash__(self) -> int:
        return self.code

    def shuffled(self) -> tuple[Any, ...]:
        if not operator(self.head).commutative:
            return self.parts
        return self.parts[::-1] if next(self.looks) % 2 else self.parts


class OddSquare(OddCall):
    """What the constructor returns instead of a power of two: another type."""


def odd_make(head: str, args: tuple[Any, ...]) -> Any:
    operator(head).check_arity(len(args))
    if head == "+" and len(args) == 2 and args[1] == 0:
        return args[0]
    if head == "^" and args[1] == 2:
        return OddSquare("^", tuple(args))
    return OddCall(head, tuple(args))


term.register(
    OddName,
    is_call=lambda t: False,
    is_symbol=lambda t: True,
    name=lambda t: t.text,
    make=odd_make,
    backend="odd",
)
term.register(
    OddCall,
    is_call=lambda t: True,
    head=lambda t: t.head,
    args=OddCall.shuffled,
    sorted_args=lambda t: t.parts,
    make=odd_make,
    backend="odd",
)


@dataclass(frozen=True)
class Backend:
    """What the suite needs of a backend."""

    name: str
    symbol: Callable[[str], Any]
    number: Callable[[Any], Any]
    make: Callable[[str, tuple[Any, ...]], Any]


BACKENDS = [
    Backend("interned", interned.symbol, interned.number, interned.make),
    Backend("tree", tree.symbol, tree.number, tree.make),
    Backend("columns", columns.symbol, columns.number, columns.make),
    Backend("odd", OddName, lambda v: v, odd_make),
]


@pytest.fixture(params=BACKENDS, ids=lambda b: b.name)
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.param


def sample(b: Backend) -> Any:
    """Return sin(x*y)^2 + 3*x - y/(1 + x^2)."""
    x, y = b.symbol("x"), b.symbol("y")
    square = b.make("^", (b.make("sin", (b.make("*", (x, y)),)), b.number(2)))
    quotient = b.make("/", (y, b.make("+", (b.number(1), b.make("^", (x, b.number(2)))))))
    return b.make("-", (b.make("+", (square, b.make("*", (b.number(3), x)))), quotient))


def expected(x: float, y: float) -> float:
    return math.sin(x * y) ** 2 + 3 * x - y / (1 + x * x)


def test_leaves(backend: Backend) -> None:
    x, three = backend.symbol("x"), backend.number(3)
    assert term.is_symbol(x) and not term.is_call(x) and not term.is_number(x)
    assert term.name(x) == "x"
    assert term.is_number(three) and not term.is_call(three) and not term.is_symbol(three)
    assert term.value(three) == 3 and type(term.value(three)) is int


def test_head_and_args(backend: Backend) -> None:
    x, y = backend.symbol("x"), backend.symbol("y")
    call = backend.make("atan2", (x, y))
    assert term.is_call(call) and term.head(call) == "atan2"
    assert [term.key(a) for a in term.args(call)] == [term.key(x), term.key(y)]
    total = backend.make("+", (x, y))
    assert {term.key(a) for a in term.args(total)} == {term.key(x), term.key(y)}


def test_leaves_refuse_head_and_args(backend: Backend) -> None:
    for question in (term.head, term.args):
        with pytest.raises(TypeError):
            question(backend.symbol("x"))


def test_sorted_args_is_deterministic(backend: Backend) -> None:
    root = sample(backend)
    looks = [[term.key(a) for a in term.sorted_args(root)] for _ in range(4)]
    assert looks.count(looks[0]) == 4


def test_make_rebuilds_an_equal_term(backend: Backend) -> None:
    for node in term.postorder(sample(backend)):
        if term.is_call(node):
            again = term.make(node, term.head(node), term.sorted_args(node))
            assert term.key(again) == term.key(node)


def test_make_may_return_another_kind(backend: Backend) -> None:
    x = backend.symbol("x")
    result = term.make(x, "+", (x, backend.number(0)))
    assert term.is_term(result)
    assert sn.evaluate(result, {"x": 4}) == 4


def test_make_checks_the_argument_count(backend: Backend) -> None:
    with pytest.raises(TypeError, match=r"atan2.*takes 2 arguments, but 1"):
        term.make(backend.symbol("x"), "atan2", (backend.symbol("x"),))


def test_make_refuses_an_unknown_operator(backend: Backend) -> None:
    with pytest.raises(LookupError, match="no operator 'sinn'; did you mean 'sin'"):
        term.make(backend.symbol("x"), "sinn", (backend.symbol("x"),))


def test_equal_terms_have_equal_keys(backend: Backend) -> None:
    assert term.key(sample(backend)) == term.key(sample(backend))
    assert hash(term.key(sample(backend))) == hash(term.key(sample(backend)))


def test_numbers_are_kept_exactly(backend: Backend) -> None:
    for value in (10**40, Fraction(1, 3), 0.1, -7):
        kept = term.value(backend.number(value))
        assert kept == value and type(kept) is type(value)


def test_postorder_yields_arguments_first(backend: Backend) -> None:
    seen: set[Any] = set()
    for node in term.postorder(sample(backend)):
        assert term.key(node) not in seen
        if term.is_call(node):
            assert all(term.key(a) in seen for a in term.args(node))
        seen.add(term.key(node))


def test_free_symbols_are_ordered_by_name(backend: Backend) -> None:
    assert [term.name(s) for s in term.free_symbols(sample(backend))] == ["x", "y"]


def test_evaluate(backend: Backend) -> None:
    assert sn.evaluate(sample(backend), {"x": 0.7, "y": -1.3}) == pytest.approx(
        expected(0.7, -1.3), rel=1e-14
    )


def test_convert_to_interned(backend: Backend) -> None:
    assert sn.convert(sample(backend)) is sn.parse("sin(x*y)^2 + 3*x - y/(1 + x^2)")


def test_substitute_at_once(backend: Backend) -> None:
    x, y = backend.symbol("x"), backend.symbol("y")
    swapped = sn.substitute(sample(backend), {x: y, y: x})
    assert sn.evaluate(swapped, {"x": 0.4, "y": 2.0}) == pytest.approx(expected(2.0, 0.4), rel=1e-14)


def test_derivative(backend: Backend) -> None:
    slope = sn.diff(sample(backend), backend.symbol("x"))
    a, b = 0.7, -1.3
    value = 2 * math.sin(a * b) * math.cos(a * b) * b + 3 + 2 * a * b / (1 + a * a) ** 2
    assert sn.evaluate(slope, {"x": a, "y": b}) == pytest.approx(value, rel=1e-13)


def test_gradient_and_hessian_agree_with_repeated_diff(backend: Backend) -> None:
    xs = [backend.symbol("x"), backend.symbol("y")]
    at = {"x": 0.3, "y": 1.1}
    root = sample(backend)
    slopes = [sn.evaluate(g, at) for g in sn.gradient(root, xs)]
    assert slopes == pytest.approx([sn.evaluate(sn.diff(root, v), at) for v in xs], rel=1e-13)
    for row, v in zip(sn.hessian(root, xs), xs, strict=True):
        for entry, w in zip(row, xs, strict=True):
            assert sn.evaluate(entry, at) == pytest.approx(sn.evaluate(sn.diff(root, v, w), at), rel=1e-12)


def test_text_parses_back(backend: Backend) -> None:
    from symnum.text.printer import to_text

    assert sn.parse(to_text(sample(backend))) is sn.convert(sample(backend))


def test_compile(backend: Backend) -> None:
    xs = [backend.symbol("x"), backend.symbol("y")]
    for target in ("tape", "numpy"):
        f = sn.compile(sample(backend), xs, target=target)
        assert f(0.7, -1.3) == pytest.approx(expected(0.7, -1.3), rel=1e-14)


def deep(b: Backend, depth: int = 10_000) -> Any:
    """Return sin(x + sin(x + ...)), ``depth`` calls of sin deep."""
    x = node = b.symbol("x")
    for _ in range(depth):
        node = b.make("sin", (b.make("+", (x, node)),))
    return node


def shared(b: Backend, levels: int = 19) -> Any:
    """Return a graph of 3 nodes a level in which 2^(levels - 1) paths lead to the leaf."""
    node = b.symbol("x")
    for _ in range(levels):
        node = b.make("atan2", (b.make("cos", (node,)), b.make("sin", (node,))))
    return node


@pytest.mark.parametrize("build", [deep, shared])
def test_deep_and_shared_terms_in_every_pass(backend: Backend, build: Callable[[Backend], Any]) -> None:
    root = build(backend)
    x = backend.symbol("x")
    count = term.node_count(root)
    assert count <= 20_002
    value = sn.evaluate(root, {"x": 0.5})
    assert math.isfinite(value)
    assert term.node_count(sn.diff(root, x)) < 40 * count
    assert sn.evaluate(sn.substitute(root, {x: backend.number(0.5)}), {}) == value
    assert sn.compile(root, [x], target="tape")(0.5) == pytest.approx(value, rel=1e-12)
    assert sn.evaluate(sn.convert(root), {"x": 0.5}) == pytest.approx(value, rel=1e-12)


def test_bare_python_numbers_are_terms() -> None:
    assert term.is_number(3) and term.value(Fraction(1, 2)) == Fraction(1, 2)
    assert sn.diff(3, sn.symbols("x")) == 0


def test_an_unregistered_type_is_refused() -> None:
    with pytest.raises(TypeError, match="is not a term; pass a symnum term, or make the type known"):
        term.is_call(object())
    with pytest.raises(TypeError, match="write symnum.parse"):
        sn.diff("x^2", sn.symbols("x"))


def test_register_refuses_an_instance() -> None:
    with pytest.raises(TypeError, match=r"register takes a class"):
        term.register(3, is_call=lambda t: False)  # type: ignore[arg-type]  # the mistake under test


def test_subclasses_of_a_registered_class_are_terms() -> None:
    class Special(OddName):
        pass

    assert term.is_symbol(Special("z"))


def test_the_unfitted_question_says_what_to_register() -> None:
    class Mute:
        pass

    term.register(Mute, is_call=lambda t: True)
    with pytest.raises(
        TypeError, match=r"Mute has no head; register it with symnum.term.register\(Mute, head=...\)"
    ):
        term.head(Mute())
    with pytest.raises(TypeError, match="cannot build a call"):
        term.make(Mute(), "+", ())
