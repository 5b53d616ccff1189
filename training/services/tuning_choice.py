"""Which answers and pairs become rows. Numbers decide first; texts are fetched for what was chosen, and where one is
refused, the next takes its place, until every chosen text has been looked at.

That gives the rows that looking at all texts first would give: whatever is refused later would only have been followed by
what is chosen already (a refusal never moves a row back in its queue). Tests compare both.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmark.rules.norm_groups import bare_text
from training.queries.corrections import lengths_of, texts_of
from training.queries.tuning_material import OpenItem, Opinions, Progress
from training.rules import pairs as rules
from training.rules.best_pairs import SAME, Scores, Told, best_pairs, same_text
from training.rules.closed_texts import ClosedTexts
from training.rules.recipe import Recipe
from training.rules.sft_rows import ORIGINS

CHUNK = 250
MOST_PAIRS = 2_000_000
CHECKING, PAIRING = "checking texts", "pairing answers"
CORRECTION = ORIGINS.index("correction")


@dataclass(frozen=True, slots=True)
class Material:
    """What a recipe found."""

    recipe: Recipe
    items: dict[int, OpenItem]
    opinions: Opinions
    closed: ClosedTexts
    progress: Progress
    left_out: Counter[str] = field(default_factory=Counter)

    def group(self, item: int) -> str:
        return self.items[item].group


class TooManyPairs(ValueError):
    """More pairs fit the recipe than one dataset may hold."""


class TextCheck:
    """Looks at texts of answers once each. `refused`: numbers of those that may not be used; `marks` of the others."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self.marks: dict[int, int] = {}
        self.refused: set[int] = set()

    def look_at(self, numbers: Iterable[int]) -> Iterator[tuple[int, str | None]]:
        """(number, its text, or None where it is refused) of those not yet looked at, in their order."""
        new = [number for number in dict.fromkeys(numbers) if not self.knows(number)]
        for first in range(0, len(new), CHUNK):
            self._material.progress(first, len(new), CHECKING)
            part = new[first : first + CHUNK]
            texts = texts_of(part)
            for number in part:
                text = texts[number].text
                reason = self._reason(text)
                if reason is None:
                    self.marks[number] = _mark(text)
                    yield number, text
                else:
                    self.refused.add(number)
                    self._material.left_out[reason] += 1
                    yield number, None

    def knows(self, number: int) -> bool:
        return number in self.marks or number in self.refused

    def _reason(self, text: str) -> str | None:
        if not text:
            return "empty answer"
        if len(text) > self._material.recipe.longest:
            return "answer too long"
        if self._material.closed.repeated_by(text):
            return "answer repeats a question of a closed split"
        return None


def choose_sft(material: Material) -> NDArray[np.int64]:
    """Places in the opinions, sorted by item, origin and answer."""
    recipe, o = material.recipe, material.opinions
    rows = _fit(material)
    items = o.item[rows]
    by_item = np.argsort(items, kind="stable")
    gone = np.zeros(len(rows), dtype=bool)
    known = np.zeros(len(rows), dtype=bool)
    check, seen = TextCheck(material), set[tuple[int, int]]()
    while True:
        alive = by_item[~gone[by_item]]
        selected = _first_of_each(alive, items, recipe.per_prompt)
        queues: dict[str, list[int]] = defaultdict(list)
        for place in np.sort(selected).tolist():
            queues[material.group(int(items[place]))].append(place)
        chosen, left = rules.deal(queues, per_group=recipe.per_norm, limit=recipe.limit, seed=recipe.seed)
        new = sorted((place for place in chosen if not known[place]), key=lambda place: (items[place], place))
        if not new:
            break
        known[new] = True
        numbers = [int(o.answer[rows[place]]) for place in new]
        for place, (number, text) in zip(new, check.look_at(numbers), strict=True):
            if text is None:
                gone[place] = True
                continue
            mark = int(items[place]), check.marks[number]
            if mark in seen:
                gone[place] = True
                material.left_out[SAME] += 1
            seen.add(mark)
    if len(alive) > len(selected):
        material.left_out["enough of this prompt"] += len(alive) - len(selected)
    material.left_out.update(left)
    places = rows[np.array(chosen, dtype=np.int64)]
    order = np.lexsort((o.answer[places], o.origin[places], o.item[places]))
    return places[order]


def _fit(material: Material) -> NDArray[np.int64]:
    """Places of the answers within the bounds of risk and quality, strongest first."""
    recipe, o = material.recipe, material.opinions
    written = o.origin == CORRECTION
    risky = ~written & (o.risk > recipe.risk)
    poor = ~written & ~risky & (o.quality < recipe.quality - 1e-9)
    for reason, which in (("risky", risky), ("below the quality bound", poor)):
        if np.any(which):
            material.left_out[reason] += int(np.count_nonzero(which))
    fit = np.flatnonzero(~(risky | poor))
    chance = np.fromiter(
        (
            int.from_bytes(rules.seeded(recipe.seed, item, answer)[:8], "big")
            for item, answer in zip(o.item[fit].tolist(), o.answer[fit].tolist(), strict=True)
        ),
        dtype=np.uint64,
        count=len(fit),
    )
    return fit[np.lexsort((chance, o.risk[fit], -o.quality[fit], o.origin[fit]))]


def _first_of_each(alive: NDArray[np.int64], items: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Of places sorted by item, the first `most` of each; 0: all."""
    if not most or not len(alive):
        return alive
    found = items[alive]
    begins = np.flatnonzero(np.append(True, found[1:] != found[:-1]))
    sizes = np.diff(np.append(begins, len(found)))
    return alive[np.arange(len(found)) - np.repeat(begins, sizes) < most]


def _mark(text: str) -> int:
    """Stands for a text, above 0; two texts share one with a chance of 2⁻⁶³."""
    digest = hashlib.blake2b(bare_text(text).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") | 1


class PairChoice:
    """The pairs of each question, and what became of the others."""

    def __init__(self, material: Material, compared: Sequence[rules.Pair]) -> None:
        self._material = material
        self._said: dict[int, list[rules.Pair]] = defaultdict(list)
        o, recipe = material.opinions, material.recipe
        numbers = sorted({number for pair in compared for number in (pair.chosen, pair.rejected)})
        self._other = {number: length for number, length in zip(numbers, self._lengths(numbers), strict=True)}
        self._length = lengths_of(o.answer, recipe.benchmarks)
        bad = self._unusable(o)
        for pair in compared:
            sides = self._other[pair.chosen], self._other[pair.rejected]
            if min(sides) == 0:
                material.left_out["empty answer"] += 1
            elif max(sides) > recipe.longest:
                material.left_out["answer too long"] += 1
            else:
                self._said[pair.prompt].append(pair)
        self._places = np.flatnonzero(~bad)
        self._starts = self._segments()
        self._told: dict[int, Told] = {}
        self._best: dict[int, list[rules.Pair]] = {}
        self._check = TextCheck(material)

    def _lengths(self, numbers: Sequence[int]) -> list[int]:
        written = self._material.opinions.written
        found = lengths_of(np.array(numbers, dtype=np.int64), self._material.recipe.benchmarks)
        return [
            written[number].length if number in written else int(length)
            for number, length in zip(numbers, found, strict=True)
        ]

    def _unusable(self, o: Opinions) -> NDArray[np.bool_]:
        """Corrections make pairs of their own; what is empty or too long makes none."""
        written = o.origin == CORRECTION
        empty = ~written & (self._length == 0)
        long = ~written & (self._length > self._material.recipe.longest)
        for reason, which in (("empty answer", empty), ("answer too long", long)):
            if np.any(which):
                self._material.left_out[reason] += int(np.count_nonzero(which))
        bad: NDArray[np.bool_] = written | empty | long
        return bad

    def _segments(self) -> dict[int, tuple[int, int]]:
        """Of each item, where its usable answers begin and end in `_places`."""
        items = self._material.opinions.item[self._places]
        found, begins = np.unique(items, return_index=True)  # they are sorted
        ends = np.append(begins[1:], len(items))[: len(found)]
        return {
            item: (begin, end)
            for item, begin, end in zip(found.tolist(), begins.tolist(), ends.tolist(), strict=True)
        }

    def choose(self) -> tuple[list[rules.Pair], dict[int, int], rules.LengthReport]:
        """The pairs, sorted by item; the lengths of their answers; and how lengths lay before any bound."""
        material, recipe = self._material, self._material.recipe
        wanted = sorted(self._starts.keys() | self._said.keys())
        total = 0
        for number, item in enumerate(wanted):
            if number % 50 == 0:
                material.progress(number, len(wanted), PAIRING)
            self._best[item], self._told[item] = self._pairs(item)
            total += len(self._best[item])
            if total > MOST_PAIRS:
                raise TooManyPairs
        groups = {item: material.group(item) for item in wanted}
        while True:
            everything = [pair for pairs in self._best.values() for pair in pairs]
            taken, left = rules.at_most(
                everything, groups, per_prompt=recipe.per_prompt, per_group=recipe.per_norm,
                limit=recipe.limit, seed=recipe.seed,
            )  # fmt: skip
            numbers = [number for pair in taken for number in (pair.chosen, pair.rejected)]
            refused = {number for number, text in self._check.look_at(numbers) if text is None}
            again = {p.prompt for p in taken if self._unfit(p, refused)}
            if not again:
                break
            for item in again:
                self._best[item], self._told[item] = self._pairs(item)
        told = Told()
        for one in self._told.values():
            told.add(one)
        material.left_out.update(+told.left)
        material.left_out.update(left)
        lengths = self._lengths_of(taken)
        # Last, since the mean is promised of the rows that are written.
        chosen, left = rules.bound_lengths(
            taken, lengths, ratio=recipe.length_ratio, mean_log_ratio=recipe.length_bias
        )
        material.left_out.update(left)
        return chosen, lengths, told.report()

    def _unfit(self, pair: rules.Pair, refused: set[int]) -> bool:
        """Whether a text is refused, or both are the same; people write a correction that changes nothing, too."""
        return pair.chosen in refused or pair.rejected in refused or same_text(pair, self._check.marks)

    def _pairs(self, item: int) -> tuple[list[rules.Pair], Told]:
        """The best of the item by what is known of its texts so far."""
        refused = self._check.refused
        o, recipe = self._material.opinions, self._material.recipe
        begin, end = self._starts.get(item, (0, 0))
        places = self._places[begin:end]
        scores = Scores(
            o.answer[places],
            o.score(places),
            o.risk[places] > recipe.risk,
            o.origin[places] != ORIGINS.index("guardian"),
            self._length[places],
        )
        own = set(scores.answer.tolist()) & refused
        if own:
            scores = scores.without(frozenset(own))
        said = [
            pair
            for pair in self._said.get(item, ())
            if pair.chosen not in refused and pair.rejected not in refused
        ]
        return best_pairs(
            item, scores, said, self._other, margin=recipe.margin, ratio=recipe.length_ratio,
            most=recipe.per_prompt, seed=recipe.seed, marks=self._check.marks,
        )  # fmt: skip

    def _lengths_of(self, pairs: Sequence[rules.Pair]) -> dict[int, int]:
        o = self._material.opinions
        lengths = dict(self._other)
        for item in {pair.prompt for pair in pairs}:
            begin, end = self._starts.get(item, (0, 0))
            places = self._places[begin:end]
            wanted = {number for pair in self._best[item] for number in (pair.chosen, pair.rejected)}
            for number, length in zip(o.answer[places].tolist(), self._length[places].tolist(), strict=True):
                if number in wanted:
                    lengths[number] = length
        return lengths
