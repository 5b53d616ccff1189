"""The open questions of a frozen version as a download to answer: the same bytes every time."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from benchmark.models import BenchmarkVersion, Item, Kind, Split
from benchmark.rules.export_cells import csv_lines
from benchmark.rules.prompts import render_prompt

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
OPEN_SPLITS = (Split.DEV, Split.PUBLIC)
COLUMNS = (
    "item", "kind", "scenario", "split", "dimension", "question", "options", "prompt", "norm", "key",
)  # fmt: skip
_CHUNK = 200


def open_questions(version: BenchmarkVersion, *, kind: str = "", split: str = "") -> Iterator[dict[str, Any]]:
    """The questions of the open splits in the order of kind and number; nothing for a draft or for `hidden`.

    `prompt` is the whole text to send to a model. `norm` (what a subjective answer is judged against) and
    `key` are there on `dev` only, None elsewhere.
    """
    items = Item.objects.open().filter(version=version)
    if kind:
        items = items.filter(kind=kind)
    if split:
        items = items.filter(split=split)
    items = items.select_related("scenario", "template").defer("search_terms").order_by("kind", "number")
    rows = items.iterator(chunk_size=_CHUNK)
    while batch := list(islice(rows, _CHUNK)):
        keys = _dev_keys(batch)
        for item in batch:
            yield _question(item, keys.get(item.pk))


def csv_download(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, for spreadsheets; options one to a line."""
    yield BOM_UTF8
    cells = (
        [_option_lines(row["options"]) if name == "options" else row[name] for name in COLUMNS]
        for row in rows
    )
    yield from _encoded(csv_lines(COLUMNS, cells))


def jsonl_download(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """One object a line; what is None is left out."""
    lines = (
        json.dumps({name: row[name] for name in COLUMNS if row[name] is not None}, ensure_ascii=False) + "\n"
        for row in rows
    )
    yield from _encoded(lines)


def file_stem(version: BenchmarkVersion, kind: str, split: str) -> str:
    """A name for the file, such as "medes-2026.1-objective-questions"."""
    parts = (version.benchmark.slug, version.label, kind, split, "questions")
    return "-".join(part for part in parts if part)


def _dev_keys(batch: list[Item]) -> dict[int, str]:
    """Keys are fetched for `dev` items alone: no closed key is ever near this export."""
    open_items = [item.pk for item in batch if item.split == Split.DEV and item.kind == Kind.OBJECTIVE]
    if not open_items:
        return {}
    found = Item.objects.filter(pk__in=open_items, answer_key__isnull=False)
    return dict(found.values_list("pk", "answer_key__letters"))


def _question(item: Item, key: str | None) -> dict[str, Any]:
    options = [(option["letter"], option["text"]) for option in item.options]
    shows_norm = item.split == Split.DEV and item.kind == Kind.SUBJECTIVE and item.norm_text
    return {
        "item": item.code,
        "kind": item.kind,
        "scenario": item.scenario.name_zh,
        "split": item.split,
        "dimension": item.dimension,
        "question": item.question,
        "options": [{"letter": letter, "text": text} for letter, text in options],
        "prompt": render_prompt(item.template.text if item.template else None, item.question, options),
        "norm": item.norm_text if shows_norm else None,
        "key": key,
    }


def _option_lines(options: list[dict[str, str]]) -> str:
    return "\n".join(f"{option['letter']}.{option['text']}" for option in options)


def _encoded(lines: Iterable[str]) -> Iterator[bytes]:
    """Many lines to a chunk: a chunk a line would cost more than the lines."""
    lines = iter(lines)
    while batch := "".join(islice(lines, _CHUNK)):
        yield batch.encode("utf-8", "replace")
