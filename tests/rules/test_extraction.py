"""The extraction rule: its case table, its properties on any text, and its cost."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.extraction import (
    EXTRACTOR_NAME,
    EXTRACTOR_VERSION,
    Extraction,
    Outcome,
    extract,
    is_right,
)
from tests.rules.extraction_cases import CASES, Case

OPTION_SETS = st.integers(2, 8).map(lambda count: "ABCDEFGH"[:count])
ANSWERS = st.sets(st.sampled_from("ABCDE"), min_size=1).map(lambda letters: "".join(sorted(letters)))
# Text as models write it, with what breaks extractors: labels, letters, markup, tags, signs nobody sees.
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *(
                "答案",
                "最终答案",
                "【最终答案】：",
                "故选",
                "正确选项为",
                "Answer:",
                "\\boxed{",
                "}",
                "<think>",
                "</think>",
            ),
            *(
                "A",
                "B",
                "AB",
                "E",
                "F",
                "ad",
                "HIV",
                "B超",
                "、",
                "，",
                "和",
                "或",
                "到",
                "-",
                "/",
                "。",
                "；",
                "\n",
                "\n\n",
            ),
            *(
                "**",
                "#",
                "`",
                "```",
                "|",
                "（",
                "）",
                "(",
                ")",
                "不是",
                "而是",
                "除",
                "外都",
                "以上",
                "都",
                "全选",
                "错误",
                "无",
            ),
            *(
                "更正",
                "等等，",
                "题目：",
                "因此",
                "\u200b",
                "\ufeff",
                "Ａ",
                "℃",
                "_x000D_",
                "\r\n",
                "\x00",
                " ",
                '"',
                "{",
                "[",
                "]",
            ),
        ]
    ),
    max_size=40,
).map("".join)
ANY_TEXT = st.one_of(st.text(max_size=300), FRAGMENTS)
BENIGN_SENTENCES = st.lists(
    st.sampled_from(
        [
            "本题考查知情同意。",
            "A选项未取得同意，违反规定。",
            "B选项符合要求。",
            "- C：涉及HIV检测，应当保密。",
            "**D选项**：参考WHO指南，成立。",
            "E. 补充维生素C与B超检查均属诊疗常规。",
            "综上，应逐项比较。",
            "排除C、D。",
            "《医师法》第二十三条有明确要求。",
            "因此正确答案应包括A和B。",
            "故选A。",
            "\n",
            "体温38℃；",
        ]
    ),
    max_size=12,
).map("".join)
HALF_TO_FULL = str.maketrans("ABCDE:,/()", "ＡＢＣＤＥ：，／（）")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(case: Case) -> None:
    found = extract(case.reply, case.options, cut_off=case.cut_off)
    assert (found.outcome, found.letters) == (case.outcome, case.letters)


def test_table_is_large_and_its_ids_are_unique() -> None:
    assert len(CASES) >= 1000
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.outcome is Outcome.SCORED], ids=lambda case: case.id
)
def test_place_lies_in_the_reply(case: Case) -> None:
    found = extract(case.reply, case.options, cut_off=case.cut_off)
    assert case.reply is not None
    assert found.start is not None and found.end is not None
    assert 0 <= found.start < found.end <= len(case.reply)


def test_place_shows_the_committed_letters() -> None:
    reply = "\u200b先看A。\r\n【最终答案】：Ｂ、Ｄ。其余不选。"
    found = extract(reply, "ABCDE")
    assert reply[found.start : found.end] == "Ｂ、Ｄ"


def test_nothing_but_scored_carries_letters_or_a_place() -> None:
    assert extract(None, "ABCD") == Extraction(Outcome.NO_REPLY, "", None, None)
    assert extract("【最终答案】：无", "ABCD") == Extraction(Outcome.UNPARSEABLE, "", None, None)


def test_name_and_version() -> None:
    assert (EXTRACTOR_NAME, EXTRACTOR_VERSION) == ("committed-answer", "1")


@pytest.mark.parametrize(
    ("letters", "key", "right"),
    [
        ("AB", "AB", True),
        ("AB", "BA", True),
        ("AB", "A、B", True),
        ("AB", "ab", True),
        ("AB", "ABC", False),
        ("ABC", "AB", False),
        ("", "AB", False),
        ("", "", False),
        ("A", "", False),
    ],
)
def test_right_is_exact_equality_of_sets(letters: str, key: str, right: bool) -> None:
    assert is_right(letters, key) is right


def test_needs_no_django() -> None:
    program = "import sys, benchmark.rules.extraction; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@given(ANY_TEXT, OPTION_SETS, st.booleans())
def test_any_text_gives_a_consistent_verdict(reply: str, options: str, cut_off: bool) -> None:
    found = extract(reply, options, cut_off=cut_off)
    assert set(found.letters) <= set(options)
    assert "".join(sorted(set(found.letters))) == found.letters
    assert (found.outcome is Outcome.SCORED) == bool(found.letters)
    assert (found.start is None) == (found.end is None) == (found.outcome is not Outcome.SCORED)
    if found.start is not None and found.end is not None:
        assert 0 <= found.start < found.end <= len(reply)


@given(st.text(max_size=80), st.text(max_size=5))
def test_any_options_are_survived(reply: str, options: str) -> None:
    extract(f"{reply}\n【最终答案】：AB", options)


@given(BENIGN_SENTENCES, ANSWERS)
def test_a_final_answer_behind_any_analysis_counts(analysis: str, answer: str) -> None:
    found = extract(f"【思考过程】：{analysis}\n【最终答案】：{answer}", "ABCDE")
    assert (found.outcome, found.letters) == (Outcome.SCORED, answer)


@given(
    BENIGN_SENTENCES,
    ANSWERS,
    st.sampled_from(["", "、", ",", "，", " ", "/", "和", "；", ", "]),
    st.sampled_from(["【最终答案】：", "答案：", "最终答案:", "正确选项为", "ANSWER: ", "### 最终答案\n"]),
)
def test_separators_and_labels_do_not_matter(analysis: str, answer: str, separator: str, label: str) -> None:
    # Without the analysis' own labels: a second label of the same rank would contradict.
    analysis = analysis.replace("因此正确答案应包括A和B。", "")
    assert extract(f"{analysis}\n{label}{separator.join(answer)}", "ABCDE").letters == answer


@given(BENIGN_SENTENCES, ANSWERS)
def test_full_width_reads_like_half_width(analysis: str, answer: str) -> None:
    reply = f"{analysis}\n最终答案: {answer}"
    wide = extract(reply.translate(HALF_TO_FULL), "ABCDE")
    assert (wide.outcome, wide.letters) == (Outcome.SCORED, extract(reply, "ABCDE").letters)


@given(
    BENIGN_SENTENCES,
    ANSWERS,
    st.sampled_from(["**{}**", "`{}`", "“{}”", "\\boxed{{{}}}", "<b>{}</b>", "（{}）"]),
)
def test_wrapping_the_letters_changes_nothing(analysis: str, answer: str, wrapper: str) -> None:
    assert extract(f"{analysis}\n【最终答案】：{wrapper.format(answer)}", "ABCDE").letters == answer
    assert extract(f"{analysis}\n**【最终答案】：{answer}**", "ABCDE").letters == answer


@given(BENIGN_SENTENCES, ANSWERS, ANSWERS)
def test_two_final_answers_agree_or_contradict(analysis: str, first: str, second: str) -> None:
    reply = f"【最终答案】：{first}\n\n{analysis}\n【最终答案】：{second}"
    found = extract(reply, "ABCDE")
    assert found.letters == (second if first == second else "")


@given(ANSWERS, ANSWERS)
def test_a_correction_is_the_answer(first: str, second: str) -> None:
    assert extract(f"答案：{first}。\n更正：答案应为{second}。", "ABCDE").letters == second


@given(st.text(alphabet="AB、\u200b\u200f\ufeff\xad", min_size=1, max_size=20))
def test_invisible_signs_do_not_matter(letters: str) -> None:
    plain = "".join(character for character in letters if character in "AB、")
    marked, unmarked = (extract(f"【最终答案】：{text}。", "ABCD") for text in (letters, plain))
    assert (marked.outcome, marked.letters) == (unmarked.outcome, unmarked.letters)


LONG = 200_000
HOSTILE = {
    "letters": "A" * LONG,
    "listed": "答案：" + "A、" * (LONG // 2),
    "labels": "答案" * (LONG // 2),
    "labels-with-letters": "答案：A。" * (LONG // 5),
    "labels-with-items": "答案：A.甲" * (LONG // 6),
    "final-labels": "【最终答案】：AB\n" * (LONG // 11),
    "contradictions": "【最终答案】：A\n【最终答案】：B\n" * (LONG // 20),
    "picks": "故选" * (LONG // 2),
    "picks-with-letters": "故选A。故选B。" * (LONG // 8),
    "spaces": "最终答案：" + " " * LONG,
    "newlines": "答案\n" * (LONG // 3),
    "stars": "最终答案" + "*" * LONG + "A",
    "brackets": "答案：" + "（" * LONG,
    "notes": "答案：" + "A（甲）、" * (LONG // 5),
    "boxes": "\\boxed{" * (LONG // 7),
    "thinking": "<think>" * (LONG // 7),
    "thinking-closed": "<think></think>" * (LONG // 15),
    "angles": "<" * LONG,
    "backslashes": "\\" * LONG,
    "table": "| 答案 |\n|---|\n" + "| A |\n" * (LONG // 6),
    "table-heads": "| 答案 |\n|---|\n" * (LONG // 13),
    "quotes": '答案"' * (LONG // 3),
    "json": '{"answer": [' + '"A",' * (LONG // 4),
    "invisible": "\u200b" * LONG + "答案：A",
    "full-width": "Ａ" * LONG,
    "corrections": "更正：" * (LONG // 3),
    "answer-then-corrections": "【最终答案】：A\n" + "不对，应改" * (LONG // 5),
    "errors": "error " * (LONG // 6),
    "words": "api error " * (LONG // 10),
    "if": "如果答案" * (LONG // 4),
    "ranges": "答案：" + "A-" * (LONG // 2),
    "items": "【最终答案】：\n" + "A. 甲\n" * (LONG // 5),
    "hyphens": "答案" + "-" * LONG,
    "pipes": "答案" + "|" * LONG,
    "excel": "_x000D_" * (LONG // 7),
    "sentences": "综上，" * (LONG // 3) + "A",
    "digits": "1" * LONG,
    "fences": "```" * (LONG // 3),
    "all-but": "除A外" * (LONG // 3),
    "others": "答案：A错误，其余" * (LONG // 9),
    "boxes-to-tick": "答案：[ ] A" * (LONG // 8),
    "struck": "~~a " * (LONG // 4),
    "at-first": "先选A，" * (LONG // 4),
    "arrows": "答案：A→" * (LONG // 5),
    "alternatives": "答案：A或B。" * (LONG // 7),
    "open-notes": "答案：A（甲）、B（" * (LONG // 10),
    "leading": "BD。" + "A，" * (LONG // 2),
    "walk": "A. 甲\n" * (LONG // 5) + "C",
    "judged": "A甲乙" * (LONG // 3) + "。综上，B正确。",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_replies_cost_little(name: str) -> None:
    """About a second would already be far above linear cost; the bound is generous for busy machines."""
    started = time.process_time()
    extract(HOSTILE[name], "ABCDE")
    assert time.process_time() - started < 4.0


def test_cost_grows_linearly() -> None:
    """Four times the text may take four times as long, not sixteen."""

    def cost(repeats: int) -> float:
        reply = "A选项错误，故选B。答案：B. 甲；C. 乙\n" * repeats
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            extract(reply, "ABCDE")
            best = min(best, time.process_time() - started)
        return best

    assert cost(8_000) < 10 * max(cost(2_000), 1e-3)
