"""Machines compiled to native code: programs of both calculi as flat arrays, run by one loop each.

>>> from symnum.rewriting.machines import compiled
>>> [str(answer) for answer in compiled.answers("(new x y. <s(x)>; <y>; [s(y)]; [x])*; <z>", "s(z) s(z)")]
['λ: s(s(z))']
>>> compiled.execute("[2].[3].<x>.<y>.[x]").memory
{'λ': [3]}
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "symnum.rewriting.machines.compiled.relational": "Answers Limits answers translated",
    "symnum.rewriting.machines.compiled.assembler": "Program",
    "symnum.rewriting.machines.compiled.functional": "FunctionalLimits execute",
}
"""Module -> the public names that it defines; they are loaded when they are first used."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(
            f"module 'symnum.rewriting.machines.compiled' has no attribute {name!r}; its public names are {', '.join(__all__)}"
        )
    found = getattr(import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)
