"""Marks of found words, by hand and by property."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.rules.highlight import Segment, excerpt, has_found, segments
from benchmark.rules.search_terms import index_terms, query_terms

WORDS = st.text(alphabet="知情同意书 病历\n，。abcéÉＡ1１ẞ\u0301\u200b", max_size=12)


def shown(text: str, query: str) -> str:
    """The text with [ ] around what was found."""
    return "".join(f"[{piece.text}]" if piece.found else piece.text for piece in segments(text, query))


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("取得知情同意后，知情者签字", "知情", "取得[知情]同意后，[知情]者签字"),
        ("取得知情同意", "知情同意", "取得[知情同意]"),
        ("取得知情同意", "同意 取得", "[取得]知情[同意]"),
        ("取得知情同意", "情", "取得知[情]同意"),
        ("知情\n同意书", "知情同意", "[知情\n同意]书"),  # a line break inside a word
        ("知情权与同意书，情同手足", "知情同意", "[知情]权与[同意]书，[情同]手足"),  # its grams only
        ("按 ＧＢ18030 编码", "gb18030", "按 [ＧＢ18030] 编码"),
        ("Café 与 cafe\u0301s", "café", "[Café] 与 [cafe\u0301]s"),
        ("甲乙甲乙甲", "甲乙甲", "[甲乙甲乙甲]"),
        ("知情同意", "", "知情同意"),
        ("知情同意", "，。？", "知情同意"),
        ("知情同意", "病历", "知情同意"),
        ("<b>知情</b>", "b", "<[b]>知情</[b]>"),
        ("", "知情", ""),
    ],
)
def test_marks_by_hand(text: str, query: str, expected: str) -> None:
    assert shown(text, query) == expected


@given(text=WORDS, query=WORDS)
def test_pieces_joined_are_the_text_and_take_turns(text: str, query: str) -> None:
    pieces = segments(text, query)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)
    assert all(one.found != two.found for one, two in zip(pieces, pieces[1:], strict=False))


@given(parts=st.lists(WORDS, min_size=1, max_size=5), data=st.data())
def test_what_the_search_finds_is_marked_and_nothing_else(parts: list[str], data: st.DataObject) -> None:
    """Also where the words of the query stand apart, in another order or nowhere."""
    text, query = "".join(parts), " ".join(data.draw(st.permutations(parts))[:2])
    terms = query_terms(query)
    if terms and set(terms) <= set(index_terms(text).split(" ")):
        assert has_found(segments(text, query))
    for piece in segments(text, query):
        if piece.found:
            assert set(index_terms(piece.text).split(" ")) & {gram for t in terms for gram in (t, t[0])}


@given(before=WORDS, word=WORDS, behind=WORDS)
def test_a_substring_is_marked_whole(before: str, word: str, behind: str) -> None:
    assume(query_terms(word))
    marked = "".join(piece.text for piece in segments(before + word + behind, word) if piece.found)
    for character in word:
        if character.isalnum():
            assert character in marked


def test_an_excerpt_begins_near_what_was_found() -> None:
    text = "甲" * 300 + "知情同意" + "乙" * 300
    pieces = excerpt(segments(text, "知情同意"), 100)
    assert [piece.text for piece in pieces if piece.found] == ["知情同意"]
    assert pieces[0] == pieces[-1] == Segment("…", False)
    assert sum(len(piece.text) for piece in pieces) == 102


def test_an_excerpt_without_finds_is_the_beginning() -> None:
    assert excerpt(segments("甲" * 60 + "乙" * 60, ""), 60) == (
        Segment("甲" * 60, False),
        Segment("…", False),
    )
    assert excerpt(segments("甲乙", ""), 60) == (Segment("甲乙", False),)
    assert excerpt((), 60) == ()


@given(length=st.integers(1, 400), place=st.integers(0, 400), size=st.integers(50, 120))
def test_an_excerpt_always_shows_the_first_find(length: int, place: int, size: int) -> None:
    text = "甲" * place + "知" + "乙" * length
    pieces = excerpt(segments(text, "知"), size)
    assert has_found(pieces)
    assert "".join(piece.text for piece in pieces).strip("…") in text
