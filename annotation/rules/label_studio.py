"""Label Studio's JSON export read as rubric answers: pure, and strict about what it cannot know.

Source: Label Studio's task format (labelstud.io/guide/task_format): a list of tasks, each with `data`,
`annotations`, `drafts` and `predictions`; an annotation has `completed_by` (a number, or an object with id and
email), `was_cancelled` (skipped by its annotator), `parent_prediction`, `lead_time` in seconds, and `result`,
a list of regions {from_name, to_name, type, value}. A choice is {"choices": ["…"]}, a text area
{"text": ["…"]}, a marked passage {"start", "end", "text", "labels": ["…"]}.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from benchmark.rules.rubric import CRITERIA, QUALITY_CRITERIA, RISK_CRITERIA

RISK_CHOICES: Mapping[str, int] = {
    "0": 0, "-1": -1, "no": 0, "yes": -1, "safe": 0, "risky": -1, "否": 0, "是": -1, "无风险": 0, "有风险": -1,
    "合规": 0, "违规": -1, "安全": 0, "不安全": -1,
}  # fmt: skip
QUALITY_CHOICES: Mapping[str, int] = {
    "1": 1, "0": 0, "yes": 1, "no": 0, "met": 1, "not met": 0, "是": 1, "否": 0, "达到": 1, "未达到": 0, "有": 1, "无": 0,
}  # fmt: skip


class BadMapping(ValueError):
    """The mapping file says something that cannot be meant."""


class Unreadable(ValueError):
    """Why an annotation cannot be a label; `code` is one word for the report."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Criterion:
    """Where a criterion stands in the result, and what its choices mean."""

    from_name: str
    choices: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Mapped:
    """How a project names things. `passages`: from_name of the marked passages; `passage_labels`: label → criterion."""

    item: str = "item"
    entry: str = "entry"
    question: str = "question"
    response: str = "response"
    criteria: Mapping[str, Criterion] = field(
        default_factory=lambda: {
            name: Criterion(name, RISK_CHOICES if name in RISK_CRITERIA else QUALITY_CHOICES)
            for name in CRITERIA
        }
    )
    rationale: str = "rationale"
    passages: str = "passages"
    passage_labels: Mapping[str, str] = field(default_factory=lambda: {name: name for name in CRITERIA})


def read_mapping(given: Any) -> Mapped:
    """The mapping of a JSON object; what it leaves out stays as in `Mapped`. Raises BadMapping.

    Keys: item, entry, question, response (fields of a task's data), rationale, passages (from_names), criteria
    {"r1": {"from_name": "…", "choices": {"…": -1}}}, passage_labels {"…": "r1"}.
    """
    if not isinstance(given, Mapping):
        raise BadMapping("the mapping is no JSON object")
    known = {"item", "entry", "question", "response", "rationale", "passages", "criteria", "passage_labels"}
    if unknown := sorted(set(given) - known):
        raise BadMapping(f"the mapping has no key “{unknown[0]}”")
    names = known - {"criteria", "passage_labels"}
    if wrong := sorted(name for name in names & set(given) if not isinstance(given[name], str)):
        raise BadMapping(f"“{wrong[0]}” is no text")
    default = Mapped()
    criteria = dict(default.criteria)
    for name, row in _object(given.get("criteria", {}), "criteria").items():
        if name not in CRITERIA:
            raise BadMapping(f"there is no criterion “{name}”")
        criteria[name] = _criterion(name, _object(row, name), criteria[name])
    labels = _object(given.get("passage_labels", default.passage_labels), "passage_labels")
    if wrong := sorted(str(value) for value in labels.values() if value not in CRITERIA):
        raise BadMapping(f"there is no criterion “{wrong[0]}”")
    return Mapped(
        **{name: given[name] for name in names & set(given)}, criteria=criteria, passage_labels=dict(labels)
    )


def _object(given: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise BadMapping(f"“{name}” is no JSON object")
    return given


def _criterion(name: str, row: Mapping[str, Any], default: Criterion) -> Criterion:
    choices = _object(row.get("choices", default.choices), "choices")
    allowed = (-1, 0) if name in RISK_CRITERIA else (0, 1)
    if any(isinstance(value, bool) or value not in allowed for value in choices.values()):
        raise BadMapping(f"the choices of {name} mean {allowed[0]} or {allowed[1]}")
    from_name = row.get("from_name", default.from_name)
    if not isinstance(from_name, str) or set(row) - {"from_name", "choices"}:
        raise BadMapping(f"“{name}” has from_name and choices")
    return Criterion(from_name, dict(choices))


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation as a label. `annotators`: the names its author may be found by, the id first.

    `evidence` spans are characters of the response text. `quality_dropped`: quality was answered on a risky
    answer, where it has no meaning. `passages_dropped`: marked passages that fit nothing.
    """

    id: str
    annotators: tuple[str, ...]
    answers: Mapping[str, int | None]
    rationale: str
    evidence: Mapping[str, Any]
    created_at: datetime | None
    updated_at: str
    duration_ms: int | None
    digest: str
    quality_dropped: bool = False
    passages_dropped: int = 0


def read_annotation(given: Any, mapping: Mapped, response: str) -> Annotation:
    """Raises Unreadable with code cancelled, preannotated, shape, annotator, missing_answer, unknown_choice."""
    if not isinstance(given, Mapping) or not isinstance(given.get("result"), list):
        raise Unreadable("shape", "no annotation with a result")
    if given.get("was_cancelled"):
        raise Unreadable("cancelled")
    if given.get("parent_prediction") or given.get("parent_annotation"):
        raise Unreadable("preannotated", "it began from somebody else's answers")
    regions = [region for region in given["result"] if isinstance(region, Mapping)]
    answers, dropped = _answers(regions, mapping)
    evidence, lost = _evidence(regions, mapping, answers, response)
    rationale = "\n".join(_texts(regions, mapping.rationale))
    content = json.dumps([answers, rationale, evidence], sort_keys=True, ensure_ascii=False)
    return Annotation(
        id=str(given.get("id", "")),
        annotators=_annotators(given.get("completed_by")),
        answers=answers,
        rationale=rationale,
        evidence=evidence,
        created_at=_moment(given.get("created_at")),
        updated_at=str(given.get("updated_at") or given.get("created_at") or ""),
        duration_ms=_milliseconds(given.get("lead_time")),
        digest=hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest(),
        quality_dropped=dropped,
        passages_dropped=lost,
    )


def _answers(regions: Sequence[Mapping[str, Any]], mapping: Mapped) -> tuple[dict[str, int | None], bool]:
    found: dict[str, int | None] = {}
    for name, criterion in mapping.criteria.items():
        chosen = _choices(regions, criterion.from_name)
        if len(chosen) > 1:
            raise Unreadable("unknown_choice", f"{name} has {len(chosen)} answers")
        if chosen:
            value = criterion.choices.get(chosen[0], criterion.choices.get(chosen[0].strip().lower()))
            if value is None:
                raise Unreadable("unknown_choice", f"{name}: {chosen[0][:40]}")
            found[name] = value
    risky = any(found.get(name) == -1 for name in RISK_CRITERIA)
    wanted = RISK_CRITERIA if risky else CRITERIA
    if missing := [name for name in wanted if name not in found]:
        raise Unreadable("missing_answer", ", ".join(missing))
    dropped = risky and any(name in found for name in QUALITY_CRITERIA)
    return {name: None if risky and name in QUALITY_CRITERIA else found[name] for name in CRITERIA}, dropped


def _choices(regions: Iterable[Mapping[str, Any]], from_name: str) -> list[str]:
    return [
        str(choice)
        for region in regions
        if region.get("from_name") == from_name and isinstance(region.get("value"), Mapping)
        for choice in region["value"].get("choices") or ()
    ]


def _texts(regions: Iterable[Mapping[str, Any]], from_name: str) -> list[str]:
    found: list[str] = []
    for region in regions:
        if region.get("from_name") == from_name and isinstance(region.get("value"), Mapping):
            text = region["value"].get("text") or []
            found += [text] if isinstance(text, str) else [str(line) for line in text]
    return found


def _evidence(
    regions: Iterable[Mapping[str, Any]], mapping: Mapped, answers: Mapping[str, int | None], response: str
) -> tuple[dict[str, Any], int]:
    """Marked passages of failed criteria; overlapping ones of a criterion become one."""
    spans: dict[str, list[list[int]]] = {}
    lost = 0
    for region in regions:
        if region.get("from_name") != mapping.passages or not isinstance(region.get("value"), Mapping):
            continue
        span = _span(region["value"], response)
        for label in region["value"].get("labels") or ():
            name = mapping.passage_labels.get(str(label))
            failed = name is not None and answers[name] == (-1 if name in RISK_CRITERIA else 0)
            if span is None or name is None or not failed:
                lost += 1
                continue
            spans.setdefault(name, []).append(list(span))
    return {name: {"clause": "", "spans": _joined(spans[name])} for name in CRITERIA if name in spans}, lost


def _span(value: Mapping[str, Any], response: str) -> tuple[int, int] | None:
    """In characters. A browser counts UTF-16 units, so the quoted text decides which of the two is meant."""
    start, end, quoted = value.get("start"), value.get("end"), value.get("text")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end:
        return None
    if end <= len(response) and (not isinstance(quoted, str) or response[start:end] == quoted):
        return start, end
    units = response.encode("utf-16-le")
    try:
        head, inside = units[: 2 * start].decode("utf-16-le"), units[2 * start : 2 * end].decode("utf-16-le")
    except UnicodeDecodeError:
        return None
    if 2 * end <= len(units) and inside == quoted:
        return len(head), len(head) + len(inside)
    return None


def _joined(spans: list[list[int]]) -> list[list[int]]:
    joined: list[list[int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return joined


def _annotators(given: Any) -> tuple[str, ...]:
    if isinstance(given, Mapping):
        names = [given.get("id"), given.get("email"), given.get("username")]
    else:
        names = [given]
    found = tuple(str(name) for name in names if name not in (None, "") and not isinstance(name, bool))
    if not found:
        raise Unreadable("annotator", "nobody is named")
    return found


def _moment(given: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _milliseconds(given: Any) -> int | None:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 86_400:
        return None
    return round(given * 1000)
