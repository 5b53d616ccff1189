"""The four roles, kept as Django groups. Apps ask here; they never import the accounts app."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Role(StrEnum):
    EXPERT = "expert"
    REFEREE = "referee"
    SUBMITTER = "submitter"
    RESEARCHER = "researcher"


# Nobody gives these to themselves: an expert or a referee is invited.
INVITED_ROLES = (Role.EXPERT, Role.REFEREE)


def roles_of(user: Any) -> frozenset[str]:
    """Names of the user's groups; one query per user object. A superuser has every role."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return frozenset()
    if user.is_superuser:
        return frozenset(Role)
    known: frozenset[str] | None = getattr(user, "_role_names", None)
    if known is None:
        known = frozenset(user.groups.values_list("name", flat=True))
        user._role_names = known
    return known


def remember_roles(user: Any, names: frozenset[str]) -> None:
    """For who has read the user's groups along with something else: `roles_of` need not ask again."""
    user._role_names = names


def has_role(user: Any, *roles: Role) -> bool:
    """True if the user holds at least one of `roles`."""
    return not roles_of(user).isdisjoint(roles)


def is_researcher(user: Any) -> bool:
    return has_role(user, Role.RESEARCHER)
