"""A reply made readable for the rules: one spelling per letter, nothing invisible, thinking set aside.

Only characters that a reader takes for a plain letter are rewritten (full-width, mathematical, circled and
look-alike capitals). Unicode compatibility normalisation is not used on purpose: it would turn the signs for
degrees Celsius and for Roman 500 into the option letters C and D.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

THINK_NAMES = "think|thinking|thought|reasoning|reflection|seed:think"

# What makes the slow path necessary; ordinary Chinese replies contain none of these.
_ODD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u0300-\u036f\u0391-\u0397\u0410-\u0421\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u20d0-\u20ff\u249c-\u24e9\u3164\ufe00-\ufe0f\ufe50-\ufe6b\ufeff"
    "\uff04\uff0a\uff21-\uff3a\uff3f\uff41-\uff5a\uff5c\uffa0\ufff0-\ufffb"
    "\U0001d400-\U0001d7ff\U0001f110-\U0001f189\U000e0000-\U000e0fff]|_x00"
)
# Characters that Excel writes as _x000D_ and the like; the D in them is no answer.
_EXCEL_ESCAPE = re.compile(r"_x00[0-9A-Fa-f]{2}_")
_LOOK_ALIKE = str.maketrans("АВСЕНΑΒΕΗ＄＊＿｜", "ABCEHABEH$*_|")
_LINE_BREAKS = frozenset("\x0b\x0c\x85\u2028\u2029")
# Struck through: what the reply took back.
_STRUCK = re.compile(r"(?<!~)~~(?![~\s])[^~\n]{1,120}~~(?!~)|<(del|s|strike)>[^<>\n]{1,120}</\1>")
_OPEN_OR_CLOSE = re.compile(
    rf"<(/?)(?:{THINK_NAMES})\b[^<>\n]{{0,40}}>|[◁<]\|?(/?)(?:begin_of_|end_of_)?(?:think|thought)\|?[▷>]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """`text` to search in. `index[i]` is where its character i stands in the reply; None: at i itself."""

    text: str
    index: Sequence[int] | None
    unclosed_thinking: bool

    def raw(self, position: int) -> int:
        """The reply offset of a position of `text` that holds a character."""
        return position if self.index is None else self.index[position]


def prepare(reply: str) -> Prepared:
    """`reply` with plain letters and without invisible characters and thinking; linear in its length."""
    text: str = reply
    index: Sequence[int] | None = None
    if "\r" in text:
        # As long as before, so that offsets stay.
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    if _ODD.search(text):
        text, index = _plain(text)
    text = _without_struck(text)
    text, unclosed = _without_thinking(text)
    return Prepared(text=text, index=index, unclosed_thinking=unclosed)


def _plain(reply: str) -> tuple[str, list[int]]:
    characters: list[str] = []
    index: list[int] = []
    position = 0
    while position < len(reply):
        character = reply[position]
        if character == "_" and (escape := _EXCEL_ESCAPE.match(reply, position)):
            characters.append("\n")
            index.append(position)
            position = escape.end()
            continue
        plain = character if character in "\n\t" or not _ODD.match(character) else _plain_character(character)
        if plain:
            characters.append(plain)
            index.append(position)
        position += 1
    return "".join(characters), index


def _plain_character(character: str) -> str:
    """One character, or "" for one that a reader does not see."""
    if character in _LINE_BREAKS:
        return "\n"
    if character == "\xa0":
        return " "
    if unicodedata.category(character) in {"Cc", "Cf", "Mn", "Me", "Cn", "Lo"}:
        return ""
    folded = unicodedata.normalize("NFKC", character)
    if len(folded) == 1 and (folded != character or ord(character) < 0x10000):
        return folded.translate(_LOOK_ALIKE)
    if len(folded) == 3 and folded[0] == "(" and folded[2] == ")":
        return folded[1].upper()
    # The white-on-black letters have no compatibility form; their names end in the letter.
    name = unicodedata.name(character, "")
    if name.startswith(("NEGATIVE ", "CROSSED NEGATIVE ")) and " CAPITAL LETTER " in name:
        return name[-1]
    return character


def _without_struck(text: str) -> str:
    """`text` with struck-through words blanked out (offsets stay)."""
    if "~~" not in text and "</" not in text:
        return text
    return _STRUCK.sub(lambda struck: " " * len(struck.group()), text)


def _without_thinking(text: str) -> tuple[str, bool]:
    """`text` with thinking blanked out (offsets stay), unless nothing else is there; and whether one is open.

    A closing tag without an opening one ends thinking too: chat templates often hold the opening tag.
    """
    if "</" not in text and "<" not in text and "◁" not in text:
        return text, False
    tags = [
        (m.start(), m.end(), "/" in m.group() or "end_of" in m.group()) for m in _OPEN_OR_CLOSE.finditer(text)
    ]
    if not tags:
        return text, False
    blocks: list[tuple[int, int]] = []
    opened: int | None = None
    for start, end, closes in tags:
        if not closes:
            opened = start if opened is None else opened
        else:
            # A stray closing tag ends everything before it.
            if opened is None:
                blocks.clear()
            blocks.append((opened or 0, end))
            opened = None
    if opened is not None:
        return text[:opened], True
    pieces: list[str] = []
    last = 0
    for start, end in blocks:
        pieces += [text[last:start], "\n", " " * (end - start - 1)]
        last = end
    pieces.append(text[last:])
    outside = "".join(pieces)
    if outside.strip():
        return outside, False
    return _OPEN_OR_CLOSE.sub(lambda tag: " " * len(tag.group()), text), False
