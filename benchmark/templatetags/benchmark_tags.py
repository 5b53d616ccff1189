"""What templates of the benchmark need and Django does not have. Shared by all pages: small and pure."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import get_language

register = template.Library()


@register.filter
def named(thing: Any) -> str:
    """The name of a benchmark, scenario or corpus in the reader's language, else in the other."""
    if thing is None:
        return ""
    chinese = (get_language() or "zh").startswith("zh")
    first, second = (thing.name_zh, thing.name_en) if chinese else (thing.name_en, thing.name_zh)
    return str(first or second or thing)


@register.filter
def percent(share: float | None, digits: int = 1) -> str:
    """A share in [0, 1] as a percentage, such as "2.3%"; a dash where there is none.

    What is more than nothing is never shown as nothing: one of 4,897 is "<0.1%".
    """
    if share is None:
        return "–"
    least = 10**-digits
    if 0 < 100 * share < least / 2:
        return f"<{least:.{digits}f}%"
    return f"{100 * share:.{digits}f}%"


@register.filter
def book_title(title: str) -> str:
    """A source's title in the marks that Chinese puts around titles, unless it has them."""
    return title if title.startswith("《") and title.endswith("》") else f"《{title}》"
