"""No bytes whatever bring the reader down, what is written is what is read, and memory stays flat."""

from __future__ import annotations

import csv
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.readers.predictions import FileSummary, Prediction, check_predictions, read_predictions
from benchmark.readers.problem import FileRefused
from tests.readers.hostile import KNOWN_QUESTIONS, MIB, LazyFile, ListedItems, csv_of, jsonl_of

CATALOGUE = ListedItems()


def read(data: bytes, name: str) -> list[Prediction]:
    return list(read_predictions(io.BytesIO(data), name=name, catalogue=CATALOGUE))


def check(data: bytes, name: str) -> FileSummary:
    return check_predictions(io.BytesIO(data), name=name, catalogue=CATALOGUE)


def pairs(data: bytes, name: str = "replies.csv") -> list[tuple[str, str]]:
    return [(prediction.item, prediction.response) for prediction in read(data, name)]


VALID = (
    csv_of("obj-0001,A", 'obj-0002,"B, ""或"" C\n二"', "obj-0003,"),
    csv_of(f'"{KNOWN_QUESTIONS[0]}",A', f'"{KNOWN_QUESTIONS[2]}",B', header="query,response"),
    jsonl_of(
        {"item": "obj-0001", "response": "A\u4e2d"}, {"item": "obj-0002", "response": None, "n": [1, {}]}
    ),
)


def survives(data: bytes, name: str) -> None:
    try:
        summary = check(data, name)
    except FileRefused as refusal:
        assert 1 <= len(refusal.problems) <= 50
        last = data.count(b"\n") + data.count(b"\r") + 1
        assert all(problem.line is None or 1 <= problem.line <= last for problem in refusal.problems)
    else:
        found = read(data, name)
        assert len(found) == summary.rows == summary.items >= 1
        assert all("\r" not in p.response and "\x00" not in p.response for p in found)


names = st.sampled_from(["r.csv", "r.jsonl", "", "../r.JSON\x00"])


@settings(deadline=None)
@given(data=st.binary(max_size=300), name=names)
def test_any_bytes(data: bytes, name: str) -> None:
    survives(data, name)


@settings(deadline=None)
@given(text=st.text(alphabet='item,respon"\n\r\t;{}[]:01-obj 中\ufeff\\u', max_size=120), name=names)
def test_any_text_of_the_right_characters(text: str, name: str) -> None:
    survives(text.encode(), name)
    survives(b"item,response\n" + text.encode(), name)
    survives(b'{"item": ' + text.encode(), name)


@settings(deadline=None)
@given(
    data=st.sampled_from(VALID),
    edits=st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=4
    ),
    name=names,
)
def test_damaged_valid_files(data: bytes, edits: list[tuple[int, int, bytes]], name: str) -> None:
    for at, removed, inserted in edits:
        at %= len(data) + 1
        data = data[:at] + inserted + data[at + removed :]
    survives(data, name)


@settings(deadline=None)
@given(
    responses=st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=5),
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
    delimiter=st.sampled_from([",", "\t", ";"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_written_is_what_is_read(
    responses: list[str], encoding: str, delimiter: str, end: str
) -> None:
    expected = [
        "".join(" " if c < " " and c not in "\t\n\r" or "\x7f" <= c <= "\x9f" else c for c in text)
        .replace("\r\n", "\n")
        .replace("\r", "\n")
        for text in responses
    ]
    ids = [f"obj-{n:04d}" for n in range(1, len(responses) + 1)]
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["item", "response"], *zip(ids, responses, strict=True)])
    if not any("\x00" in text for text in responses):
        assert [response for _, response in pairs(sink.getvalue().encode(encoding))] == expected
    lines = jsonl_of(*({"item": i, "response": text} for i, text in zip(ids, responses, strict=True)))
    assert [response for _, response in pairs(lines, "r.jsonl")] == expected


# --- memory, and the released files ----------------------------------------------------------------


def test_memory_does_not_grow_with_the_file() -> None:
    class Anything:
        """Knows as few items as the file needs, so that only the reader's own memory is measured."""

        def resolve(self, code: str) -> str | None:
            return code

        def resolve_question(self, text: str, occurrence: int) -> str | None:
            return None

    def peak(size: int) -> int:
        reply = "这是一个回答，" * 3_000
        head = b"item,response\n"
        rows = "".join(f'item-{n},"{reply}"\n' for n in range(size)).encode()
        stream = LazyFile(head + rows, b"\n", len(head) + len(rows))
        tracemalloc.start()
        try:
            check_predictions(stream, name="r.csv", catalogue=Anything())  # type: ignore[arg-type]
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(20), peak(200)
    assert large < small + MIB // 2
    assert large < 4 * MIB


SHARED = Path(os.environ.get("MEDES_SHARED") or Path(__file__).resolve().parents[3] / "shared") / "medes"


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the released files are not at hand in {SHARED}")
@pytest.mark.parametrize("model", ["claude", "deepseek-r1", "gpt5", "qwen3"])
def test_released_files_are_read_as_they_are(model: str) -> None:
    with (SHARED / "objective_questions.csv").open(encoding="utf-8-sig", newline="") as file:
        questions = [row["query"] for row in csv.DictReader(file)]
    ids = tuple(f"obj-{n:04d}" for n in range(1, len(questions) + 1))
    catalogue = ListedItems(ids, tuple(questions))
    path = SHARED / f"objective_{model}.csv"
    with path.open("rb") as stream:
        summary = check_predictions(stream, name=path.name, catalogue=catalogue)
        found = list(read_predictions(stream, name=path.name, catalogue=catalogue))
    with path.open(encoding="utf-8-sig", newline="") as file:
        expected = [row["response"].replace("\r\n", "\n") for row in csv.DictReader(file)]
    assert summary.rows == summary.items == len(expected) == 1179
    assert summary.encoding == "utf-8-sig"
    assert [prediction.item for prediction in found] == list(ids)
    assert [prediction.response for prediction in found] == expected
