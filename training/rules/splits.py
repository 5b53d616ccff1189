"""What may become a training row: items of `dev`, and nothing that nearly repeats an item of another split.

Source: the design, word `split`. Near-duplicates are measured as norms are (benchmark.rules.norm_groups): the share of
common 4-grams of the shorter text (`closed_texts`), so that a closed question quoted inside a longer text counts as a
copy. It is not enough to look at the split alone: the same case may have been imported twice, or pasted into an answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from training.rules.closed_texts import ClosedTexts

__all__ = ["OPEN_SPLIT", "ClosedTexts", "refusal"]

OPEN_SPLIT = "dev"


def refusal(split: str, prompt: str, answers: Iterable[str], closed: ClosedTexts) -> str | None:
    """Why this row may not be used; None if it may."""
    if split != OPEN_SPLIT:
        return "not of the split dev"
    if closed.repeated_by(prompt):
        return "repeats a question of a closed split"
    if any(closed.repeated_by(answer) for answer in answers):
        return "an answer repeats a question of a closed split"
    return None
