"""Encodings into the relational machine calculus: other models of computation as programs that run, and run backwards.

>>> from symnum.rewriting.machines.rmc import encodings
>>> encodings.fullmatch("(a|b)*ab", "abab"), encodings.fullmatch("(a|b)*ab", "aba")
(True, False)
"""

from importlib import import_module
from typing import Any

_HOME = {
    "regular": "END fullmatch nfa pda regex word words",
    "turing_machines": "TuringRun run_turing turing turing_memory",
    "petri_nets": "marking_of petri petri_memory reachable",
    "interaction": "Interaction interaction_net readback reduce_net",
    "chemistry": "GroundRule cells_of multiset_memory multiset_rewriting",
    "frobenius": "beside below copy create discard match partition swap",
    "drawing": "draw",
    "relations": "pairs_of relation",
    "arithmetic": "addition elements list_value multiplication natural number reversal",
    "store": "get put",
    "kappa_calculus": "apply_kappa compose first_order kappa lift",
    "rewriting": "everywhere rule_span rules_span rewrites reached",
}
"""Module -> the public names that it defines."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}; its public names are {', '.join(__all__)}"
        )
    found = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)
