"""Words instead of letters: all of them, none, all but some."""
from __future__ import annotations
import re
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
_EXCEPT = re.compile(rf"{MARKUP}(?:除去?了?|排除)(?:选项)?(?=[^\n。]{{0,24}}?(?:全|都|均|皆))")
_EXCEPT_TAIL = re.compile(
    rf"{CLOSING}(?:选?项)?(?:以?外|之外)?[，,]?\s*(?:其余|其他|其它|剩余|余下|剩下)?的?(?:各?选?项|"
    rf"[三四五六七]个?选?项?)?"
    r"(?:全部|全都|全|都|均|皆)(?:部|都|为|是|应|要|可)*(?!\s*(?:不|非|未|错|部错))"
)
_NEGATED = re.compile(rf"{MARKUP}(?:并?不(?:应该?)?(?:是|为|选)|并非|非(?!A)|≠|not\b)", re.IGNORECASE)
_INSTEAD = re.compile(
    r"而应?(?:该|当)?(?:是|为|选)|(?:应该?|应当)(?:是|为|选)|正确的?是|实为|but\b|instead\b", re.IGNORECASE
)


def _read_phrase(text: str, at: int, options: str, stop: int) -> Reading | None:
    """All-of, none-of, all-but and not-this-but-that phrases; None where letters may follow."""
    if (found := _NEGATED.match(text, at)) is not None:
        line_end = _sentence_end(text, found.end(), stop)
        instead = _INSTEAD.search(text, found.end(), line_end)
        if instead is None:
            return NOTHING
        return read_answer(text, instead.end(), options, stop=stop)
    if (found := _EXCEPT.match(text, at)) is not None:
        run = Run()
        if _read_run(text, found.end(), options, run, stop) is Kind.LETTERS:
            tail = _EXCEPT_TAIL.match(text, run.tail)
            rest = "".join(letter for letter in options if letter not in run.letters)
            if tail and rest:
                return Reading(Kind.LETTERS, rest, found.start(), tail.end())
        return NOTHING
    if (found := _WORD_THEN_LETTER.match(text, at)) is not None and found[1] in options:
        return Reading(Kind.LETTERS, found[1], found.start(1), found.end(1))
    if (found := _ALL.match(text, at)) is not None and not _NOT_ALL.match(text, found.end()):
        start = _first_visible(text, found.start(), found.end())
        return Reading(Kind.LETTERS, options, start, found.end()) if options else NOTHING
    if (found := _NONE.match(text, at)) is not None:
        return Reading(Kind.NONE, "", _first_visible(text, found.start(), found.end()), found.end())
    return None


def _sentence_end(text: str, at: int, stop: int) -> int:
    limit = min(stop, at + 120)
    ends = [position for mark in "。！？\n" if (position := text.find(mark, at, limit)) >= 0]
    return min(ends, default=limit)


def _first_visible(text: str, start: int, end: int) -> int:
    while start < end and not (text[start].isalnum()):
        start += 1
    return start
