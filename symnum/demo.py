"""First light: a formula made cheap, a law found in measurements, a PDE solver made fast; the text of ``symnum demo``.

Each part returns what it measured as a dict, so that tests and notebooks can use it without the printing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import symnum as sn

FORMULA = "(sin(x)^2 + cos(x)^2)*exp(-x^2/2)*(1 + x*y)^2/(1 + 2*x*y + x^2*y^2) + log(1 + y^2)"
"""What part (a) starts from: it is worth exp(-x^2/2) + log(1 + y^2)."""

MEANS = (0.44307, 1.23081, 0.76919)
"""Means of A, B and C at t = 10 on 32 x 32 cells at rtol 1e-3, from an independent solution."""


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
    sn.simplify(sn.parse("x + y"))  # both systems have loaded their parts before they are timed
    sympy.simplify(sympy.Symbol("x") + 1)
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
    """Find the law that ties the planets' periods to their distances from the Sun, from the published orbits."""
    from symnum.data import load_planets
    from symnum.regression import SymbolicRegressor, fit_report

    planets = load_planets()
    X = planets.semi_major_axis.reshape(-1, 1)
    begin = time.perf_counter()
    model = SymbolicRegressor(random_state=0, time_limit=20).fit(X, planets.period)
    return dict(
        model=model,
        law=sn.substitute(model.expression_, {model.symbols_[0]: sn.symbols("a", positive=True)}),
        planets=planets,
        report=fit_report(model, X, planets.period),
        seconds=time.perf_counter() - begin,
    )


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


def _draw(path: Path, law: dict[str, Any], field: dict[str, Any]) -> bool:
    """Draw the planets with their law and the final field; returns False where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    import numpy as np

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    orbits, fields = figure.subplots(1, 2)
    planets = law["planets"]
    axis = np.geomspace(planets.semi_major_axis.min() / 1.3, planets.semi_major_axis.max() * 1.3, 200)
    orbits.loglog(
        axis, law["model"].predict(axis[:, None]), color="tab:blue", label=f"found: T = {law['law']}"
    )
    orbits.loglog(planets.semi_major_axis, planets.period, "o", color="black", label="published orbits")
    for name, a, period in zip(planets.names, planets.semi_major_axis, planets.period, strict=True):
        orbits.annotate(name, (a, period), textcoords="offset points", xytext=(6, -10), fontsize=8)
    orbits.set(xlabel="semi-major axis a [au]", ylabel="period T [years]", title="Kepler's third law, found")
    orbits.legend()
    image = fields.imshow(field["final"][:, :, 0], origin="lower", cmap="viridis")
    fields.set(
        title=f"reaction-diffusion, A at t = 10, {field['n']} x {field['n']} cells", xlabel="x", ylabel="y"
    )
    figure.colorbar(image, ax=fields)
    figure.savefig(path, dpi=110)
    return True


def main(output: str | Path = "symnum_demo.png", stream: TextIO | None = None, n: int = 32) -> int:
    """Run the three parts, the last on an n x n grid, print a short report and write a picture; returns the exit status."""
    out = stream or sys.stdout
    started = time.perf_counter()

    def say(text: str = "") -> None:
        print(text, file=out, flush=True)

    say("(a) a formula: simplified, differentiated, compiled")
    a = formula()
    say(f"    given        {a['given']}")
    say(
        f"    simplified   {a['simple']}   in {a['simplify_seconds'] * 1e3:.1f} ms "
        f"(sympy.simplify: {a['sympy_simplify_seconds'] * 1e3:.0f} ms)"
    )
    say(f"    d/dx         {a['slope']}")
    say(
        f"    both on {a['rows']:,} rows: {a['call_seconds'] * 1e6:.0f} us ({a['target']}), "
        f"sympy.lambdify {a['lambdify_seconds'] * 1e6:.0f} us, "
        f"of the formula as written {a['lambdify_as_written_seconds'] * 1e6:.0f} us"
    )
    say()
    say("(b) a law from measurements: the planets' distances a [au] and periods T [years]")
    b = kepler()
    say(
        f"    found        T = {b['law']}   in {b['seconds']:.1f} s, from {b['model'].n_evaluations_:,} expressions"
    )
    for line in str(b["report"]).splitlines():
        say(f"    {line}")
    say()
    say(
        "(c) a reaction-diffusion solver in plain NumPy: traced, given its sparse Jacobian, solved to t = 10 by SciPy's BDF"
    )
    c = reaction_diffusion(n)
    say(f"    Jacobian     {c['unknowns']} x {c['unknowns']}, {c['entries']} entries that are not zero")
    say(
        f"    untouched    {c['untouched_seconds']:.2f} s;  traced, compiled and solved {c['seconds']:.2f} s: "
        f"{c['untouched_seconds'] / c['seconds']:.0f} times faster"
    )
    error = max(
        abs(m - e) for m, e in zip(c["means"], MEANS if n == 32 else c["untouched_means"], strict=True)
    )
    source = "the reference" if n == 32 else "the untouched run"
    say(f"    means        A, B, C = {', '.join(f'{m:.5f}' for m in c['means'])}; {error:.0e} from {source}")
    say()
    path = Path(output)
    if _draw(path, b, c):
        say(f"picture: {path}")
    else:
        say("picture: not drawn, because matplotlib is missing; pip install 'symnum[plot]'")
    say(f"done in {time.perf_counter() - started:.1f} s")
    if error > 5e-4:
        say("the means are off: please report this")
        return 1
    return 0
