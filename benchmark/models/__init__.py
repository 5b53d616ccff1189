"""All models of the ground floor, one module per noun."""

from benchmark.models.corpora import Corpus, Norm, NormGroup, Scenario, Source
from benchmark.models.guardians import Guardian, Judging
from benchmark.models.items import (
    AnswerKey,
    Benchmark,
    BenchmarkVersion,
    Dimension,
    Item,
    Kind,
    PromptTemplate,
    Split,
)
from benchmark.models.scoring import Board, Extraction, Judgement, Score, Scorer, ScoreVector
from benchmark.models.sightings import Sighting
from benchmark.models.submissions import Entry, Response, Submission
from benchmark.models.tracing import BoardRenewal, Succession, Trace

__all__ = [
    "AnswerKey",
    "Benchmark",
    "BenchmarkVersion",
    "Board",
    "BoardRenewal",
    "Corpus",
    "Dimension",
    "Entry",
    "Extraction",
    "Guardian",
    "Item",
    "Judgement",
    "Judging",
    "Kind",
    "Norm",
    "NormGroup",
    "PromptTemplate",
    "Response",
    "Scenario",
    "Score",
    "ScoreVector",
    "Scorer",
    "Sighting",
    "Source",
    "Split",
    "Submission",
    "Succession",
    "Trace",
]
