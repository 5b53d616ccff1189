"""load_demo_labels: two experts' labels and a referee's rulings on the demo's free answers."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.errors import AnnotationError
from annotation.services.demo_labels import FILES, load_demo_labels
from benchmark.errors import BenchmarkError
from medes_site.kit.commands import ReportingCommand, user_named


class Command(ReportingCommand):
    help = "Gives the demo's labels through the accounts named. Needs the demo's campaigns. Safe to repeat."
    expected = (AnnotationError, BenchmarkError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--experts", nargs=len(FILES), default=[f"demo-expert-{mark}" for mark in FILES])
        parser.add_argument("--referee", default="referee")

    def report(self, **options: Any) -> dict[str, Any]:
        experts = [user_named(name) for name in options["experts"]]
        given = load_demo_labels(experts=experts, referee=user_named(options["referee"]))
        return {"labels": given.labels, "rulings": given.rulings}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['labels']} labels, {result['rulings']} rulings")
