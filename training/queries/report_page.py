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
    """One criterion: its figures in the order of FIGURES, beside both yardsticks. `beside`: kappa of another guardian."""

    criterion: str
    n: int
    positives: int
    prevalence: float | None
    figures: tuple[tuple[str, Cell], ...]
    majority: float | None
    human_kappa: Cell
    human_accuracy: Cell
    passed_unflagged: Cell | None
    beside: Cell | None


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
    """The whole report. `learning`: points of the learning curve, `curve_refused` where there are some and each is of too
    few labels for a figure; `worst`: mistakes with their texts; `beside`: mean
    kappa of the guardian it is compared with, None where there is none; `failed_share` of the audit answers, in [0, 1]."""

    n: Mapping[str, int]
    minimum: Mapping[str, int]
    prior: float | None
    failed_share: float
    macro_kappa: Cell
    beside: Cell | None
    rows: tuple[CriterionRow, ...]
    by_scenario: tuple[SliceRow, ...]
    by_length: tuple[SliceRow, ...]
    by_entry: tuple[SliceRow, ...]
    curves: Curves
    learning: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    curve_refused: bool = False
    worst: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    @property
    def nothing_judged(self) -> bool:
        """Whether there were audit answers, and it came to a judgement on none."""
        return self.failed_share == 1.0


def notes_by_text(notes: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """What was noted in calibrating, each text once, with the criteria it is about in their order."""
    found: dict[str, list[str]] = {}
    for name in CRITERIA:
        if name in notes:
            found.setdefault(notes[name], []).append(name)
    return list(found.items())


def report_page(
    report: Mapping[str, Any], criterion: str = "", beside: Mapping[str, Any] | None = None
) -> ReportPage:
    """`criterion` chooses whose curves are drawn; the union of both risks unless it is one of the six. `beside`: the
    short form of another guardian's report, whose kappa is to stand beside."""
    chosen = criterion if criterion in SECTIONS else "risk"
    parts = report.get("criteria", {})
    scenarios = {scenario.slug: named(scenario) for scenario in Scenario.objects.all()}
    part = parts.get(chosen, {})
    others = beside.get("criteria", {}) if beside else {}
    n = report.get("n", {})
    points = report.get("learning_curve", ())
    learning = [point for point in points if _cell(point["macro_kappa"]).value is not None]
    return ReportPage(
        n=n,
        minimum=report.get("minimum", {}),
        prior=report.get("prior"),
        failed_share=n.get("failed", 0) / n["rows"] if n.get("rows") else 0.0,
        macro_kappa=_cell(report.get("macro_kappa")),
        beside=_cell(beside.get("macro_kappa")) if beside else None,
        rows=tuple(_row(name, parts[name], others.get(name)) for name in SECTIONS if name in parts),
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
        learning=learning,
        curve_refused=bool(points) and not learning,
        worst=report.get("worst", ()),
    )


def _row(name: str, part: Mapping[str, Any], other: Mapping[str, Any] | None) -> CriterionRow:
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
        beside=_cell(other.get("figures", {}).get("kappa")) if other is not None else None,
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
