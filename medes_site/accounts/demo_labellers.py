"""The two accounts behind the labels that the demo brings along. Nobody logs in as them; their names say what they are."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from medes_site.accounts.models import User
from medes_site.kit.roles import Role

# Their labels were written for the demo: no human expert gave them.
LABELLERS = {
    "a": "演示标注甲（为演示而写） Demo labels A (written for the demo)",
    "b": "演示标注乙（为演示而写） Demo labels B (written for the demo)",
}


@transaction.atomic
def demo_labellers() -> list[User]:
    """Makes the accounts or leaves them as they are. Raises ImproperlyConfigured outside of a demo."""
    if not settings.DEMO:
        raise ImproperlyConfigured("Demo accounts are made with MEDES_DEMO=1 only.")
    expert = Group.objects.get_or_create(name=Role.EXPERT.value)[0]
    labellers = []
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
