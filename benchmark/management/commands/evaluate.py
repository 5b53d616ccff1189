"""evaluate ID|--all: scores submissions here and now, or in a worker with --queue."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet

from benchmark.errors import BenchmarkError
from benchmark.models import Board, Judging, Submission
from benchmark.queries.guardians import guardians_at_work
from benchmark.tasks import EVALUATE, launch_evaluation, launch_judging, launch_ranking
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
        jobs += self._judge(submissions, options)
        stale = Board.objects.filter(ranks_stale=True).values_list("pk", flat=True)
        ranked = [self._run(job, options) for job in launch_ranking(stale, wake=options["queue"])]
        failed = [job for job in [*jobs, *ranked] if job.state == Job.State.FAILED]
        if failed:
            raise CommandError("; ".join(f"job {job.pk} failed: {job.error}" for job in failed))
        evaluations = [job for job in jobs if job.kind == EVALUATE]
        return {
            "jobs": [{"job": job.pk, "submission": job.subject_id, "state": job.state} for job in evaluations]
        }

    def _judge(self, submissions: QuerySet[Submission], options: dict[str, Any]) -> list[Job]:
        """What the guardians at work have to judge, here; in a worker the evaluation itself sees to it."""
        if options["queue"]:
            return []
        waiting = Judging.objects.select_related("submission", "scorer").filter(
            submission__in=list(submissions),
            finished_at=None,
            scorer__in=[guardian.scorer_id for guardian in guardians_at_work()],
        )
        return [
            self._run(launch_judging(row.submission, row.scorer, wake=False), options)
            for row in waiting.order_by("pk")
        ]

    def _run(self, job: Job, options: dict[str, Any]) -> Job:
        return job if options["queue"] else run_in_foreground(job)

    def show(self, result: dict[str, Any]) -> None:
        for row in result["jobs"]:
            self.stdout.write(f"submission {row['submission']}: {row['state']}")
