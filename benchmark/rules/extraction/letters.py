"""Reading what stands where an answer is announced: a set of letters, all of them, none, or nothing.

`read_answer` looks at one place only. Where such places are is the business of `markers` and `conclusions`.
Repetitions are possessive or bounded, so no text makes the reading worse than linear.
"""

from __future__ import annotations

import re

from benchmark.rules.extraction.echoes import read_items
from benchmark.rules.extraction.signs import (
    CLOSING,
    INLINE,
    MARKUP,
    NOTHING,
    TERM,
    WRONG,
    Kind,
    Reading,
    Run,
    is_cjk,
)

_AFFIX = re.compile(rf"{CLOSING}(?:选?项|選?項|号|號)?")
_GROUP = re.compile(rf"{INLINE}(?:第|选项|選項|选|项|[Oo]ptions?\s|[Cc]hoices?\s)?{INLINE}([A-Za-z]+)")
_LIST = r"[、/／&＆+＋]|以及|还有|[和与及跟且並并]|and\b|plus\b"
_WEAK = r"[,，;；.．。·・•]"
_SEPARATOR = re.compile(
    rf"{INLINE}(?:(?P<list>[,，、]?\s*(?:{_LIST}))|(?P<range>到|至|through\b|to\b|[~～〜—–−－‐‑-]+)|"
    rf"(?P<or>或者?|or\b)"
    rf"|(?P<weak>{_WEAK}))?+(?P<gap>\s*+)(?:[-*•●·>+](?=\s))?{INLINE}"
)
# "(AB)", "（A、B）": brackets that hold letters only.
_BRACKETED = re.compile(r"\s*[(（]\s*(?=[A-Za-z][A-Za-z\s、,，/和及与]{0,30}[)）])")
_CLOSE_BRACKET = re.compile(r"\s*[)）]")
_NOTE = re.compile(r"\s*[(（]((?:[^()（）\n]|[(（][^()（）\n]{0,60}[)）]){1,160}+)[)）]")
_NOTE_WRONG = re.compile(rf"\s*{WRONG}\s*(?:[，,。；;：:]|\Z)", re.IGNORECASE)
# "C5名": a letter and an option text that begins with a number.
_AMOUNT = re.compile(r"[0-9]{1,4}[\u4e00-\u9fff%]")
_CONTINUES = re.compile(
    rf"(?:选?项|選?項)?{CLOSING}(?:\Z|[\n。.．；;！!?？,，、)）…:：—/／&+<\\]|"
    rf"[均都皆全共等这和及与以或]|正确|是正确|为正确|对|"
    r"[A-Ha-h](?![A-Za-z0-9])|(?:and|or|are|is|because|as|both|all|to|through)\b)"
)
_CHAIN = re.compile(rf"{CLOSING}[~～〜—–−－‐‑-]\s*[A-H](?![A-Za-z0-9])")
_LINE_ENDS = re.compile(rf"{CLOSING}[。.．,，、;；)）]?{CLOSING}(?:\Z|\n)")
_TAIL_WRONG = re.compile(rf"{CLOSING}(?:选?项|号)?{CLOSING}(?:均|都|全|皆|也|是|为|属于)*+\s*{WRONG}")
_DENIED = re.compile(
    rf"{CLOSING}(?:[两三四]?个?选?项)?(?:均|都|全|皆|也|则|是|为|属于|因)*+\s*(?:[错不未无非×✗✘❌]|排除|有误)"
)
_ARTICLE = re.compile(
    r"\s+(?!(?:and|or|because|since|as|is|are|due|for|with|only|but|not|which|while|option|to|"
    r"through)\b)[a-z]"
)
_LATER_LETTER = re.compile(r"[^\n。]{0,80}?(?<![A-Za-z0-9])[A-H]+(?![A-Za-z0-9])")
_DANGLING = re.compile(rf"{INLINE}(?:[、/]|以及|[和与及]|and)\s*\Z")
_TIGHT_END = re.compile(rf"{CLOSING}(?:\Z|[\n。.．；;，,！!)）<\\])")

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


def sorted_letters(letters: list[str] | str) -> str:
    """Sorted and unique."""
    return "".join(sorted(set(letters)))


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
        phrase = _read_phrase(text, at, options, stop)
        if phrase is not None:
            return phrase
    run = Run()
    problem = _read_run(text, at, options, run, stop, lower=label, items=label, wide=wide)
    if problem is not Kind.LETTERS:
        return Reading(problem, "", run.start, run.end) if problem is Kind.FOREIGN else NOTHING
    if tight and not _TIGHT_END.match(text, run.tail):
        return NOTHING
    if _is_template(run):
        return NOTHING
    if sorted_letters(run.letters) == options and len(options) > 2 and _TAIL_WRONG.match(text, run.tail):
        return Reading(Kind.NONE, "", run.start, run.end)
    return Reading(
        Kind.UNSURE if run.unsure else Kind.OPEN if _DANGLING.match(text, run.tail) else Kind.LETTERS,
        sorted_letters(run.letters),
        run.start,
        run.end,
    )


def after_run(
    text: str, at: int, options: str, stop: int, *, lower: bool = False
) -> tuple[Reading, int] | None:
    """A plain run of letters at `at` and where the words after it begin; None where there is none."""
    run = Run()
    kind = _read_run(text, at, options, run, stop, lower=lower)
    if kind is not Kind.LETTERS or run.unsure or _is_template(run):
        return None
    return Reading(Kind.LETTERS, sorted_letters(run.letters), run.start, run.end), run.tail


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


def _read_run(
    text: str,
    at: int,
    options: str,
    run: Run,
    stop: int,
    *,
    lower: bool = False,
    items: bool = False,
    wide: bool = False,
) -> Kind:
    """Collects letters into `run`; LETTERS, FOREIGN or NOTHING."""
    bracket = _BRACKETED.match(text, at)
    found = _GROUP.match(text, bracket.end() if bracket else at)
    if found is None:
        return Kind.NOTHING
    kind, group = _check_group(text, found, options, lower=lower)
    if kind is Kind.FOREIGN:
        run.start, run.end = found.span(1)
    if kind is not Kind.LETTERS:
        return kind
    run.add(group, found.start(1), found.end(1), _tail_of(text, found.end(1)))
    run.lower = found[1].islower()
    if text[found.start(1) - 1 : found.start(1)] in {"(", "（"} and (
        close := _CLOSE_BRACKET.match(text, run.tail)
    ):
        run.tail = close.end()
    foreign = _extend(text, options, run, stop)
    if foreign:
        return Kind.FOREIGN
    if items and len(run.letters) == 1:
        read_items(text, options, run, stop, wide=wide)
    if run.clause and run.listed and _DENIED.match(text, run.tail):
        letters, groups, run.end, run.tail = run.clause
        del run.letters[letters:], run.groups[groups:]
    if _TAIL_WRONG.match(text, run.tail) and _LATER_LETTER.match(
        text, run.tail, min(len(text), run.tail + 90)
    ):
        return Kind.NOTHING
    return Kind.LETTERS


def _extend(text: str, options: str, run: Run, stop: int) -> bool:
    """Adds the groups after the first. True: a letter that is not offered stands in the list."""
    while run.tail < stop:
        separator = _SEPARATOR.match(text, run.tail)
        assert separator is not None
        start, brackets = separator.end(), False
        if (bracket := _BRACKETED.match(text, start)) is not None:
            start, brackets = bracket.end(), True
        elif (note := _NOTE.match(text, run.tail)) is not None:
            if not _continue_after_note(text, options, run, note):
                return False
            continue
        found = _GROUP.match(text, start)
        if found is None or found.end() > stop:
            return False
        kind, group = _check_group(text, found, options, lower=run.lower)
        strong = separator["list"] is not None or brackets
        if kind is Kind.FOREIGN and strong and _CONTINUES.match(text, found.end(1)):
            return True
        if kind is not Kind.LETTERS or not _may_follow(text, separator, found, run, strong):
            return False
        chained = run.chain or bool(_CHAIN.match(text, found.end(1)))
        run.chain = separator["range"] is not None
        if (
            separator["range"]
            and not chained
            and len(run.groups[-1]) == len(group) == 1
            and group > run.groups[-1]
        ):
            first = run.groups[-1]
            group = "".join(letter for letter in options if first < letter <= group)
        if separator["weak"]:
            run.clause = (len(run.letters), len(run.groups), run.end, run.tail)
        run.listed = run.listed or "、" in (separator["list"] or "") or separator["weak"] in {"。", "；", ";"}
        run.unsure = run.unsure or separator["or"] is not None
        run.slashes += (separator["list"] or "").strip() in {"/", "／"}
        run.add(group, found.start(1), found.end(1), _tail_of(text, found.end(1)))
        if brackets and (close := _CLOSE_BRACKET.match(text, run.tail)):
            run.tail = close.end()
    return False


def _may_follow(text: str, separator: re.Match[str], found: re.Match[str], run: Run, strong: bool) -> bool:
    """Whether the group belongs to the list and is not the subject of the next clause or line."""
    end = found.end(1)
    gap = separator["gap"]
    if "\n" in gap:
        if "boxed" in text[run.end : found.start(1)]:
            return False
        return (
            gap.count("\n") <= 2
            and len(run.groups[-1]) == len(found[1]) == 1
            and bool(_LINE_ENDS.match(text, end))
        )
    if strong or separator["or"]:
        return True
    if separator["weak"] in {".", "．"}:
        # "B. A型血" is an item with its text, "A. B. D" a list.
        return len(found[1]) == 1 and bool(re.compile(rf"{CLOSING}(?:[.．。]|\Z|\n)").match(text, end))
    tail = _tail_of(text, end)
    if _TAIL_WRONG.match(text, tail):
        return False
    if separator["range"]:
        return not is_cjk(text[tail : tail + 1]) or bool(_CONTINUES.match(text, end)) or len(found[1]) == 1
    return bool(_CONTINUES.match(text, end))


def _continue_after_note(text: str, options: str, run: Run, note: re.Match[str]) -> bool:
    """Steps over "（…）" between two letters of a list; a verdict in it counts. False: the list ends here."""
    separator = _SEPARATOR.match(text, note.end())
    assert separator is not None
    found = _GROUP.match(text, separator.end())
    linked = separator["list"] or separator["weak"] or separator["gap"]
    if found is None or not linked or len(run.groups[-1]) != 1:
        return False
    kind, group = _check_group(text, found, options, lower=False)
    if kind is not Kind.LETTERS or len(group) != 1 or group <= run.groups[-1]:
        return False
    after = _NOTE.match(text, found.end())
    if after is None and not _CONTINUES.match(text, found.end()):
        return False
    verdicts = [bool(_NOTE_WRONG.match(note[1]))]
    if verdicts[0] and run.letters:
        run.letters.pop()
    if after is None or not _NOTE_WRONG.match(after[1]):
        run.letters.append(group)
        run.end = found.end(1)
    run.groups.append(group)
    run.tail = found.end(1)
    return True


def _check_group(text: str, found: re.Match[str], options: str, *, lower: bool) -> tuple[Kind, str]:
    """Whether this group of Latin letters is a set of options: the letters, or why not."""
    group, end = found[1], found.end(1)
    follower = text[end : end + 1]
    if follower.isalnum() and not is_cjk(follower) and not (len(group) == 1 and _AMOUNT.match(text, end)):
        return Kind.NOTHING, ""
    if group.islower():
        if not lower or len(set(group)) != len(group) or not _CONTINUES.match(text, end):
            return Kind.NOTHING, ""
        group = group.upper()
    if not group.isupper() or len(group) > 12:
        return Kind.NOTHING, ""
    if (len(group) == 1 or group == "AB") and TERM.match(text, end):
        return Kind.NOTHING, ""
    if (len(group) > 1 or group in "AI") and _ARTICLE.match(text, end):
        return Kind.NOTHING, ""
    if is_cjk(follower) and list(group) != sorted(group) and not _CONTINUES.match(text, end):
        # AED设备, CEA检测
        return Kind.NOTHING, ""
    if all(letter in options for letter in group):
        return Kind.LETTERS, group
    ends = follower == "" or not (is_cjk(follower) or follower.isalnum())
    if ends and (len(group) == 1 or max(group) <= "H"):
        return Kind.FOREIGN, ""
    return Kind.NOTHING, ""


def _tail_of(text: str, end: int) -> int:
    affix = _AFFIX.match(text, end)
    return affix.end() if affix else end


def _is_template(run: Run) -> bool:
    """ "AB / BCE / CD": the same letter in several alternatives, which is the instruction and no answer."""
    return run.slashes >= 2 and len(run.letters) != len(set(run.letters))


def _sentence_end(text: str, at: int, stop: int) -> int:
    limit = min(stop, at + 120)
    ends = [position for mark in "。！？\n" if (position := text.find(mark, at, limit)) >= 0]
    return min(ends, default=limit)


def _first_visible(text: str, start: int, end: int) -> int:
    while start < end and not (text[start].isalnum()):
        start += 1
    return start
