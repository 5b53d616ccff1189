"""Imports a benchmark: norms, scenarios and items, in batches, safe to repeat.

Two passes over the records: the first gathers norms and scenarios (norm groups need all norms at once),
the second streams the items. A frozen version is compared, never written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from benchmark.errors import BadInput
from benchmark.models import (
    AnswerKey,
    Benchmark,
    BenchmarkVersion,
    Corpus,
    Item,
    Norm,
    NormGroup,
    PromptTemplate,
)
from benchmark.readers.records import (
    BenchmarkRecord,
    ItemRecord,
    NormRecord,
    Rejected,
    ScenarioRecord,
    SourceRecord,
)
from benchmark.rules.cleaning import text_hash
from benchmark.rules.content_hash import benchmark_hash
from benchmark.rules.duplicates import mark_duplicates
from benchmark.rules.matching import keys_of_item, normal_form
from benchmark.rules.search_terms import index_terms
from benchmark.rules.splits import assign_split
from benchmark.services.norms import NormBook, store_norms, store_scenarios, store_sources
from benchmark.services.reports import ImportReport
from benchmark.services.submissions import batches

BATCH = 500
Records = Callable[[], Iterable[object]]
COMPARED = (
    "kind",
    "number",
    "split",
    "dimension",
    "scenario_id",
    "norm_id",
    "norm_text",
    "template_id",
    "question",
    "options",
    "cluster",
    "contradicts",
)


@dataclass(frozen=True)
class ImportPlan:
    """What to import and how: `records` gives a fresh iterator each time, for the two passes."""

    head: BenchmarkRecord
    records: Records
    shares: Mapping[str, float]
    freeze: bool = True
    progress: Callable[[int], None] = lambda count: None


def import_benchmark(plan: ImportPlan) -> ImportReport:
    """Imports, then freezes. On a frozen version nothing is written: what differs is reported as rejected."""
    version = _version(plan.head)
    report = ImportReport(plan.head.slug, plan.head.version)
    book = NormBook()
    with transaction.atomic():
        duplicates = _first_pass(plan, version.benchmark.corpus, book, report)
    importer = _ItemImporter(version, plan.shares, book, duplicates, report)
    items = (record for record in plan.records() if isinstance(record, ItemRecord))
    done = 0
    for batch in batches(items, BATCH):
        with transaction.atomic():
            importer.store(batch)
        done += len(batch)
        plan.progress(done)
    if not version.is_frozen:
        importer.link_duplicates()
        _link_scenarios(version)
        if plan.freeze:
            freeze_version(version)
    report.state, report.content_hash = version.state, version.content_hash
    return report


def _version(head: BenchmarkRecord) -> BenchmarkVersion:
    """The version to import into, made with its benchmark and corpus when new."""
    with transaction.atomic():
        corpus, _created = Corpus.objects.get_or_create(
            slug=head.corpus.slug,
            defaults={
                "name_zh": head.corpus.name_zh,
                "name_en": head.corpus.name_en,
                "jurisdiction": head.corpus.jurisdiction,
                "language": head.corpus.language,
                "version": head.corpus.version,
            },
        )
        benchmark, _created = Benchmark.objects.get_or_create(
            slug=head.slug,
            defaults={
                "corpus": corpus,
                "name_zh": head.name.get("zh", head.slug),
                "name_en": head.name.get("en", head.slug),
                "description_zh": head.description.get("zh", ""),
                "description_en": head.description.get("en", ""),
                "licence": head.licence,
            },
        )
        version, _created = BenchmarkVersion.objects.get_or_create(benchmark=benchmark, label=head.version)
    return version


def _first_pass(
    plan: ImportPlan, corpus: Corpus, book: NormBook, report: ImportReport
) -> dict[str, tuple[str, bool]]:
    """Stores scenarios, sources and norms; returns duplicate code -> (first code, contradicts)."""
    scenarios, sources, norms = [], [], []
    questions: list[tuple[str, str]] = []
    codes: list[str] = []
    for record in plan.records():
        match record:
            case ScenarioRecord():
                scenarios.append(record)
            case SourceRecord():
                sources.append(record)
            case NormRecord():
                norms.append(record)
            case Rejected():
                report.reject_record(record)
            case ItemRecord(kind="objective"):
                full = keys_of_item(record.question, record.options).full
                questions.append((text_hash(full), record.key))
                codes.append(record.code)
        if isinstance(record, ItemRecord | NormRecord) and record.repairs:
            row = record.code if isinstance(record, ItemRecord) else record.ref
            report.repaired.append({"line": record.line, "row": row, "repairs": list(record.repairs)})
    store_scenarios(scenarios, book, report)
    store_norms(corpus, store_sources(corpus, sources, report), norms, book, report)
    marks = mark_duplicates(questions)
    return {
        code: (codes[mark.duplicate_of], mark.contradicts)
        for code, mark in zip(codes, marks, strict=True)
        if mark.duplicate_of is not None
    }


class _ItemImporter:
    """Stores items of one version, batch by batch, and counts what it did."""

    def __init__(
        self,
        version: BenchmarkVersion,
        shares: Mapping[str, float],
        book: NormBook,
        duplicates: dict[str, tuple[str, bool]],
        report: ImportReport,
    ) -> None:
        self._version = version
        self._shares = shares
        self._book = book
        self._duplicates = duplicates
        self._report = report
        self._templates: dict[str, int] = {}
        # A question without a norm is its own cluster: its repeats share its split, or its key would leak.
        self._question_splits = dict(
            Item.objects.filter(version=version, norm=None).values_list("cluster", "split")
        )

    def store(self, records: list[ItemRecord]) -> None:
        known = Item.objects.filter(version=self._version, code__in=[record.code for record in records])
        stored = {item.code: item for item in known.select_related("answer_key")}
        new: list[tuple[Item, str]] = []
        for record in records:
            before = stored.get(record.code)
            item = self._item(record, before)
            if item is None:
                continue
            if record.code in self._duplicates:
                first, contradicts = self._duplicates[record.code]
                self._report.duplicates.append(
                    {
                        "line": record.line,
                        "item": record.code,
                        "duplicate_of": first,
                        "contradicts": contradicts,
                    }
                )
            if before is None:
                if self._may_write(record):
                    new.append((item, record.key))
                    self._report.count("items", "created")
            elif _same(before, item, record.key):
                self._report.count("items", "unchanged")
            elif self._may_write(record):
                self._replace(before, item, record.key)
                self._report.count("items", "updated")
        created = Item.objects.bulk_create([item for item, _key in new])
        AnswerKey.objects.bulk_create(
            [
                AnswerKey(item=item, letters=key)
                for item, (_same_item, key) in zip(created, new, strict=True)
                if key
            ]
        )

    def _may_write(self, record: ItemRecord) -> bool:
        if self._version.is_frozen:
            self._report.reject(record.line, "version_frozen", item=record.code)
            return False
        return True

    def _item(self, record: ItemRecord, before: Item | None) -> Item | None:
        """The row as the record says it, or None (and a report) if its split contradicts its norm group's."""
        norm = self._book.norms.get(record.norm_ref) if record.norm_ref else None
        if norm is not None:
            group = self._book.group(norm)
            cluster, split = f"norm-group:{group.number}", self._group_split(group, record)
        else:
            cluster = f"question:{text_hash(normal_form(record.question))[:40]}"
            split = self._question_split(cluster, record)
        if record.split and record.split != split:
            reason = "split_of_norm_group" if norm is not None else "split_of_question"
            self._report.reject(record.line, reason, column="split", item=record.code, given_split=split)
            return None
        options = [{"letter": letter, "text": text} for letter, text in record.options]
        return Item(
            version=self._version,
            code=record.code,
            kind=record.kind,
            number=record.number,
            split=split,
            dimension=record.dimension,
            scenario=self._book.scenarios[record.scenario],
            norm_id=norm,
            norm_text=self._book.texts.get(record.norm_ref or "", ""),
            template_id=self._template(record.template),
            question=record.question,
            options=options,
            cluster=cluster,
            contradicts=self._duplicates.get(record.code, ("", False))[1],
            search_terms=index_terms(" ".join([record.question, *(option["text"] for option in options)])),
        )

    def _group_split(self, group: NormGroup, record: ItemRecord) -> str:
        """A group's split is given with its first item, and holds for every benchmark of the corpus."""
        if not group.split:
            group.split = record.split or assign_split(group.key, self._shares)
            NormGroup.objects.filter(pk=group.pk).update(split=group.split)
        return group.split

    def _question_split(self, cluster: str, record: ItemRecord) -> str:
        """The split of the question's first item holds for its repeats."""
        split = record.split or assign_split(cluster, self._shares)
        return self._question_splits.setdefault(cluster, split)

    def _template(self, text: str | None) -> int | None:
        if text is None:
            return None
        if text not in self._templates:
            digest = text_hash(text)
            known = PromptTemplate.objects.filter(version=self._version, text_hash=digest).first()
            if known is None and not self._version.is_frozen:
                known = PromptTemplate.objects.create(version=self._version, text_hash=digest, text=text)
            self._templates[text] = known.pk if known else 0
        return self._templates[text]

    def _replace(self, before: Item, item: Item, key: str) -> None:
        item.pk = before.pk
        item.save(force_update=True)
        AnswerKey.objects.filter(item=item).delete()
        if key:
            AnswerKey.objects.create(item=item, letters=key)

    def link_duplicates(self) -> None:
        """Points each duplicate at the first item with its question, once both are stored."""
        ids = dict(
            Item.objects.filter(
                version=self._version,
                code__in={code for pair in self._duplicates.items() for code in (pair[0], pair[1][0])},
            ).values_list("code", "pk")
        )
        for code, (first, _contradicts) in self._duplicates.items():
            if code in ids and first in ids:
                Item.objects.filter(pk=ids[code]).update(duplicate_of=ids[first])


def _same(before: Item, item: Item, key: str) -> bool:
    stored_key = before.answer_key.letters if hasattr(before, "answer_key") else ""
    return stored_key == key and all(getattr(before, name) == getattr(item, name) for name in COMPARED)


def _link_scenarios(version: BenchmarkVersion) -> None:
    """Norm -> scenarios, as its items say."""
    pairs = (
        Item.objects.filter(version=version, norm__isnull=False)
        .order_by("norm_id", "scenario_id")
        .values_list("norm_id", "scenario_id")
        .distinct()
    )
    through = Norm.scenarios.through
    through.objects.bulk_create(
        [through(norm_id=norm, scenario_id=scenario) for norm, scenario in pairs],
        ignore_conflicts=True,
        batch_size=1000,
    )


@transaction.atomic
def freeze_version(version: BenchmarkVersion) -> BenchmarkVersion:
    """Hashes the content and freezes. From here on the database refuses changes to the items."""
    if version.is_frozen:
        return version
    if not version.items.exists():
        raise BadInput(_("A version without items cannot be frozen."))
    version.content_hash = content_hash(version)
    version.state = BenchmarkVersion.State.FROZEN
    version.frozen_at = timezone.now()
    version.save(update_fields=["content_hash", "state", "frozen_at"])
    return version


def content_hash(version: BenchmarkVersion) -> str:
    """SHA-256 over what an item says, its key, split and cluster; not over database ids."""
    rows = version.items.select_related("scenario", "template", "answer_key", "duplicate_of").iterator(1000)
    return benchmark_hash(
        {
            "code": item.code,
            "kind": item.kind,
            "split": item.split,
            "dimension": item.dimension,
            "scenario": item.scenario.slug,
            "norm": item.norm_text,
            "template": item.template.text if item.template else "",
            "question": item.question,
            "options": item.options,
            "key": item.answer_key.letters if hasattr(item, "answer_key") else "",
            "cluster": item.cluster,
            "duplicate_of": item.duplicate_of.code if item.duplicate_of else "",
        }
        for item in rows
    )
