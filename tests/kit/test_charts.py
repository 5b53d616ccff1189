"""Geometry by hand, and drawings read back as XML: no style, nothing unescaped."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medes_site.kit.charts import (
    UNIT,
    Domain,
    HeatCell,
    difference_bar,
    heat_step,
    heat_strip,
    interval_bar,
    round_domain,
    symmetric_domain,
)

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>\" onload='x' &amp;"


@pytest.mark.parametrize(
    ("value", "place"),
    [(0.5, 8.0), (0.6, 90.0), (0.7, 172.0), (0.55, 49.0), (0.4, 8.0), (0.9, 172.0), (0.512, 17.84)],
)
def test_place_on_a_line_from_8_to_172(value: float, place: float) -> None:
    # 164 wide over 0.2: 0.512 lies 0.012 / 0.2 · 164 = 9.84 from the start.
    assert Domain(0.5, 0.7).place(value, 8, 172) == place


def test_an_empty_domain_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        Domain(0.5, 0.5)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.5725, 0.6513, None], 0.56, 0.66),  # five steps of 0.02
        ([0.60, 0.65], 0.60, 0.65),  # already round: five steps of 0.01
        ([0.31, 0.88], 0.3, 0.9),  # 0.1 takes six, 0.05 would take twelve
        ([0.02, 0.97], 0.0, 1.0),
        ([0.6], 0.6, 0.61),
        ([1.0], 0.99, 1.0),  # never beyond the limit
        ([0.0], 0.0, 0.01),
        ([], 0.0, 1.0),
        ([None], 0.0, 1.0),
    ],
)
def test_round_domain(values: list[float | None], low: float, high: float) -> None:
    assert round_domain(values) == Domain(low, high)


def test_round_domain_within_other_limits() -> None:
    assert round_domain([-0.35, 0.85], Domain(-1, 1)) == Domain(
        -0.5, 1
    )  # three steps of 0.5; 0.2 takes seven


@pytest.mark.parametrize(
    ("values", "half"),
    [
        ([0.0119, -0.0135, 0.0372], 0.04),
        ([0.0456], 0.06),
        ([0.004], 0.01),
        ([None], 0.01),
        ([-0.31], 0.4),
        ([1.4], 1.5),
    ],
)
def test_symmetric_domain(values: list[float | None], half: float) -> None:
    assert symmetric_domain(values) == Domain(-half, half)


@pytest.mark.parametrize(
    ("value", "step"),
    [
        (0.0, 0),
        (0.04, 0),
        (0.05, 1),
        (0.61, 6),
        (0.65, 7),
        (0.949, 9),
        (1.0, 10),
        (1.7, 10),
        (-0.2, 0),
        (None, None),
    ],
)
def test_heat_step(value: float | None, step: int | None) -> None:
    assert heat_step(value) == step


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_every_value_lies_within_its_domain(values: list[float]) -> None:
    domain = round_domain(values)
    assert 0 <= domain.low < domain.high <= 1
    assert all(domain.low - 1e-9 <= value <= domain.high + 1e-9 for value in values)


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=30))
def test_differences_lie_around_the_middle(values: list[float]) -> None:
    domain = symmetric_domain(values)
    assert domain.low == -domain.high
    assert domain.place(0, 0, 100) == 50
    assert all(abs(value) <= domain.high + 1e-9 for value in values)


def elements(drawn: str, name: str, css: str) -> list[ElementTree.Element]:
    tree = ElementTree.fromstring(drawn)
    return [node for node in tree.iter(f"{SVG}{name}") if css in (node.get("class") or "").split()]


def test_interval_bar_by_hand() -> None:
    drawn = interval_bar(0.6, 0.55, 0.65, Domain(0.5, 0.7), "0.6000, 95% interval 0.5500 to 0.6500")
    (span,) = elements(drawn, "line", "interval")
    (ring,) = elements(drawn, "circle", "point")
    assert (float(span.get("x1")), float(span.get("x2")), float(ring.get("cx"))) == (49, 131, 90)
    root = ElementTree.fromstring(drawn)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "0.6000, 95% interval 0.5500 to 0.6500"


def test_without_an_interval_the_ring_stands_alone_with_its_mark() -> None:
    drawn = interval_bar(0.6, None, None, Domain(0.5, 0.7), "0.6", mark="*")
    assert elements(drawn, "line", "interval") == []
    (mark,) = elements(drawn, "text", "label")
    assert (mark.text, float(mark.get("x"))) == ("*", 100)
    (left,) = elements(interval_bar(0.7, None, None, Domain(0.5, 0.7), "0.7", mark="*"), "text", "label")
    assert (left.get("text-anchor"), float(left.get("x"))) == ("end", 162)


def test_difference_bar_shows_where_0_is() -> None:
    drawn = difference_bar(0.03, 0.01, 0.05, Domain(-0.06, 0.06), "+0.03")
    (zero,) = elements(drawn, "line", "axis-2")
    assert float(zero.get("x1")) == float(zero.get("x2")) == 90
    (ring,) = elements(drawn, "circle", "point")
    assert float(ring.get("cx")) == 131


@pytest.mark.parametrize(
    "drawn",
    [
        interval_bar(0.5, None, None, UNIT, HOSTILE, mark="<b>", base=True),
        difference_bar(0.5, None, None, UNIT, HOSTILE, mark="<b>"),
        heat_strip([HeatCell(0.5, HOSTILE)], UNIT, HOSTILE),
    ],
)
def test_texts_are_escaped_and_nothing_is_styled_inline(drawn: str) -> None:
    tree = ElementTree.fromstring(drawn)
    for node in tree.iter():
        assert node.tag.removeprefix(SVG) in {"svg", "g", "line", "circle", "text", "ul", "li", "span"}
        assert not {name for name in node.attrib if name == "style" or name.startswith("on")}
    assert tree.get("aria-label") == HOSTILE


def test_heat_strip() -> None:
    drawn = heat_strip(
        [HeatCell(0.61, "器官移植 0.61, n=73"), HeatCell(None, "安宁疗护 –, n=0")], UNIT, "各情境"
    )
    tree = ElementTree.fromstring(drawn)
    assert [cell.get("class") for cell in tree] == ["heat-6", "heat-none"]
    assert [cell.get("title") for cell in tree] == ["器官移植 0.61, n=73", "安宁疗护 –, n=0"]
    assert ["".join(cell.itertext()) for cell in tree] == ["器官移植 0.61, n=73", "安宁疗护 –, n=0"]
