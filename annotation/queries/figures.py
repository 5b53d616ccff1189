"""All that is counted and estimated about a campaign, in one pass, and the way to store it as JSON and back.

Costs grow with the labels (`bench`: docs/performance.md), so pages compute it only for small campaigns; for
others a job does (annotation.tasks) and pages read what it stored.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from statistics import median, quantiles
from typing import Any

from django.db.models import Count, Max, Min
from django.utils import timezone

from annotation.models import Campaign, Label, Ruling, Skip, SlotEvent, Task
from annotation.names import criteria_of
from annotation.queries.facts import gold_values, label_facts, ruled_values
from annotation.queries.progress import CampaignProgress, Day, campaign_progress, labels_by_day
from annotation.rules.agreement_report import NAMES, AgreementReport, Figure, agreement_report
from annotation.rules.answers import Kind
from annotation.rules.blind_labels import LabelFact, TaskId, Values, first_blind_pairs
from annotation.rules.divisive import RISK_CRITERIA, WEIGHTS, DividedTask, most_divisive
from annotation.rules.expert_record import RecordFigure, expert_record, expert_records

DIVIDED_SHOWN = 10
TIMED_LABELS = 5000
TIME_BOUNDS = (15, 30, 60, 120, 300, 600)  # seconds; a label of exactly 15 s belongs to the second column
CATEGORIES = {"r1": (-1.0, 0.0), "r2": (-1.0, 0.0), "better": (-1.0, 0.0, 1.0)}  # of others 0 and 1
SCHEMA = 1  # of the stored content; raise it when Figures changes, and what is stored is computed again
SMALL_LABELS = 2000  # up to so many stored labels a page computes the figures itself


@dataclass(frozen=True, slots=True)
class Trust:
    """Agreement per criterion, in the order of the rubric, from `labels` first blind labels on `tasks` tasks.

    `left_out`: how many stored labels were not used, by reason (annotation.rules.blind_labels.Reason).
    """

    labels: int
    tasks: int
    left_out: dict[str, int]
    criteria: list[tuple[str, AgreementReport]]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of the newest `n` labels whose time the page measured: median, quartiles, and columns between
    TIME_BOUNDS (one more than there are bounds)."""

    n: int
    median: float
    low: float
    high: float
    counts: list[int]


@dataclass(frozen=True, slots=True)
class Stratum:
    """Real tasks of one stratum: `placed` of `drawn` got seats. Probabilities are None where a score chose.

    `answered`: agreed, disputed or ruled. `given_up`: ended without the labels it needed (non-response).
    """

    stratum: str
    drawn: int
    placed: int
    probability_low: float | None
    probability_high: float | None
    answered: int
    given_up: int


@dataclass(frozen=True, slots=True)
class MemberCounts:
    """Of one expert: first labels, skips, and when the last label came (ISO, UTC; "" for never)."""

    labels: int
    skips: int
    last: str

    @property
    def last_at(self) -> datetime | None:
        return datetime.fromisoformat(self.last) if self.last else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything; `members` and `records` by expert id. `gold` counts tasks by purpose, `skips` by reason."""

    progress: CampaignProgress
    days: list[Day]
    times: Times | None
    trust: Trust
    divided: list[DividedTask]
    records: dict[int, list[RecordFigure]]
    strata: list[Stratum]
    skips: dict[str, int]
    members: dict[int, MemberCounts]
    gold: dict[str, int]


def kind_of(campaign: Campaign) -> Kind:
    if campaign.uses_rubric:
        return "rubric"
    return "items" if campaign.kind == Campaign.Kind.ITEMS else "pairs"


def is_large(campaign: Campaign) -> bool:
    """Whether the labels are too many to be read while somebody waits. Costs the same for any campaign."""
    return Label.objects.filter(campaign=campaign)[: SMALL_LABELS + 1].count() > SMALL_LABELS


def figures_watermark(campaign: Campaign) -> str:
    """Changes whenever the figures may have: four looks at the end of an index, whatever the size.

    Every act of an expert leaves an event. Other campaigns move it too; then figures are computed in vain.
    """
    marks = [
        model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        for model in (SlotEvent, Ruling, Task)
    ]
    return ":".join(str(mark) for mark in (SCHEMA, *marks, campaign.state))


def is_readable(watermark: str) -> bool:
    """Whether content stored under this watermark has the present form."""
    return watermark.startswith(f"{SCHEMA}:")


def compute_figures(campaign: Campaign) -> Figures:
    """Reads every label of the campaign. On PostgreSQL call it in a snapshot if it must be of one moment."""
    criteria = criteria_of(kind_of(campaign))
    facts = list(label_facts(campaign))
    clusters = _clusters(campaign)
    slots = campaign.first_experts
    records = expert_records(
        facts,
        criteria=criteria,
        gold=gold_values(campaign),
        rulings=ruled_values(campaign),
        clusters=clusters,
        slots=slots,
    )
    return Figures(
        progress=campaign_progress(campaign),
        days=labels_by_day(campaign),
        times=label_times(campaign),
        trust=_trust(facts, criteria, clusters, slots),
        divided=_divided(facts, criteria),
        records={int(record.expert): list(record.figures) for record in records},
        strata=_strata(campaign),
        skips=_skips(campaign),
        members=_members(campaign),
        gold=dict(
            Task.objects.filter(campaign=campaign)
            .exclude(purpose=Task.Purpose.REAL)
            .order_by()
            .values_list("purpose")
            .annotate(n=Count("pk"))
        ),
    )


def record_of(campaign: Campaign, expert: Any) -> list[RecordFigure]:
    """One expert's figures, computed now from the labels on the tasks they labelled."""
    record = expert_record(
        expert.pk,
        label_facts(campaign, beside=expert),
        criteria=criteria_of(kind_of(campaign)),
        gold=gold_values(campaign),
        rulings=ruled_values(campaign),
        clusters=_clusters(campaign),
        slots=campaign.first_experts,
    )
    return list(record.figures)


def _clusters(campaign: Campaign) -> dict[TaskId, Hashable]:
    """Norm group, or question text, of every task that has a label: what is not independent."""
    labelled = Label.objects.filter(campaign=campaign).values("task")
    return dict(Task.objects.filter(pk__in=labelled).values_list("pk", "item__cluster"))


def _trust(
    facts: Iterable[LabelFact], criteria: Iterable[str], clusters: Mapping[TaskId, Hashable], slots: int
) -> Trust:
    first = first_blind_pairs(facts, slots=max(slots, 1))
    groups = [clusters[task] for task in first.tasks]
    reports = []
    for name in criteria:
        matrix = first.matrix(name)
        positive = -1.0 if name in RISK_CRITERIA else None
        report = agreement_report(
            matrix, clusters=groups, categories=CATEGORIES.get(name, (0.0, 1.0)), positive=positive
        )
        reports.append((name, report))
    left_out = {str(reason): count for reason, count in first.left_out.items()}
    return Trust(len(first.labels), len(first.tasks), left_out, reports)


def _divided(facts: Iterable[LabelFact], criteria: Iterable[str]) -> list[DividedTask]:
    """From the newest blind version of each label, third labels included: this ranks tasks, it measures nobody."""
    newest: dict[tuple[TaskId, Any], LabelFact] = {}
    for fact in facts:
        if fact.blind and not fact.extra and not fact.gold:
            known = newest.get((fact.task, fact.expert))
            if known is None or known.revision < fact.revision:
                newest[fact.task, fact.expert] = fact
    by_task: dict[TaskId, list[Values]] = {}
    for (task, _expert), fact in newest.items():
        by_task.setdefault(task, []).append(fact.values)
    names = list(criteria)
    weights = WEIGHTS if set(names) == set(WEIGHTS) else dict.fromkeys(names, 1.0)
    risks = RISK_CRITERIA & set(names)
    return list(most_divisive(by_task, weights=weights, risk_criteria=risks, limit=DIVIDED_SHOWN))


def label_times(campaign: Campaign) -> Times | None:
    timed = Label.objects.filter(
        campaign=campaign, revision=0, blind=True, undone_at=None, duration_ms__isnull=False
    )
    seconds = [
        ms / 1000 for ms in timed.order_by("-pk").values_list("duration_ms", flat=True)[:TIMED_LABELS] if ms
    ]
    if not seconds:
        return None
    low, _middle, high = quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else seconds * 3
    counts = [0] * (len(TIME_BOUNDS) + 1)
    for value in seconds:
        counts[sum(value >= bound for bound in TIME_BOUNDS)] += 1
    return Times(len(seconds), median(seconds), low, high, counts)


def _strata(campaign: Campaign) -> list[Stratum]:
    rows = (
        Task.objects.filter(campaign=campaign, purpose=Task.Purpose.REAL)
        .order_by()
        .values("stratum", "state")
        .annotate(n=Count("pk"), low=Min("inclusion_probability"), high=Max("inclusion_probability"))
    )
    seated = dict(
        Task.objects.filter(campaign=campaign, purpose=Task.Purpose.REAL, wanted__gt=0)
        .order_by()
        .values_list("stratum")
        .annotate(n=Count("pk"))
    )
    by_stratum: dict[str, list[Any]] = {}
    for row in rows:
        by_stratum.setdefault(row["stratum"], []).append(row)
    done = (Task.State.AGREED, Task.State.DISPUTED, Task.State.RULED)
    found = []
    for name in Task.Stratum.values:
        if name in by_stratum:
            part = by_stratum[name]
            given_up = sum(row["n"] for row in part if row["state"] == Task.State.EXHAUSTED)
            found.append(
                Stratum(
                    stratum=name,
                    drawn=sum(row["n"] for row in part),
                    placed=seated.get(name, 0),
                    probability_low=min((row["low"] for row in part if row["low"] is not None), default=None),
                    probability_high=max(
                        (row["high"] for row in part if row["high"] is not None), default=None
                    ),
                    answered=sum(row["n"] for row in part if row["state"] in done),
                    given_up=given_up,
                )
            )
    return found


def _skips(campaign: Campaign) -> dict[str, int]:
    found = Skip.objects.filter(task__campaign=campaign).order_by().values_list("reason")
    return dict(found.annotate(n=Count("pk")).order_by("-n", "reason"))


def _members(campaign: Campaign) -> dict[int, MemberCounts]:
    labels = (
        Label.objects.filter(campaign=campaign, revision=0, blind=True, undone_at=None)
        .order_by()
        .values_list("expert")
        .annotate(n=Count("pk"), last=Max("submitted_at"))
    )
    skips = dict(
        Skip.objects.filter(task__campaign=campaign).order_by().values_list("expert").annotate(n=Count("pk"))
    )
    counted = {expert: (n, last) for expert, n, last in labels}
    return {
        expert: MemberCounts(
            labels=counted.get(expert, (0, None))[0],
            skips=skips.get(expert, 0),
            last=_iso(counted.get(expert, (0, None))[1]),
        )
        for expert in {*counted, *skips}
    }


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(timezone.get_default_timezone()).isoformat()


def to_json(figures: Figures) -> dict[str, Any]:
    """Plain lists, numbers and words; `from_json` gives an equal object back."""
    content = asdict(figures)
    for day in content["days"]:
        day["date"] = day["date"].isoformat()
    return content


def from_json(content: Mapping[str, Any]) -> Figures:
    trust, times = content["trust"], content["times"]
    days = [Day(**{**day, "date": date.fromisoformat(day["date"])}) for day in content["days"]]
    return Figures(
        progress=CampaignProgress(**content["progress"]),
        days=days,
        times=None if times is None else Times(**times),
        trust=Trust(**{**trust, "criteria": [(name, _report(row)) for name, row in trust["criteria"]]}),
        divided=[DividedTask(**row) for row in content["divided"]],
        records={
            int(expert): [RecordFigure(**row) for row in rows] for expert, rows in content["records"].items()
        },
        strata=[Stratum(**row) for row in content["strata"]],
        skips=dict(content["skips"]),
        members={int(expert): MemberCounts(**row) for expert, row in content["members"].items()},
        gold=dict(content["gold"]),
    )


def _report(row: Mapping[str, Any]) -> AgreementReport:
    figures: dict[str, Any] = {name: Figure(**row[name]) for name in NAMES}
    return AgreementReport(**{**row, **figures, "meaningful": tuple(row["meaningful"])})
