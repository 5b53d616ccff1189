"""Who may do what with accounts: can_<verb>(user, obj) -> bool."""

from __future__ import annotations

from typing import Any

from medes_site.accounts.models import ApiToken, Invitation
from medes_site.kit.roles import is_researcher


def can_invite(user: Any) -> bool:
    return is_researcher(user)


def can_revoke_invitation(user: Any, invitation: Invitation) -> bool:
    """Any researcher, also for a colleague's: an invitation is the platform's, not a person's."""
    return is_researcher(user)


def can_make_token(user: Any) -> bool:
    return bool(user.is_authenticated and user.is_active)


def can_revoke_token(user: Any, token: ApiToken) -> bool:
    return bool(user.is_authenticated and token.user_id == user.pk)
