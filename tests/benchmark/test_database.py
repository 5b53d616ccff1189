"""What the database guards by itself: triggers and search indexes stand, and refuse what they must."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from benchmark.database import REFUSAL, install
from benchmark.models import AnswerKey, BenchmarkVersion, Item, Norm, PromptTemplate
from benchmark.services.importing import content_hash
from tests.benchmark.cast import import_tiny
from tests.benchmark.library import import_library

pytestmark = pytest.mark.django_db

SQLITE = {
    "benchmark_answerkey_guard_insert",
    "benchmark_answerkey_guard_update",
    "benchmark_benchmarkversion_guard",
    "benchmark_item_guard_insert",
    "benchmark_item_guard_update",
    "benchmark_item_search_d",
    "benchmark_item_search_i",
    "benchmark_item_search_u",
    "benchmark_norm_search_d",
    "benchmark_norm_search_i",
    "benchmark_norm_search_u",
    "benchmark_prompttemplate_guard_insert",
    "benchmark_prompttemplate_guard_update",
}
POSTGRESQL = {
    ("benchmark_answerkey", "benchmark_answerkey_guard"),
    ("benchmark_benchmarkversion", "benchmark_benchmarkversion_guard"),
    ("benchmark_item", "benchmark_item_guard"),
    ("benchmark_prompttemplate", "benchmark_prompttemplate_guard"),
}


@pytest.fixture
def frozen(tmp_path: Path, db: None) -> BenchmarkVersion:
    return import_library(tmp_path / "library")


@pytest.fixture
def draft(tmp_path: Path, db: None) -> BenchmarkVersion:
    return import_tiny(tmp_path / "draft", "draft", freeze=False)


def rows(sql: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def refused(act: Callable[[], object]) -> bool:
    """Whether the database refuses; the transaction around stays usable."""
    try:
        with transaction.atomic():
            act()
    except IntegrityError as error:
        return REFUSAL in str(error)
    return False


def standing() -> set[object]:
    """The triggers on our tables, and on PostgreSQL only those that are switched on."""
    if connection.vendor == "sqlite":
        return {name for (name,) in rows("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    found = rows(
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'"
    )
    return set(found)


def test_every_trigger_stands(db: None) -> None:
    """A migration that rebuilds a table on SQLite drops its triggers: let it call `install` again."""
    expected = SQLITE if connection.vendor == "sqlite" else POSTGRESQL
    assert {row for row in standing() if "benchmark" in str(row)} == expected


def test_the_search_indexes_stand(db: None) -> None:
    names = {"benchmark_norm_search", "benchmark_item_search"}
    if connection.vendor == "sqlite":
        made = dict(rows("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        assert all("fts5" in made[name] for name in names)
    else:
        made = dict(rows("SELECT indexname, indexdef FROM pg_indexes"))
        assert all("USING gin" in made[name] for name in names)


def test_install_brings_back_what_was_dropped(db: None) -> None:
    before = standing()
    table = "" if connection.vendor == "sqlite" else " ON benchmark_item"
    name = "benchmark_item_guard_update" if connection.vendor == "sqlite" else "benchmark_item_guard"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}{table}")
    assert standing() != before
    for _time in range(2):
        install(None, connection.schema_editor())
        assert standing() == before


@pytest.mark.parametrize(
    "change",
    [
        {"question": "改过的题目"}, {"options": []}, {"split": "dev"}, {"norm_text": "改过的条文"}, {"code": "obj-7777"},
        {"cluster": "other"}, {"contradicts": True}, {"search_terms": ""}, {"number": 7777},
    ],
)  # fmt: skip
def test_frozen_items_do_not_change(change: dict[str, object], frozen: BenchmarkVersion) -> None:
    item = frozen.items.get(code="obj-0001")
    assert refused(lambda: Item.objects.filter(pk=item.pk).update(**change))
    for name, value in change.items():
        setattr(item, name, value)
    assert refused(item.save)
    assert content_hash(frozen) == frozen.content_hash


def test_frozen_versions_take_no_items_and_lend_none(
    frozen: BenchmarkVersion, draft: BenchmarkVersion
) -> None:
    item = draft.items.get(code="obj-0001")
    assert refused(lambda: Item.objects.filter(pk=item.pk).update(version=frozen, code="obj-9001"))
    own = frozen.items.get(code="obj-0001")
    assert refused(lambda: Item.objects.filter(pk=own.pk).update(version=draft, code="obj-9001"))
    item.pk, item.version, item.code = None, frozen, "obj-9002"
    assert refused(lambda: item.save(force_insert=True))
    assert refused(lambda: Item.objects.bulk_create([item]))


def test_frozen_keys_and_templates_do_not_change(frozen: BenchmarkVersion) -> None:
    keys = AnswerKey.objects.filter(item__version=frozen)
    assert refused(lambda: keys.update(letters="A"))
    subjective = frozen.items.get(code="sub-0001")
    assert refused(lambda: AnswerKey.objects.create(item=subjective, letters="A"))
    assert refused(lambda: PromptTemplate.objects.filter(version=frozen).update(text="{question}"))
    assert refused(lambda: PromptTemplate.objects.create(version=frozen, text_hash="x", text="{question}"))
    assert content_hash(frozen) == frozen.content_hash


def test_a_frozen_version_stays_frozen_with_its_hash(frozen: BenchmarkVersion) -> None:
    versions = BenchmarkVersion.objects.filter(pk=frozen.pk)
    assert refused(lambda: versions.update(state="draft"))
    assert refused(lambda: versions.update(content_hash="0" * 64))
    assert refused(lambda: versions.update(state="draft", content_hash=""))
    versions.update(label="1.1")  # what it is called is not what it holds
    frozen.refresh_from_db()
    assert (frozen.state, frozen.label) == ("frozen", "1.1")


def test_raw_sql_is_refused_too(frozen: BenchmarkVersion) -> None:
    assert refused(lambda: connection.cursor().execute("UPDATE benchmark_item SET question = 'x'"))


@pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite does not guard deletion, see database.py"
)
def test_frozen_rows_are_not_deleted(frozen: BenchmarkVersion) -> None:
    for table in ("benchmark_answerkey", "benchmark_prompttemplate"):
        assert refused(lambda table=table: connection.cursor().execute(f"DELETE FROM {table}"))
    item = frozen.items.get(code="obj-0021")
    assert refused(item.delete)


def test_drafts_stay_open_to_change(frozen: BenchmarkVersion, draft: BenchmarkVersion) -> None:
    item = draft.items.get(code="obj-0001")
    item.question = "改过的题目"
    item.save()
    assert Item.objects.filter(version=draft).update(split="dev") == draft.items.count()
    assert AnswerKey.objects.filter(item=item).update(letters="A") == 1
    template = PromptTemplate.objects.create(version=draft, text_hash="x", text="{question}")
    Item.objects.filter(pk=item.pk).update(template=template)
    PromptTemplate.objects.filter(pk=template.pk).update(text="题目：{question}")
    AnswerKey.objects.filter(item=item).delete()
    item.pk, item.code, item.number = None, "obj-9003", 9003
    item.save(force_insert=True)
    Item.objects.filter(code="obj-0002", version=draft).delete()
    BenchmarkVersion.objects.filter(pk=draft.pk).update(label="2")


def test_norms_live_on(frozen: BenchmarkVersion) -> None:
    """A norm may be corrected; the item keeps its snapshot."""
    item = frozen.items.get(code="sub-0001")
    Norm.objects.filter(pk=item.norm_id).update(text="改过的条文。")
    item.refresh_from_db()
    assert item.norm_text != "改过的条文。" and content_hash(frozen) == frozen.content_hash
