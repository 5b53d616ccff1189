"""import_responses PATH --benchmark SLUG [--entry NAME]: released response, judge and board files, or predictions."""

from __future__ import annotations

from argparse import ArgumentParser
from io import StringIO
from typing import Any

from django.core.management import call_command

from benchmark.errors import BenchmarkError
from benchmark.problems import describe
from benchmark.queries.versions import find_version
from benchmark.readers.problem import FileRefused
from benchmark.services.response_files import import_responses
from medes_site.kit.commands import ReportingCommand


class Command(ReportingCommand):
    help = "Imports models' responses (public at once) and scores them. Safe to repeat."
    expected = (BenchmarkError, FileRefused)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help="a file, or a folder of released files")
        parser.add_argument("--benchmark", required=True, help="slug of the benchmark")
        parser.add_argument("--label", default="", help="version label (default: the newest frozen version)")
        parser.add_argument(
            "--entry", default="", help="name of the entry (default: the model named in the file)"
        )
        parser.add_argument(
            "--no-evaluate", action="store_true", help="import only; score later with evaluate"
        )
        self.add_queue_argument(parser)

    def report(self, **options: Any) -> dict[str, Any]:
        version = find_version(options["benchmark"], options["label"], drafts=True)
        with self.bar("responses") as bar:
            report = import_responses(
                version=version,
                path=options["path"],
                entry_name=options["entry"],
                progress=lambda done: bar.update(done - bar.n),
            )
        if not options["no_evaluate"]:
            for submission in report.submissions:
                call_command("evaluate", submission, queue=options["queue"], stdout=StringIO())
        return report.as_dict()

    def describe(self, error: Exception) -> str:
        if isinstance(error, FileRefused):
            return "\n".join(describe(problem) for problem in error.problems)
        return str(error)

    def show(self, result: dict[str, Any]) -> None:
        for kind, counts in result["counts"].items():
            self.stdout.write(
                f"{kind}: " + ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
            )
        for note in result["notes"]:
            self.stdout.write(f"note: {note}")
        self.stdout.write(f"rejected rows: {len(result['rejected'])}")
        for row in result["rejected"][:50]:
            self.stdout.write(f"  line {row['line']} {row['column']}: {row['reason']}")
