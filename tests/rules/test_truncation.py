"""What is kept of a norm, a question and an answer, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.truncation import both_ends, both_ends_of_text, fit


@pytest.mark.parametrize(
    ("room", "kept"),
    [(0, []), (-3, []), (1, [1]), (2, [1, 9]), (3, [1, 2, 9]), (4, [1, 2, 8, 9]), (9, [*range(1, 10)])],
)
def test_both_ends(room: int, kept: list[int]) -> None:
    assert both_ends(range(1, 10), room) == kept


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [
        ((20, 30, 40), (20, 30, 40)),
        ((20, 200, 300), (20, 40, 40)),  # norm whole; 80 left, half for the question
        ((20, 10, 300), (20, 10, 70)),
        ((20, 200, 10), (20, 70, 10)),  # a short answer leaves its room to the question
        ((500, 50, 300), (75, 0, 25)),  # the answer keeps its quarter even so
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_room_for_a_hundred(sizes: tuple[int, int, int], kept: tuple[int, int, int]) -> None:
    norm, question, answer = fit(*(range(size) for size in sizes), room=100)
    assert (len(norm), len(question), len(answer)) == kept


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.integers(1, 200))
def test_never_more_than_the_room_and_never_waste(n: int, q: int, a: int, room: int) -> None:
    kept = sum(map(len, fit(range(n), range(q), range(a), room)))
    assert kept <= room
    assert kept == min(room, n + q + a) or kept >= room - 1


def test_text() -> None:
    assert both_ends_of_text("一二三四五六", 4, "…") == "一二…五六"
    assert both_ends_of_text("一二三四", 4) == "一二三四"
