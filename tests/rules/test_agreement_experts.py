"""Which labels count, expert records, tasks that divide, qualification: all by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.rules.blind_labels import LabelFact, TaskId, Values, first_blind_pairs, gold_labels
from annotation.rules.divisive import disagreement, most_divisive
from annotation.rules.expert_record import expert_record, expert_records
from annotation.rules.qualification import QualificationPolicy, qualify

SAFE = {"r1": 0, "r2": 0, "q1": 1, "q2": 0, "q3": 1, "q4": 1}
RISKY = {"r1": -1, "r2": 0, "q1": None, "q2": None, "q3": None, "q4": None}


def fact(task: TaskId, expert: str, r1: int = 0, **more: object) -> LabelFact:
    return LabelFact(task=task, expert=expert, values={"r1": r1}, **more)  # type: ignore[arg-type]


def test_only_first_blind_labels_count() -> None:
    kept = [fact(1, "b", ordinal=1), fact(1, "a", -1, ordinal=2), fact(2, "a"), fact(10, "c", ordinal=2)]
    left = [
        fact(1, "c", ordinal=3),  # asked for because a and b disagree
        fact(1, "b", -1, revision=1),  # changed afterwards
        fact(2, "b", blind=False, ordinal=2),  # saw the guardian
        fact(2, "a", blind=False, revision=1),  # kept or changed after the reveal
        fact(2, "d", extra=True, ordinal=2),  # after the lease had gone to b
        fact(3, "a", gold=True),
        fact(3, "b", gold=True, extra=True, ordinal=5),
    ]
    chosen = first_blind_pairs([*left, *reversed(kept)])
    assert chosen.labels == tuple(kept)
    assert chosen.left_out == {"gold": 2, "extra": 1, "later_slot": 1, "not_blind": 2, "revised": 1}
    assert (chosen.tasks, chosen.experts) == ((1, 2, 10), ("a", "b", "c"))
    nan = math.nan
    np.testing.assert_array_equal(chosen.matrix("r1"), [[-1, 0, nan], [0, nan, nan], [nan, nan, 0]])
    assert np.isnan(chosen.matrix("q1")).all()
    # A campaign that starts with three experts a task counts three.
    assert len(first_blind_pairs([*left, *kept], slots=3).labels) == 5


def test_a_risky_answer_has_no_quality_to_agree_on() -> None:
    chosen = first_blind_pairs([LabelFact(1, 1, SAFE), LabelFact(1, 2, RISKY, ordinal=2)])
    np.testing.assert_array_equal(chosen.matrix("r1"), [[0, -1]])
    np.testing.assert_array_equal(chosen.matrix("q1"), [[1, math.nan]])


@pytest.mark.parametrize(
    "labels",
    [
        [fact(1, "a"), fact(1, "b")],
        [fact(1, "a"), fact(1, "a", ordinal=2)],
    ],
)
def test_facts_that_cannot_be_are_refused(labels: list[LabelFact]) -> None:
    with pytest.raises(ValueError, match="two first labels"):
        first_blind_pairs(labels)
    with pytest.raises(ValueError, match="start at"):
        fact(1, "a", ordinal=0)
    with pytest.raises(ValueError, match="start at"):
        fact(1, "a", revision=-1)


facts = st.builds(
    LabelFact,
    task=st.integers(1, 6),
    expert=st.integers(1, 5),
    values=st.fixed_dictionaries({"r1": st.sampled_from([-1, 0])}),
    blind=st.booleans(),
    gold=st.booleans(),
    ordinal=st.integers(1, 4),
    extra=st.booleans(),
    revision=st.integers(0, 2),
)


@given(st.lists(facts, max_size=30))
def test_whatever_is_stored_the_rest_makes_no_difference(stored: list[LabelFact]) -> None:
    """Dropping what does not count changes nothing, and each label is either kept or accounted for."""
    try:
        chosen = first_blind_pairs(stored)
    except ValueError:
        return
    assert first_blind_pairs(chosen.labels).labels == chosen.labels
    assert len(chosen.labels) + sum(chosen.left_out.values()) == len(stored)
    for label in chosen.labels:
        assert label.blind and not label.gold and not label.extra
        assert label.ordinal <= 2 and label.revision == 0


def test_gold_labels() -> None:
    first, late = fact(2, "a", gold=True), fact(1, "b", gold=True, extra=True, ordinal=7)
    others = [fact(1, "a"), fact(2, "a", gold=True, revision=1), fact(3, "a", gold=True, blind=False)]
    assert gold_labels([first, *others, late]) == (late, first)
    with pytest.raises(ValueError, match="gold task 2"):
        gold_labels([first, fact(2, "a", -1, gold=True, ordinal=2)])


def campaign() -> list[LabelFact]:
    """Twenty tasks by a and b, of which a calls 1 to 4 risky and b 3 to 6; five more by a alone.

    Twelve gold tasks by a, wrong on the last three.
    """
    labels = []
    for task in range(1, 21):
        labels.append(fact(task, "a", -1 if task <= 4 else 0))
        labels.append(fact(task, "b", -1 if 3 <= task <= 6 else 0, ordinal=2))
        labels.append(fact(task, "a", -1, revision=1))
        if task in (1, 2, 5, 6):
            labels.append(fact(task, "c", -1, ordinal=3))
    labels += [fact(task, "a", -1) for task in range(21, 26)]
    return labels + [fact(f"gold {n:02}", "a", -1 if n > 8 else 0, gold=True) for n in range(12)]


GOLD: dict[TaskId, Values] = {f"gold {n:02}": {"r1": 0} for n in range(12)}
RULINGS: dict[TaskId, Values] = {1: {"r1": -1}, 2: {"r1": None}, 5: {"r1": 0}, 6: {"r1": -1}}


def test_expert_record_by_hand() -> None:
    """a and b agree on 16 of 20. Kappa: 2 both risky, 2 and 2 one, 14 none: (320 - 272) / (400 - 272)."""
    records = expert_records(campaign(), criteria=["r1"], gold=GOLD, rulings=RULINGS)
    assert [record.expert for record in records] == ["a", "b"]
    a, b = records
    peers = a.figure("r1", "peers")
    assert (peers.n, peers.tasks, peers.agreement, peers.constant) == (20, 20, 0.8, 0.8)
    assert peers.kappa == pytest.approx((20 * 16 - (4 * 4 + 16 * 16)) / (400 - (4 * 4 + 16 * 16)))
    # Wilson with t = 2.0930 (19 df) and n_eff = p(1-p)/se^2 = 19: c = 2.0930^2 / 19 = 0.230564,
    # (0.8 + c/2 -+ sqrt(0.16 c + c^2/4)) / (1 + c).
    c = 2.093024**2 / 19
    half = math.sqrt(0.16 * c + c * c / 4)
    assert peers.low == pytest.approx((0.8 + c / 2 - half) / (1 + c), abs=1e-6)
    assert peers.high == pytest.approx((0.8 + c / 2 + half) / (1 + c), abs=1e-6)
    mirrored = b.figure("r1", "peers")
    assert (mirrored.agreement, mirrored.kappa) == (0.8, pytest.approx(peers.kappa))
    gold = a.figure("r1", "gold")
    assert (gold.n, gold.agreement, gold.constant, gold.kappa) == (12, 0.75, 1.0, 0.0)
    # Rulings on four tasks, one of them silent: too few, and nothing but the number is told.
    rulings = a.figure("r1", "rulings")
    assert (rulings.n, rulings.refused, rulings.agreement, rulings.kappa) == (3, True, None, None)
    with pytest.raises(KeyError):
        a.figure("q1", "gold")


def test_rulings_by_hand() -> None:
    """Against the rulings -1, 0, -1 on tasks 1, 5, 6: a said -1, 0, 0 and b said 0, -1, -1."""
    records = expert_records(campaign(), criteria=["r1"], gold={}, rulings=RULINGS, minimum=3)
    shares = [record.figure("r1", "rulings") for record in records]
    assert [share.agreement for share in shares] == [pytest.approx(2 / 3), pytest.approx(1 / 3)]
    assert [(share.low, share.high, share.refused) for share in shares] == [(None, None, False)] * 2


def test_one_expert_alone_is_the_same_record() -> None:
    records = expert_records(campaign(), criteria=["r1", "q1"], gold=GOLD, rulings=RULINGS)
    for record in records:
        alone = expert_record(record.expert, campaign(), criteria=["r1", "q1"], gold=GOLD, rulings=RULINGS)
        assert alone == record
    nobody = expert_record("z", campaign(), criteria=["r1"], gold=GOLD, rulings=RULINGS)
    assert len(nobody.figures) == 3
    assert all(figure.refused and figure.n == 0 for figure in nobody.figures)


def test_three_first_slots_and_clusters() -> None:
    """Each label meets two peers: twice as many comparisons on as many tasks, clustered by norm group."""
    labels = [
        fact(task, expert, -1 if task % 5 == 0 and expert == "a" else 0, ordinal=slot)
        for task in range(1, 31)
        for slot, expert in enumerate(("a", "b", "c"), start=1)
    ]
    groups: dict[TaskId, str] = {task: f"norm {task % 15}" for task in range(1, 31)}
    a, b, _ = expert_records(labels, criteria=["r1"], gold={}, rulings={}, clusters=groups, slots=3)
    assert (a.figures[1].n, a.figures[1].tasks, a.figures[1].agreement) == (60, 30, 0.8)
    assert b.figures[1].agreement == 0.9
    # The minimum is one of tasks: sixty comparisons on thirty tasks are too few for 31.
    strict = expert_records(labels, criteria=["r1"], gold={}, rulings={}, slots=3, minimum=31)
    assert (strict[0].figures[1].n, strict[0].figures[1].refused) == (60, True)
    alone = expert_records(labels, criteria=["r1"], gold={}, rulings={}, slots=3)[0].figures[1]
    assert alone.low is not None and a.figures[1].low is not None
    assert a.figures[1].low < alone.low


def test_disagreement_of_one_task() -> None:
    assert disagreement([0, 1]) == 1.0
    assert disagreement([0, 0]) == 0.0
    assert disagreement([0, 0, 1]) == pytest.approx(2 / 3)
    assert disagreement([0, 0, 1, 1]) == pytest.approx(2 / 3)
    assert disagreement([0, None]) is None
    assert disagreement([]) is None


def test_most_divisive_by_hand() -> None:
    quality = {**SAFE, "q1": 0, "q2": 1, "q3": 0, "q4": 0}
    labels: dict[TaskId, list[Values]] = {
        7: [SAFE, SAFE],
        8: [SAFE, quality],  # 0.4 + 0.3 + 0.2 + 0.1 of 3
        11: [SAFE, RISKY],  # 1 of 3
        9: [SAFE, RISKY],
        3: [SAFE, SAFE, {**SAFE, "r1": -1}],  # 2/3 of 3: less than task 8, but on risk
        10: [SAFE, {**SAFE, "q4": 0}],
        12: [SAFE],
        5: [{**SAFE, "r1": -1}, {**SAFE, "r2": -1}],
    }
    found = most_divisive(labels)
    assert [task.task for task in found] == [5, 9, 11, 3, 8, 10]
    assert [task.risk for task in found] == [True, True, True, True, False, False]
    assert [task.score for task in found] == pytest.approx([2 / 3, 1 / 3, 1 / 3, 2 / 9, 1 / 3, 0.1 / 3])
    assert found[1].disagreement == {"r1": 1.0, "r2": 0.0}
    assert found[3].labels == 3
    assert most_divisive(labels, limit=2) == found[:2]
    assert [task.task for task in most_divisive(labels, weights={"q4": 1.0}, risk_criteria=())] == [8, 10]
    for weights in ({}, {"r1": 0.0}, {"r1": 2.0, "q1": -1.0}):
        with pytest.raises(ValueError, match="weights"):
            most_divisive(labels, weights=weights)


def test_ids_of_both_kinds_have_one_order() -> None:
    split: list[Values] = [SAFE, RISKY]
    found = most_divisive({"b": split, 10: split, "a": split, 9: split})
    assert [task.task for task in found] == [9, 10, "a", "b"]


def test_qualification_by_hand() -> None:
    """Three gold tasks: right; risky called safe; safe called risky (all four qualities missed).

    14 values compared: 6 + 2 + 6. Hits: 6 + 1 (r2) + 1 (r2).
    """
    gold: dict[TaskId, Values] = {1: SAFE, 2: RISKY, 3: SAFE, 4: SAFE}
    answers: dict[TaskId, Values] = {1: SAFE, 2: SAFE, 3: RISKY, 99: SAFE}
    decision = qualify(answers, gold, QualificationPolicy(bound=0.5, minimum=3))
    assert decision.passed
    assert (decision.tasks, decision.hits, decision.compared, decision.agreement) == (3, 8, 14, 8 / 14)
    assert decision.per_criterion == {
        "r1": (1, 3), "r2": (3, 3), "q1": (1, 2), "q2": (1, 2), "q3": (1, 2), "q4": (1, 2)
    }  # fmt: skip
    assert (decision.missed, decision.reasons) == ((2, 3), ())
    strict = qualify(answers, gold, QualificationPolicy(0.9, 4, {"r1": 0.5, "r2": 1.0, "x": 0.1}))
    assert not strict.passed
    assert [dataclasses.astuple(reason) for reason in strict.reasons] == [
        ("too_few_tasks", None, 3, 4),
        ("below_bound", None, 8 / 14, 0.9),
        ("criterion_below_bound", "r1", 1 / 3, 0.5),
        ("criterion_not_tested", "x", None, 0.1),
    ]


def test_qualification_at_the_edge() -> None:
    gold: dict[TaskId, Values] = {n: {"r1": 0} for n in range(10)}
    answers: dict[TaskId, Values] = {n: {"r1": 0 if n < 7 else -1} for n in range(10)}
    assert qualify(answers, gold, QualificationPolicy(0.7, 10)).passed
    assert not qualify(answers, gold, QualificationPolicy(0.7000001, 10)).passed
    nothing = qualify({}, gold, QualificationPolicy(0.0, 1))
    assert not nothing.passed
    assert [reason.code for reason in nothing.reasons] == ["too_few_tasks", "below_bound"]
    assert nothing.agreement is None
    for bound, minimum in ((1.1, 1), (-0.1, 1), (0.5, 0)):
        with pytest.raises(ValueError):
            QualificationPolicy(bound, minimum)
