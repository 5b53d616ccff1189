"""The released CSV files, in small imitations with the dirt of the real ones."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.readers.records import (
    ItemRecord,
    JudgedRecord,
    LeaderboardRecord,
    NormRecord,
    Rejected,
    ResponseRecord,
    ScenarioRecord,
)
from benchmark.readers.released import FileKind, detect_kind, norm_ref, read_released

QUESTIONS = ["scene", "query", "reference", "type"]
WRAP = "请作答。\n示例：\n题目：例题？\nA.甲\nB.乙\n【思考过程】：略\n\n题目：{}\n【思考过程】：\n"
JUDGED = [
    "source_index", "sample_id", "scene", "query", "reference", "type", "model", "response", "risk_judge",
    "quality_judge", "score1", "score2", "score3", "score4", "score5", "score6", "risk_flag", "final_score",
]  # fmt: skip


def as_csv(header: Sequence[str], *rows: Sequence[Any], bom: bool = True) -> io.BytesIO:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return io.BytesIO(("\ufeff" * bom + text.getvalue()).encode())


def read(source: Any) -> list[Any]:
    return list(read_released(source))


def rejects(source: Any) -> list[tuple[int, str, str]]:
    return [(r.line, r.column, r.code) for r in read(source) if isinstance(r, Rejected)]


def test_objective_question() -> None:
    rows = read(
        as_csv(QUESTIONS, ["基因干细胞诊疗", WRAP.format("选哪些？\nA.甲\nB.乙\nC.丙"), "C、A", "客观题"])
    )
    template = WRAP.replace("{}", "{question}")
    assert rows == [
        ScenarioRecord(
            "gene-stem-cell-therapy", "基因/干细胞诊疗", "Gene and stem cell therapy", ("基因干细胞诊疗",), 2
        ),
        ItemRecord(
            code="obj-0001",
            kind="objective",
            number=1,
            scenario="gene-stem-cell-therapy",
            norm_ref=None,
            norm_text="",
            question="选哪些？",
            options=(("A", "甲"), ("B", "乙"), ("C", "丙")),
            key="AC",
            dimension="ethics_knowledge",
            split=None,
            template=template,
            line=2,
            repairs=("scenario_alias", "key_form"),
        ),
    ]


def test_subjective_questions_share_norms_and_scenarios() -> None:
    rows = read(
        as_csv(
            QUESTIONS,
            ["常规护理", "第一问", "应当核对。_x000D_\n　　不得代签。", "主观题"],
            ["常规护理", "第二问 ", "应当核对。 不得代签。", "主观题"],
            ["口腔正畸", "第三问", " ", "主观题"],
            ["口腔正畸", "第四问", "", "主观题"],
        )
    )
    norm = "应当核对。\n不得代签。"
    assert [type(row) for row in rows] == [
        ScenarioRecord, NormRecord, ItemRecord, ItemRecord, ScenarioRecord, NormRecord, ItemRecord, ItemRecord
    ]  # fmt: skip
    assert rows[1] == NormRecord(norm_ref(norm), None, "", norm, 2, ("x000d", "whitespace"))
    first, second, third = rows[2], rows[3], rows[6]
    assert [first.code, second.code, third.code] == ["sub-0001", "sub-0002", "sub-0003"]
    assert first.norm_ref == second.norm_ref == rows[1].ref
    assert first.norm_text == second.norm_text == norm
    assert (first.line, second.line, third.line) == (2, 4, 5)
    assert first.repairs == ("norm_x000d", "norm_whitespace")
    assert second.repairs == ("whitespace",)
    assert rows[5] == NormRecord(norm_ref(""), None, "", "", 5, ("norm_missing",))
    assert (third.norm_ref, third.norm_text, third.repairs) == (norm_ref(""), "", ("norm_missing",))
    assert rows[7].norm_ref == third.norm_ref
    assert not rows[4].known


def test_one_template_object_serves_all_rows() -> None:
    rows = read(
        as_csv(
            QUESTIONS, *(["常规护理", WRAP.format(f"第{n}问？\nA.甲\nB.乙"), "A", "客观题"] for n in range(3))
        )
    )
    assert len({id(row.template) for row in rows if isinstance(row, ItemRecord)}) == 1


def test_a_file_without_type_column_is_read_by_its_keys() -> None:
    rows = read(
        as_csv(QUESTIONS[:3], ["常规护理", "选？\nA.甲\nB.乙", "b"], ["常规护理", "如何？", "应当核对。"])
    )
    assert [row.code for row in rows if isinstance(row, ItemRecord)] == ["obj-0001", "sub-0002"]


def test_rejected_rows_name_line_and_reason_and_keep_the_numbers() -> None:
    source = as_csv(
        QUESTIONS,
        ["", "选？\nA.甲\nB.乙", "A", "客观题"],
        ["常规护理", " ", "A", "客观题"],
        ["常规护理", "选？\nA.甲\nB.乙", "C", "客观题"],
        ["常规护理", "选？", "A", "客观题"],
        ["常规护理", "选？\nA.甲\nB.乙", "甲", "客观题"],
        ["常规护理", "选？\nA.甲\nB.乙", "", "客观题"],
        ["常规护理", "选？\nA.甲\nB.乙", "A", "问答题"],
        ["常规护理", "选？"],
        ["常规护理", "选？", "A", "客观题", "多余"],
        ["/", "选？\nA.甲\nB.乙", "A", "客观题"],
        [],
        ["常规护理", "选？\nA.甲\nB.乙", "A", "客观题", " ", ""],
    )
    assert rejects(source) == [
        (2, "scene", "missing"),
        (5, "query", "missing"),
        (6, "reference", "key_not_among_options"),
        (9, "query", "no_options"),
        (10, "reference", "bad_key"),
        (13, "reference", "missing"),
        (16, "type", "unknown_type"),
        (19, "", "wrong_cell_count"),
        (20, "", "wrong_cell_count"),
        (21, "scene", "missing"),
    ]
    last = read(source)[-1]
    assert (last.code, last.line) == ("obj-0011", 25)


def test_response_file() -> None:
    header = ["scene", "query", "reference", "model", "response", "type", "answer_model"]
    rows = read(
        as_csv(
            header,
            ["常规护理", "选？\nA.甲\nB.乙", "A", "某模型", "答案：A\n", "客观题", "A"],
            ["常规护理", "选？", "A", "某模型", "", "客观题", ""],
            ["常规护理", "选？", "A", "", "B", "客观题", ""],
        )
    )
    assert rows[0] == ResponseRecord(
        1, "routine-nursing", "选？\nA.甲\nB.乙", "A", "objective", "某模型", "答案：A\n", "A", 2
    )
    assert (rows[1].response, rows[1].published) == ("", "")
    assert (rows[2].line, rows[2].column, rows[2].code) == (7, "model", "missing")
    bare = read(as_csv(["query", "model", "response"], ["选？", "某模型", "B"]))
    assert (bare[0].published, bare[0].kind, bare[0].scenario) == (None, "", "")


def judged_row(*scores: Any, flag: Any = "", final: Any = "", index: Any = 3) -> list[Any]:
    front = [
        index,
        "常规护理-03",
        "常规护理",
        "如何？",
        "应当核对。",
        "主观题",
        "某模型",
        "答",
        "评一",
        "评二",
    ]
    return [*front, *scores, flag, final]


@pytest.mark.parametrize(
    ("row", "scores", "problems"),
    [
        (judged_row("0.0", "0.0", 1, 0, 1, 1, flag="False", final=0.7), (0, 0, 1, 0, 1, 1), ()),
        (judged_row(0, -1, -1, -1, -1, -1, flag="True", final="-1.0"), (0, -1, None, None, None, None), ()),
        (judged_row("", "nan", 1, 1, 1, 1), (None,) * 6, ()),
        (judged_row(0, 0, "", "", "", ""), (0, 0, None, None, None, None), ()),
        (judged_row(-1, 0, 1, 1, 1, 1), (-1, 0, None, None, None, None), ("quality_on_risky",)),
        (judged_row(0, 0, 1, 1, 1, 0, flag="True"), (0, 0, 1, 1, 1, 0), ("risk_flag_mismatch",)),
        (judged_row(0, 0, 1, 1, 1, 0, final=1), (0, 0, 1, 1, 1, 0), ("final_score_mismatch",)),
    ],
)
def test_judged_rows(row: list[Any], scores: tuple[int | None, ...], problems: tuple[str, ...]) -> None:
    (found,) = read(as_csv(JUDGED, row))
    assert isinstance(found, JudgedRecord)
    assert (found.r1, found.r2, found.q1, found.q2, found.q3, found.q4) == scores
    assert found.problems == problems
    assert (found.item_number, found.sample_id, found.scenario) == (3, "常规护理-03", "routine-nursing")
    assert (found.risk_judge, found.quality_judge, found.model, found.response) == (
        "评一",
        "评二",
        "某模型",
        "答",
    )


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (judged_row(1, 0, 1, 1, 1, 1), "score1", "score_out_of_range"),
        (judged_row(0, 0, 1, -1, 1, 1), "score4", "score_out_of_range"),
        (judged_row(0, 0, 0.5, 1, 1, 1), "score3", "score_out_of_range"),
        (judged_row(0, 0, 1, 1, 1, "好"), "score6", "not_a_number"),
        (judged_row(0, 0, 1, 1, 1, 1, final="inf"), "final_score", "not_a_number"),
        (judged_row(0, 0, 1, 1, 1, 1, index="1.5"), "source_index", "not_a_number"),
    ],
)
def test_bad_judged_rows(row: list[Any], column: str, code: str) -> None:
    assert rejects(as_csv(JUDGED, row)) == [(2, column, code)]


def test_leaderboard() -> None:
    header = ["rank", "Model ", "risk_rate", "final_score"]
    rows = read(as_csv(header, [1, "某模型", "0.25", "1e-1"], [2, "另一模型", "", "高"]))
    assert rows[0] == LeaderboardRecord("某模型", {"rank": 1.0, "risk_rate": 0.25, "final_score": 0.1}, 2)
    assert (rows[1].line, rows[1].column, rows[1].code) == (3, "final_score", "not_a_number")


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (QUESTIONS, FileKind.QUESTIONS),
        ([" Scene", "QUERY", "reference"], FileKind.QUESTIONS),
        ([*QUESTIONS, "model", "response"], FileKind.RESPONSES),
        (JUDGED, FileKind.JUDGED),
        (["model", "risk_rate", "final_score"], FileKind.LEADERBOARD),
        (["item", "response"], None),
        ([], None),
    ],
)
def test_headers(header: list[str], kind: FileKind | None) -> None:
    assert detect_kind(header) is kind


@pytest.mark.parametrize(
    ("data", "line", "code"),
    [
        (b"", 0, "empty_file"),
        (b"\xef\xbb\xbf", 0, "empty_file"),
        (b"\n , \n", 0, "only_whitespace"),
        (b"item,response\n1,A\n", 1, "unknown_header"),
        (b"scene,query,query,reference\n", 1, "ambiguous_column"),
        (b",".join([b"x"] * 100_000) + b"\n", 1, "too_many_columns"),
        (b"PK\x03\x04rest", 0, "zip_archive"),
        (b"scene,query,reference\na,b\x00,c\n", 2, "nul_byte"),
        ("scene,query,reference\n常,规".encode("utf-16"), 0, "utf16"),
        (b'scene,query,reference\na,"b,c\n', 2, "unterminated_quote"),
        (b'scene,query,reference\na,"b"x,c\n', 2, "bad_quoting"),
    ],
)
def test_files_that_are_given_up(data: bytes, line: int, code: str) -> None:
    (found,) = read(io.BytesIO(data))
    assert isinstance(found, Rejected)
    assert (found.line, found.code) == (line, code)


def test_a_header_alone_gives_nothing() -> None:
    assert read(as_csv(QUESTIONS)) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_and_paths(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "questions.csv"
    path.write_bytes(
        "scene,query,reference,type\r\n常规护理,病人问如何是好,应当核对医嘱,主观题\r\n".encode(encoding)
    )
    for source in (path, str(path)):
        assert [row.code for row in read(source) if isinstance(row, ItemRecord)] == ["sub-0001"]
    with path.open("rb") as stream:
        assert len(read(stream)) == 3
        assert not stream.closed


def test_a_missing_path_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.csv")


def test_memory_does_not_grow_with_the_file() -> None:
    rows = [["常规护理", f"第{n}问" + "病" * 500, "应当核对。", "主观题"] for n in range(4000)]
    source = as_csv(QUESTIONS, *rows)
    del rows
    tracemalloc.start()
    count = sum(isinstance(row, ItemRecord) for row in read_released(source))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 4000
    assert peak < 2_000_000 < len(source.getvalue())


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_content_ever_raises(data: bytes) -> None:
    for header in (b"", b"scene,query,reference,type\n", ",".join(JUDGED).encode() + b"\n"):
        for row in read_released(io.BytesIO(header + data)):
            assert row is not None
