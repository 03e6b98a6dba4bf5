"""What the templates of the operator table mean in NumPy: the names they may use, and a row as a function of arrays."""

from __future__ import annotations

import ctypes
import importlib
import re
from collections.abc import Callable
from typing import Any

from symnum.operators import ARGUMENTS, Operator

HELPERS = {
    "_erf": "erf",
    "_gamma": "gamma",
    "_lgamma": "gammaln",
    "_digamma": "digamma",
    "_zeta": "zeta",
}
"""Names in the ``numpy`` column -> the function of scipy.special."""

_NAME = re.compile(r"(?<![\w.])_\w+")


def numpy_names(template: str) -> dict[str, Any]:
    """Return the globals that a template of the ``numpy`` column needs; scipy is loaded only when one of its functions is named."""
    names: dict[str, Any] = {"numpy": importlib.import_module("numpy")}
    for name in _NAME.findall(template):
        if name in HELPERS:
            names[name] = _special(HELPERS[name])
    return names


def _special(name: str) -> Any:
    """Return a function of scipy.special, as the ufunc behind it where the public name is a Python function (zeta)."""
    special = importlib.import_module("scipy.special")
    ufunc = getattr(getattr(special, "_ufuncs", None), f"_{name}", None)
    return ufunc if isinstance(ufunc, importlib.import_module("numpy").ufunc) else getattr(special, name)


def address_of(array: Any) -> int:
    """Return where an array begins; the buffer protocol tells it in a quarter of the time, but of writable ones only."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    except (TypeError, ValueError, BufferError):
        address: int = array.__array_interface__["data"][0]
        return address


def numpy_function(row: Operator) -> Callable[..., Any]:
    """Return a row's ``numpy`` column as a Python function of arrays or NumPy scalars.

    >>> from symnum.operators import OPERATORS
    >>> float(numpy_function(OPERATORS["atan2"])(1.0, 0.0))
    1.5707963267948966
    """
    return template_function(row, row.numpy, {**numpy_names(row.numpy), **row.namespace})


def template_function(row: Operator, template: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Return the Python function that a template spells, with ``names`` as its globals."""
    low, high = row.arity
    count = max(low, 2) if high is None else high
    parameters = ", ".join(ARGUMENTS[:count])
    source = f"def {_safe(row.name)}({parameters}):\n    return {template.format(*ARGUMENTS[:count])}\n"
    scope = dict(names)
    exec(compile(source, f"<operator {row.name}>", "exec"), scope)
    function: Callable[..., Any] = scope[_safe(row.name)]
    return function


def _safe(name: str) -> str:
    return f"operator_{name}" if name.isidentifier() else "operator_"
