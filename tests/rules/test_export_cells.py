"""Exports: nothing in them runs, everything in them reads back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.export_cells import Cell, csv_lines, neutralise, number_cell, text_cell


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        '=HYPERLINK("https://example.org","x")',
        "+1",
        "-1",
        "-",
        "@SUM(A1)",
        "\t=1",
        "\tplain",
        "\rplain",
        "\nplain",
        " =1",
        "\u3000=1",
        "\xa0\n =1",
        "\u200b=1",
        "\ufeff=1",
        "\x01=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM",
        " ＝1",
        "﹦1",
        "﹣1",
    ],
)
def test_what_a_spreadsheet_might_run_gets_an_apostrophe(cell: str) -> None:
    assert neutralise(cell) == "'" + cell


@pytest.mark.parametrize(
    "cell",
    [
        "",
        " ",
        "A",
        "答案：B",
        "1-1",
        "a=b",
        "'=1",
        "<script>",
        "obj-0001",
        "“=1”",
        "3",
        "（-1）",
        "—",
        "*",
        "  text",
    ],
)
def test_everything_else_stays(cell: str) -> None:
    assert neutralise(cell) == cell


@given(st.text())
def test_neutralise_only_adds_one_apostrophe_and_does_so_once(cell: str) -> None:
    once = neutralise(cell)
    assert once in (cell, "'" + cell)
    assert neutralise(once) == once
    assert not once.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


def test_text_that_cannot_be_written_is_replaced() -> None:
    assert text_cell("a\x00b\ud800") == "a\ufffdb\ufffd"
    assert text_cell("\ud800=1") == "\ufffd=1"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (0, "0"),
        (-7, "-7"),
        (1e-7, "1e-07"),
        (Decimal("-0.6107"), "-0.6107"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.50"), "0.50"),
    ],
)
def test_numbers_stay_numbers(number: int | float | Decimal, expected: str) -> None:
    assert number_cell(number) == expected


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), Decimal("NaN")])
def test_what_is_no_number_is_an_error(number: float | Decimal) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        number_cell(number)


def test_csv_by_hand() -> None:
    rows: list[list[Cell]] = [
        ["=cmd", -1.5, None, True, date(2026, 3, 1)],
        ['say "B", or C', 0, "line\nline", False, datetime(2026, 3, 1, 9, 30, tzinfo=UTC)],
        ["lone\rreturn", Decimal("0.6107"), "知情同意", None, ""],
    ]
    assert "".join(csv_lines(["entry", "+score", "note", "open", "at"], rows)) == (
        "entry,'+score,note,open,at\r\n"
        "'=cmd,-1.5,,true,2026-03-01\r\n"
        '"say ""B"", or C",0,"line\nline",false,2026-03-01T09:30:00+00:00\r\n'
        '"lone\rreturn",0.6107,知情同意,,\r\n'
    )


@given(st.lists(st.lists(st.text(alphabet=st.characters(codec="utf-8")), min_size=2, max_size=2)))
def test_the_csv_module_reads_back_what_was_written(rows: list[list[str]]) -> None:
    text = "".join(csv_lines(["a", "b"], rows))
    assert text.encode()
    back = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert back == [["a", "b"], *([text_cell(cell) for cell in row] for row in rows)]
    assert text == "".join(csv_lines(["a", "b"], rows))


def test_rows_are_taken_one_by_one() -> None:
    taken = []

    def rows() -> object:
        for n in range(3):
            taken.append(n)
            yield [n]

    lines = csv_lines(["n"], rows())  # type: ignore[arg-type]
    assert (next(lines), taken) == ("n\r\n", [])
    assert (next(lines), taken) == ("0\r\n", [0])


def test_a_row_of_another_width_and_an_unknown_type_are_errors() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells under a header of 2"):
        list(csv_lines(["a", "b"], [["x"]]))
    with pytest.raises(TypeError, match="list"):
        list(csv_lines(["a"], [[["x"]]]))  # type: ignore[list-item]
