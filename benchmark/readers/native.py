"""Read our own benchmark format: a directory of JSON Lines files, or one items file alone.

    benchmark.json          {"slug", "version", "name": {"zh", "en"}, "description": {"zh", "en"},
                             "corpus": {"slug", "name_zh", "name_en", "jurisdiction", "language", "version"},
                             "licence"}
    sources.jsonl           {"id", "title", "title_en", "kind", "issuer", "number", "in_force", "status"}
    norms.jsonl             {"id", "source", "article", "text"}
    scenarios.jsonl         {"slug", "name_zh", "name_en", "aliases": [...]}
    prompt_templates.json   {"objective": "… {question} …", "subjective": …}, may be absent, as may be a kind
    items.jsonl             {"id", "kind", "scenario", "norm", "question", "options": [{"letter", "text"}],
                             "key", "dimension", "split"}

`norm`, `options`, `key`, `dimension` and `split` of an item may be absent or null. A scenario is named by
slug, name or alias, and in a directory must stand in scenarios.jsonl. Nothing is raised for what stands in
a file: whatever cannot be used is a `Rejected` with file and line, and codes of `problem.Code` or

    missing_file (name)                 benchmark.json, scenarios.jsonl or items.jsonl is not there
    missing                             a field is absent, null or blank
    not_a_choice (value, choices)       not one of the values agreed
    bad_slug, bad_date (value)          not a slug; not a date as YYYY-MM-DD
    bad_template                        no "{question}", or more than that to fill in
    repeated (value)                    an id, slug or letter that came before
    bad_id (value)                      no id, or an item id of the other kind
    unknown_scenario, unknown_norm, unknown_source (value)
    bad_options                         not two to eight, letters from A on; or on a subjective item
    bad_key (value)                     no letters from A to H, or a key on a subjective item
    key_not_among_options (key, options)
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from benchmark.readers.csv_rows import RowError
from benchmark.readers.json_objects import Fields, parse_object, read_objects
from benchmark.readers.native_items import ItemReader
from benchmark.readers.problem import Limits, StopReading, echo
from benchmark.readers.records import (
    BenchmarkRecord,
    ContentRecord,
    CorpusRecord,
    NormRecord,
    Rejected,
    ScenarioRecord,
    SourceRecord,
    TemplateRecord,
)
from benchmark.readers.source_lines import IMPORT_LIMITS, ByteSource, numbered_lines, rejected_by
from benchmark.rules.cleaning import clean_norm, clean_text
from benchmark.rules.item_ids import KINDS
from benchmark.rules.scenario_names import scenario_identity

SOURCE_KINDS = ("law", "regulation", "rule", "interpretation", "guideline", "code")
SOURCE_STATUSES = ("in_force", "amended", "repealed", "unknown")

BENCHMARK_FILE = "benchmark.json"
SOURCES_FILE = "sources.jsonl"
NORMS_FILE = "norms.jsonl"
SCENARIOS_FILE = "scenarios.jsonl"
TEMPLATES_FILE = "prompt_templates.json"
ITEMS_FILE = "items.jsonl"

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
# These are held in memory whole.
_DOCUMENT_LIMITS = Limits(bytes=1024 * 1024, row=1024 * 1024)
_SLUG_LENGTH = 50
_REF_LENGTH = 40


def read_native(source: ByteSource, limits: Limits = IMPORT_LIMITS) -> Iterator[ContentRecord | Rejected]:
    """Yield the records of a benchmark directory, in the order of the files above; or of an items file.

    What an item refers to comes before it. In an items file alone a scenario comes as a ScenarioRecord where
    it is first named, and norms are taken at their word (`norm_text` is ""). OSError of a path is raised.
    """
    if isinstance(source, (str, os.PathLike)) and Path(source).is_dir():
        yield from _Directory(Path(source), limits).read()
    else:
        yield from ItemReader().read(read_objects(source, "", limits), "")


class _Directory:
    """One pass over a benchmark directory, collecting what later files refer to."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._sources: set[str] = set()
        self._norms: dict[str, str] = {}
        self._slugs: set[str] = set()
        self._scenarios: dict[str, str] = {}
        self._templates: dict[str, str] = {}

    def read(self) -> Iterator[ContentRecord | Rejected]:
        yield from self._document(BENCHMARK_FILE, _benchmark, required=True)
        yield from self._lines(SOURCES_FILE, self._source)
        yield from self._lines(NORMS_FILE, self._norm)
        yield from self._lines(SCENARIOS_FILE, self._scenario, required=True)
        yield from self._document(TEMPLATES_FILE, self._read_templates)
        path = self._folder / ITEMS_FILE
        if not path.is_file():
            yield _missing(ITEMS_FILE)
            return
        items = ItemReader(scenarios=self._scenarios, norms=self._norms, templates=self._templates)
        yield from items.read(read_objects(path, ITEMS_FILE, self._limits), ITEMS_FILE)

    def _lines(
        self, name: str, convert: Callable[[Fields], ContentRecord], *, required: bool = False
    ) -> Iterator[ContentRecord | Rejected]:
        path = self._folder / name
        if not path.is_file():
            if required:
                yield _missing(name)
            return
        for fields in read_objects(path, name, self._limits):
            if isinstance(fields, Rejected):
                yield fields
                continue
            try:
                yield convert(fields)
            except RowError as error:
                yield error.rejected(fields.line, name)

    def _document(
        self, name: str, convert: Callable[[Fields], list[ContentRecord]], *, required: bool = False
    ) -> Iterator[ContentRecord | Rejected]:
        """A file that is one JSON object; refused whole."""
        path = self._folder / name
        if not path.is_file():
            if required:
                yield _missing(name)
            return
        try:
            with numbered_lines(path, _DOCUMENT_LIMITS) as lines:
                yield from convert(parse_object("".join(text for _, text in lines), 1))
        except StopReading as stop:
            yield rejected_by(stop, name)
        except RowError as error:
            yield error.rejected(1, name)

    def _source(self, fields: Fields) -> SourceRecord:
        ref = _new_ref(fields, self._sources)
        record = SourceRecord(
            ref=ref,
            title=_line(fields, "title"),
            title_en=_line(fields, "title_en", required=False),
            kind=fields.choice("kind", SOURCE_KINDS),
            issuer=_line(fields, "issuer", required=False),
            number=_line(fields, "number", required=False),
            in_force=_date(fields, "in_force"),
            status=fields.choice("status", SOURCE_STATUSES, "unknown"),
            line=fields.line,
        )
        self._sources.add(ref)
        return record

    def _norm(self, fields: Fields) -> NormRecord:
        ref = _new_ref(fields, self._norms)
        source = fields.string("source")
        if source not in self._sources:
            raise RowError("source", "unknown_source", value=echo(source))
        cleaned = clean_norm(fields.string("text"))
        if not cleaned.text:
            raise RowError("text", "missing")
        article = _line(fields, "article", required=False)
        self._norms[ref] = cleaned.text
        return NormRecord(ref, source, article, cleaned.text, fields.line, cleaned.repairs)

    def _scenario(self, fields: Fields) -> ScenarioRecord:
        slug = _slug(fields, "slug")
        record = ScenarioRecord(
            slug=slug,
            name_zh=_line(fields, "name_zh"),
            name_en=_line(fields, "name_en"),
            aliases=tuple(clean_text(alias).text for alias in fields.strings("aliases")),
            line=fields.line,
        )
        spellings = {
            identity: spelling
            for spelling in (slug, record.name_zh, record.name_en, *record.aliases)
            if (identity := scenario_identity(spelling))
        }
        if slug in self._slugs:
            raise RowError("slug", "repeated", value=slug)
        for identity, spelling in spellings.items():
            if identity in self._scenarios:
                raise RowError("aliases", "repeated", value=echo(spelling))
        self._slugs.add(slug)
        self._scenarios.update(dict.fromkeys(spellings, slug))
        return record

    def _read_templates(self, fields: Fields) -> list[ContentRecord]:
        for kind in KINDS:
            text = fields.string(kind, required=False)
            if text and not _is_template(text):
                raise RowError(kind, "bad_template")
            if text:
                self._templates[kind] = text
        return [TemplateRecord(kind, text) for kind, text in self._templates.items()]


def _benchmark(fields: Fields) -> list[ContentRecord]:
    corpus = fields.child("corpus")
    name, description = fields.child("name"), fields.child("description")
    return [
        BenchmarkRecord(
            slug=_slug(fields, "slug"),
            version=_line(fields, "version"),
            name={language: _line(name, language) for language in ("zh", "en")},
            description={language: _line(description, language, required=False) for language in ("zh", "en")},
            licence=_line(fields, "licence", required=False),
            corpus=CorpusRecord(
                slug=_slug(corpus, "slug"),
                name_zh=_line(corpus, "name_zh"),
                name_en=_line(corpus, "name_en"),
                jurisdiction=_line(corpus, "jurisdiction"),
                language=_line(corpus, "language"),
                version=_line(corpus, "version", required=False),
            ),
        )
    ]


def _missing(name: str) -> Rejected:
    return Rejected(0, "", "missing_file", {"name": name}, name)


def _new_ref(fields: Fields, taken: set[str] | dict[str, str]) -> str:
    ref = fields.string("id")
    if len(ref) > _REF_LENGTH or ref != ref.strip():
        raise RowError("id", "bad_id", value=echo(ref))
    if ref in taken:
        raise RowError("id", "repeated", value=echo(ref))
    return ref


def _slug(fields: Fields, name: str) -> str:
    slug = fields.string(name)
    if len(slug) > _SLUG_LENGTH or not _SLUG.fullmatch(slug):
        raise RowError(fields.prefix + name, "bad_slug", value=echo(slug))
    return slug


def _line(fields: Fields, name: str, *, required: bool = True) -> str:
    text = clean_text(fields.string(name, required=required)).text
    if required and not text:
        raise RowError(fields.prefix + name, "missing")
    return text


def _date(fields: Fields, name: str) -> str | None:
    written = fields.string(name, required=False)
    if not written:
        return None
    try:
        # fromisoformat also takes 20260101 and week dates; the agreed form is one.
        if date.fromisoformat(written).isoformat() == written:
            return written
    except ValueError:
        pass
    raise RowError(fields.prefix + name, "bad_date", value=echo(written))


def _is_template(text: str) -> bool:
    """Whether `text.format(question=…)` fills in the question once and nothing else."""
    try:
        fields = [part[1:] for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError:
        return False
    return fields == [("question", "", None)]
