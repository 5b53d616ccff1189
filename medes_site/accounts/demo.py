"""The accounts of a demo: one for each role, with a password made for this installation."""

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
DISPLAY_NAMES = {
    Role.SUBMITTER: "演示提交者 Demo submitter",
    Role.EXPERT: "演示专家 Demo expert",
    Role.REFEREE: "演示仲裁人 Demo referee",
    Role.RESEARCHER: "演示研究员 Demo researcher",
}

# Their labels were written for the demo: no human expert gave them.
LABELLERS = {
    "a": "演示标注甲（为演示而写） Demo labels A (written for the demo)",
    "b": "演示标注乙（为演示而写） Demo labels B (written for the demo)",
}


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """The user name is the role's."""

    username: str
    password: str
    role: Role


def demo_accounts() -> list[DemoAccount]:
    """Makes the four accounts, or leaves them as they are, and says how to log in with them.

    A password is set only when an account is made or the file with the passwords is new, so whoever changed
    it keeps the change. Raises ImproperlyConfigured outside of a demo.
    """
    if not settings.DEMO:
        raise ImproperlyConfigured("Demo accounts are made with MEDES_DEMO=1 only.")
    passwords, new = _passwords(Path(settings.MEDES_HOME) / ACCOUNTS_FILE)
    accounts = [DemoAccount(role.value, passwords[role.value], role) for role in DISPLAY_NAMES]
    with transaction.atomic():
        for account in accounts:
            user, made = User.objects.get_or_create(
                username=account.username,
                defaults={
                    "email": f"{account.username}@demo.invalid",
                    "display_name": DISPLAY_NAMES[account.role],
                    "organisation": "MedES demo",
                },
            )
            if made or new:
                user.set_password(account.password)
                user.save(update_fields=["password"])
            user.groups.add(Group.objects.get_or_create(name=account.role.value)[0])
    return accounts


def _passwords(path: Path) -> tuple[dict[str, str], bool]:
    """The passwords kept in `path`, readable by its owner alone, and whether they were made just now."""
    if path.is_file():
        kept = json.loads(path.read_text("utf-8"))
        if set(kept) >= {role.value for role in DISPLAY_NAMES}:
            return kept, False
    made = {role.value: secrets.token_urlsafe(9) for role in DISPLAY_NAMES}
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(made, file, indent=2)
    return made, True


def demo_labellers() -> list[User]:
    """Two experts whose labels the demo brings along; nobody logs in as them. Their names say what they are."""
    if not settings.DEMO:
        raise ImproperlyConfigured("Demo accounts are made with MEDES_DEMO=1 only.")
    labellers = []
    with transaction.atomic():
        expert = Group.objects.get_or_create(name=Role.EXPERT.value)[0]
        for mark, name in LABELLERS.items():
            user, made = User.objects.get_or_create(
                username=f"demo-expert-{mark}",
                defaults={
                    "email": f"demo-expert-{mark}@demo.invalid",
                    "display_name": name,
                    "organisation": "MedES demo",
                },
            )
            if made:
                user.set_unusable_password()
                user.save(update_fields=["password"])
            user.groups.add(expert)
            labellers.append(user)
    return labellers
