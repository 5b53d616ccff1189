"""train_guardian: trains a guardian on the labels there are, here and now, or in a worker with --queue."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from benchmark.errors import BenchmarkError
from benchmark.models import Board, Guardian
from benchmark.tasks import launch_ranking, launch_shadow
from medes_site.kit.commands import ReportingCommand, finish, user_named
from medes_site.kit.jobs.errors import JobBusy, JobError
from training.models import Run
from training.services.guardian_config import DEFAULTS, GUARDIAN_KINDS
from training.services.runs import plan_guardian_run
from training.tasks import launch_run, promote


class Command(ReportingCommand):
    help = (
        "Trains a guardian on all labels, tests it on the audit groups and registers it as a candidate, which then "
        "scores everything in the shadow."
    )
    expected = (BenchmarkError, JobError, JobBusy)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kind", choices=GUARDIAN_KINDS, default="linear")
        parser.add_argument("--name", default="", help="default: medes-KIND; each run is its next version")
        parser.add_argument("--base-model", default="", help="folder of a checkpoint (encoder, generative)")
        parser.add_argument(
            "--campaign", action="append", default=[], help="only labels of this campaign; repeatable"
        )
        parser.add_argument("--seed", type=int, default=DEFAULTS["seed"])
        parser.add_argument(
            "--prior", type=float, default=DEFAULTS["prior"], help="stated share of risky answers"
        )
        parser.add_argument(
            "--alpha", type=float, default=DEFAULTS["alpha"], help="risky answers that may pass"
        )
        parser.add_argument(
            "--miss-cost", type=float, default=DEFAULTS["miss_cost"], help="false alarms a miss is worth"
        )
        parser.add_argument("--folds", type=int, default=DEFAULTS["folds"])
        parser.add_argument(
            "--learning-curve", action="store_true",
            help="of an encoder or a local language model, which is trained four more times for it",
        )  # fmt: skip
        parser.add_argument("--kind-settings", default="", help="settings of the kind, a JSON object")
        parser.add_argument("--time-limit", type=int, default=7200, help="seconds")
        parser.add_argument("--note", default="")
        parser.add_argument(
            "--user", default="", help="user name of the researcher on whose behalf it is done"
        )
        parser.add_argument("--promote", action="store_true", help="then promote it, if it passes the gate")
        parser.add_argument(
            "--override", default="", metavar="REASON", help="promote it although it does not pass"
        )
        self.add_queue_argument(parser)

    def report(self, **options: Any) -> dict[str, Any]:
        actor = user_named(options["user"]) if options["user"] else None
        wanted = options["promote"] or bool(options["override"])
        if wanted and options["queue"]:
            raise CommandError("--promote waits for the result, so it cannot go with --queue")
        run = plan_guardian_run(
            actor=actor,
            config=self._config(options),
            recipe={"campaigns": options["campaign"]},
            name=options["name"],
            note=options["note"],
            time_limit=options["time_limit"],
        )
        job = launch_run(run, actor=actor, wake=options["queue"])
        if options["queue"]:
            return {"run": run.pk, "guardian": str(run), "job": job.pk, "state": job.state}
        finish(job)
        run = Run.objects.select_related("guardian__scorer", "dataset").get(pk=run.pk)
        if run.guardian is None or run.dataset is None:
            raise CommandError("the run ended without a guardian")
        if run.guardian.state != Guardian.State.CANDIDATE:
            finish(launch_shadow(run.guardian, actor=actor, wake=False))
        gate = None
        if wanted:
            gate = promote(actor=actor, guardian=run.guardian, reason=options["override"], wake=False)
        stale = Board.objects.filter(ranks_stale=True).values_list("pk", flat=True)
        for ranking in launch_ranking(stale, wake=False):
            finish(ranking)
        run.guardian.refresh_from_db()
        return {
            "run": run.pk,
            "guardian": str(run),
            "job": job.pk,
            "state": run.guardian.state,
            "rows": run.dataset.rows,
            "dataset": run.dataset.content_hash,
            "artefact": run.guardian.folder,
            "gate": gate,
            "reliability": run.guardian.reliability,
        }

    def _config(self, options: dict[str, Any]) -> dict[str, Any]:
        config = {name: options[name] for name in DEFAULTS}
        if options["learning_curve"]:
            config["learning_curve"] = True
        if options["base_model"]:
            config["base_model"] = options["base_model"]
        if options["kind_settings"]:
            try:
                config["settings"] = json.loads(options["kind_settings"])
            except ValueError as error:
                raise CommandError(f"--kind-settings is no JSON: {error}") from error
        return config

    def show(self, result: dict[str, Any]) -> None:
        if "rows" not in result:
            self.stdout.write(
                f"run {result['run']} ({result['guardian']}) waits for a worker as job {result['job']}"
            )
            return
        self.stdout.write(f"{result['guardian']}: {result['rows']} responses learned, {result['state']}")
        self.stdout.write(f"artefact: {result['artefact']}")
