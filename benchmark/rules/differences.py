"""What two texts that say nearly the same say differently, character by character.

Chinese has no spaces, so characters are compared, not words (difflib's longest matching blocks, without its
junk heuristic, which would drop frequent characters such as 的).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# An agreement this short between two changes is chance and only makes the comparison hard to read.
SHORTEST_AGREEMENT = 2
# Comparing is quadratic at worst; beyond this the texts are shown whole, one behind the other.
LONGEST_COMPARED = 6_000

Change = Literal["same", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text, never empty: in both texts ("same"), in the first only ("removed"), in the second
    only ("added")."""

    text: str
    change: Change


def compare(first: str, second: str) -> tuple[Piece, ...]:
    """The two texts as one run of pieces. Without the added pieces it is `first`, without the removed ones
    `second`; what was removed stands in front of what was added in its place."""
    if len(first) + len(second) > LONGEST_COMPARED:
        return _collected([("replace", 0, len(first), 0, len(second))], first, second)
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    return _collected(_without_chance(matcher.get_opcodes()), first, second)


def without_layout(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """`pieces` for reading: a change of white space or of the width of a bracket is none, and the second text's form is
    shown. Of the first text only what is worded differently remains marked."""
    shown: list[Piece] = []
    for piece in pieces:
        before = shown[-1] if shown else None
        if not _folded(piece.text):
            if piece.change != "removed":
                shown.append(Piece(piece.text, "same"))
        elif (
            piece.change == "added"
            and before is not None
            and before.change == "removed"
            and _folded(before.text) == _folded(piece.text)
        ):
            shown[-1] = Piece(piece.text, "same")
        else:
            shown.append(piece)
    return tuple(shown)


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


_Opcode = tuple[str, int, int, int, int]


def _without_chance(opcodes: Sequence[_Opcode]) -> list[_Opcode]:
    """Joins changes that only a very short agreement keeps apart."""
    joined: list[_Opcode] = []
    for at, (tag, i1, i2, j1, j2) in enumerate(opcodes):
        inside = 0 < at < len(opcodes) - 1
        if tag == "equal" and inside and i2 - i1 < SHORTEST_AGREEMENT:
            tag = "replace"
        if tag != "equal" and joined and joined[-1][0] != "equal":
            _tag, i1, _i2, j1, _j2 = joined.pop()
            tag = "replace"
        joined.append((tag, i1, i2, j1, j2))
    return joined


def _collected(opcodes: list[_Opcode], first: str, second: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for tag, i1, i2, j1, j2 in opcodes:
        if tag == "equal":
            pieces.append(Piece(first[i1:i2], "same"))
            continue
        if i2 > i1:
            pieces.append(Piece(first[i1:i2], "removed"))
        if j2 > j1:
            pieces.append(Piece(second[j1:j2], "added"))
    return tuple(pieces)
