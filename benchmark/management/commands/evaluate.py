"""evaluate ID|--all: scores submissions here and now, or in a worker with --queue."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from benchmark.errors import BenchmarkError
from benchmark.models import Board, Submission
from benchmark.tasks import launch_evaluation, launch_ranking
from medes_site.kit.commands import ReportingCommand
from medes_site.kit.jobs.errors import JobError
from medes_site.kit.jobs.foreground import run_in_foreground
from medes_site.kit.jobs.models import Job


class Command(ReportingCommand):
    help = "Scores one submission, or all that are not withdrawn. What is scored already is not read again."
    expected = (BenchmarkError, JobError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", nargs="?", type=int, help="number of a submission")
        parser.add_argument("--all", action="store_true", help="every submission")
        self.add_queue_argument(parser)

    def report(self, **options: Any) -> dict[str, Any]:
        if bool(options["id"]) == options["all"]:
            raise CommandError("give the number of a submission, or --all")
        submissions = Submission.objects.exclude(state=Submission.State.WITHDRAWN).order_by("pk")
        if options["id"]:
            submissions = submissions.filter(pk=options["id"])
            if not submissions:
                raise CommandError(f"there is no submission {options['id']}")
        jobs = [self._run(launch_evaluation(row, wake=options["queue"]), options) for row in submissions]
        stale = Board.objects.filter(ranks_stale=True).values_list("pk", flat=True)
        ranked = [self._run(job, options) for job in launch_ranking(stale, wake=options["queue"])]
        failed = [job for job in [*jobs, *ranked] if job.state == Job.State.FAILED]
        if failed:
            raise CommandError("; ".join(f"job {job.pk} failed: {job.error}" for job in failed))
        return {"jobs": [{"job": job.pk, "submission": job.subject_id, "state": job.state} for job in jobs]}

    def _run(self, job: Job, options: dict[str, Any]) -> Job:
        return job if options["queue"] else run_in_foreground(job)

    def show(self, result: dict[str, Any]) -> None:
        for row in result["jobs"]:
            self.stdout.write(f"submission {row['submission']}: {row['state']}")
