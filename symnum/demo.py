"""First light: a formula made cheap, a law found in measurements, a PDE solver made fast; the text of ``symnum demo``.

Each part returns what it measured as a dict, so that tests and notebooks can use it without the printing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import symnum as sn

FORMULA = "(sin(x)^2 + cos(x)^2)*exp(-x^2/2)*(1 + x*y)^2/(1 + 2*x*y + x^2*y^2) + log(1 + y^2)"
"""What part (a) starts from: it is worth exp(-x^2/2) + log(1 + y^2)."""

MEANS = (0.44307, 1.23081, 0.76919)
"""Means of A, B and C at t = 10 of the reaction-diffusion problem, from an independent solution."""


def _best_time(function: Callable[[], Any], rounds: int = 7) -> float:
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - begin)
    return best


def formula(rows: int = 10_000) -> dict[str, Any]:
    """Simplify, differentiate and compile a formula, and time it against ``sympy.lambdify`` of the same text."""
    import numpy as np
    import sympy

    given = sn.parse(FORMULA)
    begin = time.perf_counter()
    simple = sn.simplify(given)
    simplify_seconds = time.perf_counter() - begin
    x, y = sn.symbols("x y")
    slope = sn.diff(simple, x)
    begin = time.perf_counter()
    theirs_simple = sympy.simplify(sympy.sympify(FORMULA.replace("^", "**")))
    sympy_seconds = time.perf_counter() - begin
    draw = np.random.default_rng(0)
    points = draw.normal(size=rows), draw.normal(size=rows)
    compiled = sn.compile([simple, slope], [x, y])
    symbols = sympy.symbols("x y")
    lambdified = sympy.lambdify(symbols, [theirs_simple, theirs_simple.diff(symbols[0])], "numpy")
    unsimplified = sympy.lambdify(
        symbols, [part := sympy.sympify(FORMULA.replace("^", "**")), part.diff(symbols[0])], "numpy"
    )
    ours, theirs = compiled(*points), np.array(lambdified(*points))
    if not np.allclose(ours, theirs, rtol=1e-12, atol=1e-12):
        raise ArithmeticError("the compiled formula and sympy.lambdify disagree; please report this")
    return dict(
        given=given,
        simple=simple,
        slope=slope,
        target=compiled.target,
        simplify_seconds=simplify_seconds,
        sympy_simplify_seconds=sympy_seconds,
        call_seconds=_best_time(lambda: compiled(*points)),
        lambdify_seconds=_best_time(lambda: lambdified(*points)),
        lambdify_as_written_seconds=_best_time(lambda: unsimplified(*points)),
        rows=rows,
    )


def kepler() -> dict[str, Any]:
    """Find the law that ties the planets' periods to their distances from the Sun, from the measured table."""
    from symnum.data import load_planets
    from symnum.regression import SymbolicRegressor

    planets = load_planets()
    distance, period = planets["semi_major_axis_au"], planets["period_years"]
    begin = time.perf_counter()
    model = SymbolicRegressor(random_state=0, time_limit=20).fit(
        distance.reshape(-1, 1), period, feature_names=["a"]
    )
    return dict(model=model, planets=planets, seconds=time.perf_counter() - begin)


def reaction_diffusion(n: int = 32, t_end: float = 10.0) -> dict[str, Any]:
    """Trace a plain NumPy reaction-diffusion solver, and solve it with SciPy's BDF before and after."""
    import numpy as np
    from scipy.integrate import solve_ivp

    from symnum.pde import trace
    from symnum.pde.models import reaction_diffusion as model

    f, u0 = model.make(n)
    begin = time.perf_counter()
    system = trace(f, u0)
    solution = system.solve((0.0, t_end), method="BDF", rtol=1e-3, atol=1e-6)
    ours = time.perf_counter() - begin
    begin = time.perf_counter()
    untouched = solve_ivp(
        lambda t, u: np.asarray(f(t, u.reshape(u0.shape))).ravel(),
        (0.0, t_end),
        u0.ravel(),
        method="BDF",
        rtol=1e-3,
        atol=1e-6,
    )
    theirs = time.perf_counter() - begin
    final = solution.u[-1]
    return dict(
        n=n,
        seconds=ours,
        untouched_seconds=theirs,
        means=final.mean(axis=(0, 1)),
        untouched_means=untouched.y[:, -1].reshape(u0.shape).mean(axis=(0, 1)),
        entries=system.sparsity().nnz,
        unknowns=u0.size,
        final=final,
    )
