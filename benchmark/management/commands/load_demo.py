"""load_demo: the demo benchmark with four imaginary entries, imported and scored."""

from __future__ import annotations

from io import StringIO
from typing import Any

from django.core.management import call_command

from benchmark.errors import BenchmarkError
from benchmark.services.demo import load_demo
from medes_site.kit.commands import ReportingCommand


class Command(ReportingCommand):
    help = "Loads the demo data. Safe to repeat."
    expected = (BenchmarkError,)

    def report(self, **options: Any) -> dict[str, Any]:
        report = load_demo()
        for submission in report.submissions:
            call_command("evaluate", submission, stdout=StringIO())
        return report.as_dict()

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            f"demo benchmark {result['version']}: {len(result['submissions'])} new submissions scored"
        )
