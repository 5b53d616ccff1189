"""What differs between two answers to the same question: the tokens against forged requests."""

from __future__ import annotations

import re

VOLATILE = (
    re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"'),
    re.compile(r'"X-CSRFToken": "[^"]+"'),
)


def without_volatile(body: str) -> str:
    for pattern in VOLATILE:
        body = pattern.sub("", body)
    return body
