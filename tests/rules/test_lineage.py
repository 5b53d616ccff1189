from __future__ import annotations

from datetime import date

import pytest

from benchmark.rules.lineage import effective_date, heads, is_outdated, lines, superseded

TODAY = date(2026, 1, 1)


def test_an_amended_law_holds_since_its_amendment() -> None:
    assert effective_date(date(2021, 4, 15), date(2024, 4, 26)) == date(2024, 4, 26)
    assert effective_date(date(2024, 11, 1), date(2024, 6, 28)) == date(2024, 11, 1)
    assert effective_date(None, date(2024, 6, 28)) == date(2024, 6, 28)
    assert effective_date(None, None) is None


def test_what_is_not_in_force_yet_takes_nobodys_place() -> None:
    pairs = [(2, 1), (3, 2)]
    dates = {2: date(2024, 1, 1), 3: date(2026, 7, 1)}
    assert superseded(pairs, dates, TODAY) == {1: {2}}
    assert superseded(pairs, dates, date(2026, 7, 1)) == {1: {2}, 2: {3}}
    assert superseded([(5, 4)], {}, TODAY) == {4: {5}}


def test_heads_follow_the_chain_and_end_in_circles() -> None:
    successors = {1: {2}, 2: {3, 4}, 9: {10}, 10: {9}}
    assert heads(1, successors) == {3, 4}
    assert heads(3, successors) == {3}
    assert heads(9, successors) == set()


def test_lines_join_whatever_follows_each_other() -> None:
    found = lines([1, 2, 3, 7], [(2, 1), (3, 2), (8, 7)])
    assert found[1] == found[2] == found[3] == 1 and found[7] == found[8] == 7


@pytest.mark.parametrize(
    ("exact", "others", "outdated"),
    [
        ([], [], None),
        ([1], [], True),
        ([2], [], False),
        ([1, 2], [], False),
        ([], [1], True),
        ([], [1, 2], False),
        # Word for word in the old version only; the new article merely resembles it.
        ([1], [2], True),
    ],
)
def test_the_exact_wording_decides(exact: list[int], others: list[int], outdated: bool | None) -> None:
    assert is_outdated(exact, others, {1}) is outdated
