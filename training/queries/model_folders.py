"""Where models lie on this machine: what runs left, and the folders that base models may be read from."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet

from training.models import Dataset, Run, TrainingKind
from training.readers.base_models import base_in
from training.rules.memory import parameters_of, shape_of

SMALL_PARAMETERS = 20_000_000
LATEST = 200
NEEDED = ("kind", "name", "version", "folder", "stored", "finished_at")


def run_folder(run: Run) -> Path:
    """The run directory; made when the run begins."""
    return Path(settings.MEDES_ARTEFACTS) / (run.folder or f"runs/{run.pk}")


def dataset_folder(dataset: Dataset) -> Path:
    return Path(settings.MEDES_ARTEFACTS) / dataset.folder


def model_roots() -> list[Path]:
    """Where base models may lie: MEDES_MODEL_ROOTS, and what earlier runs left."""
    return [*settings.MEDES_MODEL_ROOTS, Path(settings.MEDES_ARTEFACTS) / "runs"]


def is_small(folder: str) -> bool:
    """Whether a model is so small that it is there for trials alone."""
    try:
        return parameters_of(shape_of(base_in(folder, None).config)) < SMALL_PARAMETERS
    except ValueError:
        return False


def base_models() -> list[tuple[str, str]]:
    """(folder, name) of the models that may be tuned: what the newest runs left, newest first, then the folders of
    the roots."""
    runs = newest_finished().only(*NEEDED)
    found = [(weights_of(run), f"{run.get_kind_display()} {run}") for run in runs]
    return [(str(folder), name) for folder, name in found if folder is not None] + root_models()


def whole_models() -> list[tuple[str, str]]:
    """As `base_models`, without what is an adapter alone: a guardian is made of a model with all its weights."""
    runs = Path(settings.MEDES_ARTEFACTS) / "runs"
    return [
        (folder, name)
        for folder, name in base_models()
        if not (Path(folder).name == "adapter" and Path(folder).is_relative_to(runs))
    ]


def run_of_path(base_model: str) -> Run | None:
    """The stored run whose folder holds this path."""
    root = Path(settings.MEDES_ARTEFACTS) / "runs"
    try:
        number, *_rest = Path(base_model).relative_to(root).parts
    except ValueError:
        return None
    run = Run.objects.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 16 else None
    return run if run is not None and run.stored else None


def newest_finished() -> QuerySet[Run]:
    """The newest 200 of finished SFT and DPO runs, newest first."""
    tuned = Run.objects.exclude(kind=TrainingKind.GUARDIAN).filter(finished_at__isnull=False)
    return tuned.order_by("-pk")[:LATEST]


def weights_of(run: Run) -> Path | None:
    """The folder of what a run has learned, merged weights before an adapter, whether it lies here or only in the store
    of artefacts; None where there is none."""
    for part in ("model", "adapter"):
        folder = run_folder(run) / "artefact" / part
        if folder.is_dir() or run.has_stored(part):
            return folder
    return None


def must_be_fetched(run: Run, folder: Path) -> bool:
    """Whether a part of its artefact is in the store and not, or not all of it, on this machine."""
    prefix = f"artefact/{folder.name}/"
    return any(
        not (path := run_folder(run) / name).is_file() or path.stat().st_size != told["bytes"]
        for name, told in run.stored.get("files", {}).items()
        if name.startswith(prefix)
    )


def root_models() -> list[tuple[str, str]]:
    """(folder, name) of the untuned models in MEDES_MODEL_ROOTS; a hidden folder is one that is still being made."""
    return [
        (str(path.parent), path.parent.name)
        for root in settings.MEDES_MODEL_ROOTS
        for path in sorted(Path(root).glob("*/config.json"))
        if not path.parent.name.startswith(".")
    ]
