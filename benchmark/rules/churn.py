"""How far two rankings of the same entries differ. Kendall's tau-b (Kendall, Biometrika 33 (1945) 239-251)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

Rank = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class RankChurn:
    """`pairs` of entries, of which `swapped` stand in the other order by their values now.

    `tau` in [-1, 1], None where one of the rankings is all ties or has fewer than two entries. `moved`: entries
    whose rank interval is another one; `apart`: entries whose two rank intervals have no rank in common;
    `reversed_`: pairs that were told apart before and are told apart the other way round now.
    """

    pairs: int
    swapped: int
    tau: float | None
    moved: int
    apart: int
    reversed_: int


def rank_churn(
    before: Sequence[float], after: Sequence[float], ranks_before: Sequence[Rank], ranks_after: Sequence[Rank]
) -> RankChurn:
    """Values (n,), higher is better, and rank intervals (n,) of the same entries. Raises ValueError."""
    if not len(before) == len(after) == len(ranks_before) == len(ranks_after):
        raise ValueError("the four sequences are about the same entries, so they have one length")
    pairs = swapped = agreeing = tied_before = tied_after = turned = 0
    for a, b in combinations(range(len(before)), 2):
        pairs += 1
        old, new = _sign(before[a] - before[b]), _sign(after[a] - after[b])
        swapped += old * new < 0
        agreeing += old * new
        tied_before += old == 0
        tied_after += new == 0
        was, now = _order(ranks_before[a], ranks_before[b]), _order(ranks_after[a], ranks_after[b])
        turned += was * now < 0
    spread = math.sqrt((pairs - tied_before) * (pairs - tied_after))
    both = [
        (old, new)
        for old, new in zip(ranks_before, ranks_after, strict=True)
        if old is not None and new is not None
    ]
    return RankChurn(
        pairs=pairs,
        swapped=swapped,
        tau=agreeing / spread if spread else None,
        moved=sum(old != new for old, new in both),
        apart=sum(old[1] < new[0] or new[1] < old[0] for old, new in both),
        reversed_=turned,
    )


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _order(a: Rank, b: Rank) -> int:
    """1 where interval `a` lies wholly before `b`, -1 the other way round, 0 where they cannot be told apart."""
    if a is None or b is None:
        return 0
    return (a[1] < b[0]) - (b[1] < a[0])
