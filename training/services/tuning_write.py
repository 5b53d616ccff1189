"""Chosen answers and pairs become rows of files; texts are fetched a few hundred at a time, and figures add up by the way."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.queries.corrections import AnswerText, texts_of
from training.queries.tuning_material import questions_of
from training.rules.histograms import shares, whole_numbers
from training.rules.pairs import Pair
from training.rules.sft_rows import ORIGINS
from training.services.tuning_choice import Material

CHUNK = 250
WRITING = "writing rows"


@dataclass(slots=True)
class Tally:
    """What was written. `lengths`: characters by name of the turn; `entries`: whose answers, by slug."""

    rows: int = 0
    origins: Counter[str] = field(default_factory=Counter)
    scenarios: Counter[str] = field(default_factory=Counter)
    benchmarks: Counter[str] = field(default_factory=Counter)
    entries: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, array[int]] = field(default_factory=dict)
    margins: array[float] = field(default_factory=lambda: array("d"))

    def count(self, item: Any, origin: str, answers: Mapping[str, AnswerText], written: set[str]) -> None:
        """`written`: the turns that an expert wrote, which are no entry's."""
        self.rows += 1
        self.origins[origin] += 1
        self.scenarios[item.scenario] += 1
        self.benchmarks[item.benchmark] += 1
        for name, answer in answers.items():
            self.lengths.setdefault(name, array("q")).append(len(answer.text))
            if name not in written:
                self.entries[answer.entry] += 1

    def figures(self) -> dict[str, Any]:
        """For the manifest: counts by kind, and how lengths and margins are spread."""
        spread = {f"length_{name}": whole_numbers(np.asarray(of)) for name, of in self.lengths.items()}
        if len(self.margins):
            spread["margin"] = shares(np.asarray(self.margins))
        return {
            "by_origin": dict(sorted(self.origins.items())),
            "by_scenario": dict(sorted(self.scenarios.items())),
            "by_benchmark": dict(sorted(self.benchmarks.items())),
            "by_entry": dict(sorted(self.entries.items())),
            "histograms": {name: found.as_json() for name, found in spread.items()},
        }

    def length_summary(self, name: str) -> dict[str, float]:
        found = np.asarray(self.lengths.get(name, array("q")))
        if not len(found):
            return {}
        return {"mean": float(found.mean()), "median": float(np.median(found)), "longest": int(found.max())}


class RowWriter:
    """Rows in the order they are given; each says where it comes from: `lineage.said` holds ids by kind (`labels`,
    `rulings`, `judgements`), of a pair for each side or for both."""

    def __init__(self, material: Material, total: int) -> None:
        self._material = material
        self._total = total
        self.tally = Tally()

    def sft(self, places: Sequence[int]) -> Iterator[dict[str, Any]]:
        """`places` in the opinions."""
        o = self._material.opinions
        for chunk in self._chunks(places):
            texts = texts_of([int(o.answer[place]) for place in chunk])
            questions = questions_of({int(o.item[place]) for place in chunk})
            for place in chunk:
                number, item = int(o.answer[place]), self._material.items[int(o.item[place])]
                answer, origin = texts[number], ORIGINS[o.origin[place]]
                self.tally.count(item, origin, {"answer": answer}, {"answer"} if number < 0 else set())
                yield {
                    "prompt": ask(questions[item.pk]),
                    "completion": [{"role": "assistant", "content": answer.text}],
                    "item": item.code,
                    "group": item.group,
                    "origin": origin,
                    "lineage": {
                        "benchmark": item.benchmark,
                        "response": answer.response,
                        "entry": answer.entry,
                        "said": o.behind(place),
                    },
                }

    def dpo(
        self, pairs: Sequence[Pair], compared: Mapping[tuple[int, int], Sequence[int]]
    ) -> Iterator[dict[str, Any]]:
        """`compared`: labels that compared two answers, the lower number first."""
        for chunk in self._chunks(pairs):
            texts = texts_of({number for pair in chunk for number in (pair.chosen, pair.rejected)})
            questions = questions_of({pair.prompt for pair in chunk})
            for pair in chunk:
                yield self._pair(pair, texts, questions[pair.prompt], compared)

    def _pair(
        self,
        pair: Pair,
        texts: Mapping[int, AnswerText],
        question: str,
        compared: Mapping[tuple[int, int], Sequence[int]],
    ) -> dict[str, Any]:
        item = self._material.items[pair.prompt]
        chosen, rejected = texts[pair.chosen], texts[pair.rejected]
        written = {"chosen"} if pair.chosen < 0 else set()
        self.tally.count(item, pair.origin, {"chosen": chosen, "rejected": rejected}, written)
        self.tally.margins.append(pair.margin)
        return {
            "prompt": ask(question),
            "chosen": [{"role": "assistant", "content": chosen.text}],
            "rejected": [{"role": "assistant", "content": rejected.text}],
            "item": item.code,
            "group": item.group,
            "origin": pair.origin,
            "margin": round(pair.margin, 6),
            "lineage": {
                "benchmark": item.benchmark,
                "chosen": chosen.response,
                "rejected": rejected.response,
                "entries": [chosen.entry, rejected.entry],
                "said": self._behind(pair, compared),
            },
        }

    def _behind(
        self, pair: Pair, compared: Mapping[tuple[int, int], Sequence[int]]
    ) -> dict[str, dict[str, list[int]]]:
        """Ids of what was said on either answer, or of what spoke of `both` at once."""
        of = self._material.opinions.behind_number
        if pair.origin == "pair":
            low, high = sorted((pair.chosen, pair.rejected))
            return {"both": {"labels": list(compared[low, high])}}
        if pair.origin == "correction":
            return {"both": of(pair.prompt, pair.chosen)}
        return {"chosen": of(pair.prompt, pair.chosen), "rejected": of(pair.prompt, pair.rejected)}

    def _chunks(self, rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
        for first in range(0, len(rows), CHUNK):
            self._material.progress(self.tally.rows, self._total, WRITING)
            yield rows[first : first + CHUNK]


def ask(question: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}]
