"""rescore ID|--all: scores and judges again what the scorers of today have not read, and sums up anew."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet

from benchmark.errors import BenchmarkError
from benchmark.models import Board, Guardian, Submission
from benchmark.queries.guardians import find_guardian, guardians_at_work
from benchmark.services.judging import forget_failures
from benchmark.tasks import launch_evaluation, launch_judging, launch_ranking
from medes_site.kit.commands import ReportingCommand
from medes_site.kit.jobs.errors import JobError
from medes_site.kit.jobs.foreground import run_in_foreground
from medes_site.kit.jobs.models import Job

EXTRACTOR = "extractor"


class Command(ReportingCommand):
    help = (
        "Scores submissions with the extractor of today and judges them with a guardian. What that version has "
        "read is not read again; another version fills a board of its own."
    )
    expected = (BenchmarkError, JobError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", nargs="?", type=int, help="number of a submission")
        parser.add_argument("--all", action="store_true", help="every submission that is not withdrawn")
        parser.add_argument(
            "--scorer",
            default="",
            help="extractor, active, or a guardian's name or name@version (default: all that are at work)",
        )
        parser.add_argument("--failed", action="store_true", help="try failed judgements again")
        self.add_queue_argument(parser)

    def report(self, **options: Any) -> dict[str, Any]:
        submissions = self._submissions(options)
        extract = options["scorer"] in ("", EXTRACTOR)
        guardians = self._guardians(options["scorer"])
        jobs: list[Job] = []
        retried = 0
        for submission in submissions:
            if extract:
                jobs.append(self._run(launch_evaluation(submission, wake=options["queue"]), options))
            for guardian in guardians:
                if options["failed"]:
                    retried += forget_failures(submission=submission, scorer=guardian.scorer)
                job = launch_judging(submission, guardian.scorer, wake=options["queue"])
                jobs.append(self._run(job, options))
        stale = Board.objects.filter(ranks_stale=True).values_list("pk", flat=True)
        jobs += [self._run(job, options) for job in launch_ranking(stale, wake=options["queue"])]
        failed = [job for job in jobs if job.state == Job.State.FAILED]
        if failed:
            raise CommandError("; ".join(f"job {job.pk} failed: {job.error}" for job in failed))
        return {
            "submissions": [submission.pk for submission in submissions],
            "retried": retried,
            "jobs": [{"job": job.pk, "kind": job.kind, "state": job.state} for job in jobs],
        }

    def _submissions(self, options: dict[str, Any]) -> QuerySet[Submission]:
        if bool(options["id"]) == options["all"]:
            raise CommandError("give the number of a submission, or --all")
        submissions = Submission.objects.exclude(state=Submission.State.WITHDRAWN).order_by("pk")
        if options["id"]:
            submissions = submissions.filter(pk=options["id"])
            if not submissions:
                raise CommandError(f"there is no submission {options['id']}")
        return submissions

    def _guardians(self, name: str) -> list[Guardian]:
        if name == EXTRACTOR:
            return []
        return [find_guardian(name)] if name else guardians_at_work()

    def _run(self, job: Job, options: dict[str, Any]) -> Job:
        return job if options["queue"] else run_in_foreground(job)

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{len(result['submissions'])} submissions, {len(result['jobs'])} jobs")
