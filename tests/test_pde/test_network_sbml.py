"""SBML: its mathematics, what a model means, and files where python-libsbml is installed."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.pde import Function, ReactionNetwork
from symnum.pde.sbml_math import AVOGADRO, Node, infix, term_of
from symnum.pde.sbml_network import SbmlModel, SbmlReaction, SbmlSpecies, network_of

X, Y, T = sn.symbols("x y t")
NX, NY = Node("NAME", "x"), Node("NAME", "y")


def whole(value: int) -> Node:
    return Node("INTEGER", value)


def call(kind: str, *children: Node, value: Any = None) -> Node:
    return Node(kind, value, children)


LESS = call("RELATIONAL_LT", NX, NY)


@pytest.mark.parametrize(
    ("node", "term"),
    [
        (call("PLUS"), 0),
        (call("TIMES", NX, NY, whole(2)), 2 * X * Y),
        (call("MINUS", NX, NY), X - Y),
        (call("MINUS", NX), -X),
        (call("DIVIDE", NX, NY), X / Y),
        (call("POWER", NX, whole(3)), X**3),
        (call("FUNCTION_POWER", NX, NY), X**Y),
        (call("FUNCTION_ROOT", whole(2), NX), sn.sqrt(X)),
        (call("FUNCTION_ROOT", whole(3), NX), X ** (sn.number(1) / 3)),
        (call("FUNCTION_LOG", whole(10), NX), sn.log10(X)),
        (call("FUNCTION_LOG", NY, NX), sn.log(X) / sn.log(Y)),
        (call("FUNCTION_LN", NX), sn.log(X)),
        (call("FUNCTION_ARCTANH", NX), sn.atanh(X)),
        (call("FUNCTION_CEILING", NX), sn.ceil(X)),
        (call("FUNCTION_PIECEWISE", NX, LESS, NY), sn.ifelse(X < Y, X, Y)),
        (call("FUNCTION_PIECEWISE", whole(1), LESS, whole(2), call("RELATIONAL_GT", NX, whole(9)), whole(3)),
         sn.ifelse(X < Y, 1, sn.ifelse(X > 9, 2, 3))),
        (call("TIMES", LESS, NX), sn.ifelse(X < Y, 1, 0) * X),
        (call("LOGICAL_AND", LESS, call("LOGICAL_NOT", LESS)), (X < Y) & ~(X < Y)),
        (call("RELATIONAL_LEQ", NX, NY, whole(3)), (X <= Y) & (Y <= 3)),
        (call("LOGICAL_XOR", LESS, Node("CONSTANT_TRUE")), ~(X < Y)),
        (call("FUNCTION", NX, NY, value="f"), X**2 - Y),
        (call("PLUS", Node("NAME_TIME"), Node("REAL", 0.5), Node("RATIONAL", (1, 3))), T + 0.5 + sn.number(1) / 3),
        (call("TIMES", Node("CONSTANT_PI"), Node("CONSTANT_E")), sn.pi * sn.exp(1)),
        (Node("NAME_AVOGADRO"), AVOGADRO),
    ],
)  # fmt: skip
def test_trees_become_terms(node: Node, term: Any) -> None:
    functions = {"f": Function(("a", "b"), sn.parse("a^2 - b"))}
    assert term_of(node, {"x": X, "y": Y}, functions, T) == term


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (Node("NAME", "z"), "'z' is no species, compartment or parameter"),
        (call("FUNCTION", NX, value="g"), "there is no function 'g' of 1 arguments"),
        (call("FUNCTION_DELAY", NX, NX), "function_delay is not supported"),
        (Node("UNKNOWN"), "unknown is not supported"),
    ],
)
def test_trees_that_mean_nothing_here_are_refused(node: Node, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        term_of(node, {"x": X}, {}, T)


def test_a_deep_tree_needs_no_deep_stack() -> None:
    node = NX
    for _ in range(20_000):
        node = call("FUNCTION_ABS", call("MINUS", node))
    assert sn.term.is_call(term_of(node, {"x": X}, {}, T))


def test_terms_become_infix() -> None:
    assert infix(sn.ifelse(X < 2, sn.log(X), -(Y**2)), {}) == "piecewise(ln(x),x<2,(-1)*(y^2))"
    assert infix(sn.asin(T), {sn.term.key(T): "time"}) == "arcsin(time)"
    assert infix(sn.min(X, sn.log2(Y)), {}) in ("min(x,log(2,y))", "min(log(2,y),x)")
    with pytest.raises(ValueError, match="SBML has no operator 'erf'"):
        infix(sn.erf(X), {})


def enzyme() -> SbmlModel:
    """Return S -> P in a compartment of size 2, S as a concentration, catalysed by an assigned E, with a clock by a rate rule."""
    back = call("TIMES", Node("NAME", "K"), Node("NAME", "P"), Node("NAME", "B"))
    law = call(
        "TIMES",
        Node("NAME", "cell"),
        Node("NAME", "k"),
        Node("NAME", "E"),
        call("FUNCTION", Node("NAME", "S"), value="mm"),
    )
    return SbmlModel(
        compartments={"cell": 2.0},
        species={
            "S": SbmlSpecies("cell", concentration=5.0, only_substance=False),
            "P": SbmlSpecies("cell", amount=1.0),
            "E": SbmlSpecies("cell", boundary=True, only_substance=False),
            "B": SbmlSpecies("cell", amount=3.0, boundary=True),
        },
        parameters={"K": 4.0, "half": None, "clock": 0.5},
        functions={
            "mm": (
                ("x",),
                call("DIVIDE", Node("NAME", "x"), call("PLUS", Node("REAL", 1.5), Node("NAME", "x"))),
            )
        },
        initial={
            "half": call("DIVIDE", Node("NAME", "S"), whole(2)),
            "P": call("TIMES", Node("NAME", "half"), whole(4)),
        },
        assigned={"E": call("PLUS", whole(1), Node("NAME_TIME"))},
        rates={"clock": Node("NAME", "K")},
        reactions={
            "r": SbmlReaction([("S", 1.0)], [("P", 2.0)], law, {"k": 0.25}),
            "back": SbmlReaction([("P", 1.0), ("B", 1.0)], [("B", 1.0)], back),
        },
    )


def test_a_model_is_a_network_of_amounts() -> None:
    network = network_of(enzyme())
    assert network.species == ("S", "P", "B", "clock") and network.fixed == {2}
    assert network.parameters.keys() == {"cell", "K", "half", "r_k"}
    assert network.u0().tolist() == [10.0, 10.0, 3.0, 0.5]  # P: 4*(5/2)
    assert network.u0({"cell": 3.0}).tolist() == [15.0, 10.0, 3.0, 0.5]
    system = network.ode_system()
    s, p, t = 6.0, 2.0, 0.5
    flux = 2 * 0.25 * (1 + t) * (s / 2) / (1.5 + s / 2)
    np.testing.assert_allclose(
        system.compile("tape").rhs(t, np.array([s, p, 3.0, 0.0])), [-flux, 2 * flux - 4 * p * 3, 0.0, 4.0]
    )
    assert network.definitions["S"] == sn.symbols("s1") / sn.symbols("cell")
    assert network.reactions[1].rate == sn.symbols("K") and not network.reactions[1].total  # mass action
    assert network.reactions[0].total and network.reactions[2].reactants == ()
    assert system.observe(np.array([0.5]), np.array([[6.0, 2.0, 3.0, 0.0]]))["S"].tolist() == [3.0]


def test_an_apparent_factor_that_vanishes_is_no_mass_action() -> None:
    model = SbmlModel({"c": 1.0}, {"A": SbmlSpecies("c", amount=0.0)}, {"k": 2.0})
    model.reactions["r"] = SbmlReaction([("A", 1.0)], [], Node("NAME", "k"))
    network = network_of(model)
    assert network.rhs == [-sn.symbols("k")]
    model.reactions["r"] = SbmlReaction([("A", 2.0)], [], call("TIMES", Node("NAME", "A"), Node("NAME", "k")))
    assert network_of(model).reactions[0].total and network_of(model).rhs == [
        -2 * sn.symbols("k") * sn.symbols("s1")
    ]


def changed(**parts: Any) -> SbmlModel:
    model = enzyme()
    for name, entries in parts.items():
        getattr(model, name).update(entries)
    return model


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"parameters": {"q": None}}, "m.xml, q: it has no value"),
        ({"species": {"Q": SbmlSpecies("cell")}}, "m.xml, Q: it has no initial amount or concentration"),
        ({"rates": {"cell": whole(1)}}, "m.xml, cell: a rate rule needs a species or a parameter"),
        (
            {"rates": {"E": whole(1)}},
            "m.xml, E: a rate rule needs a species or a parameter, and no other rule",
        ),
        ({"assigned": {"cell": whole(1)}}, "m.xml, cell: the size of a compartment is constant"),
        ({"reactions": {"bad": SbmlReaction([("Z", 1.0)], [], whole(1))}}, "m.xml, bad: 'Z' is no species"),
        (
            {"reactions": {"bad": SbmlReaction([("S", 0.5)], [], whole(1))}},
            "m.xml, bad: the stoichiometry of 'S' is 0.5",
        ),
        (
            {"reactions": {"bad": SbmlReaction([("S", -1.0)], [], whole(1))}},
            "m.xml, bad: the stoichiometry of 'S' is -1",
        ),
        ({"reactions": {"bad": SbmlReaction([], [], Node("NAME", "zz"))}}, "m.xml, bad: 'zz' is no species"),
        ({"functions": {"h": ((), Node("NAME", "K"))}}, "m.xml, h: 'K' is no species"),
        ({"initial": {"S": Node("NAME", "S")}}, "m.xml, S: its initial assignment is defined by itself"),
        (
            {"initial": {"P": Node("NAME", "S"), "S": Node("NAME", "P")}},
            "its initial assignment is defined by itself",
        ),
    ],
)
def test_models_that_are_no_network_are_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network_of(changed(**parts), "m.xml")


def test_libsbml_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "libsbml", None)
    with pytest.raises(ImportError, match=r"pip install 'symnum\[sbml\]'"):
        ReactionNetwork.read(tmp_path / "model.xml")
    with pytest.raises(ImportError, match=r"pip install 'symnum\[sbml\]'"):
        network_of(enzyme()).write(tmp_path / "model.xml")


# --- with python-libsbml ----------------------------------------------------------------------------------------------------


@pytest.fixture
def libsbml() -> Any:
    return pytest.importorskip("libsbml", reason="needs python-libsbml, which is not installed")


def same_right_hand_sides(a: ReactionNetwork, b: ReactionNetwork) -> None:
    np.testing.assert_allclose(b.u0(), a.u0(), rtol=1e-14)
    compiled = [n.ode_system().compile("tape") for n in (a, b)]
    for seed in range(3):
        u = np.random.default_rng(seed).random(len(a.species))
        first, second = (c.rhs(0.3, u) for c in compiled)
        np.testing.assert_allclose(second, first, rtol=1e-12, atol=1e-12 * np.abs(first).max())


def test_networks_come_back_from_sbml(libsbml: Any, tmp_path: Path) -> None:
    network = ReactionNetwork.parse("""
begin parameters
 1 k 0.5
 2 K 2*k^2
 3 pi (k+1)/3
end parameters
begin functions
 1 rate() if(Tot>2 && time()<5,k^2,exp(-k))*pi+ln(K)
end functions
begin species
 1 $A(b) 3
 2 B(a!1).C(b!1) K
 3 D() 0
end species
begin reactions
 1 1,2 3 rate
 2 0 1,1,2 2*k
 3 1,2 3,2 Sat k K
 4 2,3 3 0.5*MM k K
 5 3,3 2 rate
end reactions
begin groups
 1 Tot 1,2*3
end groups
""")
    network.write(tmp_path / "model.xml")
    again = ReactionNetwork.read(tmp_path / "model.xml")
    same_right_hand_sides(network, again)
    assert again.fixed == {0} and again.definitions.keys() == {"Tot", "rate"}


@pytest.mark.parametrize("name", ["multisite2", "multistate"])
def test_the_published_networks_come_back_from_sbml(
    libsbml: Any, shared_data: Path, tmp_path: Path, name: str
) -> None:
    network = ReactionNetwork.read(shared_data / "networks" / f"{name}.net")
    network.write(tmp_path / "model.xml")
    again = ReactionNetwork.read(tmp_path / "model.xml")
    same_right_hand_sides(network, again)
    assert not again.reactions.total.any() and again.definitions.keys() == network.groups.keys()
    assert again.conservation_laws().tolist() == network.conservation_laws().tolist()


SBML = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="m">
<listOfCompartments><compartment id="c" size="2" constant="true"/></listOfCompartments>
<listOfSpecies>
<species id="A" compartment="c" initialConcentration="3" hasOnlySubstanceUnits="false" boundaryCondition="false" constant="false"/>
</listOfSpecies>
<listOfParameters><parameter id="k" value="0.25" constant="true"/></listOfParameters>
%s
<listOfReactions><reaction id="r" reversible="false" fast="false">
<listOfReactants><speciesReference species="A" stoichiometry="1" constant="true"/></listOfReactants>
<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>c</ci><ci>k</ci><ci>A</ci></apply></math></kineticLaw>
</reaction></listOfReactions></model></sbml>
"""


def test_a_file_by_hand(libsbml: Any, tmp_path: Path) -> None:
    (tmp_path / "m.sbml").write_text(SBML % "")
    network = ReactionNetwork.read(tmp_path / "m.sbml")
    sol = network.simulate([0.0, 4.0], rtol=1e-9)
    assert sol.u[-1, 0] == pytest.approx(6 * math.exp(-1.0), rel=1e-6)
    assert sol.observables["A"][-1] == pytest.approx(3 * math.exp(-1.0), rel=1e-6)


def test_level_2_is_converted(libsbml: Any, shared_data: Path, tmp_path: Path) -> None:
    ReactionNetwork.read(shared_data / "networks" / "multistate.net").write(tmp_path / "three.xml")
    document = libsbml.readSBML(str(tmp_path / "three.xml"))
    assert document.setLevelAndVersion(2, 4, False)
    (tmp_path / "two.xml").write_text(libsbml.writeSBMLToString(document))
    assert ReactionNetwork.read(tmp_path / "two.xml") == ReactionNetwork.read(tmp_path / "three.xml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SBML % '<listOfRules><algebraicRule><math xmlns="http://www.w3.org/1998/Math/MathML"><ci>k</ci></math></algebraicRule></listOfRules>',
         "m.xml, line 8: algebraic rules are not supported"),
        (SBML.replace("</listOfReactions>", "</listOfReactions><listOfEvents><event useValuesFromTriggerTime='true'>"
                      "<trigger initialValue='true' persistent='true'><math xmlns='http://www.w3.org/1998/Math/MathML'><true/></math></trigger>"
                      "</event></listOfEvents>") % "", "m.xml, line 12: events are not supported"),
        (SBML.replace('fast="false"', 'fast="true"') % "", "m.xml, line 9: fast reactions are not supported; give 'r' a rate"),
        (SBML.replace('level="3" version="1">', 'level="3" version="1" comp:required="true" '
                      'xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1">') % "", "needs the SBML package 'comp'"),
        (SBML.replace('stoichiometry="1" constant="true"', 'id="x" constant="false"') % "", "line 10: stoichiometries that change"),
        (SBML.replace("<kineticLaw>", "<!--").replace("</kineticLaw>", "-->") % "", "line 9: the reaction 'r' has no kinetic law"),
        ("<sbml>", "m.xml, line"),
        ("", "m.xml, line"),
        ("no xml", "m.xml, line"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_are_named(libsbml: Any, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "m.xml").write_text(text)
    with pytest.raises(ValueError, match=message):
        ReactionNetwork.read(tmp_path / "m.xml")
