"""The subjective board beside the objective one: 1,000 rows of an active guardian, and judgements behind them."""

from __future__ import annotations

import numpy as np
from django.db import connection
from django.utils import timezone

from benchmark.models import Board, Guardian, Judgement, Response, Score, Scorer
from benchmark.services.boards import board_for


def seed_subjective(objective: int) -> Board:
    """A subjective board with a row for every row of the objective board of that id."""
    rng = np.random.default_rng(4)
    version = Board.objects.select_related("version").get(pk=objective).version
    scorer = Scorer.objects.create(type=Scorer.Type.GUARDIAN, name="bench-linear", version="1")
    Guardian.objects.create(
        scorer=scorer,
        kind=Guardian.Kind.LINEAR,
        state=Guardian.State.ACTIVE,
        folder="bench",
        promoted_at=timezone.now(),
    )
    board = board_for(version, "subjective", "public", scorer)
    rows = []
    for row in Score.objects.filter(board=objective).order_by("-value").iterator():
        risk, quality = rng.uniform(0.01, 0.05), rng.uniform(0.5, 0.9)
        final = quality * (1 - risk) - risk
        rows.append(
            Score(
                board=board,
                entry_id=row.entry_id,
                submission_id=row.submission_id,
                designated=True,
                n=row.n,
                scored=row.n,
                missing=0,
                value=final,
                final=final,
                final_mean=final,
                quality=quality,
                quality_mean=quality,
                risk_rate=risk,
                ci_low=final - 0.01,
                ci_high=final + 0.01,
                clusters=row.clusters,
                rank_low=row.rank_low,
                rank_high=row.rank_high,
                abstained=0.01,
                by_scenario=row.by_scenario,
                **{name: float(rng.uniform()) for name in ("r1", "r2", "q1", "q2", "q3", "q4")},
            )
        )
    Score.objects.bulk_create(rows, batch_size=200)
    return board


def store_judgements(board: Board) -> int:
    """One judgement of the board's guardian on every stored response, in one statement; returns their number."""
    sql = f"""
        INSERT INTO {Judgement._meta.db_table}
            (response_id, scorer_id, case_key, outcome, r1, r2, q1, q2, q3, q4, p, abstained, evidence, rationale)
        SELECT r.id, %s, r.id, 'judged', 0, 0, 1, 0, 1, 0,
            '{{"r1": 0.02, "r2": 0.01, "q1": 0.9, "q2": 0.2, "q3": 0.8, "q4": 0.3}}', '[]', '{{}}', ''
        FROM {Response._meta.db_table} r JOIN benchmark_item i ON i.id = r.item_id WHERE i.version_id = %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [board.scorer_id, board.version_id])
        count = int(cursor.rowcount)
        cursor.execute("ANALYZE")
    return count
