"""Search terms: by hand, by property, and inside SQLite's own tokeniser."""

from __future__ import annotations

import re
import sqlite3

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.rules.search_terms import index_terms, query_terms

TEXT = "医疗机构应当取得患者的知情\n同意，并按GB 18030编码保存 2 年；维生素Ｂ12、Café。"


def matches(query: str, text: str) -> bool:
    terms = query_terms(query)
    return bool(terms) and set(terms) <= set(index_terms(text).split(" "))


def test_terms_by_hand() -> None:
    assert index_terms("知情 同意") == "知 情 同 意 知情 情同 同意"
    assert index_terms("Ab1，3") == "a b n1 ab b1 ab1 n3"
    assert index_terms("甲，乙") == "甲 乙"
    assert index_terms("。 ，") == ""
    assert query_terms("知情同意") == ["知情", "情同", "同意"]
    assert query_terms("知情 同意") == ["知情", "同意"]
    assert query_terms("意") == ["意"]
    assert query_terms("covid") == ["cov", "ovi", "vid"]
    assert query_terms("维生素B12") == ["维生", "生素", "b12"]
    assert query_terms("、 ") == []


@pytest.mark.parametrize(
    "query",
    ["医疗", "知情同意", "意", "机构 保存", "gb", "18030", "803", "B12", "ｂ12", "cafe", "CAFÉ", "年"],
)
def test_found(query: str) -> None:
    assert matches(query, TEXT)


@pytest.mark.parametrize("query", ["疗医", "护士", "情知", "保存机构", "GB18030", "18031", "b21", "、"])
def test_not_found(query: str) -> None:
    assert not matches(query, TEXT)


ANY_TEXT = st.text(
    st.sampled_from("医疗知情 \n，Ab1é\u0301Ａ①㎏ß\u200b한が々〇\U00020bb7㐀龦ﬁİς"), max_size=30
) | st.text(max_size=30)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_a_substring_is_always_found(before: str, query: str, after: str) -> None:
    assume(query_terms(query))
    assert matches(query, before + query + after)


@given(ANY_TEXT)
def test_terms_are_safe_in_both_engines(text: str) -> None:
    terms = index_terms(text).split(" ") if index_terms(text) else []
    assert len(terms) == len(set(terms))
    for term in [*terms, *query_terms(text)]:
        assert re.fullmatch("[a-z\u4e00-\u9fa5][a-z0-9\u4e00-\u9fa5]*", term)


@given(st.lists(ANY_TEXT, min_size=1, max_size=5), ANY_TEXT)
def test_sqlite_finds_what_the_terms_say(texts: list[str], query: str) -> None:
    terms = query_terms(query)
    assume(terms)
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE VIRTUAL TABLE pages USING fts5(terms)")
        database.executemany(
            "INSERT INTO pages (rowid, terms) VALUES (?, ?)", enumerate(map(index_terms, texts))
        )
        expression = " AND ".join(f'"{term}"' for term in terms)
        found = database.execute("SELECT rowid FROM pages WHERE pages MATCH ? ORDER BY rowid", (expression,))
        assert [row for (row,) in found] == [n for n, text in enumerate(texts) if matches(query, text)]
    database.close()
