"""Reaction networks: reading .net files, the mass-action right-hand side, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

import symnum as sn
from symnum import term as interface
from symnum.pde import ReactionNetwork
from symnum.rewriting import ops

NETWORKS = Path(__file__).parents[3] / "shared" / "data" / "networks"

SMALL = """\
# made by hand
begin parameters
    1 k1   0.5   # Constant
    2 k2   2*k1  # ConstantExpression
end parameters
begin species
    1 A(b) 3
    2 B(a) 2*k2
    3 A(b!1).B(a!1) 0
end species
begin reactions
    1 1,2 3 k1 #_R1
    2 3 1,2 k2 #_R2
    3 0 1 3*k2
    4 1,1 0 k1
end reactions
"""


def test_rates_are_products_of_reactants_without_a_half() -> None:
    network = ReactionNetwork.parse(SMALL)
    k1, k2, a, b, ab = sn.symbols("k1 k2 s1 s2 s3")
    assert network.rhs == [
        -k1 * a * b + k2 * ab + 3 * k2 - 2 * k1 * a**2,
        -k1 * a * b + k2 * ab,
        k1 * a * b - k2 * ab,
    ]
    assert network.values() == {"k1": 0.5, "k2": 1.0}
    assert network.u0().tolist() == [3.0, 2.0, 0.0]


def test_a_parameter_named_like_a_state_renames_the_states() -> None:
    network = ReactionNetwork.parse(SMALL.replace("k1", "s2"))
    assert [str(s) for s in network.states] == ["amount1", "amount2", "amount3"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("begin species", "begin types", "no block 'begin species'"),
        ("    2 k2   2*k1", "    7 k2   2*k1", "line 4: .*no row 2 of the block parameters"),
        ("2*k1", "2**", "line 4: '2\\*\\*' is no formula"),
        ("    1 1,2 3 k1", "    1 1,9 3 k1", "line 12: '1,9' must be numbers of species from 1 to 3"),
        ("    1 1,2 3 k1", "    1 1,2 3 kx", "line 12: the rate 'kx' uses 'kx', which is no parameter"),
        ("end reactions\n", "", "ends within the block 'reactions'"),
        ("2 k2 ", "2 k1 ", "line 4: the parameter 'k1' is defined twice"),
        ("1 A(b) 3", "1 $A(b) 3", "line 7: species of fixed amount"),
        (
            "end reactions\n",
            "end reactions\nbegin functions\n1 f() 2\nend functions\n",
            "functions are not read",
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(old: str, new: str, message: str) -> None:
    assert old in SMALL
    with pytest.raises(ValueError, match=message):
        ReactionNetwork.parse(SMALL.replace(old, new), "small.net")


def test_parameters_in_a_circle_are_refused() -> None:
    network = ReactionNetwork.parse(SMALL.replace("0.5 ", "k2 "))
    with pytest.raises(ValueError, match="k1, k2 are defined by each other"):
        network.values()


def test_the_published_network_has_its_published_size_and_rates() -> None:
    if not NETWORKS.exists():
        pytest.skip("the published networks are not there")
    network = ReactionNetwork.read(NETWORKS / "bcr.net")
    rhs = network.rhs
    assert (len(rhs), len(network.reactions), len(network.parameters)) == (1122, 24388, 128)
    assert (ops.tree(*rhs), ops.dag(*rhs)) == (141680, 91052)
    values = network.values()
    parameters = [s for s in interface.free_symbols(*rhs) if s.name in values]
    f = sn.compile(rhs, [*network.states, *parameters], target="tape")
    found = f(*network.u0(), *[values[s.name] for s in parameters])
    assert np.abs(np.array(found)).max() == pytest.approx(61.02808204566, abs=1e-10)
