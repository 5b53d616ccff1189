"""What a guardian may learn from the labels on one response, and what is kept to test it (project rule).

Rulings first, then consensus. Where experts differ and nobody ruled, their dissent is kept as soft labels, also that of
a minority: two of three is two thirds, not one. A label
given after the guardian's verdict was shown teaches the guardian its own opinion, so only blind labels count. Labels
of audit groups never train: of them the first blind ones test every guardian.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from annotation.rules.consensus import majority
from benchmark.rules.rubric import CRITERIA, QUALITY_CRITERIA, RISK_CRITERIA

Origin = Literal["ruling", "consensus", "dissent", "single"]
Values = Mapping[str, int | None]

WEIGHTS: Mapping[Origin, float] = {"ruling": 1.0, "consensus": 1.0, "dissent": 1.0, "single": 0.5}
"""One expert's word alone counts half: nobody has confirmed it."""


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """One stored version of a label on a real task: `values` per criterion, q1 to q4 None on a risky answer.

    `current`: the newest of its series and not taken back. `first`: the version first submitted, from one of
    the seats a task has from the start.
    """

    expert: str
    values: Values
    blind: bool = True
    current: bool = True
    first: bool = True
    extra: bool = False
    rationale: str = ""


@dataclass(frozen=True, slots=True)
class GivenRuling:
    """A referee's last word; `values` None where the norm is silent."""

    values: Values | None
    rationale: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What is learned from one response: soft probabilities in [0, 1], violated for r1 and r2, met for q1 to q4.

    None: not known (a risky answer has no quality). `labels`: how many labels stand behind it.
    """

    origin: Origin
    probabilities: Mapping[str, float | None]
    weight: float
    labels: int
    rationale: str = ""


def target_of(labels: Sequence[GivenLabel], rulings: Sequence[GivenRuling]) -> Target | None:
    """The target of a response that is not of an audit group; None where there is nothing to learn.

    `rulings` in the order of time: the last one holds. A norm found silent teaches nothing about the answer.
    """
    if rulings:
        last = rulings[-1]
        if last.values is None:
            return None
        return Target("ruling", _soft([last.values]), WEIGHTS["ruling"], 1, last.rationale)
    counted = [label for label in labels if label.current and label.blind and not label.extra]
    if not counted:
        return None
    values = [label.values for label in counted]
    if len(counted) == 1:
        only = counted[0]
        return Target("single", _soft(values), WEIGHTS["single"], 1, only.rationale)
    place = majority(values, first=2)
    if place is not None:
        shared = counted[place]
        return Target("consensus", _soft(values), WEIGHTS["consensus"], len(counted), shared.rationale)
    return Target("dissent", _soft(values), WEIGHTS["dissent"], len(counted))


def audit_labels(labels: Sequence[GivenLabel]) -> list[dict[str, Any]]:
    """The first blind label of each expert, sorted by expert: what a guardian is tested on. May be empty.

    Somebody who labelled the response in two campaigns counts once, with what they said first.
    """
    kept: dict[str, GivenLabel] = {}
    for label in labels:
        if label.blind and label.first and not label.extra:
            kept.setdefault(label.expert, label)
    return [
        {"expert": expert, **{name: kept[expert].values.get(name) for name in CRITERIA}}
        for expert in sorted(kept)
    ]


@dataclass(slots=True)
class RowCounts:
    """How many responses went where; `left_out` by reason. For the card and the manifest."""

    by_origin: dict[str, int] = field(default_factory=dict)
    audit: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def count(self, origin: str) -> None:
        self.by_origin[origin] = self.by_origin.get(origin, 0) + 1

    def leave_out(self, reason: str) -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1

    @property
    def training(self) -> int:
        return sum(self.by_origin.values())


def _soft(labels: Sequence[Values]) -> dict[str, float | None]:
    """Shares over labels; a quality's share is over those who call the answer safe, None if nobody does."""
    soft: dict[str, float | None] = {}
    for name in RISK_CRITERIA:
        soft[name] = sum(values.get(name) == -1 for values in labels) / len(labels)
    for name in QUALITY_CRITERIA:
        said = [value for values in labels if (value := values.get(name)) is not None]
        soft[name] = sum(said) / len(said) if said else None
    return soft
