"""build_dataset sft|dpo|guardian: an immutable snapshot of what a model may learn from; SFT and DPO also in a worker, with
--queue."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from benchmark.errors import BenchmarkError
from medes_site.kit.commands import ReportingCommand, user_named
from training.models import TrainingKind
from training.rules.recipe import FORMATS, SOURCES
from training.services.drawings import plan_drawing
from training.services.guardian_data import build_guardian_dataset
from training.services.tuning_data import build_tuning_dataset
from training.tasks import launch_dataset

NUMBERS: dict[str, type] = {
    "quality": float, "risk": float, "margin": float, "per_prompt": int, "per_norm": int, "limit": int,
    "length_ratio": float, "length_bias": float, "longest": int, "held_out": float, "seed": int,
}  # fmt: skip


def advance(bar: tqdm, done: int, total: int, stage: str) -> None:
    """Shows how far a stage is; the next one begins anew. A silent bar has no stages."""
    if bar.disable:
        return
    if (bar.desc, bar.total) != (f"{stage}: ", total):
        bar.reset(total)
        bar.set_description(stage, refresh=False)
    bar.update(done - bar.n)


class Command(ReportingCommand):
    help = "Draws training rows from labels and judgements; the same recipe on the same data gives the same dataset."
    expected = (BenchmarkError,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=TrainingKind.values)
        sources = sorted({name for names in SOURCES.values() for name in names})
        parser.add_argument(
            "--source", action="append", choices=sources, help="repeatable; default: all of the kind"
        )
        parser.add_argument("--benchmark", action="append", help="slug; repeatable; default: all")
        parser.add_argument("--campaign", action="append", help="slug; repeatable; default: all")
        parser.add_argument("--guardian", help="whose opinion counts; default: the active one")
        for name, kind in NUMBERS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
        parser.add_argument("--format", choices=FORMATS, help="of the files; default: jsonl")
        parser.add_argument("--recipe", default="", help="a JSON object instead of the options")
        parser.add_argument(
            "--user", default="", help="user name of the researcher on whose behalf it is done"
        )
        self.add_queue_argument(parser)

    def report(self, **options: Any) -> dict[str, Any]:
        actor = user_named(options["user"]) if options["user"] else None
        kind, recipe = options["kind"], self._recipe(options)
        if options["queue"]:
            return self._queued(actor, kind, recipe)
        if kind == TrainingKind.GUARDIAN:
            dataset = build_guardian_dataset(actor=actor, recipe=recipe)
        else:
            with self.bar(kind, "done") as bar:
                dataset = build_tuning_dataset(
                    actor=actor, kind=kind, recipe=recipe, progress=partial(advance, bar)
                )
        return {
            "dataset": dataset.pk,
            "kind": dataset.kind,
            "hash": dataset.content_hash,
            "rows": dataset.rows,
            "folder": dataset.folder,
            "counts": dataset.manifest["counts"],
        }

    def _queued(self, actor: Any, kind: str, recipe: dict[str, Any]) -> dict[str, Any]:
        if kind == TrainingKind.GUARDIAN:
            raise CommandError("a guardian's dataset is drawn at once, without --queue")
        drawing = plan_drawing(actor=actor, kind=kind, recipe=recipe)
        job = launch_dataset(drawing, actor=actor)
        return {"drawing": drawing.pk, "kind": kind, "job": job.pk, "state": job.state}

    def _recipe(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["recipe"]:
            try:
                found = json.loads(options["recipe"])
            except ValueError as error:
                raise CommandError(f"--recipe is no JSON: {error}") from error
            if not isinstance(found, dict):
                raise CommandError("--recipe must be one JSON object")
            return found
        names = {
            "sources": "source",
            "benchmarks": "benchmark",
            "campaigns": "campaign",
            "guardian": "guardian",
        }
        named = {name: options[option] for name, option in names.items() if options[option]}
        numbers = {name: options[name] for name in (*NUMBERS, "format") if options[name] is not None}
        return {**named, **numbers}

    def show(self, result: dict[str, Any]) -> None:
        if "drawing" in result:
            self.stdout.write(f"drawing {result['drawing']} waits for a worker as job {result['job']}")
            return
        self.stdout.write(
            f"{result['kind']} dataset {result['dataset']} ({result['hash'][:12]}): {result['rows']} rows"
        )
        for reason, number in result["counts"].get("left_out", {}).items():
            self.stdout.write(f"  left out: {number} {reason}")
