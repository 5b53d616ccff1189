"""Words and charts of the training pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from benchmark.models import Guardian
from medes_site.kit.charts.bars import share_bar
from medes_site.kit.charts.columns import column_chart
from medes_site.kit.charts.curves import Axis, Series, curve_chart
from medes_site.kit.charts.geometry import UNIT, Domain
from medes_site.kit.sentences import in_words
from training import names
from training.queries.dataset_page import Part, Spread
from training.queries.report_page import Curves
from training.queries.run_comparison import Overlay
from training.queries.runs import MetricCurve

register = template.Library()
register.filter("in_words", in_words)


@register.filter
def section_title(name: str) -> Any:
    return names.CRITERIA.get(name, name)


@register.filter
def section_code(name: str) -> str:
    """R1 … Q4; R1/R2 for the union of the two risks."""
    return "R1/R2" if name == "risk" else name.upper()


@register.filter
def figure_title(name: str) -> Any:
    return names.FIGURES.get(name, name)


@register.filter
def phase_title(name: str) -> Any:
    return names.PHASES.get(name, name)


@register.filter
def step_title(name: str) -> Any:
    return names.STEP_FIGURES.get(name, name)


@register.filter
def drawing_title(name: str) -> Any:
    return names.DRAWING.get(name, name)


@register.filter
def spread_title(name: str) -> Any:
    return names.SPREADS.get(name, name)


@register.filter
def origin_title(name: str) -> Any:
    return names.ORIGINS.get(name, name)


@register.filter
def reason_title(name: str) -> Any:
    return names.LEFT_OUT.get(name, name)


@register.simple_tag
def spread_columns(spread: Spread) -> SafeString:
    """The histogram as columns; the table beside it has the same figures."""
    label = str(names.SPREADS.get(spread.name, spread.name))
    return mark_safe(column_chart(spread.columns, label))  # noqa: S308 - every text is escaped where it is drawn


@register.simple_tag
def part_bar(part: Part) -> SafeString:
    return mark_safe(share_bar(part.share, str(part.count)))  # noqa: S308 - escaped where it is drawn


@register.filter
def comparison_title(name: str) -> Any:
    return names.COMPARISONS.get(name, name)


@register.filter
def guardian_kind(name: str) -> Any:
    return dict(Guardian.Kind.choices).get(name, name)


@register.filter
def minutes(seconds: float | None) -> str:
    """A length of time such as "1:05"."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


@register.simple_tag
def reliability_chart(curves: Curves) -> SafeString:
    """Stated probability against the share that was so, by tenths."""
    points = [(part["p"], part["share"]) for part in curves.reliability]
    words = ", ".join(f"{p:.2f} → {share:.2f}" for p, share in points)
    label = _("Reliability: stated probability → share that was so: %(points)s") % {"points": words}
    x, y = Axis(_("stated probability"), UNIT), Axis(_("share that was so"), UNIT)
    return mark_safe(curve_chart([Series(points)], x, y, label, diagonal=True))  # noqa: S308 - escaped inside


@register.simple_tag
def pr_chart(curves: Curves) -> SafeString:
    points = [(part["recall"], part["precision"]) for part in curves.pr]
    label = _("Precision and recall; average precision %(value)s") % {
        "value": "–" if curves.average_precision is None else f"{curves.average_precision:.2f}"
    }
    x, y = Axis(_("recall"), UNIT), Axis(_("precision"), UNIT)
    return mark_safe(curve_chart([Series(points, dots=False)], x, y, label))  # noqa: S308 - escaped inside


@register.simple_tag
def learning_chart(points: list[dict[str, Any]]) -> SafeString:
    """Mean kappa on the audit labels after learning from so many answers."""
    found = [(float(point["rows"]), point["macro_kappa"]) for point in points]
    most = max((rows for rows, _figure in found), default=1.0)
    lowest = min((figure["low"] or figure["value"] for _rows, figure in found), default=0.0)
    low = 0.0 if lowest >= 0 else -1.0 if lowest < -0.2 else -0.2
    bars = [
        (f["low"], f["high"]) if f["low"] is not None and f["high"] is not None else None
        for _rows, f in found
    ]
    words = ", ".join(f"{rows:.0f} → {figure['value']:.2f}" for rows, figure in found)
    label = _("Learning curve: answers learned from → mean κ: %(points)s") % {"points": words}
    x, y = Axis(_("answers learned from"), Domain(0.0, most), 0), Axis(_("mean κ"), Domain(low, 1.0))
    series = Series([(rows, figure["value"]) for rows, figure in found], bars)
    return mark_safe(curve_chart([series], x, y, label))  # noqa: S308 - escaped inside


@register.filter
def short_number(value: float | None) -> str:
    """Four digits that count; "–" for none."""
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else f"{value}"


def _axis_of(name: str, values: Sequence[float]) -> Axis:
    """From the smallest to the largest value, with as many digits as tell the ticks apart."""
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 1, high + 1
    digits = next((digits for digits, range_ in ((0, 50), (1, 2), (2, 0.2)) if high - low >= range_), 3)
    return Axis(str(step_title(name)), Domain(low, high), digits)


@register.simple_tag
def overlay_chart(overlay: Overlay, first: Any, second: Any) -> SafeString:
    """A figure of two runs over their steps; the second is dashed."""
    found = (*overlay.first, *overlay.second)
    steps, values = [step for step, _v in found], [value for _s, value in found]
    label = _("%(name)s of %(first)s (last %(one)s) and of %(second)s (last %(two)s)") % {
        "name": step_title(overlay.name),
        "first": first,
        "one": short_number(overlay.first[-1][1] if overlay.first else None),
        "second": second,
        "two": short_number(overlay.second[-1][1] if overlay.second else None),
    }
    x = Axis(_("step"), Domain(float(min(steps)), float(max(max(steps), min(steps) + 1))), 0)
    y = _axis_of(overlay.name, values)
    series = [
        Series([(float(step), value) for step, value in points], dots=len(points) < 20, second=other)
        for points, other in ((overlay.first, False), (overlay.second, True))
    ]
    return mark_safe(curve_chart(series, x, y, label))  # noqa: S308 - escaped inside


@register.simple_tag
def metric_chart(curve: MetricCurve) -> SafeString:
    """A figure of a run over its steps."""
    steps, values = [step for step, _v in curve.points], [value for _s, value in curve.points]
    last = max(steps[-1], steps[0] + 1)
    label = _("%(name)s over %(steps)s steps, last %(value)s") % {
        "name": step_title(curve.name),
        "steps": len(steps),
        "value": f"{values[-1]:.4g}",
    }
    x, y = (
        Axis(_("step"), Domain(float(steps[0]), float(last)), 0),
        _axis_of(curve.name, values),
    )
    points = [(float(step), value) for step, value in curve.points]
    return mark_safe(curve_chart([Series(points, dots=len(points) < 20)], x, y, label))  # noqa: S308 - escaped inside


@register.filter
def parameters(number: int | None) -> str:
    """A model's size such as "7.6 B" or "0.52 M"."""
    if number is None:
        return "–"
    for unit, size in (("B", 1e9), ("M", 1e6)):
        if number >= size / 10:
            return f"{number / size:.3g} {unit}"
    return str(number)
