"""PDE and ODE systems: trace array solvers, read reaction networks, compile and solve them.

Import it as `symnum.pde`. The folder lies at the top of the repository, so a Python started there could also find
it under its bare name, in place of the py-pde package; the guard below turns that mistake into one clear sentence.

>>> import numpy as np
>>> system = trace(lambda t, u: np.roll(u, 1) * u, np.linspace(0.0, 1.0, 4))
>>> system.rhs[0]
u0*u3
"""

import importlib as _importlib
from typing import Any as _Any

if __name__ != "symnum.pde":
    raise ImportError(
        f"this package was imported as {__name__!r}, but it is a part of symnum and works only as 'symnum.pde'; "
        "write 'import symnum.pde', or, if you meant the py-pde package, start Python with -P so that the current "
        "folder is not searched"
    )

_HOME = {
    "symnum.pde.system": "OdeSystem CompiledSystem",
    "symnum.pde.traced_system": "trace TracedSystem CompiledTrace",
    "symnum.pde.solution": "Solution",
    "symnum.pde.checkpoints": "Checkpoint",
    "symnum.pde.traced": "TracedArray zeros_like",
    "symnum.pde.refusal": "TraceError",
    "symnum.pde.equation": "Equation",
    "symnum.pde.classification": "Classification",
    "symnum.pde.colouring": "Colouring",
    "symnum.pde.sensitivity": "Sensitivities",
    "symnum.pde.adjoint": "ObjectiveGradient",
    "symnum.pde.network": "ReactionNetwork NetworkArrays",
    "symnum.pde.reactions": "Reaction Reactions",
    "symnum.pde.rate_laws": "RateLaw",
    "symnum.pde.net_formula": "Function",
}
"""Module -> the public names that it defines."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> _Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(
            f"module 'symnum.pde' has no attribute {name!r}; its public names are {', '.join(__all__)}"
        )
    found = getattr(_importlib.import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "models"])
