"""Which column of a CSV header, or which key of a JSON object, means what.

Names are compared without case, surrounding white space, and the difference between blank, hyphen and
underscore. Within a role the first name of its list wins outright; of the others there may be only one.
A file that has both ids and question texts is read by its ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.readers.problem import Code, Problem, echo

ITEM_NAMES = ("item", "item_id", "id", "itemid", "题号", "题目编号")
QUESTION_NAMES = ("query", "question", "题目", "问题")
RESPONSE_NAMES = ("response", "answer", "output", "prediction", "reply", "回答", "回复")
FINISH_NAMES = ("finish_reason", "stop_reason")

ECHOED_NAMES = 10


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions (from 0) of the columns that are read. Exactly one of `item` and `question` is set."""

    names: tuple[str, ...]
    item: int | None
    question: int | None
    response: int
    finish: int | None

    @property
    def key(self) -> int:
        """Position of the column that says which item a row answers."""
        position = self.question if self.item is None else self.item
        assert position is not None
        return position

    @property
    def ignored(self) -> tuple[str, ...]:
        """Names of the columns that are not read, in file order, shortened; blank names left out."""
        used = {self.item, self.question, self.response, self.finish}
        return tuple(echo(name) for at, name in enumerate(self.names) if at not in used and name.strip())


def find_columns(names: Sequence[str]) -> Columns | Problem:
    """Read a header, or say which column is missing or ambiguous (a Problem without line)."""
    normal = [_normalise(name) for name in names]
    items, responses, finishes = (
        _find(wanted, normal) for wanted in (ITEM_NAMES, RESPONSE_NAMES, FINISH_NAMES)
    )
    questions = [] if items else _find(QUESTION_NAMES, normal)
    for hits in (items, questions, responses, finishes):
        if len(hits) > 1:
            listed = _listed([names[at] for at in hits])
            return Problem(Code.AMBIGUOUS_COLUMN, column=echo(names[hits[0]]), params={"names": listed})
    item, question, response, finish = (
        hits[0] if hits else None for hits in (items, questions, responses, finishes)
    )
    if item is None and question is None:
        return Problem(Code.NO_ITEM_COLUMN, params={"found": _listed(names)})
    if response is None:
        return Problem(Code.NO_RESPONSE_COLUMN, params={"found": _listed(names)})
    return Columns(tuple(names), item, question, response, finish)


def _normalise(name: str) -> str:
    bare = name.replace("\ufeff", "").replace("\u200b", "")
    return "_".join(bare.casefold().replace("-", " ").replace("_", " ").split())


def _find(wanted: tuple[str, ...], normal: Sequence[str]) -> list[int]:
    canonical = [at for at, name in enumerate(normal) if name == wanted[0]]
    return canonical or [at for at, name in enumerate(normal) if name in wanted]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(echo(name.strip(), 30) for name in names[:ECHOED_NAMES])
    return echo(shown + (", …" if len(names) > ECHOED_NAMES else ""))
