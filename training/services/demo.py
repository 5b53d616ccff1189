"""The demo's first guardian: planned here, trained by the worker, so that the start stays quick."""

from __future__ import annotations

from typing import Any

from training.models import Run, TrainingKind
from training.queries.labels import new_labels
from training.services.guardian_data import MINIMUM_ROWS
from training.services.runs import plan_guardian_run

NOTE = "演示数据的第一个评审模型；标注为演示而写。The demo's first guardian; its labels were written for the demo."
REASON = (
    "演示环境的第一个评审模型：标注为演示而写，没有更早的评审模型可比。"
    "The demo's first guardian: its labels were written for the demo, and there is no earlier one to compare with."
)


def plan_demo_guardian(*, actor: Any) -> Run | None:
    """The run of the demo's first guardian; None where there is a run already, or nothing to learn from."""
    if Run.objects.filter(kind=TrainingKind.GUARDIAN).exists() or new_labels().total < MINIMUM_ROWS:
        return None
    return plan_guardian_run(actor=actor, note=NOTE, reason_if_first=REASON)
