"""Words and charts of the pages around labelling."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from itertools import pairwise
from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.models import GuidelineVersion, Skip, Task
from annotation.names import CRITERION_NAMES, answer_choices, campaign_title, expert_letter, in_language
from annotation.queries.figures import TIME_BOUNDS, Stratum, Times
from annotation.queries.progress import Day
from annotation.rules.agreement_report import Figure
from annotation.rules.answers import Kind
from annotation.rules.evidence import Passage
from annotation.rules.expert_record import RecordFigure
from benchmark.templatetags.benchmark_tags import percent
from benchmark.templatetags.chart_tags import MARK, figure, interval_words
from medes_site.kit import charts
from medes_site.kit.markdown import render_located, render_markdown

register = template.Library()
register.filter(campaign_title)
register.filter(expert_letter)

SIGNED = charts.Domain(-1.0, 1.0)
FAILING = {-1: "risk", 0: "amber", 1: "jade"}
MOST_DAYS = 60
REFERENCES: Mapping[str, Promise] = {
    "gold": gettext_lazy("Beside gold answers"),
    "peers": gettext_lazy("Beside colleagues"),
    "rulings": gettext_lazy("Beside rulings"),
}
STRATA: Mapping[str, Promise] = {
    "random": gettext_lazy("Random stratum"),
    "priority": gettext_lazy("By priority"),
}
_RUN = re.compile(r'<span data-at="(\d+)">([^<]*)</span>')


@dataclass(frozen=True, slots=True)
class Chip:
    """One answer in words: `tone` is the chip's class, `differs` marks what the experts disagree on."""

    name: str
    code: str
    title: Any
    text: Any
    tone: str
    differs: bool


@register.filter
def criterion_name(name: str) -> Any:
    return CRITERION_NAMES.get(name, name)


@register.filter
def criterion_code(name: str) -> str:
    """R1 … Q4; "" where the criterion has no such short name."""
    return name.upper() if len(name) == 2 and name[0] in "rq" else ""


@register.filter
def guideline_text(guideline: GuidelineVersion) -> str:
    return in_language(guideline.text_zh, guideline.text_en)


@register.filter
def as_markdown(text: str) -> SafeString:
    """Guidelines, with links."""
    return render_markdown(text, heading=3)


@register.filter
def as_answer(text: str) -> SafeString:
    """A model's answer: what looks like a link is shown as written."""
    return render_located(text, heading=4).html


@register.simple_tag
def answer_chips(answers: Mapping[str, Any], differing: Sequence[str] = ()) -> list[Chip]:
    """Answers in the order of the rubric; those not judged say so."""
    kind: Kind = "pairs" if "better" in answers else "items" if "realistic" in answers else "rubric"
    chips = []
    for name, choices in answer_choices(kind).items():
        value = answers.get(name)
        words = {str(given): text for given, text in choices}
        known: Any = int(value) if isinstance(value, bool) else value
        text = words.get(str(known), gettext_lazy("not judged"))
        tone = "plain" if known is None or kind == "pairs" else _tone(name, known)
        chips.append(Chip(name, criterion_code(name), criterion_name(name), text, tone, name in differing))
    return chips


def _tone(name: str, value: int) -> str:
    if name in ("r1", "r2"):
        return "jade" if value == 0 else "risk"
    return FAILING[value]


@register.filter
def value_name(value: float, criterion: str) -> str | Promise:
    """A value of a criterion in words, such as "not met"; of a pair the task's own first and second."""
    if criterion == "better":
        return {-1: _("the first"), 0: _("neither"), 1: _("the second")}[int(value)]
    kind: Kind = "items" if criterion not in ("r1", "r2", "q1", "q2", "q3", "q4") else "rubric"
    return dict(answer_choices(kind)[criterion])[int(value)]


@register.simple_tag
def agreement_bar(found: Figure, chance_corrected: bool = True) -> SafeString:
    """A figure with its interval: from -1 to 1 for those corrected for chance, else from 0 to 1."""
    assert found.value is not None
    if found.low is None or found.high is None:
        label = _("%(value)s, no interval") % {"value": figure(found.value, 2)}
    else:
        label = interval_words(figure(found.value, 2), figure(found.low, 2), figure(found.high, 2))
    domain = SIGNED if chance_corrected else charts.UNIT
    drawn = charts.interval_bar(found.value, found.low, found.high, domain, label, mark=MARK)
    return mark_safe(drawn)  # noqa: S308 - numbers and an escaped label


@register.simple_tag
def record_bar(value: float, low: float | None, high: float | None) -> SafeString:
    """A share in [0, 1] with its interval."""
    return agreement_bar(Figure(value, low, high, None), chance_corrected=False)


@register.simple_tag
def day_columns(days: Sequence[Day], label: str) -> SafeString:
    """Labels by day, at most the newest MOST_DAYS; days without a label stand empty between the others."""
    if not days:
        return mark_safe("")
    counts = {day.date: day.labels for day in days}
    last = days[-1].date
    span = min((last - days[0].date).days + 1, MOST_DAYS)
    dates = [last - timedelta(days=back) for back in range(span - 1, -1, -1)]
    return _columns([charts.Column(f"{date:%m-%d}", counts.get(date, 0)) for date in dates], label)


@register.simple_tag
def time_columns(times: Times, label: str) -> SafeString:
    """Labels by the time they took."""
    return _columns(
        [charts.Column(name, count) for name, count in zip(time_names(), times.counts, strict=True)], label
    )


@register.simple_tag
def time_rows(times: Times) -> list[tuple[str, int]]:
    return list(zip(time_names(), times.counts, strict=True))


def time_names() -> list[str]:
    """What stands under the columns of `Times.counts`: seconds up to a minute, then minutes."""
    names = [_("<%(bound)s s") % {"bound": TIME_BOUNDS[0]}]
    for low, high in pairwise(TIME_BOUNDS):
        if high <= 60:
            names.append(_("%(low)s–%(high)s s") % {"low": low, "high": high})
        else:
            names.append(_("%(low)s–%(high)s min") % {"low": low // 60, "high": high // 60})
    return [*names, _(">%(bound)s min") % {"bound": TIME_BOUNDS[-1] // 60}]


def _columns(columns: Sequence[charts.Column], label: str) -> SafeString:
    return mark_safe(charts.column_chart(columns, label))  # noqa: S308 - every text is escaped where it is drawn


@register.simple_tag
def agreement_cell(found: RecordFigure) -> SafeString:
    """A cell of the experts' heat map: the share in words and colour, n and interval in its title."""
    if found.refused or found.agreement is None:
        few = _("%(n)s tasks, too few") % {"n": found.tasks}
        return format_html('<td class="heat-none" title="{}">–</td>', few)
    words = _("%(n)s comparisons") % {"n": found.n}
    if found.low is not None and found.high is not None:
        words += _(", 95%% interval %(low)s to %(high)s") % {
            "low": percent(found.low, 0),
            "high": percent(found.high, 0),
        }
    step = charts.heat_step(found.agreement)
    return format_html('<td class="heat-{}" title="{}">{}</td>', step, words, percent(found.agreement, 0))


@register.filter
def reference_name(against: str) -> Promise | str:
    return REFERENCES.get(against, against)


@register.filter
def stratum_name(stratum: str) -> Promise | str:
    return STRATA.get(stratum, stratum)


@register.filter
def skip_reason(reason: str) -> Any:
    return dict(Skip.Reason.choices).get(reason, reason)


@register.filter
def probability_range(row: Stratum) -> str | Promise:
    """The chance with which a task of the stratum got its place; None means that a score chose it."""
    if row.probability_low is None or row.probability_high is None:
        return _("chosen by score, not at random") if row.stratum == "priority" else "–"
    low, high = f"{row.probability_low:.4g}", f"{row.probability_high:.4g}"
    return low if low == high else f"{low} – {high}"


@register.filter
def explanation(task: Task) -> str:
    return in_language(task.explanation_zh, task.explanation_en)


@register.simple_tag
def marked_answer(text: str, passages: Sequence[Passage]) -> SafeString:
    """A model's answer with what the experts marked, each passage followed by who marked it for what.

    Amber where only quality is at stake, red where a risk criterion is. Without passages as `as_answer`.
    """
    located = render_located(text, heading=4)
    if not passages:
        return located.html
    runs = {run.start: run.text for run in located.runs}

    def cut(match: re.Match[str]) -> str:
        start = int(match[1])
        return f'<span data-at="{start}">{_with_marks(start, runs[start], passages)}</span>'

    return mark_safe(_RUN.sub(cut, located.html))  # noqa: S308 - pieces of the source, escaped one by one


def _with_marks(start: int, text: str, passages: Sequence[Passage]) -> str:
    parts, at = [], start
    end = start + len(text)
    for passage in passages:
        first, last = max(passage.start, at), min(passage.end, end)
        if first >= last:
            continue
        parts.append(escape(text[at - start : first - start]))
        risk = any(name in ("r1", "r2") for _number, name in passage.by)
        tone = "" if risk else ' class="amber"'
        parts.append(f"<mark{tone}>{escape(text[first - start : last - start])}</mark>")
        if last == passage.end:
            who = " ".join(f"{expert_letter(number)}·{criterion_code(name)}" for number, name in passage.by)
            parts.append(f'<sup class="by">{escape(who)}</sup>')
        at = last
    parts.append(escape(text[at - start :]))
    return "".join(parts)


@register.filter
def seconds(value: float | None) -> str:
    """A stretch of time such as "48 s" or "2 min 05 s"; a dash for None."""
    if value is None:
        return "–"
    whole = round(value)
    if whole < 60:
        return _("%(seconds)s s") % {"seconds": whole}
    return _("%(minutes)s min %(seconds)s s") % {"minutes": whole // 60, "seconds": f"{whole % 60:02}"}


@register.filter
def quoted(text: str, spans: Sequence[Sequence[int]]) -> list[str]:
    """The passages of a text that lie at `spans`, in characters."""
    return [text[start:end] for start, end in spans]
