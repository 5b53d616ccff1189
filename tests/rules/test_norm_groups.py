"""Norm groups: shares worked out by hand, single linkage, and the index against all pairs."""

from __future__ import annotations

import hashlib
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.norm_groups import GroupAssignment, assign_to_groups, grams, group_norms, shared_grams


def test_grams_ignore_blanks_punctuation_case_and_width() -> None:
    assert grams("ＡＢ，c D。e") == {"abcd", "bcde"}
    assert grams("不得") == {"不得"}
    assert grams("，。") == frozenset()


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        # abcdefgh: 5 grams; abcdefg: 4 grams, all shared
        ("abcdefgh", "abcdefg", 1.0),
        # abcde, bcdex: {abcd, bcde} and {bcde, cdex} share 1 of 2
        ("abcde", "bcdex", 0.5),
        # a quotation inside a longer text shares all of its own
        ("禁止买卖器官", "任何人禁止买卖器官和遗体。", 1.0),
        ("禁止买卖器官", "应当尊重病人的意愿", 0.0),
        ("。", "。", 0.0),
        ("不得", "不得", 1.0),
    ],
)
def test_shares(a: str, b: str, share: float) -> None:
    assert shared_grams(a, b) == shared_grams(b, a) == pytest.approx(share)


def test_single_linkage_and_numbering() -> None:
    # 0123 4567 89ab: the first and the third share nothing, but each lies in the second.
    texts = ["rstuvw", "abcdefgh", "abcdefghijklmnop", "ijklmnop", "。", "，"]
    assert group_norms(texts) == [0, 1, 1, 1, 2, 3]
    assert group_norms([]) == []


def test_the_threshold_itself_links() -> None:
    # 5 grams each, 4 shared: 0.8.
    a, b = "abcdefgh", "xbcdefgh"
    assert shared_grams(a, b) == pytest.approx(0.8)
    assert group_norms([a, b]) == [0, 0]
    assert group_norms([a, b], threshold=0.81) == [0, 1]


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, float("nan")])
def test_bad_thresholds(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        group_norms(["abcd"], threshold)


NORMS = st.lists(st.text(st.sampled_from("abc，"), max_size=14), max_size=9)


@given(NORMS, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_agrees_with_all_pairs(texts: list[str], threshold: float) -> None:
    component = list(range(len(texts)))
    for i, j in combinations(range(len(texts)), 2):
        if shared_grams(texts[i], texts[j]) >= threshold - 1e-9:
            old, new = component[j], component[i]
            component = [new if c == old else c for c in component]
    numbers: dict[int, int] = {}
    assert group_norms(texts, threshold) == [numbers.setdefault(c, len(numbers)) for c in component]


@given(NORMS, st.randoms(use_true_random=False))
def test_order_does_not_matter(texts: list[str], random: object) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    plain, shuffled = group_norms(texts), group_norms([texts[i] for i in order])
    back = dict(zip(order, shuffled, strict=True))
    for i, j in combinations(range(len(texts)), 2):
        assert (plain[i] == plain[j]) == (back[i] == back[j])


def test_new_norms_join_their_best_match() -> None:
    existing = [(7, ["abcdefghij"]), (3, ["abcdefghXYZ", "klmnopqrst"])]
    placed = assign_to_groups(
        existing,
        [
            "abcdefghij",  # 7 grams, all in group 7, five in group 3
            "klmnopqrst",
            "abcdefgh",  # all in both: the earlier of the list
            "uvwxyz",
            "uvwxyz0",
            "。",
        ],
    )
    assert placed == [
        GroupAssignment(7, False, 1.0),
        GroupAssignment(3, False, 1.0),
        GroupAssignment(7, False, 1.0),
        GroupAssignment(8, True, 1.0),
        GroupAssignment(8, True, 1.0),
        GroupAssignment(9, True, 1.0),
    ]


def test_groups_never_merge() -> None:
    # The new norm holds both; together they would be one group by single linkage.
    placed = assign_to_groups([(1, ["abcdefgh"]), (2, ["ijklmnop"])], ["abcdefghijklmnop"])
    assert placed == [GroupAssignment(1, False, 1.0)]


def test_a_new_norm_follows_another_new_norm() -> None:
    # The long one holds group 4's norm; the tail matches only the long one.
    placed = assign_to_groups([(4, ["abcdefgh"])], ["ijklmnop", "abcdefghijklmnop"])
    assert [(found.group, found.is_new) for found in placed] == [(4, False), (4, False)]


def test_the_first_import_equals_grouping() -> None:
    texts = ["abcdefgh", "ijklmnop", "abcdefghi", "。"]
    assert [found.group for found in assign_to_groups([], texts)] == [1, 2, 1, 3]
    assert [number + 1 for number in group_norms(texts)] == [1, 2, 1, 3]


def test_a_group_may_not_come_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        assign_to_groups([(1, ["abcd"]), (1, ["efgh"])], [])


@given(NORMS, NORMS)
def test_assignment_keeps_its_promises(old: list[str], new: list[str]) -> None:
    groups: dict[int, list[str]] = {}
    for text, number in zip(old, group_norms(old), strict=True):
        groups.setdefault(number + 1, []).append(text)
    placed = assign_to_groups(list(groups.items()), new)
    assert len(placed) == len(new)
    for text, found in zip(new, placed, strict=True):
        shares = {group: max(shared_grams(text, other) for other in texts) for group, texts in groups.items()}
        best = max(shares.values(), default=0.0)
        assert found.is_new == (found.group not in groups)
        if best >= 0.8:
            assert found.share == best
            assert found.group == min(group for group, share in shares.items() if share == best)


def test_thousands_of_norms_that_share_a_frame() -> None:
    # Comparing all pairs would run into the test's time limit many times over.
    frame = "医疗机构及其医务人员应当"
    texts = [frame + hashlib.sha256(str(n).encode()).hexdigest()[:24] for n in range(5000)]
    quoted = [f"{text}，违者依法处理。" for text in texts[:1000]]
    groups = group_norms([*texts, *quoted])
    assert len(set(groups)) == 5000
    assert groups[5000:] == groups[:1000]
