"""Character n-grams as sparse TF-IDF rows, in numpy alone: the same code when a guardian learns and judges.

A text is read as code points; full-width forms, case, white space and invisible characters are levelled out,
each character keeping its place in the original. Digits, punctuation and symbols only break up the text: how
an answer is formatted says who wrote it, not whether it is right. An n-gram of two or three letters is one
63-bit number, so a text meets the vocabulary in one binary search over arrays.

Weight of a term in a text: (1 + ln tf) * idf, rows of length 1; idf = ln((1 + N) / (1 + df)) + 1 (Salton and
Buckley, Inf. Process. Manage. 24 (1988) 513-523, with scikit-learn's smoothing).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LENGTHS = (2, 3)
BITS = 21
BREAK = 1
"""Stands for whatever is no letter."""

MAX_CHARACTERS = 500_000
"""Of a longer text only so much is read; no answer of a model is that long."""

Codes = NDArray[np.uint64]
Floats = NDArray[np.float64]
Places = NDArray[np.int64]


def _level(code: int) -> int:
    """The code point that stands for this one; BREAK for no letter, 0 for what is not read at all."""
    if 0xD800 <= code < 0xE000:
        return BREAK
    character = chr(code)
    if character.isspace() or unicodedata.category(character) in ("Cf", "Cc", "Mn"):
        return 0
    plain = unicodedata.normalize("NFKC", character).lower()
    if len(plain) != 1 or plain.isspace():
        plain = character
    return ord(plain) if plain.isalpha() else BREAK


_TABLE = np.fromiter((_level(code) for code in range(0x10000)), dtype=np.uint32, count=0x10000)
_TAGS = range(0xE0000, 0xE0080)  # invisible tag characters, beyond the table


def read(text: str) -> tuple[Codes, Places]:
    """Levelled code points (m,), all > 0, and the place of each in the text, ascending."""
    points = np.frombuffer(text[:MAX_CHARACTERS].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    within = points < 0x10000
    levelled = np.where(within, _TABLE[np.where(within, points, 0)], points)
    levelled[(points >= _TAGS.start) & (points < _TAGS.stop)] = 0
    places = np.flatnonzero(levelled)
    return levelled[places].astype(np.uint64), places


def grams(points: Codes) -> list[Codes]:
    """For each length n the n-gram that starts at each character: arrays of m-1 and m-2 numbers (or none).

    Those across a BREAK are among them; no vocabulary holds one.
    """
    found, head = [], points
    for length in range(2, LENGTHS[-1] + 1):
        head = (head[: max(0, len(points) - length + 1)] << np.uint64(BITS)) | points[length - 1 :]
        found.append(head)
    return found


def spell(code: int) -> str:
    """The characters of an n-gram."""
    characters = []
    while code:
        characters.append(chr(code & (1 << BITS) - 1))
        code >>= BITS
    return "".join(reversed(characters))


def code_of(term: str) -> int:
    """The number of an n-gram; raises ValueError where it has no or too many characters."""
    if len(term) not in LENGTHS:
        raise ValueError(f"{term!r} is no n-gram of {LENGTHS[0]} to {LENGTHS[-1]} characters")
    code = 0
    for character in term:
        code = code << BITS | ord(character)
    return code


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One text: `terms` (k,) ascending positions in the vocabulary, `values` (k,) their weights, length 1.

    `hits` (h,) and `starts` (h,): each occurrence's position in the vocabulary and its place in the text;
    `shares` (h,): the part of its term's value that one occurrence holds. A text without any known n-gram
    has empty arrays.
    """

    terms: Places
    values: Floats
    hits: Places
    starts: Places
    shares: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """`codes` (V,) ascending n-gram numbers and `idf` (V,) > 0."""

    codes: Codes
    idf: Floats

    def row(self, text: str) -> Row:
        """The TF-IDF row of a text."""
        points, places = read(text)
        by_length = grams(points)
        every = np.concatenate(by_length)
        at = np.searchsorted(self.codes, every)
        at[at == len(self.codes)] = 0
        known = np.flatnonzero(self.codes[at] == every) if len(self.codes) else np.empty(0, np.int64)
        hits = at[known].astype(np.int64)
        starts = np.concatenate([places[: len(part)] for part in by_length])[known]
        terms, inverse, counts = np.unique(hits, return_inverse=True, return_counts=True)
        values = (1.0 + np.log(counts)) * self.idf[terms]
        norm = float(np.sqrt(values @ values))
        if norm > 0:
            values /= norm
        return Row(terms, values, hits, starts, (values / counts)[inverse])

    def terms(self) -> list[str]:
        """The n-grams as text, in the order of the codes."""
        return [spell(int(code)) for code in self.codes]


def learn(texts: Sequence[str], groups: Sequence[str], *, size: int, min_groups: int) -> Vocabulary:
    """The vocabulary of some texts: n-grams that occur in texts of at least `min_groups` different groups and in
    at most 95% of the texts, the `size` most widespread of them (ties: the smaller code)."""
    in_texts: list[Codes] = []
    by_group: dict[str, list[Codes]] = {}
    for text, group in zip(texts, groups, strict=True):
        own = np.unique(np.concatenate(grams(read(text)[0])))
        in_texts.append(own)
        by_group.setdefault(group, []).append(own)
    if not in_texts:
        return Vocabulary(np.empty(0, np.uint64), np.empty(0))
    codes, texts_with = np.unique(np.concatenate(in_texts), return_counts=True)
    spread, groups_with = np.unique(
        np.concatenate([np.unique(np.concatenate(parts)) for parts in by_group.values()]), return_counts=True
    )
    broken = np.zeros(len(spread), dtype=bool)
    for place in range(LENGTHS[-1]):
        broken |= (spread >> np.uint64(BITS * place)) & np.uint64((1 << BITS) - 1) == BREAK
    kept = ~broken & (groups_with >= min_groups) & (texts_with <= 0.95 * len(texts))
    codes, texts_with = spread[kept], texts_with[kept]
    order = np.lexsort((codes, -texts_with))[:size]
    order.sort()
    idf = np.log((1.0 + len(texts)) / (1.0 + texts_with[order])) + 1.0
    return Vocabulary(codes[order], idf.astype(np.float32).astype(np.float64))


def from_terms(terms: Iterable[str], idf: Floats) -> Vocabulary:
    """The vocabulary read back from a file. Raises ValueError unless terms ascend and match the idf values."""
    codes = np.array([code_of(term) for term in terms], dtype=np.uint64)
    if len(codes) != len(idf):
        raise ValueError(f"{len(codes)} terms but {len(idf)} weights")
    if len(codes) > 1 and not (codes[1:] > codes[:-1]).all():
        raise ValueError("the terms are not in ascending order")
    return Vocabulary(codes, idf.astype(np.float64))
