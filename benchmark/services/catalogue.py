"""Finds the items that the rows of a file speak of: by id, or by question text and occurrence."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from benchmark.models import BenchmarkVersion, Item
from benchmark.rules.matching import keys_of_item, keys_of_text


@dataclass(frozen=True)
class VersionCatalogue:
    """The items a file may answer. What is not in here is "unknown" to the sender, hidden items included."""

    ids: dict[str, int]
    _by_question: dict[str, list[str]]

    @classmethod
    def load(
        cls, version: BenchmarkVersion, *, with_hidden: bool, kind: str | None = None
    ) -> VersionCatalogue:
        """Two dictionaries of the version's items, in order of kind and number. `with_hidden`: platform only."""
        items = Item.objects.filter(version=version).order_by("kind", "number")
        if not with_hidden:
            items = items.exclude(split="hidden")
        if kind:
            items = items.filter(kind=kind)
        ids: dict[str, int] = {}
        questions: dict[str, list[str]] = defaultdict(list)
        for pk, code, question, options in items.values_list("pk", "code", "question", "options").iterator():
            ids[code] = pk
            keys = keys_of_item(question, [(option["letter"], option["text"]) for option in options])
            for key in {keys.full, keys.stem}:
                questions[key].append(code)
        return cls(ids, dict(questions))

    def __len__(self) -> int:
        return len(self.ids)

    def resolve(self, code: str) -> str | None:
        """The id in its canonical spelling, or None."""
        if code in self.ids:
            return code
        lowered = code.strip().lower()
        return lowered if lowered in self.ids else None

    def resolve_question(self, text: str, occurrence: int) -> str | None:
        """The `occurrence`-th (from 1) item with this question text, or None."""
        found = self._by_question.get(keys_of_text(text).full, [])
        return found[occurrence - 1] if 0 < occurrence <= len(found) else None
