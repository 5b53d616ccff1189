"""Clean text as it arrives from spreadsheets, and the identity of a norm.

Source: the dirt seen in the released MedES files (carriage returns that a spreadsheet export wrote out as
the seven characters ``_x000D_``, indentation and blanks at line ends, zero-width spaces inside words).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

# Order is part of the contract: repairs are reported in this order, each at most once.
ZERO_WIDTH = "zero_width"
CONTROL = "control"
X000D = "x000d"
CARRIAGE_RETURN = "carriage_return"
NFC = "nfc"
WHITESPACE = "whitespace"
REPAIRS: tuple[str, ...] = (ZERO_WIDTH, CONTROL, X000D, CARRIAGE_RETURN, NFC, WHITESPACE)

# The joiners U+200C and U+200D stay: in other scripts and in emoji they carry meaning.
_ZERO_WIDTH = re.compile("[\u200b\u200e\u200f\u2060\ufeff]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]+")
_X000D = re.compile("_x000D_", re.IGNORECASE)
_LONE_CR = re.compile("\r(?!\n)")
_LINE_END_BLANKS = re.compile(r"[^\S\n]+(?=\n)")
_BLANKS = re.compile(r"[^\S\n]+")
_OTHER_LINE_BREAKS = re.compile("[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Cleaned text and the codes (members of `REPAIRS`) of what had to be repaired to get it."""

    text: str
    repairs: tuple[str, ...] = ()


def clean_text(raw: str) -> Cleaned:
    """Return `raw` without export debris, in NFC, with "\\n" as the only line break.

    Removed: zero-width characters, control characters (NUL included), ``_x000D_``, carriage returns (a lone
    one becomes a line break), blanks at line ends, white space around the whole. Blanks inside a line,
    line breaks and blank lines stay. Idempotent. Never raises.
    """
    steps = (
        (ZERO_WIDTH, _drop_zero_width),
        (CONTROL, _drop_control),
        (X000D, _drop_x000d),
        (CARRIAGE_RETURN, _drop_carriage_returns),
        (NFC, _compose),
        (WHITESPACE, _trim),
    )
    text, repairs = raw, []
    for code, step in steps:
        repaired = step(text)
        if repaired != text:
            repairs.append(code)
            text = repaired
    return Cleaned(text, tuple(repairs))


def clean_norm(raw: str) -> Cleaned:
    """Return the text of a norm as it is stored and shown; whether two are one says `norm_identity`.

    On top of `clean_text`, white space is normalised line by line: indentation (U+3000 and U+00A0 too) is
    dropped, a run of blanks inside a line becomes one space, blank lines go. Line breaks stay, since they
    part paragraphs and numbered points.
    """
    cleaned = clean_text(raw)
    lines = (_BLANKS.sub(" ", line).strip() for line in cleaned.text.split("\n"))
    text = "\n".join(line for line in lines if line)
    repairs = cleaned.repairs
    if text != cleaned.text and WHITESPACE not in repairs:
        repairs = (*repairs, WHITESPACE)
    return Cleaned(text, repairs)


def norm_identity(raw: str) -> str:
    """What makes two norm texts one norm: cleaned, with every run of white space as one space.

    So a line break counts as much as a space, but a space counts against none. "" for a norm without text.
    (The release: 1,163 distinct norm texts, 1,157 identities, one of them "".)
    """
    return " ".join(clean_text(raw).text.split())


def text_hash(text: str) -> str:
    """SHA-256 of the text as UTF-8, 64 hex digits. Raises UnicodeEncodeError on lone surrogates."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _drop_zero_width(text: str) -> str:
    return _ZERO_WIDTH.sub("", text)


def _drop_control(text: str) -> str:
    return _CONTROL.sub("", text)


def _drop_x000d(text: str) -> str:
    # Removing one may push the halves of another together; without the loop cleaning twice would differ.
    while _X000D.search(text):
        text = _X000D.sub("", text)
    return text


def _drop_carriage_returns(text: str) -> str:
    return _LONE_CR.sub("\n", text).replace("\r", "")


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _trim(text: str) -> str:
    return _LINE_END_BLANKS.sub("", _OTHER_LINE_BREAKS.sub("\n", text)).strip()
