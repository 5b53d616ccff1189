"""load_demo_campaigns: two open campaigns on the demo's free answers."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from annotation.errors import AnnotationError
from annotation.services.demo import load_demo_campaigns
from benchmark.errors import BenchmarkError
from medes_site.kit.commands import ReportingCommand


class Command(ReportingCommand):
    help = "Opens the demo's campaigns. Needs the demo data. Safe to repeat."
    expected = (AnnotationError, BenchmarkError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", default="researcher", help="user name of the researcher who opens them")

    def report(self, **options: Any) -> dict[str, Any]:
        actor = get_user_model().objects.filter(username=options["user"]).first()
        if actor is None:
            raise CommandError(f"there is no user {options['user']}")
        made = load_demo_campaigns(actor=actor)
        return {"campaigns": [{"slug": campaign.slug, "tasks": campaign.tasks.count()} for campaign in made]}

    def show(self, result: dict[str, Any]) -> None:
        for row in result["campaigns"]:
            self.stdout.write(f"campaign {row['slug']}: {row['tasks']} tasks")
