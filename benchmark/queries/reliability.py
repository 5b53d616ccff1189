"""How good the guardian of a board is, as the board's readers need it: read from what was measured above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmark.models import Board, Guardian
from benchmark.rules.rubric import CRITERIA


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure with its interval; everything None where it was refused for too few labels."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Reliability:
    """One criterion: agreement of the guardian with blind expert labels of audit groups, beside two yardsticks.

    `n` labels; `majority`: the accuracy of always guessing the majority; `human`: κ between two single experts.
    """

    criterion: str
    n: int | None
    accuracy: Measure
    balanced: Measure
    kappa: Measure
    majority: Measure
    human: Measure

    @property
    def known(self) -> bool:
        return self.kappa.value is not None or self.balanced.value is not None


@dataclass(frozen=True, slots=True)
class BoardChange:
    """How the board differs from the one of the guardian before: of `entries` on both, `moved` have another rank
    interval; `tau`: Kendall's rank correlation, None where there is none."""

    former: str
    tau: float | None
    moved: int
    entries: int


@dataclass(frozen=True, slots=True)
class BoardGuardian:
    """The guardian behind a board: `rows` are empty where nothing was measured; `change` None for a first one."""

    guardian: Guardian
    rows: tuple[Reliability, ...]
    change: BoardChange | None

    @property
    def overridden(self) -> bool:
        return bool(self.guardian.override_reason)

    @property
    def promoted_at(self) -> datetime | None:
        return self.guardian.promoted_at

    @property
    def any_known(self) -> bool:
        return any(row.known for row in self.rows)


def board_guardian(board: Board) -> BoardGuardian | None:
    """None for a board of an extractor or of published scores."""
    guardian = Guardian.objects.select_related("scorer").filter(scorer=board.scorer_id).first()
    if guardian is None:
        return None
    return BoardGuardian(
        guardian, reliability_rows(guardian.reliability), _change(guardian.reliability, board.pk)
    )


def _change(reliability: Mapping[str, Any], board: int) -> BoardChange | None:
    change = _mapping(reliability.get("change"))
    found = _mapping(_mapping(change.get("boards")).get(str(board)))
    moved, entries = found.get("moved"), found.get("entries")
    if not isinstance(moved, int) or not isinstance(entries, int) or not entries:
        return None
    return BoardChange(str(change.get("former", "")), _number(found.get("tau")), moved, entries)


def reliability_rows(report: Mapping[str, Any]) -> tuple[Reliability, ...]:
    """From a guardian's report (training.rules.guardian_quality), as far as a board's readers need it.

    `report["criteria"][c]` holds `figures` (name → {"value", "low", "high", "n", …}) and the yardsticks `majority`
    and `human`. A figure that is missing or refused is unknown here; a report of another shape gives no rows.
    """
    found = _mapping(report.get("criteria"))
    rows = []
    for name in CRITERIA:
        part = _mapping(found.get(name))
        if not part:
            continue
        figures, n = _mapping(part.get("figures")), part.get("n")
        rows.append(
            Reliability(
                name,
                n=n if isinstance(n, int) else None,
                accuracy=_measure(figures.get("accuracy")),
                balanced=_measure(figures.get("balanced_accuracy")),
                kappa=_measure(figures.get("kappa")),
                majority=_measure(_mapping(part.get("majority")).get("accuracy")),
                human=_measure(_mapping(part.get("human")).get("kappa")),
            )
        )
    return tuple(rows)


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}


def _measure(given: Any) -> Measure:
    if isinstance(given, Mapping):
        value = _number(given.get("value"))
        return Measure(value, _number(given.get("low")), _number(given.get("high")))
    return Measure(_number(given))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
