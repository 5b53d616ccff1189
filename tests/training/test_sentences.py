"""Whatever ends a run, or is said of its progress, has words in the reader's language."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from tests.training.sentences import all_said, filled, progress_said
from training.names import sentence
from training.queries.models_page import ModelRow
from training.services.supervising import FULL

HAN = re.compile(r"[\u4e00-\u9fff]")


def untranslated(said: Any) -> list[str]:
    with translation.override("zh-hans"):
        return [
            f"{where}: {filled(text, '7')}"
            for where, text in said
            if not HAN.search(sentence(filled(text, "7")))
        ]


def test_every_sentence_that_ends_a_run_is_translated() -> None:
    said = list(all_said())
    assert len(said) > 100
    assert not untranslated(said)


def test_every_word_of_progress_is_translated() -> None:
    said = list(progress_said())
    assert len(said) > 25
    assert not untranslated(said)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (FULL, "磁盘已满，或已达到其限额：该运行需要的空间超过现有的空间。"),
        ("The run failed: ValueError: no", "运行失败：ValueError: no"),
        ("A file could not be read or written: [Errno 5] no.", "有文件无法读取或写入：[Errno 5] no。"),
        ("The run's folder 7 could not be prepared: no.", "无法准备运行文件夹 7：no。"),
        ("Another training program still works in this run directory.", "另一个训练程序仍在该运行目录中工作。"),
        ("Row 3: the chat template of the base model refuses the turns: no", "第 3 行：基础模型的对话模板不接受这些轮次：no"),
        ("3 of 5 rows are used; 2 left out because the prompt alone fills max_length; "
         "1 answers cut; the longest row has 9 tokens",
         "使用 5 行中的 3 行；2 行因仅提示就占满 max_length 而被舍去；1 个回答被截断；最长的一行有 9 个词元"),
        ("the tokenizer names no end token: <|x|> is taken", "分词器没有结束符：改用 <|x|>"),
        ("something nobody knows", "something nobody knows"),
    ],
)  # fmt: skip
def test_sentences_in_chinese(said: str, found: str) -> None:
    with translation.override("zh-hans"):
        assert sentence(said) == found
    with translation.override("en"):
        assert sentence(said) == said


def test_the_table_of_models_tells_problems_in_chinese() -> None:
    row = ModelRow("a", "/m/a", None, problem="There is no base model /m/a.")
    with translation.override("zh-hans"):
        page = render_to_string("training/models/_rows.html", {"rows": [row], "heading": "x"})
    assert "There is no" not in page and "/m/a" in page
