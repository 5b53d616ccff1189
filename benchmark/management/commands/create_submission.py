"""create_submission FILE --benchmark SLUG --entry NAME --user USERNAME: what the form in the browser does."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from benchmark.errors import BenchmarkError
from benchmark.models import Entry, Submission
from benchmark.problems import describe
from benchmark.queries.versions import find_version
from benchmark.readers.problem import FileRefused, Problem
from benchmark.services.submitting import NewEntry, submit_file
from benchmark.tasks import launch_evaluation
from medes_site.kit.commands import ReportingCommand, user_named
from medes_site.kit.jobs.errors import JobError
from medes_site.kit.jobs.foreground import run_in_foreground
from medes_site.kit.jobs.models import Job


class Command(ReportingCommand):
    help = "Submits a predictions file for an entry (registered if new) in a user's name, and scores it."
    expected = (BenchmarkError, FileRefused, JobError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV or JSON Lines with item and response")
        parser.add_argument("--benchmark", required=True, help="slug of the benchmark")
        parser.add_argument("--label", default="", help="version label (default: the newest frozen version)")
        parser.add_argument("--entry", required=True, help="name of the entry; registered if it is new")
        parser.add_argument("--user", required=True, help="user name of the submitter")
        parser.add_argument("--note", default="", help="a note for the submitter and the reviewers")
        self.add_queue_argument(parser)

    def report(self, **options: Any) -> dict[str, Any]:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"{path}: no such file")
        user = user_named(options["user"])
        entry = Entry.objects.filter(name__iexact=" ".join(options["entry"].split())).first()
        with path.open("rb") as file:
            submission = submit_file(
                actor=user,
                model=entry or NewEntry(options["entry"]),
                version=find_version(options["benchmark"], options["label"]),
                file=file,
                file_name=path.name,
                note=options["note"],
            )
        job = launch_evaluation(submission, actor=user, wake=options["queue"])
        if not options["queue"]:
            job = run_in_foreground(job)
        if job.state == Job.State.FAILED:
            raise CommandError(f"submission {submission.pk} is stored, but scoring it failed: {job.error}")
        return self._result(submission, job)

    def _result(self, submission: Submission, job: Job) -> dict[str, Any]:
        scores = submission.scores.select_related("board").order_by("board__slug")
        return {
            "submission": submission.pk,
            "entry": submission.entry.name,
            "responses": submission.responses_count,
            "sha256": submission.file_sha256,
            "job": job.pk,
            "state": job.state,
            "scores": {score.board.slug: score.value for score in scores},
        }

    def describe(self, error: Exception) -> str:
        if isinstance(error, FileRefused):
            lines = [self._line(problem) for problem in error.problems]
            return "\n".join(["the file is refused:", *lines, *(["… and more"] if error.more else [])])
        return str(error)

    def _line(self, problem: Problem) -> str:
        place = f"line {problem.line}" if problem.line else "file"
        column = f", column {problem.column}" if problem.column else ""
        return f"  {place}{column}: {describe(problem)}"

    def show(self, result: dict[str, Any]) -> None:
        write = self.stdout.write
        write(f"submission {result['submission']} of {result['entry']}: {result['responses']} replies")
        write(f"scoring: {result['state']}")
        for board, value in result["scores"].items():
            write(f"  {board}: {value:.4f}")
