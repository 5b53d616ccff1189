"""Answers that stand alone: a first or last line of letters, or letters in front of a reason.

These are looked for only where no label announces anything.
"""

from __future__ import annotations

import re

from benchmark.rules.extraction.letters import read_answer
from benchmark.rules.extraction.markers import Commit, Rank
from benchmark.rules.extraction.phrases import is_phrase
from benchmark.rules.extraction.runs import after_run
from benchmark.rules.extraction.signs import CLOSING, INLINE, Kind, Reading

# Pictures around the letters that pass no judgement on them: no crosses, no empty boxes.
_DECOR = (
    "\u2190-\u21ff\u2500-\u260f\u2611\u2613-\u2715\u2719-\u274b\u274d\u274f-\u27bf\ufe0f\U0001f000-\U0001faff"
)
_CONTENT = re.compile(rf"[^\s`~*#>=:：{_DECOR}-]")
_LINE_END = re.compile(rf"{CLOSING}[吧呗啦哦哈]?[。.!！)）,，~～]{{0,3}}{CLOSING}[\s{_DECOR}]*")
_ECHO = re.compile(
    rf"{INLINE}[(（]?[A-H]{CLOSING}[.．、:：)）](?!\s*[A-H](?![A-Za-z0-9]))[^。！？\n]*[。！？]?{CLOSING}"
)
# "BE。…", "D，因为…", "BD——…", "D（…）": the letters are the answer, the rest says why.
_REASON = re.compile(
    rf"{CLOSING}(?:[两二三四五]个?选?项)?(?:[。．]|[，,；;：:]?\s*(?P<because>因为|理由|原因|由于|解析|说明)|"
    rf"(?P<loose>[，,：:]|[—–]+)){CLOSING}(?=[^\s。]|\n)"
)
_NOTED = re.compile(rf"{CLOSING}(?:选?项)?[（(](?P<text>[^()（）\n]+)[)）][。.]?{CLOSING}\s*")
# What would make the letters the head of one judgement among several.
_JUDGED = re.compile(
    r"\s*(?:选?项)?(?:说法|表述|做法)?(?:是|为)?(?:不?正确|不?对|错|不?符合|不?合[规法]|有误|[✓✔√✗×✘❌✅])"
)
_NEXT_HEAD = re.compile(
    r"(?:^|[\n。；;！!，,])[\s*#>(（-]{0,8}(?:选项)?(?P<letter>[A-H])(?![A-Za-z0-9])[)）*]{0,3}(?:选?项)?[ \t]*[。.．、:：，,]"
)
_WALKED = re.compile(
    r"^[\s*#>·•\d.-]{0,12}(?:选项)?[(（]?(?P<letter>[A-H])(?:[)）]|选?项)?[*]*[ \t]*[.．、:：—–-]",
    re.MULTILINE,
)
_ANY_LETTER = re.compile(r"(?<![A-Za-z0-9])[A-H](?![A-Za-z0-9])")


def bare_lines(text: str, options: str) -> list[Commit]:
    """The first and the last line where they hold letters only; an only line may repeat option texts."""
    lines = _outer_lines(text)
    commits: list[Commit] = []
    if len(lines) == 2 and len(text) <= 120:
        # One letter a line.
        whole = _plain_line(text, lines[0][0], lines[1][1], options, only=False)
        if whole is not None:
            return [Commit(Rank.BARE, lines[0][0], whole)]
    for start, end in lines:
        if end - start > 120:
            continue
        reading = _plain_line(text, start, end, options, only=len(lines) == 1)
        if reading is not None and start > lines[0][0] and _heads_next(text, start, reading):
            continue
        if reading is None and len(lines) == 1:
            reading = _echo_line(text, start, end, options)
        if reading is not None:
            commits.append(Commit(Rank.BARE, start, reading))
    return commits


def _heads_next(text: str, start: int, reading: Reading) -> bool:
    """Whether a last line of one letter is the head of the next option in a walk that breaks off there."""
    walked = {found["letter"] for found in _WALKED.finditer(text, max(0, start - 20_000), start)}
    return len(reading.letters) == 1 and bool(walked) and reading.letters not in walked


def _plain_line(text: str, start: int, end: int, options: str, *, only: bool) -> Reading | None:
    """A line of letters and nothing else; lower case only where it is the whole reply."""
    run = after_run(text, start, options, end, lower=only)
    if run is None or run[0].kind is not Kind.LETTERS or not _LINE_END.fullmatch(text, min(run[1], end), end):
        return None
    return run[0]


def _echo_line(text: str, start: int, end: int, options: str) -> Reading | None:
    reading = read_answer(text, start, options, stop=end, wide=True)
    if reading.kind is not Kind.LETTERS:
        return None
    whole = reading.letters == options and is_phrase(text, reading, options)
    return reading if whole or _ECHO.fullmatch(text, start, end) else None


def _outer_lines(text: str) -> list[tuple[int, int]]:
    """The first and the last line that hold more than markup; one of them where they are the same."""
    first = _CONTENT.search(text)
    if first is None:
        return []
    begin, end = first.start(), len(text.rstrip(" \t\r\n\u3000`*#>-"))
    first_end = text.find("\n", begin, end)
    if first_end < 0:
        return [(begin, end)]
    return [(begin, first_end), (text.rfind("\n", begin, end) + 1, end)]


def leading_letters(text: str, options: str) -> list[Commit]:
    """Letters that begin the reply, alone on their line or in front of a reason: one commit or none."""
    first = _CONTENT.search(text)
    if first is None:
        return []
    start = first.start()
    line_end = text.find("\n", start)
    end = len(text) if line_end < 0 else line_end
    only = not text[end:].strip(" \t\r\n\u3000`*#>-")
    reading = _plain_line(text, start, end, options, only=False) if end - start <= 120 else None
    if reading is None:
        reading = _before_reason(text, start, end, options, only=only)
    return [] if reading is None else [Commit(Rank.BARE, start, reading)]


def _before_reason(text: str, start: int, end: int, options: str, *, only: bool) -> Reading | None:
    # Behind a full stop begins the reason, whose first letter is none of the answer.
    stop = text.find("。", start, end)
    run = after_run(text, start, options, end if stop < 0 else stop)
    if run is None or run[0].kind is not Kind.LETTERS:
        return None
    reading, tail = run
    shown = text[reading.start : reading.end]
    single = len(reading.letters) == 1
    # "AED。", "CEA。" are words; "D选项：…" or a single letter above other lines heads one judgement of several.
    if shown.isascii() and shown.isalpha() and list(shown) != sorted(shown):
        return None
    if single and not only:
        return None
    noted = _NOTED.fullmatch(text, tail, end)
    if noted is not None:
        return None if _JUDGED.match(noted["text"]) or not only else reading
    reason = _REASON.match(text, tail, end)
    if reason is None or _JUDGED.match(text, reason.end()):
        return None
    if single and reason["because"] is None and "项" in text[start:tail]:
        return None
    # Letters of a list of judgements: "A。…B。…", "A，…；C，…".
    later = (found["letter"] for found in _NEXT_HEAD.finditer(text, reason.end()))
    if any(letter not in reading.letters or single for letter in later):
        return None
    if reason["loose"] and single and _ANY_LETTER.search(text, reason.end()):
        return None
    return reading
