"""Where the sentences of an answer begin and end."""

from __future__ import annotations

import re

from benchmark.guardians.base import Span

SENTENCE_END = re.compile(r"[。！？!?；;\n]+")


def sentences_of(text: str) -> list[Span]:
    """Half-open spans of the sentences of a text without the white space around them; none is empty."""
    spans, start = [], 0
    for end in [match.end() for match in SENTENCE_END.finditer(text)] + [len(text)]:
        body = text[start:end]
        left = start + len(body) - len(body.lstrip())
        right = start + len(body.rstrip())
        if right > left:
            spans.append((left, right))
        start = end
    return spans
