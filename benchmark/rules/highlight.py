"""Say where the words of a query stand in a text, by the same folding as the search itself.

A page marks what was found without ever treating data as markup: it gets plain pieces of text, each with a
flag. Words are those of `search_terms`: a run of ideographs or a run of other letters and digits.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmark.rules.search_terms import BLANK_INSIDE_CJK, fold_character, query_runs

ELLIPSIS = "…"
_LEAD = 24


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a text; `found`: it is what the query asked for. Never empty."""

    text: str
    found: bool


def segments(text: str, query: str) -> tuple[Segment, ...]:
    """`text` cut into pieces, found and not found in turn; joined again they are the text.

    A word of the query is marked wherever it stands, also across a line break inside a Chinese word. A word
    that stands nowhere as a whole (the search asks for its grams only) has its grams marked instead.
    """
    if not text:
        return ()
    runs = query_runs(query)
    if not runs:
        return (Segment(text, False),)
    folded, places = _folded(text)
    marked = bytearray(len(text))
    for run, gram in runs:
        for start, end in _places_of(run, gram, folded):
            first, last = places[start], _end(text, places[end - 1])
            marked[first:last] = b"\1" * (last - first)
    return tuple(_pieces(text, marked))


def excerpt(pieces: Sequence[Segment], length: int) -> tuple[Segment, ...]:
    """About `length` characters of `pieces` from the start, or from a little before the first found piece
    where that lies further back; an ellipsis stands for what was left out on either side."""
    total = sum(len(piece.text) for piece in pieces)
    if total <= length:
        return tuple(pieces)
    first = next(_starts(pieces), 0)
    start = 0 if first < length - _LEAD else max(0, min(first - _LEAD, total - length))
    stop = start + length
    kept = [Segment(ELLIPSIS, False)] if start else []
    position = 0
    for piece in pieces:
        cut = piece.text[max(0, start - position) : max(0, stop - position)]
        if cut:
            kept.append(Segment(cut, piece.found))
        position += len(piece.text)
    if stop < total:
        kept.append(Segment(ELLIPSIS, False))
    return tuple(kept)


def has_found(pieces: Iterable[Segment]) -> bool:
    """Whether anything in `pieces` is marked."""
    return any(piece.found for piece in pieces)


def found_length(pieces: Iterable[Segment]) -> int:
    """How many characters of `pieces` are marked."""
    return sum(len(piece.text) for piece in pieces if piece.found)


def _starts(pieces: Iterable[Segment]) -> Iterator[int]:
    """Where the found pieces begin."""
    position = 0
    for piece in pieces:
        if piece.found:
            yield position
        position += len(piece.text)


def _folded(text: str) -> tuple[str, list[int]]:
    """The text as the index sees it, and for each of its characters the place in `text` it came from."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for piece in fold_character(character):
            characters.append(piece)
            places.append(place)
    folded = "".join(characters)
    # A line break inside a Chinese word parts nothing; from the back, so that earlier places stay right.
    for blank in reversed(list(BLANK_INSIDE_CJK.finditer(folded))):
        del places[blank.start() : blank.end()]
    return BLANK_INSIDE_CJK.sub("", folded), places


def _places_of(run: str, gram: int, folded: str) -> list[tuple[int, int]]:
    whole = list(_occurrences(run, folded))
    if whole or len(run) <= gram:
        return whole
    grams = dict.fromkeys(run[at : at + gram] for at in range(len(run) - gram + 1))
    return [place for piece in grams for place in _occurrences(piece, folded)]


def _occurrences(piece: str, folded: str) -> Iterator[tuple[int, int]]:
    start = folded.find(piece)
    while start >= 0:
        yield start, start + len(piece)
        start = folded.find(piece, start + 1)


def _end(text: str, last: int) -> int:
    """Behind the character at `last` and the accents that belong to it."""
    end = last + 1
    while end < len(text) and unicodedata.category(text[end])[0] == "M":
        end += 1
    return end


def _pieces(text: str, marked: bytearray) -> Iterator[Segment]:
    for found, places in groupby(range(len(text)), key=lambda place: marked[place]):
        run = list(places)
        yield Segment(text[run[0] : run[-1] + 1], bool(found))
