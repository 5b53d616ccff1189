"""Reading what stands where an answer is announced: a set of letters, all of them, none, or nothing.

`read_answer` looks at one place only. Where such places are is the business of `markers`, `bare` and
`conclusions`. Repetitions are possessive or bounded, so no text makes the reading worse than linear.
"""

from __future__ import annotations

import re

from benchmark.rules.extraction.phrases import read_phrase
from benchmark.rules.extraction.runs import DANGLING, TAIL_WRONG, is_template, read_run, sorted_letters
from benchmark.rules.extraction.signs import CLOSING, INLINE, MARKUP, NOTHING, Kind, Reading, Run

_TIGHT_END = re.compile(rf"{CLOSING}(?:\Z|[\n。.．；;，,！!)）<\\])")
_NEGATED = re.compile(rf"{MARKUP}(?:并?不(?:应该?)?(?:是|为|选)|并非|非(?!A)|≠|not\b)", re.IGNORECASE)
_INSTEAD = re.compile(
    r"而应?(?:该|当)?(?:是|为|选)|(?:应该?|应当)(?:是|为|选)|正确的?是|实为|it(?:\'|’)?s\b|it is\b|but\b|instead\b",
    re.IGNORECASE,
)
# "A，也可能是C", "A吗？", "A/C？": the reply does not settle.
_OTHER_TOO = re.compile(
    rf"{CLOSING}(?:选?项)?[，,；;。.？?\s]{{0,3}}(?:但|不过|当然)?(?:也|亦|又|或许|要么)(?:有)?(?:可能|可以|能|许|应该?|应当)?"
    rf"(?:是|为|选择?|应选)?{INLINE}(?:选项)?[A-H](?![A-Za-z0-9])"
)
_ASKS = re.compile(rf"{CLOSING}(?:选?项)?(?:吗|么)?[？?]")
_ASKS_OPENLY = re.compile(rf"{CLOSING}(?:选?项)?(?:吗|么|还是)")
# "A（…）、B（…": the text ends inside a list of letters with notes.
_CUT_NOTE = re.compile(
    rf"{CLOSING}(?:[(（][^()（）\n]{{1,160}}[)）])?[、，,和及与\s]*[A-H][(（][^()（）\n]{{0,160}}\Z"
)
_ARROW = re.compile(rf"{CLOSING}(?:→|⇒|➡|[-=—]+>){INLINE}")
_LINE_END = re.compile(rf"{CLOSING}[。.!！)）]?{CLOSING}(?:\n|\Z)")


def read_answer(
    text: str,
    at: int,
    options: str,
    *,
    stop: int,
    label: bool = True,
    wide: bool = False,
    tight: bool = False,
) -> Reading:
    """What `text` says at `at`, looking no further than `stop`.

    `label`: an explicit label stands before, so lower case, all-of phrases and item lists count.
    `wide`: the label begins its line, so commas and full stops separate items too.
    `tight`: nothing links label and letters, so they must end at a boundary.
    """
    if label:
        phrase = _read_words(text, at, options, stop)
        if phrase is not None:
            return phrase
    run = Run()
    problem = read_run(text, at, options, run, stop, lower=label, items=label, wide=wide)
    if problem is not Kind.LETTERS:
        return Reading(problem, "", run.start, run.end) if problem is Kind.FOREIGN else NOTHING
    if tight and not _TIGHT_END.match(text, run.tail):
        return NOTHING
    if is_template(run):
        return NOTHING
    if sorted_letters(run.letters) == options and len(options) > 2 and TAIL_WRONG.match(text, run.tail):
        return Reading(Kind.NONE, "", run.start, run.end)
    if (arrow := _ARROW.match(text, run.tail)) is not None:
        later = Run()
        if read_run(text, arrow.end(), options, later, stop) is Kind.LETTERS and _LINE_END.match(
            text, later.tail
        ):
            run = later
    if _stays_open(text, run):
        return Reading(Kind.UNSURE, sorted_letters(run.letters), run.start, run.end)
    unfinished = DANGLING.match(text, run.tail) or _CUT_NOTE.match(text, run.tail)
    kind = Kind.OPEN if unfinished else Kind.LETTERS
    return Reading(kind, sorted_letters(run.letters), run.start, run.end)


def _stays_open(text: str, run: Run) -> bool:
    """Whether the letters are alternatives or a question."""
    if run.unsure or _OTHER_TOO.match(text, run.tail) or _ASKS_OPENLY.match(text, run.tail):
        return True
    return run.slashes > 0 and bool(_ASKS.match(text, run.tail))


def _read_words(text: str, at: int, options: str, stop: int) -> Reading | None:
    """Phrases, and not-this-but-that; None where letters may follow."""
    if (found := _NEGATED.match(text, at)) is None:
        return read_phrase(text, at, options, stop)
    phrase = read_phrase(text, at, options, stop)
    if phrase is not None and phrase.kind is Kind.LETTERS:
        return phrase
    line_end = _sentence_end(text, found.end(), stop)
    instead = _INSTEAD.search(text, found.end(), line_end)
    if instead is None:
        return NOTHING
    return read_answer(text, instead.end(), options, stop=stop)


def _sentence_end(text: str, at: int, stop: int) -> int:
    limit = min(stop, at + 120)
    ends = [position for mark in "。！？\n" if (position := text.find(mark, at, limit)) >= 0]
    return min(ends, default=limit)
