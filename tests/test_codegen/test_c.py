"""The C target: the file, its names, its values beside the tape's, and the libraries in the cache folder."""

import dataclasses
import hashlib
import itertools
import os
import pickle
import re
import subprocess
import threading
from typing import Any

import numpy as np
import pytest
from operator_values import (
    BINARY,
    COMPARISONS,
    FOLDED,
    LOOSER,
    SPECIAL,
    UNARY,
    assert_agrees,
    interpreter,
    needs_compiler,
)

import symnum as sn
from symnum.codegen import c_library, c_source
from symnum.codegen.c_helpers import HELPERS, needed
from symnum.codegen.lower import lower
from symnum.operators import OPERATORS

x, y = sn.symbols("x y")


def network(size, count=40, seed=0):
    """Return a large program: sums of products, quotients and comparisons of shared parts, as reaction networks have them."""
    random = np.random.default_rng(seed)
    symbols = sn.symbols(" ".join(f"x{i}" for i in range(count)))
    addends = [[s] for s in symbols]
    for k in range(size):
        a, b, c = (int(i) for i in random.integers(0, count, 3))
        rate = sn.number(float(random.random())) * symbols[a] * symbols[b] / (2 + symbols[c])
        addends[a].append(sn.ifelse(rate < symbols[c], rate, -rate) if k % 9 == 0 else -rate)
        addends[b].append(rate)
    return symbols, [sn.term.make(symbols[0], "+", parts) for parts in addends]


def built(folder, *lines):
    return subprocess.run(
        [*c_library.compiler(), "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2", *lines],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


# --- the file ---------------------------------------------------------------------------------------------------------------


def test_source_is_readable():
    f = sn.compile([sn.sin(x) ** 2 + y, x < y], [x, y], target="c")
    body = f.source.partition("#include <math.h>\n\n")[2]
    assert body == (
        "void formula(const double *x, double *out)\n{\n"
        "    const double t0 = sin(x[0]);\n"
        "    const double t1 = t0 * t0;\n"
        "    const double t2 = x[1] + t1;\n"
        "    const int t3 = x[0] < x[1];\n"
        "    out[0] = t2;\n"
        "    out[1] = t3;\n"
        "}\n"
    )
    assert " * x[0]  x\n * x[1]  y\n" in f.source
    assert "4 operations, 2 values." in f.source
    assert "void formula(const double *x, double *out);" in f.header


@needs_compiler
def test_a_written_file_compiles_links_and_runs(tmp_path):
    f = sn.compile([sn.mod(x, y) + sn.digamma(x), x / y], [x, y], target="c")
    assert f.write(tmp_path / "model.c") == [tmp_path / "model.c", tmp_path / "model.h"]
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "model.h"\nint main(void)\n{\n    const double x[2] = {7.5, 2.0};\n    double out[2];\n'
        '    model(x, out);\n    printf("%.17g %.17g\\n", out[0], out[1]);\n    return 0;\n}\n'
    )
    done = built(tmp_path, "model.c", "main.c", "-o", "main", "-lm")
    assert done.returncode == 0, done.stderr
    shown = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    assert [float(v) for v in shown.split()] == f(7.5, 2.0).tolist()


@needs_compiler
@pytest.mark.parametrize("size", [0, 3, 200])
def test_files_have_no_warnings(tmp_path, size):
    symbols, terms = network(size)
    sn.compile([*terms, 1, True, symbols[0]], symbols, target="c").write(tmp_path / "model.c")
    sn.compile([1, 2.5], symbols, target="c").write(tmp_path / "none.c")
    every = [sn.call(name, x) for name in UNARY] + [
        sn.call(name, x, y) for name in BINARY + FOLDED + COMPARISONS
    ]
    sn.compile(every, [x, y], target="c").write(tmp_path / "every.c")
    done = built(tmp_path, "-c", "model.c", "none.c", "every.c")
    assert (done.returncode, done.stderr) == (0, "")


@needs_compiler
def test_two_files_live_in_one_program(tmp_path):
    symbols, terms = network(120)
    sn.compile(terms, symbols, target="c").write(tmp_path / "model.c", name="first")
    sn.compile([*terms, sn.mod(symbols[0], 2)], symbols, target="c").write(
        tmp_path / "model2.c", name="second"
    )
    (tmp_path / "main.c").write_text(
        '#include "model.h"\n#include "model2.h"\nint main(void) { first_in(0, 0, 0); second(0, 0); }\n'
    )
    assert built(tmp_path, "model.c", "model2.c", "main.c", "-o", "main", "-lm").returncode == 0


def test_write_refuses(tmp_path):
    f = sn.compile(x + y, [x, y], target="c")
    for name in ("double", "exp", "int", "out", "expf", "2x", "a-b", "symnum_f", "w", "é"):
        with pytest.raises(ValueError, match="give another name, such as 'model'"):
            f.write(tmp_path / "model.c", name=name)
    with pytest.raises(ValueError, match="cannot be called 'exp', which is taken in C"):
        f.write(tmp_path / "exp.c")
    with pytest.raises(ValueError, match=r"'.*model\.py' does not end in '\.c'"):
        f.write(tmp_path / "model.py")
    tape = sn.compile(x, [x], target="tape")
    with pytest.raises(
        ValueError, match="the target 'tape' runs inside symnum only; compile with target='c'"
    ):
        tape.write(tmp_path / "model.c")
    with pytest.raises(AttributeError, match="the target 'tape' has no file"):
        tape.header
    assert list(tmp_path.iterdir()) == []


# --- names ------------------------------------------------------------------------------------------------------------------


@needs_compiler
def test_names_of_users_cannot_collide(tmp_path):
    names = ["double", "x0", "exp_", "int", "out", "x", "t0", "w", "formula", "symnum_mod", "main", "naïve"]
    symbols = [sn.symbols(name) for name in names]
    f = sn.compile([sn.exp(s) + i + sn.mod(s, 3) for i, s in enumerate(symbols)], symbols, target="c")
    values = np.linspace(0.5, 2.0, len(names))
    assert np.allclose(f(*values), np.exp(values) + np.arange(len(names)) + np.mod(values, 3), rtol=1e-15)
    # names that a term of another library may have
    odd = ["exp", "*/ #error", "/*", "a\nb", "\\", "??/", '"', "/ * /", "*\r/"]
    program = lower([sn.exp(s) for s in symbols[: len(odd)]], symbols[: len(odd)])
    text = c_source.write(dataclasses.replace(program, arguments=tuple(odd)), "model")
    (tmp_path / "model.c").write_text(text, encoding="ascii")
    done = built(tmp_path, "-c", "model.c")
    assert (done.returncode, done.stderr) == (0, "")


def test_helpers_come_with_what_they_call_and_no_others():
    def defined(*spellings):
        return re.findall(r"^static double (\w+)", "\n".join(needed(spellings)), re.M)

    assert defined("fabs({0})", "sin({0})") == []
    assert defined("symnum_mod({0}, {1})") == ["symnum_mod"]
    found = defined("symnum_digamma({0})", "symnum_trigamma({0})")
    assert sorted(found) == sorted(set(found)) and len(found) == 5
    for name in found:
        called = re.findall(r"symnum_\w+", HELPERS[name])
        assert all(found.index(other) <= found.index(name) for other in called)
    spelled = " ".join(row.c for row in OPERATORS.values()) + " ".join(HELPERS.values())
    assert set(re.findall(r"symnum_\w+", spelled)) == set(HELPERS), "a helper is missing or never called"


# --- values -----------------------------------------------------------------------------------------------------------------


@needs_compiler
def test_corner_values():
    """The tests of all operators are in test_operator_values; here are numbers at the ends, and the signs of zeros."""
    ends = np.array(
        [5e-324, -5e-324, 1.7e308, -1.7e308, 4503599627370496.0, 4503599627370495.5, 1e16, *SPECIAL]
    )
    values = sn.compile([sn.call(name, x) for name in UNARY], [x], target="c")(ends)
    for name, got in zip(UNARY, values, strict=True):
        if name != "lgamma":  # Cephes gives inf for subnormal numbers
            assert_agrees(got, interpreter(sn.call(name, x), {x: ends}), LOOSER.get(name, 9e-16), name)
    a, b = np.array(list(itertools.product(ends, ends))).T
    names = ["+", "-", "*", "/", "mod"]
    for name, got in zip(
        names, sn.compile([sn.call(n, x, y) for n in names], [x, y], target="c")(a, b), strict=True
    ):
        wanted = np.asarray(interpreter(sn.call(name, x, y), {x: a, y: b}))
        assert np.array_equal(got, wanted, equal_nan=True), name
        assert np.array_equal(np.signbit(got[got == 0]), np.signbit(wanted[got == 0])), name


@needs_compiler
def test_conditions_and_branches():
    b = sn.symbols("b", sort="boolean")
    terms = [sn.all_of(x < y, b), sn.any_of(x < y, b), sn.negation(b), sn.ifelse(b, x < y, x > y)]
    f, tape = (sn.compile(terms, [x, y, b], target=t) for t in ("c", "tape"))
    for point in itertools.product((1.0, 2.0, np.nan), (1.5, -1.0), (True, False)):
        assert f(*point).dtype == bool and f(*point).tolist() == tape(*point).tolist()
    assert sn.compile(x < y, [x, y], target="c")(1.0, 2.0) is True
    assert sn.compile(sn.ifelse(x > 0, sn.log(x), 0), [x], target="c")([-1.0, 1.0]).tolist() == [0.0, 0.0]
    mixed = sn.compile([x < y, x, True, 2], [x, y], target="c")
    assert mixed(1, 2).tolist() == [1.0, 1.0, 1.0, 2.0] and mixed.source.count("const int") == 1


@needs_compiler
def test_arithmetic_is_that_of_the_tape_to_the_last_bit():
    symbols, terms = network(300)
    f, tape = (sn.compile(terms, symbols, target=t) for t in ("c", "tape"))
    assert f.operations > 2 * c_source.PART and "symnum_part2" in f.source
    data = np.random.default_rng(1).normal(size=(len(symbols), 30))
    data[:, -3:] = [[np.inf, 1e300, 0.0]]
    assert np.array_equal(f(*data), tape(*data), equal_nan=True)
    assert np.array_equal(f(*data[:, 0]), tape(*data[:, 0]))
    # x*x + y*z would differ in most rows, were it contracted
    z = sn.symbols("z")
    a, b, c = np.random.default_rng(2).normal(size=(3, 1000))
    assert np.array_equal(sn.compile(x * x + y * z, [x, y, z], target="c")(a, b, c), a * a + b * c)


@needs_compiler
def test_a_workspace_beyond_the_stack(monkeypatch):
    monkeypatch.setattr(c_source, "STACK", 3)
    symbols, terms = network(150)
    f, tape = (sn.compile(terms, symbols, target=t) for t in ("c", "tape"))
    assert "malloc" in f.source and "#include <stdlib.h>" in f.source
    point = np.linspace(0.1, 2, len(symbols))
    assert f(*point).tolist() == tape(*point).tolist()
    assert f(*point[:, None] * np.ones(3))[:, 1].tolist() == tape(*point).tolist()


@needs_compiler
def test_calls_like_those_of_other_targets():
    f = sn.compile([[x + y, x * y], [2, x]], [x, y], target="c")
    assert f(1, 2).tolist() == [[3, 2], [2, 1]] and f([1, 2], 3).shape == (2, 2, 2)
    strided = np.arange(20.0)[::-3]
    out = np.empty((2, 2, len(strided)))
    assert f(strided, 1.0, out=out) is out
    assert out[0, 0].tolist() == (strided + 1).tolist() and out[1, 0].tolist() == [2.0] * len(strided)
    assert sn.compile([], [x], target="c")(1.0).shape == (0,)
    assert sn.compile([sn.pi, x], [x], target="c")(np.empty(0)).shape == (2, 0)
    assert sn.compile(7, [], target="c")() == 7.0


@needs_compiler
def test_pickles_as_what_was_compiled():
    f = sn.compile(sn.sin(x) + 1, [x], target="c")
    f(0.5)
    text = pickle.dumps(f)
    assert b"ELF" not in text and b"math.h" not in text
    g = pickle.loads(text)
    assert (g.target, g.source, g(0.5)) == ("c", f.source, f(0.5))


@needs_compiler
def test_threads_call_one_function():
    f = sn.compile(sn.sin(x) + y, [x, y], target="c")
    a = np.linspace(0, 1, 20_000)
    results: list[Any] = [None] * 4

    def work(k):
        results[k] = f(a, float(k))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(r, np.sin(a) + k) for k, r in enumerate(results))


# --- operators of users -----------------------------------------------------------------------------------------------------


@needs_compiler
def test_operators_bring_their_c_code(register):
    code = "static double twice_and_one(double a)\n{\n    return 2.0 * a + 1.0;\n}"
    register("twice_c", 1, "2", numpy="(2.0 * {0} + 1.0)", c="twice_and_one({0})", c_code=code)
    register(
        "twice_mod_c",
        1,
        "2",
        numpy="numpy.mod(2.0 * {0} + 1.0, 3.0)",
        c="symnum_mod(twice_and_one({0}), 3.0)",
        c_code=code,
    )
    f = sn.compile([sn.call("twice_c", x), sn.call("twice_mod_c", x)], [x], target="c")
    assert f.source.count("static double twice_and_one(") == 1
    assert f(3.0).tolist() == [7.0, 1.0]


def test_operators_without_c_are_refused(register):
    register("no_c_op", 1, numpy="numpy.sinc({0})")
    with pytest.raises(
        ValueError,
        match=r"operator 'no_c_op' has no C spelling; give one with symnum\.register_operator\('no_c_op'",
    ):
        sn.compile(sn.call("no_c_op", x), [x], target="c")
    with pytest.raises(TypeError, match="the column 'c' of operator 'odd_c_op' is text"):
        register("odd_c_op", 1, numpy="numpy.sinc({0})", c=np.sinc)


@needs_compiler
def test_what_the_compiler_refuses_is_told(register):
    register("wrong_c_op", 1, numpy="numpy.sinc({0})", c="no_such_function({0})")
    f = sn.compile(sn.call("wrong_c_op", x), [x], target="c")
    with pytest.raises(
        ValueError, match="(?s)refuses the generated code; look at the c spellings.*no_such_function"
    ):
        f(1.0)


def test_fastmath_is_refused():
    with pytest.raises(ValueError, match="fastmath is a choice of target='numba'"):
        sn.compile(x, [x], target="c", fastmath=True)


# --- compilers and the cache folder -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "c"


def libraries(folder):
    return sorted(folder.rglob("*.so"))


def test_no_compiler(monkeypatch, folder, tmp_path):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    f = sn.compile(x + 1, [x], target="c")
    assert "x[0] + 1.0" in f.source and f.write(tmp_path / "model.c")
    for call in (lambda: f(1.0), lambda: f([1.0, 2.0])):
        with pytest.raises(
            OSError, match="compiles with cc, gcc, clang, but none is installed; install one or set CC"
        ):
            call()


def test_cc_names_a_compiler_that_is_not_there(monkeypatch, folder):
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(OSError, match="CC names the C compiler 'no-such-compiler', which is not there"):
        sn.compile(x + 1, [x], target="c")(1.0)


@needs_compiler
@pytest.mark.skipif(os.name == "nt", reason="the compiler is a shell script")
def test_cc_is_honoured(monkeypatch, folder, tmp_path):
    script = tmp_path / "my cc"
    script.write_text(
        f'#!/bin/sh\necho "$@" >> "{tmp_path}/log"\nexec {" ".join(c_library.compiler())} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("CC", f"'{script}' -DEXTRA=1")
    f = sn.compile(x + 1, [x], target="c")
    assert f(1.0) == 2.0 and str(script) in f.why
    assert (
        "-DEXTRA=1" in (tmp_path / "log").read_text()
        and "-ffp-contract=off" in (tmp_path / "log").read_text()
    )


@needs_compiler
def test_libraries_are_kept_and_found_again(folder):
    f = sn.compile(x + 12, [x], target="c")
    assert f.why == "asked for; the first call compiles it" and not folder.exists()
    assert f(1.0) == 13.0
    assert "compiled by" in f.why and "kept in" in f.why
    (library,) = libraries(folder)
    assert not [p for p in library.parent.iterdir() if p != library], "nothing else is left behind"
    again = sn.compile(x + 12, [x], target="c")
    assert again(1.0) == 13.0 and "loaded from" in again.why
    other = sn.compile(x + 13, [x], target="c")
    assert other(1.0) == 14.0 and len(libraries(folder)) == 2


@needs_compiler
@pytest.mark.parametrize("damage", [lambda b: b[:1000], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b""])
def test_a_damaged_library_is_never_loaded(folder, damage):
    sn.compile(x + 14, [x], target="c")(1.0)
    (library,) = libraries(folder)
    content = library.read_bytes()
    library.unlink()  # a new file: the loaded one stays as it is
    library.write_bytes(damage(content))
    (library.parent / ("0" * 64 + ".so")).write_bytes(content)  # sound, but not what its name says
    f = sn.compile(x + 14, [x], target="c")
    assert f(1.0) == 15.0 and "compiled by" in f.why
    (remade,) = libraries(folder)
    assert remade.stem == hashlib.sha256(remade.read_bytes()).hexdigest()


@needs_compiler
def test_a_folder_that_cannot_be_used(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path / "file" / "cache"))
    f = sn.compile(x + 15, [x], target="c")
    assert f(1.0) == 16.0 and "not kept on disk" in f.why


@needs_compiler
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_folder_that_others_may_write_to_is_not_used(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    f = sn.compile(x + 16, [x], target="c")
    assert f(1.0) == 17.0 and "may be written by other users" in f.why and not libraries(folder)
