"""One lying bar as SVG, to stand in a row of a table beside its figure."""

from __future__ import annotations

from html import escape
from typing import Final

import svg

WIDTH: Final = 160
HEIGHT: Final = 12


def share_bar(share: float, label: str) -> str:
    """A bar as long as the share of its place, from 0 to 1. Raises ValueError for another share."""
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, not {share!r}")
    drawing = svg.SVG(
        class_=["chart"],
        viewBox=svg.ViewBoxSpec(0, 0, WIDTH, HEIGHT),
        width=WIDTH,
        height=HEIGHT,
        extra={"role": "img", "aria-label": escape(label), "focusable": "false"},
        elements=[
            svg.Rect(class_=["fill"], x=0, y=1, width=round(WIDTH * share, 2), height=HEIGHT - 2, rx=2)
        ],
    )
    return drawing.as_str()
