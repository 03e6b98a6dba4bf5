"""Native code: time to compile and to call, beside SymEngine's LLVM, CasADi's machine and the tape."""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import Row, in_own_process, least, limit_row, row
from peers_native import call_time

import symnum as sn
from symnum import term as interface
from symnum.codegen.lower import Program, lower
from symnum.codegen.native import NativeFunction, NativeOptions, compile_code
from symnum.codegen.straight import StraightCode
from symnum.codegen.tape import Tape
from symnum.codegen.target import Options

NETWORK = Path(__file__).resolve().parents[2] / "shared" / "data" / "networks" / "bcr.net"


def mass_action(species: int, reactions: int, seed: int = 0) -> Program:
    """Return the right-hand side of a random network: each reaction takes two species and makes one."""
    draw = random.Random(seed)
    states = [sn.symbols(f"s{i}") for i in range(species)]
    rates = [sn.symbols(f"k{i}") for i in range(20)]
    gains: list[list[Any]] = [[] for _ in states]
    for _ in range(reactions):
        a, b, c = (draw.randrange(species) for _ in range(3))
        flow = draw.choice(rates) * states[a] * states[b]
        gains[a].append(-flow)
        gains[b].append(-flow)
        gains[c].append(flow)
    return lower([sum(terms, 0 * states[0]) for terms in gains], [*states, *rates])


def bcr() -> Program:
    """Return the optimised right-hand side of the BCR network."""
    from symnum.pde import ReactionNetwork

    network = ReactionNetwork.read(NETWORK)
    terms = sn.optimize(network.rhs)
    names = {interface.name(s) for s in network.states}
    rates = [s for s in interface.free_symbols(*terms) if interface.name(s) not in names]
    return lower(terms, [*network.states, *sorted(rates, key=interface.name)])


def program_rows(name: str, program: Program, limits: tuple[float, float, float] | None = None) -> list[Row]:
    """Compare compile and call times of one program; ``limits`` are seconds: to compile, of a call, and of an optimised call."""
    label = f"{name}, {len(program.steps):,} operations"
    code = StraightCode.of_program(program)
    first, optimised = (NativeOptions(tier=t, keep=False) for t in ("first", "optimised"))
    ours = least(lambda: compile_code(code, first), rounds=5, seconds=10.0)
    point, out = np.random.default_rng(0).random(len(program.arguments)), np.empty(len(program.outputs))
    f, g = compile_code(code, first), compile_code(code, optimised)
    call, optimised_call = (call_time(lambda h=h: h.fill(point, None, out)) for h in (f, g))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "program.json"
        file.write_text(
            json.dumps(dict(constants=program.constants, steps=program.steps, outputs=program.outputs))
        )
        for peer, title in (("symengine", "SymEngine LLVM"), ("casadi", "CasADi, not compiled")):
            theirs = in_own_process("peers_native", peer, str(file), len(program.arguments))
            if theirs == "not installed":
                continue
            times = theirs or [None, None]
            if theirs:
                f.fill(point, None, out)
                assert np.allclose(theirs[2], out[:3], rtol=1e-9), (name, peer)
            found.append(row(f"compile {label}", title, ours, times[0]))
            found.append(row(f"call {label}, first tier", title, call, times[1]))
    tape = Tape(program, Options())
    found.append(row(f"call {label}, first tier", "tape", call, call_time(lambda: tape.scalar(*point))))
    found.append(row(f"call {label}, optimised tier", "first tier", optimised_call, call))
    if limits is not None:
        found.append(limit_row(f"compile {label}", ours, limits[0], f"<= {limits[0]:g} s"))
        found.append(limit_row(f"call {label}, first tier", call, limits[1], f"<= {limits[1] * 1e6:g} us"))
        found.append(
            limit_row(
                f"call {label}, optimised tier", optimised_call, limits[2], f"<= {limits[2] * 1e6:g} us"
            )
        )
    return found


def many_rows(program: Program) -> list[Row]:
    """Compare many points at once with the tape."""
    count = 4096
    columns = list(np.random.default_rng(1).random((len(program.arguments), count)))
    out = np.empty((len(program.outputs), count))
    f = compile_code(StraightCode.of_program(program), NativeOptions(rows=1, keep=False))
    tape = Tape(program, Options())
    ours = least(lambda: f.fill_rows(columns, count, out), rounds=10)
    wanted = out.copy()
    theirs = least(lambda: tape.rows(columns, count, out), rounds=10)
    assert (out == wanted).all()
    return [row(f"{count:,} points of {len(program.steps):,} operations", "tape", ours, theirs)]


def small_rows() -> list[Row]:
    """Measure what a call costs beside its operations."""
    code = StraightCode(2, 1, [], ("+",), [0], [(0, 1, 0)], [2])
    f: NativeFunction = compile_code(code, NativeOptions(keep=False))
    given, rate, out = np.ones(1), np.ones(1), np.empty(1)
    found = [
        limit_row(
            "call 1 operation, fill(x, p, out)",
            call_time(lambda: f.fill(given, rate, out)),
            1.5e-6,
            "about 1 us",
        )
    ]
    symbols = [sn.symbols(f"x{i}") for i in range(100)]
    terms = [a + b for a in symbols for b in symbols[:10]]
    values = [float(i) for i in range(100)]
    native, tape = (sn.compile(terms, symbols, target=t) for t in ("native", "tape"))
    ours, theirs = call_time(lambda: native(*values)), call_time(lambda: tape(*values))
    found.append(row("call 100 numbers to 1,000 values", "tape", ours, theirs))
    return found


def growth_rows() -> list[Row]:
    """Compile programs of 10^3 to 10^6 steps: seconds grow with the steps."""
    found = []
    per_step = 0.0
    for steps in (1_000, 10_000, 100_000, 1_000_000):
        code = _random_code(steps)
        begin = time.perf_counter()
        compile_code(code, NativeOptions(tier="first", keep=False))
        spent = time.perf_counter() - begin
        if steps == 10_000:
            per_step = spent / steps
        most = 2 * per_step * steps
        if per_step and steps > 10_000:
            found.append(limit_row(f"compile {steps:,} random steps", spent, most, "linear within 2x"))
    return found


def _random_code(steps: int, arguments: int = 1000) -> StraightCode:
    draw = np.random.default_rng(0)
    known = arguments + np.arange(steps)
    near = np.maximum(known - 1 - draw.integers(0, 30, steps), 0)
    far = np.where(
        draw.random(steps) < 0.1, (draw.random(steps) * known).astype(int), draw.integers(0, arguments, steps)
    )
    operands = np.stack([near, far, np.zeros(steps, int)], axis=1)
    last = np.arange(arguments + steps - 500, arguments + steps)
    return StraightCode(arguments, arguments, [], ("+", "-", "*"), draw.integers(0, 3, steps), operands, last)


def rows() -> list[Row]:
    """Return all rows of this benchmark."""
    found = small_rows()
    for species, reactions in ((50, 250), (300, 2_500), (1_000, 20_000)):
        found += program_rows("random mass action", mass_action(species, reactions))
    found += many_rows(mass_action(300, 2_500))
    found += growth_rows()
    if NETWORK.exists():
        found += program_rows("bcr, optimised", bcr(), (0.4, 12e-6, 8e-6))
    return found
