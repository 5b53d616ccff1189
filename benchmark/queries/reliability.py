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
class BoardGuardian:
    """The guardian behind a board: `rows` are empty where nothing was measured."""

    guardian: Guardian
    rows: tuple[Reliability, ...]

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
    return BoardGuardian(guardian, reliability_rows(guardian.reliability))


def reliability_rows(report: Mapping[str, Any]) -> tuple[Reliability, ...]:
    """`report["criteria"][c]` holds figures by name: a number, or {"value", "low", "high"}, or null.

    Names read: n, accuracy, balanced_accuracy, kappa, majority (or majority_accuracy), human_kappa. A figure that is
    missing or refused is unknown here; a report of another shape gives no rows.
    """
    found = report.get("criteria")
    if not isinstance(found, Mapping):
        return ()
    rows = []
    for name in CRITERIA:
        part = found.get(name)
        if not isinstance(part, Mapping):
            continue
        n = part.get("n")
        rows.append(
            Reliability(
                name,
                n=n if isinstance(n, int) else None,
                accuracy=_measure(part.get("accuracy")),
                balanced=_measure(part.get("balanced_accuracy")),
                kappa=_measure(part.get("kappa")),
                majority=_measure(part.get("majority", part.get("majority_accuracy"))),
                human=_measure(part.get("human_kappa")),
            )
        )
    return tuple(rows)


def _measure(given: Any) -> Measure:
    if isinstance(given, Mapping):
        value = _number(given.get("value", given.get("mean")))
        return Measure(value, _number(given.get("low")), _number(given.get("high")))
    return Measure(_number(given))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
