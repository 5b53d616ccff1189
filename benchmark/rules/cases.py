"""One key for a case (norm, question, answer), so that the same text is judged once, wherever it stands."""

from __future__ import annotations

import hashlib

KEY_BITS = 63


def case_key(norm: str, question: str, response: str) -> int:
    """A whole number in 0 .. 2^63 - 1: the first 63 bits of SHA-256 over the three texts, lengths in front.

    It fits a signed 64-bit column. Among six million different cases two share a key with a chance of 2 in a
    million (the birthday bound), so it may stand for the case itself.
    """
    digest = hashlib.sha256()
    for text in (norm, question, response):
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return int.from_bytes(digest.digest()[:8], "big") >> (64 - KEY_BITS)
