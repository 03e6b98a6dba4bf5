"""Solvers read back as PDEs: from slices, rolls, pads, matrices and reshapes; boundaries; what is not read; and the identity of it all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import symnum as sn
from symnum import term as interface
from symnum.pde import trace
from symnum.pde.cell_terms import CellTerms, place_of
from symnum.pde.difference_operators import combination, operators
from symnum.pde.graph import Constant
from symnum.pde.models import reaction_diffusion
from symnum.pde.regions import Strided

N = 24
Solver = Callable[..., Any]


def read(f: Solver, u0: Any, parameters: Any = None, **options: Any) -> Any:
    return trace(f, u0, parameters=parameters, check=False).equation(**options)


def second(u: Any) -> Any:
    return np.roll(u, -1) - 2 * u + np.roll(u, 1)


def laplacian(u: Any) -> Any:
    return sum(np.roll(u, s, axis) for s in (1, -1) for axis in range(u.ndim)) - 2 * u.ndim * u


def padded(u: Any, mode: str, **options: Any) -> Any:
    p = np.pad(u, 1, mode=mode, **options)  # type: ignore[call-overload]
    return p[2:] - 2 * u + p[:-2]


def interior(u: Any) -> Any:
    du = np.zeros_like(u)
    du[1:-1] = u[2:] - 2 * u[1:-1] + u[:-2]
    return du


BAND = sp.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(N, N))
MIRRORED = BAND.toarray()
MIRRORED[0, 1] = MIRRORED[-1, -2] = 2.0

EQUATIONS: dict[str, tuple[Solver, str]] = {
    "roll": (lambda t, u: 3 * second(u), "3*u_xx"),
    "slices": (lambda t, u: interior(u) * 0.5, "0.5*u_xx"),
    "pad": (lambda t, u: padded(u, "edge") + u, "u + u_xx"),
    "band": (lambda t, u: BAND @ u, "u_xx"),
    "dense": (lambda t, u: MIRRORED @ u - u**3, "-u^3 + u_xx"),
    "gradient": (lambda t, u: -u * np.gradient(u), "-u*u_x"),
    "upwind": (lambda t, u: -2 * (u - np.roll(u, 1)), "-2*u_x⁻"),
    "downwind": (lambda t, u: np.roll(u, -1) - u, "u_x⁺"),
    "advection and diffusion": (lambda t, u: second(u) - 3 * (np.roll(u, -1) - np.roll(u, 1)) / 2, "-3*u_x + u_xx"),
    "conserved": (lambda t, u: -(np.roll(u, -1) ** 2 - np.roll(u, 1) ** 2) / 4, "-0.5*∂x(u^2)"),
    "third": (
        lambda t, u: (np.roll(u, -2) - 2 * np.roll(u, -1) + 2 * np.roll(u, 1) - np.roll(u, 2)) / 2, "u_xxx",
    ),
    "fourth": (lambda t, u: -second(second(u)) - second(u), "-u_xx - u_xxxx"),
    "fourth order": (
        lambda t, u: (-np.roll(u, -2) + 8 * np.roll(u, -1) - 8 * np.roll(u, 1) + np.roll(u, 2)) / 12, "u_x",
    ),
    "square of the slope": (lambda t, u: ((np.roll(u, -1) - np.roll(u, 1)) / 2) ** 2, "u_x^2"),
    "flux": (
        lambda t, u: np.diff(np.pad((1 + u[1:] * u[:-1]) * np.diff(u), 1)), "∂x(u_x*(u^2 + 1))",
    ),
    "averages": (lambda t, u: (np.roll(u, 1) + np.roll(u, -1)) / 2 - u, "0.5*u_xx"),
    "time": (lambda t, u: np.cos(t) * second(u), "u_xx*cos(t)"),
    "chosen": (
        lambda t, u: np.where(u > 0, u * (u - np.roll(u, 1)), 0.0), "ifelse(u > 0, u*u_x⁻, 0)",
    ),
    "two schemes": (
        lambda t, u: np.roll(u, -1) - u - (-3 * u + 4 * np.roll(u, -1) - np.roll(u, -2)) / 2 * u,
        "-u*u_x⁺ + u_x⁺′",
    ),
    "far": (lambda t, u: np.roll(u, 3) * u, "u*u[i-3]"),
}  # fmt: skip


@pytest.mark.parametrize("name", EQUATIONS)
def test_in_one_dimension(name: str) -> None:
    f, wanted = EQUATIONS[name]
    assert read(f, np.zeros(N)).lines() == [f"∂u/∂t = {wanted}"]


def nine_points(u: Any) -> Any:
    rolled = {(i, j): np.roll(u, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    edges = sum(rolled[p] for p in ((1, 0), (-1, 0), (0, 1), (0, -1)))
    corners = sum(rolled[i, j] for i in (-1, 1) for j in (-1, 1))
    return (4 * edges + corners - 20 * u) / 6


def mixed(u: Any) -> Any:
    return sum(i * j * np.roll(u, (-i, -j), (0, 1)) for i in (-1, 1) for j in (-1, 1)) / 4


FLAT = sp.kron(BAND, sp.eye_array(N)) + sp.kron(sp.eye_array(N), BAND)

PLANE: dict[str, tuple[Solver, str]] = {
    "five points": (lambda t, u: laplacian(u), "Δu"),
    "nine points": (lambda t, u: nine_points(u), "Δu"),
    "matrices": (lambda t, u: BAND @ u + u @ BAND, "Δu"),
    "one axis more": (lambda t, u: laplacian(u) + 2 * (MIRRORED @ u), "3*u_xx + u_yy"),
    "mixed": (lambda t, u: mixed(u), "u_xy"),
    "biharmonic": (lambda t, u: -laplacian(laplacian(u)), "-Δ²u"),
    "Cahn-Hilliard": (lambda t, u: laplacian(u**3 - u - 0.5 * laplacian(u)), "Δ(u^3) - Δu - 0.5*Δ²u"),
    "flattened": (lambda t, u: (FLAT @ u.reshape(-1)).reshape(N, N), "Δu"),
}


@pytest.mark.parametrize("name", PLANE)
def test_in_the_plane(name: str) -> None:
    f, wanted = PLANE[name]
    assert read(f, np.zeros((N, N))).lines() == [f"∂u/∂t = {wanted}"]


def flux_of(u: Any, axis: int) -> Any:
    upper, lower = np.roll(u, -1, axis), u
    flux = (1 + upper * lower) * (upper - lower)
    return flux - np.roll(flux, 1, axis)


def test_fluxes_along_all_axes_are_a_divergence() -> None:
    equation = read(lambda t, u: 2 * flux_of(u, 0) + 2 * flux_of(u, 1), np.zeros((N, N)))
    assert equation.lines() == ["∂u/∂t = 2*∇·(∇u*(u^2 + 1))"]
    assert equation.latex().endswith(
        r"2 \nabla \cdot \left(\nabla u \left(u^{2} + 1\right)\right) \end{aligned}"
    )
    unequal = read(lambda t, u: 2 * flux_of(u, 0) + flux_of(u, 1), np.zeros((N, N)))
    assert unequal.lines() == ["∂u/∂t = 2*∂x(u_x*(u^2 + 1)) + ∂y(u_y*(u^2 + 1))"]


def test_a_slope_in_a_flux_is_of_what_changes() -> None:
    """The flux u * dv/dx with u of the lower cell: not the slope of u*v."""

    def drift(t: float, w: Any) -> Any:
        u, v = w
        flux = u * np.exp(v) * (np.roll(v, -1) - v) * np.roll(u, -1)
        return np.stack([flux - np.roll(flux, 1), second(v)])

    assert read(drift, np.zeros((2, N))).lines() == ["∂u/∂t = ∂x(u^2*v_x*exp(v))", "∂v/∂t = v_xx"]


def test_in_space() -> None:
    f = lambda t, u: laplacian(u) - (u - np.roll(u, 1, 0))
    assert read(f, np.zeros((8, 8, 8))).lines() == ["∂u/∂t = -u_x⁻ + Δu"]


def test_the_papers_problem() -> None:
    f, u0 = reaction_diffusion.make(32)
    equation = read(f, u0, names=["A", "B", "C"])
    assert str(equation).splitlines() == [
        "∂A/∂t = -A*B - A + C + c1 + 100*ΔA",
        "∂B/∂t = -A*B - B + C + 1",
        "∂C/∂t = A*B - 2*C + 1",
        "  c1: a constant array of 32 x 32, from 0 to 1",
        "  Δ: 5 points",
        "  grid 32 x 32, spacing 1",
        "  A at x low, x high, y low, y high: reflecting, zero slope (Neumann) at the cells of the wall",
    ]
    assert equation.recognised
    assert equation.latex() == (
        r"\begin{aligned} \partial_t A &= -A B - A + C + c_{1} + 100 \Delta A \\ \partial_t B &= -A B - B + C + 1 \\ "
        r"\partial_t C &= A B - 2 C + 1 \end{aligned}"
    )
    assert equation._repr_latex_() == rf"$\displaystyle {equation.latex()}$" and repr(equation) == str(
        equation
    )


# --- boundaries -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f, low, high",
    [
        (lambda u: second(u), "periodic", "periodic"),
        (lambda u: padded(u, "edge"), "reflecting, zero slope (Neumann) half a cell", "reflecting"),
        (lambda u: padded(u, "reflect"), "reflecting, zero slope (Neumann) at the cells", "reflecting"),
        (lambda u: padded(u, "constant"), "0 (Dirichlet) one cell beyond", "0 (Dirichlet)"),
        (lambda u: padded(u, "constant", constant_values=((1.0, 2.5),)), "1 (Dirichlet)", "2.5 (Dirichlet)"),
        (lambda u: interior(u), "held fixed (Dirichlet)", "held fixed"),
        (
            lambda u: (lambda p: p[2:] - 2 * u + p[:-2])(np.concatenate([-u[:1], u, -u[-2:-1]])),
            "zero (Dirichlet) half a cell", "zero (Dirichlet) at the cells",
        ),
        (
            lambda u: (lambda p: p[2:] - 2 * u + p[:-2])(np.concatenate([0.9 * u[:1], u, u[-1:]])),
            "a formula of its own: -0.1*u + u_x⁺", "reflecting",
        ),
    ],
)  # fmt: skip
def test_walls_are_named(f: Any, low: str, high: str) -> None:
    walls = read(lambda t, u: f(u), np.zeros(N)).boundaries["u"]
    assert walls["x low"].startswith(low) and walls["x high"].startswith(high)


def test_walls_belong_to_the_field_that_is_read() -> None:
    def wave(t: float, y: Any) -> Any:
        u, v = y[: N * N].reshape(N, N), y[N * N :].reshape(N, N)
        return np.concatenate([v.ravel(), (MIRRORED @ u + u @ MIRRORED.T).ravel()])

    equation = read(wave, np.zeros(2 * N * N), spacing="h")
    assert equation.lines() == ["∂u/∂t = v", "∂v/∂t = h^2*Δu"]
    assert list(equation.boundaries) == ["u"] and len(equation.boundaries["u"]) == 4
    assert "spacing h" in str(equation)


# --- spacing, layout, parameters --------------------------------------------------------------------------------------------------


def test_spacing_scales_coefficients() -> None:
    h = 0.1
    f = lambda t, u: 0.02 * second(u) / h**2 - u * (np.roll(u, -1) - np.roll(u, 1)) / (2 * h)
    assert read(f, np.zeros(N), spacing=h).lines() == ["∂u/∂t = -u*u_x + 0.02*u_xx"]
    assert read(f, np.zeros(N)).lines() == ["∂u/∂t = -10*u*u_x + 2*u_xx"]
    assert read(f, np.zeros(N), spacing=sn.symbols("dx")).lines() == ["∂u/∂t = -10*dx*u*u_x + 2*dx^2*u_xx"]
    rolled = lambda t, u: (
        np.roll(u, 1, 0) - 2 * u + np.roll(u, -1, 0) + 4 * (np.roll(u, 1, 1) - 2 * u + np.roll(u, -1, 1))
    )
    assert read(rolled, np.zeros((N, N)), spacing=(1.0, 0.5)).lines() == ["∂u/∂t = Δu"]
    assert read(rolled, np.zeros((N, N))).lines() == ["∂u/∂t = u_xx + 4*u_yy"]


@pytest.mark.parametrize(
    "f, size",
    [
        (lambda t, y: np.concatenate([second(y[:N]), y[:N] * y[N:]]), 2 * N),
        (lambda t, y: np.stack([second(y[::2]), y[::2] * y[1::2]], axis=1).ravel(), 2 * N),
    ],
)
def test_flat_states_of_two_fields(f: Solver, size: int) -> None:
    assert read(f, np.zeros(size)).lines() == ["∂u/∂t = u_xx", "∂v/∂t = u*v"]


def test_flat_grids() -> None:
    whole = read(lambda t, y: laplacian(y.reshape(12, 16)).ravel(), np.zeros(12 * 16))
    assert whole.lines() == ["∂u/∂t = Δu"] and whole.layout.extents == (12, 16)
    told = read(lambda t, y: FLAT @ y, np.zeros(N * N), shape=(N, N))
    assert told.lines() == ["∂u/∂t = Δu"]


def test_systems_without_space() -> None:
    lorenz = lambda t, y: np.stack([10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 * y[2]])
    equation = read(lorenz, np.ones(3), names=("x", "y", "z"))
    assert equation.lines() == ["∂x/∂t = 10*(-x + y)", "∂y/∂t = x*(-z + 28) - y", "∂z/∂t = x*y - 8*z"]
    assert not equation.boundaries and "grid" not in str(equation)


def test_parameters_and_constants_keep_their_names() -> None:
    f = lambda t, u, D, k: D * second(u) - k * u + np.sin(np.arange(N))
    equation = read(f, np.zeros(N), {"D": 2.0, "k": np.ones(N)})
    assert equation.lines() == ["∂u/∂t = D*u_xx - k*u + c1"]
    assert equation.constants["k"] == "a parameter of 24" and equation.constants["c1"].startswith(
        "a constant array of 24"
    )
    # the right-hand side is a term like any other
    (rhs,) = equation.terms.values()
    assert str(sn.diff(rhs, sn.symbols("D"))) == "u_xx"


def test_what_cannot_be_read_is_said() -> None:
    dense = read(lambda t, u: np.random.default_rng(0).normal(size=(N, N)) @ u, np.zeros(N))
    assert not dense.recognised and not dense.uniform and dense._repr_latex_() is None
    assert "a formula of 23 other cells" in str(dense) and "other cells have other coefficients" in str(dense)
    far = read(lambda t, u: np.roll(u, 3) * u, np.zeros(N))
    assert not far.recognised and "not read as derivatives: u[i-3]" in str(far)
    assert far.latex() == r"\begin{aligned} \partial_t u &= u u_{i-3} \end{aligned}"
    mean = read(lambda t, u: u - np.mean(u), np.zeros(200))
    assert mean.lines() == ["∂u/∂t = -s1/200 + u"] and mean.constants["s1"] == "a sum over many entries"


def test_long_formulas_are_not_read() -> None:
    def steps(t: float, u: Any) -> Any:
        for _ in range(7):
            u = u + 0.01 * second(u) * u
        return u

    long = read(steps, np.zeros(64))
    assert not long.recognised and long.lines() == ["∂u/∂t = a formula of 14 other cells"]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"spacing": (1.0, 2.0)}, r"spacing=\(1.0, 2.0\) has 2 entries, but the grid has 1 axes of space"),
        ({"spacing": -1.0}, "spacing=-1.0 must be positive numbers, or one name"),
        ({"names": ["a", "b"]}, r"names=\['a', 'b'\] must give 1 different names"),
        ({"shape": (5, 5)}, r"shape \(5, 5\) has 25 entries, but the state has 24"),
        ({"shape": (4, 6), "space": (2,)}, r"space=\(2,\) does not name axes of the shape \(4, 6\)"),
        (
            {"shape": (2, 2, 2, 3), "space": (0, 1, 2, 3)},
            r"4 axes of space, \(2, 2, 2, 3\), but at most 3 have names",
        ),
    ],
)
def test_bad_options(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(lambda t, u: second(u), np.zeros(N), **options)


def test_mixed_spacings_are_refused() -> None:
    with pytest.raises(ValueError, match="mixes names and numbers"):
        read(lambda t, u: laplacian(u), np.zeros((N, N)), spacing=("h", 1.0))


# --- the identity -----------------------------------------------------------------------------------------------------------------


def value_at(equation: Any, field: str, arrays: dict[str, Any], cell: tuple[int, ...]) -> float:
    """Evaluate an equation in a cell with each derivative as the difference that it stands for, on a periodic grid."""
    values: dict[str, Any] = dict(arrays)
    for name, derivative in equation.derivatives.items():
        inner = interface.free_symbols(derivative.inner)
        acted = sn.compile(derivative.inner, inner, target="numpy")(
            *(values[interface.name(s)] for s in inner)
        )
        weights = derivative.operator.weights.items()
        values[name] = sum(
            w * np.roll(acted, [-i for i in offset], range(acted.ndim)) for offset, w in weights
        )
    term = equation.terms[field]
    return float(
        sn.evaluate(term, {s: float(values[interface.name(s)][cell]) for s in interface.free_symbols(term)})
    )


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(-2, 2), st.integers(-3, 3), st.sampled_from(["", "u", "u^2", "sq"])),
        min_size=1,
        max_size=7,
    )
)
def test_reading_any_stencil_is_an_identity(addends: list[tuple[int, int, str]]) -> None:
    def f(t: float, u: Any) -> Any:
        total = 0 * u
        for offset, weight, factor in addends:
            moved = np.roll(u, -offset)
            total = total + weight * {"": moved, "u": u * moved, "u^2": u**2 * moved, "sq": moved**2}[factor]
        return total

    u = np.random.default_rng(0).uniform(0.5, 1.5, 16)
    equation = read(f, u)
    if equation.unread:
        return  # what is left names cells, which this oracle does not know
    assert value_at(equation, "u", {"u": u}, (8,)) == pytest.approx(float(f(0.0, u)[8]), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "name", [name for name in EQUATIONS if name not in ("far", "flux", "time", "chosen")]
)
def test_equations_have_the_value_of_the_solver(name: str) -> None:
    f, _ = EQUATIONS[name]
    u = np.random.default_rng(0).uniform(0.5, 1.5, N)
    assert value_at(read(f, u), "u", {"u": u}, (12,)) == pytest.approx(
        float(f(0.0, u)[12]), rel=1e-9, abs=1e-12
    )


@pytest.mark.parametrize("name", PLANE)
def test_equations_in_the_plane_have_the_value_of_the_solver(name: str) -> None:
    f, _ = PLANE[name]
    u = np.random.default_rng(0).uniform(0.5, 1.5, (N, N))
    found = value_at(read(f, u), "u", {"u": u}, (12, 12))
    assert found == pytest.approx(float(f(0.0, u)[12, 12]), rel=1e-9, abs=1e-9)


# --- the parts --------------------------------------------------------------------------------------------------------------------


def test_the_term_of_one_cell_is_that_of_all() -> None:
    rng = np.random.default_rng(0)
    full = rng.normal(size=(4, 4))

    def f(t: float, u: Any) -> Any:
        du = np.zeros_like(u)
        du[1:-1] = (full @ u)[1:-1] * u[::-1][1:-1] + np.sum(u, axis=1)[1:-1, None]
        du[[0, 3]] = u[[3, 0]] @ full
        return du - np.mean(u) * np.arange(4.0)

    system = trace(f, rng.normal(size=(4, 4)))
    cells = CellTerms(system.graph)
    for position, wanted in enumerate(system.rhs):
        found = cells.term(system.output, position)
        known = {s: s for s in interface.free_symbols(found)}
        for s in known:
            node, at = cells.meaning[interface.name(s)]
            if isinstance(node, Constant):
                known[s] = float(node.value.reshape(-1)[at])
            else:
                known[s] = system.states[at]
        assert sn.equivalent(sn.substitute(found, known), wanted)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=0, max_size=3), st.integers(0, 3))
def test_the_place_of_a_position(axes: list[tuple[int, bool]], offset: int) -> None:
    whole = np.arange(6 ** len(axes) + 10)
    strides: list[int] = []
    step = 1
    for extent, back in reversed(axes):
        strides.insert(0, (-step if back else step) if extent > 1 else 0)
        step *= extent + 1
    start = offset + sum(-s * (n - 1) for s, (n, _) in zip(strides, axes, strict=True) if s < 0)
    region = Strided(start, tuple(n for n, _ in axes), tuple(strides))
    places = {position: place for place, position in enumerate(region.flat().reshape(-1).tolist())}
    for position in whole[: offset + step + 3].tolist():
        assert place_of(region, position) == places.get(position, -1)


def test_every_operator_is_exact_on_polynomials_of_its_order() -> None:
    for spacing in ((0.5,), (0.5, 0.5), (0.5, 0.25), (0.5, 0.25, 1.0)):
        for row in operators(spacing):
            points = np.array(list(row.weights)) * np.array(spacing)
            weights = np.array(list(row.weights.values()))
            assert weights.sum() == pytest.approx(0.0, abs=1e-9 * np.abs(weights).max())
            if row.letters:
                monomial = np.prod([points[:, "xyz".index(letter)] for letter in row.letters], axis=0)
                repeats = [row.letters.count(letter) for letter in set(row.letters)]
                assert weights @ monomial == pytest.approx(
                    np.prod([float(np.prod(range(1, k + 1))) for k in repeats])
                )
            else:
                square = (points**2).sum(axis=1)
                assert weights @ square == pytest.approx(
                    2 * len(spacing) if row.order == 2 else 0.0, abs=1e-9
                )
                if row.order == 4:  # the square of the Laplacian of x^4 is 24
                    assert weights @ points[:, 0] ** 4 == pytest.approx(24.0)


def test_no_combination_is_none() -> None:
    assert combination({(3,): 1.0, (0,): -1.0}, operators((1.0,))) is None


@pytest.mark.parametrize(
    ("module", "options", "wanted"),
    [
        ("advection", {"n": 32}, ["∂u/∂t = -32*u_x⁻"]),
        ("burgers", {"n": 32}, ["∂u/∂t = 10.24*u_xx - 16*∂x(u^2)"]),
        ("cahn_hilliard", {"n": 16}, ["∂u/∂t = Δ(u^3) - Δu - 0.5*Δ²u"]),
        ("fitzhugh_nagumo", {"n": 16}, ["∂u/∂t = -u^3/3 + u - v + Δu", "∂v/∂t = 0.08*(u - 0.8*v + 0.7)"]),
        (
            "gray_scott", {"n": 16},
            ["∂u/∂t = -u*v^2 - 0.035*u + 0.16*Δu + 0.035", "∂v/∂t = u*v^2 - 0.1*v + 0.08*Δv"],
        ),
        ("heat", {"n": 15, "dimensions": 3}, ["∂u/∂t = 256*Δu"]),
        ("wave", {"n": 15}, ["∂u/∂t = v", "∂v/∂t = 256*Δu"]),
    ],
)  # fmt: skip
def test_the_example_problems_are_recognised(module: str, options: Any, wanted: list[str]) -> None:
    import importlib

    f, u0 = importlib.import_module(f"symnum.pde.models.{module}").make(**options)
    equation = read(f, u0)
    assert equation.lines() == wanted and equation.recognised
    assert all("of its own" not in rule for walls in equation.boundaries.values() for rule in walls.values())
