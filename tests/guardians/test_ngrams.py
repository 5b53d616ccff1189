"""N-grams: levelled text keeps its places, weights are scikit-learn's, and files read back the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmark.guardians.ngrams import code_of, from_terms, learn, read, spell

TEXTS = ["患者本人同意", "患者家属不同意", "应当告知患者", "告知家属后同意", "患者患者患者"]


def test_places_in_the_original() -> None:
    text = "Ａ\u200b 不９能。"
    points, places = read(text)
    assert [chr(int(point)) for point in points] == ["a", "不", "\x01", "能", "\x01"]
    assert places.tolist() == [0, 3, 4, 5, 6]


def test_weights_are_those_of_scikit_learn() -> None:
    ours = learn(TEXTS, list("abcde"), size=1_000, min_groups=1)
    theirs = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True, norm="l2").fit(TEXTS)
    assert set(ours.terms()) == set(theirs.get_feature_names_out())
    matrix = theirs.transform(TEXTS).toarray()
    place = {term: i for i, term in enumerate(theirs.get_feature_names_out())}
    for text, expected in zip(TEXTS, matrix, strict=True):
        row = ours.row(text)
        got = np.zeros(len(place))
        for term, value in zip(row.terms, row.values, strict=True):
            got[place[ours.terms()[term]]] = value
        assert got == pytest.approx(expected, abs=1e-6)
        assert np.bincount(row.hits, weights=row.shares)[row.terms] == pytest.approx(row.values)


def test_a_term_must_stand_in_enough_groups_and_holds_letters_only() -> None:
    found = learn(["同意1。同意", "同意", "不同", "好的"], ["a", "a", "b", "c"], size=10, min_groups=2)
    assert found.terms() == []
    assert learn(["同意1。同意", "同意吗", "好的"], ["a", "b", "c"], size=10, min_groups=2).terms() == [
        "同意"
    ]


def test_size_keeps_the_most_widespread() -> None:
    assert learn([*TEXTS, "无关"], list("abcdef"), size=1, min_groups=1).terms() == ["患者"]


def test_back_from_a_file() -> None:
    ours = learn(TEXTS, list("abcde"), size=1_000, min_groups=1)
    again = from_terms(ours.terms(), ours.idf)
    assert (again.codes == ours.codes).all()
    with pytest.raises(ValueError, match="ascending"):
        from_terms(ours.terms()[::-1], ours.idf)
    with pytest.raises(ValueError, match="n-gram"):
        code_of("四个字的")


@given(st.text(max_size=80))
def test_any_text_has_a_row_of_length_one_or_none(text: str) -> None:
    row = learn(TEXTS, list("abcde"), size=50, min_groups=1).row(text + "患者")
    assert float(row.values @ row.values) == pytest.approx(1.0)
    assert all(spell(code_of(part)) == part for part in ("患者", "同意书"))
