"""Forward sensitivities against differences of solves and closed forms; the joint system and its exact Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

from symnum.pde import trace
from symnum.pde.rebuild import rebuilt
from symnum.pde.sensitivity import sensitivity_system

TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def fisher(t: float, u: Any, D: Any, feed: Any) -> Any:
    padded = np.pad(u, 1, mode="edge")
    return D * (padded[2:] - 2 * u + padded[:-2]) + u * (1 - u) + feed * np.cos(t)


@pytest.fixture(scope="module")
def system() -> Any:
    u0 = 0.5 + 0.4 * np.sin(np.linspace(0.0, 5.0, 8))
    return trace(fisher, u0, parameters={"D": 0.7, "feed": np.linspace(0.0, 0.3, 8)})


def test_by_parameters_and_along_directions_against_differences(system: Any) -> None:
    d = np.random.default_rng(0).normal(size=(2, 8))
    times = [0.0, 0.5, 1.5]
    found = system.sensitivities((0.0, 1.5), directions=d, t_eval=times, **TIGHT)
    assert found.t.tolist() == times and found.u.shape == (3, 8)
    assert found.by_parameter["D"].shape == (3, 8) and found.by_parameter["feed"].shape == (3, 8, 8)
    assert found.by_direction.shape == (3, 2, 8) and "2 directions" in repr(found)

    def solved(**changes: Any) -> Any:
        return system.solve((0.0, 1.5), t_eval=times, **{**TIGHT, **changes}).u

    np.testing.assert_allclose(found.u, solved(), atol=1e-8)
    h = 1e-4
    by_D = (solved(parameters={"D": 0.7 + h}) - solved(parameters={"D": 0.7 - h})) / (2 * h)
    np.testing.assert_allclose(found.by_parameter["D"], by_D, atol=2e-6)
    feed = np.linspace(0.0, 0.3, 8)
    step = h * (np.arange(8) == 5)
    by_feed = (solved(parameters={"feed": feed + step}) - solved(parameters={"feed": feed - step})) / (2 * h)
    np.testing.assert_allclose(found.by_parameter["feed"][:, 5], by_feed, atol=2e-6)
    for k in range(2):
        along = (solved(u0=system.u0 + h * d[k]) - solved(u0=system.u0 - h * d[k])) / (2 * h)
        np.testing.assert_allclose(found.by_direction[:, k], along, atol=2e-6)


def test_a_linear_system_has_the_derivative_of_the_matrix_exponential() -> None:
    rng = np.random.default_rng(1)
    A, B = rng.normal(size=(2, 4, 4))
    system = trace(lambda t, u, k: (A + 0.0 * B) @ u + k * (B @ u), rng.normal(size=4), parameters={"k": 0.3})
    found = system.sensitivities((0.0, 1.0), ["k"], directions=np.eye(4), t_eval=[1.0], **TIGHT)
    np.testing.assert_allclose(found.by_direction[0].T, expm(A + 0.3 * B), rtol=1e-6, atol=1e-7)
    # the derivative of exp is a corner of the exponential of a block matrix (Higham, Functions of Matrices, eq. 3.16)
    block = np.block([[A + 0.3 * B, B], [np.zeros((4, 4)), A + 0.3 * B]])
    np.testing.assert_allclose(
        found.by_parameter["k"][0], expm(block)[:4, 4:] @ system.u0, rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("method", ["Radau", "DOP853"])
def test_other_methods_and_chosen_parameters(system: Any, method: str) -> None:
    usual = system.sensitivities((0.0, 1.0), ["D"], t_eval=[1.0], **TIGHT)
    other = system.sensitivities((0.0, 1.0), ["D"], t_eval=[1.0], method=method, **TIGHT)
    assert list(other.by_parameter) == ["D"]
    np.testing.assert_allclose(other.by_parameter["D"], usual.by_parameter["D"], atol=1e-6)


def test_the_joint_system_has_an_exact_jacobian(system: Any) -> None:
    joint = sensitivity_system(system, ["D"], np.ones((1, 8)))
    assert joint.shape == (3, 8) and joint.u0[0].tolist() == system.u0.tolist()
    assert joint.u0[1].tolist() == [0.0] * 8 and joint.u0[2].tolist() == [1.0] * 8
    compiled = joint.compile("numpy")
    u = np.random.default_rng(0).normal(size=24)
    exact = compiled.jacobian(0.3, u).toarray()
    for j in range(24):
        step = 1e-6 * (np.arange(24) == j)
        slope = (compiled.rhs(0.3, u + step) - compiled.rhs(0.3, u - step)) / 2e-6
        np.testing.assert_allclose(exact[:, j], slope, atol=1e-7)


def test_what_is_refused(system: Any) -> None:
    with pytest.raises(
        ValueError, match=r"there is no parameter 'E'; the parameters are D, feed; .*parameters=\{'E': ...\}"
    ):
        system.sensitivities((0.0, 1.0), ["E"])
    with pytest.raises(
        ValueError, match=r"directions has shape \(8,\), but it is a list of changes .* each of shape \(8,\)"
    ):
        system.sensitivities((0.0, 1.0), directions=np.ones(8))
    with pytest.raises(ValueError, match=r"u0 has shape \(3,\)"):
        system.sensitivities((0.0, 1.0), u0=np.ones(3))


def test_a_copy_of_a_program_computes_the_same(system: Any) -> None:
    from symnum.pde.graph import Graph
    from symnum.pde.program import ArrayProgram

    new = Graph()
    doubled = new.elementwise("*", [new.number(2), new.input("u", (8,))])
    (root,) = rebuilt(system.graph, [system.output], new, {system._state: doubled})
    p = system.array_parameters.values
    (found,) = ArrayProgram(new, [root], "numpy").run(0.5, system.u0, p)
    np.testing.assert_allclose(found, fisher(0.5, 2 * system.u0, **p), rtol=1e-13)
    with pytest.raises(
        ValueError, match=r"an array of shape \(8,\) cannot be replaced by one of shape \(3,\)"
    ):
        rebuilt(system.graph, [system.output], new, {system._state: new.input("v", (3,))})
