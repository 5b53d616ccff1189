"""Statutes as they come: the usual layout, and what else has been seen or may be met."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.readers.corpus_profile import BadProfile, CorpusProfile, load_profile, read_profile
from benchmark.readers.records import Rejected
from benchmark.readers.statutes import Statute, read_statute, read_statutes

CHINESE = load_profile("cn-statutes")
AMERICAN = load_profile("us-federal")

USUAL = """# 某某条例

2007年3月21日 国务院第171次常务会议通过

2007年3月31日 中华人民共和国国务院令第491号公布

2007年5月1日 施行

<!-- INFO END -->

## 第一章 总 则

第一条 为了规范某某活动，制定本条例。

第二条 医疗机构不得有下列行为：

（一）隐瞒情况；

（二）伪造记录。

第十二条规定的情形除外。

### 第一节  一般规定

第三条 本条例自2007年5月1日起施行。1990年1月2日国务院发布的《某某暂行办法》同时废止。
"""


def read(text: str, name: str = "某某条例.md", profile: CorpusProfile = CHINESE) -> Statute:
    statute = read_statute(io.BytesIO(text.encode()), profile, name)
    assert isinstance(statute, Statute), statute
    return statute


def labels(statute: Statute) -> list[str]:
    return [article.label for article in statute.articles]


def codes(statute: Statute) -> list[tuple[str, str]]:
    return [(note.code, note.article) for note in statute.notes]


def test_the_usual_layout() -> None:
    statute = read(USUAL)
    assert (statute.title, statute.part, statute.family) == ("某某条例", "", "某某条例")
    assert labels(statute) == ["第一条", "第二条", "第三条"] and codes(statute) == []
    second = statute.articles[1]
    assert (
        second.text
        == "医疗机构不得有下列行为：\n（一）隐瞒情况；\n（二）伪造记录。\n第十二条规定的情形除外。"
    )
    assert (second.heading, second.line) == ("第一章 总 则", 15)
    assert statute.articles[2].heading == "第一章 总 则 › 第一节 一般规定"
    facts = statute.facts
    assert (facts.in_force, facts.version_date) == (date(2007, 5, 1), date(2007, 3, 31))
    assert (facts.kind, facts.issuer, facts.number) == ("regulation", "国务院", "国务院令第491号")
    assert facts.repeals == (("某某暂行办法", "1990年1月2日国务院发布的《某某暂行办法》同时废止"),)


@pytest.mark.parametrize(
    ("head", "label", "text"),
    [
        ("第三条　全角空格。", "第三条", "全角空格。"),
        ("**第三条** 加粗。", "第三条", "加粗。"),
        ("**第三条　加粗。**", "第三条", "加粗。"),
        ("> 第三条 引用。", "第三条", "引用。"),
        ("### 第三条 标题式。", "第三条", "标题式。"),
        ("第三条【立法目的】带标题。", "第三条", "【立法目的】带标题。"),
        ("第三条为了保护患者，制定本法。", "第三条", "为了保护患者，制定本法。"),
        ("第 三 条 有空格。", "第三条", "有空格。"),
        ("第3条 数字。", "第3条", "数字。"),
        ("第３条 全角数字。", "第３条", "全角数字。"),
        ("第二条之一 插入的条。", "第二条之一", "插入的条。"),
        ("第三条\n\n另起一段。", "第三条", "另起一段。"),
        ("第三条 见[链接](https://example.org/a)。", "第三条", "见链接。"),
    ],
)
def test_heads_of_articles(head: str, label: str, text: str) -> None:
    statute = read(f"# 某法\n\n第一条 甲。\n\n第二条 乙。\n\n{head}\n\n第四条 丁。\n")
    assert labels(statute)[2] == label and statute.articles[2].text == text
    assert len(statute.articles) == 4


@pytest.mark.parametrize(
    "line",
    [
        "第三条规定的情形除外。",
        "第三条、第四条所列的人员。",
        "第五条第一款第二项的规定。",
        "第十条 规定的条件。",
        "第三条至第五条的规定。",
        "“第三条 引文。”",
    ],
)
def test_a_paragraph_that_speaks_of_an_article_is_none(line: str) -> None:
    statute = read(f"# 某法\n\n第一条 甲。\n\n第二条 乙：\n\n{line}\n\n第三条 丙。\n")
    assert labels(statute) == ["第一条", "第二条", "第三条"]
    assert line in statute.articles[1].text


def test_chapters_without_marks_and_annexes() -> None:
    statute = read(
        "# 某办法\n\n总　则\n\n第一条 甲。\n\n第二章  罚则\n\n第二条 乙。\n\n附 则\n\n第三条 本办法自公布之日起施行。\n\n"
        "附件1：登记表\n\n姓名\n\n第四条 表中的行。\n"
    )
    assert labels(statute) == ["第一条", "第二条", "第三条"]
    assert [article.heading for article in statute.articles] == ["总 则", "第二章 罚则", "附 则"]
    assert statute.articles[2].text == "本办法自公布之日起施行。"
    assert ("annex", "") in codes(statute)


@pytest.mark.parametrize(
    "line", ["附件", "附件1：登记表", "附：相关文件", "附录 名单", "附表一", "# 附件二", "附 件"]
)
def test_what_ends_the_articles(line: str) -> None:
    statute = read(f"# 某法\n\n第一条 甲。\n\n附有条件的，从其约定。\n\n{line}\n\n表中的行。\n")
    assert [article.text for article in statute.articles] == ["甲。\n附有条件的，从其约定。"]
    assert ("annex", "") in codes(statute)


def test_amendments_number_their_articles_otherwise() -> None:
    statute = read(
        "# 中华人民共和国刑法修正案（九十）\n\n2030年12月26日 第十三届全国人民代表大会常务委员会第二十四次会议通过\n\n"
        "<!-- INFO END -->\n\n一、将刑法第十七条修改为：“甲。\n\n“乙。”\n\n二、本修正案自2031年3月1日起施行。\n"
    )
    assert labels(statute) == ["第一条", "第二条"]
    assert statute.articles[0].text == "将刑法第十七条修改为：“甲。\n“乙。”"
    assert (statute.facts.in_force, statute.facts.kind) == (date(2031, 3, 1), "law")
    assert statute.facts.issuer == "全国人民代表大会常务委员会"
    assert ("numbered_otherwise", "") in codes(statute)


def test_a_part_of_a_code() -> None:
    front = "2020年5月28日 通过\n\n2021年1月1日 施行\n\n<!-- INFO END -->"
    text = f"# 中华人民共和国民法典\n\n# 总则\n\n{front}\n\n## 第一章\n\n第一条 甲。\n"
    statute = read(text)
    assert (statute.title, statute.part, statute.family) == ("中华人民共和国民法典", "总则", "民法典")
    assert statute.articles[0].heading == "总则 › 第一章"
    assert statute.facts.in_force == date(2021, 1, 1)


@pytest.mark.parametrize(
    ("front", "closing", "in_force", "version"),
    [
        # The statute's own clause, not the notes; an amended law keeps its first clause.
        ("2020年10月17日 通过\n\n2024年4月26日 《修改〈某法〉的决定》修正",
         "本法自2021年4月15日起施行。", (2021, 4, 15), (2024, 4, 26)),
        ("2001年6月20日 国务院令第308号公布\n\n2023年7月20日 第三次修订",
         "本办法自公布之日起施行。", (2001, 6, 20), (2023, 7, 20)),
        ("1988年11月14日 发布", "本条例自发布之日起施行。", (1988, 11, 14), (1988, 11, 14)),
        ("（2007年3月31日国务院令第491号公布　自2007年5月1日起施行）", "违反本条例的，依法处理。", (2007, 5, 1), (2007, 3, 31)),
        ("二〇二一年六月八日通过", "本规定自二〇二一年八月一日起施行。", (2021, 8, 1), (2021, 6, 8)),
        ("２０２１年６月８日 通过", "本规定自２０２１年８月１日起施行。", (2021, 8, 1), (2021, 6, 8)),
        ("2021年6月8日 通过", "本法自2021年9月1日起施行。《旧法》自2020年1月1日起施行的规定同时废止。",
         (2021, 9, 1), (2021, 6, 8)),
        ("2021年2月30日 通过", "本法自2021年13月1日起施行。", None, None),
        ("", "依法处理。", None, None),
    ],
)  # fmt: skip
def test_dates(
    front: str, closing: str, in_force: tuple[int, ...] | None, version: tuple[int, ...] | None
) -> None:
    facts = read(f"# 某法\n\n{front}\n\n<!-- INFO END -->\n\n第一条 甲。\n\n第二条 {closing}\n").facts
    assert facts.in_force == (date(*in_force) if in_force else None)
    assert facts.version_date == (date(*version) if version else None)


def test_a_files_name_dates_the_version_but_never_the_force() -> None:
    facts = read("# 某法\n\n第一条 甲。\n", "某法(2019-03-02).md").facts
    assert (facts.in_force, facts.version_date) == (None, date(2019, 3, 2))


@pytest.mark.parametrize(
    ("title", "family"),
    [
        ("中华人民共和国医师法", "医师法"),
        (
            "最高人民法院关于适用《中华人民共和国民法典》侵权责任编的解释（一）",
            "关于适用民法典侵权责任编的解释(一)",
        ),
        ("某某条例（2019年修订）", "某某条例"),
        ("某某办法（试行）", "某某办法(试行)"),
        ("中华人民共和国", "中华人民共和国"),
    ],
)
def test_families(title: str, family: str) -> None:
    assert read(f"# {title}\n\n第一条 甲。\n").family == family


def test_what_is_odd_is_noted() -> None:
    statute = read(
        "第一条 甲。\n\n第三条 丙。\n\n第二条 乙。\n\n第三条 又一个。\n\n第四条\n\n## 第五章\n\n第五条 戊。\n"
    )
    assert labels(statute) == ["第一条", "第三条", "第二条", "第三条", "第五条"]
    assert codes(statute) == [
        ("gap", "第三条"), ("out_of_order", "第二条"), ("repeated", "第三条"), ("empty_article", "第四条"),
        ("no_title", ""), ("no_date", ""),
    ]  # fmt: skip
    assert statute.title == "某某条例"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"# README\n\nNo article here.\n", "no_articles"),
        (b"PK\x03\x04" + b"\x00" * 40, "zip_archive"),
        ("第一条 甲。".encode("utf-16"), "utf16"),
    ],
)
def test_what_is_no_statute(data: bytes, code: str) -> None:
    found = read_statute(io.BytesIO(data), CHINESE, "x.md")
    assert isinstance(found, Rejected) and (found.code, found.file) == (code, "x.md")


def test_encodings_and_line_ends_do_not_matter() -> None:
    plain = read(USUAL)
    for data in (
        b"\xef\xbb\xbf" + USUAL.encode(),
        USUAL.encode("gb18030"),
        USUAL.replace("\n", "\r\n").encode(),
        USUAL.replace("\n", "\r").encode(),
    ):
        other = read_statute(io.BytesIO(data), CHINESE, "某某条例.md")
        assert isinstance(other, Statute)
        assert (other.articles, other.facts) == (plain.articles, plain.facts)


def test_the_same_words_have_the_same_digest() -> None:
    other = USUAL.replace("# 某某条例", "# 关于某某的条例").replace("总 则", "总则").replace("：", ":")
    assert read(other).digest == read(USUAL).digest
    assert read(USUAL.replace("伪造", "编造")).digest != read(USUAL).digest


def test_a_folder_is_read_in_one_order(tmp_path: Path) -> None:
    for name in ("乙/b.md", "甲/a.txt", ".git/c.md", "甲/d.pdf"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(USUAL, "utf-8")
    assert [found.file for found in read_statutes(tmp_path, CHINESE)] == ["乙/b.md", "甲/a.txt"]


@given(st.text(alphabet="第一二三条之 　#*>\n（）甲，。<!->【】附件则章", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = read_statute(io.BytesIO(text.encode()), CHINESE, "x.md")
    assert isinstance(found, Statute | Rejected)
    if isinstance(found, Statute):
        assert found.articles and all(article.text and article.label for article in found.articles)


def test_american_sections() -> None:
    statute = read(
        "# 45 CFR Part 46: Protection of Human Subjects\n\n"
        "Published June 18, 1991 (56 FR 28003); effective August 19, 1991.\n\n<!-- INFO END -->\n\n"
        "## Subpart A\n\n§ 46.111 Criteria.\n\n(a) As § 46.116 requires.\n\n§ 46.116 (a) and § 46.117 apply.\n\n"
        "§ 46.116 Consent.\n\n(1) Before involving.\n",
        "46.md",
        AMERICAN,
    )
    assert labels(statute) == ["§ 46.111", "§ 46.116"]
    assert statute.articles[0].text.endswith("§ 46.116 (a) and § 46.117 apply.")
    assert statute.articles[1].text == "Consent.\n(1) Before involving."
    assert (statute.facts.in_force, statute.facts.version_date) == (date(1991, 8, 19), date(1991, 6, 18))
    assert statute.facts.number == "56 FR 28003"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "dates.date"),
        ({"dates": {"date": "x"}}, "year"),
        ({"dates": {"date": "(?P<year>1)(?P<month>2)(?P<day>3)"}}, "corpus.slug"),
        ({"dates": 3}, "table"),
        ({"dates": {"date": "("}}, "dates.date"),
    ],
)
def test_a_bad_profile_names_its_fault(document: dict[str, object], says: str) -> None:
    with pytest.raises(BadProfile, match=says):
        read_profile(document)


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(BadProfile, match="cn-statutes, us-federal"):
        load_profile("mars")


def test_the_statutes_at_hand(shared_data: Path) -> None:
    """68 files with 4,266 heads 第…条 and two amendments of 50 and 48 articles; nothing is lost or made up."""
    found = list(read_statutes(shared_data / "statutes", CHINESE))
    statutes = [statute for statute in found if isinstance(statute, Statute)]
    assert [row.file for row in found if isinstance(row, Rejected)] == ["README.md"]
    otherwise = [row for row in statutes if ("numbered_otherwise", "") in codes(row)]
    assert sorted(len(row.articles) for row in otherwise) == [48, 50]
    assert sum(len(row.articles) for row in statutes if row not in otherwise) == 4266
    assert {note.code for row in statutes for note in row.notes} == {"numbered_otherwise", "no_date"}
    undated = [row.family for row in statutes if row.facts.in_force is None]
    assert undated == ["关于审理医疗损害责任纠纷案件适用法律若干问题的解释", "麻醉药品和精神药品管理条例"]
