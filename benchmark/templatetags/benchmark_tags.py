"""What templates of the benchmark need and Django does not have. Shared by all pages: small and pure."""

from __future__ import annotations

from django import template

from benchmark.names import named

register = template.Library()
register.filter(named)


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
    """A source's title in the marks that Chinese puts around titles, unless it has them or is not in Chinese."""
    if title.isascii():
        return title
    return title if title.startswith("《") and title.endswith("》") else f"《{title}》"
