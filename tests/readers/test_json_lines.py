"""JSON lines end with a newline alone, whatever signs stand in their texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.engine.tuning_folder import RunFolder
from training.models import Run
from training.queries.tuning_pages import samples_of
from training.readers.json_lines import lines_of, objects_of, values_of
from training.services.engine_process import TailReader

NO_ENDS = "一\u2028二\u2029三\x85四\x0b五\x0c六\x1c七\x1d八\x1e九"


def lines(*values: Any) -> bytes:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode("utf-8")


@given(st.lists(st.dictionaries(st.text(), st.text(st.sampled_from(NO_ENDS + "\r\n")) | st.text())))
def test_any_text_comes_back(rows: list[dict[str, str]]) -> None:
    assert values_of(lines(*rows)) == list(objects_of(lines(*rows))) == rows


def test_what_is_no_object_is_left_out() -> None:
    data = b'{"a": 1}\r\n\n[1]\nnull\n{"a": \xff}\n{"a": 2}\n{"a"'
    assert list(objects_of(data)) == [{"a": 1}, {"a": 2}]
    assert lines_of(b"10%\r20%\n\n  \nover") == ["10%", "20%", "over"]
    with pytest.raises(ValueError, match=r"Expecting|delimiter"):
        values_of(b'{"a": 1}\n{"a"')
    with pytest.raises(ValueError, match="utf-8"):
        values_of(b'{"a": "\xff"}\n')


def test_what_an_engine_says_is_followed_whole(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.append("progress.jsonl", [{"message": NO_ENDS}, {"message": "over"}])
    assert [said["message"] for said in TailReader(tmp_path / "progress.jsonl").objects()] == [
        NO_ENDS,
        "over",
    ]


def test_sample_answers_are_read_whole(tmp_path: Path, settings: Any) -> None:
    settings.MEDES_ARTEFACTS = tmp_path
    (tmp_path / "runs" / "7").mkdir(parents=True)
    said = {"id": "a", "prompt": NO_ENDS, "step": 3, "answer": NO_ENDS}
    (tmp_path / "runs" / "7" / "samples.jsonl").write_bytes(
        lines(said, [1], "x", {"id": "b"}, said) + b'{"id"'
    )
    (sample,) = samples_of(Run(pk=7))
    assert (sample.prompt, sample.answers) == (NO_ENDS, ((3, NO_ENDS),))
