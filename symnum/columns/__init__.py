"""Terms as columns: a table of rows, and kernels that differentiate, substitute, factor and lower all of it at once.

``table`` holds the rows, ``arithmetic`` the laws of sums and products, ``store`` and ``conversion`` the way of terms in and out; each
other module is one operation on many rows.  A row is a number; :mod:`symnum.backends.columns` makes ordinary terms of rows.

>>> import symnum as sn
>>> from symnum.columns import Store, jacobian
>>> store = Store()
>>> x, y = store.symbol("x"), store.symbol("y")
>>> i, j, rows = jacobian(store, store.add([sn.parse("x*sin(y)")]), [x, y])
>>> store.terms(rows)
[sin(y), x*cos(y)]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symnum.columns.bulk import products as products
    from symnum.columns.bulk import sums as sums
    from symnum.columns.derivative import gradient as gradient
    from symnum.columns.derivative import hessian as hessian
    from symnum.columns.derivative import jacobian as jacobian
    from symnum.columns.expansion import expand as expand
    from symnum.columns.factoring import factored as factored
    from symnum.columns.files import load as load
    from symnum.columns.files import save as save
    from symnum.columns.lowering import lower as lower
    from symnum.columns.patterns import free_symbols as free_symbols
    from symnum.columns.patterns import jacobian_pattern as jacobian_pattern
    from symnum.columns.store import Store as Store
    from symnum.columns.store import Unsupported as Unsupported
    from symnum.columns.substitution import substitute as substitute

_MODULES = {
    "bulk": ("products", "sums"),
    "derivative": ("gradient", "hessian", "jacobian"),
    "expansion": ("expand",),
    "factoring": ("factored",),
    "files": ("load", "save"),
    "lowering": ("lower",),
    "patterns": ("free_symbols", "jacobian_pattern"),
    "store": ("Store", "Unsupported"),
    "substitution": ("substitute",),
}
"""Loaded when first used: the kernels import numba."""

_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"symnum.columns.{_MODULE_OF[name]}"), name)
