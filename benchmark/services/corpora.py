"""Imports statutes: sources and article-level norms from Markdown, file by file, safe to repeat.

Two passes over the files. The first reads what each says about itself and chooses: the same text in two folders is one
statute, two texts that claim to be the same version are a conflict. The second stores the articles that are new or
changed; a part whose digest is stored already is not read again. Norm groups need all new articles at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from benchmark.errors import BadInput
from benchmark.models import Corpus, Norm, Source
from benchmark.readers.corpus_profile import CorpusProfile
from benchmark.readers.records import Rejected
from benchmark.readers.statutes import ArticleRecord, Statute, read_statute, statute_files
from benchmark.rules.cleaning import norm_identity, text_hash
from benchmark.rules.search_terms import index_terms
from benchmark.services.norms import place_in_groups
from benchmark.services.successions import refresh_successions

BATCH = 500
UNDATED = "undated"


@dataclass(frozen=True)
class CorpusPlan:
    """What to import: a file or folder, how its statutes are written, which day it is."""

    path: Path
    profile: CorpusProfile
    today: date
    progress: Callable[[int], None] = lambda count: None


@dataclass
class CorpusReport:
    """What an import did, file by file where something needs a look."""

    corpus: str
    files: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    successions: dict[str, Any] = field(default_factory=dict)

    def count(self, kind: str, outcome: str, number: int = 1) -> None:
        if number:
            self.counts.setdefault(kind, Counter())[outcome] += number

    def as_dict(self) -> dict[str, Any]:
        totals: Counter[str] = Counter()
        for counter in self.counts.values():
            totals.update(counter)
        return {
            "corpus": self.corpus,
            "files": self.files,
            **{name: totals[name] for name in ("created", "unchanged", "updated", "removed")},
            "counts": {kind: dict(counter) for kind, counter in self.counts.items()},
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "notes": self.notes,
            "rejected": self.rejected,
            "successions": self.successions,
        }


@transaction.atomic
def import_corpus(plan: CorpusPlan) -> CorpusReport:
    """Stores what is new or changed and says what it did. Raises BadInput where there is no file to read,
    FileNotFoundError where there is no such path."""
    if not plan.path.exists():
        raise FileNotFoundError(2, "no such file", str(plan.path))
    files = statute_files(plan.path)
    if not files:
        raise BadInput(_("%(path)s holds no Markdown or text file.") % {"path": plan.path})
    report = CorpusReport(plan.profile.corpus.slug)
    chosen = _choose(_survey(plan, files, report), report)
    storing = _Storing(_corpus(plan.profile), report)
    for file, statute in chosen:
        storing.take(file, statute, plan.profile)
    storing.finish()
    report.successions = refresh_successions(storing.corpus, today=plan.today)
    return report


def _corpus(profile: CorpusProfile) -> Corpus:
    record = profile.corpus
    names = ("name_zh", "name_en", "jurisdiction", "language", "version")
    fields = {name: getattr(record, name) for name in names}
    corpus, _created = Corpus.objects.get_or_create(slug=record.slug, defaults=fields)
    return corpus


def _survey(plan: CorpusPlan, files: list[Path], report: CorpusReport) -> list[tuple[Path, Statute]]:
    """First pass: every statute without its articles' texts."""
    found = []
    for done, file in enumerate(files, 1):
        name = file.name if plan.path.is_file() else file.relative_to(plan.path).as_posix()
        statute = read_statute(file, plan.profile, name)
        report.files += 1
        plan.progress(done)
        if isinstance(statute, Rejected):
            report.rejected.append(
                {"file": name, "line": statute.line, "reason": statute.code, **statute.params}
            )
            continue
        for note in statute.notes:
            place = {"article": note.article} if note.article else {"lines": note.lines} if note.lines else {}
            report.notes.append({"file": name, "line": note.line, "note": note.code, **place})
        report.count("articles", "read", len(statute.articles))
        found.append((file, replace(statute, articles=())))
    return found


def _choose(found: list[tuple[Path, Statute]], report: CorpusReport) -> list[tuple[Path, Statute]]:
    """One file for each text, and one text for each part of each version; the fullest title and date win."""
    by_digest: dict[str, list[tuple[Path, Statute]]] = defaultdict(list)
    for file, statute in found:
        by_digest[statute.digest].append((file, statute))
    best = []
    for rows in by_digest.values():
        rows.sort(key=lambda row: (row[1].facts.version_date or date.min, len(row[1].title)), reverse=True)
        best.append(rows[0])
        for _file, other in rows[1:]:
            report.duplicates.append({"file": other.file, "same_as": rows[0][1].file})
    places: dict[tuple[str, str], str] = {}
    chosen = []
    for file, statute in sorted(best, key=lambda row: row[0]):
        place = (source_key(statute), statute.part)
        if place in places:
            report.conflicts.append(
                {"file": statute.file, "kept": places[place], "source": place[0], "part": place[1]}
            )
            continue
        places[place] = statute.file
        chosen.append((file, statute))
    return chosen


def source_key(statute: Statute) -> str:
    """Names a version within its corpus: its family and the date of its last enactment."""
    return f"{statute.family[:66]}@{statute.facts.version_date or UNDATED}"


class _Storing:
    """Second pass: sources at once, new articles at the end, when their groups can be found."""

    def __init__(self, corpus: Corpus, report: CorpusReport) -> None:
        self.corpus = corpus
        self._report = report
        self._sources = {source.key: source for source in Source.objects.filter(corpus=corpus)}
        self._counted: dict[str, str] = {}
        self._new: list[Norm] = []

    def take(self, file: Path, head: Statute, profile: CorpusProfile) -> None:
        source = self._source(head)
        part = source.parts.get(head.part)
        if part and part["digest"] == head.digest:
            self._report.count("articles", "unchanged", part["articles"])
            if part["file"] != head.file:
                self._note_part(source, head, part["articles"])
            return
        statute = read_statute(file, profile, head.file)
        if isinstance(statute, Rejected):  # the file changed under our hands
            self._report.rejected.append({"file": head.file, "line": statute.line, "reason": statute.code})
            return
        self._articles(source, statute, fresh=part is None)
        self._note_part(source, statute, len(statute.articles))

    def _source(self, statute: Statute) -> Source:
        key, facts = source_key(statute), statute.facts
        fields: dict[str, Any] = {
            "family": statute.family,
            "title": statute.title,
            "kind": facts.kind,
            "issuer": facts.issuer,
            "number": facts.number,
            "in_force": facts.in_force,
            "version_date": facts.version_date,
            "repeals": [list(pair) for pair in facts.repeals],
        }
        source = self._sources.get(key)
        if source is None:
            source = self._sources[key] = Source.objects.create(corpus=self.corpus, key=key, **fields)
            self._outcome(key, "created")
            return source
        # A later part of a source may know less than an earlier one; what it does not know it leaves alone.
        changed = [name for name, value in fields.items() if value and getattr(source, name) != value]
        if changed and key not in self._counted:
            for name in changed:
                setattr(source, name, fields[name])
            source.save(update_fields=changed)
        self._outcome(key, "updated" if changed else "unchanged")
        return source

    def _outcome(self, key: str, outcome: str) -> None:
        """A source of several parts counts once."""
        if key not in self._counted:
            self._counted[key] = outcome
            self._report.count("sources", outcome)

    def _note_part(self, source: Source, statute: Statute, articles: int) -> None:
        source.parts = {
            **source.parts,
            statute.part: {"file": statute.file, "digest": statute.digest, "articles": articles},
        }
        source.save(update_fields=["parts"])

    def _articles(self, source: Source, statute: Statute, *, fresh: bool) -> None:
        stored = {} if fresh else self._stored(source, statute.part)
        times: Counter[str] = Counter()
        hashes: set[str] = set()
        for record in statute.articles:
            place = (record.label, times[record.label])
            times[record.label] += 1
            row = _norm(source, record)
            if row.text_hash in hashes:
                self._report.notes.append(
                    {"file": statute.file, "line": record.line, "note": "same_again", "article": record.label}
                )
                stored.pop(place, None)
                continue
            hashes.add(row.text_hash)
            before = stored.pop(place, None)
            if before is None:
                self._new.append(row)
            elif before.text_hash == row.text_hash and before.heading == row.heading:
                self._report.count("articles", "unchanged")
            else:
                for name in ("heading", "place", "text", "text_hash", "search_terms"):
                    setattr(before, name, getattr(row, name))
                before.save(update_fields=["heading", "place", "text", "text_hash", "search_terms"])
                self._report.count("articles", "updated")
        self._remove(stored.values(), statute)

    def _stored(self, source: Source, part: str) -> dict[tuple[str, int], Norm]:
        found: dict[tuple[str, int], Norm] = {}
        times: Counter[str] = Counter()
        for norm in source.norms.exclude(place=None).order_by("place", "pk"):
            if len(source.parts) > 1 and norm.heading.partition(" › ")[0] != part:
                continue
            found[(norm.article, times[norm.article])] = norm
            times[norm.article] += 1
        return found

    def _remove(self, gone: Iterable[Norm], statute: Statute) -> None:
        """Articles that the file no longer has; those that items ask about stay, and are named."""
        for norm in gone:
            if norm.items.exists() or norm.renews.exists():
                self._report.notes.append(
                    {"file": statute.file, "line": 0, "note": "gone_but_in_use", "article": norm.article}
                )
            else:
                norm.delete()
                self._report.count("articles", "removed")

    def finish(self) -> None:
        """Inserts the new articles, each in its norm group."""
        groups = place_in_groups(self.corpus, [(norm.text, norm.text_hash) for norm in self._new])
        for norm, group in zip(self._new, groups, strict=True):
            norm.group = group
        Norm.objects.bulk_create(self._new, batch_size=BATCH)
        self._report.count("articles", "created", len(self._new))


def _norm(source: Source, record: ArticleRecord) -> Norm:
    """Two articles of one statute may have the same words, so the label is part of an article's identity."""
    return Norm(
        source=source,
        code=record.label[:40],
        article=record.label,
        heading=record.heading,
        place=record.place,
        text=record.text,
        text_hash=text_hash(f"{record.label}\n{norm_identity(record.text)}"),
        search_terms=index_terms(f"{record.text} {record.label}"),
    )
