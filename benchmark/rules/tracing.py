"""Find where a quoted norm stands in the law: word for word, as an excerpt, or nearly so.

Three levels, the surest first:

- *exact*: the bare wording of the norm (`wording.bare_wording`) is contained in that of one article;
- *excerpt*: every clause of it is, in the order of the article, with something left out in between (a lead-in
  with one of its listed items: the way most handbooks quote);
- *near*: most of it is. The score is the share of the norm's letters that stand in the article in the same
  order, in stretches of `STRETCH` or more (rapidfuzz's longest common subsequence).

Comparing all with all is quadratic, so an index of four-letter grams names the few articles worth comparing:
a norm and its article share most of its grams, and rare grams count more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq

from benchmark.rules.wording import bare_pieces, bare_wording

VERSION = "1"
GRAM = 4
SHORTEST = 10
"""Shorter wordings stand anywhere by chance: they are neither linked nor proposed."""
STRETCH = 4
SHORTEST_NEAR = 16
"""A near match of fewer letters is mostly a common phrase."""
THRESHOLD = 0.75
CANDIDATES = 12
PROPOSALS = 3
_LONGEST = 6_000


class Level(StrEnum):
    EXACT = "exact"
    EXCERPT = "excerpt"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class Found:
    """An article that may be the norm's. `article` is its place in the index; `score` lies in (0, 1]: 1 for
    exact and excerpt. `whole`: the norm is the whole article."""

    article: int
    level: Level
    score: float
    whole: bool = False


class ArticleIndex:
    """The articles that norms are traced to, held as bare wordings and one sorted array of grams.

    Memory: about 10 bytes a gram beside the texts, whatever the number of norms traced.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._bare = [bare_wording(text) for text in texts]
        grams = [_grams(bare) for bare in self._bare]
        sizes = [len(found) for found in grams]
        all_grams = np.concatenate(grams) if grams else np.zeros(0, np.uint64)
        holders = np.repeat(np.arange(len(texts), dtype=np.int32), sizes)
        order = np.argsort(all_grams, kind="stable")
        self._grams, self._holders = all_grams[order], holders[order]

    def __len__(self) -> int:
        return len(self._bare)

    def trace(self, text: str, *, threshold: float = THRESHOLD, proposals: int = PROPOSALS) -> list[Found]:
        """Where `text` stands: all exact places, or else the best `proposals` below that, the best first.

        Empty for a text of fewer than `SHORTEST` letters, and where no article reaches `threshold`.
        """
        bare = bare_wording(text)
        if len(bare) < SHORTEST:
            return []
        shared = self._shared(bare)
        exact = [place for place in self._holding_all(bare, shared) if bare in self._bare[place]]
        if exact:
            return [Found(place, Level.EXACT, 1.0, self._bare[place] == bare) for place in exact]
        pieces = bare_pieces(text)
        found = [self._compare(bare, pieces, place) for place in self._likely(shared)]
        long_enough = len(bare) >= SHORTEST_NEAR
        good = [row for row in found if row.score >= threshold and (long_enough or row.level != Level.NEAR)]
        good.sort(key=lambda row: (row.level != Level.EXCERPT, -row.score, row.article))
        return good[:proposals]

    def _compare(self, bare: str, pieces: list[str], place: int) -> Found:
        article = self._bare[place]
        if bare in article:
            return Found(place, Level.EXACT, 1.0, article == bare)
        if len(pieces) > 1 and in_order(pieces, article):
            return Found(place, Level.EXCERPT, 1.0)
        return Found(place, Level.NEAR, coverage(bare, article))

    def _shared(self, bare: str) -> NDArray[np.float64]:
        """(2, articles + 1): in front the number of grams of `bare`; row 0 how many of them an article holds, row 1
        the same weighted by their rarity."""
        grams = np.unique(_grams(bare))
        starts = np.searchsorted(self._grams, grams, "left")
        stops = np.searchsorted(self._grams, grams, "right")
        counts = np.zeros((2, len(self._bare) + 1))
        counts[0, 0] = len(grams)
        for start, stop in zip(starts, stops, strict=True):
            if stop > start:
                holders = self._holders[start:stop]
                # Each article holds a gram once: _grams gives distinct ones.
                counts[0, holders + 1] += 1
                counts[1, holders + 1] += 1.0 / np.log2(2.0 + (stop - start))
        return counts

    def _holding_all(self, bare: str, counts: NDArray[np.float64]) -> list[int]:
        wanted = counts[0, 0]
        return [int(place) for place in np.flatnonzero(counts[0, 1:] >= wanted)] if wanted else []

    def _likely(self, counts: NDArray[np.float64]) -> list[int]:
        weights = counts[1, 1:]
        best = np.argsort(-weights, kind="stable")[:CANDIDATES]
        return [int(place) for place in best if weights[place] > 0]


def coverage(bare: str, article: str) -> float:
    """Share (0 to 1) of `bare` that stands in `article`, in order, in stretches of `STRETCH` letters or more.

    Shorter stretches are chance: any long text holds most letters of any sentence in some order.
    """
    first, second = bare[:_LONGEST], article[:_LONGEST]
    if not first:
        return 0.0
    kept = sum(
        code.src_end - code.src_start
        for code in LCSseq.opcodes(first, second)
        if code.tag == "equal" and code.src_end - code.src_start >= STRETCH
    )
    return kept / len(bare)


def aligned_span(bare: str, article: str) -> tuple[int, int]:
    """The part (start, end) of `article` that `bare` corresponds to: from its first to its last shared stretch;
    (0, 0) where they share none. `bare_wording` on both sides; `wording.places_in` finds it in the text."""
    start = article.find(bare)
    if bare and start >= 0:
        return start, start + len(bare)
    kept = [
        code
        for code in LCSseq.opcodes(bare[:_LONGEST], article[:_LONGEST])
        if code.tag == "equal" and code.src_end - code.src_start >= STRETCH
    ]
    return (kept[0].dest_start, kept[-1].dest_end) if kept else (0, 0)


def in_order(pieces: Sequence[str], article: str) -> bool:
    """Whether all pieces stand in `article`, one behind the other; two of them at least `STRETCH` long."""
    if sum(len(piece) >= STRETCH for piece in pieces) < 2:
        return False
    place = 0
    for piece in pieces:
        found = article.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def _grams(bare: str) -> NDArray[np.uint64]:
    """The distinct grams of a text as 64-bit numbers: code points of 21 bits would not fit four times, so they are
    mixed (a collision only adds a candidate, which is then compared letter by letter)."""
    points = np.frombuffer(bare.encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    if len(points) < GRAM:
        return np.zeros(0, np.uint64)
    mixed = np.zeros(len(points) - GRAM + 1, np.uint64)
    for place in range(GRAM):
        mixed = mixed * np.uint64(0x100000001B3) + points[place : len(points) - GRAM + 1 + place]
    return np.unique(mixed)
