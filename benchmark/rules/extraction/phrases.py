"""Words that stand for letters: all of them, none of them, and all but some.

Repetitions are possessive or bounded, so no text makes the reading worse than linear.
"""

from __future__ import annotations

import re

from benchmark.rules.extraction.runs import read_run
from benchmark.rules.extraction.signs import CLOSING, MARKUP, NOTHING, WRONG, Kind, Reading, Run

_ALL = re.compile(
    rf"{MARKUP}[（(]?(?:(?:以上|上述|这|所列|本题)?(?:[二两三四五六七八2-8][个項项条种]|全部|所有|各|"
    rf"的|选项|選項|项|答案|内容|情形|行为|"
    r"说法|措施|做法|因素|条件|情况|表述|描述){0,4}(?:全部|全都|全|都|均|皆)(?:应?选|正确|对|是|为|属|"
    r"应|符合|成立|可|需|要|违|涉|包|"
    r"满足|合|适用|入选)|(?:以上|上述)(?:全部|所有)|全选|全對|全对|全部(?:选项)?|所有(?:选项|答案|项)|"
    r"all\s+of\s+the\s+above|all\s+(?:the\s+)?options|"
    r"all\s+(?:are\s+)?correct)",
    re.IGNORECASE,
)
_NOT_ALL = re.compile(r"[^\n。，,；;]{0,6}?(?:不|非|未|没|無|无|错|误|wrong|incorrect)")
_NONE = re.compile(
    rf"{MARKUP}[（(]?\s*(?:无|無|没有|沒有|均不|都不|皆不|全不|全错|不存在|未|空|暂无|略|不确定|不选|"
    rf"不唯一|难以|无法|"
    r"(?:以上|上述|所有|全部|四个|五个|[四五]项)[^\n。，,；;]{0,8}?(?:不|非|错)|none\b|n/a\b|null\b|"
    r"nil\b|not?\s+(?:correct|option))",
    re.IGNORECASE,
)
# "错误（B）": the option text first.
_WORD_THEN_LETTER = re.compile(
    rf"{MARKUP}(?:正确|错误|不正确|合法|不合法|对|错|是|否)\s*[（(]\s*([A-H])\s*[)）]"
)

# ---- all but some -----------------------------------------------------------------------------------------

_REST = (
    r"(?:其[余餘他它]|剩余|余下|剩下)的?(?:各|所有|全部)?(?:[二两三四五六七八2-8]个?)?"
    r"(?:选?项|選項|几个(?:选项)?|几项|答案)?"
)
_SURELY = r"(?:则|就|也|应该?|应当|全部|全都|全|都|均|皆|是|为|要|可以?|被|算|\s){0,5}"
_HOLDS = rf"{_SURELY}(?:正确|對|对(?![于照应])|入选|当选|应?选(?!项)|成立|符合题意)"
_NOT_ABOUT_ALL = r"(?!\s*(?:不|非|未|错|部错))"
_EVERY = rf"(?:全部|全都|全|都|均|皆)(?:部|都|为|是|应|要|可)*{_NOT_ABOUT_ALL}"
_END = r"(?=[*_`\s。.，,；;!！）)】\]]|\Z)"
# "除…", "不选…": what follows is left out.
_EXCEPT = re.compile(rf"{MARKUP}(?P<word>除去?了?|排除|去掉|剔除|不选|不含)(?:选项)?")
_EXCEPT_TAIL = re.compile(
    rf"{CLOSING}(?:选?项)?(?:以?外|之外)?[，,]?\s*(?:{_REST})?的?(?:各?选?项|[三四五六七]个?选?项?)?{_EVERY}"
)
_REST_TAIL = re.compile(
    rf"{CLOSING}(?:选?项)?(?P<out>以?外|之外)?[，,；;]?\s*(?:而|但)?(?:{_REST}{_HOLDS}|(?:应?选择?|保留){_REST})"
)
_OUT_TAIL = re.compile(
    rf"{CLOSING}(?:选?项)?(?:以外|之外|外|除外)[，,]?\s*的?(?:{_REST}|(?:所有|全部)(?:的)?(?:选?项)?|各?选项){_END}"
)
# "C以外…", "E错误，其余…": the letters first.
_OTHERS_HINT = re.compile(
    r"其[余餘他它]|剩余|余下|剩下|[以之除]外|[除排剔去不]|\b(?:except|but|other than|excluding)\b",
    re.IGNORECASE,
)
_ONLY = re.compile(rf"{MARKUP}(?:(?:就)?(?:只有|仅有?|唯有|唯独|单单))?(?:选项)?")
_LEFT_OUT = re.compile(rf"{CLOSING}(?:选?项)?(?:以外|之外|除外)[，,]?\s*(?:{_REST})?的?{_EVERY}")
_DENIED = re.compile(
    rf"{CLOSING}(?:选?项)?(?:两项|[二两三四五]个)?(?:均|都|全|皆|也|则|应|是|为|属于|说法|表述|做法|不入选|\s)*+"
    rf"(?:{WRONG}|不入选|不应当选|不该选|不合题意|(?P<soft>不符合?|不合|违反|违规|违法)[^\n。，,；;]{{0,10}})"
    r"(?:的|选项|项|应?排除|[，,]?故?不选){0,2}[)）]?[，,；;。\s]{0,3}(?:而|但|因此|所以|故)?(?P<rest>其[余餘他它]|剩余|余下|剩下)"
)
_REST_HOLDS = re.compile(rf"{_REST}{_HOLDS}(?!\S{{0,4}}错)")
_BUT_ALSO = re.compile(
    rf"{CLOSING}[（(，,、\s]*(?:但|但是)?(?P<word>除去?了?|不包括|不含|排除|except(?:\s+for)?\b|but\b(?:\s+not\b)?)"
    r"(?:选项|\s+options?)?",
    re.IGNORECASE,
)
_ALL_BUT = re.compile(
    rf"{MARKUP}(?:all|everything|every\s+option)(?:\s+of\s+(?:the\s+above|them|the\s+options)|(?:\s+the)?"
    r"(?:\s+other)?\s+options)?,?\s+(?:except|but|other\s+than|excluding)(?:\s+for)?(?:\s+options?)?(?=\s)",
    re.IGNORECASE,
)


def read_phrase(text: str, at: int, options: str, stop: int) -> Reading | None:
    """All-of, none-of and all-but phrases at `at`; None where letters may follow."""
    rest = read_complement(text, at, options, stop)
    if rest is not None:
        return rest
    if (found := _WORD_THEN_LETTER.match(text, at)) is not None and found[1] in options:
        return Reading(Kind.LETTERS, found[1], found.start(1), found.end(1))
    if (found := _ALL.match(text, at)) is not None and not _NOT_ALL.match(text, found.end()):
        if (but := _BUT_ALSO.match(text, found.end())) is not None:
            return _all_but(text, but.end(), options, found.start(), stop) or NOTHING
        start = _first_visible(text, found.start(), found.end())
        return Reading(Kind.LETTERS, options, start, found.end()) if options else NOTHING
    if (found := _NONE.match(text, at)) is not None:
        return Reading(Kind.NONE, "", _first_visible(text, found.start(), found.end()), found.end())
    return None


def is_phrase(text: str, reading: Reading, options: str) -> bool:
    """Whether words (全选, all of the above) and no letters stand for the answer."""
    first, second = text[reading.start], text[reading.start + 1 : reading.start + 2]
    return first not in options or (second.isascii() and second.islower())


def read_complement(text: str, at: int, options: str, stop: int) -> Reading | None:
    """ "除C外都对", "E错误，其余正确", "all but C" at `at`; None where nothing of the kind stands there.

    UNSURE where some letters are said to be wrong and the rest is not said to be right.
    """
    if not _OTHERS_HINT.search(text, at, min(stop, at + 80)):
        return None
    if (found := _ALL_BUT.match(text, at)) is not None:
        return _all_but(text, found.end(), options, found.start(), stop) or NOTHING
    if (found := _EXCEPT.match(text, at)) is not None:
        run = Run()
        if read_run(text, found.end(), options, run, stop) is Kind.LETTERS:
            tail = _REST_TAIL.match(text, run.tail)
            if tail is None and found["word"] not in {"不选", "不含"}:
                tail = _EXCEPT_TAIL.match(text, run.tail) or _OUT_TAIL.match(text, run.tail)
            if tail is not None:
                return _without(options, run, found.start(), tail.end())
        # "不选C" and "不选" are no-option phrases of their own.
        return None if found["word"] in {"不选", "不含"} else NOTHING
    only = _ONLY.match(text, at)
    assert only is not None
    run = Run()
    if read_run(text, only.end(), options, run, stop) is not Kind.LETTERS:
        return None
    tail = _LEFT_OUT.match(text, run.tail) or _OUT_TAIL.match(text, run.tail)
    if tail is not None:
        return _without(options, run, run.start, tail.end())
    denied = _DENIED.match(text, run.tail)
    if denied is None:
        return None
    holds = _REST_HOLDS.match(text, denied.start("rest"))
    if holds is None:
        return Reading(Kind.UNSURE, "", run.start, denied.end())
    return _without(options, run, run.start, holds.end())


def _all_but(text: str, at: int, options: str, start: int, stop: int) -> Reading | None:
    run = Run()
    if read_run(text, at, options, run, stop) is not Kind.LETTERS:
        return None
    return _without(options, run, _first_visible(text, start, at), run.end)


def _without(options: str, run: Run, start: int, end: int) -> Reading:
    """The offered letters that `run` does not hold."""
    rest = "".join(letter for letter in options if letter not in run.letters)
    return Reading(Kind.LETTERS, rest, start, end) if rest and not run.unsure else NOTHING


def _first_visible(text: str, start: int, end: int) -> int:
    while start < end and not (text[start].isalnum()):
        start += 1
    return start
