"""The registry of models: what tuning may start from, what runs left, and which of them are entries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.models import Entry, Submission
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.queries import latest_job, latest_jobs
from training.models import BaseEntry, Run
from training.queries.model_folders import (
    NEEDED,
    must_be_fetched,
    newest_finished,
    root_models,
    run_folder,
    weights_of,
)
from training.readers.base_models import BaseModelError, base_in
from training.rules.memory import parameters_of, shape_of

ANSWER = "answer"  # kind of the job by which a model answers a benchmark
POLICY = ("policy", 1, "tiny_policy")  # subject and kind of the job that makes the demo's model


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model on this machine, or in the store of artefacts. `run` None: untuned, in a folder of MEDES_MODEL_ROOTS.
    `parameters`: None where its config.json does not tell, or is not here. `problem`: why it cannot be used, or "".
    `submission`: the entry's newest by checkpoint, and `job` the newest job on it."""

    name: str
    folder: str
    run: Run | None
    parameters: int | None = None
    problem: str = ""
    entry: Entry | None = None
    submission: Submission | None = None
    job: Job | None = None

    @property
    def answering(self) -> bool:
        return self.job is not None and self.job.kind == ANSWER and self.job.state in Job.ACTIVE


def model_rows() -> list[ModelRow]:
    """Untuned models by name, then the newest 200 of finished SFT and DPO runs, newest first."""
    runs = list(newest_finished().select_related("entry").only(*NEEDED, "entry"))
    found = root_models()
    bases = {
        base.folder: base.entry
        for base in BaseEntry.objects.filter(folder__in=[folder for folder, _name in found]).select_related(
            "entry"
        )
    }
    entries = [entry.pk for entry in (*bases.values(), *(run.entry for run in runs)) if entry is not None]
    newest = {
        submission.entry_id: submission
        for submission in Submission.objects.filter(
            entry__in=entries, method=Submission.Method.CHECKPOINT
        ).order_by("pk")
    }
    jobs = latest_jobs("submission", [submission.pk for submission in newest.values()])

    def row(name: str, folder: str, run: Run | None, entry: Entry | None) -> ModelRow:
        submission = newest.get(entry.pk) if entry else None
        parameters, problem = _size_of(folder)
        if problem and run is not None and must_be_fetched(run, Path(folder)):
            problem = ""  # whoever needs it brings it here
        job = jobs.get(submission.pk) if submission else None
        return ModelRow(name, folder, run, parameters, problem, entry, submission, job)

    untuned = [row(name, folder, None, bases.get(folder)) for folder, name in found]
    tuned = [(run, weights_of(run) or run_folder(run) / "artefact" / "adapter") for run in runs]
    return untuned + [row(str(run), str(folder), run, run.entry) for run, folder in tuned]


def policy_job() -> Job | None:
    """The job that makes the demo's tiny model, while it is wanted: queued, running or failed; None where it is made."""
    subject_type, subject_id, kind = POLICY
    job = latest_job(subject_type, subject_id, kind=kind)
    return job if job is not None and (job.is_active or job.state == Job.State.FAILED) else None


def _size_of(folder: str) -> tuple[int | None, str]:
    """Number of parameters, and what is wrong with the model."""
    try:
        config = base_in(folder, None).config
    except BaseModelError as error:
        return None, str(error)
    try:
        return parameters_of(shape_of(config)), ""
    except ValueError:
        return None, ""
