"""How far a tuned model is with answering the benchmarks it was promoted for."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.models import Submission
from benchmark.queries.submissions import Answering, submission_answering
from training.models import Run

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Answers:
    """A submission by checkpoint; `answering` has a job while, or where, its answers are not there yet."""

    submission: Submission
    answering: Answering


def answering_of(run: Run) -> list[Answers]:
    """The newest submissions of a run's entry."""
    if run.entry is None:
        return []
    rows = run.entry.submissions.select_related("version__benchmark").order_by("-pk")[:SHOWN]
    return [Answers(submission, submission_answering(submission)) for submission in rows]
