"""Match rows of response files to items by question text and occurrence.

Source: the released response files carry no ids; 63 questions stand twice in the release, 9 of them with
two different keys, so a text alone does not name an item: its k-th row answers the k-th item with the text.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmark.rules.cleaning import clean_text
from benchmark.rules.options import parse_question, render_question

_WHITE_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class QuestionKeys:
    """`full`: stem and options, without white space; `stem`: the stem alone; equal without options."""

    full: str
    stem: str


@dataclass(frozen=True, slots=True)
class Match:
    """`index`: position of the item, None if there is none; then `reason` is "unknown" (no item has the
    text) or "exhausted" (more rows with it than items)."""

    index: int | None
    reason: str = ""


def normal_form(text: str) -> str:
    """Cleaned text without any white space: what two renderings of one question share."""
    return _WHITE_SPACE.sub("", clean_text(text).text)


def keys_of_item(stem: str, options: Iterable[tuple[str, str]] = ()) -> QuestionKeys:
    """The keys of an item whose stem and options are known."""
    return QuestionKeys(normal_form(render_question(stem, options)), normal_form(stem))


def keys_of_text(raw: str) -> QuestionKeys:
    """The keys of a question as a file gives it: with or without prompt template, options on own lines or
    sharing one, or the bare stem."""
    parsed = parse_question(raw)
    if not parsed.options:
        stem = normal_form(parsed.question)
        return QuestionKeys(stem, stem)
    return keys_of_item(parsed.stem, parsed.options)


class OccurrenceMatcher:
    """Gives each row of a file the next item with its text that no earlier row of this file was given.

    `keys`: one per item, in item order. So the k-th row with a text gets the k-th item with it. A text is
    looked up as stem and options first; only a text without options of its own is looked up as a stem.
    Rows of a file must be given in their order; one matcher serves one file.
    """

    def __init__(self, keys: Sequence[QuestionKeys]) -> None:
        self._full: dict[str, deque[int]] = {}
        self._stem: dict[str, deque[int]] = {}
        for index, key in enumerate(keys):
            self._full.setdefault(key.full, deque()).append(index)
            self._stem.setdefault(key.stem, deque()).append(index)
        self._given: set[int] = set()

    def match(self, raw: str) -> Match:
        """Match the next row by its question text."""
        return self.match_keys(keys_of_text(raw))

    def match_keys(self, keys: QuestionKeys) -> Match:
        """Match the next row by keys made before."""
        known = False
        queues = [self._full.get(keys.full)]
        if keys.full == keys.stem:
            queues.append(self._stem.get(keys.stem))
        for queue in queues:
            if queue is None:
                continue
            known = True
            while queue:
                index = queue.popleft()
                if index not in self._given:
                    self._given.add(index)
                    return Match(index)
        return Match(None, "exhausted" if known else "unknown")
