"""Random stencil programs: their loops compute what NumPy computes, on one thread and in parts."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from stencil_programs import STEPS, stencil_program

from symnum.pde import trace
from symnum.pde.loops import LoopKernel


@pytest.mark.parametrize("seed", [1, 2, 4, 6, 8, 11, 13, 17, 21, 25, 31, 37])
def test_loops_agree_with_numpy(seed: int) -> None:
    from symnum.pde.loops.driver import evaluate_parallel

    program = stencil_program(seed, steps=4)
    u = program.state(np.random.default_rng(seed))
    system = trace(program, u, check=False)
    kernel = LoopKernel(system.graph, system.output)
    wanted = program(0.3, u)
    out = np.full(u.shape, 7.0)
    kernel.call(0.3, u, out)
    scale = np.abs(wanted).max()
    assert np.abs(out - wanted).max() <= 1e-13 * scale, program.text
    parts = np.full(u.size, 5.0)
    evaluate_parallel(kernel.bind().table, 0.3, u.ravel(), parts, 3)
    assert np.abs(parts.reshape(u.shape) - out).max() <= 1e-13 * scale, program.text


@pytest.mark.parametrize("kind", sorted(STEPS))
def test_each_kind_of_step(kind: str) -> None:
    generator = np.random.default_rng(len(kind))
    for grid in ((13,), (9, 12)):
        step = STEPS[kind](generator, grid, 1)

        def f(t: float, u: Any, step: Any = step) -> Any:
            return step(t, [u])

        u = generator.uniform(0.1, 1.0, grid)
        wanted = f(0.3, u)
        found = trace(f, u, check=False).compile("loops").rhs(0.3, u)
        assert np.abs(found - wanted).max() <= 1e-13 * np.abs(wanted).max(), kind


MODELS: dict[str, tuple[dict[str, Any], ...]] = {
    "reaction_diffusion": ({"n": 33},),
    "heat": tuple(
        {"n": 12, "dimensions": d, "boundary": b}
        for d in (1, 2, 3)
        for b in ("dirichlet", "neumann", "periodic", "robin")
    ),
    "advection": tuple({"n": 50, "scheme": scheme} for scheme in ("upwind", "lax_wendroff", "van_leer")),
    "burgers": ({"n": 50, "boundary": "periodic"}, {"n": 50, "boundary": "front"}),
    "wave": ({"n": 17},),
    "cahn_hilliard": ({"n": 19},),
    "fitzhugh_nagumo": ({"n": 19},),
    "gray_scott": ({"n": 19},),
}
"""Model -> arguments of its ``make``."""


@pytest.mark.parametrize("name", MODELS)
def test_the_models(name: str) -> None:
    module = importlib.import_module(f"symnum.pde.models.{name}")
    generator = np.random.default_rng(5)
    for arguments in MODELS[name]:
        f, u0 = module.make(**arguments)
        compiled = trace(f, u0).compile("loops")
        for _ in range(3):
            u = generator.uniform(0.1, 1.0, u0.shape)
            wanted = f(0.2, u)
            found = compiled.rhs(0.2, u)
            assert np.abs(found - wanted).max() <= 1e-13 * np.abs(wanted).max(), (name, arguments)


def test_float32_programs() -> None:
    for seed in (1, 6, 11):
        program = stencil_program(seed, steps=3)
        u = program.state(np.random.default_rng(seed)).astype(np.float32)
        system = trace(program, u, check=False)
        wanted = program(0.3, u.astype(np.float64))
        found = system.compile("loops").rhs(0.3, u)
        assert found.dtype == np.float32
        assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max(), program.text


def test_programs_are_those_of_their_seeds() -> None:
    assert stencil_program(3).text == stencil_program(3).text != stencil_program(4).text
