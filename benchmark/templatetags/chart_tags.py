"""Figures and charts in templates. A chart's label says its figures in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from medes_site.kit import charts

register = template.Library()

NOTHING = "–"
MARK = "*"


@register.filter
def figure(value: float | None, digits: int = 4) -> str:
    """`value` with that many digits after the point, with a true minus sign; a dash for None."""
    if value is None:
        return NOTHING
    return f"{value:.{digits}f}".replace("-", "−")


@register.filter
def signed(value: float | None, digits: int = 4) -> str:
    """As `figure`, always with a sign."""
    return NOTHING if value is None else f"{value:+.{digits}f}".replace("-", "−")


@register.filter
def p_value(p: float | None) -> str:
    """As readers of statistics expect it: three digits, and never "0.000"."""
    if p is None:
        return NOTHING
    return "<0.001" if p < 0.001 else f"{p:.3f}"


@register.filter
def billions(parameters: Decimal) -> str:
    """A number of parameters without needless zeros: 7.50 is "7.5", 70.00 is "70"."""
    return f"{parameters.normalize():f}"


@register.filter
def ranks(score: Any) -> str:
    """ "1–4", or "3" where the data leave one rank."""
    if score.rank_low is None:
        return NOTHING
    if score.rank_low == score.rank_high:
        return str(score.rank_low)
    return f"{score.rank_low}–{score.rank_high}"


def interval_words(value: str, low: str, high: str) -> str:
    return _("%(value)s, 95%% interval %(low)s to %(high)s") % {"value": value, "low": low, "high": high}


@register.simple_tag
def interval_bar(
    value: float,
    low: float | None,
    high: float | None,
    domain: charts.Domain,
    mark: bool = False,
    base: bool = False,
) -> SafeString:
    """`mark`: a missing interval is missing for too few clusters; `base`: drawn in grey."""
    if low is None or high is None:
        label = _("%(value)s, no interval") % {"value": figure(value)}
    else:
        label = interval_words(figure(value), figure(low), figure(high))
    drawn = charts.interval_bar(value, low, high, domain, label, mark=MARK if mark else "", base=base)
    return mark_safe(drawn)  # noqa: S308 - numbers and an escaped label


@register.simple_tag
def difference_bar(value: float, low: float | None, high: float | None, domain: charts.Domain) -> SafeString:
    if low is None or high is None:
        label = _("%(value)s, no interval") % {"value": signed(value)}
    else:
        label = interval_words(signed(value), signed(low), signed(high))
    drawn = charts.difference_bar(value, low, high, domain, label, mark=MARK)
    return mark_safe(drawn)  # noqa: S308 - numbers and an escaped label


@register.simple_tag
def heat_strip(found: Mapping[str, Mapping[str, Any]], names: Iterable[tuple[str, str]]) -> SafeString:
    """A stored `by_scenario`, one cell for each (slug, name), such as “器官移植 0.61, n=73”."""
    cells = []
    for slug, name in names:
        part = found.get(slug)
        mean = part["mean"] if part else None
        text = f"{name} {figure(mean, 2)}, n={part['n']}" if part else f"{name} {NOTHING}"
        cells.append(charts.HeatCell(mean, text))
    drawn = charts.heat_strip(cells, charts.UNIT, _("By scenario"))
    return mark_safe(drawn)  # noqa: S308 - every text is escaped where it is drawn


@register.filter
def heat_class(value: float | None) -> str:
    """The class of a table cell that shows `value` in [0, 1]."""
    step = charts.heat_step(value)
    return "heat-none" if step is None else f"heat-{step}"
