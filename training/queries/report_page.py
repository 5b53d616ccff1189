"""A guardian's report laid out for reading: tables, curves and mistakes, with everything refused still in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark.models import Scenario
from benchmark.names import named
from benchmark.rules.rubric import CRITERIA

SECTIONS = (*CRITERIA, "risk")
FIGURES = ("kappa", "accuracy", "balanced_accuracy", "f1_rare", "recall", "calibration_error", "abstention")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure: `value` None where it is refused, and then `refused` says why."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    refused: str


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """One criterion: its figures in the order of FIGURES, beside both yardsticks."""

    criterion: str
    n: int
    positives: int
    prevalence: float | None
    figures: tuple[tuple[str, Cell], ...]
    majority: float | None
    human_kappa: Cell
    human_accuracy: Cell
    passed_unflagged: Cell | None


@dataclass(frozen=True, slots=True)
class SliceRow:
    """A scenario, an entry or a length bin: accuracy and kappa of each section."""

    name: str
    rows: int
    cells: tuple[tuple[Cell, Cell], ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """What is drawn for one criterion."""

    criterion: str
    reliability: Sequence[Mapping[str, Any]]
    pr: Sequence[Mapping[str, Any]]
    average_precision: float | None
    prevalence: float | None


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The whole report. `learning`: points of the learning curve; `worst`: mistakes with their texts."""

    n: Mapping[str, int]
    minimum: Mapping[str, int]
    prior: float | None
    macro_kappa: Cell
    rows: tuple[CriterionRow, ...]
    by_scenario: tuple[SliceRow, ...]
    by_length: tuple[SliceRow, ...]
    by_entry: tuple[SliceRow, ...]
    curves: Curves
    learning: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    worst: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def report_page(report: Mapping[str, Any], criterion: str = "") -> ReportPage:
    """`criterion` chooses whose curves are drawn; the union of both risks unless it is one of the six."""
    chosen = criterion if criterion in SECTIONS else "risk"
    parts = report.get("criteria", {})
    scenarios = {scenario.slug: named(scenario) for scenario in Scenario.objects.all()}
    part = parts.get(chosen, {})
    return ReportPage(
        n=report.get("n", {}),
        minimum=report.get("minimum", {}),
        prior=report.get("prior"),
        macro_kappa=_cell(report.get("macro_kappa")),
        rows=tuple(_row(name, parts[name]) for name in SECTIONS if name in parts),
        by_scenario=_slices(report.get("by_scenario", ()), scenarios),
        by_length=_slices(report.get("by_length", ()), {}),
        by_entry=_slices(report.get("by_entry", ()), {}),
        curves=Curves(
            chosen,
            part.get("reliability", ()),
            part.get("pr_curve", ()),
            part.get("average_precision"),
            part.get("prevalence"),
        ),
        learning=[
            point
            for point in report.get("learning_curve", ())
            if _cell(point["macro_kappa"]).value is not None
        ],
        worst=report.get("worst", ()),
    )


def _row(name: str, part: Mapping[str, Any]) -> CriterionRow:
    figures, human = part.get("figures", {}), part.get("human", {})
    passed = figures.get("passed_unflagged")
    return CriterionRow(
        criterion=name,
        n=part.get("n", 0),
        positives=part.get("positives", 0),
        prevalence=part.get("prevalence"),
        figures=tuple((figure, _cell(figures.get(figure))) for figure in FIGURES),
        majority=part.get("majority", {}).get("accuracy"),
        human_kappa=_cell(human.get("kappa")),
        human_accuracy=_cell(human.get("accuracy")),
        passed_unflagged=_cell(passed) if passed is not None else None,
    )


def _slices(found: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> tuple[SliceRow, ...]:
    return tuple(
        SliceRow(
            names.get(part["name"], part["name"].lstrip("0") if part["name"][:1] == "0" else part["name"]),
            part["rows"],
            tuple(
                (_cell(part["criteria"][name]["accuracy"]), _cell(part["criteria"][name]["kappa"]))
                for name in SECTIONS
                if name in part["criteria"]
            ),
        )
        for part in found
    )


def _cell(found: Any) -> Cell:
    if not isinstance(found, Mapping):
        return Cell(None, None, None, 0, "")
    return Cell(
        found.get("value"),
        found.get("low"),
        found.get("high"),
        found.get("n") or 0,
        found.get("refused") or "",
    )
