"""What engines, guardians and jobs say in English, in the reader's language.

They know neither Django nor the reader, so each app registers what its own programs say (in its `apps.py`); whoever shows
a sentence asks here and need not know who said it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils.translation import gettext

COUNTS = ("n", "n2", "all")
NUMBER, ANY = r"\d+", ".+?"
Translate = Callable[[str], str]

_translators: list[Translate] = []


def pattern_of(words: str) -> str:
    """The regular expression of a sentence with %(name)s in it."""
    parts = re.split(r"%\((\w+)\)s", words)
    return "".join(
        f"(?P<{part}>{NUMBER if part in COUNTS else ANY})" if place % 2 else re.escape(part)
        for place, part in enumerate(parts)
    )


def register_sentences(translate: Translate) -> None:
    """`translate` gives a sentence in the active language, and one that it does not know as it is."""
    if translate not in _translators:
        _translators.append(translate)


def in_words(text: str | None) -> str:
    """The sentence in the reader's language; one that nobody knows stays as it is."""
    if not text:
        return ""
    for translate in (gettext, *_translators):
        found = translate(text)
        if found != text:
            return found
    return text
