"""The accounts of a demo: one for each role and a second expert, with a password made for this installation.

The researcher labels too, so that one person can try the whole way from a label to a board.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from medes_site.accounts.models import User
from medes_site.kit.roles import Role

ACCOUNTS_FILE = "demo_accounts.json"
# Two experts, because a task needs two labels before a referee has anything to settle.
ACCOUNTS: tuple[tuple[str, Role, str], ...] = (
    ("submitter", Role.SUBMITTER, "演示提交者 Demo submitter"),
    ("expert", Role.EXPERT, "演示专家甲 Demo expert A"),
    ("expert2", Role.EXPERT, "演示专家乙 Demo expert B"),
    ("referee", Role.REFEREE, "演示仲裁人 Demo referee"),
    ("researcher", Role.RESEARCHER, "演示研究员 Demo researcher"),
)
ALSO: dict[str, tuple[Role, ...]] = {"researcher": (Role.EXPERT,)}


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """The user name is the role's, with a number from the second on."""

    username: str
    password: str
    role: Role


def demo_accounts() -> list[DemoAccount]:
    """Makes the accounts, or leaves them as they are, and says how to log in with them.

    A password is set only when an account is made or its line in the file is new, so whoever changed it keeps
    the change. Raises ImproperlyConfigured outside of a demo.
    """
    if not settings.DEMO:
        raise ImproperlyConfigured("Demo accounts are made with MEDES_DEMO=1 only.")
    passwords, new = _passwords(Path(settings.MEDES_HOME) / ACCOUNTS_FILE)
    accounts = [DemoAccount(name, passwords[name], role) for name, role, _title in ACCOUNTS]
    titles = {name: title for name, _role, title in ACCOUNTS}
    with transaction.atomic():
        for account in accounts:
            user, made = User.objects.get_or_create(
                username=account.username,
                defaults={
                    "email": f"{account.username}@demo.invalid",
                    "display_name": titles[account.username],
                    "organisation": "MedES demo",
                },
            )
            if made or account.username in new:
                user.set_password(account.password)
                user.save(update_fields=["password"])
            for role in (account.role, *ALSO.get(account.username, ())):
                user.groups.add(Group.objects.get_or_create(name=role.value)[0])
    return accounts


def _passwords(path: Path) -> tuple[dict[str, str], frozenset[str]]:
    """The passwords kept in `path`, readable by its owner alone, and the names whose were made just now."""
    kept = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    names = [name for name, _role, _title in ACCOUNTS]
    new = frozenset(name for name in names if name not in kept)
    if not new:
        return kept, new
    made = {name: kept.get(name) or secrets.token_urlsafe(9) for name in names}
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(made, file, indent=2)
    return made, new
