"""Random straight programs, and the comparison of values bit by bit, for the tests of native code."""

import random

import numpy as np

from symnum.codegen.lower import Program
from symnum.codegen.native import NativeOptions, compile_code
from symnum.codegen.straight import StraightCode


def random_program(steps, inputs=7, seed=0, heads=("+", "-", "*", "/"), outputs=9):
    """Return a program whose steps read near and far values, so that some of them cross many chunks."""
    draw = random.Random(seed)
    constants = tuple(draw.uniform(-2, 2) for _ in range(5))
    made = []
    for k in range(steps):
        known = inputs + k
        near = draw.randrange(max(0, known - 12), known)
        other = draw.choice([draw.randrange(known), -1 - draw.randrange(5), draw.randrange(inputs)])
        made.append((draw.choice(heads), (near, other)))
    results = tuple(draw.randrange(-5, inputs + steps) for _ in range(outputs - 1))
    return Program(
        tuple(f"x{i}" for i in range(inputs)), constants, tuple(made), (False,) * steps, (*results, inputs + steps - 1)
    )  # fmt: skip


def same_bits(got, wanted):
    """Tell whether arrays agree to the last bit; any nan equals any other."""
    got, wanted = np.asarray(got, float), np.asarray(wanted, float)
    nan = np.isnan(got) & np.isnan(wanted)
    return got.shape == wanted.shape and bool((nan | (got.view(np.int64) == wanted.view(np.int64))).all())


def big_function(**options):
    """Compile a program of several functions."""
    return compile_code(StraightCode.of_program(random_program(900, seed=2)), NativeOptions(**options))
