"""The Relational Machine Calculus: programs of stacks and unknowns that run both ways.

>>> from symnum.rewriting.machines import rmc
>>> print(rmc.parse("new x y. <x>; <y>; [x]; [y]"))
∃x y. ⟨x⟩; ⟨y⟩; [x]; [y]
"""

from importlib import import_module
from typing import Any

_HOME = {
    "symnum.rewriting.machines.rmc.syntax": "constant function is_program new plus pop push seq skip star test unknown unknowns zero",
    "symnum.rewriting.machines.rmc.parser": "parse value values",
    "symnum.rewriting.machines.rmc.printer": "format",
    "symnum.rewriting.machines.rmc.unification": "unify",
    "symnum.rewriting.machines.rmc.duality": "dual",
    "symnum.rewriting.machines.rmc.results": "Answer Limits RunReport",
    "symnum.rewriting.machines.rmc.machine": "Answers Run answers run",
    "symnum.rewriting.machines.rmc.tracing": "Trace TraceStep trace",
    "symnum.rewriting.machines.rmc.span": "Span spans",
    "symnum.rewriting.machines.rmc.denotation": "den",
    "symnum.rewriting.machines.rmc.rules": "RULES Reduction",
    "symnum.rewriting.machines.rmc.reduction": "ReduceLimits ReductionStep normalize reduce reducts",
    "symnum.rewriting.machines.rmc.kleene": "Automaton automaton differ expression",
    "symnum.rewriting.machines.rmc.egraph": "SaturationLimits prove smallest",
    "symnum.rewriting.machines.rmc.comparison": "EqualityReport equal equality",
    "symnum.rewriting.machines.rmc.types": "RmcTypeError Type infer",
    "symnum.rewriting.machines.rmc.primitives": "primitive",
    "symnum.rewriting.machines.rmc.prolog_answers": "Solutions consult prolog",
}
"""Module -> the public names that it defines; they are loaded when they are first used."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = sorted([*_MODULE_OF, "encodings"])


def __getattr__(name: str) -> Any:
    if name == "encodings":
        return import_module("symnum.rewriting.machines.rmc.encodings")
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(
            f"module 'symnum.rewriting.machines.rmc' has no attribute {name!r}; its public names are {', '.join(__all__)}"
        )
    found = getattr(import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)
