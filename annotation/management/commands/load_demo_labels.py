"""load_demo_labels: two experts' labels and a referee's rulings on the demo's free answers."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from annotation.errors import AnnotationError
from annotation.services.demo_labels import FILES, load_demo_labels
from benchmark.errors import BenchmarkError
from medes_site.kit.commands import ReportingCommand


class Command(ReportingCommand):
    help = "Gives the demo's labels through the accounts named. Needs the demo's campaigns. Safe to repeat."
    expected = (AnnotationError, BenchmarkError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--experts", nargs=len(FILES), default=[f"demo-expert-{mark}" for mark in FILES])
        parser.add_argument("--referee", default="referee")

    def report(self, **options: Any) -> dict[str, Any]:
        experts = [self._user(name) for name in options["experts"]]
        given = load_demo_labels(experts=experts, referee=self._user(options["referee"]))
        return {"labels": given.labels, "rulings": given.rulings}

    def _user(self, name: str) -> Any:
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"there is no user {name}")
        return user

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['labels']} labels, {result['rulings']} rulings")
