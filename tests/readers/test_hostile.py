"""Every hostile file is refused for the right reason, soon, and in little memory."""

from __future__ import annotations

import tracemalloc

import pytest

from benchmark.readers.predictions import check_predictions, read_predictions
from benchmark.readers.problem import ECHO_LENGTH, Code, FileRefused, Limits
from tests.readers.hostile import CASES, MIB, Case, LazyFile, ListedItems

ids = [case.name for case in CASES]


def refused(case: Case) -> FileRefused:
    with case.open() as stream, pytest.raises(FileRefused) as caught:
        check_predictions(stream, name=case.filename, catalogue=ListedItems())
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_refused_for_the_expected_reason(case: Case) -> None:
    refusal = refused(case)
    first = refusal.problems[0]
    assert first.code == case.expected_code
    if case.line is not None:
        assert first.line == case.line
    assert len(refusal.problems) <= 50
    for problem in refusal.problems:
        for text in (problem.column or "", *problem.params.values()):
            if isinstance(text, str):
                assert len(text) <= ECHO_LENGTH
                assert text.isprintable() or "\ufffd" in text
                text.encode()


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_nothing_is_yielded_after_a_problem(case: Case) -> None:
    """Storing while reading would store at most what came before the first problem."""
    last_line = 0
    with case.open() as stream, pytest.raises(FileRefused) as caught:
        for prediction in read_predictions(stream, name=case.filename, catalogue=ListedItems()):
            last_line = prediction.line
    lines = [problem.line for problem in caught.value.problems if problem.line is not None]
    assert last_line < min(lines, default=last_line + 1)


def test_there_are_many_cases_with_names_of_their_own() -> None:
    assert len(CASES) >= 40
    assert len(set(ids)) == len(CASES)


def test_every_code_has_a_case() -> None:
    # That one needs a limit set lower: see test_predictions.
    assert {case.expected_code for case in CASES} == set(Code) - {Code.TOO_MANY_ROWS}


# Bytes that may be read before each big file is refused: where it can be known, one look at its beginning.
READ_AT_MOST = {
    Code.ZIP_ARCHIVE: MIB // 8,
    Code.TOO_LARGE: MIB // 8,
    Code.NUL_BYTE: MIB // 4,
    Code.ROW_TOO_LONG: 5 * MIB,
    Code.TOO_MANY_LINES: 4 * MIB,
}


@pytest.mark.parametrize("case", [case for case in CASES if case.big], ids=lambda case: case.name)
def test_big_files_are_left_early_and_in_little_memory(case: Case) -> None:
    stream = case.open()
    assert isinstance(stream, LazyFile)
    tracemalloc.start()
    try:
        with pytest.raises(FileRefused):
            check_predictions(stream, name=case.filename, catalogue=ListedItems())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * MIB
    if case.name != "60 MB of one id" and "quoted cell" not in case.name:
        assert stream.bytes_read <= READ_AT_MOST[case.expected_code]
    else:
        # Sound bytes, so one whole pass for the encoding; the rows themselves are left after 50 problems.
        assert stream.bytes_read <= 66 * MIB


@pytest.mark.parametrize(
    "name",
    [
        "100,000 columns",
        "a row of 100,000 quoted cells",
        "a row of a million quotation marks",
        "a million lists",
        "a million escaped marks",
        "a million closing brackets",
    ],
)
def test_dense_files_do_not_blow_up(name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    stream = case.open()
    tracemalloc.start()
    try:
        with pytest.raises(FileRefused):
            check_predictions(stream, name=case.filename, catalogue=ListedItems())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * MIB


def test_reading_stops_after_fifty_problems() -> None:
    refusal = refused(next(case for case in CASES if case.name == "sixty unknown ids"))
    assert len(refusal.problems) == 50
    assert refusal.more is True
    assert [problem.line for problem in refusal.problems] == list(range(2, 52))


def test_echoes_keep_what_the_caller_must_escape() -> None:
    refusal = refused(next(case for case in CASES if case.name == "script tag as id"))
    assert refusal.problems[0].params == {"item": "<script>alert('x')</script>"}


def test_default_limits_are_the_documented_ones() -> None:
    limits = Limits()
    assert (limits.bytes, limits.response, limits.problems) == (64 * MIB, 200_000, 50)
