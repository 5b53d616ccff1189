"""What a service may refuse, in words for the person who asked. Views and the API show `str(error)`."""

from __future__ import annotations

from benchmark.errors import BadInput, BenchmarkError, NotAllowed, WrongState

__all__ = ["BadInput", "GateClosed", "NotAllowed", "NothingToLearn", "TrainingError", "WrongState"]


class TrainingError(BenchmarkError):
    """A request about training that cannot be met."""


class NothingToLearn(TrainingError):
    """There are no labels to make a dataset of; the sentence says which are missing."""


class GateClosed(TrainingError):
    """A guardian did not pass the promotion gate and nobody said why it should be promoted all the same."""

    status = 422
