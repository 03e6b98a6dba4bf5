"""Rate laws by name, and what they are worth in numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symnum as sn
from symnum.pde import RateLaw, Reaction, ReactionNetwork

START = "begin parameters\n1 k 2\n2 K 3\n3 n 2.5\n4 L 5\nend parameters\nbegin species\n1 S 4\n2 E 1.5\n3 P 0\nend species\n"


def flux(reaction: str, u: tuple[float, ...] = (4.0, 1.5, 0.25)) -> list[float]:
    network = ReactionNetwork.parse(f"{START}begin reactions\n1 {reaction}\nend reactions\n")
    return [float(v) for v in network.ode_system().compile().rhs(0.0, np.array(u))]


def michaelis_menten(k: float, K: float, s: float, e: float) -> float:
    b = s - e - K
    free = 0.5 * (b + math.sqrt(b * b + 4 * K * s))
    return k * e * free / (K + free)


@pytest.mark.parametrize(
    ("reaction", "rate"),
    [
        ("1 3 k", 2 * 4),
        ("1,1 3,3 0.5*k", 0.5 * 2 * 4 * 4),
        ("1 3 Sat k K", 2 * 4 / (3 + 4)),
        ("1,2 3,2 Sat k K", 2 * 4 * 1.5 / (3 + 4)),
        ("1,2 3,2 0.5*Sat k K L", 0.5 * 2 * 4 * 1.5 / ((3 + 4) * (5 + 1.5))),
        ("1,2 3,2 MM k K", michaelis_menten(2, 3, 4, 1.5)),
        ("1,2 3,2 3*MM k K", 3 * michaelis_menten(2, 3, 4, 1.5)),
        ("1 3 Hill k K n", 2 * 4**2.5 / (3**2.5 + 4**2.5)),
        ("1,2 3,2 n*Hill k K 2", 2.5 * 2 * 16 / (9 + 16) * 1.5),
    ],
)
def test_rates_are_those_of_network3(reaction: str, rate: float) -> None:
    consumed = 2 if reaction.startswith("1,1") else 1
    found = flux(reaction)
    assert found[0] == pytest.approx(-consumed * rate, rel=1e-14)
    assert found[1] == 0.0 and found[2] == pytest.approx(consumed * rate, rel=1e-14)


def test_named_laws_mix_with_mass_action_in_the_arrays() -> None:
    network = ReactionNetwork.parse(
        f"{START}begin reactions\n1 1,2 3,2 Sat k K\n2 3 1 k\n3 1,2 3,2 MM k K\n4 2,3 3 k\nend reactions\n"
    )
    arrays = network.arrays
    rows = [arrays.factors[a:b].tolist() for a, b in zip(arrays.factor_starts, arrays.factor_starts[1:])]
    assert rows == [[0, 1], [2], [1], [1, 2]]
    assert len(arrays.rates) == 3 and arrays.rate[1] == arrays.rate[3]
    s1, k, half = sn.symbols("s1 k K")
    assert arrays.rates[arrays.rate[0]] == k / (half + s1)
    u = np.array([1.2, 0.7, 0.4])
    rates = [2 * 0.7 * 1.2 / 4.2, 0.8, michaelis_menten(2, 3, 1.2, 0.7), 2 * 0.7 * 0.4]
    found = network.ode_system().compile().rhs(0.0, u)
    np.testing.assert_allclose(
        found, [rates[1] - rates[0] - rates[2], -rates[3], rates[0] + rates[2] - rates[1]], rtol=1e-14
    )


def test_a_half_saturated_law_is_a_value() -> None:
    assert RateLaw("Sat", (1, 2)) == RateLaw("Sat", (1, 2)) and RateLaw("Sat", (1, 2)) != RateLaw(
        "Sat", (1, 2), 3
    )
    network = ReactionNetwork(["A"], [1.0], {}, [Reaction((0,), (), RateLaw("Sat", (1, 2)))])
    assert network.rhs == [-sn.symbols("s1") / (2 + sn.symbols("s1"))]
    with pytest.raises(ValueError, match="there is no rate law 'Sut'; the named ones are Sat, MM, Hill"):
        RateLaw("Sut", (1, 2))
    with pytest.raises(ValueError, match="Hill takes 3 constants, but 2 are given"):
        RateLaw("Hill", (1, 2))
