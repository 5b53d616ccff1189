"""Which tasks divide the experts most: the ones worth a discussion or a line in the guidelines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from annotation.rules.blind_labels import TaskId, Values, order_key

RISK_CRITERIA = frozenset({"r1", "r2"})

WEIGHTS: Mapping[str, float] = {"r1": 1.0, "r2": 1.0, "q1": 0.4, "q2": 0.3, "q3": 0.2, "q4": 0.1}
"""Quality criteria weigh as in the weighted quality score, each risk criterion as much as these together."""


@dataclass(frozen=True, slots=True)
class DividedTask:
    """`disagreement` per criterion: chance in [0, 1] that two of the task's experts differ on it (criteria
    with two values or more only). `score` in [0, 1] is its weighted mean over all criteria; `risk` says that
    they differ on a risk criterion; `labels` counts the labels.
    """

    task: TaskId
    score: float
    risk: bool
    labels: int
    disagreement: Mapping[str, float]


def disagreement(values: Iterable[int | None]) -> float | None:
    """Share of pairs of labels that differ, in [0, 1]; None with fewer than two values.

    1 for two labels that differ, 2/3 for three of which one differs. Unlike entropy it estimates the same
    thing, the chance that two experts differ, whether a task has two labels or five.
    """
    counts = Counter(value for value in values if value is not None)
    n = counts.total()
    if n < 2:
        return None
    return 1.0 - sum(count * (count - 1) for count in counts.values()) / (n * (n - 1))


def most_divisive(
    labels: Mapping[TaskId, Sequence[Values]],
    *,
    weights: Mapping[str, float] = WEIGHTS,
    risk_criteria: Iterable[str] = RISK_CRITERIA,
    limit: int | None = None,
) -> tuple[DividedTask, ...]:
    """Tasks on which experts differ, the most divisive first, at most `limit` of them.

    `labels` are each task's labels (blind ones; here third labels count too, since this ranks tasks and
    measures nobody). Any disagreement on risk comes before none, then the higher score, then the lower task
    id. A criterion that fewer than two experts judged (quality, where one calls the answer risky) adds 0 to
    the score. Tasks without disagreement on a weighted criterion are left out. Raises ValueError for
    weights that are negative or all 0.
    """
    whole = sum(weights.values())
    if whole <= 0 or any(weight < 0 for weight in weights.values()):
        raise ValueError("weights must not be negative, nor all 0")
    risks = frozenset(risk_criteria)
    divided = []
    for task, given in labels.items():
        found = {name: disagreement(values.get(name) for values in given) for name in weights}
        known = {name: value for name, value in found.items() if value is not None}
        score = sum(weights[name] * value for name, value in known.items()) / whole
        if score > 0:
            risk = any(known.get(name, 0.0) > 0 for name in risks)
            divided.append(DividedTask(task, score, risk, len(given), known))
    # Rounded: the same disagreements added up in another order must not decide before the task id does.
    divided.sort(key=lambda found: (not found.risk, -round(found.score, 12), order_key(found.task)))
    return tuple(divided if limit is None else divided[:limit])
