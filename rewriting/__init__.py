"""Rewriting: patterns, rules, strategies, the simplifier, the e-graph optimiser and the machine calculi.

Import it as `symnum.rewriting`. The folder lies at the top of the repository, so a Python started there could also
find it under its bare name; the guard below turns that second, broken copy into one clear sentence.
"""

if __name__ != "symnum.rewriting":
    raise ImportError(
        f"this package was imported as {__name__!r}, but it is a part of symnum and works only as 'symnum.rewriting'; "
        "write 'import symnum.rewriting', or start Python with -P so that the current folder is not searched"
    )

from importlib import import_module  # the guard above comes first
from typing import Any

_HOME = {
    "symnum.rewriting.rules": "Rule rule",
    "symnum.rewriting.rule_sets": "RuleSet",
    "symnum.rewriting.slots": "default_slot function_slot segment slot",
    "symnum.rewriting.strategies": "RewriteLoopError bottom_up chain first fixpoint top_down",
    "symnum.rewriting.facts": "Facts",
    "symnum.rewriting.measure": "TreeCost shared_cost",
    "symnum.rewriting.cost": "CostModel cost_model ops paper_cycles table_cycles",
    "symnum.rewriting.optimizer": "OptimizeLimits OptimizeReport optimize optimize_report",
    "symnum.rewriting.egraph": "EGraph EGraphError EGraphLimits SaturationReport",
    "symnum.rewriting.reports": "Limits SimplifyReport",
    "symnum.rewriting.simplifier": "simplify simplify_report",
    "symnum.rewriting.evidence": "Evidence EvidenceLimits compare",
    "symnum.rewriting.equivalence": "EquivalenceLimits EquivalenceReport equivalence_report equivalent",
}
"""Module -> the public names that it defines; they are loaded when they are first used."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = [*sorted(_MODULE_OF), "theories"]


def __getattr__(name: str) -> Any:
    if name == "theories":
        return import_module("symnum.rewriting.theories")
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(
            f"module 'symnum.rewriting' has no attribute {name!r}; dir(symnum.rewriting) lists the public names"
        )
    found = getattr(import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
