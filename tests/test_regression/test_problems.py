"""Problems by name and from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import symnum as sn
from symnum.regression import SymbolicRegressor, load_problem
from symnum.regression.problems import LISTS


@pytest.mark.parametrize("row", [row for rows in LISTS.values() for row in rows], ids=lambda row: row[0])
def test_each_listed_problem_has_the_data_of_its_law(row: tuple[str, str, object]) -> None:
    problem = load_problem(row[0])
    assert problem.X.shape == (len(problem.y), len(problem.feature_names)) and len(problem.y) >= 19
    assert problem.X_test is not None and problem.y_test is not None and len(problem.y_test) > 400
    for X, y in ((problem.X, problem.y), (problem.X_test, problem.y_test)):
        at = dict(zip(problem.feature_names, X[7].tolist(), strict=True))
        assert sn.evaluate(sn.parse(row[1]), at) == pytest.approx(y[7], rel=1e-12)


def test_rows_follow_the_random_state_and_noise_touches_the_training_targets_only() -> None:
    plain, again, other = (load_problem("nguyen-9", random_state=k) for k in (1, 1, 2))
    assert np.array_equal(plain.X, again.X) and not np.array_equal(plain.X, other.X)
    noisy = load_problem("Nguyen-9", random_state=1, noise=0.1)
    assert np.array_equal(noisy.X, plain.X) and noisy.y_test is not None
    assert np.array_equal(noisy.y_test, plain.y_test)
    size = np.sqrt(np.mean((noisy.y - plain.y) ** 2) / np.mean(plain.y**2))
    assert 0.05 < size < 0.2


def test_a_problem_is_fitted_at_once() -> None:
    X, y = load_problem("Nguyen-8")
    model = SymbolicRegressor(max_evaluations=2000).fit(X, y)
    assert str(model.expression_) == "sqrt(x0)"
    assert "20 rows of x, y = sqrt(x)" in repr(load_problem("Nguyen-8"))


def test_a_table_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "fall.csv"
    path.write_text("t,h,m\n1,2,3\n4,5,6\n")
    problem = load_problem(path, target="h")
    assert problem.feature_names == ("t", "m") and problem.y.tolist() == [2.0, 5.0]
    assert problem.X.tolist() == [[1.0, 3.0], [4.0, 6.0]] and problem.law is None
    with pytest.raises(ValueError, match=r"which column of fall.csv .* target='name'"):
        load_problem(path)
    with pytest.raises(LookupError, match=r"no column 'g'; it has t, h, m"):
        load_problem(path, target="g")
    with pytest.raises(ValueError, match="have their own"):
        load_problem(path, target="h", noise=0.1)
    (tmp_path / "one.csv").write_text("h\n1\n")
    with pytest.raises(ValueError, match="no column besides the target 'h'"):
        load_problem(tmp_path / "one.csv", target="h")
    with pytest.raises(OSError):
        load_problem(tmp_path / "absent.csv", target="h")


def test_wrong_names_are_helped() -> None:
    with pytest.raises(LookupError, match="near are .*Nguyen-1"):
        load_problem("Nguyen1")
    with pytest.raises(LookupError, match="known are Nguyen-1 to"):
        load_problem("something")
    with pytest.raises(ValueError, match="whose target is y"):
        load_problem("R-1", target="y")
    with pytest.raises(ValueError, match="not below 0"):
        load_problem("R-1", noise=-1)
