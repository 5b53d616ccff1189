"""Full-text search on the database at hand: what it finds, that it never fails, that it uses its index."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.models import BenchmarkVersion, Item, Norm
from benchmark.queries.items import ItemFilter, filtered_items
from benchmark.queries.norms import NormFilter, filtered_norms
from benchmark.rules.search_terms import index_terms
from tests.benchmark.cast import NORMS
from tests.benchmark.library import MORE_NORMS, import_library

pytestmark = pytest.mark.django_db
TEXTS = {ref: text for ref, _article, text in (*NORMS, *MORE_NORMS)}
LONG = "".join(chr(0x4E00 + n * 7 % 20_000) for n in range(10_000))


@pytest.fixture
def version(tmp_path: Path, db: None) -> BenchmarkVersion:
    return import_library(tmp_path / "library")


def norms(query: str) -> list[str]:
    return list(Norm.objects.search(query).order_by("code").values_list("code", flat=True))


def items(query: str) -> list[str]:
    return list(Item.objects.search(query).order_by("code").values_list("code", flat=True))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("秘密", ["norm-1", "norm-4"]),
        ("知情", ["norm-5"]),
        ("知情同意", ["norm-5"]),  # parted by a line break in the text
        ("书", ["norm-5"]),
        ("一", ["norm-1"]),  # the article counts too: 第一条
        ("第五条", ["norm-5"]),
        ("说明书 同意", ["norm-5"]),
        ("同意 说明书", ["norm-5"]),
        ("秘密 同意", []),
        ("密秘", []),
        ("informed consent", ["norm-5"]),
        ("CONSENT", ["norm-5"]),
        ("gb18030", []),
        ("GB 18030", ["norm-5"]),
        ("ＧＢ", ["norm-5"]),
        ("知情informed", ["norm-5"]),
        ("8030", ["norm-5"]),
        ("zqhidden", ["norm-3"]),
        ("", ["norm-1", "norm-2", "norm-3", "norm-4", "norm-5"]),
        (" \n ", ["norm-1", "norm-2", "norm-3", "norm-4", "norm-5"]),
        ("，。！", []),
        ("\x00", []),
    ],
)
def test_norms_by_hand(query: str, expected: list[str], version: BenchmarkVersion) -> None:
    assert norms(query) == expected


def test_items_are_found_by_question_and_by_option(version: BenchmarkVersion) -> None:
    assert items("做法F之12") == ["obj-0012"]
    assert items("第43问") == ["sub-0043"]
    assert len(items("化验单")) == 3
    assert items("化验单 病历") == []


@pytest.mark.parametrize(
    "query",
    [
        '"', "'", "''", '""', "'; DROP TABLE benchmark_norm; --", "&|!*()", "&", "|", "!", "<->", ":*", "知情:*", "知情*",
        "AND", "OR", "NOT", "NEAR(知情 同意)", "NEAR", "知情 AND 同意", "-知情", "^知情", "{知情}", "search_terms:知情",
        "\\", "\\'", "%", "_", "知\x00情", "\ud800", "\u202e知情", "😀", "é", "\n", "ﬁ", "𠀀", "知情'同意", "(" * 300,
        "知情 " * 3000, LONG, "a" * 10_000, "'" * 10_000, "&" * 10_000, "知,情," * 2000,
    ],
)  # fmt: skip
def test_no_query_raises(query: str, version: BenchmarkVersion) -> None:
    """Operators and quotation marks are no syntax here: they part words, no more."""
    for found in (norms(query), items(query)):
        assert isinstance(found, list)


def test_operators_are_not_understood(version: BenchmarkVersion) -> None:
    assert norms("知情 OR 秘密") == norms("知情 | 秘密 OR") == []
    assert norms("!知情") == norms('"知情"') == norms("知情:*") == norms("-知情") == ["norm-5"]


def test_ten_thousand_characters_are_found_again(version: BenchmarkVersion) -> None:
    norm = Norm.objects.get(code="norm-2")
    Norm.objects.filter(pk=norm.pk).update(text=LONG, search_terms=index_terms(LONG))
    assert norms(LONG) == norms(LONG[3000:3100]) == ["norm-2"]
    assert norms(LONG[:500] + "秘密秘密") == []


def test_the_index_follows_its_table(version: BenchmarkVersion) -> None:
    Norm.objects.filter(code="norm-2").update(search_terms=index_terms("脑死亡的判定"))
    assert norms("脑死亡") == ["norm-2"] and norms("利诱") == []
    Norm.objects.filter(code="norm-4").delete()
    assert norms("秘密") == ["norm-1"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(data=st.data())
def test_every_part_of_a_text_finds_it(data: st.DataObject, version: BenchmarkVersion) -> None:
    ref = data.draw(st.sampled_from(sorted(TEXTS)))
    text = TEXTS[ref]
    start = data.draw(st.integers(0, len(text) - 1))
    part = text[start : start + data.draw(st.integers(1, 20))]
    if any(character.isalnum() for character in part):
        assert ref in norms(part)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(query=st.text(max_size=30))
def test_no_text_whatever_raises(query: str, version: BenchmarkVersion) -> None:
    norms(query)
    items(query)


def plans(version: BenchmarkVersion) -> list[str]:
    """How the database means to answer the searches of the pages."""
    found = (
        Norm.objects.search("知情同意").order_by(),
        Item.objects.search("病历").order_by(),
        filtered_norms(None, NormFilter(q="知情同意")),
        filtered_items(None, version, ItemFilter(q="病历")),
    )
    return [queryset.explain() for queryset in found]


def test_a_search_uses_the_index(version: BenchmarkVersion) -> None:
    names = ["benchmark_norm_search", "benchmark_item_search"] * 2
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # With so few rows the planner rightly reads them all: what must be seen is that the index serves the
            # very condition that the pages write. A version's few items it finds by version first, so of the
            # items only the search alone is looked at.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_indexscan = off")
        for plan, name in zip(plans(version)[:3], names, strict=False):
            assert f"Bitmap Index Scan on {name}" in plan, plan
        return
    for plan, name in zip(plans(version), names, strict=True):
        assert "VIRTUAL TABLE INDEX" in plan, plan
        assert f"SCAN {name} VIRTUAL TABLE" in plan, plan
        assert "SCAN benchmark_norm\n" not in plan and "SCAN benchmark_item\n" not in plan
