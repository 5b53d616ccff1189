"""The pairs of one prompt that may become rows, strongest first, without building all of them.

The rules are those of `training.rules.pairs` (scores, then sources merged, then the bound of a pair's length ratio, then
the first k of a prompt); two hundred answers to a question make some twenty thousand pairs, of which four are wanted, so
here they are counted and compared as matrices and only the wanted ones become objects. The tests hold them against all pairs
built one by one (`tests/rules/plain_choice.py`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.rules.pairs import ORIGINS, LengthReport, Origin, Pair, seeded

BLOCK = 1_000_000
"""Pairs looked at at once: some 40 MB."""

SAME = "the same text twice"

_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Scores:
    """Answers to one prompt in columns of equal length. `answer`: numbers; `score` in [-1, 1]; `risky`: never to be
    chosen; `by_people`: the score is of experts, else of a guardian; `length`: characters."""

    answer: NDArray[np.int64]
    score: NDArray[np.float64]
    risky: NDArray[np.bool_]
    by_people: NDArray[np.bool_]
    length: NDArray[np.int64]

    def without(self, refused: frozenset[int]) -> Scores:
        kept = ~np.isin(self.answer, np.fromiter(refused, dtype=np.int64, count=len(refused)))
        return Scores(
            self.answer[kept], self.score[kept], self.risky[kept], self.by_people[kept], self.length[kept]
        )


@dataclass(slots=True)
class Told:
    """What became of all pairs of a prompt, or of several added up. `left`: by reason. `pairs`: those that the sources
    gave before any bound, with the sums of their lengths, of ln(chosen/rejected), and how many chosen are longer."""

    left: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    chosen: int = 0
    rejected: int = 0
    log_ratio: float = 0.0
    longer: int = 0

    def add(self, other: Told) -> None:
        for reason, number in other.left.items():
            self.left[reason] += number
        self.pairs += other.pairs
        self.chosen += other.chosen
        self.rejected += other.rejected
        self.log_ratio += other.log_ratio
        self.longer += other.longer

    def report(self) -> LengthReport:
        n = self.pairs
        if not n:
            return LengthReport(0, None, None, None, None)
        return LengthReport(n, self.chosen / n, self.rejected / n, self.log_ratio / n, self.longer / n)


def best_pairs(
    prompt: int,
    scores: Scores,
    said: Sequence[Pair],
    lengths: dict[int, int],
    *,
    margin: float,
    ratio: float,
    most: int,
    seed: int,
    marks: Mapping[int, int] | None = None,
) -> tuple[list[Pair], Told]:
    """At most `most` pairs (0: no bound), strongest first, and what became of the others.

    `said`: pairs of this prompt from corrections and comparisons, which go before any two scores. `lengths`: of their
    answers. `marks`: above 0, equal for answers whose texts are the same, which make no pair; only of answers whose text
    is known. The order: origin, widest margin, a seeded hash.
    """
    told, marks = Told(), marks or {}
    risky = frozenset(scores.answer[scores.risky].tolist())
    kept: dict[tuple[int, int], Pair] = {}
    for pair in sorted(said, key=lambda pair: (ORIGINS.index(pair.origin), -pair.margin)):
        if pair.chosen in risky:
            told.left["chosen is risky"] += 1
        elif same_text(pair, marks):
            told.left[SAME] += 1
        else:
            key = (min(pair.chosen, pair.rejected), max(pair.chosen, pair.rejected))
            held = kept.setdefault(key, pair)
            if held is not pair:
                told.left[_beaten(held, pair)] += 1
    found: list[Pair] = []
    for pair in kept.values():
        a, b = lengths[pair.chosen], lengths[pair.rejected]
        told.add(Told(Counter(), 1, a, b, math.log(max(a, 1) / max(b, 1)), int(a > b)))
        if abs(math.log(max(a, 1) / max(b, 1))) <= math.log(ratio) + 1e-12:
            found.append(pair)
        else:
            told.left["length ratio"] += 1
    fitting = len(found)
    for number, pairs in _scored(prompt, scores, kept, marks, told, margin=margin, ratio=ratio, most=most):
        fitting += number
        found += pairs
    found.sort(key=lambda pair: _strength(pair, seed))
    if most and fitting > most:
        told.left["enough of this prompt"] += fitting - most
        found = found[:most]
    return found, told


def same_text(pair: Pair, marks: Mapping[int, int]) -> bool:
    """Whether both texts are known and the same."""
    return pair.chosen in marks and marks[pair.chosen] == marks.get(pair.rejected)


def _strength(pair: Pair, seed: int) -> tuple[int, float, bytes]:
    return ORIGINS.index(pair.origin), -pair.margin, seeded(seed, pair.prompt, pair.chosen, pair.rejected)


def _beaten(held: Pair, other: Pair) -> str:
    return (
        "said by a stronger source" if held.chosen == other.chosen else "a stronger source says the opposite"
    )


def _scored(
    prompt: int,
    scores: Scores,
    kept: dict[tuple[int, int], Pair],
    marks: Mapping[int, int],
    told: Told,
    *,
    margin: float,
    ratio: float,
    most: int,
) -> Iterator[tuple[int, list[Pair]]]:
    """Block by block: how many pairs of scores fit, and those that may be among the `most` strongest of them."""
    order = np.lexsort((scores.answer, -scores.score))
    answer, score, length = scores.answer[order], scores.score[order], np.maximum(scores.length[order], 1)
    risky, people = scores.risky[order], scores.by_people[order]
    raw = scores.length[order]
    mark = np.fromiter((marks.get(number, 0) for number in answer.tolist()), np.uint64, len(answer))
    logs, widest = np.log(length.astype(np.float64)), math.log(ratio) + 1e-12
    place = {int(number): n for n, number in enumerate(answer)}
    n = len(answer)
    step = max(1, BLOCK // max(n, 1))
    for first in range(0, n, step):
        rows = np.arange(first, min(first + step, n))
        better, worse = np.nonzero(np.arange(n)[None, :] > rows[:, None])
        better += first
        difference = (score[better] - score[worse]) / 2
        tie = difference == 0
        near = ~tie & (difference < margin - _EPSILON)
        refused = ~tie & ~near & risky[better]
        same = ~tie & ~near & ~refused & (mark[better] == mark[worse]) & (mark[better] > 0)
        for reason, which in (("tie", tie), ("margin", near), ("chosen is risky", refused), (SAME, same)):
            told.left[reason] += int(np.count_nonzero(which))
        fit = ~(tie | near | refused | same)
        _give_way(fit, kept, place, answer, better, worse, first, told)
        better, worse, difference = better[fit], worse[fit], difference[fit]
        log_ratio = logs[better] - logs[worse]
        told.pairs += len(better)
        told.chosen += int(raw[better].sum())
        told.rejected += int(raw[worse].sum())
        told.log_ratio += float(log_ratio.sum())
        told.longer += int(np.count_nonzero(raw[better] > raw[worse]))
        alike = np.abs(log_ratio) <= widest
        told.left["length ratio"] += int(np.count_nonzero(~alike))
        better, worse, difference = better[alike], worse[alike], difference[alike]
        by_people = people[better] & people[worse]
        chosen = _strongest(by_people, difference, most)
        pairs = []
        for i in chosen:
            origin: Origin = "rubric" if by_people[i] else "guardian"
            pairs.append(
                Pair(
                    prompt,
                    int(answer[better[i]]),
                    int(answer[worse[i]]),
                    min(float(difference[i]), 1.0),
                    origin,
                )
            )
        yield len(better), pairs
    for reason in [reason for reason, number in told.left.items() if not number]:
        del told.left[reason]


def _give_way(
    fit: NDArray[np.bool_],
    kept: dict[tuple[int, int], Pair],
    place: dict[int, int],
    answer: NDArray[np.int64],
    better: NDArray[np.int64],
    worse: NDArray[np.int64],
    first: int,
    told: Told,
) -> None:
    """What a stronger source has said about two answers, their scores do not say again."""
    for (low, high), pair in kept.items():
        if low not in place or high not in place:
            continue
        i, j = sorted((place[low], place[high]))
        at = np.flatnonzero((better == i) & (worse == j)) if i >= first else np.empty(0, dtype=np.int64)
        if len(at) and fit[at[0]]:
            fit[at[0]] = False
            told.left[_beaten(pair, Pair(pair.prompt, int(answer[i]), int(answer[j]), 0.0, "guardian"))] += 1


def _strongest(by_people: NDArray[np.bool_], difference: NDArray[np.float64], most: int) -> list[int]:
    """Places of all pairs that can be among the first `most`: people's first, widest first, with all equals of the last."""
    if not most or len(difference) <= most:
        return list(range(len(difference)))
    chosen: list[int] = []
    for of_people in (True, False):
        places = np.flatnonzero(by_people == of_people)
        wanted = most - len(chosen)
        if wanted <= 0:
            break
        if len(places) > wanted:
            least = np.partition(difference[places], -wanted)[-wanted]
            places = places[difference[places] >= least]
        chosen += places.tolist()
    return chosen
