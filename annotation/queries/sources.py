"""What a campaign's tasks are drawn from, as one SELECT of (item, response, other) ids."""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Cast

from annotation.models import Campaign
from benchmark.models import Item, Norm, Response, Submission
from benchmark.models import Kind as ItemKind

_CLOSED = (Submission.State.REJECTED, Submission.State.WITHDRAWN)


def task_source(campaign: Campaign) -> tuple[str, tuple[Any, ...]]:
    """(statement, parameters) for `annotation.database.draw_tasks`. Its rows have a stable content, no order."""
    if campaign.kind == Campaign.Kind.ITEMS:
        nothing = Cast(Value(None), BigIntegerField())
        rows = _items(campaign).annotate(item_id=F("id"), response_id=nothing, other_id=nothing)
        return _statement(rows.order_by().values("item_id", "response_id", "other_id"))
    statement, parameters = _statement(
        _responses(campaign).order_by().values("item_id", "id", "submission__entry_id")
    )
    if campaign.kind != Campaign.Kind.PAIRS:
        return (
            f"WITH r(item_id, response_id, entry_id) AS ({statement}) "
            "SELECT item_id, response_id, CAST(NULL AS bigint) AS other_id FROM r",
            parameters,
        )
    return (
        f"WITH r(item_id, response_id, entry_id) AS ({statement}) "
        "SELECT a.item_id, a.response_id, b.response_id AS other_id FROM r a "
        "JOIN r b ON b.item_id = a.item_id AND b.entry_id > a.entry_id",
        parameters,
    )


def _items(campaign: Campaign) -> QuerySet[Item]:
    items = Item.objects.filter(version=campaign.version_id)
    if campaign.outdated_only:
        items = items.filter(norm__standing=Norm.Standing.OUTDATED)
    scenarios = list(campaign.scenarios.values_list("pk", flat=True))
    return items.filter(scenario__in=scenarios) if scenarios else items


def _responses(campaign: Campaign) -> QuerySet[Response]:
    """Replies to subjective items, one submission of each entry: the public one, else the newest in use."""
    items = _items(campaign).filter(kind=ItemKind.SUBJECTIVE)
    submissions = list(chosen_submissions(campaign))
    return Response.objects.filter(submission__in=submissions, item__in=items).exclude(text="")


def chosen_submissions(campaign: Campaign) -> list[int]:
    """One submission of every entry of the campaign: one that stands on a board, else the newest not closed."""
    replies = Response.objects.filter(submission=OuterRef("pk"), item__kind=ItemKind.SUBJECTIVE)
    found = (
        Submission.objects.filter(Exists(replies), version=campaign.version_id)
        .exclude(state__in=_CLOSED)
        .order_by("entry_id", "-id")
    )
    entries = list(campaign.entries.values_list("pk", flat=True))
    if entries:
        found = found.filter(entry__in=entries)
    chosen: dict[int, tuple[bool, int]] = {}
    for pk, entry, state in found.values_list("pk", "entry_id", "state"):
        public = state == Submission.State.PUBLIC
        if entry not in chosen or (public and not chosen[entry][0]):
            chosen[entry] = (public, pk)
    return sorted(pk for _public, pk in chosen.values())


def _statement(rows: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    statement, parameters = rows.query.sql_with_params()
    return statement, tuple(parameters)
