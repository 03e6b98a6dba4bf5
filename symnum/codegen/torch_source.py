"""The ``torch`` target: the text of a torch.nn.Module, which needs torch only, with the trainable constants as its parameters."""

from __future__ import annotations

import importlib
import keyword
import re
import threading
from collections.abc import Sequence
from typing import Any

import numpy

import symnum
from symnum.codegen.export import NAME
from symnum.codegen.lower import Operand, Program
from symnum.codegen.parameters import Parameters
from symnum.codegen.registers import allocate
from symnum.codegen.runtime import template_function
from symnum.codegen.source import Spelling, argument_comment, literal, without_outer_brackets
from symnum.codegen.target import Code, Options, Unsupported
from symnum.operators import Operator

HELPERS = {
    "_gamma": '''\
def _gamma(a):
    """Return the gamma function; torch has the logarithm of its size."""
    odd = (a < 0) & (torch.remainder(torch.floor(a), 2) == 1)
    size = torch.where((a < 0) & (a == torch.floor(a)), torch.nan, torch.exp(torch.lgamma(a)))
    return torch.where(a == 0, 1 / a, (1 - 2 * odd) * size)
''',
    "_trigamma": '''\
def _trigamma(a):
    """Return the second derivative of lgamma, which torch gives a huge value at its poles."""
    return torch.where((a <= 0) & (a == torch.floor(a)), torch.inf, torch.special.polygamma(1, a))
''',
}
"""Functions that spellings of the ``torch`` column call: name -> definition."""


class TorchCode(Code):
    """The text of a module, and the module made from it when it is first wanted."""

    def __init__(self, program: Program, options: Options) -> None:
        self.program = program
        self.parameters = options.parameters or Parameters((), (), (), ())
        self.shape = options.shape
        self.text = self._write(NAME)
        kept = len(self.parameters.values)
        self.remark = f"{kept} trainable constant{'s'[: kept != 1]}"
        self._lock = threading.Lock()
        self._module: Any = None

    @property
    def source(self) -> str:
        """Return the Python source."""
        return self.text

    def files(self, name: str) -> dict[str, str]:
        """Return the Python file, whose class has the name in CamelCase."""
        for row in self.program.operators():
            if _brings_function(row):
                raise ValueError(
                    f"operator {row.name!r} brings a Python function, which no file can hold; register it with a template, such as "
                    f"torch='torch.nn.functional.softplus({{0}})'"
                )
        return {".py": self._write(name)}

    def _write(self, name: str) -> str:
        return write(self.program, class_name(name), self.parameters, self.shape)

    @property
    def torch_module(self) -> Any:
        """Return the torch.nn.Module; raises ImportError where torch is not installed."""
        with self._lock:
            if self._module is None:
                scope: dict[str, Any] = {"__name__": "symnum_generated_torch", "torch": import_torch()}
                for row in self.program.operators():
                    if _brings_function(row):
                        names = {"torch": scope["torch"], **row.namespace}
                        scope[Spelling.user_name(row)] = template_function(row, row.torch, names)
                exec(compile(self.text, "<symnum torch>", "exec"), scope)
                self._module = scope[class_name(NAME)]()
            return self._module

    def trained(self) -> list[Any] | None:
        """Return the terms with the constants as they are now, or None where they are as they were."""
        if self._module is None:
            return None
        values = [float(getattr(self._module, name).detach()) for name in self.parameters.names]
        return None if tuple(values) == self.parameters.values else self.parameters.with_values(values)

    def rows(self, inputs: Sequence[Any], count: int, out: Any) -> None:
        """Fill ``out`` (outputs, count) without a record for gradients, where the module is."""
        module = self.torch_module
        torch = import_torch()
        place = next((p.device for p in (*module.parameters(), *module.buffers())), None)
        given = [torch.from_numpy(numpy.array(a)).to(place) for a in inputs]
        with torch.no_grad():
            result = module(*given).to("cpu", torch.float64).numpy()
        if len(out):
            out[...] = result.reshape(len(out), -1)

    def scalar(self, *values: float) -> Any:
        """Return the value, or an array of the values, at one point."""
        out = numpy.empty((len(self.program.outputs), 1), bool if self.program.boolean else float)
        self.rows([numpy.array([v]) for v in values], 1, out)
        return out.item() if len(out) == 1 else out[:, 0]


def import_torch() -> Any:
    """Return the module torch; raises ImportError with the extra's name where it is missing."""
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        raise ImportError(
            "target='torch' computes with PyTorch, which is not installed; run: pip install 'symnum[torch]' "
            "(f.source and f.write('model.py') work without it)"
        ) from None


def build(program: Program, options: Options) -> Code:
    """Return the program as a torch module; raises Unsupported when an operator has no torch spelling."""
    if options.fastmath:
        raise ValueError(
            "fastmath is a choice of target='numba'; torch's functions are as they are: leave fastmath out"
        )
    for row in program.operators():
        if not row.torch:
            raise Unsupported(
                f"operator {row.name!r} has no torch spelling; give one with symnum.register_operator({row.name!r}, ..., "
                f"torch='torch.nn.functional.softplus({{0}})'), or a Python function of tensors"
            )
    return TorchCode(program, options)


# --- source -----------------------------------------------------------------------------------------------------------------


def class_name(name: str) -> str:
    """Return the name of the class for a name of a file; raises ValueError for one that is no name in Python.

    >>> class_name("my_model")
    'MyModel'
    """
    if not name.isidentifier() or keyword.iskeyword(name) or not name.strip("_"):
        raise ValueError(f"the class cannot be called {name!r}; give another name, such as 'model'")
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def write(program: Program, name: str, parameters: Parameters, shape: tuple[int, ...]) -> str:
    """Return the source of the class.  Names are used again when their value is dead, which frees its memory without gradients."""
    rows = program.operators()
    spelled = _Spelling(program, parameters)
    templates = {
        row.name: Spelling.call_of_user_function(row) if _brings_function(row) else row.torch for row in rows
    }
    register = spelled.register
    body = [
        f"        t{register[i]} = "
        + without_outer_brackets(templates[op].format(*(spelled(o, templates[op]) for o in operands)))
        for i, (op, operands) in enumerate(program.steps)
    ]
    body.append(f"        return {_result(program, spelled, shape)}")
    helpers = dict.fromkeys(
        found for row in rows for found in re.findall(r"(?<![\w.])_\w+", row.torch) if found in HELPERS
    )
    members = [
        *(
            f"        self.{constant} = torch.nn.Parameter(torch.tensor({literal(value, 'torch')}, dtype=torch.float64))"
            for constant, value in zip(parameters.names, parameters.values, strict=True)
        ),
        *(
            f'        self.register_buffer("k{i}", torch.tensor({_tensor(program.constants[i])}), persistent=False)'
            for i in sorted(spelled.buffers)
        ),
    ]
    start = ["    def __init__(self):", "        super().__init__()", *members, ""] if members else []
    outputs, count = len(program.outputs), spelled.users
    arguments = "".join(f", a{i}" for i in range(count))
    lines = [
        f'"""Generated by symnum {symnum.__version__}: {len(program.steps)} operations, {outputs} value{"s"[: outputs != 1]}."""',
        "",
        "import torch",
        "",
        "",
        *(line for helper in helpers for line in (*HELPERS[helper].splitlines(), "", "")),
        f"class {name}(torch.nn.Module):",
        *start,
        f"    def forward(self{arguments}):",
        f"        {argument_comment(program, count)}",
        *body,
    ]
    return "\n".join(lines) + "\n"


class _Spelling:
    """Spell operands: ``a0`` for an argument, ``self.c0`` for a parameter, ``t0`` for a result, and constants.

    Constants are literals in arithmetic, and buffers of the module where torch's functions want tensors.
    """

    def __init__(self, program: Program, parameters: Parameters) -> None:
        self.program = program
        self.count = len(program.arguments)
        self.names = parameters.names
        self.users = self.count - len(self.names)
        self.register, _ = allocate(self.count, [o for _, o in program.steps], program.outputs)
        self.buffers: set[int] = set()

    def __call__(self, operand: Operand, template: str = "") -> str:
        if operand >= self.count:
            return f"t{self.register[operand - self.count]}"
        if operand >= self.users:
            return f"self.{self.names[operand - self.users]}"
        if operand >= 0:
            return f"a{operand}"
        if _ARITHMETIC.fullmatch(template):
            return literal(self.program.constants[-1 - operand], "torch")
        self.buffers.add(-1 - operand)
        return f"self.k{-1 - operand}"


_ARITHMETIC = re.compile(r"[(){}\d\s.+*/-]+")


def _tensor(value: float | bool) -> str:
    """Return the arguments of torch.tensor for a constant."""
    return literal(value, "torch") + ("" if type(value) is bool else ", dtype=torch.float64")


def _result(program: Program, spelled: _Spelling, shape: tuple[int, ...]) -> str:
    """Return the expression of the result: values of one shape, to which arguments that nothing uses belong too."""
    used = {o for _, operands in program.steps for o in operands} | set(program.outputs)
    values = [spelled(o) for o in program.outputs]
    unused = [f"a{i}" for i in range(spelled.users) if i not in used]
    together = f"torch.broadcast_tensors({', '.join(values + unused)})"
    if not shape:
        return f"{together}[0]" if unused else values[0]
    if not values:
        return f"torch.zeros({tuple(shape)}{', dtype=torch.float64'})"
    stacked = f"torch.stack({together}{f'[:{len(values)}]' if unused else ''})"
    return stacked if len(shape) == 1 else f"{stacked}.unflatten(0, {shape})"


def _brings_function(row: Operator) -> bool:
    """Tell whether the spelling calls a Python function that the row brings."""
    return any(re.search(rf"(?<![\w.]){re.escape(name)}\b", row.torch) for name in row.namespace)
