"""Upright columns as SVG: counts by day, or how a figure is spread. A table beside them gives the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import svg

STEP: Final = 26
GAP: Final = 6
TALL: Final = 96
HEAD: Final = 18
FOOT: Final = 20
LABELS_WITHIN: Final = 12


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what stands under it, and its count, 0 or more."""

    name: str
    count: int


def column_chart(columns: Sequence[Column], label: str) -> str:
    """Columns from one base line, the tallest 96 high, each with its count above and its name below.

    Of more than twelve columns only the first, the tallest and the last are named, so that no text meets
    another. `label` says the chart in words. "" without columns; raises ValueError for a negative count.
    """
    if not columns:
        return ""
    if any(column.count < 0 for column in columns):
        raise ValueError("a column cannot hold fewer than none")
    most = max(column.count for column in columns)
    named = _named(columns, most)
    wide = STEP * 2 if len(columns) <= LABELS_WITHIN else STEP
    margin = 24
    width = wide * len(columns) + 2 * margin
    base = HEAD + TALL
    parts: list[svg.Element] = [
        svg.Line(class_=["axis", "axis-2"], x1=margin, x2=width - margin, y1=base + 0.5, y2=base + 0.5)
    ]
    for place, column in enumerate(columns):
        height = round(TALL * column.count / most, 2) if most else 0
        left, middle = margin + wide * place + GAP / 2, margin + wide * (place + 0.5)
        if height:
            parts.append(
                svg.Rect(class_=["fill"], x=left, y=base - height, width=wide - GAP, height=height, rx=2)
            )
        if place in named:
            parts.append(_text("label-strong", middle, base - height - 5, str(column.count)))
            parts.append(_text("label", middle, base + FOOT - 5, column.name))
    drawing = svg.SVG(
        class_=["chart"],
        viewBox=svg.ViewBoxSpec(0, 0, width, base + FOOT),
        width=width,
        height=base + FOOT,
        extra={"role": "img", "aria-label": escape(label), "focusable": "false"},
        elements=parts,
    )
    return drawing.as_str()


def _named(columns: Sequence[Column], most: int) -> set[int]:
    if len(columns) <= LABELS_WITHIN:
        return set(range(len(columns)))
    last = len(columns) - 1
    tallest = next(place for place, column in enumerate(columns) if column.count == most)
    apart = tallest if min(tallest, last - tallest) > 2 else last
    return {0, apart, last}


def _text(name: str, x: float, y: float, text: str) -> svg.Text:
    return svg.Text(class_=[name], x=x, y=y, text_anchor="middle", text=escape(text))
