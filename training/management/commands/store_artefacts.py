"""store_artefacts [RUN …]: uploads what finished runs left on this machine and the store does not have yet."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from medes_site.kit.commands import ReportingCommand
from medes_site.kit.jobs.foreground import run_in_foreground
from medes_site.kit.jobs.models import Job
from training.models import Run, TrainingKind
from training.queries.model_folders import run_folder
from training.tasks import launch_storing


class Command(ReportingCommand):
    help = "Uploads the artefacts of finished SFT and DPO runs; those that are stored already are left alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("runs", nargs="*", type=int, metavar="RUN", help="default: all that lie here")

    def report(self, **options: Any) -> dict[str, Any]:
        found = Run.objects.exclude(kind=TrainingKind.GUARDIAN).filter(finished_at__isnull=False, stored={})
        if options["runs"]:
            found = found.filter(pk__in=options["runs"])
        told = {}
        for run in found.order_by("pk"):
            if (run_folder(run) / "artefact" / "manifest.json").is_file():
                job = run_in_foreground(launch_storing(run, wake=False))
                told[str(run.pk)] = "stored" if job.state == Job.State.SUCCEEDED else job.error
        return {"runs": told}
