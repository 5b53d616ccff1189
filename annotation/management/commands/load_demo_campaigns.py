"""load_demo_campaigns: two open campaigns on the demo's free answers."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from annotation.errors import AnnotationError
from annotation.services.demo import load_demo_campaigns
from benchmark.errors import BenchmarkError
from medes_site.kit.commands import ReportingCommand, user_named


class Command(ReportingCommand):
    help = "Opens the demo's campaigns. Needs the demo data. Safe to repeat."
    expected = (AnnotationError, BenchmarkError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", default="researcher", help="user name of the researcher who opens them")

    def report(self, **options: Any) -> dict[str, Any]:
        made = load_demo_campaigns(actor=user_named(options["user"]))
        return {"campaigns": [{"slug": campaign.slug, "tasks": campaign.tasks.count()} for campaign in made]}

    def show(self, result: dict[str, Any]) -> None:
        for row in result["campaigns"]:
            self.stdout.write(f"campaign {row['slug']}: {row['tasks']} tasks")
