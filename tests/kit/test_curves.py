"""Curve charts: where points lie, and that nothing inline or unescaped comes out."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from medes_site.kit.charts.curves import Axis, Series, curve_chart
from medes_site.kit.charts.geometry import UNIT, Domain

pytestmark = pytest.mark.one_database
X, Y = Axis("x", UNIT), Axis("y", UNIT)


def test_points_lie_where_they_should() -> None:
    drawn = curve_chart(
        [Series([(0.0, 0.0), (0.5, 1.0), (1.0, 0.5)], [None, (0.5, 1.0), None])], X, Y, "three"
    )
    root = ElementTree.fromstring(drawn)
    circles = [
        (float(c.get("cx", "")), float(c.get("cy", ""))) for c in root.iter() if c.tag.endswith("circle")
    ]
    assert circles == [(56.0, 212.0), (186.0, 12.0), (316.0, 112.0)]
    whisker = next(line for line in root.iter() if line.get("class") == "whisker")
    assert (whisker.get("x1"), whisker.get("y1"), whisker.get("y2")) == ("186.0", "112.0", "12.0")


def test_a_second_series_is_told_apart_without_colour() -> None:
    two = [Series([(0.0, 0.0), (1.0, 1.0)]), Series([(0.0, 1.0), (1.0, 0.0)], second=True)]
    root = ElementTree.fromstring(curve_chart(two, X, Y, "two"))
    lines = [line.get("class") for line in root.iter() if line.tag.endswith("polyline")]
    assert lines == ["curve", "curve second"]


def test_nothing_inline_and_everything_escaped() -> None:
    drawn = curve_chart(
        [Series([(0.0, 0.0), (1.0, 1.0)])],
        Axis("<b>&", UNIT),
        Axis('"', Domain(-1.0, 1.0)),
        '<i>"',
        diagonal=True,
    )
    assert "style=" not in drawn and not re.search(r"\son\w+=", drawn)
    assert "<b>" not in drawn and "<i>" not in drawn and "&lt;b&gt;&amp;" in drawn
    assert "−1.0" in drawn  # a true minus sign
    ElementTree.fromstring(drawn)


def test_nothing_to_draw_is_nothing() -> None:
    assert curve_chart([Series([])], X, Y, "none") == ""
