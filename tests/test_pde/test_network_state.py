"""What a network conserves, and where it comes to rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import symnum as sn
from symnum.pde import OdeSystem, Reaction, ReactionNetwork
from symnum.pde.conservation import conservation_laws
from symnum.pde.steady import imbalance, steady_state

ENZYME = ReactionNetwork(  # E + S <-> ES -> E + P
    ["E", "S", "ES", "P"], [1.0, 10.0, 0.0, 0.0], {"k": 2.0, "r": 0.5},
    [Reaction((0, 1), (2,), sn.symbols("k")), Reaction((2,), (0, 1), sn.symbols("r")), Reaction((2,), (0, 3), 1)],
)  # fmt: skip


def test_laws_are_whole_and_have_no_common_factor() -> None:
    assert ENZYME.conservation_laws().tolist() == [[1, 0, 1, 0], [0, 1, 1, 1]]
    # 2 A -> 3 B: 3 A + 2 B is kept
    assert conservation_laws([0, 2], [0, 1], [-2, 3], 2).tolist() == [[3, 2]]
    assert conservation_laws([0, 2, 4], [0, 1, 0, 1], [-2, 3, 4, -6], 2).tolist() == [[3, 2]]
    assert conservation_laws([0, 1], [0], [1], 1).shape == (0, 1)
    assert conservation_laws([0], [], [], 3).tolist() == np.eye(3, dtype=int).tolist()
    assert conservation_laws([0], [], [], 0).shape == (0, 0)


def test_large_weights_stay_exact() -> None:
    # A_i -> 1000 A_(i+1): 1000^i-fold weights, beyond 64 bits
    count = 12
    starts, species, change = [0], [], []
    for i in range(count - 1):
        species += [i, i + 1]
        change += [-1000, 1]
        starts.append(len(species))
    (law,) = conservation_laws(starts, species, change, count)
    assert law.tolist() == [1000**i for i in range(count)]


def test_fixed_species_are_laws_of_their_own() -> None:
    network = ReactionNetwork(["A", "B"], [1, 0], {}, [Reaction((0,), (1,), 1)], fixed=[0])
    assert network.conservation_laws().tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("name", "shape"),
    [("multistate", (3, 9)), ("multisite2", (3, 66)), ("egfr_net", (5, 356)), ("bcr", (6, 1122))],
)
def test_laws_of_the_published_networks(shared_data: Path, name: str, shape: tuple[int, int]) -> None:
    network = ReactionNetwork.read(shared_data / "networks" / f"{name}.net")
    laws = network.conservation_laws()
    assert laws.shape == shape and (laws >= 0).all() and np.linalg.matrix_rank(laws) == len(laws)
    u = np.random.default_rng(0).random(shape[1])
    if name != "bcr":  # compiling that takes seconds
        slope = network.ode_system().compile("tape").rhs(0.0, u)
        assert np.abs(laws @ slope).max() < 1e-9 * np.abs(slope).sum()


def test_steady_states_keep_the_laws() -> None:
    found = ENZYME.steady_state()
    np.testing.assert_allclose(found, [1.0, 0.0, 0.0, 10.0], atol=1e-8)
    k = sn.symbols("k")
    dimer = ReactionNetwork(
        ["A", "A2"], [2.0, 0.0], {"k": 3.0}, [Reaction((0, 0), (1,), k), Reaction((1,), (0, 0), 1)]
    )
    for start, ratio in ((None, 3.0), ([5.0, 1.0], 3.0), (None, 7.0)):
        u = dimer.steady_state(start, parameters={"k": ratio})
        assert u[1] == pytest.approx(ratio * u[0] ** 2, rel=1e-10)
        assert u[0] + 2 * u[1] == pytest.approx(2.0 if start is None else 7.0, rel=1e-12)
    assert dimer.is_steady_state(dimer.steady_state(), 1e-12) and not dimer.is_steady_state([2.0, 0.0])


def test_the_published_multistate_network_comes_to_rest(shared_data: Path) -> None:
    network = ReactionNetwork.read(shared_data / "networks" / "multistate.net")
    u = network.steady_state()
    assert network.is_steady_state(u, 1e-12) and (u > 0).all()
    np.testing.assert_allclose(
        network.conservation_laws() @ u, network.conservation_laws() @ network.u0(), rtol=1e-12
    )


def test_what_does_not_come_to_rest_is_refused() -> None:
    u, v, t = sn.symbols("u v t")
    nothing = np.zeros((0, 2))
    circle = OdeSystem([u, v], [v, -u], [1.0, 0.0])
    with pytest.raises(
        ArithmeticError, match="no steady state was found up to t = 20: .* it may grow or oscillate"
    ):
        steady_state(OdeSystem([u, v], [v + 1, 1 + v * 0], [1.0, 0.0]), nothing, t_max=20.0)
    assert imbalance(circle, [1.0, 0.0]) == 1.0 and imbalance(circle, [0.0, 0.0]) == 0.0
    with pytest.raises(ValueError, match=r"u has shape \(1,\); the system takes \(2,\)"):
        imbalance(circle, [1.0])
    with pytest.raises(ValueError, match=r"u0 has shape \(1,\)"):
        steady_state(circle, nothing, [1.0])
    with pytest.raises(ValueError, match="depends on time"):
        steady_state(OdeSystem([u], [sn.sin(t)], [0.0]), np.zeros((0, 1)))
    with pytest.warns(RuntimeWarning), pytest.raises(ArithmeticError, match="ended at t = 0"):
        steady_state(OdeSystem([u], [u**2], [10.0]), np.zeros((0, 1)))
    assert steady_state(OdeSystem([], [], []), np.zeros((0, 0))).shape == (0,)


def test_a_degenerate_steady_state_is_found_by_integration() -> None:
    u = sn.symbols("u")
    found = steady_state(OdeSystem([u], [-(u**3)], [1.0]), np.zeros((0, 1)), tol=1e-6)
    assert 0 <= found[0] < 1e-2
