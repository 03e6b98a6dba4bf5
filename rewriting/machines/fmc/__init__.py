"""The Functional Machine Calculus: programs that push, pop and run, on a stack for each location.

>>> from symnum.rewriting.machines import fmc
>>> fmc.run("[2].[3].<x>.<y>.[x]")
{'λ': [3]}
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "symnum.rewriting.machines.fmc.machine": " ".join(
        ("Run RunError RunLimitError RunLimits RunStuckError State Trace UncaughtExitError", "execute run")
    ),
    "symnum.rewriting.machines.fmc.memory": "Stream",
    "symnum.rewriting.machines.fmc.reading": "parse",
    "symnum.rewriting.machines.fmc.reduction": " ".join(
        (
            "RULES ReductionLimits TYPED_RULES contract equal",
            "normalize permuted redexes reduce rewriter unroll",
        )
    ),
    "symnum.rewriting.machines.fmc.syntax": " ".join(
        (
            "SKIP case compose exit_with loop pop program push",
            "in_cons_form in_sequence_form substitute",
        )
    ),
    "symnum.rewriting.machines.fmc.types": "IllTypedError ProgramType infer",
}
"""Module -> the public names that it defines; they are loaded when they are first used."""

_MODULES = ("choice", "control", "encodings", "lambda_calculus")
"""Sub-modules that are public as they are: fmc.encodings.by_name and so on."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}
_MODULE_OF["format"] = "symnum.rewriting.machines.fmc.writing"
_RENAMED = {"format": "to_text"}

__all__ = sorted([*_MODULE_OF, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"symnum.rewriting.machines.fmc.{name}")
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(
            f"module 'symnum.rewriting.machines.fmc' has no attribute {name!r}; its public names are {', '.join(__all__)}"
        )
    found = getattr(import_module(module), _RENAMED.get(name, name))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
