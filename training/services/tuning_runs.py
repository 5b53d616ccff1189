"""SFT and DPO runs: planned with a checked configuration, supervised to their end, promoted to an entry."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from benchmark.models import BenchmarkVersion, Entry, Submission
from benchmark.services.entries import create_entry
from benchmark.services.guardians import NAME
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.errors import JobError
from training.errors import BadInput, NotAllowed, WrongState
from training.models import Dataset, Run, TrainingKind
from training.names import sentence
from training.policies import can_promote, can_train
from training.queries.model_folders import dataset_folder, model_roots, run_folder, run_of_path, weights_of
from training.readers.base_models import BaseModelError, base_in, hub_refusal, is_path
from training.rules.tuning_config import ConfigError, parse_config
from training.services.artefact_store import fetch_artefacts, fetch_base_model, store_artefacts
from training.services.runs import close_run, code_version, library_versions, next_version
from training.services.supervising import read_json, supervise
from training.services.tuning_estimates import estimate_of

FILES = ("train.jsonl", "eval.jsonl", "train.parquet", "eval.parquet", "prompts.jsonl")
MOST_PROCESSES = 64
KINDS = (TrainingKind.SFT, TrainingKind.DPO)


def plan_tuning_run(
    *,
    actor: Any,
    kind: str,
    dataset: Dataset,
    config: Mapping[str, Any],
    name: str = "",
    note: str = "",
    time_limit: int = 86_400,
    processes: int = 1,
    copied_from: Run | None = None,
) -> Run:
    """A run of the next version under this name. `actor` None: the command line. `processes`: 1 to 64, on one machine.

    Raises NotAllowed; BadInput, in one sentence, for a configuration, base model or dataset that cannot be used, and
    for a run that is certain not to fit.
    """
    if actor is not None and not can_train(actor):
        raise NotAllowed(_("Only researchers tune models."))
    if kind not in KINDS or dataset.kind != kind:
        raise BadInput(_("A dataset for %(kind)s is needed.") % {"kind": kind.upper()}, field="dataset")
    name = name.strip() or f"medes-{kind}"
    if not NAME.fullmatch(name):
        raise BadInput(
            _("A model's name is 1 to 40 letters, digits, dots, dashes or underscores."), field="name"
        )
    if not 10 <= time_limit <= 30 * 86_400:
        raise BadInput(_("The time limit lies between 10 seconds and 30 days."), field="time_limit")
    if not 1 <= processes <= MOST_PROCESSES:
        raise BadInput(_("A run has 1 to %(most)s processes.") % {"most": MOST_PROCESSES}, field="processes")
    checked = check_tuning_config(kind, config)
    estimate = estimate_of(kind, checked, dataset.rows, processes)
    if estimate.refusal:
        raise BadInput(estimate.refusal)
    fields = {
        "kind": kind,
        "name": name,
        "recipe": dataset.recipe,
        "config": checked,
        "dataset": dataset,
        "note": note.replace("\0", "").strip()[:2000],
        "time_limit": time_limit,
        "processes": processes,
        "copied_from": copied_from,
        "code_version": code_version(),
        "libraries": library_versions(),
        "created_by": actor,
    }
    for tries_left in (4, 3, 2, 1, 0):
        try:
            with transaction.atomic():
                return Run.objects.create(version=next_version(kind, name), **fields)
        except IntegrityError:  # somebody else took the number at the same moment
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def copy_run(*, actor: Any, run: Run) -> Run:
    """The next version of an SFT or DPO run, with the same settings on the same dataset. Raises as `plan_tuning_run`."""
    assert run.dataset is not None
    return plan_tuning_run(
        actor=actor,
        kind=run.kind,
        dataset=run.dataset,
        config=run.config,
        name=run.name,
        note=run.note,
        time_limit=run.time_limit,
        processes=run.processes,
        copied_from=run,
    )


def check_tuning_config(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as the engine will read it, without what is the site's to say. Raises BadInput."""
    given = {key: value for key, value in config.items() if key not in ("model_roots", "hubs", "lineage")}
    try:
        parsed = parse_config(given, kind)  # type: ignore[arg-type]
        if run_of_path(parsed.base_model) is not None and not Path(parsed.base_model).is_dir():
            pass  # a worker fetches it from the store, and checks it there
        elif is_path(parsed.base_model):
            base_in(parsed.base_model, [str(root) for root in model_roots()])
            # A worker has another working directory, and perhaps another home.
            given["base_model"] = os.path.abspath(os.path.expanduser(parsed.base_model))
        else:
            refused = hub_refusal(parsed.base_model, settings.MEDES_MODEL_HUBS)
            if refused:
                raise BadInput(sentence(refused), field="base_model")
    except ConfigError as error:
        raise BadInput(sentence(str(error)), field=error.key) from None
    except BaseModelError as error:
        raise BadInput(sentence(str(error)), field="base_model") from None
    return given


def comes_from_a_hub(base_model: str) -> bool:
    """Whether the engine must be let online: the base model is a hub id, and an allowed one."""
    return not is_path(base_model) and hub_refusal(base_model, settings.MEDES_MODEL_HUBS) is None


def tune_model(context: JobContext, run: Run) -> None:
    """Runs the engine to its end; an attempt after another goes on from the last checkpoint."""
    if run.finished_at is None:
        supervise(
            context,
            run,
            module=f"training.engine.{run.kind}",
            prepare=_prepare,
            keep=True,
            extra=("--resume",),
            hub=comes_from_a_hub(str(run.config.get("base_model", ""))),
        )
        run.refresh_from_db()
        report = read_json(run_folder(run) / "report.json")
        with context.fenced():
            close_run(run, progress={**run.progress, "report": report})
        context.log("the tuned model lies in the run's folder")
    try:
        store_artefacts(context, run)
    except JobError as error:  # the run stands all the same; storing is tried again by a job of its own
        context.log(f"not stored yet: {error}")


def _prepare(run: Run, folder: Path) -> None:
    assert run.dataset is not None
    fetch_base_model(run.config["base_model"])
    source = dataset_folder(run.dataset)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
        if not (source / name).is_file():
            continue
        try:
            os.link(source / name, folder / name)
        except OSError:  # another file system
            shutil.copyfile(source / name, folder / name)
    config = {
        **run.config,
        "kind": run.kind,
        "name": run.name,
        "version": run.version,
        "model_roots": [str(root) for root in model_roots()],
        "hubs": list(settings.MEDES_MODEL_HUBS),
        "lineage": {
            "run": run.pk,
            "dataset": run.dataset.content_hash,
            "code_version": run.code_version,
            "dataset_lineage": run.dataset.manifest.get("lineage", {}),
        },
    }
    text = json.dumps(config, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / "config.json").write_text(text, "utf-8")


def tuned_model(run: Run) -> Path:
    """The folder of a finished run's weights: merged where there are any, else the adapter; fetched from the store where
    they lie on another machine. Raises WrongState, and what `fetch_artefacts` raises."""
    artefact = fetch_artefacts(run) / "artefact"
    for name in ("model", "adapter"):
        if run.finished_at is not None and (artefact / name).is_dir():
            return artefact / name
    raise WrongState(_("This run has left no model yet."))


def has_model(run: Run) -> bool:
    """Whether a finished run's weights lie here or in the store."""
    return run.finished_at is not None and weights_of(run) is not None


@transaction.atomic
def promote_run(*, actor: Any, run: Run, version: BenchmarkVersion, name: str = "") -> Submission:
    """An entry for the tuned model, owned by the actor, with a private submission that its answers will fill.

    A run that is an entry already gets another submission. Raises NotAllowed, WrongState, NameTaken, BadInput.
    """
    if actor is not None and not can_promote(actor):
        raise NotAllowed(_("Only researchers promote models."))
    if not has_model(run):
        raise WrongState(_("This run has left no model yet."))
    if not version.is_frozen:
        raise WrongState(_("This benchmark version is not frozen yet, so it takes no submissions."))
    run = Run.objects.select_for_update(of=("self",)).select_related("entry").get(pk=run.pk)
    entry = run.entry
    if entry is None:
        entry = create_entry(
            actor=None, name=name.strip() or f"{run.name} {run.version}", type=Entry.Type.MEDICAL
        )
        Run.objects.filter(pk=run.pk).update(entry=entry)
    return Submission.objects.create(
        entry=entry,
        version=version,
        method=Submission.Method.CHECKPOINT,
        submitted_by=actor,
        note=_("Answers of the model tuned in run %(run)s.") % {"run": run},
    )
