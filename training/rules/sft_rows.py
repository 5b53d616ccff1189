"""Which answers a model may learn from by imitation: free of risk, good enough, experts' corrections first (project rule)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from benchmark.rules.norm_groups import bare_text
from training.rules.pairs import deal, seeded

Origin = Literal["correction", "ruling", "label", "guardian"]
ORIGINS: tuple[Origin, ...] = ("correction", "ruling", "label", "guardian")
"""Strongest first: what an expert wrote, what a referee ruled, what experts labelled, what a guardian thinks."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A possible row. `risk`: probability that it is risky (0 or 1 where people said so); `quality` in [0, 1], the
    weighted score; both are of the strongest origin that spoke about it. A correction counts as free of risk and good."""

    prompt: int
    answer: int
    text: str
    origin: Origin
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
            ORIGINS.index(one.origin),
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
    return sorted(chosen, key=lambda one: (one.prompt, ORIGINS.index(one.origin), one.answer)), dropped


def _unfit(answer: Answer, quality: float, risk: float) -> str | None:
    if not answer.text.strip():
        return "empty"
    if answer.origin == "correction":
        return None
    if answer.risk > risk:
        return "risky"
    return "below the quality bound" if answer.quality < quality - 1e-9 else None
