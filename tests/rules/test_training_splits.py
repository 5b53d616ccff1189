"""Nothing of a closed split reaches a training row: planted copies are found, honest rows pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.norm_groups import grams
from training.rules.splits import ClosedTexts, refusal

CLOSED = (
    "护士小周发现病房的张大爷把降压药藏在枕头下面，他说吃了头晕，求她不要告诉医生和女儿，她应该怎么办？",
    "一位孕妇拒绝剖宫产，家属坚持要求医院立即手术，值班医生联系不上伦理委员会，应当如何处置才合法？",
    "医生可以收红包吗？",
)
OWN = "实习医生在电梯里大声谈论患者的艾滋病检测结果，被患者的同事听见，带教老师事后应当做哪些补救？"


@pytest.fixture
def closed() -> ClosedTexts:
    return ClosedTexts(CLOSED)


@pytest.mark.parametrize(
    "text",
    [
        CLOSED[0],
        CLOSED[0].replace("，", " , ").replace("？", "?"),  # other punctuation and spacing
        CLOSED[0].replace("小周", "小王").replace("张大爷", "李奶奶").replace("女儿", "儿子"),  # other names
        f"请看下面的案例，并说明理由。{CLOSED[1]}请分点作答，每点不超过五十字，并引用法律条文。",  # quoted whole
        CLOSED[1][:36],  # most of it
        "医生可以收红包吗?",  # a short one, whole
    ],
)
def test_planted_copies_are_found(closed: ClosedTexts, text: str) -> None:
    assert closed.repeated_by(text)


@pytest.mark.parametrize(
    "text",
    [
        OWN,
        "一位孕妇拒绝输血，家属尊重她的意愿，但值班医生担心承担责任，他应当怎样与她沟通并做好记录？",
        "根据规定，医生可以收红包吗？答案是不可以：收受红包违反廉洁行医的要求，应当退还并上报。",
        "值班医生",
        "",
        "？！",
    ],
)
def test_honest_rows_pass(closed: ClosedTexts, text: str) -> None:
    assert not closed.repeated_by(text)


def test_rows_come_from_dev_alone(closed: ClosedTexts) -> None:
    assert refusal("dev", OWN, ["先停止谈论。"], closed) is None
    assert refusal("public", OWN, [], closed) == "not of the split dev"
    assert refusal("hidden", OWN, [], closed) == "not of the split dev"
    assert refusal("dev", CLOSED[1], [], closed) == "repeats a question of a closed split"
    told = f"类似的情况还有：{CLOSED[0]}"
    assert refusal("dev", OWN, ["好的。", told], closed) == "an answer repeats a question of a closed split"


def test_a_threshold_is_a_share() -> None:
    with pytest.raises(ValueError, match="share"):
        ClosedTexts(CLOSED, threshold=0)


@given(
    st.text(alphabet="患者医生护士知情同意隐私手术家属告知拒绝风险", min_size=20, max_size=80),
    st.text(max_size=30),
)
def test_any_whole_copy_is_found_wherever_it_is_put(question: str, around: str) -> None:
    found = ClosedTexts([question])
    assert found.repeated_by(question)
    if len({question[i : i + 4] for i in range(len(question) - 3)}) >= 12:
        assert found.repeated_by(around + question + around)


def plainly_repeated(closed: list[str], text: str, threshold: float = 0.6) -> bool:
    """The definition, pair by pair."""
    own = grams(text)
    for other in map(grams, closed):
        if own and own == other:
            return True
        smaller = min(len(own), len(other))
        if smaller >= 12 and len(own & other) >= threshold * smaller - 1e-9:
            return True
    return False


LETTERS = st.text(alphabet="患者医生护士知情同意隐私AB1，。 ", max_size=60)


@given(st.lists(LETTERS, max_size=5), LETTERS, st.sampled_from([0.2, 0.6, 1.0]), st.data())
def test_the_index_says_what_the_definition_says(
    closed: list[str], text: str, threshold: float, data: st.DataObject
) -> None:
    index = ClosedTexts(closed, threshold)
    assert index.repeated_by(text) == plainly_repeated(closed, text, threshold)
    if closed:  # and of texts that are partly a closed one
        one = data.draw(st.sampled_from(closed))
        mixed = text[: data.draw(st.integers(0, 20))] + one[data.draw(st.integers(0, 20)) :] + text
        assert index.repeated_by(mixed) == plainly_repeated(closed, mixed, threshold)
