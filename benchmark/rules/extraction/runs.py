"""Reading a run of option letters: "ABD", "A、B和D", "（A）（B）", "A-D", "B. 保护隐私；D. 公平分配".

Repetitions are possessive or bounded, so no text makes the reading worse than linear.
"""

from __future__ import annotations

import re

from benchmark.rules.extraction.echoes import read_items
from benchmark.rules.extraction.signs import CLOSING, INLINE, TERM, WRONG, Kind, Reading, Run, is_cjk

_AFFIX = re.compile(rf"{CLOSING}(?:选?项|選?項|号|號)?")
_GROUP = re.compile(rf"{INLINE}(?:第|选项|選項|选|项|[Oo]ptions?\s|[Cc]hoices?\s)?{INLINE}([A-Za-z]+)")
_LIST = r"[、&＆+＋]|[/／]{1,2}|\\(?=[A-H](?![A-Za-z]))|以及|还有|[和与及跟且並并加]|and\b|plus\b"
_WEAK = r"[,，;；.．。·・•]"
_SEPARATOR = re.compile(
    rf"{INLINE}(?:(?P<list>[,，、]?\s*(?:{_LIST}))|(?P<range>到|至|through\b|to\b|[~～〜—–−－‐‑-]+)|"
    rf"(?P<or>[,，]?\s*(?:或者?|抑或|亦或|还是|or\b)(?:是|选|为)?)"
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
    rf"[均都皆全共等这和及与以或吧呗啦哦]|正确|是正确|为正确|对|就|即可|无疑|[两二三四五]个?选?项|"
    r"[A-Ha-h](?![A-Za-z0-9])|(?:and|or|are|is|because|as|both|all|to|through)\b)"
)
_CHAIN = re.compile(rf"{CLOSING}[~～〜—–−－‐‑-]\s*[A-H](?![A-Za-z0-9])")
_LINE_ENDS = re.compile(rf"{CLOSING}[。.．,，、;；)）]?{CLOSING}(?:\Z|\n)")
TAIL_WRONG = re.compile(rf"{CLOSING}(?:选?项|号)?{CLOSING}(?:均|都|全|皆|也|是|为|属于)*+\s*{WRONG}")
_DENIED = re.compile(
    rf"{CLOSING}(?:[两三四]?个?选?项)?(?:均|都|全|皆|也|则|是|为|属于|因)*+\s*(?:[错不未无非×✗✘❌]|排除|有误)"
)
_ARTICLE = re.compile(
    r"\s+(?!(?:and|or|because|since|as|is|are|due|for|with|only|but|not|which|while|option|to|"
    r"through)\b)[a-z]"
)
# "AB不选C": the next letters are the ones left out.
_LEAVES_OUT = re.compile(rf"{CLOSING}(?:不选|排除|不含|不包括)\s*(?:选项)?[A-H]")
_LATER_LETTER = re.compile(r"[^\n。]{0,80}?(?<![A-Za-z0-9])[A-H]+(?![A-Za-z0-9])")
DANGLING = re.compile(rf"{INLINE}(?:[、/]|以及|[和与及]|and)\s*\Z")


def sorted_letters(letters: list[str] | str) -> str:
    """Sorted and unique."""
    return "".join(sorted(set(letters)))


def after_run(
    text: str, at: int, options: str, stop: int, *, lower: bool = False
) -> tuple[Reading, int] | None:
    """A plain run of letters at `at` and where the words after it begin; None where there is none.

    Its kind is UNSURE where the letters are alternatives.
    """
    run = Run()
    kind = read_run(text, at, options, run, stop, lower=lower)
    if kind is not Kind.LETTERS or is_template(run):
        return None
    kind = Kind.UNSURE if run.unsure else Kind.LETTERS
    return Reading(kind, sorted_letters(run.letters), run.start, run.end), run.tail


def read_run(
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
    if run.clause and (run.listed or len(run.groups[0]) > 1) and _DENIED.match(text, run.tail):
        letters, groups, run.end, run.tail = run.clause
        del run.letters[letters:], run.groups[groups:]
    if (
        TAIL_WRONG.match(text, run.tail)
        and not _LEAVES_OUT.match(text, run.tail)
        and _LATER_LETTER.match(text, run.tail, min(len(text), run.tail + 90))
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
        run.unsure = run.unsure or (separator["or"] is not None and set(group) != set(run.letters))
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
    if TAIL_WRONG.match(text, tail):
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
    if separator["weak"] in {"。", "；", ";"} and not _NOTE.match(text, found.end()):
        # "…和C（…）。D不符合": a sentence of its own.
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


def is_template(run: Run) -> bool:
    """ "AB / BCE / CD": the same letter in several alternatives, which is the instruction and no answer."""
    return run.slashes >= 2 and len(run.letters) != len(set(run.letters))
