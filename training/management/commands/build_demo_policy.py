"""build_demo_policy: has a worker build the demo's tiny policy; does nothing where it is there or torch is not."""

from __future__ import annotations

from typing import Any

from medes_site.kit.commands import ReportingCommand
from training.services.demo_policy import policy_folder, policy_is_wanted
from training.tasks import launch_demo_policy


class Command(ReportingCommand):
    help = "Has a worker build the tiny policy that the demo tunes: about a minute on one core."

    def report(self, **options: Any) -> dict[str, Any]:
        job = launch_demo_policy(wake=False) if policy_is_wanted() else None
        return {"folder": str(policy_folder()), "job": job.pk if job else None}

    def show(self, result: dict[str, Any]) -> None:
        if result["job"]:
            self.stdout.write(f"tiny policy: a worker builds it as job {result['job']}")
