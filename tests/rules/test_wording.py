from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.wording import bare_pieces, bare_wording, cut_numbering, places_in


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("（一）未取得护士执业证书的人员", "未取得护士执业证书的人员"),
        ("(四) 供精者", "供精者"),
        ("4. 供精者", "供精者"),
        ("④供精者", "供精者"),
        ("四、供精者", "供精者"),
        ("1.2.3 供精者", "供精者"),
        ("a) 供精者", "供精者"),
        ("第十二条 供精者", "供精者"),
        ("**（二）** 3、供精者", "供精者"),
        ("【人体捐献】完全民事行为能力人", "完全民事行为能力人"),
        ("§ 46.116 (a) (1) Before involving", "Before involving"),
        # Wording, not numbering.
        ("一切单位和个人", "一切单位和个人"),
        ("十四周岁以上", "十四周岁以上"),
        ("3个月内", "3个月内"),
        ("2.5毫升以上", "2.5毫升以上"),
        ("第十二条规定的情形", "第十二条规定的情形"),
        ("A型血", "A型血"),
        ("（一）", "（一）"),
        ("", ""),
    ],
)
def test_numbering_is_cut_in_front_only(text: str, rest: str) -> None:
    assert cut_numbering(text) == rest


def test_two_prints_of_one_rule_have_the_same_words() -> None:
    first = "有下列情形之一的，推定医疗机构有过错：\n（一）违反规定；\n（二）隐匿病历；"
    second = "4.有下列情形之一的,推定医疗机构有过错: 1. 违反规定; 2. 隐匿病历."
    assert bare_wording(first) == bare_wording(second) == "有下列情形之一的推定医疗机构有过错违反规定隐匿病历"


def test_a_number_inside_a_sentence_is_wording() -> None:
    assert bare_wording("除前款第（一）项外，不适用。") != bare_wording("除前款第（二）项外，不适用。")


def test_pieces_are_clauses() -> None:
    assert bare_pieces("（二）应当审查：1.是否自愿；2.是否 知情。") == ["应当审查", "是否自愿", "是否知情"]


def test_a_span_of_words_is_found_in_the_print() -> None:
    text = "第三条 医师应当：\n（一）尊重患者；\n（二）保护隐私。"
    bare = bare_wording(text)
    start = bare.index("尊重")
    first, last = places_in(text, start, start + len("尊重患者保护"))
    assert text[first:last] == "尊重患者；\n（二）保护"
    assert places_in(text, 3, 3) == (0, 0) == places_in(text, 0, 999)


@given(st.text(alphabet="（一）1.二、；：\n医师 ab①【】第条§", max_size=40))
def test_places_and_words_never_part(text: str) -> None:
    bare = bare_wording(text)
    for start in range(len(bare)):
        first, last = places_in(text, start, start + 1)
        assert bare[start] in text[first:last].casefold() or text[first:last] == "①"
