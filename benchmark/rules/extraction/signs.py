"""The signs and words that stand around option letters, and what a place in a reply can say.

The patterns are possessive or bounded, so that no text makes them worse than linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

LATEX = (
    r"\\(?:boxed|fbox|text(?:bf|rm|sf|tt|it)?|math(?:rm|bf|sf|tt)|bm|q?quad|[nrt](?![A-Za-z])|"
    r"[,;:!\s(){}\[\]])"
)
TAG = (
    r"</?(?:b|i|u|p|s|em|br|hr|li|ul|ol|td|th|tr|div|pre|code|span|font|mark|strong|table|"
    r"center|answer|h[1-6]|BR|P|STRONG)\b[^<>\n]{0,60}>|<\|[^<>|\n]{0,40}\|>|&nbsp;|"
    r"```[a-z]{0,12}(?=\s)"
)
# Signs without meaning of their own around and between letters, within a line and across lines.
INLINE = rf"(?:{LATEX}|{TAG}|[ \t\u3000*_`~#\"“”'‘’「」『』【】〔〕〖〗\[\]{{}}<>《》|$])*+"
MARKUP = rf"(?:{LATEX}|{TAG}|[\s*_`~#\"“”'‘’「」『』【】〔〕〖〗\[\]{{}}<>《》|$])*+"
CLOSING = r"(?:[ \t\u3000*_`~\"”'’」』】〕〗\]}}>|$]|\\[)\]])*+"
WRONG = (
    r"(?:错误?|误|不正确|不对|不当|不选|不应选|不能选|不可选|不成立|应?排除|有误|[×✗✘❌✖❎]|"
    r"incorrect|wrong|false|no\b)"
)
RIGHT = r"(?:正确|对|应?选|[✓✔√✅☑]|成立|correct|right|true|yes\b)"

# A letter that is part of a term: B超, A型血, C反应蛋白, D二聚体, C臂机.
TERM = re.compile(r"[超型级類类组族肝臂链]|反应|二聚|抗原|抗体|细胞|病毒|轮")


class Kind(Enum):
    """What a place says."""

    LETTERS = auto()  # a set of offered letters
    NONE = auto()  # expressly no option
    FOREIGN = auto()  # letters that the item does not offer
    UNSURE = auto()  # alternatives: A or B
    OPEN = auto()  # the text ends after a separator: the set may be unfinished
    NOTHING = auto()  # no answer here


@dataclass(frozen=True, slots=True)
class Reading:
    """`letters` (sorted, unique) and where they stand in the text: [start, end)."""

    kind: Kind
    letters: str = ""
    start: int = 0
    end: int = 0


NOTHING = Reading(Kind.NOTHING)


@dataclass(slots=True)
class Run:
    """Letters collected so far."""

    letters: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    slashes: int = 0
    unsure: bool = False
    lower: bool = False
    chain: bool = False
    listed: bool = False
    start: int = -1
    end: int = -1
    tail: int = -1

    clause: tuple[int, int, int, int] | None = None  # where a clause of its own may begin: sizes, end, tail

    def add(self, group: str, start: int, end: int, tail: int) -> None:
        self.letters.extend(group)
        self.groups.append(group)
        if self.start < 0:
            self.start = start
        self.end, self.tail = end, tail


def is_cjk(character: str) -> bool:
    """Whether this is a Chinese character."""
    return "\u3400" <= character <= "\u9fff"
