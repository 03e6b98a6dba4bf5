"""Networks over time, against what BioNetGen computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.pde import Reaction, ReactionNetwork

DECAY = ReactionNetwork(
    ["A", "B"], [sn.symbols("a"), 0.0], {"k": 1.0, "a": sn.parse("2*k")}, [Reaction((0,), (1,), sn.symbols("k"))],
    groups={"all": ((0, 1), (1, 1))},
)  # fmt: skip


def test_a_network_is_simulated_over_a_span_or_at_times() -> None:
    span = DECAY.simulate((0.0, 1.0), rtol=1e-8, atol=1e-10)
    assert len(span.t) > 5 and span.u[-1, 0] == pytest.approx(2 * np.exp(-1.0), rel=1e-6)
    listed = DECAY.simulate([0.0, 0.5, 1.0], parameters={"k": 3.0}, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(listed.u[:, 0], 6 * np.exp(-3 * listed.t), rtol=1e-6)
    np.testing.assert_allclose(listed.observables["all"], 6.0, rtol=1e-6)
    assert [*listed.columns(["A", "all"])] == ["A", "all"]
    for times in (3.0, [1.0], [[0.0, 1.0]]):
        with pytest.raises(ValueError, match=r"write simulate\(\(0.0, 10.0\)\)"):
            DECAY.simulate(times)
    with pytest.raises(ValueError, match="there is no parameter 'q'; the parameters are k, a"):
        DECAY.simulate((0.0, 1.0), parameters={"q": 1.0})


@pytest.mark.parametrize(("name", "end"), [("multistate", 100.0), ("multisite2", 2.0)])
def test_methods_agree_on_the_published_networks(shared_data: Path, name: str, end: float) -> None:
    network = ReactionNetwork.read(shared_data / "networks" / f"{name}.net")
    times = np.linspace(0.0, end, 6)
    found = [
        network.simulate(times, method=method, rtol=1e-9, atol=1e-9) for method in ("BDF", "Radau", "LSODA")
    ]
    scale = found[0].u.max()
    for other in found[1:]:
        np.testing.assert_allclose(other.u, found[0].u, rtol=1e-5, atol=1e-6 * scale)
    laws = network.conservation_laws()
    np.testing.assert_allclose(found[0].u @ laws.T, np.tile(laws @ network.u0(), (6, 1)), rtol=1e-9)


@pytest.mark.slow
def test_the_egfr_network_keeps_its_totals(shared_data: Path) -> None:
    network = ReactionNetwork.read(shared_data / "networks" / "egfr_net.net")
    sol = network.simulate([0.0, 1.0, 10.0], rtol=1e-8)
    laws = network.conservation_laws()
    np.testing.assert_allclose(sol.u @ laws.T, np.tile(laws @ network.u0(), (3, 1)), rtol=1e-9)
    assert sol.observables["Dimers"][-1] == pytest.approx(129_677, rel=1e-4)


def reference(path: Path) -> tuple[list[str], Any]:
    lines = path.read_text().splitlines()
    return lines[0].split(), np.array([line.split() for line in lines[1:]], dtype=float)


@pytest.mark.slow
def test_the_bcr_network_follows_bionetgens_trajectory(shared_data: Path) -> None:
    names, table = reference(shared_data / "networks" / "bcr.gdat")
    network = ReactionNetwork.read(shared_data / "networks" / "bcr.net")
    times = np.unique(np.concatenate([[0.0], np.geomspace(1.0, 1e4, 80).round()]))
    sol = network.simulate(times, rtol=1e-10, atol=1e-12)
    assert sol.success and [*network.observables] == names[1:]
    rows = table[np.searchsorted(table[:, 0], times)]
    for column, name in enumerate(names[1:], 1):
        # the reference itself is not more accurate than a millionth of a molecule: it has negative amounts
        np.testing.assert_allclose(sol.observables[name], rows[:, column], rtol=5e-4, atol=1e-6, err_msg=name)
