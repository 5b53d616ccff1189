"""launch_run sft|dpo --dataset N --base-model PATH: tunes a model, here and now, or in a worker with --queue."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from benchmark.errors import BenchmarkError
from benchmark.queries.versions import find_version
from benchmark.tasks import launch_evaluation
from medes_site.kit.commands import ReportingCommand, finish, user_named
from medes_site.kit.jobs.errors import JobBusy, JobError
from training.models import Dataset, Run
from training.queries.model_folders import run_folder, weights_of
from training.readers.settings_yaml import SettingsError, read_settings
from training.services.tuning_estimates import RunEstimate, estimate_of
from training.services.tuning_runs import check_tuning_config, plan_tuning_run, promote_run
from training.tasks import launch_answering, launch_run

OPTIONS: dict[str, type] = {
    "learning_rate": float, "epochs": float, "max_steps": int, "batch_size": int, "accumulation": int,
    "max_length": int, "lora_r": int, "lora_alpha": int, "precision": str, "beta": float, "loss_type": str,
    "lora_targets": str, "seed": int, "eval_every": int, "save_every": int, "sample_tokens": int,
}  # fmt: skip


class Command(ReportingCommand):
    help = "Tunes a model by SFT or DPO on a dataset that build_dataset drew."
    expected = (BenchmarkError, JobError, JobBusy)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=["sft", "dpo"])
        parser.add_argument(
            "--dataset", type=int, help="number of the dataset; default: the newest of the kind"
        )
        parser.add_argument(
            "--base-model", default="", help="folder in MEDES_MODEL_ROOTS, or an allowed hub id"
        )
        parser.add_argument("--base-run", type=int, help="start from what this run left")
        parser.add_argument("--name", default="", help="default: medes-KIND; each run is its next version")
        for name, kind in OPTIONS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
        parser.add_argument("--config", default="", help="more of the engine's configuration, YAML or JSON")
        parser.add_argument("--processes", type=int, default=1, help="on this machine, by accelerate launch")
        parser.add_argument(
            "--estimate", action="store_true", help="only tell what the run would need; nothing is started"
        )
        parser.add_argument("--time-limit", type=int, default=86_400, help="seconds")
        parser.add_argument("--note", default="")
        parser.add_argument(
            "--user", default="", help="user name of the researcher on whose behalf it is done"
        )
        parser.add_argument(
            "--promote", default="", metavar="BENCHMARK", help="then an entry, evaluated on this benchmark"
        )
        self.add_queue_argument(parser)

    def report(self, **options: Any) -> dict[str, Any]:
        actor = user_named(options["user"]) if options["user"] else None
        if options["promote"] and options["queue"]:
            raise CommandError("--promote waits for the result, so it cannot go with --queue")
        dataset = self._dataset(options)
        config = self._config(options)
        if options["estimate"]:
            checked = check_tuning_config(options["kind"], config)
            found = estimate_of(options["kind"], checked, dataset.rows, options["processes"])
            return {"estimate": found.as_json()}
        run = plan_tuning_run(
            actor=actor,
            kind=options["kind"],
            dataset=dataset,
            config=config,
            name=options["name"],
            note=options["note"],
            time_limit=options["time_limit"],
            processes=options["processes"],
        )
        job = launch_run(run, actor=actor, wake=options["queue"])
        result: dict[str, Any] = {
            "run": run.pk,
            "model": str(run),
            "job": job.pk,
            "estimate": estimate_of(run.kind, run.config, dataset.rows, run.processes).as_json(),
        }
        if options["queue"]:
            return {**result, "state": job.state}
        finish(job)
        run.refresh_from_db()
        result |= {
            "state": "finished",
            "folder": str(run_folder(run)),
            "report": run.progress.get("report", {}),
        }
        if options["promote"]:
            version = find_version(options["promote"])
            submission = promote_run(actor=actor, run=run, version=version)
            finish(launch_answering(submission, actor=actor, wake=False))
            finish(launch_evaluation(submission, actor=actor, wake=False))
            result |= {"entry": submission.entry.slug, "submission": submission.pk}
        return result

    def _dataset(self, options: dict[str, Any]) -> Dataset:
        found = Dataset.objects.filter(kind=options["kind"])
        if options["dataset"]:
            found = found.filter(pk=options["dataset"])
        dataset = found.first()
        if dataset is None:
            raise CommandError(
                f"there is no such {options['kind']} dataset: draw one with build_dataset {options['kind']}"
            )
        return dataset

    def _config(self, options: dict[str, Any]) -> dict[str, Any]:
        config = {name: options[name] for name in OPTIONS if options[name] is not None}
        if options["config"]:
            try:
                config = {**read_settings(options["config"]), **config}
            except SettingsError as error:
                raise CommandError(f"--config: {error}") from error
        if "," in str(config.get("lora_targets", "")):
            config["lora_targets"] = [name.strip() for name in config["lora_targets"].split(",")]
        if options["base_run"]:
            run = Run.objects.filter(pk=options["base_run"]).first()
            if run is None:
                raise CommandError(f"there is no run {options['base_run']}")
            folder = weights_of(run)
            if folder is None:
                raise CommandError(f"run {run.pk} has left no model")
            config["base_model"] = str(folder)
        elif options["base_model"]:
            config["base_model"] = options["base_model"]
        return config

    def show(self, result: dict[str, Any]) -> None:
        if "run" not in result:
            self.stdout.write(said_of(RunEstimate(**result["estimate"])))
            return
        self.stdout.write(f"run {result['run']} ({result['model']}): {result['state']}")
        if "folder" in result:
            self.stdout.write(f"model: {result['folder']}/artefact")


def said_of(found: RunEstimate) -> str:
    """An estimate in a line or two."""
    lines = [f"{found.steps} steps of {found.rows_a_step} rows on {found.processes} process(es)"]
    if found.memory is not None and found.least is not None and found.disk is not None:
        memory, least, disk = (size / 2**30 for size in (found.memory, found.least, found.disk))
        lines.append(
            f"memory {memory:.1f} GiB a process ({least:.1f} with one row at a time), disk {disk:.1f} GiB"
        )
    if found.refusal:
        lines.append(found.refusal)
    return "\n".join(lines)
