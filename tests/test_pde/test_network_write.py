"""Networks written as .net files come back equal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import symnum as sn
from symnum.pde import Function, RateLaw, Reaction, ReactionNetwork
from symnum.pde.net_writer import net_text

RICH = """\
begin parameters
 1 k 0.5
 2 K 2*k^2
 3 gamma (k+1)/3
end parameters
begin functions
 1 f(x) if(x>2 && time()<5,x^2,-x)
 2 rate() f(Tot)*gamma+ln(K)
 3 _rateLaw1() 1e-3*rate
end functions
begin species
 1 @EC::$A(b) 3
 2 B(a!1).C(b!1) K
 3 @CP::D() 0
end species
begin reactions
 1 1,2 3 rate
 2 3 0 0.5*_rateLaw1
 3 0 1,1,2 2*k
 4 1,2 3,2 Sat k K
 5 2,3 3 0.5*MM k K
 6 3 2 gamma*Hill k K gamma
 7 2 3 1.5
end reactions
begin groups
 1 Tot 1,2*3
 2 Half 0.5*2
 3 Nothing
end groups
"""


def test_everything_that_is_read_is_written() -> None:
    network = ReactionNetwork.parse(RICH)
    text = net_text(network)
    again = ReactionNetwork.parse(text)
    assert again == network and net_text(again) == text
    assert "$A(b) 3" in text and "0.5*MM k K" in text and "time()<5" in text
    u = np.array([3.0, 0.7, 1.9])
    values = [n.ode_system().compile("tape").rhs(0.1, u) for n in (network, again)]
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize("name", ["bcr", "egfr_net", "multisite2", "multistate"])
def test_the_published_networks_come_back(shared_data: Path, tmp_path: Path, name: str) -> None:
    network = ReactionNetwork.read(shared_data / "networks" / f"{name}.net")
    network.write(tmp_path / "again.net")
    assert ReactionNetwork.read(tmp_path / "again.net") == network


def test_each_part_counts_in_a_comparison() -> None:
    network = ReactionNetwork.parse(RICH)
    for old, new in (("k 0.5", "k 0.25"), ("2*3", "3*3"), ("$A", "A"), ("f(x) if(x>2", "f(x) if(x>3"), ("1 1,2 3 rate", "1 1,2 3 k"),
                     ("2 3 0 ", "2 3 1 "), ("D() 0", "D() 1"), ("D() 0", "E() 0"), ("Hill k K gamma", "Hill k K k")):  # fmt: skip
        assert ReactionNetwork.parse(RICH.replace(old, new)) != network
    assert network != RICH


def test_rates_of_amounts_go_through_groups() -> None:
    a, b, t = sn.symbols("s1 s2 t")
    network = ReactionNetwork(
        ["A", "B"],
        [1, 2],
        {},
        [Reaction((0,), (1,), b / (1 + b) + t), Reaction((1,), (0,), a)],
        groups={"OnlyB": ((1, 1),)},
    )
    text = net_text(network)
    assert "_amount1 1" in text and "_amount2" not in text and "1 1 2 " in text and text.count("OnlyB") == 3
    again = ReactionNetwork.parse(text)
    assert again.rhs == network.rhs and [*again.groups] == ["OnlyB", "_amount1"]


def test_what_a_net_file_cannot_say_is_refused(tmp_path: Path) -> None:
    s1 = sn.symbols("s1")
    with pytest.raises(
        ValueError, match="the rate 3 is a whole rate, .* divide it by the reactants, or write SBML"
    ):
        net_text(ReactionNetwork(["A"], [1], {}, [Reaction((0,), (), 3, total=True)]))
    with pytest.raises(ValueError, match="BioNetGen has no operator 'erf'"):
        ReactionNetwork(["A"], [1], {}, [Reaction((0,), (), sn.erf(s1))]).write(tmp_path / "x.net")
    assert not (tmp_path / "x.net").exists()


def test_parts_made_in_python_are_written_too() -> None:
    k = sn.symbols("k")
    network = ReactionNetwork(
        ["A"],
        [k],
        {"k": 2},
        [Reaction((0,), (), RateLaw("Sat", (k, 1), 2))],
        functions={"f": Function((), k**2)},
        fixed=[0],
    )
    assert ReactionNetwork.parse(net_text(network)) == network
