"""Turns a path into an import plan: which of the two formats it is, and which files belong to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from benchmark.errors import BadInput
from benchmark.readers.file_kinds import file_kind
from benchmark.readers.native import read_native
from benchmark.readers.records import (
    BenchmarkRecord,
    CorpusRecord,
    ItemRecord,
    NormRecord,
    Rejected,
    ScenarioRecord,
)
from benchmark.readers.released import FileKind, read_released
from benchmark.rules.splits import parse_split_option
from benchmark.services.importing import ImportPlan

RELEASE_LABEL = "2026.1"
RELEASE_CORPUS = CorpusRecord(
    slug="medes-norms",
    name_zh="MedES 规范集",
    name_en="MedES norms",
    jurisdiction="CN",
    language="zh",
    version="2026",
)


def plan_import(
    path: str,
    *,
    benchmark: str = "",
    label: str = "",
    split: str = "public",
    freeze: bool = True,
    progress: Callable[[int], None] = lambda count: None,
) -> ImportPlan:
    """Raises BadInput for a path that is neither format, FileNotFoundError for one that is not there."""
    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(2, "no such file", str(place))
    try:
        shares = parse_split_option(split)
    except ValueError as error:
        raise BadInput(f"--split: {error}") from error
    if is_native(place):
        return _native_plan(place, benchmark, label, shares, freeze, progress)
    return _released_plan(place, benchmark, label, shares, freeze, progress)


def is_native(place: Path) -> bool:
    if place.is_dir():
        return any((place / name).exists() for name in ("benchmark.json", "items.jsonl"))
    return place.suffix in (".jsonl", ".ndjson")


def _native_plan(
    place: Path,
    benchmark: str,
    label: str,
    shares: Mapping[str, float],
    freeze: bool,
    progress: Callable[[int], None],
) -> ImportPlan:
    head = next((record for record in read_native(place) if isinstance(record, BenchmarkRecord)), None)
    if head is None:
        if not benchmark:
            raise BadInput("A file of items alone does not name its benchmark: give --benchmark.")
        head = _head(benchmark, label or "1")
    head = replace(head, slug=benchmark or head.slug, version=label or head.version)
    return ImportPlan(head, lambda: read_native(place), shares, freeze, progress)


def _head(slug: str, label: str) -> BenchmarkRecord:
    return BenchmarkRecord(
        slug=slug,
        version=label,
        name={"zh": slug, "en": slug},
        description={"zh": "", "en": ""},
        licence="",
        corpus=replace(
            RELEASE_CORPUS, slug=f"{slug}-norms", name_zh=f"{slug} 规范集", name_en=f"{slug} norms"
        ),
    )


def released_files(place: Path, kinds: set[FileKind]) -> list[Path]:
    """The CSV files of these kinds: the file itself, or those in the folder, in the order of their names."""
    candidates = [place] if place.is_file() else sorted(place.glob("*.csv"))
    return [file for file in candidates if file_kind(file) in kinds]


def _released_plan(
    place: Path,
    benchmark: str,
    label: str,
    shares: Mapping[str, float],
    freeze: bool,
    progress: Callable[[int], None],
) -> ImportPlan:
    files = released_files(place, {FileKind.QUESTIONS})
    if not files:
        raise BadInput(f"{place} holds no released question file (columns scene, query, reference, type).")
    slug = benchmark or "medes"
    head = replace(
        _head(slug, label or RELEASE_LABEL),
        name={"zh": "MedES 医学伦理", "en": "MedES medical ethics"},
        description={
            "zh": "中国医学伦理基准：客观题与主观题，依据法律与伦理规范编写。",
            "en": "A benchmark of Chinese medical ethics: objective and subjective items written from legal and ethical norms.",
        },
        licence="research use only",
        corpus=replace(RELEASE_CORPUS, slug=RELEASE_CORPUS.slug if slug == "medes" else f"{slug}-norms"),
    )

    def records() -> Iterator[object]:
        """Scenarios and norms may come in several files; the importer takes each once."""
        for file in files:
            for record in read_released(file):
                if isinstance(record, ItemRecord | NormRecord | ScenarioRecord):
                    yield record
                elif isinstance(record, Rejected):
                    yield replace(record, file=file.name)

    return ImportPlan(head, records, shares, freeze, progress)
