"""The reaction-diffusion solver of 32 x 32 cells: traced, beside SciPy with what its user could have done by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness import Row, least, per_call, row
from scipy.integrate import solve_ivp

from symnum.pde import trace
from symnum.pde.models import reaction_diffusion

N = 32
OPTIONS: dict[str, Any] = dict(method="BDF", rtol=1e-3, atol=1e-6)


def rows() -> list[Row]:
    """Time trace to solution at t = 10, and one call of the right-hand side."""
    f, u0 = reaction_diffusion.make(N)
    shape, flat = u0.shape, u0.ravel()

    def by_scipy(**more: Any) -> Any:
        return solve_ivp(
            lambda t, u: np.asarray(f(t, u.reshape(shape))).ravel(), (0.0, 10.0), flat, **OPTIONS, **more
        )

    system = trace(f, u0)
    compiled = system.compile()
    pattern = system.sparsity()
    u = np.random.default_rng(0).uniform(size=shape)
    assert np.allclose(compiled.rhs(0.0, u), f(0.0, u), rtol=1e-13)
    solution = trace(f, u0).solve((0.0, 10.0), **OPTIONS)
    assert np.allclose(solution.u[-1].mean(axis=(0, 1)), [0.44307, 1.23081, 0.76919], atol=1e-4)

    whole = least(lambda: trace(f, u0).solve((0.0, 10.0), **OPTIONS), rounds=5, seconds=5)
    dense = least(by_scipy, rounds=2, seconds=1)
    banded = least(lambda: by_scipy(jac_sparsity=pattern), rounds=3)
    exact = least(lambda: by_scipy(jac=lambda t, v: compiled.jacobian(t, v.reshape(shape))), rounds=3)
    ours, theirs = per_call(lambda: compiled.rhs(0.0, u)), per_call(lambda: f(0.0, u))
    return [
        row("trace, Jacobian, solve to t = 10", "SciPy BDF, untouched", whole, dense),
        row("trace, Jacobian, solve to t = 10", "SciPy BDF given the pattern", whole, banded),
        row("trace, Jacobian, solve to t = 10", "SciPy BDF given our Jacobian, solve alone", whole, exact),
        row("right-hand side, one call", "NumPy as written", ours, theirs),
    ]
