"""Full-text search in Chinese that answers the same on SQLite FTS5 and PostgreSQL `tsvector`.

Neither engine parts Chinese words. So the text is parted here, into short overlapping pieces ("grams"), and
both engines only compare whole pieces. Guarantee: if a query with at least one letter or digit is a
substring of a text, every one of `query_terms(query)` is among the terms of `index_terms(text)`.

- Each character is folded alone (NFKD, case folded, marks and invisible characters dropped), so that a
  substring folds to a substring: é finds e, and the full-width Ａ finds a.
- A run of ideographs gives single characters and pairs; a run of other letters and digits gives pieces of
  one to three characters.
- White space between two ideographs (a line break inside a word) parts nothing in the index; in a query it
  parts words.
- Terms hold a-z, 0-9 and U+4E00 to U+9FA5 only and never begin with a digit: what both tokenisers keep
  whole, whatever their Unicode version or locale. Another letter is written "u" and its code point in hex;
  a leading digit gets an "n" in front.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_CJK = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_RUN = re.compile(f"(?P<cjk>[{_CJK}]+)|(?P<word>[^{_CJK} |]+)")
BLANK_INSIDE_CJK = re.compile(f"(?<=[{_CJK}]) +(?=[{_CJK}])")
_UNSAFE = re.compile("[^a-z0-9\u4e00-\u9fa5]")
_CJK_GRAM = 2
_WORD_GRAM = 3


def index_terms(text: str) -> str:
    """Return the terms of a text, each once, in order of first appearance, separated by single spaces."""
    folded = BLANK_INSIDE_CJK.sub("", _fold(text))
    terms: dict[str, None] = {}
    for run, longest in _runs(folded):
        for length in range(1, longest + 1):
            for start in range(len(run) - length + 1):
                terms[_safe(run[start : start + length])] = None
    return " ".join(terms)


def query_terms(query: str) -> list[str]:
    """Return the terms that a text must all have, each once; empty if the query has no letter or digit.

    A run longer than a gram asks for its grams of full length only, a shorter one for itself; so a query of
    one character finds every text with that character.
    """
    terms: dict[str, None] = {}
    for run, longest in _runs(_fold(query)):
        length = min(len(run), longest)
        for start in range(len(run) - length + 1):
            terms[_safe(run[start : start + length])] = None
    return list(terms)


def query_runs(query: str) -> list[tuple[str, int]]:
    """The words of a query, folded, each once, with the length of their grams: what `highlight` looks for."""
    return list(dict.fromkeys(_runs(_fold(query))))


def _fold(text: str) -> str:
    return "".join(map(fold_character, text))


@lru_cache(maxsize=16_384)
def fold_character(character: str) -> str:
    """What the index sees of one character: letters and digits folded; " " for white space, "|" for what
    else parts words, "" for marks."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(_classify(piece) for piece in folded)


def _classify(piece: str) -> str:
    category = unicodedata.category(piece)
    if category[0] in "LN":
        return piece
    if category[0] == "M" or category == "Cf":
        return ""
    return " " if piece.isspace() else "|"


def _runs(folded: str) -> Iterator[tuple[str, int]]:
    """The runs of a folded text, each with its gram length."""
    for found in _RUN.finditer(folded):
        yield found[0], _CJK_GRAM if found.lastgroup == "cjk" else _WORD_GRAM


def _safe(gram: str) -> str:
    term = _UNSAFE.sub(lambda found: f"u{ord(found[0]):x}", gram)
    return f"n{term}" if term[0].isdigit() else term
