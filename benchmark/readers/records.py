"""What the readers yield: plain frozen records, the same from the released CSV files and from our JSONL.

`line` is the physical line, from 1, on which a record begins in its file (0: the file as a whole).
`repairs` are codes of `rules.cleaning.REPAIRS` and of `rules.options`; texts are cleaned already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Option = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line (or a file) that could not be used.

    `code` names the reason, `column` the column or field ("" if none), `params` the values a message needs
    (texts cut to 80 characters). `file` is the name inside a benchmark directory, "" for a lone file.
    """

    line: int
    column: str
    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True, slots=True)
class BenchmarkRecord:
    """The head of a benchmark directory; names and descriptions by language ("zh", "en")."""

    slug: str
    version: str
    name: Mapping[str, str]
    description: Mapping[str, str]
    licence: str
    corpus: CorpusRecord


@dataclass(frozen=True, slots=True)
class CorpusRecord:
    slug: str
    name_zh: str
    name_en: str
    jurisdiction: str
    language: str
    version: str


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A law or guideline. `in_force`: ISO date or None. `kind` and `status`: see `native`."""

    ref: str
    title: str
    title_en: str
    kind: str
    issuer: str
    number: str
    in_force: str | None
    status: str
    line: int


@dataclass(frozen=True, slots=True)
class NormRecord:
    """A norm. `text` is cleaned by `rules.cleaning.clean_norm`.

    `ref` is the id by which items name it: from a released file "norm-" and 16 hex digits of the SHA-256 of
    its identity. `source` is a SourceRecord.ref, None in the released files. Those also quote a blank norm
    (12 subjective questions): it comes once, with text "" and the repair "norm_missing".
    """

    ref: str
    source: str | None
    article: str
    text: str
    line: int
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScenarioRecord:
    """A scenario. `known`: it stands in `rules.scenario_names.RELEASED_SCENARIOS` or was declared."""

    slug: str
    name_zh: str
    name_en: str
    aliases: tuple[str, ...]
    line: int
    known: bool = True


@dataclass(frozen=True, slots=True)
class TemplateRecord:
    """A prompt template of one kind of item, with exactly one "{question}"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """One item. Objective: options (letter, text), `key` letters sorted, no norm unless one is named.
    Subjective: no options, key "".

    `question` is the stem. `norm_ref` names a NormRecord, None where there is none; `norm_text` is that
    record's text where the reader knows it, else "". `split` is None where the file does not say.
    `template` is the text of the prompt template around the question, None if there is none.
    """

    code: str
    kind: str
    number: int
    scenario: str
    norm_ref: str | None
    norm_text: str
    question: str
    options: tuple[Option, ...]
    key: str
    dimension: str
    split: str | None
    template: str | None
    line: int
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseRecord:
    """A row of a released response file, texts as they stand; match `query` with `rules.matching`.

    `published` is the authors' extracted answer, None without such a column, "" where theirs failed.
    """

    number: int
    scenario: str
    query: str
    reference: str
    kind: str
    model: str
    response: str
    published: str | None
    line: int


@dataclass(frozen=True, slots=True)
class JudgedRecord:
    """A row of a released judge file: a subjective response with the authors' scores.

    r1, r2: 0 or -1; q1 … q4: 0 or 1, None on a risky answer (-1 there in the file). All six are None where
    the authors' judge failed. `item_number`: row of the question in the released file, None if not given.
    `risk_judge`, `quality_judge`: the judge's own text, "" if absent. `problems`: codes of what does not
    fit within the row ("risk_flag_mismatch", "final_score_mismatch"); the row is usable all the same.
    """

    number: int
    item_number: int | None
    sample_id: str
    scenario: str
    query: str
    norm_text: str
    model: str
    response: str
    r1: int | None
    r2: int | None
    q1: int | None
    q2: int | None
    q3: int | None
    q4: int | None
    risk_judge: str
    quality_judge: str
    final_score: float | None
    line: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaderboardRecord:
    """A row of a released board: every column but the model's name as a number, None where blank."""

    model: str
    values: Mapping[str, float | None]
    line: int


ContentRecord = BenchmarkRecord | SourceRecord | NormRecord | ScenarioRecord | TemplateRecord | ItemRecord
ReleasedRow = ScenarioRecord | NormRecord | ItemRecord | ResponseRecord | JudgedRecord | LeaderboardRecord
