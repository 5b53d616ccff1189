"""Norms that say nearly the same: the unit of clustering, splitting and holding out.

Definition. The *bare text* of a norm is its NFKC form, lower-cased, letters and digits only (no white
space, no punctuation). Its *grams* are the set of its distinct 4-character substrings; a bare text shorter
than four characters is its own single gram; a norm without letters has none. The *share* of two norms is

    |grams(a) ∩ grams(b)| / min(|grams(a)|, |grams(b)|)      (overlap coefficient, 0 to 1)

so a norm that is quoted whole inside a longer one shares 1. Two norms are linked when their share is at
least the threshold (0.8); groups are the connected components (single linkage). A norm without grams is
linked to nothing.

Source: the design's "about 844 groups at 80% shared 4-grams" of the cleaned norms of the release.
"""

from __future__ import annotations

import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GRAM_LENGTH = 4
THRESHOLD = 0.8


@dataclass(frozen=True, slots=True)
class GroupAssignment:
    """Where a new norm went: group id, whether that group is new, and the share that decided (1.0 if new)."""

    group: int
    is_new: bool
    share: float


class _Bare(dict[int, int | None]):
    """For `str.translate`: letters and digits stay, the rest goes; each character is asked once."""

    def __missing__(self, point: int) -> int | None:
        self[point] = kept = point if chr(point).isalnum() else None
        return kept


_BARE = _Bare()


def bare_text(text: str) -> str:
    """NFKC, lower case, letters and digits only."""
    return unicodedata.normalize("NFKC", text).lower().translate(_BARE)


def grams(text: str) -> frozenset[str]:
    """The distinct 4-grams of the bare text; the bare text itself if shorter; empty if it has no letters."""
    bare = bare_text(text)
    if not bare:
        return frozenset()
    return frozenset(bare[i : i + GRAM_LENGTH] for i in range(max(1, len(bare) - GRAM_LENGTH + 1)))


def shared_grams(a: str, b: str) -> float:
    """The share of two norms as defined above, 0 to 1; 0 if one of them has no letters."""
    return _share(grams(a), grams(b))


def group_norms(texts: Sequence[str], threshold: float = THRESHOLD) -> list[int]:
    """Return the group of every text: numbers from 0, in the order in which groups first appear.

    The partition does not depend on the order of the texts. Raises ValueError unless 0 < threshold <= 1.
    """
    _check(threshold)
    sets = [grams(text) for text in texts]
    index = _Index(sets, threshold)
    roots = list(range(len(texts)))
    for i in range(len(texts)):
        for j in index.containers(sets[i], i):
            _join(roots, i, j)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(_root(roots, i), len(numbers)) for i in range(len(texts))]


def assign_to_groups(
    existing: Iterable[tuple[int, Sequence[str]]],
    new_texts: Sequence[str],
    threshold: float = THRESHOLD,
) -> list[GroupAssignment]:
    """Place new norms without touching what stands: existing groups are neither recomputed nor merged.

    `existing`: (group id, its texts) in order of age. A new norm joins the group of the existing norm it
    shares most with, at or above the threshold; the earliest group where two share equally. A norm that
    matches no existing norm but one that has just been placed follows it, in rounds, by the same rule. What
    is left is grouped among itself by `group_norms`; those groups get ids from the highest id in use + 1 in
    order of first appearance (from 1 if nothing exists). Raises ValueError on a bad threshold or an id that
    comes twice.
    """
    _check(threshold)
    ids: list[int] = []
    known: list[frozenset[str]] = []
    ranks: list[int] = []
    for group, texts in existing:
        if group in ids:
            raise ValueError(f"group {group} comes twice")
        known.extend(grams(text) for text in texts)
        ranks.extend([len(ids)] * len(texts))
        ids.append(group)
    placed: dict[int, GroupAssignment] = {}
    waiting = {i: grams(text) for i, text in enumerate(new_texts)}
    while known and waiting:
        found = _best_matches(known, ranks, waiting, threshold)
        known = [waiting.pop(i) for i in found]
        ranks = [rank for rank, _ in found.values()]
        placed.update({i: GroupAssignment(ids[rank], False, share) for i, (rank, share) in found.items()})
    left = sorted(waiting)
    first_new = max(ids, default=0) + 1
    for i, number in zip(left, group_norms([new_texts[i] for i in left], threshold), strict=True):
        placed[i] = GroupAssignment(first_new + number, True, 1.0)
    return [placed[i] for i in range(len(new_texts))]


def _best_matches(
    known: Sequence[frozenset[str]],
    ranks: Sequence[int],
    waiting: dict[int, frozenset[str]],
    threshold: float,
) -> dict[int, tuple[int, float]]:
    """For each waiting norm that reaches the threshold: (rank of its group, share)."""
    order = list(waiting)
    offset = len(known)
    sets = [*known, *(waiting[i] for i in order)]
    index = _Index(sets, threshold)
    best: dict[int, tuple[int, float]] = {}

    def consider(new: int, old: int) -> None:
        share = _share(sets[new], sets[old])
        held = best.get(order[new - offset])
        if held is None or (share, -ranks[old]) > (held[1], -held[0]):
            best[order[new - offset]] = (ranks[old], share)

    # A pair is found from its smaller side, which may be the known or the waiting norm.
    for i, gram_set in enumerate(sets):
        for j in index.containers(gram_set, i):
            if (i < offset) != (j < offset):
                consider(max(i, j), min(i, j))
    return dict(sorted(best.items()))


class _Index:
    """Finds, for a gram set, the sets at least as large that share enough of it, without all pairs.

    If `need` of a set's n grams must lie in the other set, then at least one of any n - need + 1 of its
    grams does; looking up its rarest ones only keeps the lists short and loses nothing.
    """

    def __init__(self, sets: Sequence[frozenset[str]], threshold: float) -> None:
        self._sets = sets
        self._threshold = threshold
        self._holders: dict[str, list[int]] = defaultdict(list)
        for i, gram_set in enumerate(sets):
            for gram in gram_set:
                self._holders[gram].append(i)

    def containers(self, gram_set: frozenset[str], position: int) -> list[int]:
        """Positions, ascending, of linked sets at least as large; of two equally large the later sees the
        earlier, so that each pair is found exactly once."""
        if not gram_set:
            return []
        size = len(gram_set)
        need = max(1, math.ceil(self._threshold * size - 1e-9))
        rarest = sorted(gram_set, key=lambda gram: (len(self._holders[gram]), gram))[: size - need + 1]
        candidates = {holder for gram in rarest for holder in self._holders[gram]}
        return sorted(
            j
            for j in candidates
            if (len(self._sets[j]), position) > (size, j) and len(gram_set & self._sets[j]) >= need
        )


def _share(a: frozenset[str], b: frozenset[str]) -> float:
    if not a or not b:
        return 0.0
    return len(a & b) / min(len(a), len(b))


def _check(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"the threshold is a share above 0 and up to 1, not {threshold!r}")


def _root(roots: list[int], i: int) -> int:
    while roots[i] != i:
        roots[i] = roots[roots[i]]
        i = roots[i]
    return i


def _join(roots: list[int], i: int, j: int) -> None:
    a, b = _root(roots, i), _root(roots, j)
    roots[max(a, b)] = min(a, b)
