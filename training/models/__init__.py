"""All models of the training app, one module per noun."""

from training.models.base_entries import BaseEntry
from training.models.datasets import Dataset, TrainingKind
from training.models.runs import Run, RunMetric

__all__ = ["BaseEntry", "Dataset", "Run", "RunMetric", "TrainingKind"]
