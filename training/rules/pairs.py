"""Preference pairs for DPO: from experts' pair labels, rubric labels and a guardian's expected scores (project rule).

A better answer that an expert wrote goes before an expert's comparison of two answers, this before two rubric verdicts,
and these before a guardian's opinion; what a stronger
source has said about two answers, a weaker one does not say again or undo. A pair needs a margin; ties are dropped; a
risky answer is never chosen. Length is watched, since judges and DPO both love it (arXiv 2403.19159, 2404.04475): each
pair's ratio and the mean over all pairs are bounded, and what that costs is counted.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

Origin = Literal["correction", "pair", "rubric", "guardian"]
ORIGINS: tuple[Origin, ...] = ("correction", "pair", "rubric", "guardian")
"""Strongest first."""

T = TypeVar("T")

STEPS = 3  # a pair label says better by 1, 2 or 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """One expert's label on two answers to one prompt. `better`: "a", "b" or "tie"; `by`: 1 to 3, 0 for a tie."""

    prompt: int
    a: int
    b: int
    better: str
    by: int


@dataclass(frozen=True, slots=True)
class Correction:
    """`written`: what an expert wrote instead of `answer`, whose score by the same expert is in [-1, 1]."""

    prompt: int
    written: int
    answer: int
    score: float


@dataclass(frozen=True, slots=True)
class Pair:
    """`margin` in (0, 1]: half the difference of two scores, or the mean strength of the comparisons in thirds."""

    prompt: int
    chosen: int
    rejected: int
    margin: float
    origin: Origin


@dataclass(frozen=True, slots=True)
class LengthReport:
    """Characters of chosen and rejected. `mean_log_ratio`: mean of ln(chosen/rejected), 0 where neither is favoured;
    `longer_chosen`: share of pairs whose chosen answer is longer. All None without pairs."""

    pairs: int
    mean_chosen: float | None
    mean_rejected: float | None
    mean_log_ratio: float | None
    longer_chosen: float | None


def pairs_from_comparisons(
    comparisons: Iterable[Comparison], margin: float
) -> tuple[list[Pair], Counter[str]]:
    """One pair for each two answers whose comparisons lean one way by at least the margin; what was dropped, why.

    The margin is the absolute mean of the signed strengths over 3, a tie counting 0: two experts of whom one says
    "much better" and the other "tie" give 0.5. Raises ValueError for an unknown verdict.
    """
    leanings: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for said in comparisons:
        if said.better not in ("a", "b", "tie") or not 0 <= said.by <= STEPS:
            raise ValueError(
                f"a comparison says a, b or tie, by 0 to {STEPS}, not {said.better!r} by {said.by}"
            )
        low, high = sorted((said.a, said.b))
        sign = {"a": 1, "b": -1, "tie": 0}[said.better] * (1 if said.a == low else -1)
        leanings[said.prompt, low, high].append(sign * said.by)
    pairs, dropped = [], Counter[str]()
    for (prompt, low, high), strengths in sorted(leanings.items()):
        lean = sum(strengths) / len(strengths) / STEPS
        if lean == 0:
            dropped["tie"] += 1
        elif abs(lean) < margin - 1e-9:
            dropped["margin"] += 1
        else:
            chosen, rejected = (low, high) if lean > 0 else (high, low)
            pairs.append(Pair(prompt, chosen, rejected, abs(lean), "pair"))
    return pairs, dropped


def pairs_from_corrections(
    corrections: Iterable[Correction], margin: float
) -> tuple[list[Pair], Counter[str]]:
    """What an expert wrote over the answer it is to replace. It counts as free of risk and of quality 1, so the margin
    is half of what the answer's own score lacks to 1: 1 for a risky one."""
    pairs, dropped = [], Counter[str]()
    for one in sorted(corrections, key=lambda one: (one.prompt, one.answer, one.written)):
        difference = (1 - one.score) / 2
        if difference <= 0:
            dropped["tie"] += 1
        elif difference < margin - 1e-9:
            dropped["margin"] += 1
        else:
            pairs.append(Pair(one.prompt, one.written, one.answer, min(difference, 1.0), "correction"))
    return pairs, dropped


def bound_lengths(
    pairs: Sequence[Pair], lengths: Mapping[int, int], *, ratio: float, mean_log_ratio: float
) -> tuple[list[Pair], Counter[str]]:
    """Drops pairs of which one answer is more than `ratio` times as long, then, while the mean of ln(chosen/rejected)
    lies outside ±`mean_log_ratio`, the pair that pulls most; of equals the one with the smallest margin.

    `lengths`: characters of each answer. Raises ValueError for a ratio below 1 or a negative bound.
    """
    if ratio < 1 or mean_log_ratio < 0:
        raise ValueError("a length ratio is at least 1, and the bound of its mean at least 0")
    logs = {pair: log_ratio(pair, lengths) for pair in pairs}
    dropped = Counter[str]()
    kept = [pair for pair in pairs if abs(logs[pair]) <= math.log(ratio) + 1e-12]
    if len(kept) < len(pairs):
        dropped["length ratio"] = len(pairs) - len(kept)
    total = math.fsum(logs[pair] for pair in kept)
    # From the pair with the shortest chosen answer to the one with the longest; at either end the smallest margin outermost.
    pulling = deque(
        sorted(
            kept,
            key=lambda pair: (
                logs[pair],
                -pair.margin if logs[pair] > 0 else pair.margin,
                (pair.prompt, pair.chosen, pair.rejected),
            ),
        )
    )
    while pulling and abs(total) / len(pulling) > mean_log_ratio + 1e-12:
        total -= logs[pulling.pop() if total > 0 else pulling.popleft()]
    gone = set(kept) - set(pulling)
    if gone:
        dropped["length bias"] = len(gone)
    return [pair for pair in kept if pair not in gone], dropped


def at_most(
    pairs: Sequence[Pair],
    groups: Mapping[int, str],
    *,
    per_prompt: int,
    per_group: int,
    limit: int,
    seed: int,
) -> tuple[list[Pair], Counter[str]]:
    """At most `per_prompt` pairs a prompt (the strongest source and widest margin first), `per_group` a norm group and
    `limit` in all, dealt to the groups in turn, so that no norm crowds out another. 0: no bound.

    `groups`: norm group of each prompt. Equal pairs are ordered by a seeded hash. The result is sorted by prompt.
    """
    dropped = Counter[str]()
    best = sorted(
        pairs,
        key=lambda pair: (
            ORIGINS.index(pair.origin),
            -pair.margin,
            seeded(seed, pair.prompt, pair.chosen, pair.rejected),
        ),
    )
    of_prompt: Counter[int] = Counter()
    queues: dict[str, list[Pair]] = defaultdict(list)
    for pair in best:
        if per_prompt and of_prompt[pair.prompt] >= per_prompt:
            dropped["enough of this prompt"] += 1
            continue
        of_prompt[pair.prompt] += 1
        queues[groups[pair.prompt]].append(pair)
    chosen, left = deal(queues, per_group=per_group, limit=limit, seed=seed)
    dropped.update(left)
    return sorted(chosen, key=lambda pair: (pair.prompt, pair.chosen, pair.rejected)), dropped


def deal(
    queues: Mapping[str, Sequence[T]], *, per_group: int, limit: int, seed: int
) -> tuple[list[T], Counter[str]]:
    """Takes from every group in turn, the groups in a seeded order, until the bounds are reached. 0: no bound."""
    order = sorted(queues, key=lambda group: seeded(seed, group))
    deepest = max((len(queue) for queue in queues.values()), default=0)
    rounds = min(per_group, deepest) if per_group else deepest
    dealt = [queues[group][turn] for turn in range(rounds) for group in order if turn < len(queues[group])]
    dropped = Counter[str]()
    crowded = sum(max(0, len(queue) - rounds) for queue in queues.values())
    if crowded:
        dropped["enough of this norm"] = crowded
    if limit and len(dealt) > limit:
        dropped["over the limit"] = len(dealt) - limit
        dealt = dealt[:limit]
    return dealt, dropped


def length_report(pairs: Sequence[Pair], lengths: Mapping[int, int]) -> LengthReport:
    if not pairs:
        return LengthReport(0, None, None, None, None)
    return LengthReport(
        pairs=len(pairs),
        mean_chosen=statistics.fmean(lengths[pair.chosen] for pair in pairs),
        mean_rejected=statistics.fmean(lengths[pair.rejected] for pair in pairs),
        mean_log_ratio=statistics.fmean(log_ratio(pair, lengths) for pair in pairs),
        longer_chosen=sum(lengths[pair.chosen] > lengths[pair.rejected] for pair in pairs) / len(pairs),
    )


def log_ratio(pair: Pair, lengths: Mapping[int, int]) -> float:
    """ln of the chosen answer's length over the rejected one's; an empty answer counts as one character."""
    return math.log(max(lengths[pair.chosen], 1) / max(lengths[pair.rejected], 1))


def seeded(seed: int, *parts: object) -> bytes:
    """An order that looks random and depends on the seed and the parts alone."""
    return hashlib.sha256("\0".join(map(str, (seed, *parts))).encode()).digest()
