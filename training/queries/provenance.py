"""Under what licences, and in which languages, the questions and answers of a dataset came to the platform."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmark.models import Benchmark, Entry

CHUNK = 500


def provenance(benchmarks: Iterable[str], entries: Iterable[str]) -> dict[str, Any]:
    """{"benchmarks": [{"slug", "licence", "corpus", "language"}], "entries": [{"slug", "licence"}]}, "" where unknown."""
    rows = Benchmark.objects.filter(slug__in=list(benchmarks)).order_by("slug")
    found = [
        dict(zip(("slug", "licence", "corpus", "language"), values, strict=True))
        for values in rows.values_list("slug", "licence", "corpus__slug", "corpus__language")
    ]
    slugs, answered = sorted(entries), []
    for first in range(0, len(slugs), CHUNK):
        some = Entry.objects.filter(slug__in=slugs[first : first + CHUNK]).order_by("slug")
        answered += [
            {"slug": slug, "licence": licence} for slug, licence in some.values_list("slug", "licence")
        ]
    return {"benchmarks": found, "entries": answered}
