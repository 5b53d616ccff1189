"""A guardian's run from its dataset to its place in the registry."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from benchmark.models import Guardian
from benchmark.services.guardians import begin_shadow, register_guardian
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.errors import JobError
from training.errors import BenchmarkError
from training.models import Dataset, Run
from training.policies import can_train
from training.queries.model_folders import dataset_folder
from training.services.artefact_store import fetch_base_model
from training.services.guardian_config import judge_variables
from training.services.guardian_data import build_guardian_dataset
from training.services.guardian_reports import judged_any, reliability_of
from training.services.runs import close_run, code_version
from training.services.supervising import supervise

ENGINE = "training.engine.guardian"


def train_guardian(context: JobContext) -> Guardian:
    """Subject: a run of kind guardian. Returns the candidate, which is in the shadow already, unless it has judged none
    of the audit answers: then it would only keep a worker busy.

    A run that an earlier attempt brought to its end is left as it is.
    """
    run = Run.objects.select_related("dataset", "created_by", "guardian__scorer").get(pk=context.subject_id)
    if run.guardian is not None:
        return run.guardian
    if run.dataset is None:
        context.progress(0, 0, "dataset")
        run.dataset = _dataset(context, run)
    _note_code(context, run)
    context.log(f"dataset {run.dataset.content_hash[:12]}: {run.dataset.rows} responses to learn from")
    folder = supervise(context, run, module=ENGINE, prepare=_prepare, judge=judge_variables(run.config))
    return _register(context, run, folder)


def _note_code(context: JobContext, run: Run) -> None:
    """What trains it is the code of this attempt, be it that the run was planned before an upgrade."""
    now = code_version()
    if run.code_version != now:
        with context.fenced():
            Run.objects.filter(pk=run.pk).update(code_version=now)
        run.code_version = now


def _dataset(context: JobContext, run: Run) -> Dataset:
    try:
        dataset = build_guardian_dataset(actor=run.created_by, recipe=run.recipe, check=context.check)
    except BenchmarkError as error:
        raise JobError(str(error)) from error
    with context.fenced():
        Run.objects.filter(pk=run.pk).update(dataset=dataset)
    return dataset


def _prepare(run: Run, folder: Path) -> None:
    assert run.dataset is not None
    fetch_base_model(run.config.get("base_model", ""))
    source = dataset_folder(run.dataset)
    for name in ("rows.jsonl", "audit.jsonl"):
        (folder / name).unlink(missing_ok=True)
        try:
            os.link(source / name, folder / name)
        except OSError:  # another file system
            shutil.copyfile(source / name, folder / name)
    config = {**run.config, "name": run.name, "version": run.version, "code_version": run.code_version}
    (folder / "config.json").write_text(
        json.dumps(config, ensure_ascii=False, indent=1, sort_keys=True), "utf-8"
    )


def _register(context: JobContext, run: Run, folder: Path) -> Guardian:
    reliability = reliability_of(folder)
    allowed = run.created_by is not None and can_train(run.created_by)
    actor = run.created_by if allowed else None
    try:
        with context.fenced():
            guardian = register_guardian(actor=actor, folder=folder / "artefact", reliability=reliability)
            judges = judged_any(reliability, guardian.manifest.get("settings", {}))
            if judges and guardian.state == Guardian.State.CANDIDATE:
                guardian = begin_shadow(actor=actor, guardian=guardian)
            close_run(run, guardian=guardian)
    except BenchmarkError as error:
        raise JobError(str(error)) from error
    if judges:
        context.log(f"registered {guardian} as a candidate; it now judges everything in the shadow")
    else:
        context.log(
            f"registered {guardian} as a candidate; it judged no answer, so it stays out of the shadow"
        )
    return guardian
