"""Small charts as SVG, drawn on the server with svg.py: presentation attributes and classes only.

The Content-Security-Policy allows no style attributes, and svg.py escapes nothing, so every text goes through
`html.escape` here. The functions are pure and the bars remember their last results: pages repeat themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Final

import svg

from medes_site.kit.charts.geometry import Domain, heat_step

WIDTH: Final = 180
HEIGHT: Final = 20
MARGIN: Final = 8
MIDDLE: Final = HEIGHT / 2
RADIUS: Final = 4.5


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell of a heat strip: `value` in the strip's domain or None, and `text`, all of it in words."""

    value: float | None
    text: str


@lru_cache(maxsize=4096)
def interval_bar(
    value: float,
    low: float | None,
    high: float | None,
    domain: Domain,
    label: str,
    *,
    mark: str = "",
    base: bool = False,
) -> str:
    """One row: an axis line, the interval as a thick line, the value as a ring.

    Without `low` and `high` the ring stands alone, with `mark` beside it (such as "*", explained nearby).
    `label` says the figures in words. `base`: drawn in grey, for rows that stand apart. SVG of 180×20.
    """
    x = domain.place(value, MARGIN, WIDTH - MARGIN)
    parts: list[svg.Element] = [_line("axis", MARGIN, WIDTH - MARGIN)]
    if low is not None and high is not None:
        parts.append(_span(low, high, domain))
    parts.append(svg.Circle(class_=["point"], cx=x, cy=MIDDLE, r=RADIUS))
    if mark and (low is None or high is None):
        parts.append(_mark(x, mark))
    return _chart(parts, label, base=base)


@lru_cache(maxsize=1024)
def difference_bar(
    value: float, low: float | None, high: float | None, domain: Domain, label: str, *, mark: str = ""
) -> str:
    """A difference with its interval, and an upright line where 0 lies. As `interval_bar` otherwise."""
    zero = domain.place(0, MARGIN, WIDTH - MARGIN)
    x = domain.place(value, MARGIN, WIDTH - MARGIN)
    parts: list[svg.Element] = [
        _line("axis", MARGIN, WIDTH - MARGIN),
        svg.Line(class_=["axis", "axis-2"], x1=zero, x2=zero, y1=1, y2=HEIGHT - 1),
    ]
    if low is not None and high is not None:
        parts.append(_span(low, high, domain))
    parts.append(svg.Circle(class_=["point"], cx=x, cy=MIDDLE, r=RADIUS))
    if mark and (low is None or high is None):
        parts.append(_mark(x, mark))
    return _chart(parts, label)


def heat_strip(cells: Sequence[HeatCell], domain: Domain, label: str) -> str:
    """A list of coloured cells (classes heat-0 … heat-10, heat-none), each with its text in words."""
    drawn = []
    for cell in cells:
        step = heat_step(cell.value, domain)
        text = escape(cell.text)
        shade = "none" if step is None else step
        words = f'<span class="visually-hidden">{text}</span>'
        drawn.append(f'<li class="heat-{shade}" title="{text}">{words}</li>')
    return f'<ul class="heat" aria-label="{escape(label)}">{"".join(drawn)}</ul>'


def _line(name: str, x1: float, x2: float) -> svg.Line:
    return svg.Line(class_=[name], x1=x1, x2=x2, y1=MIDDLE, y2=MIDDLE)


def _span(low: float, high: float, domain: Domain) -> svg.Line:
    return _line("interval", *(domain.place(end, MARGIN, WIDTH - MARGIN) for end in (low, high)))


def _mark(x: float, mark: str) -> svg.Text:
    """To the right of the ring, or to the left where it would leave the chart."""
    outside = x > WIDTH - 3 * MARGIN
    return svg.Text(
        class_=["label"],
        x=x - 10 if outside else x + 10,
        y=MIDDLE + 4,
        text_anchor="end" if outside else "start",
        text=escape(mark),
    )


def _chart(parts: list[svg.Element], label: str, *, base: bool = False) -> str:
    drawing = svg.SVG(
        class_=["chart", "inline"],
        viewBox=svg.ViewBoxSpec(0, 0, WIDTH, HEIGHT),
        width=WIDTH,
        height=HEIGHT,
        extra={"role": "img", "aria-label": escape(label), "focusable": "false"},
        elements=[svg.G(class_=["base"], elements=parts)] if base else parts,
    )
    return drawing.as_str()
