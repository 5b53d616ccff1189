"""Levels of tracing on a handful of articles, by hand."""

from __future__ import annotations

import pytest

from benchmark.rules.tracing import ArticleIndex, Level, aligned_span, coverage, in_order
from benchmark.rules.wording import bare_wording, places_in

ARTICLES = [
    "医疗机构及其医务人员应当对患者的隐私和个人信息保密。泄露患者的隐私和个人信息的，应当承担侵权责任。",
    "医师注册后有下列情形之一的，注销注册，废止医师执业证书：\n（一）死亡；\n（二）受刑事处罚；\n（三）被吊销医师执业证书。",
    "本条例所称人体器官移植，是指将捐献的人体器官植入接受人身体以代替其病损器官的活动。",
    "（一）泄露患者隐私的，由卫生健康主管部门给予警告。",
]


@pytest.fixture(scope="module")
def index() -> ArticleIndex:
    return ArticleIndex(ARTICLES)


def levels(index: ArticleIndex, text: str, **more: float) -> list[tuple[int, str]]:
    return [(found.article, found.level.value) for found in index.trace(text, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Word for word: punctuation, width, white space and numbering in front do not count.
        ("医疗机构及其医务人员应当对患者的隐私和个人信息保密", [(0, "exact")]),
        ("（三）医疗机构及其 医务人员应当对患者的\n隐私和个人信息保密.", [(0, "exact")]),
        ("【保密】医疗机构及其医务人员应当对患者的隐私和个人信息保密。", [(0, "exact")]),
        # The lead-in with one of its items.
        ("医师注册后有下列情形之一的，注销注册，废止医师执业证书：（二）受刑事处罚；", [(1, "excerpt")]),
        # Nearly: one word differs.
        ("本办法所称人体器官移植，是指将捐献的人体器官植入接受人身体以代替其病损器官的活动。", [(2, "near")]),
        # Nothing, or too short to say anything.
        ("实验动物必须饲喂质量合格的全价饲料，不得饲喂霉变饲料。", []),
        ("个人信息保密", []),
        ("", []),
        ("（一）", []),
    ],
)
def test_levels(index: ArticleIndex, text: str, expected: list[tuple[int, str]]) -> None:
    assert levels(index, text) == expected


def test_the_whole_article_is_said_to_be_whole(index: ArticleIndex) -> None:
    [found] = index.trace(ARTICLES[2])
    assert found.whole and found.score == 1.0
    assert not index.trace(ARTICLES[2][:30])[0].whole


def test_items_in_another_order_are_no_excerpt(index: ArticleIndex) -> None:
    text = "（二）受刑事处罚；医师注册后有下列情形之一的，注销注册，废止医师执业证书："
    assert [found.level for found in index.trace(text)] == [Level.NEAR]


def test_a_higher_threshold_proposes_less(index: ArticleIndex) -> None:
    text = "本办法所称人体器官移植手术，是指将捐献的人体器官植入接受人身体的活动。"
    assert levels(index, text, threshold=0.5) == [(2, "near")]
    assert levels(index, text, threshold=0.99) == []


def test_the_same_words_in_two_articles_are_both_found() -> None:
    twice = ArticleIndex([ARTICLES[0], ARTICLES[2], ARTICLES[0] + "另有规定的除外。"])
    assert [found.article for found in twice.trace(ARTICLES[0])] == [0, 2]


def test_no_articles_no_traces() -> None:
    assert ArticleIndex([]).trace(ARTICLES[0]) == []
    assert ArticleIndex(["", "。"]).trace(ARTICLES[0]) == []


def test_coverage_by_hand() -> None:
    # 8 of 10 letters in two stretches of four; a stretch of two does not count.
    assert coverage("甲乙丙丁子丑戊己庚辛", "甲乙丙丁－戊己庚辛") == 0.8
    assert coverage("甲乙丙丁子丑", "子丑甲丙") == 0.0
    assert coverage("", "甲") == 0.0


def test_in_order_by_hand() -> None:
    assert in_order(["甲乙丙丁", "戊己庚辛"], "甲乙丙丁中间戊己庚辛")
    assert not in_order(["戊己庚辛", "甲乙丙丁"], "甲乙丙丁中间戊己庚辛")
    assert not in_order(["甲", "戊己庚辛"], "甲乙丙丁中间戊己庚辛")


def test_the_part_that_corresponds() -> None:
    article = "前言。" + ARTICLES[2] + "后记，与此无关。"
    norm = "本办法所称人体器官移植，是指将人体器官植入接受人身体以代替其病损器官的活动"
    start, end = places_in(article, *aligned_span(bare_wording(norm), bare_wording(article)))
    assert article[start:end] == "所称人体器官移植，是指将捐献的人体器官植入接受人身体以代替其病损器官的活动"
    assert aligned_span(bare_wording("毫不相干的一句话"), bare_wording(article)) == (0, 0)


def test_english_is_traced_the_same_way() -> None:
    rules = [
        "General requirements.\n(a) An investigator shall seek informed consent only under circumstances that minimize "
        "the possibility of coercion or undue influence.\n(b) The information shall be in language understandable to the subject."
    ]
    index = ArticleIndex(rules)
    assert levels(index, "(2) The information shall be in language understandable to the subject.") == [
        (0, "exact")
    ]
    near = "An investigator shall seek such consent only under circumstances that minimize the possibility of coercion."
    assert levels(index, near) == [(0, "near")]
