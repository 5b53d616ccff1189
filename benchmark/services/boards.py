"""Boards: who has which score, who stands on the board, and the rank intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from benchmark.errors import NotAllowed, WrongState
from benchmark.models import BenchmarkVersion, Board, Score, Scorer, ScoreVector, Split, Submission
from benchmark.policies import can_manage_submission
from benchmark.queries.vectors import VECTOR_TYPE, board_items, read_vectors
from benchmark.rules.extraction import EXTRACTOR_NAME, EXTRACTOR_VERSION
from benchmark.rules.ranks import rank_intervals


def board_slug(kind: str, split: str) -> str:
    """`objective` for the public split, `objective-dev`, `objective-hidden`; the same for `subjective`."""
    return kind if split == Split.PUBLIC else f"{kind}-{split}"


def current_extractor() -> Scorer:
    scorer, _created = Scorer.objects.get_or_create(
        name=EXTRACTOR_NAME, version=EXTRACTOR_VERSION, defaults={"type": Scorer.Type.EXTRACTOR}
    )
    return scorer


def board_for(version: BenchmarkVersion, kind: str, split: str, scorer: Scorer) -> Board:
    """The board of this scorer, made on first use.

    The plain address belongs to the scorer that came first; a later scorer's board carries its version
    in the address until it replaces the older one.
    """
    known = Board.objects.filter(version=version, kind=kind, split=split, scorer=scorer).first()
    if known:
        return known
    slug = board_slug(kind, split)
    if Board.objects.filter(version=version, slug=slug).exists():
        slug = f"{slug}-{scorer.name}-{scorer.version}"[:60]
    board, _created = Board.objects.get_or_create(
        version=version, kind=kind, split=split, scorer=scorer, defaults={"slug": slug}
    )
    return board


def store_vector(score: Score, values: np.ndarray) -> None:
    """`values`: (items,) in board order, NaN for left out."""
    ScoreVector.objects.update_or_create(
        score=score, defaults={"values": np.asarray(values, dtype=VECTOR_TYPE).tobytes()}
    )


def refresh_ranks(*, board_id: int) -> int:
    """Computes the rank intervals of the designated rows; returns how many there are.

    The board's row is locked, so two refreshes cannot interleave; rows that left the board lose their rank.
    """
    with transaction.atomic():
        board = Board.objects.select_for_update().select_related("version").get(pk=board_id)
        standing = list(
            board.scores.filter(designated=True, origin=Score.Origin.COMPUTED)
            .only("pk", "board_id")
            .order_by("pk")
        )
        board.scores.filter(designated=False).exclude(rank_low=None).update(rank_low=None, rank_high=None)
        Board.objects.filter(pk=board_id).update(ranks_stale=False)
        if not standing:
            return 0
        items = board_items(board.version, board.kind, board.split)
        ranks = rank_intervals(read_vectors(standing, len(items.ids)), items.clusters)
        for row, score in enumerate(standing):
            score.rank_low, score.rank_high = int(ranks.low[row]), int(ranks.high[row])
        Score.objects.bulk_update(standing, ["rank_low", "rank_high"], batch_size=500)
        return len(standing)


def lock_boards(boards: Iterable[int]) -> None:
    """Locks the boards in one order and marks their ranks stale; inside a transaction."""
    found = Board.objects.select_for_update().filter(pk__in=set(boards)).order_by("pk")
    Board.objects.filter(pk__in=[board.pk for board in found]).update(ranks_stale=True)


def designate_open_scores(submission: Submission) -> list[int]:
    """Puts a public submission on every board where its entry does not stand yet; returns the boards' ids.

    A row that stands already was scored anew, so its board is ranked again too. Inside a transaction.
    """
    scores = list(submission.scores.all())
    lock_boards(score.board_id for score in scores)
    touched = []
    for score in scores:
        others = Score.objects.filter(board=score.board_id, entry=score.entry_id, designated=True)
        if not others.exclude(pk=score.pk).exists():
            Score.objects.filter(pk=score.pk).update(designated=True)
            touched.append(score.board_id)
    return touched


@transaction.atomic
def designate_submission(*, actor: Any, submission: Submission) -> list[int]:
    """Lets this submission stand for its entry on its boards, instead of another; returns the boards' ids."""
    if not can_manage_submission(actor, submission):
        raise NotAllowed()
    boards = list(submission.scores.values_list("board_id", flat=True))
    lock_boards(boards)
    state = Submission.objects.select_for_update().values_list("state", flat=True).get(pk=submission.pk)
    if state != Submission.State.PUBLIC:
        raise WrongState(_("Only a public submission can stand on a board."))
    Score.objects.filter(board__in=boards, entry=submission.entry_id, designated=True).update(
        designated=False, rank_low=None, rank_high=None
    )
    Score.objects.filter(submission=submission).update(designated=True)
    return boards
