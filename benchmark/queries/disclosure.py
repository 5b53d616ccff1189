"""How finely a score is shown, so that repeated attempts do not spell out a closed answer key.

A mean over few answered items says which of them were right. On `dev` keys are open anyway; on closed
splits, and as long as no researcher has published the submission, a group (scenario, dimension) is shown
from MIN_ANSWERED answered items on. docs/decisions/0005-small-groups.md says what this does and does not stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.models import Score, Split, Submission
from medes_site.kit.roles import is_researcher

MIN_ANSWERED = 5


def sees_small_groups(user: Any, score: Score) -> bool:
    """Whether `user` sees every group of `score`, however small. Reads score.board and score.submission."""
    if score.board.split == Split.DEV or score.submission is None or is_researcher(user):
        return True
    return score.submission.state == Submission.State.PUBLIC


def shown_groups(user: Any, score: Score, groups: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those of `groups` (`score.by_scenario` or `.by_dimension`) that `user` may see, in their order.

    A group says how many of its `n` items were answered in `scored`; without it, `n` counts.
    """
    if sees_small_groups(user, score):
        return dict(groups)
    return {slug: row for slug, row in groups.items() if row.get("scored", row["n"]) >= MIN_ANSWERED}
