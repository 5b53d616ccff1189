"""anchor_scores: corrects the subjective scores by experts' labels of the random sample, here and now."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.services.anchoring import anchor_board
from benchmark.errors import BenchmarkError
from benchmark.models import Board, Kind, Scorer
from medes_site.kit.commands import ReportingCommand


class Command(ReportingCommand):
    help = "Computes the expert-anchored score of every row whose answers experts labelled at random."
    expected = (BenchmarkError,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--benchmark", default="", help="slug of one benchmark (default: all)")
        parser.add_argument("--again", action="store_true", help="also where no label and no score is new")

    def report(self, **options: Any) -> dict[str, Any]:
        boards = Board.objects.filter(kind=Kind.SUBJECTIVE, scorer__type=Scorer.Type.GUARDIAN)
        if options["benchmark"]:
            boards = boards.filter(version__benchmark__slug=options["benchmark"])
        rows = [
            {"board": board.slug, "written": anchor_board(board, again=options["again"])}
            for board in boards.select_related("version").order_by("pk")
        ]
        return {"boards": rows}

    def show(self, result: dict[str, Any]) -> None:
        for row in result["boards"]:
            self.stdout.write(f"{row['board']}: {row['written']} rows")
