"""Stores sources, scenarios and norms, and places each new norm in its group, once and for good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmark.models import Corpus, Norm, NormGroup, Scenario, Source
from benchmark.readers.records import NormRecord, ScenarioRecord, SourceRecord
from benchmark.rules.cleaning import norm_identity, text_hash
from benchmark.rules.norm_groups import assign_to_groups
from benchmark.rules.scenario_names import scenario_identity
from benchmark.rules.search_terms import index_terms
from benchmark.rules.splits import is_audit
from benchmark.services.reports import ImportReport

UNSTATED = SourceRecord(
    ref="unstated",
    title="（发布时未注明出处）",
    title_en="(source not stated in the release)",
    kind="unstated",
    issuer="",
    number="",
    in_force=None,
    status="unknown",
    line=0,
)


def norm_hash(text: str) -> str:
    """Two norms are one exactly when this agrees: SHA-256 of the text without regard to white space."""
    return text_hash(norm_identity(text))


@dataclass
class NormBook:
    """The norms and scenarios of one import, by the names that its items use."""

    norms: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    groups: dict[int, NormGroup] = field(default_factory=dict)
    group_of: dict[int, int] = field(default_factory=dict)
    scenarios: dict[str, Scenario] = field(default_factory=dict)

    def group(self, norm: int) -> NormGroup:
        return self.groups[self.group_of[norm]]


def store_scenarios(records: Iterable[ScenarioRecord], book: NormBook, report: ImportReport) -> None:
    """One row a scenario whatever its spelling; a spelling seen for the first time becomes an alias."""
    known = {
        scenario_identity(spelling): scenario
        for scenario in Scenario.objects.all()
        for spelling in (scenario.slug, scenario.name_zh, scenario.name_en, *scenario.aliases)
    }
    for record in records:
        spellings = (record.name_zh, record.slug, record.name_en, *record.aliases)
        scenario = next((known[key] for s in spellings if (key := scenario_identity(s)) in known), None)
        if scenario is None:
            scenario = Scenario.objects.create(
                slug=record.slug, name_zh=record.name_zh, name_en=record.name_en, aliases=list(record.aliases)
            )
            report.count("scenarios", "created")
            if not record.known:
                report.notes.append(f"line {record.line}: unknown scenario {record.name_zh!r} was added")
        else:
            report.count("scenarios", "unchanged")
        for spelling in spellings:
            known[scenario_identity(spelling)] = scenario
        book.scenarios[record.slug] = scenario


def store_sources(
    corpus: Corpus, records: Iterable[SourceRecord], report: ImportReport
) -> dict[str | None, Source]:
    """Sources by their reference in the file; what a file says of a known source replaces what was known."""
    sources: dict[str | None, Source] = {}
    for record in records:
        fields = {
            "title": record.title,
            "title_en": record.title_en,
            "kind": record.kind,
            "issuer": record.issuer,
            "number": record.number,
            "in_force": record.in_force,
            "status": record.status,
        }
        source, created = Source.objects.get_or_create(corpus=corpus, key=record.ref, defaults=fields)
        source.refresh_from_db()
        changed = [
            name for name, value in fields.items() if str(getattr(source, name) or "") != str(value or "")
        ]
        if changed:
            Source.objects.filter(pk=source.pk).update(**{name: fields[name] for name in changed})
        report.count("sources", "created" if created else "updated" if changed else "unchanged")
        sources[record.ref] = source
    return sources


def store_norms(
    corpus: Corpus,
    sources: dict[str | None, Source],
    records: Iterable[NormRecord],
    book: NormBook,
    report: ImportReport,
) -> None:
    """Inserts norms that are new and gives them their groups. Norm texts are held in memory, items are not."""
    records = list(records)
    if any(record.source is None for record in records):
        sources = {**sources, None: next(iter(store_sources(corpus, [UNSTATED], report).values()))}
    stored = {
        (source, text_hash): (pk, group)
        for pk, source, text_hash, group in Norm.objects.filter(source__corpus=corpus).values_list(
            "pk", "source_id", "text_hash", "group_id"
        )
    }
    new: dict[tuple[int, str], NormRecord] = {}
    for record in records:
        place = (sources[record.source].pk, norm_hash(record.text))
        if place in stored or place in new:
            report.count("norms", "unchanged")
        else:
            new[place] = record
    groups = place_in_groups(corpus, [(record.text, norm_hash(record.text)) for record in new.values()])
    rows = [
        Norm(
            source_id=source,
            group=group,
            code=record.ref,
            article=record.article,
            text=record.text,
            text_hash=text_hash,
            search_terms=index_terms(f"{record.text} {record.article}"),
        )
        for ((source, text_hash), record), group in zip(new.items(), groups, strict=True)
    ]
    for row in Norm.objects.bulk_create(rows, batch_size=500):
        stored[(row.source_id, row.text_hash)] = (row.pk, row.group_id)
    report.count("norms", "created", len(rows))
    for record in records:
        pk, group = stored[(sources[record.source].pk, norm_hash(record.text))]
        book.norms[record.ref] = pk
        book.texts[record.ref] = record.text
        book.group_of[pk] = group
    book.groups = {group.pk: group for group in NormGroup.objects.filter(corpus=corpus)}


def place_in_groups(corpus: Corpus, new: Sequence[tuple[str, str]]) -> list[NormGroup]:
    """The group of each new (text, hash). Existing groups are neither recomputed nor merged.

    A new group's key, from which its split and its audit mark follow by hash, is the smallest hash
    among its founding texts: so it does not depend on the order of the file.
    """
    if not new:
        return []
    members: dict[int, list[str]] = defaultdict(list)
    known = NormGroup.objects.filter(corpus=corpus)
    for number, text in Norm.objects.filter(group__corpus=corpus).values_list("group__number", "text"):
        members[number].append(text)
    # Numbers were given in the order of founding, so ascending numbers are the order of age.
    placed = assign_to_groups(sorted(members.items()), [text for text, _hash in new])
    founders: dict[int, list[str]] = defaultdict(list)
    for (_text, digest), place in zip(new, placed, strict=True):
        if place.is_new:
            founders[place.group].append(digest)
    NormGroup.objects.bulk_create(
        [
            NormGroup(corpus=corpus, number=number, key=min(hashes), audit=is_audit(min(hashes)))
            for number, hashes in founders.items()
        ],
        batch_size=500,
    )
    by_number = {group.number: group for group in known.all()}
    return [by_number[place.group] for place in placed]
