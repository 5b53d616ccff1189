"""Scores a submission: reads each response once, keeps what was found, sums up into board rows.

Every batch is written in a fenced transaction and no response is read twice by the same scorer, so an
evaluation that stops midway is taken up where it stopped, and one that runs twice changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
from django.db.models import Exists, OuterRef
from django.utils import timezone

from benchmark.models import Board, Extraction, Item, Kind, Response, Score, Scorer, Submission
from benchmark.queries.vectors import BoardItems, board_items
from benchmark.rules.account import by_group, objective_summary
from benchmark.rules.extraction import Outcome, extract, is_right
from benchmark.services.boards import (
    board_for,
    current_extractor,
    designate_open_scores,
    store_vector,
)
from medes_site.kit.jobs.context import JobContext

BATCH = 500


def evaluate_submission(context: JobContext) -> list[int]:
    """Extracts, scores and stores; returns the ids of the boards whose ranks must be refreshed."""
    submission = Submission.objects.select_related("version", "entry").get(pk=context.subject_id)
    scorer = current_extractor()
    _extract_all(context, submission, scorer)
    touched: list[int] = []
    splits = (
        Item.objects.filter(responses__submission=submission, kind=Kind.OBJECTIVE)
        .values_list("split", flat=True)
        .distinct()
    )
    for split in sorted(set(splits)):
        items = board_items(submission.version, Kind.OBJECTIVE, split)
        with context.fenced():
            board = board_for(submission.version, Kind.OBJECTIVE, split, scorer)
            _store_objective_score(board, submission, items)
    with context.fenced():
        submission.evaluated_at = timezone.now()
        submission.save(update_fields=["evaluated_at"])
        # Locked, because a reviewer may publish at this very moment.
        state = Submission.objects.select_for_update().values_list("state", flat=True).get(pk=submission.pk)
        if state == Submission.State.PUBLIC:
            touched = designate_open_scores(submission)
    return touched


def _extract_all(context: JobContext, submission: Submission, scorer: Scorer) -> None:
    """Reads the responses this scorer has not read yet, a batch a transaction."""
    objective = submission.responses.filter(item__kind=Kind.OBJECTIVE)
    total = objective.count()
    done = Extraction.objects.filter(response__submission=submission, scorer=scorer).count()
    context.progress(done, total, "extracting")
    for batch in _unread_batches(submission, scorer):
        found = []
        for pk, text, cut_off, options, key in batch:
            answer = extract(text, "".join(option["letter"] for option in options), cut_off=cut_off)
            found.append(
                Extraction(
                    response_id=pk,
                    scorer=scorer,
                    outcome=answer.outcome.value,
                    letters=answer.letters,
                    right=answer.outcome is Outcome.SCORED and is_right(answer.letters, key),
                    start=answer.start,
                    end=answer.end,
                )
            )
        with context.fenced():
            Extraction.objects.bulk_create(found, ignore_conflicts=True)
        done += len(batch)
        context.progress(done, total, "extracting")


def _unread_batches(submission: Submission, scorer: Scorer) -> Iterator[list[tuple]]:
    """Batches of (response id, text, cut off, options, key) in id order; each looks past the last id."""
    read = Extraction.objects.filter(response=OuterRef("pk"), scorer=scorer)
    unread = (
        Response.objects.filter(~Exists(read), submission=submission, item__kind=Kind.OBJECTIVE)
        .order_by("pk")
        .values_list("pk", "text", "cut_off", "item__options", "item__answer_key__letters")
    )
    last = 0
    while batch := list(unread.filter(pk__gt=last)[:BATCH]):
        yield batch
        last = batch[-1][0]


def _store_objective_score(board: Board, submission: Submission, items: BoardItems) -> Score:
    """One row of the board. An item without a response counts as no reply, and as wrong."""
    outcomes = [Outcome.NO_REPLY.value] * len(items.ids)
    right = np.zeros(len(items.ids))
    found = Extraction.objects.filter(
        response__submission=submission, response__item__split=board.split, scorer=board.scorer_id
    ).values_list("response__item_id", "outcome", "right")
    for item, outcome, is_correct in found.iterator(chunk_size=5000):
        place = items.index[item]
        outcomes[place] = outcome
        right[place] = is_correct
    summary = objective_summary(outcomes, right, items.clusters)
    interval = summary.interval
    score, _created = Score.objects.update_or_create(
        board=board,
        submission=submission,
        defaults={
            "entry": submission.entry,
            "n": summary.n,
            "scored": summary.scored,
            "missing": summary.missing,
            "right": summary.right,
            "value": summary.accuracy or 0.0,
            "answered_accuracy": summary.answered_accuracy,
            "se": interval.se,
            "ci_low": interval.low,
            "ci_high": interval.high,
            "interval_method": interval.method,
            "clusters": interval.clusters,
            "account": asdict(summary.account),
            "by_scenario": _groups(items.scenarios, outcomes, right, items.clusters),
            "by_dimension": _groups(items.dimensions, outcomes, right, items.clusters),
        },
    )
    store_vector(score, right)
    return score


def _groups(
    labels: tuple[str, ...], outcomes: list[str], values: np.ndarray, clusters: np.ndarray
) -> dict[str, dict]:
    """`scored`: how many of the group's `n` items were answered (queries/disclosure.py asks)."""
    scored = Counter(
        label for label, outcome in zip(labels, outcomes, strict=True) if outcome == Outcome.SCORED.value
    )
    return {
        label: {
            "n": estimate.n,
            "scored": scored[label],
            "mean": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
        }
        for label, estimate in by_group(labels, values, clusters).items()
    }
