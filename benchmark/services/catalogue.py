"""Finds the items that the rows of a file speak of: by id, or by question text and occurrence."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from django.db.models import QuerySet

from benchmark.models import BenchmarkVersion, Item
from benchmark.rules.matching import keys_of_item, keys_of_text


class VersionCatalogue:
    """The items a file may answer. What is not in here is "unknown" to the sender, hidden items included."""

    def __init__(self, items: QuerySet[Item]) -> None:
        self._items = items.order_by("kind", "number")
        self.ids: dict[str, int] = dict(self._items.values_list("code", "pk"))

    @classmethod
    def load(
        cls, version: BenchmarkVersion, *, with_hidden: bool, kind: str | None = None
    ) -> VersionCatalogue:
        """The version's items; `with_hidden` is for the platform's own imports only."""
        items = Item.objects.filter(version=version)
        if not with_hidden:
            items = items.exclude(split="hidden")
        return cls(items.filter(kind=kind) if kind else items)

    @cached_property
    def _by_question(self) -> dict[str, list[str]]:
        """Codes by question, in the order of the items. Made for files that name no ids, the rarer kind."""
        questions: dict[str, list[str]] = defaultdict(list)
        for code, question, options in self._items.values_list("code", "question", "options").iterator():
            keys = keys_of_item(question, [(option["letter"], option["text"]) for option in options])
            for key in {keys.full, keys.stem}:
                questions[key].append(code)
        return dict(questions)

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
