"""The text that goes to a model."""

from __future__ import annotations

import pytest

from benchmark.rules.options import parse_question
from benchmark.rules.prompts import render_prompt

OPTIONS = (("A", "上报"), ("B", "隐瞒{1}"))


def test_the_question_stands_in_the_template() -> None:
    prompt = render_prompt("请作答，格式{{字母}}。\n题目：{question}\n【思考过程】：", "哪项正确？", OPTIONS)
    assert prompt == "请作答，格式{字母}。\n题目：哪项正确？\nA.上报\nB.隐瞒{1}\n【思考过程】："


@pytest.mark.parametrize("template", [None, "", "{question}"])
def test_without_a_template_the_question_stands_alone(template: str | None) -> None:
    assert render_prompt(template, "该怎么办？{x}") == "该怎么办？{x}"


def test_a_released_question_comes_back_as_it_was() -> None:
    raw = "你是考生{注意}。\n题目：哪项正确？\nA.上报\nB.隐瞒\n【思考过程】："
    parsed = parse_question(raw)
    assert render_prompt(parsed.template, parsed.stem, parsed.options) == raw
