"""The benchmarks' judge of recovery: what it accepts as the law, what it does not, and that a hanging simplifier is cut."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))
recovery = importlib.import_module("recovery")
formulas = importlib.import_module("formulas")
worker = importlib.import_module("worker")
problems = importlib.import_module("regression_problems")


@pytest.fixture(scope="module")
def judge() -> Iterator[Any]:
    with worker.Worker("recovery") as found:
        yield found


def verdict(judge: Any, model: str, law: str, seconds: float = 20.0, **ranges: tuple[float, float]) -> Any:
    rng = np.random.default_rng(3)
    data = {name: rng.uniform(low, high, 200).tolist() for name, (low, high) in ranges.items()}
    columns = {name: np.array(values) for name, values in data.items()}
    expected = formulas.on_arrays(law, columns)
    ours = {f"x{k}": values for k, values in enumerate(columns.values())}
    return recovery.judge(judge, model, law, data, expected, formulas.on_arrays(model, ours), seconds=seconds)


EQUAL = [
    ("sin(x0)*cos(x0)", "sin(2*x)/2", dict(x=(-1, 1))),
    ("log((x0 + 1)*(x0**2 + 1))", "log(x+1)+log(x**2+1)", dict(x=(0, 2))),
    ("1/2*exp(x0) - exp(-x0)/2", "sinh(x)", dict(x=(-1, 1))),
    ("x0*(x0*(x0 + 1) + 1)", "x**3+x**2+x", dict(x=(-1, 1))),
    ("x0*x1/sqrt(x2**2 - x1**2)*x2", "m*v/sqrt(1-v**2/c**2)", dict(m=(1, 5), v=(1, 2), c=(3, 10))),
    ("exp(x1*log(x0))", "a^b", dict(a=(0.1, 2), b=(0, 1))),
    # constants are rounded to three decimals, in the law too
    ("3.39004*x0**3 + 2.1196*x0**2 + 1.78*x0", "3.39*x**3+2.12*x**2+1.78*x", dict(x=(-1, 1))),
    ("0.15915*x0/(exp(0.159151*x0/x1) - 1)", "h/(2*pi)/(exp(h/(2*pi)/T)-1)", dict(h=(1, 5), T=(1, 5))),
    # a constant added or multiplied is forgiven by SRBench's rule
    ("sin(x0) + 0.1", "sin(x)", dict(x=(-1, 1))),
    ("0.0796*x0/x1", "q/(4*pi*e)", dict(q=(1, 5), e=(1, 5))),
]


@pytest.mark.parametrize(("model", "law", "ranges"), EQUAL)
def test_forms_that_are_equal_are_the_law(judge: Any, model: str, law: str, ranges: dict[str, Any]) -> None:
    found = verdict(judge, model, law, **ranges)
    assert found.symbolic, found.how
    assert found.expanded and found.identical
    assert found.r2 > 0.9


DIFFERENT = [
    ("x0**2.01", "x**2", dict(x=(0, 2))),
    ("3.38*x0**3 + 2.12*x0**2 + 1.78*x0", "3.39*x**3+2.12*x**2+1.78*x", dict(x=(-1, 1))),
    ("x0 - x0**3/6 + x0**5/120", "sin(x)", dict(x=(-1, 1))),
    ("sin(x0) + 0.001*x0", "sin(x)", dict(x=(-1, 1))),
    ("x0 + x1 + x2*0.002", "a+b", dict(a=(0, 1), b=(0, 1), c=(0, 1))),
]


@pytest.mark.parametrize(("model", "law", "ranges"), DIFFERENT)
def test_what_is_only_near_is_not_the_law(judge: Any, model: str, law: str, ranges: dict[str, Any]) -> None:
    found = verdict(judge, model, law, **ranges)
    assert not found.symbolic and not found.expanded and not found.identical
    assert found.how == "another formula"
    assert found.r2 > 0.99
    assert not found.numeric


def test_the_numeric_criterion_is_told_apart_from_the_symbolic(judge: Any) -> None:
    digits = verdict(judge, "3.39004*x0", "3.39*x+0.1", x=(1, 2))
    assert digits.symbolic and not digits.numeric
    lost = verdict(judge, "0.00012345*x0**2 + x0", "0.00012345*x**2+x", x=(-1, 1))
    assert lost.numeric


def test_a_model_that_only_fits_the_training_data_is_rejected_without_asking_sympy() -> None:
    data = {"x": np.linspace(-1, 1, 50).tolist()}
    y = np.sin(data["x"])
    found = recovery.judge(None, "sin(x0)", "sin(x)", data, y, -y)
    assert not found.symbolic and found.r2 < 0 and found.how.startswith("R2 is ")
    undefined = recovery.judge(None, "log(x0)", "sin(x)", data, y, np.full(50, np.nan))
    assert not undefined.symbolic and not undefined.numeric and undefined.error == np.inf
    assert recovery.record(undefined)["error"] == "inf"


def test_a_model_multiplied_out_before_rounding_is_told_apart(judge: Any) -> None:
    # 1.2346 * 0.8100 = 1.00003: as written the rounded constants give 1.235 * 0.81 = 1.00035
    model = "1.2346*(0.8100*x0 + 0.8100*x1**2) + sin(1.2346*0.81*x0)"
    found = verdict(judge, model, "x+y**2+sin(x)", x=(-1, 1), y=(-1, 1))
    assert found.expanded


def test_a_simplifier_that_hangs_is_cut_and_the_next_question_answered(judge: Any) -> None:
    begin = time.perf_counter()
    tower = "x0 + 0*(1.0000001**(12345678901))"
    found = recovery.judge(
        judge, tower, "x", {"x": [1.0, 2.0, 3.0]}, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], seconds=1
    )
    assert not found.symbolic and found.numeric
    assert "longer than 0.5 s and was killed" in found.how
    assert time.perf_counter() - begin < 20
    assert verdict(judge, "x0 + x0", "2*x", x=(0, 1)).symbolic


def test_a_model_that_cannot_be_read_is_reported_not_run(judge: Any) -> None:
    found = recovery.judge(judge, "__import__('os').getcwd()", "x", {"x": [1.0, 2.0]}, [1.0, 2.0], [1.0, 2.0])
    assert not found.symbolic and "is no arithmetic" in found.how
    for text, message in (
        ("x0 +", "is no formula"),
        ("x0 if x0 else 1", "is no arithmetic"),
        ("nothing(x0)", "'nothing' in"),
        ("x0 + y", "'y' in"),
    ):
        with pytest.raises((ValueError, LookupError), match=message):
            formulas.on_symbols(text, {"x0": 1})


def test_a_worker_says_what_was_raised_and_that_its_process_died() -> None:
    with worker.Worker("formulas") as child:
        assert child.call("on_arrays", "2*x", {"x": 3}, seconds=30) == 6
        with pytest.raises(RuntimeError, match=r"formulas\.on_arrays raised LookupError: 'y' in"):
            child.call("on_arrays", "2*y", {"x": 3}, seconds=30)
        assert child.call("on_arrays", "x^2", {"x": 3}, seconds=30) == 9
    with worker.Worker("os") as child, pytest.raises(RuntimeError, match="ended with status 3"):
        child.call("_exit", 3, seconds=30)


def test_every_problem_is_defined_on_its_data() -> None:
    for name in problems.FAMILIES:
        try:
            family = problems.family(name)
        except FileNotFoundError:
            continue
        assert len({each.name for each in family}) == len(family) > 0
        for each in family if name != "strogatz" else family[:2]:
            X, y, _, y_test = each.data(1)
            assert X.shape == (len(y), len(each.variables)) and len(y) >= 10, each.name
            assert len(y_test) > 100 or each.name.startswith("Neat"), each.name
            assert np.all(np.isfinite(y)) and np.all(np.isfinite(y_test)) and np.ptp(y_test) > 0, each.name


def test_the_seed_decides_the_data() -> None:
    for family, name in (("nguyen", "Nguyen-9"), ("strogatz", "glider-2"), ("held-out", "Morse")):
        law = problems.problem(family, name)
        first, again, other = law.data(1), law.data(1), law.data(2)
        for place in range(4):
            np.testing.assert_array_equal(again[place], first[place])
            assert not np.array_equal(other[place], first[place])
    grid = problems.problem("rational", "R-1*")
    X = grid.data(1)[0]
    np.testing.assert_allclose(X[:, 0], np.linspace(-10, 10, 20))


def test_the_held_out_laws_stand_in_no_other_list() -> None:
    ours = problems.family("held-out")
    assert len(ours) >= 20
    others = {
        each.law
        for name in problems.FAMILIES
        if name not in ("held-out", "feynman", "further")
        for each in problems.family(name)
    }
    assert not others & {each.law for each in ours}


def test_noise_is_on_the_training_target_only_and_of_the_stated_size() -> None:
    law = problems.problem("held-out", "metabolic rate", rows=20_000)
    clean, noisy = law.data(0), law.data(0, 0.1)
    for place in (0, 2, 3):
        np.testing.assert_array_equal(noisy[place], clean[place])
    size = np.std(noisy[1] - clean[1]) / np.sqrt(np.mean(clean[1] ** 2))
    assert size == pytest.approx(0.1, rel=0.03)
    with pytest.raises(LookupError, match="has no problem 'metabolic'"):
        problems.problem("held-out", "metabolic")
    with pytest.raises(LookupError, match="there is no family 'none'"):
        problems.family("none")
