"""Reaction networks: reading .net files, their arrays and right-hand side, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

import symnum as sn
from symnum import term as interface
from symnum.pde import Reaction, ReactionNetwork, Reactions
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


CHANGES = [
    ("begin species", "begin types", "line 6: there is no block 'types'; the blocks are parameters"),
    ("    2 k2   2*k1", "    7 k2   2*k1", "line 4: .*no row 2 of the block parameters"),
    ("2*k1", "2**", "line 4: '2\\*\\*' is no formula: the formula ends"),
    ("2*k1", "2*k_1", "line 4: .*: 'k_1' is not defined; is 'k1' meant"),
    ("2*k1", "1e999", "line 4: .*1e999 is beyond the largest float"),
    ("2*k1", "9" * 2000, "line 4: .*has 2000 digits, more than 1000"),
    ("2 k2 ", "2 k1 ", "line 4: the parameter 'k1' is defined twice"),
    ("2 k2 ", "2 k-2 ", "line 4: 'k-2' is no name for a parameter"),
    ("2 B(a)", "2 A(b)", "line 8: the species 'A\\(b\\)' comes twice, first as number 1"),
    ("2 B(a) 2*k2", "2 B(a)", "line 8: '2 B\\(a\\)' is no row 2 of the block species"),
    ("2*k2\n", "2*kx\n", "line 8: '2\\*kx' is no formula: 'kx' is not defined"),
    ("    1 1,2 3 k1", "    1 1,9 3 k1", "line 12: '1,9' must be numbers of species from 1 to 3"),
    ("    1 1,2 3 k1", "    1 1,0 3 k1", "line 12: '1,0' must be numbers of species"),
    ("    1 1,2 3 k1", "    1 1,,2 3 k1", "line 12: '1,,2' must be numbers of species"),
    ("    1 1,2 3 k1", "    1 1,2 3 kx", "line 12: the rate 'kx' is no parameter and no function"),
    ("    1 1,2 3 k1", "    1 1,2 3 2*kx", "line 12: '2\\*kx' is no formula: 'kx' is not defined"),
    ("    1 1,2 3 k1", "    1 1,2 3", "line 12: '1 1,2 3' is no row 1 of the block reactions"),
    ("    2 3 1,2 k2", "    3 3 1,2 k2", "line 13: .* is no row 2 of the block reactions"),
    (
        "    2 3 1,2 k2",
        "    2 3 1,-2 k2",
        "line 13: '-2' is no species: stoichiometries are whole and not negative",
    ),
    ("    2 3 1,2 k2", "    2 3 1,1.5 k2", "line 13: '1.5' is no species: stoichiometries are whole"),
    ("    2 3 1,2 k2", "    2 3 2*1 k2", "line 13: '2\\*1' is no species: .*repeating a species"),
    ("    2 3 1,2 k2", "    2 3 1,99999999999999999999 k2", "line 13: the integer '9+' is too large"),
    ("    2 3 1,2 k2", "    2 3 1,2 Foo k1 k2", "line 13: there is no rate law 'Foo'; .* Sat, MM, Hill"),
    ("    2 3 1,2 k2", "    2 3 1,2 Sat k1", "line 13: Sat takes 2 or more constants, but 1 are given"),
    ("    2 3 1,2 k2", "    2 3 1,2 Sat k1 kx", "line 13: 'kx' is no formula"),
    (
        "    2 3 1,2 k2",
        "    2 3 1,2 MM k1 k2",
        "line 13: MM with 2 constants needs 2 reactants, but there are 1",
    ),
    ("    4 1,1 0 k1", "    4 1,1 0 Sat k1 k2", "line 15: Sat takes each reactant once"),
    ("    2 3 1,2 k2", "    2 3 1,2 f(2)", "line 13: .*there is no function 'f'; is 'if' meant"),
    ("    2 3 1,2 k2", "    2 3 1,2 k1*(k2", "line 13: .*a bracket is not closed"),
    ("end reactions\n", "", "ends within the block 'reactions'; the file was cut off after line 15"),
    (
        "end species\nbegin reactions\n",
        "begin reactions\n",
        "line 10: the block 'reactions' begins within the block 'species'",
    ),
    (
        "end species",
        "end parameters",
        "line 10: 'end parameters' ends no block; open is 'species', from line 6",
    ),
    ("# made by hand", "made by hand", "line 1: 'made by hand' stands outside of all blocks"),
    (
        "end reactions\n",
        "end reactions\nbegin species\nend species\n",
        "line 17: the block 'species' comes twice",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), CHANGES)
def test_what_cannot_be_read_is_named_with_its_line(old: str, new: str, message: str) -> None:
    assert old in SMALL
    with pytest.raises(ValueError, match=message) as caught:
        ReactionNetwork.parse(SMALL.replace(old, new, 1), "some/where/small.net")
    assert str(caught.value).startswith("small.net")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("begin functions\n1 f() 2*\nend functions", "line 18: '2\\*' is no formula"),
        ("begin functions\n1 f 2\nend functions", "line 18: '1 f 2' is no row 1 of the block functions"),
        ("begin functions\n1 k1() 2\nend functions", "line 18: the function 'k1' is defined twice"),
        ("begin functions\n1 f(2) 2\nend functions", "line 18: '2' is no name for a argument"),
        (
            "begin functions\n1 f() mratio(1,2,3)\nend functions",
            "line 18: .*Kummer functions are not supported",
        ),
        (
            "begin groups\n1 A 1,4\nend groups",
            "line 18: '4' in the group 'A' is no member; write a species from 1 to 3",
        ),
        ("begin groups\n1 A x*1\nend groups", "line 18: 'x\\*1' in the group 'A' is no member"),
        ("begin groups\n1 A 1\n2 A 2\nend groups", "line 19: the group 'A' is defined twice"),
        ("begin groups\n1 k1 1\nend groups", "line 3: 'k1' is a parameter and a group"),
    ],
)
def test_functions_and_groups_that_cannot_be_read(block: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReactionNetwork.parse(SMALL + block + "\n", "small.net")


def test_missing_blocks_and_files_that_are_no_text(tmp_path: Path) -> None:
    only = "begin species\n1 A 0\nend species\n"
    with pytest.raises(ValueError, match="text has no block 'begin reactions'"):
        ReactionNetwork.parse(only)
    with pytest.raises(ValueError, match="text has no block 'begin species'"):
        ReactionNetwork.parse("")
    for data, place in ((b"begin\0", 5), (b"\xff\xfe", 0)):
        (tmp_path / "x.net").write_bytes(data)
        with pytest.raises(ValueError, match=rf"x.net is no text file: byte {place} is 0x"):
            ReactionNetwork.read(tmp_path / "x.net")
    with pytest.raises(OSError, match="missing.net"):
        ReactionNetwork.read(tmp_path / "missing.net")
    with pytest.raises(TypeError, match=r"write ReactionNetwork.read\(path\)"):
        ReactionNetwork.parse(b"begin")


def test_every_cut_of_a_file_is_refused_or_complete() -> None:
    whole = ReactionNetwork.parse(SMALL)
    for length in range(len(SMALL)):
        try:
            found = ReactionNetwork.parse(SMALL[:length])
        except ValueError:
            continue
        assert found == whole and SMALL[length:].strip() == ""


def test_what_bionetgen_writes_around_a_network_is_skipped() -> None:
    around = """
substanceUnits("Number");
begin molecule types
 1 A(b)
end molecule types
begin reaction rules
 R1: A(b) + B(a) -> \\
   A(b!1).B(a!1) k1
end reaction rules
"""
    assert ReactionNetwork.parse(around + SMALL) == ReactionNetwork.parse(SMALL)
    assert ReactionNetwork.parse(f"begin model\n{SMALL}end model\n") == ReactionNetwork.parse(SMALL)
    assert ReactionNetwork.parse(SMALL.replace("\n", "\r\n")) == ReactionNetwork.parse(SMALL)


def test_groups_fixed_species_and_compartments() -> None:
    network = ReactionNetwork.parse(
        SMALL.replace("1 A(b) 3", "1 $A(b) 3").replace("2 B(a)", "2 @EC::$B(a)")
        + "begin groups\n1 Tot 1,2*3\n2 Half 0.5*2\n3 None\nend groups\n"
    )
    s1, s2, s3, k1, k2 = sn.symbols("s1 s2 s3 k1 k2")
    assert network.fixed == {0, 1} and network.species[:2] == ("A(b)", "@EC::B(a)")
    assert network.rhs == [0, 0, k1 * s1 * s2 - k2 * s3]
    assert network.observables == {"Tot": s1 + 2 * s3, "Half": 0.5 * s2, "None": 0}


def test_functions_observables_and_time() -> None:
    text = (
        SMALL.replace("4 1,1 0 k1", "4 1,1 0 g()").replace("end reactions\n", "end reactions\n")
        + """
begin groups
 1 Tot 1,2*3
end groups
begin functions
 1 f(x) = x^2 + k1
 2 g() if(time() > 2, f(Tot())*h, 0)
 3 h() 2*Tot
end functions
"""
    )
    network = ReactionNetwork.parse(text)
    s1, s3, k1, t = sn.symbols("s1 s3 k1 t")
    total = s1 + 2 * s3
    assert network.definitions["g"] == sn.ifelse(t > 2, (total**2 + k1) * (2 * total), 0)
    assert network.arrays.rates[-1] == network.definitions["g"]
    assert network.ode_system().observables.keys() == {"Tot", "g", "h"}
    named = ReactionNetwork.parse(text.replace("1 k1 ", "1 t ").replace("k1", "t"))
    assert str(named.time) == "time" and str(named.definitions["g"]).startswith("ifelse(time > 2")


def test_functions_in_a_circle_are_refused() -> None:
    network = ReactionNetwork.parse(SMALL + "begin functions\n1 f() g()\n2 g() 2*f()\nend functions\n")
    with pytest.raises(ValueError, match="the functions f, g are defined by each other"):
        network.definitions


def test_arrays_hold_what_the_reactions_say() -> None:
    network = ReactionNetwork.parse(SMALL)
    reactions = network.reactions
    assert reactions.reactant_starts.tolist() == [0, 2, 3, 3, 5] and reactions.reactants.tolist() == [
        0,
        1,
        2,
        0,
        0,
    ]
    assert reactions[3] == reactions[-1] == Reaction((0, 0), (), sn.symbols("k1"))
    assert [r.products for r in reactions[1:3]] == [(0, 1), (0,)]
    assert Reactions.of(list(reactions)) == reactions
    arrays = network.arrays
    assert arrays.change_starts.tolist() == [0, 3, 6, 7, 8]
    assert arrays.changed.tolist() == [0, 1, 2, 0, 1, 2, 0, 0] and arrays.change.tolist() == [
        -1,
        -1,
        1,
        1,
        1,
        -1,
        1,
        -2,
    ]
    assert arrays.rate.tolist() == [0, 1, 2, 0] and len(arrays.rates) == 3


def test_networks_are_made_from_parts_too() -> None:
    k, a = sn.symbols("k s1")
    network = ReactionNetwork(
        ["A", "B"], [1, k], {"k": 2}, [Reaction((0,), (1,), k * a), Reaction((1,), (0,), 3, total=True)]
    )
    assert network.rhs == [3 - k * a**2, k * a**2 - 3] and network.u0().tolist() == [1.0, 2.0]
    for arguments, options, message in (
        ((["A"], [], {}, []), {}, "0 initial amounts are given for 1 species"),
        ((["A"], [0], {}, [Reaction((1,), (), 1)]), {}, "the reactants name species 1, but the 1 species"),
        ((["A"], [0], {"k": 1}, []), {"groups": {"k": []}}, "'k' names two things"),
        ((["A"], [0], {}, []), {"fixed": [3]}, "species 3 is fixed"),
    ):
        with pytest.raises(ValueError, match=message):
            ReactionNetwork(*arguments, **options)
    with pytest.raises(TypeError, match=r"reactions are Reaction\(reactants, products, rate\)"):
        ReactionNetwork(["A"], [0], {}, [(0, 1)])


def test_parameters_in_a_circle_are_refused() -> None:
    network = ReactionNetwork.parse(SMALL.replace("0.5 ", "k2 "))
    assert str(network) == "ReactionNetwork(3 species, 4 reactions, 2 parameters, 0 groups)"
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
