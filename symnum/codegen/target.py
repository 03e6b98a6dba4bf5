"""What a target is: a module whose ``build`` turns a straight program into runnable code, found by name in a small registry."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symnum.codegen.lower import Program

if TYPE_CHECKING:
    from symnum.codegen.parameters import Parameters


class Unsupported(ValueError):
    """An operator of the program cannot be spelled in a target; ``target="auto"`` then tries the next one."""


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of :func:`symnum.compile` that a target may heed."""

    fastmath: bool = False
    tier: str = "auto"
    shape: tuple[int, ...] = ()
    """The shape in which the outputs were given: () for one term, (n,), or (rows, columns)."""
    parameters: Parameters | None = None
    """For a target in :data:`TRAINING`: the constants that are the last arguments of its program."""


TIERS = ("auto", "first", "optimised")
"""What ``tier`` may be; see ``symnum.codegen.native``."""


class Code(ABC):
    """Runnable code of one program."""

    remark: str = ""
    """What the user should know about caching or fallbacks; it becomes part of ``f.why``, and may change while the code is used."""

    scalar: Callable[..., Any]
    """Takes one float per argument, and returns the float or bool of one output, otherwise a sequence of them."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Return the code as text."""

    @property
    def numba(self) -> Any:
        """Return the scalar function for the user's own njit code, or None where the target has none."""
        return None

    @property
    def tier(self) -> str:
        """Return which tier runs, where a target has several."""
        return "optimised"

    @property
    def work(self) -> int:
        """Return how many doubles of work memory the function at :attr:`address` needs."""
        return 0

    @property
    def address(self) -> int | None:
        """Return the address of the function for callers in machine code, or None where the target has none."""
        return None

    @property
    def torch_module(self) -> Any:
        """Return the torch.nn.Module, or None where the target has none."""
        return None

    def trained(self) -> list[Any] | None:
        """Return the terms with their constants as trained since, or None where nothing was trained."""
        return None

    def files(self, name: str) -> dict[str, str]:
        """Return the files that a user's project needs, by suffix, for a function of this name; none where code stays in symnum."""
        return {}

    @abstractmethod
    def rows(self, inputs: Sequence[Any], count: int, out: Any) -> None:
        """Fill ``out``, a C-contiguous array (outputs, count) of float64, or of bool if all outputs are truth values.

        ``inputs`` are aligned one-dimensional float64 arrays of ``count`` elements or of one; none shares memory with ``out``.
        """


TARGETS: dict[str, str] = {
    "tape": "symnum.codegen.tape",
    "numba": "symnum.codegen.numba_source",
    "numpy": "symnum.codegen.numpy_source",
    "native": "symnum.codegen.native",
    "c": "symnum.codegen.c_source",
    "torch": "symnum.codegen.torch_source",
}
"""Target name -> module with ``build(program, options)``."""

TRAINING = frozenset({"torch"})
"""Targets whose program takes the float constants of the terms as its last arguments."""

AUTO = ("tape", "numpy")
"""What ``target="auto"`` tries, in this order: nothing that compiles machine code for the expression."""


def build(program: Program, target: str, options: Options) -> Code:
    """Return the code of a program in one target; raises Unsupported when the target cannot spell an operator."""
    module = importlib.import_module(TARGETS[target])
    code: Code = module.build(program, options)
    return code


def refuse_disabled_jit() -> None:
    """Raise Unsupported where numba is told not to compile."""
    import numba

    if getattr(numba.config, "DISABLE_JIT", 0):
        raise Unsupported(
            "numba compiles nothing while NUMBA_DISABLE_JIT is set; unset it, or use target='numpy'"
        )
