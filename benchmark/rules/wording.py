"""The words of a rule and nothing else: what two prints of one sentence share.

NFKC, case folded, letters and digits only: white space, punctuation, brackets and Markdown say nothing. Numbering
(（四）, 4., ④, § 46.116) is layout as well where it begins a text, a line or a listed item; in the middle of a
sentence ("前款第（四）项") it is wording and stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_NUMERAL = "[一二三四五六七八九十百零〇0-9０-９]{1,5}"
_MARKS = (
    rf"[（(〔\[]\s*(?:{_NUMERAL}|[a-zA-Z]|[ivxIVX]{{1,5}})\s*[)）〕\]]",
    rf"(?:{_NUMERAL}|[a-zA-Z])\s*[)）]",
    r"[0-9０-９]{1,3}(?:[.．][0-9０-９]{1,3}){0,3}\s*[.．、](?![0-9０-９])",
    r"[0-9]{1,3}(?:\.[0-9]{1,3}){1,3}(?=\s)",
    r"[一二三四五六七八九十]{1,3}\s*[、.．]",
    r"[a-zA-Z]\s*[.．、](?=\s*[^\sa-zA-Z])",
    r"[\u2460-\u249b\u3220-\u3229\u3251-\u325f\u32b1-\u32bf]",
    r"第[一二三四五六七八九十百千零〇0-9]{1,9}条(?:之[一二三四五六七八九十]{1,3})?(?=[\s　【：:])",
    r"§+\s*[0-9]+(?:\.[0-9]+)*",
    r"[*＊•·●○◆■\-–—]+\s+|\*\*",
)
NUMBERING = "(?:" + "|".join(_MARKS) + ")"
_LEADING = re.compile(rf"\s*{NUMBERING}\s*")
_CAPTION = re.compile(r"\s*【[^】\n]{1,40}】\s*")
_LISTED = re.compile(rf"(?P<before>[：:；;。\n]\s*){NUMBERING}")
_PIECE = re.compile(r"[^。；;：:！？!?\n]+")


def cut_numbering(text: str) -> str:
    """`text` without the numbering in front of it, and without a caption in 【】 that an editor put there.

    A text that is nothing but numbering stays as it is.
    """
    rest = text
    while found := _LEADING.match(rest) or _CAPTION.match(rest):
        rest = rest[found.end() :]
    return rest if bare_letters(rest) else text


def bare_letters(text: str) -> str:
    """Letters and digits of `text` under NFKC and case folding, nothing else."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def bare_wording(text: str) -> str:
    """The words of a rule: numbering of the text and of its listed items cut, then letters and digits only."""
    return bare_letters(_unlisted(cut_numbering(text)))


def bare_pieces(text: str) -> list[str]:
    """The words clause by clause (cut at 。；：and line breaks), each without its numbering; no empty ones."""
    pieces = (bare_letters(cut_numbering(piece)) for piece in _PIECE.findall(cut_numbering(text)))
    return [piece for piece in pieces if piece]


def places_in(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of `text` whose bare wording runs from `start` to `end` of `bare_wording(text)`.

    For marking in the text as it is printed; (0, 0) where there is no such span.
    """
    places = list(_letters_with_places(text))
    if not 0 <= start < end <= len(places):
        return 0, 0
    return places[start][1], places[end - 1][1] + 1


def _letters_with_places(text: str) -> Iterator[tuple[str, int]]:
    """What `bare_wording` keeps, each letter with the place in `text` that it came from."""
    rest = cut_numbering(text)
    first = len(text) - len(rest)
    dropped = bytearray(len(rest))
    for found in _LISTED.finditer(rest):
        begin = found.end("before")
        dropped[begin : found.end()] = b"\1" * (found.end() - begin)
    for place, character in enumerate(rest):
        if not dropped[place]:
            for letter in bare_letters(character):
                yield letter, first + place


def _unlisted(text: str) -> str:
    return _LISTED.sub(lambda found: found["before"], text)
