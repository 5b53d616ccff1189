"""Who may do what: can_<verb>(user, obj) -> bool. Datasets, runs and guardians are researchers' business."""

from __future__ import annotations

from typing import Any

from medes_site.kit.roles import is_researcher


def can_see_training(user: Any) -> bool:
    """Reports quote expert labels and verdicts item by item, so nobody who may be asked to label sees them."""
    return is_researcher(user)


def can_train(user: Any) -> bool:
    return is_researcher(user)


def can_promote(user: Any) -> bool:
    return is_researcher(user)
