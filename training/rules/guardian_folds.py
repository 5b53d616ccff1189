"""Folds for out-of-fold figures: whole norm groups, with the rare labels spread evenly.

Two answers on one norm, or on norms that say nearly the same, must not stand on both sides of a split. The
folds are those of the greedy assignment also used by scikit-learn's StratifiedGroupKFold: groups in a seeded
order, those with the most uneven labels first, each to the fold that it leaves most even.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence


def group_folds(groups: Sequence[str], strata: Sequence[str], folds: int, seed: int) -> list[int]:
    """The fold, 0 to folds - 1, of every row.

    `strata` is what to spread evenly (e.g. "risky", "met", "unmet"). With fewer groups than folds, as many
    folds as groups. Rows of one group share a fold; the same input gives the same folds. Raises ValueError
    for unequal lengths or fewer than two folds.
    """
    if len(groups) != len(strata):
        raise ValueError(f"{len(groups)} groups but {len(strata)} strata")
    if folds < 2:
        raise ValueError(f"at least two folds are needed, not {folds}")
    if not groups:
        return []
    kinds = sorted(set(strata))
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * len(kinds))
    for group, stratum in zip(groups, strata, strict=True):
        counts[group][kinds.index(stratum)] += 1
    folds = min(folds, len(counts))
    totals = [sum(own[kind] for own in counts.values()) for kind in range(len(kinds))]
    order = sorted(counts)
    random.Random(seed).shuffle(order)
    # Rare strata weigh most, so that a group with many rare labels is placed while there is still a choice.
    order.sort(key=lambda group: -max(n / total for n, total in zip(counts[group], totals, strict=True)))
    filled = [[0] * len(kinds) for _ in range(folds)]
    chosen: dict[str, int] = {}
    for group in order:
        best = min(
            range(folds),
            key=lambda fold: (_unevenness(filled, fold, counts[group], totals), sum(filled[fold])),
        )
        chosen[group] = best
        filled[best] = [a + b for a, b in zip(filled[best], counts[group], strict=True)]
    return [chosen[group] for group in groups]


def _unevenness(filled: list[list[int]], fold: int, own: list[int], totals: list[int]) -> float:
    """Sum over strata of the variance of the folds' shares after the group has gone into the fold."""
    result = 0.0
    for kind, total in enumerate(totals):
        shares = [(counts[kind] + (own[kind] if i == fold else 0)) / total for i, counts in enumerate(filled)]
        mean = sum(shares) / len(shares)
        result += sum((share - mean) ** 2 for share in shares)
    return round(result, 12)
