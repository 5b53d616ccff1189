"""Our own JSON Lines format: a small sound benchmark, and one flaw at a time."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.readers.native import read_native
from benchmark.readers.records import (
    BenchmarkRecord,
    CorpusRecord,
    ItemRecord,
    NormRecord,
    Rejected,
    ScenarioRecord,
    SourceRecord,
    TemplateRecord,
)

HEAD: dict[str, Any] = {
    "slug": "probe",
    "version": "1.0",
    "name": {"zh": "样例", "en": "Sample"},
    "description": {"zh": "样例说明", "en": ""},
    "corpus": {
        "slug": "cn",
        "name_zh": "规范",
        "name_en": "Norms",
        "jurisdiction": "CN",
        "language": "zh",
        "version": "2026",
    },
    "licence": "CC-BY-4.0",
}
SOURCE: dict[str, Any] = {
    "id": "s1",
    "title": "某条例",
    "title_en": "Some regulation",
    "kind": "regulation",
    "issuer": "某部",
    "number": "第1号",
    "in_force": "2020-02-29",
    "status": "in_force",
}
NORM = {"id": "n1", "source": "s1", "article": "第一条", "text": "应当核对。\n　　不得代签。"}
SCENARIO: dict[str, Any] = {
    "slug": "routine-nursing",
    "name_zh": "常规护理",
    "name_en": "Routine nursing",
    "aliases": ["日常护理"],
}
OBJECTIVE: dict[str, Any] = {
    "id": "obj-0001",
    "kind": "objective",
    "scenario": "routine-nursing",
    "norm": "n1",
    "question": "应当？ ",
    "options": [
        {"letter": "A", "text": "核对"},
        {"letter": "B", "text": "代签"},
        {"letter": "C", "text": "询问"},
    ],
    "key": "CA",
    "dimension": "drug_safety",
    "split": "dev",
}
SUBJECTIVE: dict[str, Any] = {
    "id": "sub-0002",
    "kind": "subjective",
    "scenario": "日常护理",
    "norm": None,
    "question": "能否代签？",
}


def lines(*objects: Any) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in objects)


def files() -> dict[str, str]:
    return {
        "benchmark.json": json.dumps(HEAD, indent=2),
        "sources.jsonl": lines(SOURCE),
        "norms.jsonl": lines(NORM),
        "scenarios.jsonl": lines(SCENARIO),
        "prompt_templates.json": json.dumps(
            {"objective": "请选：\n{question}\n{{只写字母}}"}, ensure_ascii=False
        ),
        "items.jsonl": lines(OBJECTIVE, SUBJECTIVE),
    }


@pytest.fixture
def benchmark_with(tmp_path: Path) -> Callable[..., list[Any]]:
    """Writes the sound benchmark with some files replaced (None: left out) and reads it."""

    def write(**changes: str | None) -> list[Any]:
        named = {
            name.replace("_json", ".json").replace("_lines", ".jsonl"): text for name, text in changes.items()
        }
        for name, text in {**files(), **named}.items():
            if text is not None:
                (tmp_path / name).write_text(text, encoding="utf-8")
        return list(read_native(tmp_path))

    return write


def rejects(records: list[Any]) -> list[tuple[str, int, str, str]]:
    return [(r.file, r.line, r.column, r.code) for r in records if isinstance(r, Rejected)]


def of_type(records: list[Any], kind: type) -> list[Any]:
    return [record for record in records if isinstance(record, kind)]


def test_a_sound_benchmark(benchmark_with: Callable[..., list[Any]]) -> None:
    template = "请选：\n{question}\n{{只写字母}}"
    assert benchmark_with() == [
        BenchmarkRecord(
            "probe",
            "1.0",
            {"zh": "样例", "en": "Sample"},
            {"zh": "样例说明", "en": ""},
            "CC-BY-4.0",
            CorpusRecord("cn", "规范", "Norms", "CN", "zh", "2026"),
        ),
        SourceRecord(
            "s1", "某条例", "Some regulation", "regulation", "某部", "第1号", "2020-02-29", "in_force", 1
        ),
        NormRecord("n1", "s1", "第一条", "应当核对。\n不得代签。", 1, ("whitespace",)),
        ScenarioRecord("routine-nursing", "常规护理", "Routine nursing", ("日常护理",), 1),
        TemplateRecord("objective", template),
        ItemRecord(
            code="obj-0001",
            kind="objective",
            number=1,
            scenario="routine-nursing",
            norm_ref="n1",
            norm_text="应当核对。\n不得代签。",
            question="应当？",
            options=(("A", "核对"), ("B", "代签"), ("C", "询问")),
            key="AC",
            dimension="drug_safety",
            split="dev",
            template=template,
            line=1,
            repairs=("whitespace", "key_form"),
        ),
        ItemRecord(
            code="sub-0002",
            kind="subjective",
            number=2,
            scenario="routine-nursing",
            norm_ref=None,
            norm_text="",
            question="能否代签？",
            options=(),
            key="",
            dimension="ethics_reasoning",
            split=None,
            template=None,
            line=2,
        ),
    ]


def test_optional_files(benchmark_with: Callable[..., list[Any]]) -> None:
    records = benchmark_with(
        sources_lines=None, norms_lines=None, prompt_templates_json=None, items_lines=lines(SUBJECTIVE)
    )
    assert rejects(records) == []
    assert [item.code for item in of_type(records, ItemRecord)] == ["sub-0002"]


@pytest.mark.parametrize("name", ["benchmark.json", "scenarios.jsonl", "items.jsonl"])
def test_required_files(benchmark_with: Callable[..., list[Any]], name: str) -> None:
    records = benchmark_with(**{name.replace(".jsonl", "_lines").replace(".json", "_json"): None})
    assert (name, 0, "", "missing_file") in rejects(records)


ITEM_FLAWS: list[tuple[dict[str, Any], str, str]] = [
    ({"id": None}, "id", "missing"),
    ({"id": 1}, "id", "wrong_type"),
    ({"id": "obj-1"}, "id", "bad_id"),
    ({"id": "sub-0001"}, "id", "bad_id"),
    ({"kind": "essay"}, "kind", "not_a_choice"),
    ({"kind": None}, "kind", "missing"),
    ({"scenario": "口腔"}, "scenario", "unknown_scenario"),
    ({"scenario": " "}, "scenario", "missing"),
    ({"norm": "n9"}, "norm", "unknown_norm"),
    ({"norm": 1}, "norm", "wrong_type"),
    ({"question": ""}, "question", "missing"),
    ({"question": "\u200b"}, "question", "missing"),
    ({"question": ["x"]}, "question", "wrong_type"),
    ({"question": "\ud800"}, "question", "lone_surrogate"),
    ({"options": None}, "options", "bad_options"),
    ({"options": "A"}, "options", "wrong_type"),
    ({"options": ["A"]}, "options[0]", "wrong_type"),
    ({"options": OBJECTIVE["options"][:1]}, "options", "bad_options"),
    ({"options": OBJECTIVE["options"][1:]}, "options", "bad_options"),
    ({"options": OBJECTIVE["options"][:1] * 2}, "options", "bad_options"),
    ({"options": [{"letter": "A", "text": "甲"}, {"letter": "B"}]}, "options[1].text", "missing"),
    ({"options": [{"letter": letter, "text": "甲"} for letter in "ABCDEFGHI"]}, "options", "bad_options"),
    ({"key": "D"}, "key", "key_not_among_options"),
    ({"key": "甲"}, "key", "bad_key"),
    ({"key": None}, "key", "missing"),
    ({"dimension": "luck"}, "dimension", "not_a_choice"),
    ({"split": "test"}, "split", "not_a_choice"),
    ({"split": True}, "split", "wrong_type"),
]


@pytest.mark.parametrize(("flaw", "column", "code"), ITEM_FLAWS)
def test_flawed_items(
    benchmark_with: Callable[..., list[Any]], flaw: dict[str, Any], column: str, code: str
) -> None:
    text = json.dumps({**OBJECTIVE, **flaw}) + "\n\n" + lines(OBJECTIVE)
    records = benchmark_with(items_lines=text)
    assert rejects(records) == [("items.jsonl", 1, column, code)]
    assert [item.line for item in of_type(records, ItemRecord)] == [3]


@pytest.mark.parametrize(
    ("flaw", "column", "code"),
    [({"options": OBJECTIVE["options"]}, "options", "bad_options"), ({"key": "A"}, "key", "bad_key")],
)
def test_subjective_items_have_no_key(
    benchmark_with: Callable[..., list[Any]], flaw: dict[str, Any], column: str, code: str
) -> None:
    records = benchmark_with(items_lines=lines({**SUBJECTIVE, **flaw}))
    assert rejects(records) == [("items.jsonl", 1, column, code)]


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        ("{", "", "not_json"),
        ("[]", "", "not_an_object"),
        ('"x"', "", "not_an_object"),
        ('{"id": NaN}', "", "json_not_a_number"),
        ('{"id": "a", "id": "b"}', "id", "json_duplicate_key"),
        ('{"id": ' + "[" * 100_000, "", "json_too_deep"),
        ('{"id": ' + "9" * 5000 + "}", "", "json_huge_number"),
    ],
)
def test_bad_lines(benchmark_with: Callable[..., list[Any]], line: str, column: str, code: str) -> None:
    records = benchmark_with(items_lines=lines(SUBJECTIVE) + line + "\n" + lines(OBJECTIVE))
    assert rejects(records) == [("items.jsonl", 2, column, code)]
    assert len(of_type(records, ItemRecord)) == 2


def test_repeated_ids(benchmark_with: Callable[..., list[Any]]) -> None:
    records = benchmark_with(
        sources_lines=lines(SOURCE, SOURCE),
        norms_lines=lines(NORM, {**NORM, "text": "另一条。"}),
        scenarios_lines=lines(
            SCENARIO, {**SCENARIO, "aliases": []}, {**SCENARIO, "slug": "other", "name_zh": "其他"}
        ),
        items_lines=lines(OBJECTIVE, OBJECTIVE),
    )
    assert rejects(records) == [
        ("sources.jsonl", 2, "id", "repeated"),
        ("norms.jsonl", 2, "id", "repeated"),
        ("scenarios.jsonl", 2, "slug", "repeated"),
        ("scenarios.jsonl", 3, "aliases", "repeated"),
        ("items.jsonl", 2, "id", "repeated"),
    ]


def test_a_rejected_item_does_not_use_up_its_id(benchmark_with: Callable[..., list[Any]]) -> None:
    records = benchmark_with(items_lines=lines({**OBJECTIVE, "key": "X"}, OBJECTIVE))
    assert [item.line for item in of_type(records, ItemRecord)] == [2]


@pytest.mark.parametrize(
    ("changes", "reject"),
    [
        ({"sources_lines": lines({**SOURCE, "kind": "poem"})}, ("sources.jsonl", 1, "kind", "not_a_choice")),
        (
            {"sources_lines": lines({**SOURCE, "in_force": "20200101"})},
            ("sources.jsonl", 1, "in_force", "bad_date"),
        ),
        (
            {"sources_lines": lines({**SOURCE, "in_force": "2021-02-29"})},
            ("sources.jsonl", 1, "in_force", "bad_date"),
        ),
        ({"sources_lines": lines({**SOURCE, "id": "x" * 41})}, ("sources.jsonl", 1, "id", "bad_id")),
        ({"norms_lines": lines({**NORM, "source": "s9"})}, ("norms.jsonl", 1, "source", "unknown_source")),
        ({"norms_lines": lines({**NORM, "text": "\ufeff"})}, ("norms.jsonl", 1, "text", "missing")),
        ({"scenarios_lines": lines({**SCENARIO, "slug": "A b"})}, ("scenarios.jsonl", 1, "slug", "bad_slug")),
        (
            {"scenarios_lines": lines({**SCENARIO, "aliases": [1]})},
            ("scenarios.jsonl", 1, "aliases[0]", "wrong_type"),
        ),
        (
            {"prompt_templates_json": '{"objective": "没有"}'},
            ("prompt_templates.json", 1, "objective", "bad_template"),
        ),
        (
            {"prompt_templates_json": '{"objective": "{question}{question}"}'},
            ("prompt_templates.json", 1, "objective", "bad_template"),
        ),
        (
            {"prompt_templates_json": '{"objective": "{question.__class__}"}'},
            ("prompt_templates.json", 1, "objective", "bad_template"),
        ),
        ({"benchmark_json": "{}"}, ("benchmark.json", 1, "corpus", "missing")),
        ({"benchmark_json": "\n\n"}, ("benchmark.json", 1, "", "not_json")),
        ({"benchmark_json": ""}, ("benchmark.json", 0, "", "empty_file")),
        ({"benchmark_json": lines({**HEAD, "slug": "a/b"})}, ("benchmark.json", 1, "slug", "bad_slug")),
        (
            {"benchmark_json": lines({**HEAD, "corpus": {**HEAD["corpus"], "language": 1}})},
            ("benchmark.json", 1, "corpus.language", "wrong_type"),
        ),
        (
            {"benchmark_json": lines({**HEAD, "name": {"zh": "样例"}})},
            ("benchmark.json", 1, "name.en", "missing"),
        ),
    ],
)
def test_other_files(
    benchmark_with: Callable[..., list[Any]], changes: dict[str, str], reject: tuple[str, int, str, str]
) -> None:
    assert rejects(benchmark_with(**changes))[0] == reject


def test_source_status_may_be_absent(benchmark_with: Callable[..., list[Any]]) -> None:
    bare = {"id": "s1", "title": "某条例", "kind": "law"}
    (source,) = of_type(benchmark_with(sources_lines=lines(bare)), SourceRecord)
    assert (source.status, source.in_force, source.issuer) == ("unknown", None, "")


def test_an_items_file_alone() -> None:
    other = {**SUBJECTIVE, "id": "sub-0003", "scenario": "口腔正畸", "norm": "n7"}
    data = lines(SUBJECTIVE | {"scenario": "常规护理"}, OBJECTIVE, other, {**other, "id": "sub-0004"})
    records = list(read_native(io.BytesIO(data.encode("utf-8-sig"))))
    assert [type(record) for record in records] == [
        ScenarioRecord, ItemRecord, ItemRecord, ScenarioRecord, ItemRecord, ItemRecord
    ]  # fmt: skip
    assert (records[0].slug, records[0].known) == ("routine-nursing", True)
    assert (records[3].name_zh, records[3].known) == ("口腔正畸", False)
    assert (records[4].norm_ref, records[4].norm_text) == ("n7", "")


def test_a_path_to_an_items_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(lines(OBJECTIVE), encoding="utf-8")
    assert [type(record) for record in read_native(path)] == [ScenarioRecord, ItemRecord]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*OBJECTIVE, "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(OBJECTIVE)), JSON, max_size=4) | JSON, st.booleans())
def test_no_object_ever_raises(value: Any, on_top: bool) -> None:
    if on_top and isinstance(value, dict):
        value = {**OBJECTIVE, **value}
    for record in read_native(io.BytesIO((json.dumps(value) + "\n").encode())):
        assert isinstance(record, (ScenarioRecord, ItemRecord, Rejected))


@given(st.binary(max_size=200))
def test_no_bytes_ever_raise(data: bytes) -> None:
    for record in read_native(io.BytesIO(lines(OBJECTIVE).encode() + data)):
        assert isinstance(record, (ScenarioRecord, ItemRecord, Rejected))
