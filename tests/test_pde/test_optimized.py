"""Traced systems whose formulas are optimised: never dearer, equal values, equal derivatives, parameters kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.pde import trace
from symnum.pde.graph import Elementwise
from symnum.pde.models import reaction_diffusion


def formulas(system: Any) -> list[Any]:
    nodes = system.graph.reachable([system.output])
    return [node.term for node in nodes if isinstance(node, Elementwise)]


def test_shared_reactions_are_paid_once() -> None:
    f, u0 = reaction_diffusion.make(8)
    system = trace(f, u0)
    cheap = system.optimized("ops")
    assert sn.cost(formulas(cheap), "ops") < sn.cost(formulas(system), "ops")
    u = np.random.default_rng(0).uniform(size=u0.shape)
    one, other = system.compile("numpy"), cheap.compile("numpy")
    np.testing.assert_allclose(other.rhs(0.0, u), one.rhs(0.0, u), rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        other.jacobian(0.0, u).toarray(), one.jacobian(0.0, u).toarray(), rtol=0, atol=1e-12
    )
    assert cheap.shape == system.shape and cheap.equation().lines() == system.equation().lines()


def test_parameters_stay_also_those_that_are_not_read() -> None:
    def f(t: float, u: Any, unused: Any, a: Any, b: Any) -> Any:
        return a * u**2 + b * u**2 + np.where(u > 0.5, a * u, b * u)

    given = {"unused": np.ones(2), "a": 2.0, "b": np.linspace(0.0, 1.0, 4)}
    u0 = np.linspace(0.2, 0.8, 4)
    cheap = trace(f, u0, parameters=given).optimized("ops")
    assert [str(symbol) for symbol in cheap.parameters] == ["unused", "a", "b"]
    for target in ("numpy", "auto"):
        compiled = cheap.compile(target)
        np.testing.assert_allclose(compiled.rhs(0.0, u0), f(0.0, u0, **given), rtol=1e-13)
        np.testing.assert_allclose(
            compiled.rhs(0.0, u0, p={"a": 3.0}), f(0.0, u0, **{**given, "a": 3.0}), rtol=1e-13
        )


def test_an_unknown_cost_is_refused() -> None:
    with pytest.raises(ValueError, match="cheapness"):
        trace(lambda t, u: u * u, np.ones(3)).optimized("cheapness")
