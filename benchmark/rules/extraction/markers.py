"""Where a reply announces its answer: labels (最终答案, 答案, Answer, \\boxed) and picks (故选, 应选).

Each finder walks its key word from the start, so the work is linear; what a key word means is decided by the
few characters around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from benchmark.rules.extraction.echoes import read_ticked
from benchmark.rules.extraction.letters import read_answer
from benchmark.rules.extraction.signs import LATEX, NOTHING, TAG, Kind, Reading

ZONE = 1500
"""How far after a label an answer (with echoed option texts) may reach, in characters."""


class Rank(IntEnum):
    """How binding an announcement is; the lower, the more."""

    FINAL = 1  # 最终答案, final answer, \boxed, <answer>
    LABEL = 2  # 答案：, 正确选项为, Answer:
    PICK = 3  # 故选, 应选, I choose
    CONCLUSION = 4  # 综上，A、B正确
    BARE = 5  # a line with letters only


@dataclass(frozen=True, slots=True)
class Commit:
    """One announced answer: how binding, where its announcement begins, and what it says."""

    rank: Rank
    at: int
    reading: Reading


_EMOJI = "\u2190-\u23ff\u2500-\u2716\u2718-\u274b\u274d\u274f-\u2bff\U0001f000-\U0001faff"
_SIGNS = rf"{LATEX}|{TAG}|[\s*•·_`~#\"“”'‘’「」『』【】〔〕〖〗\[\]{{}}<>《》〈〉|$:：︰∶=＝.…—–\-{_EMOJI}]"
_WORDS = (
    "应该|应当|应|该|就|即|可能|可以|可|仍然|仍|依然|还|必须|则|确定|分别|无疑|显然|明显|肯定|当然|毫无疑问|大概|似乎|觉得|仅|只|是|为|選擇|选择|選項|选项|選|选|包括|包含|包|有|如下|所示|填|"
    "编号|组合|序号|字母|题|本|正确|所|以下|下列|依次|我|认为|的|故|因此|所以|综上所述|综上|确认|更正|修正|更新|最终|涵盖|含|"
    r"is\b|are\b|was\b|were\b|(?:should|would|will|must|to)(?:\s+be)?\b|options?\b|choices?\b|"
    r"letters?\b|the\b|therefore\b|following\b|"
    r"correct\b|\(s\)|s\b|to\b|this\b|question\b|final\b|both\b|only\b|all\s+of\b(?!\s+the)|ones?\b"
)
_LINKS = re.compile(rf"(?:{_SIGNS}|{_WORDS})*+", re.IGNORECASE)
_STRONG_LINK = re.compile(
    r"[:：︰∶=＝】\]}>|→⇒]|是|为|如下|选|選|包|应|有|填|[\"”]\s*:|\b(?:is|are)\b", re.IGNORECASE
)
_NOTE_AFTER = re.compile(r"[(（][^()（）\n]{0,40}[)）]")
# "最终答案：错误的是C": the question asked for the wrong one.
_ASKED_FOR = re.compile(
    r"(?:本题)?(?:错误|不正确|不恰当|不合适|有误)的?(?:选项|说法|做法|行为|描述|表述|一项|项)?(?:是|为|有|包括|[:：])[\s*]*(?=[A-H])"
)
_AFTER_KEY = re.compile(r"[】\]）)*_\s]*")
_OPENING = re.compile(r"(?:[(（]|\\[(\[])\s*")

_KEY = re.compile(
    r"答案|(?<![\u4e00-\u9fff])答(?=[:：])|正确选项|正確選項|正确的选项|所选选项|入选选项|"
    r"(?:我的|最终的?|最后的?)(?:最终|最后)?(?:选择|选项)|\\(?:boxed|fbox)|<\|begin_of_box(?=\|>)|"
    r"[Aa]nswer|ANSWER|(?:[Cc]orrect|CORRECT) (?:option|choice|OPTION|CHOICE)"
)
_FINAL_BEFORE = re.compile(rf"(?:最终|最終|最后|终极|[Ff]inal|FINAL)(?:的|确定的|[\s*_~]|{TAG})*[\"_\s-]*$")
_TAG_BEFORE = re.compile(r"<\s*(?:final[_ -]?)?$", re.IGNORECASE)
_JSON_BEFORE = re.compile(r"[\"']\s*(?:final[_ -]?|correct[_ -]?|最终)?$", re.IGNORECASE)
# Labels of something else than the answer of this reply.
_OTHER_BEFORE = re.compile(
    r"(?:错误|错的|不正确|非正确|干扰|示例|范例|例题|示范|备选|候选|上一?题|上题|原|旧|之前的?|"
    r"此前的?|先前的?|不是|并非|没有|</|"
    r"wrong|incorrect|sample|example|previous|not the|no)(?:的|之|[\s*_:：\"“]|正确|选项|final)*$",
    re.IGNORECASE,
)
_TENTATIVE_BEFORE = re.compile(
    r"(?:初步|暂定|初始|直觉|猜测|可能|(?:原|本|曾|最初|起初|原先|原本|一开始|先)以?认?为|preliminary|"
    r"initial|tentative)的?(?:判断|选择|正确|[\s*_])*$",
    re.IGNORECASE,
)
_CONDITIONAL_BEFORE = re.compile(
    r"(?:如果|若|假如|假设|倘若|如题|有人|有(?:的|些)?(?:同学|考生|人)|[很许]多人|不少人|别人|\bif\b|注[:：])"
    r"(?:(?!但|然而|不过|其实|我认为|我选)[^\n。！？]){0,60}$",
    re.IGNORECASE,
)
_LINE_START = re.compile(
    rf"(?:[\s*_`~#\"“”'‘’「」『』【\[{{(（<>|>+—–\-\d.、)）{_EMOJI}]|\\[a-z]+|"
    rf"第?[一二三四五六七八九十]+[、.]|最终|最后|正确|标准|参考|本题|"
    r"我|的|选择|[Tt]he|[Ff]inal|FINAL|[Cc]orrect|[Mm]y|[Bb]est)*+"
)
_TABLE_RULE = re.compile(r"\s*\|?[\s:|-]*-[\s:|-]*")


def labels(text: str, options: str) -> list[Commit]:
    """Every label that announces something, in order of place."""
    commits: list[Commit] = []
    keys = list(_KEY.finditer(text))
    reach = 0
    for number, key in enumerate(keys):
        if key.start() < reach:
            continue
        # A box right behind a label or another box belongs to one list of letters.
        ahead = (
            other.start() for other in keys[number + 1 : number + 9] if not other.group().startswith("\\")
        )
        stop = min(next(ahead, len(text)), key.end() + ZONE)
        found, reach = _label(text, key, options, stop)
        commits += found
    return commits


def _label(text: str, key: re.Match[str], options: str, stop: int) -> tuple[list[Commit], int]:
    """What one label announces, and how far it was read."""
    line = text.rfind("\n", max(0, key.start() - 200), key.start()) + 1 or max(0, key.start() - 200)
    before = text[max(line, key.start() - 40) : key.start()]
    rank = _rank(key, before)
    if rank is None:
        return [], key.end()
    if (
        "|" in text[key.start() : key.start() + 200]
        and (cells := _table_cells(text, line, key, stop)) is not None
    ):
        readings = [read_answer(text, start, options, stop=end) for start, end in cells]
        reach = max((reading.end for reading in readings), default=0)
    else:
        own_line = _LINE_START.match(text, line, key.start()).end() == key.start()  # type: ignore[union-attr]
        # "（最终答案）BD": the bracket around the label is no bracket around a note.
        closed = text[key.end() : key.end() + 1] in {")", "）"} and ("(" in before or "（" in before)
        reading, reach = _after_label(
            text, key.end() + closed, options, stop, own_line=own_line, final=rank is Rank.FINAL
        )
        readings = [reading]
    commits = [Commit(rank, key.start(), reading) for reading in readings if reading.kind is not Kind.NOTHING]
    if commits and _CONDITIONAL_BEFORE.search(text, max(0, key.start() - 70), key.start()):
        return [], key.end()
    return commits, reach


def _rank(key: re.Match[str], before: str) -> Rank | None:
    """How binding this label is; None where it labels something else."""
    word = key.group()
    if word.startswith(("\\", "<|")):
        return Rank.FINAL
    if _OTHER_BEFORE.search(before):
        return None
    if _FINAL_BEFORE.search(before):
        return Rank.FINAL
    if word.lower() == "answer" and (_TAG_BEFORE.search(before) or _JSON_BEFORE.search(before)):
        return Rank.FINAL
    if _TENTATIVE_BEFORE.search(before):
        return Rank.BARE
    return Rank.LABEL


def _after_label(
    text: str, at: int, options: str, stop: int, *, own_line: bool, final: bool
) -> tuple[Reading, int]:
    """What stands behind a label that ends at `at`, and how far it was read."""
    if (ticked := read_ticked(text, _AFTER_KEY.match(text, at).end(), options, stop)) is not None:  # type: ignore[union-attr]
        return ticked, ticked.end
    links = _LINKS.match(text, at, stop)
    assert links is not None
    linked = bool(_STRONG_LINK.search(text, at, links.end()))
    if "\n" in links.group() and not (linked or own_line):
        return NOTHING, links.end()
    note = _NOTE_AFTER.match(text, links.end())
    opening = _OPENING.match(text, links.end())
    start = opening.end() if opening else links.end()
    tight = not (linked or own_line or opening)
    asked = _ASKED_FOR.match(text, start) if final else None
    if asked is not None:
        start = asked.end()
    reading = read_answer(text, start, options, stop=stop, wide=own_line, tight=tight)
    if reading.kind is Kind.NOTHING and note is not None:
        links = _LINKS.match(text, note.end(), stop)
        assert links is not None
        reading = read_answer(text, links.end(), options, stop=stop, wide=own_line)
    return reading, max(links.end(), reading.end)


def _table_cells(text: str, line: int, key: re.Match[str], stop: int) -> list[tuple[int, int]] | None:
    """The cells below a label in the head of a Markdown table; None where it is in none."""
    line_end = text.find("\n", key.end())
    if line_end < 0 or "|" not in text[line:line_end]:
        return None
    rule = _TABLE_RULE.fullmatch(text, line_end + 1, _end_of_line(text, line_end + 1))
    if rule is None or "-" not in rule.group() or "|" not in rule.group():
        return None
    column = text.count("|", line, key.start())
    cells: list[tuple[int, int]] = []
    at = rule.end() + 1
    while at < stop:
        end = _end_of_line(text, at)
        if "|" not in text[at:end]:
            break
        start = at
        for _ in range(column):
            start = text.find("|", start, end) + 1
            if start == 0:
                return cells
        cell_end = text.find("|", start, end)
        cells.append((start, cell_end if cell_end >= 0 else end))
        at = end + 1
        if len(cells) >= 50:
            break
    return cells


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


# ---- picks ------------------------------------------------------------------------------------------------

_PICK = re.compile(
    r"(?:选择了?|選擇|选出|选定|选取|选[上中了](?=[^\u4e00-\u9fff])|选|選)(?![项項举擇择手民拔用自])|"
    r"\bI(?:'d| would|'ll| will)? (?:choose|select|pick|go with|opt for)\b|"
    r"(?:(?<=\n)|(?<=\. )|\A)(?:Choose|Select|Pick)\b"
)
_PICK_BEFORE = re.compile(
    r"(?:故|因此|所以|应该?|应当|[本此该这](?:道|个)?题|[单多]选题?|可|最[终后]|综上所?述?|则|于是|因而|我们?|须|必|必须|只|仅|能|该|得|中|里|"
    r"会|就|要|改|还是|那么?|直接|肯定|当然|显然|明显|无疑|疑问|果断|决定|[确选]定|倾向于?|觉得|认为|建议|推荐|打算|大概|单|多|"
    r"先|暂|勾|圈|想|本来?|[\s，,。；;：:、*（(…—]|^)$"
)
_NOT_PICKED = re.compile(
    r"(?:不|勿|未|无需|若|如果|如|假如|没|别|误|错|漏|少|(?<!最)多)(?:应该?|当|该|能|可以?|会|要|再|只|仅|需|"
    r"宜|有|想|肯定|建议|推荐|打算|倾向于?)*$"
)
# "22至45岁（排除A，选C）；…": a remark on one step.
_IN_BRACKETS = re.compile(r"[^\\s（(】][（(][^()（）\\n]*$")
# "选A是错误的", "选A的话…": a choice that is turned down or only thought of.
_TURNED_DOWN = re.compile(
    r"[*_`”\"\s]{0,4}(?:选?项)?(?:的话|[也就会则]?(?:是|为|属于|显然)?(?:错|不(?![选含包])|违|有误|欠妥|存在))"
)
# "选A药", "选B方案": the letter names something else than an option.
_OF_NAME = re.compile(
    r"(?!选?项|[均都皆全吧呗啦哦了呀就即也而不无这其并且对正更最比才因由但可应符合为是与和及或以等故则两三四五六还])"
    r"[\u4e00-\u9fff]"
)
# Chosen at first: it counts only where nothing is chosen later.
_AT_FIRST = re.compile(
    r"(?:先|暂|初步|原先?|原本|本来?|起初|最初|一开始|开始时?|差点|险些|想|打算)(?:[我就想要会是便]|打算|以为|觉得|认为|应该?|暂时?|初步){0,4}$"
)
# "最后选", "最终选择": the last word.
_LAST_WORD = re.compile(
    r"(?:最[终后]的?|综合(?:考虑|来看|权衡)[，,]?|想还是)(?:我们?|还是|决定|[确选]定|一致|只|仅|应该?|应当|就){0,3}$"
)


def picks(text: str, options: str, start: int = 0) -> list[Commit]:
    """Every "故选…" from `start` on that names letters."""
    commits: list[Commit] = []
    resume = start
    for key in _PICK.finditer(text, start):
        if key.start() < resume:
            continue
        before = text[max(0, key.start() - 8) : key.start()]
        if not key.group().isascii() and (not _PICK_BEFORE.search(before) or _NOT_PICKED.search(before)):
            continue
        if _CONDITIONAL_BEFORE.search(text, max(0, key.start() - 30), key.start()):
            continue
        if _IN_BRACKETS.search(text, max(0, key.start() - 60), key.start()):
            continue
        links = _LINKS.match(text, key.end(), key.end() + ZONE)
        assert links is not None
        resume = links.end()
        if "\n" in links.group() and not _STRONG_LINK.search(links.group()):
            continue
        opening = _OPENING.match(text, links.end())
        at = opening.end() if opening else links.end()
        reading = read_answer(text, at, options, stop=min(len(text), at + 300))
        if len(reading.letters) == 1 and _OF_NAME.match(text, reading.end):
            continue
        if reading.letters and _TURNED_DOWN.match(text, reading.end):
            continue
        if reading.kind in {Kind.LETTERS, Kind.OPEN, Kind.UNSURE}:
            rank = Rank.BARE if _AT_FIRST.search(before) else Rank.PICK
            commits.append(Commit(rank, key.start(), reading))
    binding = [commit for commit in commits if commit.rank is Rank.PICK]
    return binding or commits


def is_last_word(text: str, commit: Commit) -> bool:
    """Whether the announcement calls itself the last one ("最后选…"), and so replaces an earlier one."""
    return text.startswith(("最终", "最后"), commit.at) or bool(
        _LAST_WORD.search(text, max(0, commit.at - 12), commit.at)
    )
