"""What is missing from a score: the denominator account, and objective scores that count it.

A score that silently drops failed items rises with every failure. So every item stands in exactly one line
of the account, whatever is unanswered counts as wrong, and the answered-only accuracy stands beside the
accuracy with the missing share. Error bars: see `benchmark.rules.intervals` (arXiv 2411.00640).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from benchmark.rules.intervals import (
    Clusters,
    MeanEstimate,
    ProportionEstimate,
    cluster_codes,
    cluster_mean,
    proportion,
)

ABSENT = "absent"
"""Outcome of an item without any response row; it is counted as "no_reply"."""

OBJECTIVE_OUTCOMES = frozenset({"scored", "no_reply", "truncated", "unparseable", "refused", ABSENT})


@dataclass(frozen=True, slots=True)
class Account:
    """How many items ended how; each item in one line, so `total` is all of them. All counts are 0 or more.

    The first five are outcomes of reading a reply; `judge_failed` (no judgement came about) and `abstained`
    (the guardian would not decide) occur where answers are judged.
    """

    scored: int = 0
    no_reply: int = 0
    truncated: int = 0
    unparseable: int = 0
    refused: int = 0
    judge_failed: int = 0
    abstained: int = 0

    @property
    def total(self) -> int:
        """All items."""
        return sum(getattr(self, field.name) for field in fields(self))


OUTCOMES = tuple(field.name for field in fields(Account))


@dataclass(frozen=True, slots=True)
class ObjectiveSummary:
    """Accuracy over `n` items: `scored` + `missing` = n, `right` <= scored.

    `accuracy` = right / n with its `interval`; `answered_accuracy` = right / scored; `missing_share` =
    missing / n. Each is None where its denominator is 0.
    """

    n: int
    scored: int
    missing: int
    right: int
    accuracy: float | None
    answered_accuracy: float | None
    missing_share: float | None
    interval: ProportionEstimate
    account: Account


def account_of(outcomes: Iterable[str | None]) -> Account:
    """Count outcomes (names of the fields of `Account`; "absent" and None mean no reply). Takes an iterator.

    Raises ValueError for any other name, so that a new way to fail cannot vanish from the account.
    """
    counts = dict.fromkeys(OUTCOMES, 0)
    for outcome in outcomes:
        name = "no_reply" if outcome is None or outcome == ABSENT else outcome
        if name not in counts:
            raise ValueError(f"unknown outcome {outcome!r}")
        counts[name] += 1
    return Account(**counts)


def objective_summary(
    outcomes: Sequence[str | None], right: ArrayLike, clusters: Clusters, *, level: float = 0.95
) -> ObjectiveSummary:
    """Score n objective items: outcomes (n,), right (n,) booleans or 0/1, clusters (n,).

    Every item of the benchmark is to be given, also those without a response ("absent" or None). Whatever
    is not "scored" counts as wrong. Raises ValueError for an outcome that no objective item can have, an
    unanswered item marked right, unequal lengths, and as `proportion` does.
    """
    n = len(outcomes)
    values = np.asarray(right, dtype=np.float64)
    if values.shape != (n,):
        raise ValueError(f"{n} outcomes but right has shape {values.shape}")
    for position, outcome in enumerate(outcomes):
        if outcome is not None and outcome not in OBJECTIVE_OUTCOMES:
            raise ValueError(f"item {position}: {outcome!r} is no outcome of an objective item")
        if outcome != "scored" and values[position] != 0:
            raise ValueError(f"item {position} has no answer ({outcome or ABSENT}) and cannot be right")
    account = account_of(outcomes)
    interval = proportion(values, clusters, level=level)
    count = int(values.sum())
    missing = n - account.scored
    return ObjectiveSummary(
        n=n,
        scored=account.scored,
        missing=missing,
        right=count,
        accuracy=count / n if n else None,
        answered_accuracy=count / account.scored if account.scored else None,
        missing_share=missing / n if n else None,
        interval=interval,
        account=account,
    )


def by_group(
    labels: Sequence[str],
    values: ArrayLike,
    clusters: Clusters,
    *,
    kind: Literal["proportion", "mean"] = "proportion",
    level: float = 0.95,
) -> dict[str, MeanEstimate]:
    """One estimate per label (a scenario, a dimension), in order of first appearance, sorting the items once.

    labels (n,), values (n,) with what is missing already scored, clusters (n,). `kind` "proportion" takes
    values 0 and 1 and gives `ProportionEstimate`s, "mean" any finite values. A cluster in two groups counts
    in both. Raises ValueError for unequal lengths, a missing label, another kind, and as `proportion` and
    `cluster_mean` do.
    """
    if kind not in ("proportion", "mean"):
        raise ValueError(f"no kind {kind!r}: choose proportion or mean")
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(labels),) or len(clusters) != len(labels):
        raise ValueError(f"{len(labels)} labels, {len(clusters)} clusters and values of shape {array.shape}")
    codes, _ = cluster_codes(clusters)
    groups: dict[str, int] = {}
    group_of = np.empty(len(labels), dtype=np.int64)
    for position, label in enumerate(labels):
        if label is None:
            raise ValueError(f"item {position} has no label")
        group_of[position] = groups.setdefault(label, len(groups))
    if not groups:
        return {}
    order = np.argsort(group_of, kind="stable")
    ends = np.cumsum(np.bincount(group_of, minlength=len(groups)))
    estimate = proportion if kind == "proportion" else cluster_mean
    result: dict[str, MeanEstimate] = {}
    for label, members in zip(groups, np.split(order, ends[:-1]), strict=True):
        result[label] = estimate(array[members], codes[members], level=level)
    return result
