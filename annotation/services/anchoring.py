"""The expert-anchored score: computed up here from blind labels, written down among the benchmark's scores.

The sample is that of the audit groups (a fixed share of all norm groups, chosen by hash) and of what a campaign
drew from their answers at random; benchmark.rules.ppi has the formula. Items without a norm belong to no group,
so they could never be drawn: the estimate is about the others. A blank answer is given to nobody, but what an
expert would say of it is known (-1): those of audit groups count as drawn and labelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation.queries.anchoring import Drawn, drawn_answers, newest_label, random_tasks
from benchmark.models import Board, Item, Kind, Response, Score, Scorer
from benchmark.queries.vectors import board_items, read_vectors
from benchmark.rules.ppi import Anchored, Answer, anchored_mean
from benchmark.rules.splits import AUDIT_SHARE
from benchmark.rules.subjective import NO_REPLY

METHOD = "ppi++"


def anchor_board(board: Board, *, again: bool = False) -> int:
    """Anchors the board's scores whose answers were drawn; returns how many rows were written.

    What was computed from the same labels and the same scores is left as it is, unless `again`.
    """
    if board.kind != Kind.SUBJECTIVE or board.frozen_at is not None:
        return 0
    label = newest_label(board)
    drawn = set(random_tasks(board).values_list("response__submission", flat=True).distinct())
    scores = [
        score
        for score in board.scores.filter(origin=Score.Origin.COMPUTED, submission__in=drawn)
        .select_related("board", "submission")
        .order_by("pk")
        if again or _basis(score, label) != {key: score.anchoring.get(key) for key in ("label", "score")}
    ]
    if not scores:
        return 0
    items = board_items(board.version, board.kind, board.split)
    grouped = Item.objects.filter(
        version=board.version_id, kind=board.kind, split=board.split, norm__isnull=False
    )
    audit = dict(grouped.values_list("pk", "norm__group__audit"))
    for score in scores:
        values = read_vectors([score], len(items.ids))[0]
        known = drawn_answers(score)
        rows = [
            _Row(item, cluster, scenario, float(value))
            for item, cluster, scenario, value in zip(
                items.ids, items.clusters.tolist(), items.scenarios, values, strict=True
            )
            if item in audit and value == value
        ]
        blank = _blank(score, [row.item for row in rows if audit[row.item]])
        _write(score, _estimate(rows, known, blank), known, _basis(score, label))
    return len(scores)


@dataclass(frozen=True, slots=True)
class _Row:
    item: int
    cluster: int
    scenario: str
    predicted: float


def _blank(score: Score, audited: Sequence[int]) -> set[int]:
    """Items of audit groups without a reply."""
    replies = Response.objects.filter(submission=score.submission_id, item__kind=Kind.SUBJECTIVE)
    answered = {item for item, text in replies.values_list("item_id", "text") if text.strip()}
    return set(audited) - answered


def anchor_everything() -> int:
    """Every board of a guardian that is not frozen; returns the number of rows written."""
    boards = Board.objects.filter(kind=Kind.SUBJECTIVE, scorer__type=Scorer.Type.GUARDIAN, frozen_at=None)
    return sum(anchor_board(board) for board in boards.select_related("version").order_by("pk"))


def _estimate(rows: Sequence[_Row], drawn: Mapping[int, Drawn], blank: set[int]) -> Anchored:
    """Answers drawn and not labelled are stood for by labelled ones of their scenario; of all, where one
    scenario has none."""
    asked = {row.scenario for row in rows if row.item in drawn}
    answered = {row.scenario for row in rows if row.item in drawn and drawn[row.item].labels}
    if not answered:
        return anchored_mean([Answer(row.cluster, row.predicted) for row in rows])
    return anchored_mean(
        [_answer(row, drawn.get(row.item), row.item in blank, asked == answered) for row in rows]
    )


def _answer(row: _Row, drawn: Drawn | None, blank: bool, by_scenario: bool) -> Answer:
    """Drawn in two steps: the norm group for the audit, then the answer by the campaign."""
    if blank:
        return Answer(row.cluster, row.predicted, AUDIT_SHARE, NO_REPLY, "no reply")
    if drawn is None:
        return Answer(row.cluster, row.predicted)
    name = row.scenario if by_scenario else ""
    return Answer(row.cluster, row.predicted, AUDIT_SHARE * drawn.probability, drawn.labelled, f"s:{name}")


def _basis(score: Score, label: int) -> dict[str, Any]:
    """What an anchored score was computed from."""
    return {"label": label, "score": score.computed_at.isoformat()}


@transaction.atomic
def _write(score: Score, found: Anchored, drawn: dict[int, Drawn], basis: dict[str, Any]) -> None:
    """Only while the score is the one that was read: another judging may have replaced it meanwhile."""
    Score.objects.filter(pk=score.pk, computed_at=score.computed_at).update(
        anchored=found.estimate,
        anchored_low=found.low,
        anchored_high=found.high,
        anchoring={
            **basis,
            "method": METHOD,
            "at": timezone.now().isoformat(),
            "se": found.se,
            "trust": found.trust,
            "guardian": found.plain,
            "labels_alone": found.classical,
            "n": found.n,
            "drawn": found.drawn,
            "labelled": found.labelled,
            "labels": sum(row.labels for row in drawn.values()),
            "clusters": found.clusters,
        },
    )
