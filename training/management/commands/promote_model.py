"""promote_model FOLDER|NAME --benchmark SLUG: makes an untuned model an entry that answers and is evaluated."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from benchmark.errors import BenchmarkError
from benchmark.queries.versions import find_version
from benchmark.tasks import launch_evaluation
from medes_site.kit.commands import ReportingCommand, finish, user_named
from medes_site.kit.jobs.errors import JobBusy, JobError
from training.queries.model_folders import root_models
from training.services.base_entries import promote_base
from training.tasks import launch_answering


class Command(ReportingCommand):
    help = "Makes an untuned model in MEDES_MODEL_ROOTS an entry; it answers the benchmark and is evaluated."
    expected = (BenchmarkError, JobError, JobBusy)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", help="its folder, or the folder's name")
        parser.add_argument("--benchmark", required=True, metavar="SLUG")
        parser.add_argument("--label", default="", help="version; default: the newest frozen one")
        parser.add_argument("--name", default="", help="of the entry; default: the folder's name")
        parser.add_argument(
            "--user", default="", help="user name of the researcher on whose behalf it is done"
        )
        self.add_queue_argument(parser)

    def report(self, **options: Any) -> dict[str, Any]:
        actor = user_named(options["user"]) if options["user"] else None
        folders = [folder for folder, name in root_models() if options["model"] in (folder, name)]
        if len(folders) > 1:
            raise CommandError(f"several models are called {options['model']}: give the folder")
        submission = promote_base(
            actor=actor,
            folder=folders[0] if folders else options["model"],
            version=find_version(options["benchmark"], options["label"]),
            name=options["name"],
        )
        job = launch_answering(submission, actor=actor, wake=options["queue"])
        result = {"entry": submission.entry.slug, "submission": submission.pk, "job": job.pk}
        if options["queue"]:
            return {**result, "state": job.state}
        finish(job)
        finish(launch_evaluation(submission, actor=actor, wake=False))
        return {**result, "state": "finished"}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"entry {result['entry']}, submission {result['submission']}: {result['state']}")
