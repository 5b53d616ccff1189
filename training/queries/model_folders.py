"""Where models lie on this machine: what runs left, and the folders that base models may be read from."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from training.models import Dataset, Run, TrainingKind
from training.readers.base_models import base_in
from training.rules.memory import parameters_of, shape_of

SMALL_PARAMETERS = 20_000_000


def folder_of(run: Run) -> Path:
    """The run directory."""
    return Path(settings.MEDES_ARTEFACTS) / (run.folder or f"runs/{run.pk}")


def files_of(dataset: Dataset) -> Path:
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
    """(folder, name) of the models that may be tuned: what runs left, newest first, then the folders of the roots."""
    found = []
    for run in Run.objects.exclude(kind=TrainingKind.GUARDIAN).filter(finished_at__isnull=False):
        for part in ("model", "adapter"):
            folder = folder_of(run) / "artefact" / part
            if folder.is_dir() or run.has_stored(part):
                found.append((str(folder), f"{run.get_kind_display()} {run}"))
                break
    return found + root_models()


def root_models() -> list[tuple[str, str]]:
    """(folder, name) of the untuned models in MEDES_MODEL_ROOTS."""
    return [
        (str(path.parent), path.parent.name)
        for root in settings.MEDES_MODEL_ROOTS
        for path in sorted(Path(root).glob("*/config.json"))
    ]
