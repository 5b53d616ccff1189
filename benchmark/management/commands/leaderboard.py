"""leaderboard BOARD --benchmark SLUG: the rows of a board."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.queries.boards import BoardFilter, board_document
from benchmark.queries.versions import find_board
from medes_site.kit.commands import ReportingCommand


class Command(ReportingCommand):
    help = "Prints a board, such as objective or subjective."
    expected = (BenchmarkError,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("board", help="objective, objective-dev, objective-hidden, subjective, …")
        parser.add_argument("--benchmark", required=True, help="slug of the benchmark")
        parser.add_argument(
            "--label", default="", help="version label (default: the newest that has the board)"
        )

    def report(self, **options: Any) -> dict[str, Any]:
        board = find_board(options["benchmark"], options["board"], options["label"])
        return board_document(board, BoardFilter())

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            f"{result['benchmark']} {result['version']} · {result['board']} · {result['scorer']}"
        )
        for row in result["rows"]:
            rank = "–" if row["rank_low"] is None else f"{row['rank_low']}–{row['rank_high']}"
            value = row["accuracy"] if result["kind"] == "objective" else row["final"]
            interval = "" if row["ci_low"] is None else f"[{row['ci_low']:.4f}, {row['ci_high']:.4f}]"
            self.stdout.write(
                f"{rank:>7}  {row['entry']:<32} {value:.4f} {interval:<18} n={row['n']} missing={row['missing']}"
            )
