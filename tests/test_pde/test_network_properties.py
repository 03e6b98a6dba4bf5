"""Random small networks, written here as text: against direct evaluation with NumPy, and written and read again."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from symnum.pde import ReactionNetwork
from symnum.pde.net_writer import net_text


@st.composite
def networks(draw: Any) -> tuple[str, dict[str, Any]]:
    """Give the text of a network and what it says."""
    count = draw(st.integers(1, 6))
    rates = draw(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=4))
    side = st.lists(st.integers(0, count - 1), max_size=3)
    reactions = draw(
        st.lists(
            st.tuples(side, side, st.integers(0, len(rates) - 1), st.sampled_from([0.5, 1, 2])), max_size=8
        )
    )
    fixed = draw(st.sets(st.integers(0, count - 1), max_size=1))
    start = draw(st.lists(st.floats(0.0, 10.0), min_size=count, max_size=count))
    groups = draw(
        st.lists(st.lists(st.tuples(st.integers(0, count - 1), st.integers(1, 3)), max_size=3), max_size=2)
    )
    lines = [
        "begin parameters",
        *(f"{i + 1} k{i} {k!r}" for i, k in enumerate(rates)),
        "end parameters",
        "begin species",
    ]
    lines += [f"{i + 1} {'$' if i in fixed else ''}X{i}() {u!r}" for i, u in enumerate(start)]
    lines += ["end species", "begin reactions"]
    for r, (left, right, rate, factor) in enumerate(reactions):
        sides = [",".join(str(i + 1) for i in places) or "0" for places in (left, right)]
        lines.append(f"{r + 1} {sides[0]} {sides[1]} {'' if factor == 1 else f'{factor}*'}k{rate} #_R{r}")
    lines += ["end reactions", "begin groups"]
    lines += [
        f"{g + 1} G{g} {','.join(f'{w}*{i + 1}' for i, w in members)}".rstrip()
        for g, members in enumerate(groups)
    ]
    lines += ["end groups", ""]
    return "\n".join(lines), {
        "rates": rates,
        "reactions": reactions,
        "fixed": fixed,
        "start": start,
        "groups": groups,
    }


def stoichiometry(said: dict[str, Any]) -> Any:
    matrix = np.zeros((len(said["start"]), len(said["reactions"])))
    for r, (left, right, _, _) in enumerate(said["reactions"]):
        np.add.at(matrix[:, r], left, -1.0)
        np.add.at(matrix[:, r], right, 1.0)
    matrix[list(said["fixed"])] = 0.0
    return matrix


@settings(max_examples=40)
@given(networks(), st.integers(0, 2**32 - 1))
def test_right_hand_sides_and_jacobians(pair: tuple[str, dict[str, Any]], seed: int) -> None:
    text, said = pair
    network = ReactionNetwork.parse(text)
    matrix = stoichiometry(said)

    def direct(u: Any) -> Any:
        fluxes = [factor * said["rates"][k] * np.prod(u[left]) for left, _, k, factor in said["reactions"]]
        return matrix @ np.array(fluxes) if fluxes else np.zeros(len(u))

    compiled = network.ode_system().compile("tape")
    u = np.random.default_rng(seed).uniform(0.1, 2.0, len(said["start"]))
    scale = 1.0 + sum(said["rates"]) * 8.0
    np.testing.assert_allclose(compiled.rhs(0.0, u), direct(u), rtol=1e-12, atol=1e-12 * scale)
    jacobian = compiled.jacobian(0.0, u).toarray()
    h = 1e-5
    steps = [(direct(u + h * e) - direct(u - h * e)) / (2 * h) for e in np.eye(len(u))]
    np.testing.assert_allclose(jacobian, np.array(steps).T, rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_array_equal(network.u0(), said["start"])
    weights = np.zeros((len(said["groups"]), len(u)))
    for g, members in enumerate(said["groups"]):
        for i, w in members:
            weights[g, i] += w
    observed = network.ode_system().observe(np.zeros(1), u[None, :])
    np.testing.assert_allclose(
        [float(v[0]) for v in observed.values()], weights @ u if len(weights) else [], rtol=1e-12
    )


@settings(max_examples=100)
@given(networks())
def test_conservation_laws_are_a_basis(pair: tuple[str, dict[str, Any]]) -> None:
    text, said = pair
    laws = ReactionNetwork.parse(text).conservation_laws()
    matrix = stoichiometry(said)
    rank = np.linalg.matrix_rank(matrix) if matrix.size else 0
    assert laws.shape == (len(matrix) - rank, len(matrix))
    assert not (laws @ matrix).any()
    assert not len(laws) or np.linalg.matrix_rank(laws) == len(laws)


@settings(max_examples=100)
@given(networks())
def test_networks_come_back_as_they_were_written(pair: tuple[str, dict[str, Any]]) -> None:
    network = ReactionNetwork.parse(pair[0])
    assert ReactionNetwork.parse(net_text(network)) == network
