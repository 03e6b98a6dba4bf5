"""The picture of an e-graph: what is in it, where its lines run, and that the documentation shows what the code draws."""

import re
from pathlib import Path
from xml.etree import ElementTree

import symnum as sn
from symnum.rewriting import EGraph, rule

PICTURE = Path(__file__).parents[2] / "docs" / "egraph.svg"
SVG = "{http://www.w3.org/2000/svg}"

a, b, x, y = sn.symbols("a b x y")


def drawn(term: object, *rules: str) -> ElementTree.Element:
    graph = EGraph()
    graph.add(term)
    graph.run([rule(text) for text in rules])
    picture = graph._repr_svg_()
    assert picture is not None
    return ElementTree.fromstring(picture)


def texts(picture: ElementTree.Element) -> list[str]:
    return sorted(entry.text or "" for entry in picture.iter(f"{SVG}text"))


def boxes(picture: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """Return (left, top, right, bottom) of the classes."""
    found = [r for r in picture.iter(f"{SVG}rect") if r.get("stroke-dasharray")]
    sizes = [[float(r.attrib[name]) for name in ("x", "y", "width", "height")] for r in found]
    return [(left, top, left + width, top + height) for left, top, width, height in sizes]


def test_the_picture_in_the_documentation_is_what_the_code_draws() -> None:
    graph = EGraph()
    graph.add(a * x + b * x)
    graph.run()
    assert graph._repr_svg_() == PICTURE.read_text(), "write docs/egraph.svg again, as its page says"


def test_classes_show_their_e_nodes_and_their_flattest_term() -> None:
    captions = ["a + b", "a*x", "a*x + b*x", "b*x"]
    assert texts(drawn(a * x + b * x)) == sorted([*captions, "*", "*", "*", "+", "+", "a", "b", "x"])


def test_numbers_that_only_are_exponents_are_left_out() -> None:
    assert texts(drawn(sn.sin(x) ** 2)) == ["^2", "sin", "sin(x)", "sin(x)^2", "x"]


def test_a_long_caption_is_cut() -> None:
    names = sn.symbols("first_long_name second_long_name")
    assert "first_long_name + secon..." in texts(drawn(names[0] + names[1]))


def test_a_line_back_up_has_its_own_colour_and_enters_from_below() -> None:
    picture = drawn(sn.sin(sn.asin(x)), "sin(asin(a)) -> a")
    up = [p.attrib["d"] for p in picture.iter(f"{SVG}path") if p.get("stroke") == "#b3541e"]
    ends = [tuple(map(float, way.split()[-2:])) for way in up if " C" in way]
    assert len(boxes(picture)) == 2
    bottoms = {bottom for _, _, _, bottom in boxes(picture)}
    assert ends
    assert ends[-1][1] in bottoms


def test_no_line_runs_through_a_box() -> None:
    picture = drawn((x + 1) ** 2 - x**2 + y)
    lanes = [re.fullmatch(r"M(\S+) (\S+) L(\S+) (\S+)", p.attrib["d"]) for p in picture.iter(f"{SVG}path")]
    upright = [tuple(map(float, lane.groups())) for lane in lanes if lane]
    assert upright
    for at, top, _, bottom in upright:
        high, low = min(top, bottom), max(top, bottom)
        for left, upper, right, lower in boxes(picture):
            assert not (left < at < right and high < lower and upper < low), (at, left, right)


def test_boxes_do_not_overlap() -> None:
    found = boxes(drawn(sn.exp(x) * sn.exp(y) * sn.exp(a), "exp(a)*exp(b) -> exp(a + b)"))
    assert len(found) == 14
    for i, one in enumerate(found):
        for other in found[:i]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_a_large_graph_has_no_picture_but_text_for_graphviz() -> None:
    graph = EGraph()
    graph.add(2 * a + 2 * b - a * (a + b))
    graph.run()
    assert graph._repr_svg_() is None
    assert graph.dot().count("subgraph cluster_") == len(graph._session.graph.classes)


def test_an_empty_graph_has_no_picture() -> None:
    assert EGraph()._repr_svg_() is None
