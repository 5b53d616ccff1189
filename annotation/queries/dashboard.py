"""What a campaign's page lists beside its figures. Every query is bounded, whatever the campaign's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import Campaign, CampaignFigures, Flag, Label, Membership, Ruling, Task
from annotation.queries.figures import Figures, MemberCounts, from_json, is_large, is_readable, kind_of
from annotation.queries.progress import CampaignProgress, campaign_progress
from annotation.rules.divisive import DividedTask
from annotation.rules.expert_record import AGAINST, Against, RecordFigure
from benchmark.models import Item, Response
from benchmark.models import Kind as ItemKind

FLAGS_SHOWN = 20
RULINGS_SHOWN = 30
MEMBERS_SHOWN = 200
NOTHING = MemberCounts(0, 0, "")


@dataclass(frozen=True, slots=True)
class MemberRow:
    membership: Membership
    counts: MemberCounts


@dataclass(frozen=True, slots=True)
class DividedRow:
    """A task that divides the experts; `labels` are (pseudonym, answers), newest versions."""

    task: Task
    figures: DividedTask
    labels: tuple[tuple[str, dict[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class RecordTable:
    """All experts against one reference: a row for each with its figures in the order of the criteria."""

    against: Against
    rows: tuple[tuple[str, tuple[RecordFigure, ...]], ...]


def member_rows(campaign: Campaign, figures: Figures | None) -> list[MemberRow]:
    """At most MEMBERS_SHOWN, by pseudonym."""
    members = campaign.memberships.select_related("expert").order_by("pseudonym")[:MEMBERS_SHOWN]
    counts = figures.members if figures else {}
    return [MemberRow(member, counts.get(member.expert_id, NOTHING)) for member in members]


def divided_rows(campaign: Campaign, divided: Sequence[DividedTask]) -> list[DividedRow]:
    """With their labels as they are now; tasks that are gone are left out."""
    ids = [int(row.task) for row in divided]
    tasks = Task.objects.filter(campaign=campaign, pk__in=ids).select_related("item").in_bulk()
    people = dict(campaign.memberships.values_list("expert_id", "pseudonym"))
    labels: dict[int, list[tuple[str, dict[str, Any]]]] = {}
    for label in Label.objects.filter(task__in=ids, current=True, blind=True, extra=False).order_by("pk"):
        labels.setdefault(label.task_id, []).append((people.get(label.expert_id, "–"), label.said))
    return [
        DividedRow(tasks[pk], row, tuple(labels.get(pk, ())))
        for pk, row in zip(ids, divided, strict=True)
        if pk in tasks
    ]


def record_tables(campaign: Campaign, figures: Figures) -> list[RecordTable]:
    """References with at least one figure; criteria that the campaign does not ask for are not there."""
    people = dict(
        campaign.memberships.order_by("pseudonym").values_list("expert_id", "pseudonym")[:MEMBERS_SHOWN]
    )
    tables = []
    for against in AGAINST:
        rows = tuple(
            (name, tuple(figure for figure in figures.records[expert] if figure.against == against))
            for expert, name in people.items()
            if expert in figures.records
        )
        if any(not figure.refused for _name, found in rows for figure in found):
            tables.append(RecordTable(against, rows))
    return tables


def open_flags(campaign: Campaign) -> tuple[list[Flag], int]:
    """The oldest that wait, at most FLAGS_SHOWN, and how many there are in all."""
    flags = Flag.objects.filter(task__campaign=campaign, resolved_at=None)
    return list(flags.select_related("task__item").order_by("pk")[:FLAGS_SHOWN]), flags.count()


def gold_candidates(campaign: Campaign) -> QuerySet[Ruling]:
    """Rulings with answers, of other campaigns of this kind and version, that are not gold here yet."""
    kind = kind_of(campaign)
    kinds = (Campaign.Kind.RESPONSES, Campaign.Kind.GUARDIAN) if kind == "rubric" else (campaign.kind,)
    gold = Task.objects.filter(campaign=campaign).exclude(purpose=Task.Purpose.REAL)
    if kind == "items":
        here = gold.filter(item=OuterRef("task__item"))
    elif kind == "pairs":
        here = gold.filter(response=OuterRef("task__response"), other=OuterRef("task__other"))
    else:
        here = gold.filter(response=OuterRef("task__response"))
    found = Ruling.objects.filter(
        ~Exists(here),
        answers__isnull=False,
        task__campaign__kind__in=kinds,
        task__campaign__version=campaign.version_id,
    )
    related = found.exclude(task__campaign=campaign).select_related(
        "task__item", "task__response", "task__other"
    )
    return related.order_by("-pk")


def gold_items(campaign: Campaign, words: str) -> QuerySet[Item]:
    """Items that a gold task of this campaign can be about, found by id or by words of the question."""
    items = Item.objects.filter(version=campaign.version_id).select_related("scenario")
    if campaign.kind != Campaign.Kind.ITEMS:
        items = items.filter(kind=ItemKind.SUBJECTIVE)
    words = words.replace("\0", "").strip()
    if words:
        items = items.filter(code__iexact=words) | items.filter(question__icontains=words)
    return items.order_by("kind", "number")


def replies_to(item: Item, submissions: Sequence[int]) -> QuerySet[Response]:
    found = Response.objects.filter(item=item, submission__in=submissions).exclude(text="")
    return found.select_related("submission__entry").order_by("submission__entry__name", "pk")


def stored_figures(campaign: Campaign) -> tuple[CampaignFigures, Figures] | None:
    """What was computed last, however old; None where nothing was, or in a form of the past."""
    kept = CampaignFigures.objects.filter(campaign=campaign).first()
    if kept is None or not is_readable(kept.watermark):
        return None
    return kept, from_json(kept.content)


def listed_progress(campaigns: Sequence[Campaign]) -> list[tuple[Campaign, CampaignProgress]]:
    """Of small campaigns as it is now, of large ones as it was when their figures were computed."""
    stored = {row.campaign_id: row for row in CampaignFigures.objects.filter(campaign__in=campaigns)}
    rows = []
    for campaign in campaigns:
        kept = stored.get(campaign.pk)
        if kept is not None and is_readable(kept.watermark) and is_large(campaign):
            rows.append((campaign, CampaignProgress(**kept.content["progress"])))
        else:
            rows.append((campaign, campaign_progress(campaign)))
    return rows
