"""Sound files in all their shapes are read, unsound ones explained."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json

import pytest

from benchmark.readers.predictions import (
    FileSummary,
    Prediction,
    check_predictions,
    question_key,
    read_predictions,
)
from benchmark.readers.problem import Code, FileRefused, Limits, Problem, echo
from tests.readers.hostile import KNOWN_QUESTIONS, ListedItems, csv_of, jsonl_of

CATALOGUE = ListedItems()
MARK = codecs.BOM_UTF8


def read(data: bytes, name: str = "replies.csv", limits: Limits | None = None) -> list[Prediction]:
    return list(read_predictions(io.BytesIO(data), name=name, catalogue=CATALOGUE, limits=limits))


def check(data: bytes, name: str = "replies.csv", limits: Limits | None = None) -> FileSummary:
    return check_predictions(io.BytesIO(data), name=name, catalogue=CATALOGUE, limits=limits)


def problems(data: bytes, name: str = "replies.csv", limits: Limits | None = None) -> tuple[Problem, ...]:
    with pytest.raises(FileRefused) as caught:
        check(data, name, limits)
    return caught.value.problems


def pairs(data: bytes, name: str = "replies.csv") -> list[tuple[str, str]]:
    return [(prediction.item, prediction.response) for prediction in read(data, name)]


# --- encodings, line breaks, delimiters ------------------------------------------------------------

PLAIN = [("obj-0001", "选甲，因为\n理由充分"), ("obj-0002", 'B, "或" C')]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize(
    ("encoding", "codec"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030")]
)
def test_encodings_delimiters_and_line_breaks(end: str, delimiter: str, encoding: str, codec: str) -> None:
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=delimiter, lineterminator=end)
    writer.writerow(["item", "response"])
    writer.writerows((item, response.replace("\n", end)) for item, response in PLAIN)
    data = sink.getvalue().encode(codec)
    assert pairs(data) == PLAIN
    summary = check(data)
    assert (summary.encoding, summary.delimiter, summary.format) == (encoding, delimiter, "csv")


def test_gb18030_with_its_own_byte_order_mark() -> None:
    data = "\ufeffitem,response\nobj-0001,医学伦理\n".encode("gb18030")
    assert pairs(data) == [("obj-0001", "医学伦理")]


def test_text_that_is_valid_in_both_encodings_is_taken_as_utf8() -> None:
    # The two bytes of é in UTF-8 are a Chinese character in GB18030.
    assert pairs("item,response\nobj-0001,é\n".encode()) == [("obj-0001", "é")]


@pytest.mark.parametrize("cut", range(60_000, 60_008))
def test_characters_across_chunks(cut: int) -> None:
    """Chunks are 64 KiB: let a character, and a CRLF, fall on each side of the border."""
    response = "a" * (65_536 - len(b"item,response\r\nobj-0001,") - 60_000 + cut - 4) + "伦理"
    data = csv_of(f"obj-0001,{response}", "obj-0002,B", end="\r\n")
    assert pairs(data) == [("obj-0001", response), ("obj-0002", "B")]
    assert pairs(data.decode().encode("gb18030")) == [("obj-0001", response), ("obj-0002", "B")]
    assert problems(data + b"obj-0009,C\r\n")[0].line == 4


@pytest.mark.parametrize(
    ("data", "line", "offset"),
    [
        (b"item,response\nobj-0001,A\nobj-0002,\xff\n", 3, 35),
        (b"item,response\r\nobj-0001,A\r\nobj-0002,\xff\r\n", 3, 37),
        (b"item,response\robj-0001,A\robj-0002,\xff\r", 3, 35),
        (MARK + b"item,response\nobj-0001,\xc4\xe3\n", 2, 27),
        ("item,response\nobj-0001,答案是甲".encode() + b"\xe4\xb8", 2, 36),
    ],
)
def test_a_wrong_byte_is_named_with_line_and_position(data: bytes, line: int, offset: int) -> None:
    assert problems(data) == (Problem(Code.WRONG_ENCODING, line=line, params={"offset": offset}),)


def test_position_of_a_wrong_byte_beyond_the_first_chunk() -> None:
    data = csv_of(*(f"obj-0001,{n}" for n in range(20_000)))
    (problem,) = problems(data + b"obj-0002,\xff\n")
    assert (problem.line, problem.params["offset"]) == (20_002, len(data) + 10)


@pytest.mark.parametrize("shift", range(-2, 3))
def test_lines_are_counted_across_chunks(shift: int) -> None:
    """A CRLF that two chunks share is one line break."""
    start = b"item,response\r\nobj-0001,"
    data = start + b"x" * (65_535 - len(start) + shift) + b"\r\nobj-0002,\xff\r\n"
    assert (problems(data)[0].code, problems(data)[0].line) == (Code.WRONG_ENCODING, 3)


def test_nul_is_named_with_line_and_position() -> None:
    assert problems(b"item,response\r\nobj-0001,A\x00\r\n") == (
        Problem(Code.NUL_BYTE, line=2, params={"offset": 26}),
    )


# --- columns ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    ["item,response", " Item , RESPONSE ", "id,answer", "item-id,output", "Item ID,prediction", "题号,回答"],
)
def test_names_of_columns(header: str) -> None:
    assert pairs(csv_of("obj-0001,A", header=header)) == [("obj-0001", "A")]


def test_columns_in_any_order_and_the_others_ignored() -> None:
    data = csv_of("0.5,A,x,obj-0001,y", header="score,response,,item,<b>note</b>")
    assert pairs(data) == [("obj-0001", "A")]
    assert check(data).ignored_columns == ("score", "<b>note</b>")


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("item,id,response", "obj-0001,7,A", "A"),
        ("item,response,answer,output", "obj-0001,A,B,C", "A"),
        ("item,question,response", "obj-0001,whatever it says,A", "A"),
        ("item,response,answer_model,model", "obj-0001,A,B,C", "A"),
    ],
)
def test_the_first_name_wins(header: str, row: str, expected: str) -> None:
    assert pairs(csv_of(row, header=header)) == [("obj-0001", expected)]


def test_finish_reason_marks_a_reply_as_cut_off() -> None:
    rows = ["obj-0001,A,stop", "obj-0002,B,length", "obj-0003,C,", "obj-0004,D,MAX_TOKENS"]
    data = csv_of(*rows, header="item,response,finish_reason")
    assert [prediction.cut_off for prediction in read(data)] == [False, True, False, True]
    assert check(data).cut_off == 2


# --- rows ------------------------------------------------------------------------------------------


def test_lines_are_those_of_the_file_and_blank_rows_are_skipped() -> None:
    data = b'\n\nitem,response\n\nobj-0001,"one\r\ntwo\rthree"\n , \nobj-0002,B\n,,,\n'
    assert read(data) == [
        Prediction(5, "obj-0001", "one\ntwo\nthree", False),
        Prediction(9, "obj-0002", "B", False),
    ]


def test_blank_cells_beyond_the_header_are_dropped_others_not() -> None:
    assert pairs(csv_of("obj-0001,A,, ,")) == [("obj-0001", "A")]
    assert problems(csv_of("obj-0001,A,,B"))[0].params == {"expected": 2, "found": 4}


def test_spaces_around_an_id_do_not_matter_those_of_a_reply_stay() -> None:
    assert pairs(csv_of(" obj-0001\t, A ")) == [("obj-0001", " A ")]


@pytest.mark.parametrize(
    "response", ["=1+1", "-1", "@A", "<script>alert(1)</script>", "{}", "''", 'say "B"', "\t"]
)
def test_replies_are_kept_as_they_are(response: str) -> None:
    sink = io.StringIO()
    csv.writer(sink).writerows([["item", "response"], ["obj-0001", response]])
    assert pairs(sink.getvalue().encode()) == [("obj-0001", response)]


def test_control_characters_become_spaces_and_are_counted() -> None:
    data = jsonl_of({"item": "obj-0001", "response": "A\x00B\x1b[1m\x0c\x85\t\n"})
    assert pairs(data) == [("obj-0001", "A B [1m  \t\n")]
    assert check(data).control_characters == 4


def test_blank_replies_and_missing_items_are_fine() -> None:
    summary = check(csv_of("obj-0003,", "obj-0001,  "))
    assert (summary.rows, summary.items, summary.blank_responses) == (2, 2, 2)


def test_separators_inside_quotes_are_no_cells() -> None:
    reply = "\n".join(["a" + ",b" * 3_000] * 20) + ',"'
    quoted = reply.replace('"', '""')
    assert pairs(csv_of(f'obj-0001,"{quoted}"')) == [("obj-0001", reply)]
    # Nor are those after it forgotten, 64 KiB further on.
    cells = f'obj-0001,"a\nb",{"x" * 70_000}' + ",x" * 6_000
    assert problems(csv_of(cells))[0].code == Code.TOO_MANY_COLUMNS


def test_a_reply_may_have_200_000_characters() -> None:
    for text in ("很" * 200_000, '"' * 200_000, "😀" * 200_000):
        sink = io.StringIO()
        csv.writer(sink).writerows([["item", "response"], ["obj-0001", text]])
        assert pairs(sink.getvalue().encode()) == [("obj-0001", text)]
        assert pairs(jsonl_of({"item": "obj-0001", "response": text})) == [("obj-0001", text)]


def test_the_summary_describes_the_file() -> None:
    data = MARK + csv_of("obj-0001,A", "obj-0002,")
    assert check(data) == FileSummary(
        rows=2,
        items=2,
        encoding="utf-8-sig",
        format="csv",
        delimiter=",",
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        blank_responses=1,
        cut_off=0,
        control_characters=0,
        ignored_columns=(),
    )


# --- JSON Lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["replies.jsonl", "replies.csv", "replies", "replies.JSON"])
def test_json_lines_are_known_by_content(name: str) -> None:
    data = MARK + jsonl_of(
        {
            "item": "obj-0001",
            "response": "选甲\n😀",
            "finish_reason": "length",
            "usage": {"tokens": [1, 2.5]},
        },
        "",
        {"response": None, "item": "obj-0002", "finish_reason": None},
    )
    assert read(data, name) == [
        Prediction(1, "obj-0001", "选甲\n😀", True),
        Prediction(3, "obj-0002", "", False),
    ]
    summary = check(data, name)
    assert (summary.format, summary.delimiter, summary.blank_responses) == ("jsonl", "", 1)
    assert summary.ignored_columns == ("usage",)


def test_json_in_gb18030() -> None:
    data = json.dumps({"item": "obj-0001", "response": "知情同意"}, ensure_ascii=False).encode("gb18030")
    assert pairs(data, "r.jsonl") == [("obj-0001", "知情同意")]


def test_brackets_and_commas_inside_strings_are_text() -> None:
    response = "[{" * 30_000 + "," * 30_000 + '\\"'
    assert pairs(jsonl_of({"item": "obj-0001", "response": response}), "r.jsonl") == [("obj-0001", response)]


def test_json_by_question() -> None:
    data = jsonl_of({"question": KNOWN_QUESTIONS[4], "answer": "医生"})
    assert pairs(data, "r.jsonl") == [("obj-0005", "医生")]


# --- by question -----------------------------------------------------------------------------------


def test_questions_are_matched_by_text_and_occurrence() -> None:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(["scene", "query", "reference", "model", "response"])
    for number in (2, 0, 3, 4):
        writer.writerow(["急诊", KNOWN_QUESTIONS[number], "A", "m", f"reply {number}"])
    data = sink.getvalue().replace("\n", "\r\n").replace("\r\r", "\r").encode("utf-8-sig")
    assert pairs(data) == [
        ("obj-0003", "reply 2"),
        ("obj-0001", "reply 0"),
        ("obj-0004", "reply 3"),
        ("obj-0005", "reply 4"),
    ]
    assert check(data).ignored_columns == ("scene", "reference", "model")


def test_question_key_forgives_what_spreadsheets_do() -> None:
    assert question_key(" 甲？_x000D_\r\nA. 是 \nB. 否\u200b\n") == question_key("甲？\nA. 是\nB. 否")
    assert question_key("甲？") != question_key("乙？")


# --- problems --------------------------------------------------------------------------------------


def test_reading_goes_on_after_a_bad_row() -> None:
    data = csv_of("obj-0001,A", "nope,B", "obj-0002", "obj-0001,C", ",D", f"gone,{'x' * 11}")
    found = problems(data, limits=Limits(response=10))
    assert [(problem.line, problem.code, problem.column) for problem in found] == [
        (3, Code.UNKNOWN_ITEM, "item"),
        (4, Code.WRONG_CELL_COUNT, None),
        (5, Code.DUPLICATE_ITEM, "item"),
        (6, Code.MISSING_ITEM, "item"),
        (7, Code.UNKNOWN_ITEM, "item"),
        (7, Code.RESPONSE_TOO_LONG, "response"),
    ]
    assert found[2].params == {"item": "obj-0001", "first_line": 2}
    assert found[5].params == {"length": 11, "limit": 10}


def test_bad_json_lines_are_all_named() -> None:
    data = jsonl_of(
        {"item": "obj-0001", "response": "A"}, "{", '{"Item": "obj-0002"}', '{"item": 1, "answer": 2}'
    )
    assert [(problem.line, problem.code) for problem in problems(data, "r.jsonl")] == [
        (2, Code.NOT_JSON),
        (3, Code.MISSING_RESPONSE),
        (4, Code.WRONG_TYPE),
    ]


def test_nothing_is_yielded_from_the_first_problem_on() -> None:
    stream = io.BytesIO(csv_of("obj-0001,A", "nope,B", "obj-0002,C"))
    yielded = []
    with pytest.raises(FileRefused):
        for prediction in read_predictions(stream, name="r.csv", catalogue=CATALOGUE):
            yielded.append(prediction.item)
    assert yielded == ["obj-0001"]


def test_the_catalogue_is_not_asked_for_what_cannot_be_an_item() -> None:
    asked = []

    class Asked(ListedItems):
        def resolve(self, code: str) -> str | None:
            asked.append(code)
            return None

        def resolve_question(self, text: str, occurrence: int) -> str | None:
            asked.append(text)
            return None

    for key in ("item", "query"):
        texts = ("\ud800", "x" * 20_001, "fine")
        stream = io.BytesIO(jsonl_of(*({key: text, "response": "A"} for text in texts)))
        with pytest.raises(FileRefused) as caught:
            check_predictions(stream, name="r.jsonl", catalogue=Asked())
        assert len(caught.value.problems) == 3
    assert asked == ["fine", "fine"]


def test_a_duplicate_of_a_bad_row_is_a_duplicate_all_the_same() -> None:
    found = problems(csv_of("obj-0001,AAA", "obj-0001,B"), limits=Limits(response=2))
    assert [problem.code for problem in found] == [Code.RESPONSE_TOO_LONG, Code.DUPLICATE_ITEM]


@pytest.mark.parametrize(("count", "more"), [(49, False), (50, False), (51, True)])
def test_more_says_whether_reading_stopped(count: int, more: bool) -> None:
    with pytest.raises(FileRefused) as caught:
        check(csv_of(*(f"no-{n},A" for n in range(count))))
    assert len(caught.value.problems) == min(count, 50)
    assert caught.value.more is more


def test_limits_hold() -> None:
    rows = csv_of("obj-0001,A", "obj-0002,B")
    assert problems(rows, limits=Limits(rows=1))[0] == Problem(
        Code.TOO_MANY_ROWS, line=3, params={"limit": 1}
    )
    assert problems(rows, limits=Limits(bytes=len(rows) - 1))[0].code == Code.TOO_LARGE
    assert problems(rows, limits=Limits(lines=2))[0].code == Code.TOO_MANY_LINES
    assert problems(csv_of('obj-0001,"\n\n\n\n\n\n\n\n"'), limits=Limits(row=16))[0].code == Code.ROW_TOO_LONG
    assert problems(csv_of("obj-0001,AAAAAAAA"), limits=Limits(row=16))[0].code == Code.ROW_TOO_LONG
    assert check(rows, limits=Limits(bytes=len(rows), lines=3, rows=2, row=14)).rows == 2


def test_a_row_at_the_limit_with_a_lowered_csv_limit() -> None:
    """Another part of the process may have set the csv module's own limit lower."""
    before = csv.field_size_limit(1000)
    try:
        assert pairs(csv_of(f"obj-0001,{'x' * 5000}")) == [("obj-0001", "x" * 5000)]
    finally:
        csv.field_size_limit(max(before, csv.field_size_limit()))


def test_echo() -> None:
    assert echo("a" * 80) == "a" * 80
    assert echo("a" * 81) == "a" * 79 + "…"
    assert echo("a\x00\u202e\ud800b\n") == "a\ufffd\ufffd\ufffdb\ufffd"


def test_a_refusal_can_be_printed_and_the_stream_stays_open() -> None:
    stream = io.BytesIO(csv_of("nope,A"))
    with pytest.raises(FileRefused, match="unknown_item"):
        check_predictions(stream, name="r.csv", catalogue=CATALOGUE)
    assert not stream.closed


def test_two_readings_of_one_stream_agree() -> None:
    stream = io.BytesIO(csv_of("obj-0001,A", "obj-0002,B"))
    summary = check_predictions(stream, name="r.csv", catalogue=CATALOGUE)
    assert len(list(read_predictions(stream, name="r.csv", catalogue=CATALOGUE))) == summary.rows == 2
