"""Read and write SBML through python-libsbml; what the parts mean is in :mod:`symnum.pde.sbml_network`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.pde.sbml_math import Node, infix
from symnum.pde.sbml_network import SbmlModel, SbmlReaction, SbmlSpecies, network_of

if TYPE_CHECKING:
    from symnum.pde.network import ReactionNetwork

_RESERVED = {
    "time",
    "pi",
    "avogadro",
    "exponentiale",
    "true",
    "false",
    "inf",
    "infinity",
    "nan",
    "notanumber",
}


def _library() -> Any:
    try:
        import libsbml
    except ImportError as problem:
        raise ImportError(
            "SBML needs python-libsbml, which is not installed; run: pip install 'symnum[sbml]'"
        ) from problem
    return libsbml


def read_sbml(path: str | os.PathLike[str]) -> ReactionNetwork:
    """Return the network of an SBML file (Level 3; Level 2 is converted).

    Raises OSError, ImportError without python-libsbml, and ValueError for errors in the file, and for events, algebraic rules,
    delays and other things that a network cannot say.
    """
    libsbml = _library()
    origin = os.path.basename(path)
    text = Path(path).read_bytes().decode("utf-8", "replace")
    document = libsbml.readSBMLFromString(text)
    _check(libsbml, document, origin)
    if document.getLevel() >= 3:
        _refuse_packages(document, origin)
    elif not document.setLevelAndVersion(3, 2, False):
        _check(libsbml, document, origin)
        raise ValueError(f"{origin} is SBML Level {document.getLevel()} and cannot be converted to Level 3")
    model = document.getModel()
    if model is None:
        raise ValueError(f"{origin} has no model")
    return network_of(_parts(_Trees(libsbml), model, origin), origin)


def _check(libsbml: Any, document: Any, origin: str) -> None:
    """Raise the first error in libsbml's log; it raises none itself."""
    for k in range(document.getNumErrors()):
        error = document.getError(k)
        if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR:
            message = " ".join(error.getMessage().split())
            raise ValueError(f"{origin}, line {error.getLine()}: {message}")


def _refuse_packages(document: Any, origin: str) -> None:
    """Raise ValueError for packages that change what the model means; "l3v2extendedmath" is libsbml's name for a part of core SBML."""
    for k in range(document.getNumPlugins()):
        package = document.getPlugin(k).getPackageName()
        if package != "l3v2extendedmath" and document.getPackageRequired(package):
            raise ValueError(
                f"{origin}: the model needs the SBML package {package!r}, which is not supported; write core SBML"
            )


class _Trees:
    """Converts libsbml's syntax trees to nodes."""

    def __init__(self, libsbml: Any) -> None:
        self.names = {
            getattr(libsbml, n): n[4:]
            for n in dir(libsbml)
            if n.startswith("AST_") and isinstance(getattr(libsbml, n), int)
        }

    def node(self, tree: Any) -> Node:
        """Return the tree as nodes, children first."""
        order, waiting = [], [tree]
        while waiting:
            part = waiting.pop()
            order.append(part)
            waiting.extend(part.getChild(i) for i in range(part.getNumChildren()))
        done: list[Node] = []
        for part in reversed(order):
            first = len(done) - part.getNumChildren()
            children = tuple(done[first:])
            del done[first:]
            done.append(self._one(part, children))
        return done[0]

    def _one(self, tree: Any, children: tuple[Node, ...]) -> Node:
        kind = self.names.get(tree.getType(), "UNKNOWN")
        if kind == "INTEGER":
            return Node(kind, tree.getInteger())
        if kind in ("REAL", "REAL_E"):
            return Node("REAL", tree.getReal())
        if kind == "RATIONAL":
            return Node(kind, (tree.getNumerator(), tree.getDenominator()))
        return Node(kind, tree.getName(), children)


def _parts(trees: _Trees, model: Any, origin: str) -> SbmlModel:
    """Return the parts of a libsbml model; raises ValueError for parts that are not supported."""
    for kind, what in (("Events", "events"), ("Constraints", "constraints")):
        if kind == "Events" and getattr(model, f"getNum{kind}")():
            first = model.getEvent(0)
            raise ValueError(
                f"{origin}, line {first.getLine()}: {what} are not supported; simulate the parts between them one after the other"
            )
    found = SbmlModel()
    for compartment in _all(model.getListOfCompartments()):
        found.compartments[compartment.getId()] = compartment.getSize() if compartment.isSetSize() else None
        if compartment.getSpatialDimensions() == 0 and not compartment.isSetSize():
            found.compartments[compartment.getId()] = 1.0
    for species in _all(model.getListOfSpecies()):
        if species.isSetConversionFactor() or model.isSetConversionFactor():
            raise ValueError(
                f"{origin}, line {species.getLine()}: conversion factors are not supported; write amounts in one unit"
            )
        found.species[species.getId()] = SbmlSpecies(
            species.getCompartment(),
            species.getInitialAmount() if species.isSetInitialAmount() else None,
            species.getInitialConcentration() if species.isSetInitialConcentration() else None,
            species.getHasOnlySubstanceUnits(), species.getBoundaryCondition(), species.getConstant(),
        )  # fmt: skip
    for parameter in _all(model.getListOfParameters()):
        found.parameters[parameter.getId()] = parameter.getValue() if parameter.isSetValue() else None
    for function in _all(model.getListOfFunctionDefinitions()):
        arguments = tuple(function.getArgument(i).getName() for i in range(function.getNumArguments()))
        found.functions[function.getId()] = (arguments, trees.node(function.getBody()))
    for assignment in _all(model.getListOfInitialAssignments()):
        found.initial[assignment.getSymbol()] = trees.node(assignment.getMath())
    for rule in _all(model.getListOfRules()):
        if rule.isAlgebraic():
            raise ValueError(
                f"{origin}, line {rule.getLine()}: algebraic rules are not supported; solve them, and write assignment rules"
            )
        (found.assigned if rule.isAssignment() else found.rates)[rule.getVariable()] = trees.node(
            rule.getMath()
        )
    for reaction in _all(model.getListOfReactions()):
        law = reaction.getKineticLaw()
        if reaction.isSetFast() and reaction.getFast():
            raise ValueError(
                f"{origin}, line {reaction.getLine()}: fast reactions are not supported; give {reaction.getId()!r} a rate"
            )
        if law is None or law.getMath() is None:
            raise ValueError(
                f"{origin}, line {reaction.getLine()}: the reaction {reaction.getId()!r} has no kinetic law; give it one"
            )
        found.reactions[reaction.getId()] = SbmlReaction(
            [_reference(r, origin) for r in _all(reaction.getListOfReactants())],
            [_reference(r, origin) for r in _all(reaction.getListOfProducts())],
            trees.node(law.getMath()),
            {p.getId(): p.getValue() for p in _all(law.getListOfLocalParameters())},
        )
    return found


def _all(items: Any) -> Iterator[Any]:
    return (items.get(i) for i in range(items.size()))


def _reference(reference: Any, origin: str) -> tuple[str, float]:
    if not reference.getConstant() or (reference.isSetId() and not reference.isSetStoichiometry()):
        raise ValueError(
            f"{origin}, line {reference.getLine()}: stoichiometries that change are not supported; write a number"
        )
    return reference.getSpecies(), reference.getStoichiometry() if reference.isSetStoichiometry() else 1.0


# --- writing ----------------------------------------------------------------------------------------------------------------


def write_sbml(network: ReactionNetwork, path: str | os.PathLike[str]) -> None:
    """Write a network as SBML Level 3 Version 2, with amounts as species in one compartment of size 1.

    Raises ImportError without python-libsbml, ValueError for rates that SBML cannot say.
    """
    Path(path).write_text(sbml_text(network), encoding="utf-8")


def sbml_text(network: ReactionNetwork) -> str:
    """Return the text of :func:`write_sbml`."""
    libsbml = _library()
    document = libsbml.SBMLDocument(3, 2)
    model = document.createModel()
    taken = {"cell"}

    def new_id(wanted: str) -> str:
        name = (
            wanted
            if re.fullmatch(r"[A-Za-z_]\w*", wanted) and wanted.lower() not in _RESERVED
            else "_" + re.sub(r"\W", "_", wanted)
        )
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    compartment = model.createCompartment()
    compartment.setId("cell")
    compartment.setSize(1.0)
    compartment.setSpatialDimensions(3)
    compartment.setConstant(True)
    names = {interface.key(network.time): "time"}

    def parse(term: Any) -> Any:
        text = infix(term, names)
        tree = libsbml.parseL3Formula(text)
        if tree is None:
            raise ValueError(f"libsbml does not read the formula {text}: {libsbml.getLastParseL3Error()}")
        return tree

    from symnum.backends import interned

    for name in [*network.parameters, *network.definitions]:
        names[interface.key(interned.symbol(name))] = new_id(name)
    ids = [new_id(f"S{i + 1}") for i in range(len(network.species))]
    names.update({interface.key(state): sid for state, sid in zip(network.states, ids)})
    values = network.values()
    for name, formula in network.parameters.items():
        parameter = model.createParameter()
        sid = names[interface.key(interned.symbol(name))]
        parameter.setId(sid)
        parameter.setConstant(True)
        if interface.is_number(formula):
            parameter.setValue(values[name])
        else:
            _assign(model.createInitialAssignment(), sid, parse(formula))
    for name, definition in network.definitions.items():
        parameter = model.createParameter()
        sid = names[interface.key(interned.symbol(name))]
        parameter.setId(sid)
        parameter.setConstant(False)
        rule = model.createAssignmentRule()
        rule.setVariable(sid)
        rule.setMath(parse(definition))
    for i, (sid, name, start) in enumerate(zip(ids, network.species, network.initial)):
        species = model.createSpecies()
        species.setId(sid)
        species.setName(name)
        species.setCompartment("cell")
        species.setHasOnlySubstanceUnits(True)
        species.setBoundaryCondition(i in network.fixed)
        species.setConstant(False)
        if interface.is_number(start):
            species.setInitialAmount(float(interface.value(start)))
        else:
            _assign(model.createInitialAssignment(), sid, parse(start))
    _write_reactions(network, model, ids, parse)
    _check(libsbml, document, "the model")
    return str(libsbml.writeSBMLToString(document))


def _assign(assignment: Any, sid: str, tree: Any) -> None:
    assignment.setSymbol(sid)
    assignment.setMath(tree)


def _write_reactions(network: ReactionNetwork, model: Any, ids: list[str], parse: Any) -> None:
    arrays = network.arrays
    starts, factors = arrays.factor_starts.tolist(), arrays.factors.tolist()
    state_place = {interface.key(state): i for i, state in enumerate(network.states)}
    for r, reaction in enumerate(network.reactions):
        written = model.createReaction()
        written.setId(f"R{r + 1}")
        written.setReversible(False)
        flux = interface.make(
            network.states[0],
            "*",
            (arrays.rates[arrays.rate[r]], *(network.states[i] for i in factors[starts[r] : starts[r + 1]])),
        )
        for places, create in (
            (reaction.reactants, written.createReactant),
            (reaction.products, written.createProduct),
        ):
            for place in dict.fromkeys(places):
                reference = create()
                reference.setSpecies(ids[place])
                reference.setStoichiometry(float(places.count(place)))
                reference.setConstant(True)
        used = {
            state_place[k] for s in interface.free_symbols(flux) if (k := interface.key(s)) in state_place
        }
        for place in sorted(used - {*reaction.reactants, *reaction.products}):
            written.createModifier().setSpecies(ids[place])
        written.createKineticLaw().setMath(parse(flux))
