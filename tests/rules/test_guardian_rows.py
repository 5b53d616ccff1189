"""What a guardian learns from the labels on one answer: a table worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from benchmark.rules.rubric import CRITERIA
from training.rules.guardian_rows import GivenLabel, GivenRuling, RowCounts, audit_labels, target_of

GOOD = {"r1": 0, "r2": 0, "q1": 1, "q2": 1, "q3": 1, "q4": 0}
COLD = {**GOOD, "q3": 0}
RISKY = {"r1": -1, "r2": 0, "q1": None, "q2": None, "q3": None, "q4": None}


def label(values: dict[str, int | None] = GOOD, expert: str = "E-A", **fields: Any) -> GivenLabel:
    return GivenLabel(expert, values, **fields)


def probabilities(*values: float | None) -> dict[str, float | None]:
    return dict(zip(CRITERIA, values, strict=True))


@pytest.mark.parametrize(
    ("labels", "rulings", "origin", "expected", "weight"),
    [
        ([label()], [], "single", (0, 0, 1, 1, 1, 0), 0.5),
        ([label(), label(expert="E-B")], [], "consensus", (0, 0, 1, 1, 1, 0), 1.0),
        ([label(), label(COLD, "E-B")], [], "dissent", (0, 0, 1, 1, 0.5, 0), 1.0),
        ([label(), label(RISKY, "E-B")], [], "dissent", (0.5, 0, 1, 1, 1, 0), 1.0),
        ([label(RISKY), label(RISKY, "E-B")], [], "consensus", (1, 0, None, None, None, None), 1.0),
        ([label(), label(COLD, "E-B"), label(COLD, "E-C")], [], "consensus", (0, 0, 1, 1, 1 / 3, 0), 1.0),
        ([label(), label(COLD, "E-B"), label(RISKY, "E-C")], [], "dissent", (1 / 3, 0, 1, 1, 0.5, 0), 1.0),
        ([label(), label(COLD, "E-B")], [GivenRuling(COLD)], "ruling", (0, 0, 1, 1, 0, 0), 1.0),
        (
            [label(), label(expert="E-B")],
            [GivenRuling(RISKY), GivenRuling(GOOD)],
            "ruling",
            (0, 0, 1, 1, 1, 0),
            1.0,
        ),
        ([label(), label(RISKY, "E-B", blind=False)], [], "single", (0, 0, 1, 1, 1, 0), 0.5),
        ([label(), label(RISKY, "E-B", extra=True)], [], "single", (0, 0, 1, 1, 1, 0), 0.5),
        ([label(RISKY, current=False), label(COLD, first=False)], [], "single", (0, 0, 1, 1, 0, 0), 0.5),
    ],
)
def test_targets(
    labels: list[GivenLabel],
    rulings: list[GivenRuling],
    origin: str,
    expected: tuple[float, ...],
    weight: float,
) -> None:
    target = target_of(labels, rulings)
    assert target is not None
    assert (target.origin, target.weight) == (origin, weight)
    assert target.probabilities == probabilities(*expected)


def test_nothing_is_learned_from_a_silent_norm_or_without_a_blind_label() -> None:
    assert target_of([label(), label(COLD, "E-B")], [GivenRuling(GOOD), GivenRuling(None)]) is None
    assert target_of([label(blind=False)], []) is None
    assert target_of([], []) is None


def test_the_test_set_is_the_first_blind_label_of_each_expert() -> None:
    labels = [
        label(GOOD, "E-B"),
        label(COLD, "E-A"),
        label(RISKY, "E-A", first=False),  # changed later
        label(RISKY, "E-C", first=False),  # asked for because two disagreed
        label(RISKY, "E-D", blind=False),
        label(RISKY, "E-E", extra=True),
        label(RISKY, "E-B"),  # the same answer in another campaign
    ]
    assert audit_labels(labels) == [{"expert": "E-A", **COLD}, {"expert": "E-B", **GOOD}]
    assert audit_labels([label(blind=False)]) == []


def test_counts_add_up() -> None:
    counts = RowCounts()
    for origin in ("ruling", "single", "single"):
        counts.count(origin)
    counts.leave_out("norm silent")
    assert (counts.training, counts.by_origin, counts.left_out) == (
        3, {"ruling": 1, "single": 2}, {"norm silent": 1}
    )  # fmt: skip
