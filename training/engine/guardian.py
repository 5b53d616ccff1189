"""python -m training.engine.guardian RUN_DIR: trains a guardian from a run directory. No Django, no database.

In: config.json, rows.jsonl, audit.jsonl (see `training.engine.guardian_run`). Out: progress.jsonl while it
runs, artefact/, predictions.jsonl and report.json. Exit code 0 when all of them are written; 3 after a file
`stop`; else 1, with one sentence on stderr.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmark.guardians.base import (
    Guardian,
    GuardianError,
    Verdict,
    risk_probability,
)
from benchmark.guardians.generative import GenerativeGuardian
from benchmark.guardians.loading import load_guardian
from benchmark.guardians.manifest import Manifest, read_manifest, write_manifest
from training.engine import guardian_curve, guardian_endpoint, guardian_linear
from training.engine.guardian_endpoint import RememberingJudge
from training.engine.guardian_judging import judge_all
from training.engine.guardian_measuring import predictions, report_on
from training.engine.guardian_run import (
    AuditRow,
    Config,
    Run,
    RunRefused,
    Stopped,
    TrainingRow,
    refuse_shared_groups,
)
from training.rules.conformal import RiskControl, control, risky_needed
from training.rules.guardian_settings import asks_an_endpoint
from training.rules.guardian_targets import risk_of

STOPPED = 3
LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "transformers",
    "peft",
    "trl",
    "tokenizers",
    "safetensors",
)
LEARNT_FROM = 30
"""Risky answers that must be left to learn from when others are set aside to calibrate on."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 1:
        complain("usage: python -m training.engine.guardian RUN_DIR")
        return 2
    run = Run(Path(given[0]))
    try:
        train_guardian(run)
    except Stopped:
        complain("Stopped on request.")
        return STOPPED
    except (RunRefused, GuardianError) as error:
        complain(str(error))
        return 1
    except MemoryError:
        complain("The machine has too little memory for this run.")
        return 1
    except OSError as error:
        complain(f"A file could not be read or written: {error}.")
        return 1
    except Exception as error:
        traceback.print_exc()
        complain(f"The training failed: {type(error).__name__}: {error}")
        return 1
    return 0


def complain(sentence: str) -> None:
    """One sentence on stderr, for whoever started the run."""
    sys.stderr.write(sentence.rstrip() + "\n")


def train_guardian(run: Run) -> None:
    """The whole run. Raises RunRefused, GuardianError, Stopped, OSError."""
    config, rows, audit = run.config(), run.rows(), run.audit()
    refuse_shared_groups(rows, audit)
    run.say("start", f"{len(rows)} training rows, {len(audit)} audit rows", 0, 1)
    split = set_aside(rows, config)
    manifest, fitted = trained_or_kept(run, config, rows, split)
    manifest = replace(manifest, conformal=asdict(promised(run, loaded(run, config), split, config)))
    write_manifest(run.artefact, manifest)
    predicted = predictions(run, loaded(run, config), audit)
    run.write_lines("predictions.jsonl", predicted)
    run.say("report", "measuring", 0, 1)
    report = report_on(audit, predicted, manifest)
    report["learning_curve"] = learning_curve(run, config, split.learning, audit, (manifest, report), fitted)
    run.write_json("report.json", report)
    guardian_curve.forget(run.folder)
    run.say("done", "finished", 1, 1, macro_kappa=report["macro_kappa"]["value"])


def trained_or_kept(
    run: Run, config: Config, rows: Sequence[TrainingRow], split: Split
) -> tuple[Manifest, guardian_linear.Fitted | None]:
    """The manifest beside the weights. A run that was killed after its training, while its answers were judged, has them
    already, and what took hours is not done again. The kind `linear` takes seconds, and behind an endpoint each reply is
    kept for itself, so these two always begin anew."""
    told = {
        "data_hash": run.data_hash(),
        "code_version": config.code_version or own_version(),
        "seed": config.seed,
        "libraries": library_versions(config.kind),
        "rows": len(rows),
        "set_aside": len(rows) - len(split.learning),
        "config": asdict(config),
    }
    quick = config.kind == "linear" or asks_an_endpoint(config.kind, config.settings)
    kept = None if quick else finished(run, config, told)
    if kept is not None:
        run.say("resume", "from the finished weights")
        return kept, None
    return train_into(run, config, split.learning, told)


def finished(run: Run, config: Config, told: Mapping[str, Any]) -> Manifest | None:
    """What this very run had trained before it was killed; None where there is nothing whole, or another run's."""
    try:
        found = read_manifest(run.artefact)
        same = (found.kind, found.name, found.version) == (config.kind, config.name, config.version)
        if not same or found.training != json.loads(json.dumps(told)):
            return None
        load_guardian(run.artefact)
    except GuardianError:
        return None
    return found


def train_into(
    run: Run, config: Config, rows: Sequence[TrainingRow], told: Mapping[str, Any]
) -> tuple[Manifest, guardian_linear.Fitted | None]:
    """Fills an empty artefact folder. `told`: what the manifest says of the training; it promises nothing yet."""
    shutil.rmtree(run.artefact, ignore_errors=True)
    run.artefact.mkdir(parents=True)
    trained = train_kind(run, config, rows)
    manifest = Manifest(
        kind=config.kind,
        name=config.name,
        version=config.version,
        thresholds=trained.thresholds,
        prior=config.prior,
        cost=config.miss_cost,
        conformal=asdict(control([], config.alpha)),
        training=told,
        settings=trained.settings,
    )
    write_manifest(run.artefact, manifest)
    return manifest, trained.linear


def learning_curve(
    run: Run,
    config: Config,
    rows: Sequence[TrainingRow],
    audit: Sequence[AuditRow],
    whole: tuple[Manifest, Mapping[str, Any]],
    fitted: guardian_linear.Fitted | None,
) -> list[dict[str, Any]]:
    """Its points, none where it was not asked for; behind an endpoint nothing is learnt. `whole`: manifest and report of
    the guardian itself."""
    if not config.draws_curve or asks_an_endpoint(config.kind, config.settings):
        return []
    if fitted is not None:
        return guardian_curve.linear_curve(run, config, rows, audit, fitted)

    def train(part: Run, config: Config, rows: Sequence[TrainingRow]) -> Guardian:
        train_into(part, config, rows, {})
        return load_guardian(part.artefact)

    return guardian_curve.retrained_curve(run, config, rows, audit, whole, train)


@dataclass(frozen=True, slots=True)
class Split:
    """`learning` and `calibrating` rows; `reason`: why nothing is set aside, "" where the labels are too few for it."""

    learning: list[TrainingRow]
    calibrating: list[TrainingRow]
    reason: str


@dataclass(frozen=True, slots=True)
class Trained:
    """What the manifest needs to know. `linear`: for the learning curve of that kind."""

    thresholds: Mapping[str, float]
    settings: Mapping[str, Any]
    linear: guardian_linear.Fitted | None = None


def train_kind(run: Run, config: Config, rows: Sequence[TrainingRow]) -> Trained:
    """Trains and writes the weights into the artefact folder. Raises RunRefused where a library is missing."""
    if config.kind == "linear":
        fitted = guardian_linear.train(
            rows, config, lambda message, step, of: run.say("train", message, step, of)
        )
        guardian_linear.write(run.artefact, fitted)
        return Trained(fitted.thresholds, guardian_linear.settings_of(fitted), fitted)
    engine = "endpoint" if asks_an_endpoint(config.kind, config.settings) else config.kind
    try:
        trainer = import_module(f"training.engine.guardian_{engine}")
    except ImportError as error:
        raise RunRefused(
            f"A guardian of kind {config.kind} needs {error.name}, which is not installed here."
        ) from None
    calibrated, settings = trainer.train(run, rows, config, run.artefact)
    return Trained(calibrated.thresholds, settings)


def loaded(run: Run, config: Config) -> Guardian:
    """The guardian in the artefact folder; one behind an endpoint remembers what this run has asked it already."""
    guardian = load_guardian(run.artefact)
    if isinstance(guardian, GenerativeGuardian) and asks_an_endpoint(config.kind, config.settings):
        return RememberingJudge(run, guardian.manifest, guardian_endpoint.settings_of(config))
    return guardian


def set_aside(rows: Sequence[TrainingRow], config: Config) -> Split:
    """The rows to learn from, and the calibration rows for the conformal promise.

    A seeded share of the norm groups is set aside where it holds enough risky answers drawn at random, and where
    enough are left to learn from: a guardian that has hardly seen a risk keeps every promise by abstaining on
    everything. Else everything is learnt from and nothing is promised. Only numbers of labels decide, never scores,
    so that the promise holds.
    """
    groups = sorted({row.group for row in rows})
    random.Random(config.seed).shuffle(groups)
    held = set(groups[: round(len(groups) * config.calibration_share)])
    calibrating = [row for row in rows if row.group in held and row.random and risk_of(row.target) >= 0.5]
    learning = [row for row in rows if row.group not in held]
    needed, left = risky_needed(config.alpha), sum(risk_of(row.target) >= 0.5 for row in learning)
    if len(calibrating) < needed or len({row.group for row in learning}) < 2:
        return Split(list(rows), [], "")
    if left < LEARNT_FROM:
        reason = f"Calibration would leave {left} risky answers to learn from; {LEARNT_FROM} are needed."
        return Split(list(rows), [], reason)
    return Split(learning, calibrating, "")


def promised(run: Run, guardian: Guardian, split: Split, config: Config) -> RiskControl:
    """The conformal threshold on P(risky) from risky rows that the guardian has not learnt from."""
    scores = [
        risk_probability(outcome.p)
        for outcome in judge_all(run, guardian, split.calibrating, "calibration")
        if isinstance(outcome, Verdict)
    ]
    found = control(scores, config.alpha)
    return replace(found, reason=split.reason) if split.reason else found


def library_versions(kind: str) -> dict[str, str]:
    """Versions of the libraries that shape this kind's weights."""
    wanted = LIBRARIES[:3] if kind == "linear" else LIBRARIES
    found = {}
    for name in wanted:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def own_version() -> str:
    try:
        return f"medes {version('medes')}"
    except PackageNotFoundError:
        return "medes"


if __name__ == "__main__":
    sys.exit(main())
