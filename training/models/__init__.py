"""All models of the training app, one module per noun."""

from training.models.base_entries import BaseEntry
from training.models.datasets import Dataset, TrainingKind
from training.models.drawings import Drawing
from training.models.runs import Run, RunMetric

__all__ = ["BaseEntry", "Dataset", "Drawing", "Run", "RunMetric", "TrainingKind"]
