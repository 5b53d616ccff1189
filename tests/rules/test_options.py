"""Taking questions apart: a hand-made table of layouts, and what is no option."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.options import (
    ANSWER_CUE,
    LETTERS,
    QUESTION_MARKER,
    normal_key,
    parse_question,
    render_question,
    split_template,
)

HEAD = f"请作答。\n\n示例：\n{QUESTION_MARKER}一加一等于几？\nA.一\nB.二\n{ANSWER_CUE}略\n\n"

LAYOUTS = [
    # (text, stem, options by letter, repairs)
    ("哪项正确？\nA.洗手\nB.戴帽", "哪项正确？", ["洗手", "戴帽"], ()),
    ("哪项正确？\nA. 洗手\nB．戴帽\nC、穿衣\nD：换鞋", "哪项正确？", ["洗手", "戴帽", "穿衣", "换鞋"], ()),
    ("哪项正确？\nＡ．洗手\nＢ．戴帽", "哪项正确？", ["洗手", "戴帽"], ()),
    ("哪项正确？\n（A）洗手\n（B）戴帽", "哪项正确？", ["洗手", "戴帽"], ()),
    ("哪项正确？\nA）洗手\nB）戴帽", "哪项正确？", ["洗手", "戴帽"], ()),
    ("哪项正确？\n  A .洗手\n  B .戴帽", "哪项正确？", ["洗手", "戴帽"], ()),
    ("哪项正确？\n\nA.洗手\n\nB.戴帽\n", "哪项正确？", ["洗手", "戴帽"], ("whitespace",)),
    ("哪项正确？\n以本院规定为准。\nA.洗手\nB.戴帽", "哪项正确？\n以本院规定为准。", ["洗手", "戴帽"], ()),
    ("哪项正确？\nA.洗手；\nB.戴帽。", "哪项正确？", ["洗手；", "戴帽。"], ()),
    # sharing a line
    ("哪项正确？\nA.洗手，B.戴帽，C.穿衣", "哪项正确？", ["洗手", "戴帽", "穿衣"], ("options_inline",)),
    ("哪项正确？\nA.洗手；B.戴帽；C.穿衣。", "哪项正确？", ["洗手", "戴帽", "穿衣。"], ("options_inline",)),
    ("哪项正确？\nA.洗手; B.戴帽; C.穿衣", "哪项正确？", ["洗手", "戴帽", "穿衣"], ("options_inline",)),
    ("哪项正确？\nA.洗手 B.戴帽 C.穿衣", "哪项正确？", ["洗手", "戴帽", "穿衣"], ("options_inline",)),
    ("哪项正确？ A.洗手 B.戴帽", "哪项正确？", ["洗手", "戴帽"], ("options_inline",)),
    ("哪项正确？A.洗手，B.戴帽", "哪项正确？", ["洗手", "戴帽"], ("options_inline",)),
    (
        "哪项正确？\nA.洗手  B.戴帽\nC.穿衣  D.换鞋",
        "哪项正确？",
        ["洗手", "戴帽", "穿衣", "换鞋"],
        ("options_inline",),
    ),
    (
        "哪项正确？\nA.先洗手，再戴帽，B.先戴帽",
        "哪项正确？",
        ["先洗手，再戴帽", "先戴帽"],
        ("options_inline",),
    ),
    # letters that are no markers
    ("哪项正确？\nA.服用维生素B、C族\nB.查CT、B超", "哪项正确？", ["服用维生素B、C族", "查CT、B超"], ()),
    ("哪项正确？\nA.输A型血，B型血备用\nB.不输血", "哪项正确？", ["输A型血，B型血备用", "不输血"], ()),
    ("哪项正确？\nA.维生素A，B、C族\nB.HIV检测", "哪项正确？", ["维生素A，B、C族", "HIV检测"], ()),
    ("哪项正确？\nA.同选项，B.的说法\nB.不同", "哪项正确？", ["同选项，B.的说法", "不同"], ()),
    ("患者A、B、C三人谁先救治？\nA.甲\nB.乙", "患者A、B、C三人谁先救治？", ["甲", "乙"], ()),
    # a line that continues an option
    ("哪项正确？\nA.洗手\n并擦干\nB.戴帽", "哪项正确？", ["洗手\n并擦干", "戴帽"], ()),
]


@pytest.mark.parametrize(("text", "stem", "texts", "repairs"), LAYOUTS)
def test_layouts(text: str, stem: str, texts: list[str], repairs: tuple[str, ...]) -> None:
    parsed = parse_question(text)
    assert parsed.stem == stem
    assert parsed.options == tuple(zip(LETTERS, texts, strict=False))
    assert parsed.trailer == ""
    assert parsed.repairs == repairs


def test_eight_options_share_a_line() -> None:
    parsed = parse_question("选哪些？\n" + "，".join(f"{letter}.项{n}" for n, letter in enumerate(LETTERS)))
    assert parsed.letters == "ABCDEFGH"


def test_a_skipped_letter_is_kept_as_printed_and_reported() -> None:
    parsed = parse_question("哪项正确？\nA.洗手\nB.戴帽\nD.换鞋")
    assert parsed.options == (("A", "洗手"), ("B", "戴帽"), ("D", "换鞋"))
    assert parsed.repairs == ("option_letter_gap",)


def test_a_second_list_is_set_apart_and_reported() -> None:
    parsed = parse_question("哪项正确？\nA.洗手，B.戴帽\nA.对\nB.错")
    assert parsed.options == (("A", "洗手"), ("B", "戴帽"))
    assert parsed.trailer == "A.对\nB.错"
    assert parsed.repairs == ("options_inline", "text_after_options")


@pytest.mark.parametrize(
    "text", ["", "病人问能否出院。", "A.只有一项", "B.甲\nC.乙", "维生素A、B、C有何作用？"]
)
def test_no_options(text: str) -> None:
    parsed = parse_question(text)
    assert parsed.options == ()
    assert parsed.stem == text
    assert parsed.repairs == ("no_options",)


def test_template_is_split_off() -> None:
    raw = f"{HEAD}{QUESTION_MARKER}哪项正确？\nA.洗手\nB.戴帽\n{ANSWER_CUE}\n"
    parsed = parse_question(raw)
    assert parsed.template == f"{HEAD}{QUESTION_MARKER}{{question}}\n{ANSWER_CUE}\n"
    assert parsed.question == "哪项正确？\nA.洗手\nB.戴帽"
    assert parsed.stem == "哪项正确？"
    assert parsed.letters == "AB"
    assert parsed.template.format(question=parsed.question) == raw


def test_braces_of_the_template_survive() -> None:
    raw = f"按 {{json}} 作答\n{QUESTION_MARKER}选{{哪项}}？\nA.甲\nB.乙\n{ANSWER_CUE}"
    template, question = split_template(raw)
    assert question == "选{哪项}？\nA.甲\nB.乙"
    assert template.format(question=question) == raw


@given(st.text(st.sampled_from(f"{{}}甲A.\n\r {QUESTION_MARKER}{ANSWER_CUE}"), max_size=60) | st.text())
def test_template_and_question_give_the_text_back(text: str) -> None:
    for raw in (text, f"头{text}\n{QUESTION_MARKER}{text}\n{ANSWER_CUE}\n"):
        parsed = parse_question(raw)
        assert parsed.template.format(question=parsed.question) == raw


@given(st.text())
def test_letters_always_ascend_from_a(text: str) -> None:
    letters = parse_question(text).letters
    assert letters == "" or (letters.startswith("AB") and list(letters) == sorted(set(letters)))


WORDS = st.text(st.sampled_from("洗手戴帽换鞋CTHIV型，、"), min_size=1, max_size=12).map(
    lambda word: f"项{word}项"
)


@given(WORDS, st.lists(WORDS, min_size=2, max_size=8))
def test_rendering_is_parsed_back(stem: str, texts: list[str]) -> None:
    options = tuple(zip(LETTERS, texts, strict=False))
    parsed = parse_question(render_question(stem, options))
    assert (parsed.stem, parsed.options) == (stem, options)


@pytest.mark.parametrize(
    ("raw", "key"),
    [("A", "A"), ("CA", "AC"), ("B、D", "BD"), ("ａ，Ｃ", "AC"), (" H \n", "H"), ("ABA", "AB")],
)
def test_keys(raw: str, key: str) -> None:
    assert normal_key(raw) == key


@pytest.mark.parametrize("raw", ["", " ", "I", "AZ", "略", "A.", "A1"])
def test_no_keys(raw: str) -> None:
    with pytest.raises(ValueError, match="answer key"):
        normal_key(raw)
