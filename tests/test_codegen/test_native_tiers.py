"""Native code: tiers, the background, `auto`, and threads and processes while code is made."""

import ctypes
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from native_programs import big_function, same_bits

import symnum as sn
from symnum.codegen import auto, machine, native, native_tiers
from symnum.codegen.function import compile as compile_terms
from symnum.codegen.native import NativeOptions

x, y, z = sn.symbols("x y z")
SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -7.0, 5e-324, -5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e10,
    1e300, -1e300, 1.7976931348623157e308, -1.7976931348623157e308, np.inf, -np.inf, np.nan,
]  # fmt: skip


def test_the_optimised_tier_comes_after_enough_calls():
    f = big_function(calls=3, keep=False)
    given, out, first = np.ones(7), np.empty(9), np.empty(9)
    address = f.address
    for _ in range(2):
        f.fill(given, None, first)
    assert f.tier == "first" and "an optimised tier follows after 3 calls" in f.why and not f.plain.pending
    f.fill(given, None, out)
    f.plain.wait()
    assert f.tier == "optimised" and f.address != address and "optimised tier" in f.why
    f.fill(given, None, out)
    assert same_bits(out, first)
    work = np.empty(f.work)  # code that was replaced stays callable
    replaced = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(address)
    replaced(given.ctypes.data, 0, out.ctypes.data, work.ctypes.data)
    assert same_bits(out, first)


def test_scalar_calls_of_compiled_functions_count(monkeypatch):
    monkeypatch.setattr(
        native, "NativeOptions", lambda **options: NativeOptions(calls=2, keep=False, **options)
    )
    total = x
    for _ in range(300):
        total = sn.sin(total) * y
    f = compile_terms(total, [x, y], "native")
    assert f.tier == "first"
    wanted = [f(1.0, 1.1) for _ in range(2)]
    code: Any = f._code
    code.function.plain.wait()
    assert f.tier == "optimised" and f(1.0, 1.1) == wanted[0] == wanted[1]
    assert "optimised tier" in f.why and f.why.startswith("asked for; ")


def test_tiers_are_switchable():
    first = big_function(tier="first", keep=False, calls=1)
    first.fill(np.ones(7), None, np.empty(9))
    assert not first.plain.pending and first.tier == "first" and "follows" not in first.why
    assert big_function(tier="optimised", keep=False).tier == "optimised"
    assert (
        compile_terms(x + y, [x, y], "native").tier == "optimised"
    )  # small: there is nothing to gain from two tiers
    assert compile_terms(x + y, [x, y], "native", tier="first").tier == "first"


def test_vectors_come_after_enough_rows():
    f = big_function(rows=100, keep=False)
    columns = list(np.random.default_rng(1).normal(size=(7, 60)))
    out, again = np.empty((9, 60)), np.empty((9, 60))
    f.fill_rows(columns, 60, out)
    assert f.wide.running is None and not f.wide.pending
    f.fill_rows(columns, 60, out)
    f.wide.wait()
    assert f.wide.running is not None and f"{machine.best_lanes()} rows at a time" in f.why
    f.fill_rows(columns, 60, again)
    assert same_bits(out, again)
    at_once = big_function(rows=50, keep=False)
    at_once.fill_rows(
        columns, 60, again
    )  # so many rows in one call pay for the compilation that they wait for
    assert at_once.wide.running is not None and same_bits(out, again)


def test_a_failure_in_the_background_is_said_and_harmless(monkeypatch, caplog):
    f = big_function(calls=1, keep=False)

    def fail(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(native_tiers, "build_native", fail)
    out = np.empty(9)
    f.fill(np.ones(7), None, out)
    f.plain.wait()
    f.fill(np.ones(7), None, out)
    assert f.tier == "first" and "no optimised tier: MemoryError: no room" in f.why
    assert any("could not be made" in record.message for record in caplog.records)


def test_what_nobody_waits_for_is_not_finished(monkeypatch):
    begun, go = threading.Event(), threading.Event()
    texts = []
    f = big_function(calls=1, keep=False)
    assemble = machine.assemble

    def slow(text, level):
        texts.append(level)
        begun.set()
        assert go.wait(20)
        return assemble(text, level)

    monkeypatch.setattr(machine, "assemble", slow)
    f.fill(np.ones(7), None, np.empty(9))
    assert begun.wait(20)
    thread = f.plain._thread
    assert "the optimised tier is being made" in f.why
    del f
    go.set()
    thread.join()
    assert len(texts) == 1  # the second module was not begun


def polynomial(length, function=lambda a: a * a):
    """Return a term of many operations."""
    total = x
    for i in range(length):
        total = function(total) * 0.5 - y * i
    return total


def test_auto_lets_native_code_take_over_without_a_change_of_values(monkeypatch):
    monkeypatch.setattr(auto, "CALLS", 3)
    f = compile_terms([polynomial(200), x < y], [x, y], "auto")
    assert f.target == "tape" and "single points by native code after 3 calls" in f.why
    wanted = [f(0.3, 0.001 * k) for k in range(3)]
    code: Any = f._code
    code.native.function.plain.wait()
    assert "single points by native code: " in f.why and "first tier" in f.why
    monkeypatch.setattr(code.tape, "kernel", None)
    got = [f(0.3, 0.001 * k) for k in range(3)]
    assert same_bits(got, wanted) and got[0].dtype == wanted[0].dtype
    truths = compile_terms([polynomial(200) < x, x < y], [x, y], "auto")
    tape = [truths(1.0, 2.0).tolist() for _ in range(3)]
    code = truths._code
    code.native.function.plain.wait()
    assert truths(1.0, 2.0).tolist() == tape[0] and truths(1.0, 2.0).dtype == bool


def test_auto_stays_with_the_tape_for_small_programs_and_for_inexact_functions(monkeypatch):
    monkeypatch.setattr(auto, "CALLS", 1)
    for term in (x * y, polynomial(200, sn.sin), sn.min(polynomial(200), y)):
        f = compile_terms(term, [x, y], "auto")
        assert f.target == "tape" and "native code" not in f.why
    assert "native code" in compile_terms(polynomial(200, sn.sqrt), [x, y], "auto").why


def test_auto_says_when_no_native_code_could_be_made(monkeypatch):
    monkeypatch.setattr(auto, "CALLS", 1)

    def fail(*_):
        raise OSError("no memory to execute")

    monkeypatch.setattr(native_tiers, "build_native", fail)
    f = compile_terms(polynomial(200), [x, y], "auto")
    first = f(0.5, 0.1)
    code: Any = f._code
    code.native.function.plain.wait()
    assert f(0.5, 0.1) == first and "no native code: OSError: no memory to execute" in f.why


def run_in_process(script):
    return subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=120)


BEGIN = """
import os, sys
import numpy as np
from symnum.codegen.straight import StraightCode
from symnum.codegen.native import NativeOptions, compile_code
n = {steps}
operands = np.stack([np.arange(n), np.maximum(np.arange(n) - 50, 0), np.zeros(n, int)], axis=1)
code = StraightCode(1, 1, [], ("+", "*"), np.arange(n) % 2, operands, [n])
f = compile_code(code, NativeOptions(calls=1, keep=False))
x, out = np.full(1, 0.5), np.empty(1)
f.fill(x, None, out)
"""


def test_the_interpreter_exits_while_code_is_made():
    done = run_in_process(BEGIN.format(steps=30_000) + "\nprint(f.plain.pending, 'numba' in sys.modules)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "True False\n", "")


@pytest.mark.skipif(not hasattr(sys, "getdlopenflags"), reason="fork is POSIX")
def test_a_child_may_compile_although_its_parent_was_compiling():
    done = run_in_process(
        BEGIN.format(steps=4000)
        + """
import warnings
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    g = compile_code(code, NativeOptions(tier="first", keep=False))
    g.fill(x, None, out)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "7\n", "")


def test_tiers_change_while_threads_call():
    f = big_function(calls=200, rows=300, keep=False)
    points = np.random.default_rng(4).normal(size=(7, 40))
    wanted = np.empty((9, 40))
    big_function(tier="first", keep=False).fill_rows(list(points), 40, wanted)
    wrong: list[Any] = []

    def work():
        out, rows = np.empty(9), np.empty((9, 40))
        while f.tier == "first" or f.wide.running is None:
            for k in range(40):
                f.fill(points[:, k].copy(), None, out)
                if not same_bits(out, wanted[:, k]):
                    wrong.append(k)
            f.fill_rows(list(points), 40, rows)
            if not same_bits(rows, wanted):
                wrong.append("rows")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong and f.tier == "optimised"
