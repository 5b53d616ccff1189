"""Judging all rows of a phase with whatever kind of guardian, with progress; a language model that only babbles is left
alone before it has cost hours."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.guardians.base import Case, Guardian, JudgeFailed, Verdict
from training.engine.guardian_endpoint import TRUST, RememberingJudge
from training.engine.guardian_run import AuditRow, Run, TrainingRow

BATCH = 64
NOT_ASKED = JudgeFailed(f"Not asked: none of the first {TRUST} answers was judged.")


def judge_all(
    run: Run, guardian: Guardian, rows: Sequence[TrainingRow | AuditRow], phase: str
) -> list[Verdict | JudgeFailed]:
    """Outcomes in the order of the rows. A local language model is asked one by one, and no more once the first
    20 answers brought no judgement. Raises Stopped; for an endpoint also RunRefused, where nothing was judged."""
    cases = [Case(row.norm, row.question, row.response) for row in rows]
    if isinstance(guardian, RememberingJudge):
        return guardian.judge(cases, phase)
    slow = guardian.kind == "generative"
    size = 1 if slow else BATCH
    outcomes: list[Verdict | JudgeFailed] = []
    judged = 0
    for start in range(0, len(cases), size):
        if slow and judged == 0 and len(outcomes) >= TRUST:
            return outcomes + [NOT_ASKED] * (len(cases) - len(outcomes))
        run.check()
        found = guardian.judge(cases[start : start + size])
        judged += sum(isinstance(outcome, Verdict) for outcome in found)
        outcomes += found
        run.say(phase, f"judged {judged} of {len(outcomes)}", len(outcomes), len(cases))
    return outcomes
