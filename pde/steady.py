"""Steady states: how far a state is from one, and the search by integration and Newton's method.

Where a network conserves sums, its Jacobian is singular.  One equation for each conservation law is dependent on the others, and the
law with its value at the start takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.pde.system import OdeSystem


def imbalance(system: OdeSystem, u: Any, parameters: Mapping[Any, Any] | None = None) -> float:
    """Return the largest |du/dt|, in units of the largest |u| per unit of time."""
    rhs, _ = system.compile().bound(parameters)
    state = np.asarray(u, dtype=np.float64)
    if state.shape != system.shape:
        raise ValueError(f"u has shape {state.shape}; the system takes {system.shape}")
    return _relative(rhs(system.t0, state), state)


def _relative(slope: Any, state: Any) -> float:
    largest = float(np.abs(slope).max(initial=0.0))
    return largest / float(np.abs(state).max(initial=0.0)) if largest else 0.0


def steady_state(
    system: OdeSystem,
    laws: Any,
    u0: Any = None,
    *,
    parameters: Mapping[Any, Any] | None = None,
    tol: float = 1e-9,
    t_max: float = 1e9,
    method: str = "BDF",
) -> Any:
    """Return the steady state that is reached from ``u0``: array (states,), non-negative but for rounding.

    Integrates to t = 1, 10, 100, ..., ``t_max``, and tries Newton's method from each; ``laws`` (laws, states) hold their values.
    A state is accepted where Newton's steps vanish, or where :func:`imbalance` is at most ``tol``.

    Raises ValueError for a system that depends on time, and ArithmeticError where no steady state is found.
    """
    if interface.key(system.time) in {interface.key(s) for s in interface.free_symbols(*system._parts())}:
        raise ValueError(
            f"the right-hand side depends on time ({system.time}), so there is no steady state; fix the time first"
        )
    rhs, jacobian = system.compile().bound(parameters)
    start = system.initial_state(parameters) if u0 is None else np.asarray(u0, dtype=np.float64)
    if start.shape != system.shape:
        raise ValueError(f"u0 has shape {start.shape}; the system takes {system.shape}")
    if not len(start):
        return start
    laws = np.asarray(laws, dtype=np.float64)
    values, replaced = laws @ start, _dependent_rows(laws)
    state, reached, until = start, 0.0, 1.0
    while reached < t_max:
        sol = system.solve(
            (reached, until), state, method, rtol=1e-8, atol=1e-12, parameters=parameters, t_eval=[until]
        )
        if not sol.success:
            raise ArithmeticError(
                f"the integration towards a steady state ended at t = {reached:g}: {sol.message}"
            )
        state, reached, until = sol.u[-1], until, min(10.0 * until, t_max)
        found = _newton(rhs, jacobian, state, laws, values, replaced)
        if found is not None:
            return found
        if _relative(rhs(0.0, state), state) <= tol:
            return state
    raise ArithmeticError(
        f"no steady state was found up to t = {t_max:g}: the rates are still {_relative(rhs(0.0, state), state):.2g} of the largest "
        f"amount; it may grow or oscillate, or need a larger t_max"
    )


def _dependent_rows(laws: Any) -> Any:
    """Return one state for each law, whose equation follows from the others."""
    from scipy.linalg import qr

    if not len(laws):
        return np.zeros(0, np.int64)
    return qr(laws, pivoting=True, mode="r")[1][: len(laws)]


def _newton(
    rhs: Callable[..., Any], jacobian: Callable[..., Any], state: Any, laws: Any, values: Any, replaced: Any
) -> Any:
    """Return the root that Newton's method finds from ``state``, or None."""
    from scipy.sparse import csr_matrix, diags
    from scipy.sparse.linalg import splu

    kept = np.ones(len(state))
    kept[replaced] = 0.0
    insert = csr_matrix(
        (np.ones(len(replaced)), (replaced, np.arange(len(replaced)))), shape=(len(state), len(replaced))
    )
    rows = (insert @ csr_matrix(laws.reshape(len(replaced), len(state)))).tocsc()
    scale = float(np.abs(state).max(initial=0.0)) or 1.0
    u = state.copy()
    for _ in range(30):
        residual = rhs(0.0, u) * kept
        residual[replaced] = laws @ u - values
        try:
            step = splu((diags(kept) @ jacobian(0.0, u) + rows).tocsc()).solve(-residual)
        except RuntimeError:  # singular: further integration decides
            return None
        if not np.isfinite(step).all():
            return None
        u = u + step
        if (u < -1e-6 * scale).any() or np.abs(u).max() > 1e3 * scale:
            return None
        if np.abs(step).max() <= 1e-12 * scale:
            return u
    return None
