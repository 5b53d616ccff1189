"""A square chart of points and lines over two axes: reliability diagrams, precision–recall and learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import svg

from medes_site.kit.charts.geometry import Domain

LEFT: Final = 56
RIGHT: Final = 14
TOP: Final = 12
BOTTOM: Final = 40
WIDE: Final = 260
TALL: Final = 200
TICKS: Final = 5


@dataclass(frozen=True, slots=True)
class Series:
    """Points (x, y), in the order of x. `bars`: for each point (low, high), None where there is no interval.

    `line`: the points are joined. `dots`: every point is drawn. `second`: drawn in the other colour, dashed.
    """

    points: Sequence[tuple[float, float]]
    bars: Sequence[tuple[float, float] | None] = ()
    line: bool = True
    dots: bool = True
    second: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """`name` under or beside the axis; `digits` after the point of its tick labels."""

    name: str
    domain: Domain
    digits: int = 1


def curve_chart(
    series: Sequence[Series],
    x: Axis,
    y: Axis,
    label: str,
    *,
    diagonal: bool = False,
    level: float | None = None,
) -> str:
    """`label` says the chart in words. `diagonal`: the line where both are equal; `level`: a dashed level of y.

    "" where no series has a point. SVG of 330×252.
    """
    if not any(part.points for part in series):
        return ""
    right, bottom = LEFT + WIDE, TOP + TALL
    parts: list[svg.Element] = [*_grid(x, y, right, bottom)]
    if diagonal:
        parts.append(
            svg.Line(class_=["axis", "axis-2"], x1=LEFT, y1=bottom, x2=right, y2=TOP, stroke_dasharray=[4, 4])
        )
    if level is not None:
        at = y.domain.place(level, bottom, TOP)
        parts.append(
            svg.Line(class_=["axis", "axis-2"], x1=LEFT, y1=at, x2=right, y2=at, stroke_dasharray=[4, 4])
        )
    for part in series:
        parts += _series(part, x, y, right, bottom)
    drawing = svg.SVG(
        class_=["chart"],
        viewBox=svg.ViewBoxSpec(0, 0, right + RIGHT, bottom + BOTTOM),
        width=right + RIGHT,
        height=bottom + BOTTOM,
        extra={"role": "img", "aria-label": escape(label), "focusable": "false"},
        elements=parts,
    )
    return drawing.as_str()


def _grid(x: Axis, y: Axis, right: float, bottom: float) -> list[svg.Element]:
    parts: list[svg.Element] = []
    for tick in range(TICKS + 1):
        share = tick / TICKS
        across, up = LEFT + WIDE * share, bottom - TALL * share
        parts.append(svg.Line(class_=["axis"], x1=LEFT, x2=right, y1=up, y2=up))
        parts.append(_text(_tick(x, share), across, bottom + 16, "middle"))
        parts.append(_text(_tick(y, share), LEFT - 7, up + 4, "end"))
    parts.append(svg.Line(class_=["axis", "axis-2"], x1=LEFT, x2=LEFT, y1=TOP, y2=bottom))
    parts.append(_text(x.name, LEFT + WIDE / 2, bottom + 34, "middle"))
    middle = TOP + TALL / 2
    name = _text(y.name, 11, middle, "middle")
    name.transform = [svg.Rotate(-90, 11, middle)]
    return [*parts, name]


def _series(part: Series, x: Axis, y: Axis, right: float, bottom: float) -> list[svg.Element]:
    places = [(x.domain.place(a, LEFT, right), y.domain.place(b, bottom, TOP)) for a, b in part.points]
    parts: list[svg.Element] = []
    other = ["second"] if part.second else []
    for place, bar in zip(places, part.bars, strict=False):
        if bar is not None:
            low, high = (y.domain.place(end, bottom, TOP) for end in bar)
            parts.append(svg.Line(class_=["whisker"], x1=place[0], x2=place[0], y1=low, y2=high))
    if part.line and len(places) > 1:
        flat = [number for place in places for number in place]
        parts.append(svg.Polyline(class_=["curve", *other], points=flat))  # type: ignore[arg-type]
    if part.dots:
        parts += [svg.Circle(class_=["point", *other], cx=a, cy=b, r=4) for a, b in places]
    return parts


def _tick(axis: Axis, share: float) -> str:
    value = axis.domain.low + share * (axis.domain.high - axis.domain.low)
    return f"{value:.{axis.digits}f}".replace("-", "−")


def _text(text: str, x: float, y: float, anchor: str) -> svg.Text:
    return svg.Text(class_=["label"], x=round(x, 2), y=round(y, 2), text_anchor=anchor, text=escape(text))  # type: ignore[arg-type]
