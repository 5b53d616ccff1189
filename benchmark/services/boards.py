"""Boards: who has which score, who stands on the board, and the rank intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from benchmark.errors import NotAllowed, WrongState
from benchmark.models import (
    BenchmarkVersion,
    Board,
    Guardian,
    Score,
    Scorer,
    ScoreVector,
    Split,
    Submission,
)
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

    The plain address belongs to the active guardian, else to the scorer that came first; another scorer's board
    carries its version in the address until it replaces the older one. A guardian that was never promoted
    scores in the shadow and does not get the plain address, free or not.
    """
    known = Board.objects.filter(version=version, kind=kind, split=split, scorer=scorer).first()
    if known:
        return known
    slug = board_slug(kind, split)
    guardian = Guardian.objects.filter(scorer=scorer).first()
    shadow = guardian is not None and guardian.state != Guardian.State.ACTIVE
    if shadow or Board.objects.filter(version=version, slug=slug).exists():
        slug = own_slug(version, kind, split, scorer)
    board, _created = Board.objects.get_or_create(
        version=version, kind=kind, split=split, scorer=scorer, defaults={"slug": slug}
    )
    if guardian is not None and not shadow:
        make_current(board)
    return board


def own_slug(version: BenchmarkVersion, kind: str, split: str, scorer: Scorer) -> str:
    """An address that says whose board it is: `subjective-linear-1-2`."""
    stem = slugify(f"{board_slug(kind, split)}-{scorer.name}-{scorer.version}".replace(".", "-"))[:50]
    taken = Board.objects.filter(version=version, slug=stem).exclude(kind=kind, split=split, scorer=scorer)
    return f"{stem}-{scorer.pk}" if taken.exists() else stem


def make_current(board: Board) -> None:
    """Gives `board` the plain address of its kind and split; whoever had it moves. In one transaction.

    The board of an earlier guardian is frozen: it stays as it was, under its own address. A board of another
    type of scorer (scores as published) only moves.
    """
    slug = board_slug(board.kind, board.split)
    if board.slug == slug:
        return
    with transaction.atomic():
        former = (
            Board.objects.select_for_update(of=("self",))
            .select_related("scorer")
            .filter(version=board.version_id, slug=slug)
            .exclude(pk=board.pk)
            .first()
        )
        if former is not None:
            former.slug = own_slug(board.version, former.kind, former.split, former.scorer)
            if former.scorer.type == Scorer.Type.GUARDIAN and former.frozen_at is None:
                former.frozen_at = timezone.now()
            former.save(update_fields=["slug", "frozen_at"])
        board.slug = slug
        board.save(update_fields=["slug"])


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
    scores = list(submission.scores.filter(board__frozen_at=None))
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
    # A frozen board stays as it was.
    boards = list(submission.scores.filter(board__frozen_at=None).values_list("board_id", flat=True))
    lock_boards(boards)
    state = Submission.objects.select_for_update().values_list("state", flat=True).get(pk=submission.pk)
    if state != Submission.State.PUBLIC:
        raise WrongState(_("Only a public submission can stand on a board."))
    Score.objects.filter(board__in=boards, entry=submission.entry_id, designated=True).update(
        designated=False, rank_low=None, rank_high=None
    )
    Score.objects.filter(submission=submission, board__in=boards).update(designated=True)
    return boards
