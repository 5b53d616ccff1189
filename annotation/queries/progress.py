"""How far one expert is today, and the campaign as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.db.models import Avg, Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from annotation.models import Campaign, Label, Task


@dataclass(frozen=True, slots=True)
class ExpertProgress:
    """Labels (first versions, not undone) of one expert: today in site time, in all; `goal` of a day."""

    today: int
    goal: int
    total: int


@dataclass(frozen=True, slots=True)
class CampaignProgress:
    """Real tasks by state, `decided` = agreed + ruled; first labels that count, and those still wanted."""

    tasks: int
    by_state: dict[str, int]
    decided: int
    labels: int
    wanted: int

    @property
    def share(self) -> float:
        """Decided or given up, of all tasks in the queue, in [0, 1]."""
        return (self.decided + self.by_state.get("exhausted", 0)) / self.tasks if self.tasks else 0.0


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the site's calendar: labels given, and the mean seconds of those whose time is known."""

    date: Any
    labels: int
    seconds: float | None


def expert_progress(*, user: Any, campaign: Campaign) -> ExpertProgress:
    first = Label.objects.filter(campaign=campaign, expert=user, revision=0, blind=True, undone_at=None)
    midnight = timezone.make_aware(datetime.combine(timezone.localdate(), time.min))
    counts = first.aggregate(total=Count("pk"), today=Count("pk", filter=Q(submitted_at__gte=midnight)))
    return ExpertProgress(today=counts["today"], goal=campaign.daily_goal, total=counts["total"])


def campaign_progress(campaign: Campaign) -> CampaignProgress:
    """Tasks beyond the size limit, which got no seats, are not counted."""
    rows = (
        Task.objects.filter(campaign=campaign, purpose="real", wanted__gt=0)
        .order_by()
        .values("state")
        .annotate(n=Count("pk"))
    )
    by_state = {row["state"]: row["n"] for row in rows}
    exhausted = Task.objects.filter(campaign=campaign, purpose="real", wanted=0, state="exhausted").count()
    if exhausted:
        by_state["exhausted"] = by_state.get("exhausted", 0) + exhausted
    labels = Label.objects.filter(
        campaign=campaign, current=True, blind=True, extra=False, task__purpose="real"
    ).count()
    total = sum(by_state.values())
    decided = by_state.get("agreed", 0) + by_state.get("ruled", 0)
    missing = by_state.get("open", 0) * campaign.first_experts
    return CampaignProgress(total, by_state, decided, labels, max(missing, 0))


def labels_by_day(campaign: Campaign) -> list[Day]:
    """Oldest day first; days without a label are absent."""
    rows = (
        Label.objects.filter(campaign=campaign, revision=0, blind=True, undone_at=None)
        .order_by()
        .annotate(day=TruncDate("submitted_at"))
        .values("day")
        .annotate(n=Count("pk"), ms=Avg("duration_ms"))
        .order_by("day")
    )
    return [Day(row["day"], row["n"], row["ms"] / 1000 if row["ms"] is not None else None) for row in rows]
