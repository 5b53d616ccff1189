"""train_demo_guardian: has a worker train the demo's first guardian and promote it. Safe to repeat."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model

from benchmark.errors import BenchmarkError
from medes_site.kit.commands import ReportingCommand
from training.services.demo import plan_demo_guardian
from training.tasks import launch_run


class Command(ReportingCommand):
    help = "Leaves the training of the demo's first guardian to a worker. Does nothing once there is a run."
    expected = (BenchmarkError,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", default="researcher", help="user name of the researcher who trains it")

    def report(self, **options: Any) -> dict[str, Any]:
        actor = get_user_model().objects.filter(username=options["user"]).first()
        run = plan_demo_guardian(actor=actor)
        if run is None:
            return {"run": None}
        job = launch_run(run, actor=actor, wake=False)  # the reconciler of the demo's start sends it
        return {"run": run.pk, "job": job.pk}

    def show(self, result: dict[str, Any]) -> None:
        if result["run"] is not None:
            self.stdout.write(f"guardian: run {result['run']} waits for the worker")
