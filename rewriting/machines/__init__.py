"""Machine calculi: the Functional and the Relational Machine Calculus (FMC, RMC) on the terms of symnum.

>>> from symnum.rewriting.machines import fmc, rmc
>>> fmc.run("[2].[3].<x>.<y>.[x]")
{'λ': [3]}
>>> [str(answer) for answer in rmc.run("new x. <x>; [f(x)]", ["a"])]
['λ: f(a)']
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

__all__ = ["fmc", "rmc"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"symnum.rewriting.machines.{name}")
    raise AttributeError(
        f"module 'symnum.rewriting.machines' has no attribute {name!r}; its public names are {', '.join(__all__)}"
    )


def __dir__() -> list[str]:
    return sorted(__all__)
