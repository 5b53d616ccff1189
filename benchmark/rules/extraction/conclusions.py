"""Answers without a label: a closing sentence that says which options hold.

They are looked for only where no label announces anything, at the end of a reply (or in its only line).
"""

from __future__ import annotations

import re

from benchmark.rules.extraction.letters import read_answer
from benchmark.rules.extraction.markers import Commit, Rank
from benchmark.rules.extraction.phrases import is_phrase, read_complement
from benchmark.rules.extraction.runs import after_run
from benchmark.rules.extraction.signs import CLOSING, INLINE, Kind, Reading, is_cjk

_TAIL = 700
_SENTENCE = re.compile(r"(?:[^。！？!?\n.]|\.(?!\s))+")
_CONCLUDES = re.compile(
    r"(?:综上|因此|所以|故|总之|总的来说|总结|可见|由此|结论|最终|最后|以上|据此|综合|那就|看来|于是|因而|\b(?:therefore|thus|"
    r"hence|so|in conclusion|overall)\b)|"
    r"^[\s*#>]*(?:本题)?(?:正确|符合题意|符合要求|应选|当选|入选)的?(?:选项|说法|做法|行为|一项|项)?(?:是|为|有|包括|包含|[:：])",
    re.IGNORECASE,
)
_CONDITIONAL = re.compile(r"如果|假如|假设|倘若|(?:^|[，,；;])\s*若|\bif\b", re.IGNORECASE)
_MAYBE_RUN = re.compile(r"(?<![A-Za-z0-9])(?=[A-H])")
_BEFORE_RUN = re.compile(
    rf"(?:(?:^|[\s，,])(?:故|综上(?:所述)?|因此|所以|总之|那就|最终(?:确[定认])?|由此可[知见得])[，,]?|剩下?余?|(?<!不)(?:是|为|有|就)|包括|包含|对应|[:：]|即|\b(?:is|are|[Ii]t['’]s)\b|correct)(?:选项|仅|只有|只|以下|"
    rf"[\s]){{0,4}}{INLINE}[(（]?$"
)
_RIGHT_NOUN = re.compile(
    r"(?:的|选项|行为|情形|内容|说法|措施|做法|情况|条件|因素|答案|结论|选择|项目|原则|要求)\s*$"
)
_WRONG_SUBJECT = re.compile(r"(?:错误|不正确|排除|不选|不对|不应选)[^，,；;]{0,8}$")
_PLURAL = (
    rf"{CLOSING}(?:[两二三四五六七]个?)?(?:选?项|这[两三四五]项)?{CLOSING}(?:表述|说法|内容|做法|行为)?"
    r"(?:均|都|全部|皆|全)"
)
_ALL_RIGHT = re.compile(rf"{_PLURAL}(?:为|是|应|被)?(?:选|正确|对|成立|入选|当选|符合题意)(?!\S{{0,4}}错)")
# What several options do; whether the question asks for it, only a closing sentence shows.
_ALL_DO = re.compile(
    rf"{_PLURAL}(?:(?:为|是|应|被)?(?:符合|属|违|需|要|应|可|涉|满足|构成|合)|(?:为|是)(?![不非错误无]))(?!\S{{0,4}}错)"
)
_IS_RIGHT = re.compile(
    rf"{CLOSING}(?:[两二三四五六七]个?)?(?:选?项|这[两三四五]项)?{CLOSING}(?:是|为)?"
    r"(?:正确|符合题意|(?:应[当该]?|要|该|需要?|须)选|入选|当选|选[出上中]|(?:本题)?(?:的)?(?:正确|最终|唯一|最佳)(?:的)?(?:答案|选项)|"
    r"(?:本题)?的?答案|对的?(?=\s*(?:[了吧]?[，,。；;！!）)]|\Z))|(?:比较|更|最|较)(?:为)?(?:符合|好|合理|合适|恰当|妥当|稳妥|准确))"
)
_ONLY_BEFORE = re.compile(rf"(?:只有|仅有?|唯有|唯一[^，,；;]{{0,6}}是)(?:选项)?{INLINE}$")
_FITS = re.compile(
    rf"{CLOSING}(?:选?项)?{CLOSING}(?:是|为)?(?:正确|符合|合规|合法|成立|恰当|合理|满足|违反|违规|属于|"
    rf"不属于|不符合)"
)
_EN_RIGHT = re.compile(r"\s*(?:is|are)\s+(?:both\s+|all\s+)?(?:the\s+)?(?:correct|right|best)", re.IGNORECASE)
_ENDS = re.compile(
    rf"{CLOSING}(?:选?项)?{CLOSING}(?:[两二三四五六七]个?选?项)?{CLOSING}[吧呗啦哦哈]?(?:[（(][^()（）]*[）)])?(?:[\s，,~～.]*$|"
    rf"[；;])"
)
# "比B更合理", "不如B": the letter is what another is compared with.
_COMPARED = re.compile(
    rf"(?:(?:比|不如|优于|劣于|好于|而非|不是|请选择?[:：]?)|\b(?:[Nn]either|[Nn]or|[Nn]ot)\b[^.]{{0,20}}){INLINE}$"
)
# "B（…）正确", "选项B…应选": another option that the text calls right as well.
_RIGHT_LETTER = re.compile(
    r"(?<![A-Za-z])([A-H])(?![A-Za-z])(?:选?项)?[^A-H。；;\n]{0,40}?"
    r"(?<![不非未])(?:正确|应选|当选|对的?(?=[，,。；;）)])|[✓✔√✅☑])(?!的?(?:选项|答案)?[是为:：])"
)
# "A、B均属于…，而C不属于": which of the two the question asks for stays open.
_CONTRAST = re.compile(
    r"(?<![A-Za-z])[A-H](?![A-Za-z])[^A-H。；;\n]{0,80}?(?:不属|不是|不需|不必|无需|并非|非必|故不|唯一)"
)
_TURNS = re.compile(r"[\s*#>-]*(?:但|然而|不过|可是|然)")
_BREAKS_OFF = re.compile(r"(?:但是?|然而|不过|而|且|以及|因为|由于)[\s*]*\Z")
_TURNS_LATER = re.compile(r"[，,；;](?:但|然而|不过|可是)")
# An option looked at after the sentence: it was no conclusion.
_NEXT_OPTION = re.compile(r"[\s*#>·•\d.-]*(?:选项)?[A-H](?:选?项)?(?:[*\s]*[:：.]|\*+|、(?!\s*[A-H]))")
_OTHER_LETTER = re.compile(r"(?<![A-Za-z])[A-H](?![A-Za-z])")
_SAYS_WRONG = re.compile(r"错|不|没|未|排除|违|无关|缺乏")
# Where an all-but phrase may begin in a sentence that speaks of the others.
_OTHERS = re.compile(
    r"其[余餘他它]|剩余|余下|剩下|[以之除]外|除[^\n。]{1,24}外|\b(?:except|all but|other than)\b",
    re.IGNORECASE,
)
_MAYBE_REST = re.compile(
    r"除去?了?|排除|去掉|剔除|不选|就?只有|仅有?|唯有|唯独|选项(?=[A-H])|(?<![A-Za-z0-9])(?=[A-H](?![a-z]))|\b(?:all|everything)\b",
    re.IGNORECASE,
)
_LATER_WRONG = re.compile(r"[A-H](?:选?项)?(?:是|为|则)?(?:错|不正确|不对)")
_ENUMERATED = re.compile(
    rf"{CLOSING}(?:[两二三四五六七]个?)?(?:选?项)?(?:全部|全选|都选|全都选|全对|都对|都是|均选|"
    rf"均可)?{CLOSING}\s*"
)
_ALL_PHRASE = re.compile(
    r"除|排除|以上|上述|全选|全部(?=[选正对都均应符入]|[，,]?$)|所有(?=选项|答案|[三四五六七]|均|都|[\u4e00-\u9fff]{2}[均都皆])|[三四五六七]个?选?项|\ball\b",
    re.IGNORECASE,
)


def conclusions(text: str, options: str, start: int = 0) -> list[Commit]:
    """The last closing sentence from `start` on that commits to letters: one commit or none."""
    if _BREAKS_OFF.search(text, max(0, len(text) - 20)):
        return []
    begin = max(start, len(text) - _TAIL)
    sentences = [match for match in _SENTENCE.finditer(text, begin) if match.group().strip(" \t*_#`>-")]
    only = len(sentences) == 1 and not text[:begin].strip()
    for sentence in reversed(sentences[-2:]):
        if _CONDITIONAL.search(sentence.group()):
            continue
        concluding = only or bool(_CONCLUDES.search(sentence.group()))
        said = _sentence(text, sentence.start(), sentence.end(), options, concluding=concluding, only=only)
        if said is None:
            continue
        reading, named = said
        if not only and _goes_on(text, reading, begin, sentence.end(), named=named):
            return []
        return [Commit(Rank.CONCLUSION, sentence.start(), reading)]
    return []


def _sentence(
    text: str, start: int, end: int, options: str, *, concluding: bool, only: bool
) -> tuple[Reading, bool] | None:
    """What the sentence commits to, and whether it names it as the answer ("…的是C") rather than calls it right."""
    if _OTHERS.search(text, start, end) and ((rest := _all_but(text, start, end, options)) is not None):
        return (rest, True) if rest.kind is Kind.LETTERS and (concluding or "选" in text[start:end]) else None
    named: list[Reading] = []
    judged = False
    position = start
    while (found := _MAYBE_RUN.search(text, position, end)) is not None:
        run = after_run(text, _at_bracket(text, found.start(), start), options, end)
        if run is None:
            position = found.start() + 1
            while position < end and text[position].isascii() and text[position].isalnum():
                position += 1
            continue
        reading, tail = run
        if reading.kind is not Kind.LETTERS:
            return None
        if (
            only
            and not text[start : reading.start].strip(' \t*`#“"(（')
            and _ENUMERATED.fullmatch(text, tail, end)
            and not ("/" in text[reading.start : reading.end] and text[end : end + 1] in {"?", "？"})
        ):
            return reading, True
        position = max(tail, reading.end)
        before = text[start : reading.start]
        if _is_aside(before) or (_WRONG_SUBJECT.search(before) and not _RIGHT_NOUN.search(before)):
            continue
        several = len(reading.letters) > 1
        if (several and _ALL_RIGHT.match(text, tail, end)) or (
            concluding and _holds(text, before, tail, end, several=several)
        ):
            if not judged and not _one_by_one(text, reading, start, tail, end, only=only):
                return reading, bool(_ONLY_BEFORE.search(before))
            # "A正确，B错误" judges option by option and commits to nothing.
            judged = True
            continue
        if concluding and _BEFORE_RUN.search(before) and _ENDS.match(text[tail:end]):
            named.append(reading)
    if len(named) == 1:
        return named[0], True
    if named or judged or not concluding:
        return None
    every = _all_of(text, start, end, options)
    return None if every is None else (every, True)


def _all_of(text: str, start: int, end: int, options: str) -> Reading | None:
    """ "所有选项均正确", "除C外都对" in a sentence whose letters, if any, are all of them."""
    phrase = _ALL_PHRASE.search(text, start, end)
    if phrase is None:
        return None
    reading = read_answer(text, phrase.start(), options, stop=end)
    if reading.kind is not Kind.LETTERS or not is_phrase(text, reading, options):
        return None
    letters = {found.group() for found in _OTHER_LETTER.finditer(text, start, end)}
    if letters not in (set(), set(options)) and reading.letters == options:
        return None
    return None if _TURNS_LATER.search(text, reading.end, end) else reading


def _at_bracket(text: str, at: int, start: int) -> int:
    """The bracket in front of `at`, if one opens there."""
    return at - 1 if at > start and text[at - 1] in "(（" else at


def _is_aside(before: str) -> bool:
    """Whether the letters are compared with others, or stand in brackets that other words opened."""
    if before.endswith(("(", "（")) and not is_cjk(before[-2:-1]):
        before = before[:-1]
    opened = max(before.rfind("（"), before.rfind("("))
    closed = max(before.rfind("）"), before.rfind(")"))
    aside = opened > closed and bool(before[:opened].strip(' \t*_#`>-"“'))
    return aside or bool(_COMPARED.search(before))


def _goes_on(text: str, reading: Reading, begin: int, end: int, *, named: bool) -> bool:
    """Whether what follows the sentence takes it back, or shows it to be one step of a walk through the options."""
    if _TURNS.match(text[end:].lstrip("。.！!？? \n")[:20]) or _NEXT_OPTION.match(
        text[end:].lstrip("。.！!？?")[:40]
    ):
        return True
    if named or len(reading.letters) != 1:
        return False
    if any(found[1] not in reading.letters for found in _RIGHT_LETTER.finditer(text, begin, reading.start)):
        return True
    later = text[end:]
    return bool(_OTHER_LETTER.search(later)) and not _SAYS_WRONG.search(later)


def _one_by_one(text: str, reading: Reading, start: int, tail: int, end: int, *, only: bool) -> bool:
    """Whether the sentence judges single options in turn, so that this one is not the whole answer."""
    if len(reading.letters) != 1:
        return False
    if only and _LATER_WRONG.search(text, tail, end):
        return True
    return any(found[1] not in reading.letters for found in _RIGHT_LETTER.finditer(text, start, end))


def _all_but(text: str, start: int, end: int, options: str) -> Reading | None:
    """The first all-but phrase of a sentence; None where it has none."""
    for found in _MAYBE_REST.finditer(text, start, end):
        rest = read_complement(text, found.start(), options, end)
        if rest is not None and rest.kind in {Kind.LETTERS, Kind.UNSURE} and rest.end <= end:
            return rest
    return None


def _holds(text: str, before: str, tail: int, end: int, *, several: bool) -> bool:
    if several and (does := _ALL_DO.match(text, tail, end)):
        return not _CONTRAST.search(text, does.end())
    if _ONLY_BEFORE.search(before) and _FITS.match(text, tail, end):
        return True
    return bool(_IS_RIGHT.match(text, tail, end) or _EN_RIGHT.match(text, tail, end))
