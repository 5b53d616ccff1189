"""How rows and pairs are chosen, written as plainly as it can be: what the quick ways of the app are held against.

`training.services.tuning_choice` and `training.rules.best_pairs` count in columns and build only what is wanted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmark.rules.norm_groups import bare_text
from training.rules.pairs import ORIGINS, Origin, Pair, deal, seeded
from training.rules.sft_rows import ORIGINS as SFT_ORIGINS
from training.rules.sft_rows import Origin as SftOrigin


@dataclass(frozen=True, slots=True)
class Answer:
    """A possible row. `risk`: probability that it is risky (0 or 1 where people said so); `quality` in [0, 1], the
    weighted score; both are of the strongest origin that spoke about it. A correction counts as free of risk and good."""

    prompt: int
    answer: int
    text: str
    origin: SftOrigin
    risk: float = 0.0
    quality: float = 1.0


def choose_answers(
    answers: Iterable[Answer],
    groups: Mapping[int, str],
    *,
    quality: float,
    risk: float,
    per_prompt: int = 1,
    per_group: int = 0,
    limit: int = 0,
    seed: int = 0,
) -> tuple[list[Answer], Counter[str]]:
    """The rows, sorted by prompt, and how many answers were left out for which reason.

    An answer stays with quality >= `quality` and risk <= `risk`. Of a prompt the first `per_prompt` are taken:
    corrections, then by origin, quality and a seeded hash; the same text once. `per_group`, `limit`: see `pairs.deal`; 0
    is no bound. Raises ValueError for a bound outside [0, 1].
    """
    if not 0 <= quality <= 1 or not 0 <= risk <= 1:
        raise ValueError("the bounds of quality and risk lie between 0 and 1")
    dropped = Counter[str]()
    fit: list[Answer] = []
    for answer in answers:
        reason = _unfit(answer, quality, risk)
        if reason is None:
            fit.append(answer)
        else:
            dropped[reason] += 1
    fit.sort(
        key=lambda one: (
            SFT_ORIGINS.index(one.origin),
            -one.quality,
            one.risk,
            seeded(seed, one.prompt, one.answer),
        )
    )
    of_prompt: Counter[int] = Counter()
    seen: set[tuple[int, str]] = set()
    queues: dict[str, list[Answer]] = defaultdict(list)
    for answer in fit:
        key = (answer.prompt, bare_text(answer.text))
        if key in seen:
            dropped["the same text twice"] += 1
        elif per_prompt and of_prompt[answer.prompt] >= per_prompt:
            dropped["enough of this prompt"] += 1
        else:
            seen.add(key)
            of_prompt[answer.prompt] += 1
            queues[groups[answer.prompt]].append(answer)
    chosen, left = deal(queues, per_group=per_group, limit=limit, seed=seed)
    dropped.update(left)
    return sorted(chosen, key=lambda one: (one.prompt, SFT_ORIGINS.index(one.origin), one.answer)), dropped


def _unfit(answer: Answer, quality: float, risk: float) -> str | None:
    if not answer.text.strip():
        return "empty"
    if answer.origin == "correction":
        return None
    if answer.risk > risk:
        return "risky"
    return "below the quality bound" if answer.quality < quality - 1e-9 else None


@dataclass(frozen=True, slots=True)
class Scored:
    """An answer with a final score in [-1, 1] (DESIGN: -1 risky, else quality). `risky`: so judged, or more likely
    than the recipe allows."""

    prompt: int
    answer: int
    score: float
    risky: bool
    origin: Origin


def pairs_from_scores(answers: Iterable[Scored], margin: float) -> tuple[list[Pair], Counter[str]]:
    """All pairs of answers to one prompt whose scores differ by at least twice the margin; what was dropped, why.

    A pair is of the weaker of its two answers' origins. Two risky answers make no pair, whatever their scores.
    """
    by_prompt: dict[int, list[Scored]] = defaultdict(list)
    for answer in answers:
        by_prompt[answer.prompt].append(answer)
    pairs, dropped = [], Counter[str]()
    for prompt in sorted(by_prompt):
        ordered = sorted(by_prompt[prompt], key=lambda answer: (-answer.score, answer.answer))
        for place, better in enumerate(ordered):
            for worse in ordered[place + 1 :]:
                difference = (better.score - worse.score) / 2
                if difference == 0:
                    dropped["tie"] += 1
                elif difference < margin - 1e-9:
                    dropped["margin"] += 1
                elif better.risky:
                    dropped["chosen is risky"] += 1
                else:
                    origin = max(better.origin, worse.origin, key=ORIGINS.index)
                    pairs.append(Pair(prompt, better.answer, worse.answer, min(difference, 1.0), origin))
    return pairs, dropped


def merge_sources(
    sources: Iterable[Sequence[Pair]], risky: frozenset[int]
) -> tuple[list[Pair], Counter[str]]:
    """The pairs of all sources, strongest source first: each two answers once. `risky`: answers never to be chosen."""
    kept: dict[tuple[int, int, int], Pair] = {}
    dropped = Counter[str]()
    everything = [pair for source in sources for pair in source]
    for pair in sorted(everything, key=lambda pair: (ORIGINS.index(pair.origin), pair.prompt, -pair.margin)):
        low, high = sorted((pair.chosen, pair.rejected))
        key = (pair.prompt, low, high)
        if pair.chosen in risky:
            dropped["chosen is risky"] += 1
        elif key not in kept:
            kept[key] = pair
        elif kept[key].chosen != pair.chosen:
            dropped["a stronger source says the opposite"] += 1
        else:
            dropped["said by a stronger source"] += 1
    return list(kept.values()), dropped
