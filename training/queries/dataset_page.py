"""What the page of a dataset shows beside its card: how its figures are spread, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language

from benchmark.models import Scenario
from medes_site.kit.charts.columns import Column
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.queries import latest_jobs
from training.models import Dataset, Drawing

SUBJECT = "drawing"
MOST_NAMES = 30
RECENT = 5


@dataclass(frozen=True, slots=True)
class Spread:
    """One histogram: `name` as in the manifest, and its classes from lower to upper edge."""

    name: str
    classes: tuple[tuple[float, float, int], ...]

    @property
    def columns(self) -> list[Column]:
        return [Column(f"{low:g}", count) for low, _high, count in self.classes]


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a table of counts; `share` of the largest, for its bar."""

    name: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class DrawingView:
    drawing: Drawing
    job: Job | None

    @property
    def active(self) -> bool:
        return self.job is not None and self.job.is_active


def spreads_of(dataset: Dataset) -> list[Spread]:
    """Empty for datasets that were drawn before figures were kept."""
    found: Mapping[str, Any] = dataset.manifest.get("counts", {}).get("histograms", {})
    return [
        Spread(name, tuple(zip(data["edges"][:-1], data["edges"][1:], data["counts"], strict=True)))
        for name, data in found.items()
        if data["counts"]
    ]


def parts_of(dataset: Dataset, name: str) -> list[Part]:
    """A count of the manifest, largest first, at most thirty lines."""
    found: Mapping[str, int] = dataset.manifest.get("counts", {}).get(name, {})
    most = max(found.values(), default=0)
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Part(key, count, count / most if most else 0.0) for key, count in ordered[:MOST_NAMES]]


def scenario_parts(dataset: Dataset) -> list[Part]:
    """As `parts_of`, with the scenarios' names in the reader's language."""
    chinese = (get_language() or "").startswith("zh")
    names = dict(Scenario.objects.values_list("slug", "name_zh" if chinese else "name_en"))
    parts = parts_of(dataset, "by_scenario")
    return [Part(names.get(part.name) or part.name, part.count, part.share) for part in parts]


def drawing_view(drawing: Drawing) -> DrawingView:
    return DrawingView(drawing, latest_jobs(SUBJECT, [drawing.pk]).get(drawing.pk))


def unfinished_drawings(user: Any) -> list[DrawingView]:
    """The newest wishes without a dataset yet, for the list."""
    rows = list(Drawing.objects.visible_to(user).filter(dataset=None).select_related("created_by")[:RECENT])
    jobs = latest_jobs(SUBJECT, [row.pk for row in rows])
    return [DrawingView(row, jobs.get(row.pk)) for row in rows]
