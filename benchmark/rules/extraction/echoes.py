"""Letters echoed with their option text: "B. 保护隐私；D. 公平分配" or one item per line.

The option text may hold capitals of its own (CT, B超, 维生素C, A型血), so a letter counts only where it
heads an item in the style of the first one, in ascending order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from benchmark.rules.extraction.signs import CLOSING, INLINE, RIGHT, TERM, WRONG, Kind, Reading, Run, is_cjk

_DELIMITER = re.compile(
    rf"{CLOSING}(?P<mark>[.．、:：)）]|[—–-]+)?{CLOSING}(?P<gap>[ \t\u3000]*){INLINE}(?=[^\s、,，;；。.．])"
)
_HEADER = re.compile(
    rf"(?P<before>[\n；;，,、。！!/|)）”\"》\s]|[^\x00-\x7f])(?:[-*•●·>+]\s+)?{INLINE}[(（]?{INLINE}"
    rf"(?P<letter>[A-H])(?![A-Za-z0-9]){CLOSING}(?P<mark>[.．、:：)）]|[—–-]+)?(?P<gap>{CLOSING})(?=\S)"
)
_GLUED = re.compile(r"[素肝型级类苷酶族群抗疫期]")
_ITEM_WRONG = re.compile(
    rf"{INLINE}[(（]?(?:选?项)?(?:是|为)?\s*{WRONG}\s*(?:[，,。；;（()）\n|]|\Z)", re.IGNORECASE
)
_ITEM_RIGHT = re.compile(
    rf"{INLINE}[(（]?(?:选?项)?(?:是|为)?\s*{RIGHT}\s*(?:[，,。；;（()）\n|]|\Z)", re.IGNORECASE
)
_CLOSING_VERDICT = re.compile(
    r"[：:（(—–-]\s*(?:[✓✔√✅☑]|正确|对|应选|(?P<wrong>[×✗✘❌✖❎]|错误|错|不正确|不对|"
    r"不选))\s*[)）]?[\s。；;，,*]*(?:[A-H][.．、:：]?\s*)?$"
)
_EXPLAINS = re.compile(r"[^\n]{0,200}?(?:错误|不正确|不选|不符|因为|解析|不应选|排除)")
_SIGNED = re.compile(
    rf"{INLINE}[(（]?(?P<letter>[A-H])[)）]?(?:选?项)?\s*[:：]?\s*[(（]?\s*"
    r"(?:(?P<right>正确|对|[✓✔√✅☑])|(?P<wrong>错误?|不正确|不对|[×✗✘❌✖❎]))\s*[)）]?[\s,，;；、。|]*+"
)
_DENIED = re.compile(r"(?:选?项)?(?:不符合|不正确|错误|不选|违反|不属于|不应)")
# Words that go on about an answer instead of repeating an option.
_PREDICATE = re.compile(r"[是为属因由均都皆全符违可应不正错对两三四五六七项选等以即即与和及或也才最]")

# "- [x] A", "☐B": an item of a list of boxes, up to the next item.
_TICKED = re.compile(
    r"[\s*:：>•·-]*(?:\[(?P<sign>[ xX✓✔√])\]|(?P<box>[☐☑□✅]))[\s*]*(?:选项)?(?P<letter>[A-H])(?![A-Za-z0-9])"
    r"[^\n☐☑□✅\[]{0,120}"
)


@dataclass(frozen=True, slots=True)
class _Style:
    """How the first item joins its letter and its text; "" is no mark at all.

    `strict`: the text may go on about the letter ("B符合…"), so only a new line or semicolon begins an item.
    """

    mark: str
    spaced: bool
    strict: bool

    def fits(self, text: str, found: re.Match[str]) -> bool:
        """Whether this letter heads an item in this style and is no part of a text."""
        if _mark(found["mark"]) != self.mark:
            return False
        before = text[found.start("letter") - 1]
        if self.mark == "":
            spaced = any(character.isspace() for character in text[found.end("letter") : found.end()])
            if self.strict and (before not in "\n；;" or _DENIED.match(text, found.end())):
                return False
            return (
                before in "\n；;，,、。 \t\u3000*"
                and spaced == self.spaced
                and _begins_text(text, found.end(), spaced)
                and not TERM.match(text, found.end("letter"))
            )
        if before.isalnum() or is_cjk(before):
            # "B.某某D.某某": no separator, but not "维生素C."
            return not _GLUED.match(before) and self.mark in ".)"
        return True


def read_items(text: str, options: str, run: Run, stop: int, *, wide: bool) -> None:
    """Adds the letters of "B. text；D. text" to a run that holds the first letter only.

    `wide`: commas and full stops separate items too.
    """
    if _read_verdict_signs(text, options, run):
        return
    first = _DELIMITER.match(text, run.end)
    if first is None:
        return
    spaced = any(character.isspace() for character in text[run.end : first.end()])
    style = _Style(
        mark=_mark(first["mark"]),
        spaced=spaced,
        strict=not spaced and bool(_PREDICATE.match(text, first.end())),
    )
    if style.mark == "" and not _begins_text(text, first.end(), spaced):
        return
    starts = [first.end()]
    letters = [run.letters[0]]
    ends = [run.end]
    position = first.end()
    lines_from = text.rfind("\n", 0, run.start)
    own_line = not text[lines_from + 1 : run.start].strip(" \t*_`#>-|•(（[【")
    while (found := _HEADER.search(text, position, min(stop, position + 240))) is not None:
        gap = text[position : found.start("letter")]
        if "\n" in gap and not _goes_on(text, gap, found, own_line):
            break
        position = found.start("letter")
        narrow = not wide and found["before"] in "，,。！!"
        if narrow or not style.fits(text, found) or found["letter"] not in options:
            position += 1
            continue
        if found["letter"] <= letters[-1]:
            break
        letters.append(found["letter"])
        starts.append(found.end())
        ends.append(found.end("letter"))
        position = found.end()
    verdicts = _verdicts(text, starts, min(stop, position + 240))
    if True in verdicts:
        keep = [i for i, verdict in enumerate(verdicts) if verdict is not False]
    else:
        keep = list(range(len(letters)))
    run.letters[:] = [letters[i] for i in keep]
    run.groups[:] = run.letters
    run.end = ends[keep[-1]]
    if len(letters) > 1:
        run.tail = run.end


def read_ticked(text: str, at: int, options: str, stop: int) -> Reading | None:
    """The ticked letters of "[x] A [ ] B" at `at`; None where no such list with ticked and empty boxes stands there."""
    ticked: list[str] = []
    places: list[int] = []
    empty = 0
    while (found := _TICKED.match(text, at, stop)) is not None and found["letter"] in options:
        if (found["sign"] or found["box"]) in {" ", "☐", "□"}:
            empty += 1
        else:
            ticked.append(found["letter"])
            places.append(found.start("letter"))
        at = found.end()
    if not ticked or not empty or len(set(ticked)) != len(ticked):
        return None
    return Reading(Kind.LETTERS, "".join(sorted(ticked)), places[0], places[-1] + 1)


def _read_verdict_signs(text: str, options: str, run: Run) -> bool:
    """ "A√ B× C√" or "A（对）、B（错）": keeps what is called right; False where this is no such list."""
    verdicts: list[tuple[str, bool, int]] = []
    at = run.start
    while (
        (found := _SIGNED.match(text, at)) is not None and found["letter"] in options and len(verdicts) < 26
    ):
        verdicts.append((found["letter"], found["wrong"] is None, found.end("letter")))
        at = found.end()
    right = [verdict for verdict in verdicts if verdict[1]]
    if len(verdicts) < 2 or not right:
        return False
    run.letters[:] = [letter for letter, _, _ in right]
    run.groups[:] = run.letters
    run.end = run.tail = right[-1][2]
    return True


def _mark(mark: str | None) -> str:
    if not mark:
        return ""
    return {"．": ".", "：": ":", "）": ")", "—": "-", "–": "-"}.get(mark[0], mark[0])


def _begins_text(text: str, at: int, spaced: bool) -> bool:
    follower = text[at]
    return is_cjk(follower) or follower.isdigit() or follower in '《“"【' or (spaced and follower.isalnum())


def _goes_on(text: str, gap: str, found: re.Match[str], own_line: bool) -> bool:
    """Whether the item list continues over the line breaks in `gap`."""
    line_start = gap.rstrip(' \t*_`#>-|•●·+(（[【"“')
    if not line_start.endswith("\n"):
        return False
    middle = line_start.split("\n")[1:-1]
    if any(line.strip() for line in middle):
        return False
    return not middle or (own_line and not _EXPLAINS.match(text, found.end()))


def _verdicts(text: str, starts: list[int], stop: int) -> list[bool | None]:
    """For each item what its text says of it: right, wrong, or neither."""
    verdicts: list[bool | None] = []
    for number, start in enumerate(starts):
        if _ITEM_WRONG.match(text, start):
            verdicts.append(False)
        elif _ITEM_RIGHT.match(text, start):
            verdicts.append(True)
        else:
            line_end = text.find("\n", start, stop)
            end = starts[number + 1] if number + 1 < len(starts) else stop
            closing = _CLOSING_VERDICT.search(text[start : min(end, line_end) if line_end >= 0 else end])
            verdicts.append(None if closing is None else closing["wrong"] is None)
    return verdicts
