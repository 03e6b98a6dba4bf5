"""The report: one file, complete, safe to open, and written whole or not at all."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.regression import SymbolicRegressor, html_report

VOID = {"meta", "img", "br"}


@pytest.fixture(scope="module")
def fitted() -> tuple[SymbolicRegressor, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 3, (40, 2))
    y = 2.3719 * X[:, 0] / np.sqrt(X[:, 1]) + rng.normal(0, 0.02, 40)
    model = SymbolicRegressor(
        time_limit=None,
        max_evaluations=3000,
        operators=("*", "/", "sqrt"),
        feature_names=("mass <b>", 'x" onload="'),
    )
    return model.fit(X, y), X, y


class Checked(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_report_holds_everything_and_loads_nothing(
    fitted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    model, X, y = fitted
    monkeypatch.setattr(model, "history_", [(0.1, 10, 5.0, 1), (0.5, 100, 0.5, 3)], raising=False)
    path = tmp_path / "out.html"
    assert model.report(path, X, y, target="force & more") == str(path)
    page = path.read_text(encoding="utf-8")
    found = Checked(page)
    assert {"math", "mfrac", "msqrt"} <= set(found.tags) and "script" not in found.tags
    names = {name for name, _ in found.attributes}
    assert not any(name.startswith("on") for name in names) and "href" not in names
    sources = [value for name, value in found.attributes if name == "src"]
    assert len(sources) == 5 and all(s.startswith("data:image/svg+xml;base64,") for s in sources)
    assert ("content", html_report._POLICY) in found.attributes
    for part in (
        "force & more = ", "root mean square error", "standard deviation", "mass__b_ (mass <b>)", 'x" onload="',
        "numpy", "max_evaluations", "3000", model.latex(), str(model.expression_), f"symnum {sn.__version__}", "score",
    ):  # fmt: skip
        assert part in found.text, part
    assert "No plot" not in found.text
    for equation in model.equations_:
        assert str(equation.expression) in found.text
    assert [p.name for p in tmp_path.iterdir()] == ["out.html"]


def test_the_code_in_a_report_gives_the_formula(fitted: Any, tmp_path: Path) -> None:
    model, X, y = fitted
    page = html_report.page(model, X, y)
    found = Checked(page)
    start = found.text.index("import symnum as sn")
    code = found.text[start : found.text.index("The same in NumPy alone:")]
    scope: dict[str, Any] = {}
    exec(compile(code, "report", "exec"), scope)
    np.testing.assert_allclose(scope["f"](*X.T), model.predict(X), rtol=1e-14)
    numpy_code = found.text[found.text.index("The same in NumPy alone:") + 24 : found.text.index("LaTeX:")]
    scope = {}
    exec(compile(numpy_code, "report", "exec"), scope)
    (function,) = [f for name, f in scope.items() if callable(f) and not name.startswith("__")]
    np.testing.assert_allclose(function(*X.T)[0], model.predict(X), rtol=1e-14)


def test_a_report_of_another_equation_and_of_the_training_rows(
    fitted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fitted[0]
    monkeypatch.setattr(model, "history_", None, raising=False)
    chosen = Checked(html_report.page(model))
    assert "No plot of the search: a plot of the progress needs" in chosen.text
    assert "40 (the training rows, equal ones merged)" in chosen.text
    other = Checked(html_report.page(model, index=0, title="Another <one>"))
    assert "Another <one>" in other.text
    assert other.text != chosen.text
    assert model.latex(0) in other.text.split("LaTeX:")[1]


def test_the_same_model_gives_the_same_page(fitted: Any) -> None:
    assert html_report.page(fitted[0]) == html_report.page(fitted[0])


def test_rows_where_the_formula_is_undefined_are_counted() -> None:
    X = np.linspace(0.5, 3, 30)[:, None]
    model = SymbolicRegressor(time_limit=None, max_evaluations=3000, operators=("log", "*"))
    model.fit(X, np.log(X[:, 0]) * X[:, 0])
    page = Checked(html_report.page(model, np.array([[-1.0], [1.0], [2.0]]), np.array([0.0, 0.1, 1.4])))
    assert "undefined on1 rows, which are left out" in page.text
    assert "No standard deviations: the formula is undefined" in page.text
    nowhere = Checked(html_report.page(model, np.array([[-1.0], [-2.0]]), np.array([0.0, 0.1])))
    assert "undefined on2 rows" in nowhere.text and "R2" not in nowhere.text


def test_a_constant_target_has_a_report() -> None:
    model = SymbolicRegressor().fit([[1.0], [2.0], [3.0]], [5.0, 5.0, 5.0])
    page = Checked(html_report.page(model))
    assert "constant target" in page.text and "R2nan" in page.text


def test_without_matplotlib_the_report_says_so(fitted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, X, y = fitted
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.warns(UserWarning, match="the report has no plots: .*symnum\\[plot\\]"):
        page = Checked(html_report.page(model, X, y))
    assert "img" not in page.tags and "No plots: plots need matplotlib" in page.text


def test_paths_that_cannot_be_written_are_named_before_work_begins(
    fitted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, X, y = fitted

    def page(*arguments: Any, **options: Any) -> str:
        raise AssertionError("drawn in vain")

    monkeypatch.setattr(html_report, "page", page)
    with pytest.raises(FileNotFoundError, match=re.escape(f"there is no folder {str(tmp_path / 'no')!r}")):
        model.report(tmp_path / "no" / "out.html", X, y)
    with pytest.raises(IsADirectoryError, match="is a folder; name a file in it"):
        model.report(tmp_path, X, y)

    def refuse(**options: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(PermissionError, match="cannot be written to .*Permission denied; name a folder"):
        model.report(tmp_path / "out.html", X, y)


def test_a_failure_leaves_the_old_report_and_nothing_else(
    fitted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.html"
    path.write_text("old")

    def interrupted(*arguments: Any, **options: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(html_report, "page", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted[0].report(path)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["out.html"]


def test_bad_rows_are_named(fitted: Any, tmp_path: Path) -> None:
    model, X, y = fitted
    with pytest.raises(ValueError, match=r"y has shape \(39,\), but X has 40 rows"):
        model.report(tmp_path / "out.html", X, y[1:])
    with pytest.raises(IndexError, match="there is no equation 99"):
        model.report(tmp_path / "out.html", index=99)
    assert os.listdir(tmp_path) == []
