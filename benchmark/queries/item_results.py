"""Right or wrong, item by item, for whoever may see it: on `dev` everybody, on other splits researchers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, QuerySet

from benchmark.models import Board, Extraction, Item, Kind, Score, Submission
from benchmark.policies import can_see_item_results

PAGE_SIZE = 25
EXCERPT = 60
RIGHT, WRONG = "right", "wrong"
OUTCOMES = (RIGHT, WRONG, *(value for value in Extraction.Outcome.values if value != "scored"))


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The answer where it stands in the reply, up to 60 characters on either side; `cut_*`: there is more."""

    before: str
    answer: str
    after: str
    cut_before: bool
    cut_after: bool


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item: `outcome` is right, wrong, or why there is no answer; `start` counts characters from 1."""

    item: Item
    outcome: str
    letters: str
    key: str
    start: int | None
    excerpt: Excerpt | None
    text: str


def open_boards(user: Any, submission: Submission, scores: list[Score]) -> list[Board]:
    """The objective boards on which this reader may see each item's result."""
    return [
        score.board
        for score in scores
        if score.board.kind == Kind.OBJECTIVE
        and can_see_item_results(user, submission, Item(split=score.board.split))
    ]


def item_results_page(
    submission: Submission, board: Board, outcome: str, number: str | None
) -> tuple[Page, list[ItemResult]]:
    """A page of items in their order, and what became of them. The caller has asked `open_boards`."""
    items = _with_outcome(submission, board, outcome)
    page = Paginator(items, PAGE_SIZE).get_page(number)
    found = {
        row.response.item_id: row
        for row in Extraction.objects.filter(
            response__submission=submission, response__item__in=list(page), scorer=board.scorer_id
        ).select_related("response")
    }
    return page, [_result(item, found.get(item.pk)) for item in page]


def _with_outcome(submission: Submission, board: Board, outcome: str) -> QuerySet[Item]:
    items = (
        Item.objects.filter(version=board.version_id, kind=board.kind, split=board.split)
        .select_related("scenario", "answer_key", "version__benchmark")
        .order_by("number")
    )
    found = Extraction.objects.filter(
        response__submission=submission, response__item=OuterRef("pk"), scorer=board.scorer_id
    )
    if outcome == RIGHT:
        return items.filter(Exists(found.filter(right=True)))
    if outcome == WRONG:
        return items.filter(Exists(found.filter(right=False, outcome=Extraction.Outcome.SCORED)))
    if outcome == Extraction.Outcome.NO_REPLY:
        return items.filter(Exists(found.filter(outcome=outcome)) | ~Exists(found))
    if outcome in OUTCOMES:
        return items.filter(Exists(found.filter(outcome=outcome)))
    return items


def _result(item: Item, found: Extraction | None) -> ItemResult:
    key = item.answer_key.letters if hasattr(item, "answer_key") else ""
    if found is None:  # the file says nothing of this item
        return ItemResult(item, Extraction.Outcome.NO_REPLY.value, "", key, None, None, "")
    outcome = found.outcome
    if outcome == Extraction.Outcome.SCORED:
        outcome = RIGHT if found.right else WRONG
    text = found.response.text
    start = None if found.start is None else found.start + 1
    return ItemResult(item, outcome, found.letters, key, start, _excerpt(text, found.start, found.end), text)


def _excerpt(text: str, start: int | None, end: int | None) -> Excerpt | None:
    if start is None or end is None or not start < end <= len(text):
        return None
    before, after = max(0, start - EXCERPT), min(len(text), end + EXCERPT)
    return Excerpt(text[before:start], text[start:end], text[end:after], before > 0, after < len(text))
