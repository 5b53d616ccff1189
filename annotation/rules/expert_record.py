"""How each expert stands against gold answers, against peers and against rulings, criterion by criterion.

Intervals are Wilson's at the effective sample size (`benchmark.rules.intervals`): a share near 1 from few
tasks must not look certain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from annotation.rules.agreement import cohen_kappa
from annotation.rules.blind_labels import (
    FIRST_SLOTS,
    ExpertId,
    LabelFact,
    TaskId,
    Values,
    first_blind_pairs,
    gold_labels,
    order_key,
)
from benchmark.rules.intervals import wilson_clustered

MINIMUM = 10
"""Below this many tasks an expert's agreement is not given (project rule)."""

Against = Literal["gold", "peers", "rulings"]
AGAINST: tuple[Against, ...] = ("gold", "peers", "rulings")


@dataclass(frozen=True, slots=True)
class RecordFigure:
    """One expert, one criterion, one reference.

    `n` counts comparisons and `tasks` the tasks they are on (the same, but for peers where a task has more
    than two first labels). `agreement` is the share of comparisons that agree, in [0, 1], `low` and `high`
    its interval (None with fewer than 10 clusters). `constant` is the share that always giving the
    reference's commonest value would have reached: agreement no better than that shows no skill. `kappa` is
    Cohen's, None where undefined. `refused` says that there are fewer than `minimum` tasks; then only `n`
    and `tasks` are given.
    """

    criterion: str
    against: Against
    n: int
    tasks: int
    agreement: float | None
    low: float | None
    high: float | None
    constant: float | None
    kappa: float | None
    refused: bool


@dataclass(frozen=True, slots=True)
class ExpertRecord:
    """All figures of one expert: criteria in the order asked for, each against gold, peers and rulings."""

    expert: ExpertId
    minimum: int
    figures: tuple[RecordFigure, ...]

    def figure(self, criterion: str, against: Against) -> RecordFigure:
        """One of them. Raises KeyError for a criterion that was not asked for."""
        for figure in self.figures:
            if (figure.criterion, figure.against) == (criterion, against):
                return figure
        raise KeyError((criterion, against))


@dataclass(frozen=True, slots=True)
class _Comparison:
    task: TaskId
    own: Values
    other: Values


def expert_records(
    labels: Iterable[LabelFact],
    *,
    criteria: Sequence[str],
    gold: Mapping[TaskId, Values],
    rulings: Mapping[TaskId, Values],
    clusters: Mapping[TaskId, Hashable] | None = None,
    minimum: int = MINIMUM,
    slots: int = FIRST_SLOTS,
    confidence: float = 0.95,
) -> tuple[ExpertRecord, ...]:
    """A record for everybody who has a label that counts, sorted by expert.

    Takes every stored version of every label. Against gold: the first blind label on gold tasks. Against
    peers: the first blind labels of ordinary tasks (`first_blind_pairs`), each beside every other one of
    its task, leaving the expert's own out. Against rulings: the same labels beside the ruling; rulings exist
    only where experts disagreed, so half right is what one of two would expect there, and the share is not an
    accuracy.

    A value missing on either side (quality of a risky answer, "norm silent") is no comparison. `clusters`
    names the norm group of each task; a task not in it, as without `clusters`, is a cluster of its own.
    Raises as `first_blind_pairs`, `gold_labels` and `wilson_clustered` do.
    """
    everything = list(labels)
    gold_firsts = gold_labels(everything)
    firsts = first_blind_pairs(everything, slots=slots).labels
    by_expert = _comparisons(firsts, gold_firsts, gold, rulings)
    experts = sorted({label.expert for label in (*firsts, *gold_firsts)}, key=order_key)
    return tuple(
        ExpertRecord(
            expert,
            minimum,
            tuple(
                _figure(criterion, against, by_expert[expert, against], clusters or {}, minimum, confidence)
                for criterion in criteria
                for against in AGAINST
            ),
        )
        for expert in experts
    )


def expert_record(
    expert: ExpertId,
    labels: Iterable[LabelFact],
    *,
    criteria: Sequence[str],
    gold: Mapping[TaskId, Values],
    rulings: Mapping[TaskId, Values],
    clusters: Mapping[TaskId, Hashable] | None = None,
    minimum: int = MINIMUM,
    slots: int = FIRST_SLOTS,
    confidence: float = 0.95,
) -> ExpertRecord:
    """One expert's record, refused throughout for somebody without a label; see `expert_records`.

    `labels` must hold the peers' labels on the expert's tasks; labels on other tasks make no difference.
    """
    everything = list(labels)
    tasks = {label.task for label in everything if label.expert == expert}
    records = expert_records(
        (label for label in everything if label.task in tasks),
        criteria=criteria,
        gold=gold,
        rulings=rulings,
        clusters=clusters,
        minimum=minimum,
        slots=slots,
        confidence=confidence,
    )
    for record in records:
        if record.expert == expert:
            return record
    nothing = tuple(_refused(criterion, against, 0, 0) for criterion in criteria for against in AGAINST)
    return ExpertRecord(expert, minimum, nothing)


def _comparisons(
    firsts: Sequence[LabelFact],
    gold_firsts: Sequence[LabelFact],
    gold: Mapping[TaskId, Values],
    rulings: Mapping[TaskId, Values],
) -> Mapping[tuple[ExpertId, Against], list[_Comparison]]:
    found: defaultdict[tuple[ExpertId, Against], list[_Comparison]] = defaultdict(list)
    for label in gold_firsts:
        if label.task in gold:
            found[label.expert, "gold"].append(_Comparison(label.task, label.values, gold[label.task]))
    on_task: defaultdict[TaskId, list[LabelFact]] = defaultdict(list)
    for label in firsts:
        on_task[label.task].append(label)
    for label in firsts:
        for peer in on_task[label.task]:
            if peer.expert != label.expert:
                found[label.expert, "peers"].append(_Comparison(label.task, label.values, peer.values))
        if label.task in rulings:
            ruling = rulings[label.task]
            found[label.expert, "rulings"].append(_Comparison(label.task, label.values, ruling))
    return found


def _figure(
    criterion: str,
    against: Against,
    comparisons: Sequence[_Comparison],
    clusters: Mapping[TaskId, Hashable],
    minimum: int,
    confidence: float,
) -> RecordFigure:
    own: list[int] = []
    other: list[int] = []
    tasks: list[TaskId] = []
    for comparison in comparisons:
        mine, theirs = comparison.own.get(criterion), comparison.other.get(criterion)
        if mine is not None and theirs is not None:
            own.append(mine)
            other.append(theirs)
            tasks.append(comparison.task)
    n, distinct = len(own), len(set(tasks))
    if distinct < max(minimum, 1):
        return _refused(criterion, against, n, distinct)
    hits = [float(mine == theirs) for mine, theirs in zip(own, other, strict=True)]
    # Marked, so that a task of its own never falls together with a cluster of the same name.
    groups = [("cluster", clusters[task]) if task in clusters else ("task", task) for task in tasks]
    share = wilson_clustered(hits, groups, confidence)
    return RecordFigure(
        criterion=criterion,
        against=against,
        n=n,
        tasks=distinct,
        agreement=share.mean,
        low=share.low,
        high=share.high,
        constant=max(other.count(value) for value in set(other)) / n,
        kappa=cohen_kappa(own, other),
        refused=False,
    )


def _refused(criterion: str, against: Against, n: int, tasks: int) -> RecordFigure:
    return RecordFigure(criterion, against, n, tasks, None, None, None, None, None, True)
