"""Finds near-duplicates of many texts quickly and in little memory: the questions that no training row may repeat.

The measure is that of `training.rules.splits`. The index holds each 4-gram as one 64-bit number (four characters of 16
bits, numbered in the order in which the indexed texts bring them), sorted, with the texts that hold it: twelve bytes a
gram instead of some two hundred and fifty as Python objects. Beyond 65,534 different characters the rest share a number,
which could only make two texts look more alike.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from benchmark.rules.norm_groups import GRAM_LENGTH, bare_text, grams

THRESHOLD = 0.6
"""Lower than for norms: a copy with a third of its words changed still gives the question away."""

FEWEST_GRAMS = 12
"""A closed text of fewer distinct 4-grams (some 15 characters) says too little to be recognised inside another text;
it counts where it is the whole text."""

_CODE_POINTS = 0x110000
_LAST_NUMBER = 65_535
_SIEVE_BITS = 22
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Fibonacci hashing
_EPSILON = 1e-9


class ClosedTexts:
    """The questions of the splits that no training row may repeat, indexed by their 4-grams."""

    def __init__(self, texts: Iterable[str], threshold: float = THRESHOLD) -> None:
        """Raises ValueError unless 0 < threshold <= 1."""
        if not 0 < threshold <= 1:
            raise ValueError(f"the threshold is a share above 0 and up to 1, not {threshold!r}")
        self._threshold = threshold
        self._numbers = np.zeros(_CODE_POINTS, dtype=np.uint16)  # 0: a character that no closed text has
        self._used = 0
        self._short: set[frozenset[str]] = set()
        found: list[NDArray[np.uint64]] = []
        for text in texts:
            bare = bare_text(text)
            keys = self._learn(bare) if len(bare) >= GRAM_LENGTH else np.empty(0, dtype=np.uint64)
            if len(keys) >= FEWEST_GRAMS:
                found.append(keys)
            elif bare:
                self._short.add(grams(text))
        self._sizes = np.array([len(keys) for keys in found], dtype=np.int64)
        everything = np.concatenate(found) if found else np.empty(0, dtype=np.uint64)
        holders = np.repeat(np.arange(len(found), dtype=np.int32), self._sizes)
        order = np.argsort(everything, kind="stable")
        self._holders = holders[order]
        self._keys, self._starts = np.unique(everything[order], return_index=True)
        self._ends = np.append(self._starts[1:], len(everything))
        self._sieve = np.zeros(1 << _SIEVE_BITS, dtype=bool)
        self._sieve[_places(self._keys)] = True

    def repeated_by(self, text: str) -> bool:
        """Whether a closed text is repeated in this one, or this one in a closed text."""
        bare = bare_text(text)
        if not bare:
            return False
        # Fewer than twelve distinct grams have at most fourteen distinct characters.
        if self._short and len(set(bare)) < FEWEST_GRAMS + GRAM_LENGTH and grams(text) in self._short:
            return True
        shared = self._shared(bare)
        near = np.flatnonzero(shared >= self._threshold * FEWEST_GRAMS - _EPSILON)
        if not len(near):
            return False
        distinct = len({bare[i : i + GRAM_LENGTH] for i in range(len(bare) - GRAM_LENGTH + 1)})
        if distinct < FEWEST_GRAMS:
            # A short text inside a long question is a phrase that both use, not a copy.
            return False
        smaller = np.minimum(self._sizes[near], distinct)
        return bool(np.any(shared[near] >= self._threshold * smaller - _EPSILON))

    def _shared(self, bare: str) -> NDArray[np.int64]:
        """How many distinct grams each indexed text shares with this one."""
        keys = _keys(self._numbers[_code_points(bare)])
        keys = np.unique(keys[self._sieve[_places(keys)]])
        places = np.searchsorted(self._keys, keys)
        places = places[places < len(self._keys)]
        places = places[self._keys[places] == keys[: len(places)]]
        if len(places) < self._threshold * FEWEST_GRAMS - _EPSILON:
            return np.zeros(0, dtype=np.int64)
        starts, lengths = self._starts[places], self._ends[places] - self._starts[places]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        held = self._holders[np.repeat(starts, lengths) + within]
        return np.bincount(held, minlength=len(self._sizes))

    def _learn(self, bare: str) -> NDArray[np.uint64]:
        points = _code_points(bare)
        for point in np.unique(points[self._numbers[points] == 0]):
            self._used = min(self._used + 1, _LAST_NUMBER)
            self._numbers[point] = self._used
        return np.unique(_keys(self._numbers[points]))


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _keys(numbers: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """One number for each run of four known characters."""
    if len(numbers) < GRAM_LENGTH:
        return np.empty(0, dtype=np.uint64)
    wide = numbers.astype(np.uint64)
    count = len(numbers) - GRAM_LENGTH + 1
    keys = np.zeros(count, dtype=np.uint64)
    known = np.ones(count, dtype=bool)
    for place in range(GRAM_LENGTH):
        part = wide[place : place + count]
        keys = (keys << np.uint64(16)) | part
        known &= part > 0
    return keys[known]


def _places(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (keys * _SPREAD) >> np.uint64(64 - _SIEVE_BITS)
