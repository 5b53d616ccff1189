"""Two tuning runs side by side: settings that differ, curves of one figure in one chart, final figures, answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from training.models import Run
from training.queries.runs import MetricCurve, metric_curves
from training.queries.tuning_pages import curves_of, samples_of
from training.rules.tuning_settings import differences

TABLE_STEPS = 8
FINAL = ("loss", "token_accuracy", "margin", "accuracy")


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting by its name in config.json, or in words; the values as they are shown."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """One figure of both runs: (step, value) each; `table`: (step, first, second) at some steps, None where a run has
    no such step."""

    phase: str
    name: str
    first: tuple[tuple[int, float], ...]
    second: tuple[tuple[int, float], ...]

    @property
    def table(self) -> list[tuple[int, float | None, float | None]]:
        one, two = dict(self.first), dict(self.second)
        steps = sorted({*one, *two})
        if len(steps) > TABLE_STEPS:
            every = (len(steps) - 1) / (TABLE_STEPS - 1)
            steps = [steps[round(place * every)] for place in range(TABLE_STEPS)]
        return [(step, one.get(step), two.get(step)) for step in steps]


@dataclass(frozen=True, slots=True)
class Final:
    """A figure at the end. `phase`: of training, or of the held-out rows ("eval"); None where a run has none."""

    phase: str
    name: str
    first: float | None
    second: float | None


@dataclass(frozen=True, slots=True)
class SamplePair:
    """The last answers to one fixed prompt, with the steps they were given at."""

    item: str
    prompt: str
    first: tuple[int, str] | None
    second: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    first: Run
    second: Run
    differences: list[Difference]
    overlays: list[Overlay]
    finals: list[Final]
    samples: list[SamplePair]


def compare_runs(first: Run, second: Run) -> Comparison:
    return Comparison(
        first,
        second,
        run_differences(first, second),
        _overlays(first, second),
        _finals(first, second),
        _samples(first, second),
    )


def run_differences(first: Run, second: Run) -> list[Difference]:
    """What two runs were started with that is not the same; defaults count as if they were said."""
    pairs: list[tuple[str, Any, Any]] = [
        (_("kind"), first.get_kind_display(), second.get_kind_display()),
        (_("dataset"), _dataset(first), _dataset(second)),
        (_("processes"), first.processes, second.processes),
        (_("time limit (seconds)"), first.time_limit, second.time_limit),
        (_("code"), first.code_version, second.code_version),
        (_("libraries"), *_libraries(first, second)),
    ]
    found = [(name, one, two) for name, one, two in pairs if one != two]
    settings = differences(first.config, second.config, (first.kind, second.kind))  # type: ignore[arg-type]
    return [Difference(name, _shown(one), _shown(two)) for name, one, two in (*settings, *found)]


def _dataset(run: Run) -> str:
    return f"{run.dataset.content_hash[:12]} ({run.dataset.rows})" if run.dataset else ""


def _libraries(first: Run, second: Run) -> tuple[str, str]:
    """The versions of those that differ."""
    names = sorted({*first.libraries, *second.libraries})
    other = [name for name in names if first.libraries.get(name) != second.libraries.get(name)]
    one, two = (
        ", ".join(f"{name} {run.libraries.get(name, '–')}" for name in other) for run in (first, second)
    )
    return one, two


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False)


def _overlays(first: Run, second: Run) -> list[Overlay]:
    one, two = ({(c.phase, c.name): c.points for c in _curves(run)} for run in (first, second))
    order = [*one, *(key for key in two if key not in one)]
    return [
        Overlay(phase, name, one.get((phase, name), ()), two.get((phase, name), ())) for phase, name in order
    ]


def _curves(run: Run) -> list[MetricCurve]:
    return curves_of(metric_curves(run))


def _finals(first: Run, second: Run) -> list[Final]:
    reports = [run.progress.get("report") or {} for run in (first, second)]
    found = []
    for phase, part in (("train", "final"), ("eval", "evaluation")):
        one, two = (report.get(part) or {} for report in reports)
        for name in FINAL:
            values = one.get(name), two.get(name)
            if values != (None, None):
                found.append(Final(phase, name, *values))
    for name in ("steps", "seconds"):
        values = reports[0].get(name), reports[1].get(name)
        if values != (None, None):
            found.append(Final("", name, *values))
    return found


def _samples(first: Run, second: Run) -> list[SamplePair]:
    one, two = ({sample.item: sample for sample in samples_of(run)} for run in (first, second))
    found = []
    for item in (*one, *(name for name in two if name not in one)):
        left, right = one.get(item), two.get(item)
        sample = left or right
        assert sample is not None
        found.append(
            SamplePair(
                item,
                sample.prompt,
                left.answers[-1] if left else None,
                right.answers[-1] if right else None,
            )
        )
    return found
