"""The demo corpus as it ships: sound files, quotations word for word, replies that people read the same way.

The last three tests need material that is no part of the project (statute texts, the released benchmark);
they look for it where MEDES_SHARED points or in `../shared` beside the repository, and else skip.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from benchmark.readers.native import read_native
from benchmark.readers.predictions import read_predictions
from benchmark.readers.records import ItemRecord, NormRecord, Rejected
from benchmark.rules.extraction import Extraction, Outcome, extract, is_right
from benchmark.rules.norm_groups import group_norms, shared_grams
from benchmark.rules.scenario_names import find_scenario

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "benchmark" / "demo"
SHARED = Path(os.environ.get("MEDES_SHARED") or ROOT.parent / "shared")
STATUTES = SHARED / "statutes"
RELEASED = (SHARED / "medes", SHARED / "medethiceval")
ENTRIES = ("qingyuan-32b", "baize-mini", "wentian-think", "suixin-7b")
SPLITS = {"dev", "public", "hidden"}

# What a person reads in each reply, in the order of the items: the letters committed to, or "none" (no
# commitment, or two that contradict each other), "cut" (ends before its answer), "refused", "blank".
READ_BY_PEOPLE = {
    "qingyuan-32b": """
        ABD B BCE C AC D BE AC ACE AD B ABDE A AC ABE AC B ABCD D BDE ACD BC CE ADE AD B BCD BD BC CD
        AD ABE C ABD AC AB B BD C BCD ABDE B ACE BDE D ADE AC ACF BCE BD BE CD ACE BCEF A B AC ADE ABCE A""",
    "baize-mini": """
        AB B BC C AC D BCE A ACE BC BE ABD A ACD AB ABC B ABCD D BD AC BC CE AE AD B BD BD BC CD
        AD AB C AB AC AB B BD C BC ABDE B ACE BDE D AD ACD AF BCE BD E CD AC BCEF A B ABCD ADE ABE A""",
    "wentian-think": """
        ABDE B BCE C A D BC AC cut ACD BE ABD A cut ABE AC B ABCD D BCDE ACD BC cut ADE A B BCD BD B C
        ACD ABE C ABDE AC ABC BC BD C BC cut B ACE BE D ADE CD ACF cut B BE ACD ACDE cut A B ABC AD ACE A""",
    "suixin-7b": """
        refused B BE C ACD D CE AC ABC BCE B none A ABC AE AB B ABCD B blank ACE BC none none AD B ABD BD CD AC
        A BE C BD AC AB BD BDE C none ABCDE B ACD blank D BD ABC AF refused BC BE none BC CF A B A ACE AE A""",
}
OUTCOME_OF = {
    "none": Outcome.UNPARSEABLE,
    "cut": Outcome.TRUNCATED,
    "refused": Outcome.REFUSED,
    "blank": Outcome.NO_REPLY,
}
# Plain answers that the extractor does not read yet: none. No reply may join them without having been looked at.
NOT_READ_YET = {
    "qingyuan-32b": set(),
    "baize-mini": set(),
    "wentian-think": set(),
    "suixin-7b": set(),
}
# Right answers of 60, lowest and highest: ranges that do not touch, no wider than NOT_READ_YET makes them.
RIGHT = {"qingyuan-32b": (52, 52), "baize-mini": (40, 40), "wentian-think": (34, 34), "suixin-7b": (21, 21)}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DEMO / name).read_text("utf-8").splitlines()]


ITEMS = rows("items.jsonl")
OBJECTIVE = [item for item in ITEMS if item["kind"] == "objective"]
SUBJECTIVE = [item for item in ITEMS if item["kind"] == "subjective"]
NORMS = {norm["id"]: norm for norm in rows("norms.jsonl")}
SOURCES = {source["id"]: source for source in rows("sources.jsonl")}
SCENARIOS = rows("scenarios.jsonl")


def letters_of(item: dict[str, Any]) -> str:
    return "".join(option["letter"] for option in item["options"])


class DemoItems:
    """The demo's items as a predictions file may name them."""

    def resolve(self, code: str) -> str | None:
        return code if any(item["id"] == code for item in ITEMS) else None

    def resolve_question(self, text: str, occurrence: int) -> str | None:
        return None


def replies(entry: str) -> dict[str, str]:
    path = DEMO / "replies" / f"{entry}.jsonl"
    with path.open("rb") as stream:
        found = list(read_predictions(stream, name=path.name, catalogue=DemoItems()))
    assert len(found) == len({prediction.item for prediction in found})
    return {prediction.item: prediction.response for prediction in found}


def extractions(entry: str) -> list[Extraction]:
    """In the order of the objective items."""
    answers = replies(entry)
    return [extract(answers[item["id"]], letters_of(item)) for item in OBJECTIVE]


# --- the corpus --------------------------------------------------------------------------------------------


def test_the_reader_takes_every_line_unchanged() -> None:
    records = list(read_native(DEMO))
    assert [record for record in records if isinstance(record, Rejected)] == []
    norms = {record.ref: record.text for record in records if isinstance(record, NormRecord)}
    assert norms == {ref: norm["text"] for ref, norm in NORMS.items()}
    items = [record for record in records if isinstance(record, ItemRecord)]
    assert [item.question for item in items] == [item["question"] for item in ITEMS]


def test_counts_and_ids() -> None:
    assert len(NORMS) >= 40
    assert len(SCENARIOS) == 12
    assert len(OBJECTIVE) == len(SUBJECTIVE) == 60
    for name, key in (("norms", "id"), ("sources", "id"), ("scenarios", "slug"), ("items", "id")):
        ids = [row[key] for row in rows(f"{name}.jsonl")]
        assert len(ids) == len(set(ids))
    assert [item["id"] for item in OBJECTIVE] == [f"obj-{number:04}" for number in range(1, 61)]
    assert [item["id"] for item in SUBJECTIVE] == [f"sub-{number:04}" for number in range(1, 61)]
    assert {item["scenario"] for item in ITEMS} == {scenario["slug"] for scenario in SCENARIOS}
    assert {item["norm"] for item in ITEMS} == set(NORMS)


def test_every_norm_has_an_article_and_a_dated_source() -> None:
    for norm in NORMS.values():
        assert re.fullmatch(r"第[一二三四五六七八九十百千零]+条", norm["article"]), norm["id"]
        source = SOURCES[norm["source"]]
        assert date.fromisoformat(source["in_force"]).year >= 1980, source["id"]
        assert source["title"] and source["title_en"].isascii() and source["issuer"] and source["number"]
    assert {norm["source"] for norm in NORMS.values()} == set(SOURCES)


def test_what_was_amended_since_says_so() -> None:
    """Quoted from a version that a later one has replaced: revised in 2024 and in 2025."""
    amended = {ref for ref, source in SOURCES.items() if source["status"] == "amended"}
    assert amended == {"genetic-resources-regulation", "infectious-diseases-law"}
    assert {source["status"] for source in SOURCES.values()} == {"in_force", "amended"}


def test_scenarios_are_named_as_the_platform_names_them() -> None:
    for scenario in SCENARIOS:
        known = find_scenario(scenario["slug"])
        assert known.known
        assert (scenario["name_zh"], scenario["name_en"]) == (known.name_zh, known.name_en)
        assert tuple(scenario["aliases"]) == known.aliases


def test_all_splits_hold_for_norms_and_norm_groups() -> None:
    refs = sorted(NORMS)
    groups = dict(zip(refs, group_norms([NORMS[ref]["text"] for ref in refs], 0.8), strict=True))
    splits: dict[int, set[str]] = defaultdict(set)
    for item in ITEMS:
        splits[groups[item["norm"]]].add(item["split"])
    assert all(len(found) == 1 for found in splits.values())
    for items in (OBJECTIVE, SUBJECTIVE):
        assert {item["split"] for item in items} == SPLITS


# --- the items ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", OBJECTIVE, ids=lambda item: item["id"])
def test_objective_items(item: dict[str, Any]) -> None:
    letters = letters_of(item)
    assert letters == "ABCDEFGH"[: len(letters)] and 4 <= len(letters) <= 8
    assert item["key"] and item["key"] == "".join(sorted(set(item["key"])))
    assert set(item["key"]) < set(letters)
    texts = [option["text"] for option in item["options"]]
    assert all(texts) and len(set(texts)) == len(texts)
    # The wording says whether one option or several are to be found.
    assert item["question"][-1] in "：？"
    if item["question"].endswith("的有："):
        assert len(item["key"]) > 1
    if item["question"].endswith("的是："):
        assert len(item["key"]) == 1


@pytest.mark.parametrize("item", SUBJECTIVE, ids=lambda item: item["id"])
def test_subjective_items(item: dict[str, Any]) -> None:
    assert 80 <= len(item["question"]) <= 220
    assert item["options"] == [] and item["key"] == ""
    assert item["question"][-1] in "。？！”"


def test_no_two_items_are_nearly_the_same() -> None:
    texts = [
        (item["id"], item["question"] + "".join(option["text"] for option in item["options"]))
        for item in ITEMS
    ]
    close = [
        (first, second)
        for number, (first, text) in enumerate(texts)
        for second, other in texts[number + 1 :]
        if shared_grams(text, other) > 0.25
    ]
    assert close == []


# --- the replies -------------------------------------------------------------------------------------------


def test_entries_and_reply_files_belong_together() -> None:
    entries = json.loads((DEMO / "entries.json").read_text("utf-8"))
    assert [entry["entry"] for entry in entries] == list(ENTRIES)
    assert {entry["replies"] for entry in entries} == {
        path.relative_to(DEMO).as_posix() for path in (DEMO / "replies").iterdir()
    }


@pytest.mark.parametrize("entry", ENTRIES)
def test_replies_are_complete(entry: str) -> None:
    assert list(replies(entry)) == [item["id"] for item in OBJECTIVE]


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_extractor_reads_what_people_read(entry: str) -> None:
    people = READ_BY_PEOPLE[entry].split()
    differing = {
        number
        for number, (found, read) in enumerate(zip(extractions(entry), people, strict=True), 1)
        if (found.outcome, found.letters)
        != ((OUTCOME_OF[read], "") if read in OUTCOME_OF else (Outcome.SCORED, read))
    }
    assert differing <= NOT_READ_YET[entry]


def test_entries_differ_clearly_in_quality() -> None:
    right = {
        entry: sum(
            is_right(found.letters, item["key"])
            for found, item in zip(extractions(entry), OBJECTIVE, strict=True)
        )
        for entry in ENTRIES
    }
    assert all(low <= right[entry] <= high for entry, (low, high) in RIGHT.items()), right
    assert sorted(ENTRIES, key=lambda entry: -right[entry]) == list(ENTRIES)


def test_entries_differ_clearly_in_habits() -> None:
    outcomes = {entry: Counter(found.outcome for found in extractions(entry)) for entry in ENTRIES}
    assert outcomes["qingyuan-32b"] == {Outcome.SCORED: 60}
    assert outcomes["wentian-think"] == {Outcome.SCORED: 54, Outcome.TRUNCATED: 6}
    assert outcomes["suixin-7b"][Outcome.REFUSED] == outcomes["suixin-7b"][Outcome.NO_REPLY] == 2
    assert outcomes["suixin-7b"][Outcome.UNPARSEABLE] >= 5
    assert outcomes["baize-mini"][Outcome.SCORED] >= 56

    texts = {entry: list(replies(entry).values()) for entry in ENTRIES}
    assert all(
        text.startswith("【解析】") and re.search(r"\n【最终答案】：[A-F]+$", text)
        for text in texts["qingyuan-32b"]
    )
    assert all(text.startswith("<think>\n") for text in texts["wentian-think"])
    assert median(len(text) for text in texts["baize-mini"]) < 10
    assert not any("【" in text or "<" in text for text in texts["suixin-7b"])


# --- against what is not part of the project ---------------------------------------------------------------

STATUTE_OF = {
    "civil-code": "民法典/人格权编",
    "womens-rights-law": "社会法/妇女权益保障法(2022-10-30)",
    "population-law": "行政法/人口与计划生育法(2021-08-20)",
    "organ-regulation": "行政法规/人体器官捐献和移植条例(2023-12-04)",
    "drug-law": "行政法/药品管理法(2019-08-26)",
    "criminal-amendment-11": "刑法/刑法修正案（十一）",
    "genetic-resources-regulation": "行政法规/人类遗传资源管理条例(2019-05-28)",
    "biosecurity-law": "行政法/生物安全法(2024-04-26)",
    "laboratory-animal-regulation": "行政法规/实验动物管理条例(2017-03-01)",
    "science-progress-law": "行政法/科学技术进步法(2021-12-24)",
    "basic-health-law": "行政法/基本医疗卫生与健康促进法(2019-12-28)",
    "emergency-response-law": "行政法/突发事件应对法(2024-06-28)",
    "aids-regulation": "行政法规/艾滋病防治条例(2019-03-02)",
    "infectious-diseases-law": "行政法/传染病防治法(2013-06-29)",
    "physicians-law": "行政法/医师法(2021-08-20)",
    "nurses-regulation": "行政法规/护士条例(2020-03-27)",
    "mental-health-law": "行政法/精神卫生法(2018-04-27)",
    "medical-disputes-regulation": "行政法规/医疗纠纷预防和处理条例(2018-07-31)",
    "elderly-rights-law": "社会法/老年人权益保障法(2018-12-29)",
    "personal-information-law": "行政法/个人信息保护法(2021-08-20)",
    "medical-damage-interpretation": "司法解释/最高人民法院关于审理医疗损害责任纠纷案件适用法律若干问题的解释(2020-12-29)",
}
# Its text names no day; it was published to apply from 2017-12-14 on.
WITHOUT_DAY = {"medical-damage-interpretation"}
_DAY = r"(\d{4})年(\d{1,2})月(\d{1,2})日"
# Articles begin a line; those of an amendment to another law are numbered without 第 and 条.
_ARTICLE = re.compile(
    r"(?m)^[ \t\u3000]*(?=第[一二三四五六七八九十百千零]+条[ \u3000]|[一二三四五六七八九十]+、)"
)
_TITLE_OR_ARTICLE = re.compile(r"《[^》]*》|第[一二三四五六七八九十百千零]+[条款]")
_MARKS = re.compile(r"[^\w]|_")


def without_space(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def statutes() -> dict[str, str]:
    """The text of every quoted source, by its id."""
    if not STATUTES.is_dir():
        pytest.skip("the statute texts are not at hand (set MEDES_SHARED to the folder that holds statutes/)")
    return {ref: (STATUTES / f"{name}.md").read_text("utf-8") for ref, name in STATUTE_OF.items()}


def test_quotations_are_word_for_word_and_of_that_article(statutes: dict[str, str]) -> None:
    for norm in NORMS.values():
        number = norm["article"].removeprefix("第").removesuffix("条")
        articles = [
            part
            for part in _ARTICLE.split(statutes[norm["source"]])
            if part.startswith((f"第{number}条", f"{number}、在刑法"))
        ]
        assert len(articles) == 1, norm["id"]
        assert without_space(norm["text"]) in without_space(articles[0]), norm["id"]


def test_dates_and_numbers_are_those_of_the_text(statutes: dict[str, str]) -> None:
    assert set(statutes) == set(SOURCES)
    for ref, text in statutes.items():
        days = re.findall(rf"自{_DAY}起施行", text) or re.findall(rf"(?m)^{_DAY}\s*施行", text)
        if not days and re.search("自(?:公布|发布)之日起施行", text):
            days = re.findall(rf"(?m)^{_DAY}.*令第\d+号(?:公布|发布)", text)
        if ref in WITHOUT_DAY:
            assert not days
            continue
        year, month, day = map(int, days[-1])
        assert SOURCES[ref]["in_force"] == f"{year:04}-{month:02}-{day:02}", ref
        decrees = re.findall(r"(国务院令第\d+号|国家科学技术委员会令第\d+号)(?:公布|发布)", text)
        assert not decrees or SOURCES[ref]["number"] in decrees, ref


def runs(text: str, length: int) -> set[str]:
    bare = _MARKS.sub("", text)
    return {bare[start : start + length] for start in range(len(bare) - length + 1)}


def test_nothing_is_copied_from_the_released_benchmarks(statutes: dict[str, str]) -> None:
    """No run of 13 characters of an item or 20 of a reply, but for statutes, their titles and articles."""
    files = [path for folder in RELEASED for path in sorted(folder.rglob("*.csv"))]
    if not files:
        pytest.skip(
            "the released benchmarks are not at hand (set MEDES_SHARED to the folder that holds medes/)"
        )
    own = {13: set[str](), 20: set[str]()}
    for item in ITEMS:
        for text in (item["question"], *(option["text"] for option in item["options"])):
            own[13].update(*(runs(part, 13) for part in _TITLE_OR_ARTICLE.split(text)))
    for entry in ENTRIES:
        for text in replies(entry).values():
            own[20].update(*(runs(part, 20) for part in _TITLE_OR_ARTICLE.split(text)))
    for length, found in own.items():
        for path in sorted(STATUTES.rglob("*.md")):
            found -= runs(path.read_text("utf-8"), length)
    csv.field_size_limit(1 << 30)
    copied: set[str] = set()
    for path in files:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            for cell in (cell for row in csv.reader(file) for cell in row):
                for length, found in own.items():
                    copied |= runs(cell, length) & found
    assert copied == set()
