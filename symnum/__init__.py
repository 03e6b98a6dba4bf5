"""symnum: symbolic expressions from formulas, data and solvers, made cheap and compiled to machine code.

>>> import symnum as sn
>>> x, y = sn.symbols("x y")
>>> sn.diff(sn.sin(x) * y, x)
y*cos(x)
>>> f = sn.compile(sn.sin(x) * y, [x, y], target="numpy")
>>> f(0.0, 2.0)
0.0

Names are loaded when they are first used, so that the import is quick.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "symnum.symbols": "symbols symbol number convert",
    "symnum.operators": "Operator OPERATORS register_operator",
    "symnum.functions": (
        "sqrt cbrt exp expm1 log log1p log2 log10 sin cos tan cot sec csc asin acos atan acot asec acsc "
        "atan2 sinh cosh tanh coth sech csch asinh acosh atanh sign floor ceil mod erf gamma lgamma "
        "digamma trigamma eq ne lt le gt ge all_of any_of negation ifelse hold min max abs pi call"
    ),
    "symnum.text.parser": "parse ParseError",
    "symnum.text.latex": "latex",
    "symnum.text.serialize": "to_json from_json",
    "symnum.calculus.derivative": "diff gradient jacobian hessian",
    "symnum.calculus.sparsity": "jacobian_sparsity hessian_sparsity",
    "symnum.calculus.series": "series",
    "symnum.algebra.substitute": "substitute",
    "symnum.algebra.evaluate": "evaluate",
    "symnum.algebra.polynomial": "expand collect coefficients degree",
    "symnum.algebra.rational": "factor factor_list cancel gcd lcm",
    "symnum.algebra.linear": "determinant inverse solve_linear linear_coefficients",
    "symnum.algebra.solve": "solve",
    "symnum.algebra.roots": "roots",
    "symnum.calculus.sparse": "SparseMatrix",
    "symnum.codegen.function": "compile",
    "symnum.interop.sympy_bridge": "to_sympy from_sympy",
    "symnum.rewriting": "simplify simplify_report optimize optimize_report equivalent equivalence_report",
    "symnum.rewriting.cost": "cost",
}
"""Module -> the public names that it defines."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}
_PARTS = (
    "algebra",
    "backends",
    "calculus",
    "codegen",
    "interop",
    "operators",
    "pde",
    "regression",
    "rewriting",
    "term",
    "text",
)

__all__ = ["__version__", *sorted(_MODULE_OF)]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is not None:
        found = getattr(importlib.import_module(module), name)
        globals()[name] = found
        return found
    if name in _PARTS:
        return importlib.import_module(f"symnum.{name}")
    raise AttributeError(f"module 'symnum' has no attribute {name!r}; dir(symnum) lists the public names")


def __dir__() -> list[str]:
    return sorted([*__all__, *_PARTS])


# Loaded now: the module symnum.symbols has the name of the function, and importing it later would put it in the function's place.
from symnum.symbols import symbols as symbols  # noqa: E402
