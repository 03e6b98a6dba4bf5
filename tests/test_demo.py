"""The demo runs to its end on a small grid, and its parts hold what they print."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import symnum as sn
from symnum import demo


def test_the_demo_prints_its_report_and_draws(tmp_path: Path) -> None:
    printed = io.StringIO()
    picture = tmp_path / "demo.png"
    assert demo.main(picture, printed, n=12) == 0
    text = printed.getvalue()
    assert "simplified   exp(-x^2/2) + log(y^2 + 1)" in text
    assert "found        T = a^(3/2)" in text
    assert "times faster" in text and "done in" in text
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_spoiled_field_fails_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = demo.reaction_diffusion(6)
    monkeypatch.setattr(demo, "reaction_diffusion", lambda n: {**good, "means": good["means"] + 0.01})
    law = demo.kepler()
    monkeypatch.setattr(demo, "kepler", lambda: law)
    printed = io.StringIO()
    assert demo.main(tmp_path / "demo.png", printed, n=6) == 1
    assert "the means are off" in printed.getvalue()


def test_the_formula_is_worth_what_it_was() -> None:
    found = demo.formula(rows=50)
    at = {"x": 0.3, "y": -1.2}
    assert sn.evaluate(found["simple"], at) == pytest.approx(sn.evaluate(found["given"], at), rel=1e-14)
    assert sn.term.node_count(found["simple"]) < sn.term.node_count(found["given"]) / 2
