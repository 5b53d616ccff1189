"""Take a released objective question apart: prompt template, stem, options.

Source: the released objective file puts one instruction with a worked example in front of every question
("题目：…") and an answer cue behind it ("【思考过程】："), and writes options one to a line or many to one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmark.rules.cleaning import clean_text

LETTERS = "ABCDEFGH"
QUESTION_MARKER = "题目："
ANSWER_CUE = "【思考过程】："

# Codes of what was odd, beside those of `cleaning.REPAIRS`.
OPTIONS_INLINE = "options_inline"
OPTION_LETTER_GAP = "option_letter_gap"
TEXT_AFTER_OPTIONS = "text_after_options"
NO_OPTIONS = "no_options"

# A letter counts as a marker only at the start of a line or behind a separator, and only with a mark
# behind it: so "维生素B、C" or "CT：" inside an option is no marker.
_LINE_MARKER = re.compile(r"^[^\S\n]*[（(]?([A-HＡ-Ｈ])[^\S\n]*([.．、:：)）])[^\S\n]*", re.MULTILINE)
_INLINE_MARKER = re.compile(r"(?<=[，,；;。？?\s])[（(]?([A-HＡ-Ｈ])[^\S\n]*([.．、:：)）])[^\S\n]*")
_KEY_SEPARATORS = re.compile(r"[\s,，、;；/]+")
_SEPARATORS = "，,；; \t\u3000\u00a0\n"


@dataclass(frozen=True, slots=True)
class ParsedQuestion:
    """One question taken apart.

    `template.format(question=question)` is the raw text byte for byte; `template` is "{question}" where
    nothing common stands around the question. `stem`, option texts and `trailer` (what stands behind the
    last option and is neither option nor answer cue, usually "") are cleaned. `options` are (letter, text)
    in the order of the text, letters ascending from A; empty if none was found. `repairs`: codes.
    """

    template: str
    question: str
    stem: str
    options: tuple[tuple[str, str], ...]
    trailer: str
    repairs: tuple[str, ...]

    @property
    def letters(self) -> str:
        return "".join(letter for letter, _ in self.options)


@dataclass(frozen=True, slots=True)
class _Marker:
    start: int
    end: int
    letter: str
    mark: str
    own_line: bool


def split_template(raw: str) -> tuple[str, str]:
    """Return (template, question) with `template.format(question=question) == raw`, always.

    The question runs from behind the last "题目：" that opens a line to the answer cue that ends the text.
    Without both around it the whole text is the question. Braces of the surroundings are doubled, as
    `str.format` wants them.
    """
    tail = raw.rstrip()
    start = raw.rfind("\n" + QUESTION_MARKER)
    if start < 0 or not tail.endswith(ANSWER_CUE):
        return "{question}", raw
    begin = start + 1 + len(QUESTION_MARKER)
    end = len(tail) - len(ANSWER_CUE)
    if end < begin:
        return "{question}", raw
    # The line break in front of the cue belongs to the template, not to the question.
    if raw[begin:end].endswith("\n"):
        end -= 1
    head, foot = (part.replace("{", "{{").replace("}", "}}") for part in (raw[:begin], raw[end:]))
    return f"{head}{{question}}{foot}", raw[begin:end]


def parse_question(raw: str) -> ParsedQuestion:
    """Split off the template, then find stem and options. Never raises; oddities are in `repairs`."""
    template, question = split_template(raw)
    cleaned = clean_text(question)
    repairs = list(cleaned.repairs)
    text = cleaned.text
    markers = _find_markers(text)
    if not markers:
        return ParsedQuestion(template, question, text, (), "", (*repairs, NO_OPTIONS))
    options, trailer = _cut(text, markers)
    if any(not marker.own_line for marker in markers):
        repairs.append(OPTIONS_INLINE)
    if "".join(letter for letter, _ in options) != LETTERS[: len(options)]:
        repairs.append(OPTION_LETTER_GAP)
    if trailer:
        repairs.append(TEXT_AFTER_OPTIONS)
    stem = text[: markers[0].start].strip()
    return ParsedQuestion(template, question, stem, options, trailer, tuple(repairs))


def render_question(stem: str, options: Iterable[tuple[str, str]]) -> str:
    """The canonical text of a question: the stem, then one "A.text" line per option."""
    return "\n".join([stem, *(f"{letter}.{text}" for letter, text in options)])


def normal_key(raw: str) -> str:
    """The letters of an answer key, each once, in order: "C、A" gives "AC".

    Full-width and small letters count, blanks and the separators , ， 、 ; ； / too. Raises ValueError where
    anything else stands in it, or nothing.
    """
    letters = set(_KEY_SEPARATORS.sub("", unicodedata.normalize("NFKC", raw).upper()))
    if not letters or not letters <= set(LETTERS):
        raise ValueError(f"not an answer key: {raw[:40]!r}")
    return "".join(sorted(letters))


def _find_markers(text: str) -> list[_Marker]:
    """The markers of the option list: at least two, letters ascending from A; else empty."""
    own = _markers(text, _LINE_MARKER, own_line=True)
    first = next((i for i, marker in enumerate(own) if marker.letter == "A"), None)
    if first is not None:
        chain = own[first:]
        # Own lines all the way: what looks like a marker inside a line is option text. A skipped letter is
        # a slip of the source and kept, because answers name the letters as printed.
        letters = [marker.letter for marker in chain]
        if len(chain) > 1 and letters[1] == "B" and letters == sorted(set(letters)):
            return chain
    return _mixed_chain(text, own)


def _mixed_chain(text: str, own: Sequence[_Marker]) -> list[_Marker]:
    """Options that share a line: the longest run A, B, C … with one kind of mark; the first one if equal."""
    own_starts = {marker.end for marker in own}
    inline = [m for m in _markers(text, _INLINE_MARKER, own_line=False) if m.end not in own_starts]
    everything = sorted([*own, *inline], key=lambda marker: marker.start)
    best: list[_Marker] = []
    for i, opening in enumerate(everything):
        if opening.letter != "A":
            continue
        chain = [opening]
        for marker in everything[i + 1 :]:
            expected = LETTERS[len(chain)] if len(chain) < len(LETTERS) else ""
            if marker.letter == expected and marker.mark == opening.mark:
                chain.append(marker)
        if len(chain) > max(1, len(best)):
            best = chain
    return best


def _markers(text: str, pattern: re.Pattern[str], *, own_line: bool) -> list[_Marker]:
    # NFKC folds the full-width letter and mark onto the plain ones; 、 stays as it is.
    return [
        _Marker(
            start=found.start(),
            end=found.end(),
            letter=unicodedata.normalize("NFKC", found[1]),
            mark=unicodedata.normalize("NFKC", found[2]),
            own_line=own_line,
        )
        for found in pattern.finditer(text)
    ]


def _cut(text: str, markers: Sequence[_Marker]) -> tuple[tuple[tuple[str, str], ...], str]:
    """Cut the text at the markers into options; what follows the last option's line is the trailer."""
    options: list[tuple[str, str]] = []
    for i, marker in enumerate(markers[:-1]):
        following = markers[i + 1]
        piece = text[marker.end : following.start]
        # Only between options that share a line are commas and semicolons separators.
        piece = piece.strip() if following.own_line else piece.strip(_SEPARATORS)
        options.append((marker.letter, piece))
    last, _, trailer = text[markers[-1].end :].partition("\n")
    options.append((markers[-1].letter, last.strip()))
    return tuple(options), trailer.strip()
