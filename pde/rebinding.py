"""A user's function with some of the things that it names replaced, such as numpy by a stand-in.

The code stays as it is: a new function object runs it over a copy of its globals, in which the names stand for other things.  So
nothing outside is changed, and threads do not meet.  Functions that the function names, also those compiled by numba.njit, are
treated the same way, so that a solver in several functions is one solver.
"""

from __future__ import annotations

import copy
import functools
import sys
import types
from collections.abc import Callable
from typing import Any

Replace = Callable[[Any], Any]
"""Takes a value that a function names, and returns what shall stand in its place, or the value itself."""

_LIBRARIES = frozenset({*sys.stdlib_module_names, "numpy", "scipy", "numba", "symnum"} - {"__main__"})
"""Functions of these packages are not looked into."""


def rebound(f: Callable[..., Any], replace: Replace) -> Callable[..., Any]:
    """Return ``f`` with the values of its globals, closures and defaults replaced; ``f`` itself where nothing changes.

    Functions, methods, functools.partial and objects with ``__call__`` are taken.

    >>> import math
    >>> def circle(r):
    ...     return 2 * math.pi * r
    >>> indiana = rebound(circle, lambda value: types.SimpleNamespace(pi=3.2) if value is math else value)
    >>> indiana(1.0), round(circle(1.0), 2)
    (6.4, 6.28)
    """
    return _Rebinding(replace).start(f)


def python_function(f: Any) -> Any:
    """Return the Python function behind one that numba compiled; anything else as it is."""
    return f.py_func if type(f).__module__.startswith("numba.") and hasattr(f, "py_func") else f


class _Rebinding:
    """The new functions and objects of one call of :func:`rebound`, each made once, so that they may name each other."""

    def __init__(self, replace: Replace) -> None:
        self.replace = replace
        self.module = ""  # of the function that was given
        self.made: dict[int, Any] = {}
        self.waiting: list[tuple[Any, Any]] = []
        self.replaced = False

    def start(self, f: Any) -> Any:
        """Return the new function, or ``f`` where nothing that it names was replaced."""
        inner = f
        while isinstance(inner, functools.partial | types.MethodType):
            inner = inner.func if isinstance(inner, functools.partial) else inner.__func__
        self.module = getattr(inner, "__module__", None) or ""
        found = self.value(f)
        while self.waiting:
            old, new = self.waiting.pop()
            if isinstance(old, types.FunctionType):
                self.fill_function(old, new)
            else:
                self.fill_object(old, new)
        return found if self.replaced else f

    def value(self, value: Any) -> Any:
        """Return what shall stand for a value: a new one for a function or an object of the user's."""
        plain = python_function(value)
        if isinstance(plain, functools.partial):
            return functools.partial(self.value(plain.func), *map(self.value, plain.args), **plain.keywords)
        if isinstance(plain, types.MethodType):
            return types.MethodType(self.value(plain.__func__), self.value(plain.__self__))
        is_function = isinstance(plain, types.FunctionType) and not self.from_library(plain)
        if is_function or self.is_users(plain):
            if id(plain) not in self.made:
                self.made[id(plain)] = new = _empty_function(plain) if is_function else _copied(plain)
                if new is not plain:
                    self.waiting.append((plain, new))
            self.replaced = self.replaced or plain is not value
            return self.made[id(plain)]
        found = self.replace(plain)
        self.replaced = self.replaced or found is not value
        return found

    def from_library(self, function: types.FunctionType) -> bool:
        """Tell whether a function is from a library, and not from the module of the function that was given."""
        module = function.__module__ or ""
        return module != self.module and module.partition(".")[0] in _LIBRARIES

    def is_users(self, value: Any) -> bool:
        """Tell whether a value is an object whose class is defined in the package of the function that was given."""
        home = type(value).__module__
        return self.from_package(home) and hasattr(value, "__dict__") and not isinstance(value, type)

    def from_package(self, module: str) -> bool:
        """Tell whether a module is in the package of the function that was given."""
        return module.partition(".")[0] == self.module.partition(".")[0]

    def fill_function(self, old: types.FunctionType, new: types.FunctionType) -> None:
        """Give a new function its globals, closure and defaults."""
        for name in _named(old.__code__):
            if name in old.__globals__:
                new.__globals__[name] = self.value(old.__globals__[name])
        for cell, fresh in zip(old.__closure__ or (), new.__closure__ or (), strict=True):
            try:
                fresh.cell_contents = self.value(cell.cell_contents)
            except ValueError:  # an empty cell: the name has no value yet
                continue
        if old.__defaults__ is not None:
            new.__defaults__ = tuple(map(self.value, old.__defaults__))
        if old.__kwdefaults__ is not None:
            new.__kwdefaults__ = {name: self.value(value) for name, value in old.__kwdefaults__.items()}

    def fill_object(self, old: Any, new: Any) -> None:
        """Give a copy of an object a class of its own, with new methods, and new attributes."""
        object.__setattr__(new, "__class__", self.subclass(type(old)))
        new.__dict__.update({name: self.value(value) for name, value in vars(old).items()})

    def subclass(self, kind: type) -> type:
        """Return a subclass with new methods; its bases are subclasses too, and super() meets their new methods."""
        if id(kind) not in self.made:
            bases = [self.subclass(base) for base in kind.__bases__ if self.from_package(base.__module__)]
            functions = {name: v for name, v in vars(kind).items() if isinstance(v, types.FunctionType)}
            methods = {name: self.value(v) for name, v in functions.items()}
            self.made[id(kind)] = types.new_class(
                kind.__name__, (kind, *bases), exec_body=lambda space: space.update(methods)
            )
        found: type = self.made[id(kind)]
        return found


def _copied(value: Any) -> Any:
    """Return a shallow copy of an object; one that cannot be copied, such as one that holds a lock in slots, stays as it is."""
    try:
        return copy.copy(value)
    except TypeError:
        return value


def _empty_function(old: types.FunctionType) -> types.FunctionType:
    """Return a function of the same code over globals and cells of its own."""
    closure = None if old.__closure__ is None else tuple(types.CellType() for _ in old.__closure__)
    return types.FunctionType(old.__code__, dict(old.__globals__), old.__name__, None, closure)


def _named(code: types.CodeType) -> list[str]:
    """Return the names that a code object and those inside it use, the names of attributes among them."""
    names: dict[str, None] = {}
    stack = [code]
    while stack:
        code = stack.pop()
        names.update(dict.fromkeys(code.co_names))
        stack.extend(part for part in code.co_consts if isinstance(part, types.CodeType))
    return list(names)
