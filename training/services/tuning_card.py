"""The card of an SFT or DPO dataset, for people who meet its files; in English, as the files are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MOST_ENTRIES = 50


def card_of(kind: str, manifest: Mapping[str, Any]) -> str:
    counts, origin = manifest["counts"], manifest["provenance"]
    title = "Answers to imitate (SFT)" if kind == "sft" else "Preference pairs (DPO)"
    parts = [
        f"# {title}",
        f"{counts['rows']} rows to learn from, {counts['eval']} of other norm groups kept aside.",
        "Questions of the split dev alone; none that nearly repeats a question of another split.",
        "## Where the judgement comes from",
        _list(f"{name}: {number}" for name, number in counts["by_origin"].items()),
        "## Scenarios",
        _list(f"{name}: {number}" for name, number in counts["by_scenario"].items()),
        *_lengths(counts),
        "## Left out",
        _list(f"{name}: {number}" for name, number in counts["left_out"].items()),
        "## Sources, languages, licences",
        _list(_benchmark(found, counts["by_benchmark"]) for found in origin["benchmarks"]),
        "Answers of these entries; whoever uses them is bound by their models' licences:",
        _list(_entry(found, counts["by_entry"]) for found in origin["entries"][:MOST_ENTRIES]),
    ]
    more = len(origin["entries"]) - MOST_ENTRIES
    if more > 0:
        parts.append(f"… and of {more} more (`manifest.json`).")
    parts += [
        "## Lineage",
        f"Guardian: {manifest['lineage']['guardian'] or 'none'}. Each row names its labels, answers and item.",
    ]
    return "\n\n".join(parts) + "\n"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or "- nothing"


def _lengths(counts: Mapping[str, Any]) -> list[str]:
    for heading, name in (("Length", "lengths"), ("Length of chosen and rejected", "length_difference")):
        if name in counts:
            figures = {key: value for key, value in counts[name].items() if value is not None}
            return [f"## {heading}", _list(f"{key}: {value:.4g}" for key, value in figures.items())]
    return []


def _benchmark(found: Mapping[str, str], rows: Mapping[str, int]) -> str:
    return (
        f"{found['slug']}: {rows[found['slug']]} rows; language {found['language'] or 'not stated'}; norms of "
        f"{found['corpus'] or 'no corpus'}; licence: {found['licence'] or 'not stated'}"
    )


def _entry(found: Mapping[str, str], answers: Mapping[str, int]) -> str:
    return f"{found['slug']}: {answers[found['slug']]} answers; licence: {found['licence'] or 'not stated'}"
