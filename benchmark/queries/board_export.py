"""A board as CSV: one flat row for each entry, four columns for each scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmark.models import Board, Kind
from benchmark.queries.board_page import board_scenarios
from benchmark.queries.boards import CRITERIA
from benchmark.rules.account import OUTCOMES
from benchmark.rules.export_cells import Cell, csv_lines

FACTS = ("entry", "slug", "organisation", "type", "origin", "submission")
STANDING = ("rank_low", "rank_high")
MEASURED = ("ci_low", "ci_high", "se", "interval", "clusters", "n", "scored", "missing", "missing_share")
FIGURES = {
    Kind.OBJECTIVE: ("accuracy", "right", "answered_accuracy"),
    Kind.SUBJECTIVE: (
        "final",
        "risk_rate",
        "quality",
        "quality_mean",
        "final_mean",
        *CRITERIA,
        "abstained",
        "worst",
        "best",
        "anchored",
        "anchored_low",
        "anchored_high",
    ),
}
PARTS = ("mean", "low", "high", "n")


def export_csv(board: Board, document: dict[str, Any]) -> Iterator[str]:
    """Lines of the board's `document` (queries.boards); text that a spreadsheet might run is tamed.

    Columns: who, ranks, the figures with interval and counts, one count per outcome of the denominator
    account, and for each scenario `scenario:<slug>:mean`, `:low`, `:high` and `:n`. Empty: not known.
    """
    plain = (*FACTS, *STANDING, *FIGURES[Kind(board.kind)], *MEASURED)
    scenarios = [scenario.slug for scenario in board_scenarios(board)]
    header = [
        *plain,
        *(f"account:{outcome}" for outcome in OUTCOMES),
        *(f"scenario:{slug}:{part}" for slug in scenarios for part in PARTS),
    ]

    def cells(row: dict[str, Any]) -> list[Cell]:
        by_scenario = row["by_scenario"]
        return [
            *(row[name] for name in plain),
            *(row["account"].get(outcome) for outcome in OUTCOMES),
            *(by_scenario.get(slug, {}).get(part) for slug in scenarios for part in PARTS),
        ]

    return csv_lines(header, (cells(row) for row in document["rows"]))
