"""What may become a training row: items of `dev`, and nothing that nearly repeats an item of another split.

Source: the design, word `split`. Near-duplicates are measured as norms are (benchmark.rules.norm_groups): the share of
common 4-grams of the shorter text, so that a closed question quoted inside a longer text counts as a copy. It is not
enough to look at the split alone: the same case may have been imported twice, or pasted into an answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from benchmark.rules.norm_groups import grams

OPEN_SPLIT = "dev"
THRESHOLD = 0.6
"""Lower than for norms: a copy with a third of its words changed still gives the question away."""

FEWEST_GRAMS = 12
"""A closed text of fewer distinct 4-grams (some 15 characters) says too little to be recognised inside another text;
it counts where it is the whole text."""


class ClosedTexts:
    """The questions of the splits that no training row may repeat, indexed by their 4-grams."""

    def __init__(self, texts: Iterable[str], threshold: float = THRESHOLD) -> None:
        """Raises ValueError unless 0 < threshold <= 1."""
        if not 0 < threshold <= 1:
            raise ValueError(f"the threshold is a share above 0 and up to 1, not {threshold!r}")
        self._threshold = threshold
        self._sizes: list[int] = []
        self._holders: dict[str, list[int]] = defaultdict(list)
        self._whole: set[frozenset[str]] = set()
        for text in texts:
            found = grams(text)
            if not found:
                continue
            self._whole.add(found)
            if len(found) < FEWEST_GRAMS:
                continue
            for gram in found:
                self._holders[gram].append(len(self._sizes))
            self._sizes.append(len(found))

    def repeated_by(self, text: str) -> bool:
        """Whether a closed text is repeated in this one, or this one in a closed text."""
        found = grams(text)
        if not found:
            return False
        if found in self._whole:
            return True
        common: Counter[int] = Counter()
        for gram in found:
            common.update(self._holders.get(gram, ()))
        for closed, shared in common.most_common():
            if shared < min(FEWEST_GRAMS, len(found)) * self._threshold:
                return False
            smaller = min(len(found), self._sizes[closed])
            # A short text inside a long question is a phrase that both use, not a copy.
            if smaller >= FEWEST_GRAMS and shared >= self._threshold * smaller - 1e-9:
                return True
        return False


def refusal(split: str, prompt: str, answers: Iterable[str], closed: ClosedTexts) -> str | None:
    """Why this row may not be used; None if it may."""
    if split != OPEN_SPLIT:
        return "not of the split dev"
    if closed.repeated_by(prompt):
        return "repeats a question of a closed split"
    if any(closed.repeated_by(answer) for answer in answers):
        return "an answer repeats a question of a closed split"
    return None
