"""What of a norm, a question and an answer goes into a model that reads only so much.

The norm is what is being examined, so it stays whole; an answer opens with its verdict and closes with its advice,
so both ends stay and the middle goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

LEAST_ANSWER = 0.25
"""The answer keeps at least this share of the room, even beside an enormous norm."""

MOST_QUESTION = 0.5
"""Of what the norm leaves, a long question takes at most this share when the answer needs the rest."""


def both_ends(parts: Sequence[T], room: int) -> list[T]:
    """The first ceil(room / 2) and the last floor(room / 2) of the parts; all of them where they fit; [] for no room."""
    if room <= 0:
        return []
    if len(parts) <= room:
        return list(parts)
    tail = room // 2
    return [*parts[: room - tail], *parts[len(parts) - tail :]]


def fit(
    norm: Sequence[T], question: Sequence[T], answer: Sequence[T], room: int
) -> tuple[list[T], list[T], list[T]]:
    """The three parts cut to at most `room` in all: the norm whole unless the answer would lose its least share.

    Room 100, norm 20, question 200, answer 300: 20, 40, 40. Raises ValueError for no room at all.
    """
    if room < 1:
        raise ValueError(f"there must be room for something, not {room}")
    least = min(len(answer), int(room * LEAST_ANSWER))
    kept_norm = both_ends(norm, room - least)
    left = room - len(kept_norm)
    asked = min(len(question), max(int(left * MOST_QUESTION), left - len(answer)))
    kept_question = both_ends(question, min(asked, left - least))
    return kept_norm, kept_question, both_ends(answer, left - len(kept_question))


def both_ends_of_text(text: str, room: int, mark: str = "……（中略）……") -> str:
    """A text of at most `room` characters and the mark, cut in the middle."""
    if len(text) <= room:
        return text
    tail = room // 2
    return f"{text[: room - tail]}{mark}{text[len(text) - tail :]}"
