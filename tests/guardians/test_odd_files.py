"""`judge FILE --guardian … --json` on files nobody meant to write: an answer or a sentence, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from benchmark.rules.rubric import CRITERIA
from medes_site.environment import ROOT
from tests.guardians.material import run_folder
from training.engine.guardian import main

HEAD = "norm,question,response\n"
ANSWERS = (
    "", " \n\t ", "。，！？……", "🫠" * 500, "Only English, with no law at all.", "<script>alert(1)</script><b>《民法典》</b>",
    "最终评分：0,0", '{"r1": 0, "r2": 0}', "\u200b不\u200b能\u2060", "a\0b", "长" * 350_000, "= HYPERLINK(1)", "\ufeff《医师法》",
)  # fmt: skip


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = run_folder(tmp_path_factory.mktemp("judge") / "run", learning_curve=False)
    assert main([str(folder)]) == 0
    return folder / "artefact"


@pytest.fixture
def judged(artefact: Path, tmp_path: Path) -> Any:
    def judge(content: str | bytes, name: str = "rows.csv") -> list[dict[str, Any]]:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        out = StringIO()
        call_command("judge", str(file), guardian=str(artefact), json=True, stdout=out)
        rows: list[dict[str, Any]] = json.loads(out.getvalue())["rows"]
        out.getvalue().encode()
        return rows

    return judge


def quoted(*cells: str) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"


def assert_in_order(rows: list[dict[str, Any]], lines: list[tuple[str, str, str]], judged: Any) -> None:
    """Each row is what the same case gets alone: the order is the file's, and no row leans on another."""
    for row, line in zip(rows, lines, strict=True):
        alone = judged(
            json.dumps(dict(zip(("norm", "question", "response"), line, strict=True))) + "\n", "one.jsonl"
        )
        assert [row] == alone


def test_odd_answers_are_judged_in_the_order_of_the_file(judged: Any) -> None:
    lines = [("应当征得患者同意。", f"问题{number}", answer) for number, answer in enumerate(ANSWERS)]
    rows = judged(HEAD + "".join(quoted(*line) for line in lines))
    assert_in_order(rows, lines, judged)
    for row in rows:
        assert row["failed"] is None
        assert set(row["p"]) == set(CRITERIA) and all(0 <= p <= 1 for p in row["p"].values())
        risky = -1 in (row["r1"], row["r2"])
        for name in CRITERIA:
            open_ = name in row["abstained"] or (risky and name.startswith("q"))
            assert (row[name] is None) is open_, "a verdict is null where it abstained, and nowhere else"
    objects = [dict(zip(("norm", "question", "response"), line, strict=True)) for line in lines]
    again = judged("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in objects), "rows.jsonl")
    assert again == rows


@pytest.mark.parametrize(
    "content",
    [
        ("\ufeff" + HEAD + quoted("n", "q", "r")),
        (HEAD + quoted("n", "q", "r")).replace("\n", "\r\n"),
        "response,extra,QUESTION , norm\nr,x,q,n\n",
        "model,reference,query,response\nm,n,q,r\n",
        (HEAD + "n,q,r").encode("gb18030"),
    ],
)
def test_other_ways_to_write_the_same_row(judged: Any, content: str | bytes) -> None:
    assert judged(content) == judged('{"norm": "n", "question": "q", "response": "r"}\r\n', "one.jsonl")


def test_nulls_and_missing_norms(judged: Any) -> None:
    rows = judged(
        '{"norm": null, "question": "q", "response": null}\n\n{"question": "q", "response": "r"}\n', "a.jsonl"
    )
    assert_in_order(rows, [("", "q", ""), ("", "q", "r")], judged)
    assert judged("question,response\nq,r\n") == rows[1:]


def test_rows_without_text_keep_their_place(judged: Any) -> None:
    rows = judged(HEAD + 'n,q,《民法典》第一条\n,,\n"","",""\n\nn,q,\nn,q,last\n')
    assert_in_order(
        rows,
        [("n", "q", "《民法典》第一条"), ("", "", ""), ("", "", ""), ("n", "q", ""), ("n", "q", "last")],
        judged,
    )
    assert [row["failed"] for row in rows] == [None] * 5, "an answer of nothing is judged too"
    assert [row["q2"] for row in rows] == [1, 0, 0, 0, 0], "a law is cited in the first row and nowhere else"
    assert rows[1] == rows[2] and len({json.dumps(row) for row in (rows[0], rows[2], rows[4])}) == 3


def test_a_row_that_is_none_is_told_in_its_place(judged: Any) -> None:
    rows = judged(
        '{"question": "q", "response": "r"}\n{"question": "q", "response": "\\ud800"}\n[1]\n{"question": "q"}\n'
        '{"question": "q", "response": ["r"]}\n{"question": "q", "response": "r", "response": "s"}\n'
        + '{"question": "q", "response": "r", "x": ' + "[" * 5000 + "]" * 5000 + "}\n"
        + '{"question": "q", "response": "s"}\n',
        "a.jsonl",
    )  # fmt: skip
    assert [bool(row["failed"]) for row in rows] == [False, *[True] * 6, False]
    assert rows[1]["failed"] == "line 2, response: lone surrogate"
    for row in rows[1:-1]:
        assert {row[name] for name in CRITERIA} == {None} and set(row["p"].values()) == {None}
    cells = judged(HEAD + "n,q,r\nn,q\nn,q,r,s\nn,q,s\n")
    assert [bool(row["failed"]) for row in cells] == [False, True, True, False]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (HEAD, "no rows"),
        ("norm,question,answer\nn,q,r\n", "response: missing column"),
        ("norm,question,response,response\nn,q,r,s\n", "ambiguous column"),
        (HEAD + 'n,q,"open\n', "unterminated quote"),
        (HEAD.encode() + b"n,q,\xff\xfe\n", "wrong encoding"),
        ((HEAD + "n,q,r\n").encode("utf-16"), "utf16"),
        ('[{"norm": "n", "question": "q", "response": "r"}]', "question: missing column"),
        ('{"norm": "n"', "not json"),
        (b"PK\x03\x04" + b"\0" * 100, "line 0"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_in_a_sentence(
    judged: Any, content: str | bytes, complaint: str
) -> None:
    with pytest.raises(CommandError, match=complaint):
        judged(content)


def test_a_folder_or_nothing_is_refused(artefact: Path, tmp_path: Path) -> None:
    for path, complaint in ((tmp_path, "directory"), (tmp_path / "none.csv", "no such file")):
        with pytest.raises(CommandError, match=complaint):
            call_command("judge", str(path), guardian=str(artefact), json=True, stdout=StringIO())


def test_exit_codes_and_one_object_on_stdout(artefact: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(HEAD + quoted("规范", "问", "答：" + "🫠"), "utf-8")
    bad.write_text("a,b\n1,2\n", "utf-8")
    for file, code in ((good, 0), (bad, 1)):
        command = [sys.executable, "manage.py", "judge", str(file), "--guardian", str(artefact), "--json"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == code and "Traceback" not in done.stderr
        if code:
            assert done.stdout == "" and "missing column" in done.stderr
        else:
            assert len(json.loads(done.stdout)["rows"]) == 1
