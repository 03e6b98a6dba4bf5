"""The part of torch that generated modules use, by NumPy: tests execute the generated text with it where torch is not installed.

It has no gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from scipy import special


class Tensor(np.ndarray[Any, Any]):
    """An array with the methods of a tensor that are called."""

    device = "cpu"

    def detach(self) -> Tensor:
        return self

    def to(self, *wanted: Any) -> Tensor:
        dtypes = [w for w in wanted if isinstance(w, type)]
        return self.astype(dtypes[0]).view(Tensor) if dtypes else self

    def numpy(self) -> np.ndarray[Any, Any]:
        return self.view(np.ndarray)

    def unflatten(self, axis: int, shape: tuple[int, ...]) -> Tensor:
        assert axis == 0
        return _tensor(self.reshape(*shape, *self.shape[1:]))


def _tensor(value: Any, dtype: Any = None) -> Tensor:
    return np.asarray(value, dtype).view(Tensor)


class Module:
    """torch.nn.Module without its machinery."""

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}

    def register_buffer(self, name: str, value: Tensor, persistent: bool) -> None:
        assert not persistent
        self._buffers[name] = value
        setattr(self, name, value)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        return ((k, v) for k, v in vars(self).items() if isinstance(v, Tensor) and k not in self._buffers)

    def parameters(self) -> Iterator[Tensor]:
        return (v for _, v in self.named_parameters())

    def buffers(self) -> Iterator[Tensor]:
        return iter(self._buffers.values())

    def __call__(self, *given: Tensor) -> Any:
        with np.errstate(all="ignore"):
            return self.forward(*given)  # type: ignore[attr-defined]


def _strict(function: Any) -> Any:
    """Take tensors only, as torch's functions of two arguments do."""

    def checked(*given: Any) -> Any:
        assert all(isinstance(a, Tensor) for a in given), f"{function.__name__} got {given}"
        return _tensor(function(*given))

    return checked


def _where(condition: Any, a: Any, b: Any) -> Tensor:
    assert isinstance(condition, Tensor)
    return _tensor(np.where(condition, a, b))


def stand_in() -> ModuleType:
    """Return a new module that can take torch's place in sys.modules."""
    torch = ModuleType("torch")
    plain = {
        "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh,
        "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "sqrt": np.sqrt,
        "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10, "abs": np.abs,
        "floor": np.floor, "ceil": np.ceil, "isnan": np.isnan, "lgamma": special.gammaln, "atan2": np.arctan2, "pow": np.power,
        "minimum": np.minimum, "maximum": np.maximum, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
        "eq": np.equal, "ne": np.not_equal, "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_not": np.logical_not,
    }  # fmt: skip
    for name, function in plain.items():
        setattr(torch, name, _strict(function))
    torch.__dict__.update(
        remainder=lambda a, b: _tensor(np.mod(a, b)),
        sign=lambda a: _tensor(np.where(np.isnan(a), 0.0, np.sign(a))),  # torch's sign(nan) is 0
        where=_where,
        special=SimpleNamespace(
            erf=_strict(special.erf),
            digamma=_strict(special.digamma),
            polygamma=lambda n, a: _tensor(special.polygamma(n, a)),
        ),
        broadcast_tensors=lambda *given: [_tensor(a) for a in np.broadcast_arrays(*given)],
        stack=lambda given: _tensor(np.stack([np.asarray(a) for a in given])),
        zeros=lambda shape, dtype: _tensor(np.zeros(shape, dtype)),
        tensor=_tensor,
        from_numpy=_tensor,
        no_grad=nullcontext,
        float64=float,
        nan=np.nan,
        inf=np.inf,
        nn=SimpleNamespace(Module=Module, Parameter=lambda value: value),
    )
    return torch
