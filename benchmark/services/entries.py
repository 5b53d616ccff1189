"""Registering language models."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from benchmark.errors import BadInput, NameTaken, NotAllowed
from benchmark.models import Entry
from benchmark.policies import can_submit, can_submit_for

EDITABLE = ("organisation", "parameters_b", "type", "licence", "link")


def free_slug(name: str) -> str:
    """A slug for `name` that no entry has; Chinese letters stay as they are not ASCII, so they become `entry`."""
    stem = slugify(name)[:100] or "entry"
    slug, number = stem, 2
    while Entry.objects.filter(slug=slug).exists():
        slug, number = f"{stem}-{number}", number + 1
    return slug


def create_entry(
    *,
    actor: Any,
    name: str,
    slug: str = "",
    organisation: str = "",
    parameters_b: Decimal | None = None,
    type: str = Entry.Type.GENERAL,
    licence: str = "",
    link: str = "",
) -> Entry:
    """`actor` None: the platform itself. Raises NameTaken, NotAllowed."""
    if actor is not None and not can_submit(actor):
        raise NotAllowed()
    name = " ".join(name.split())
    if not name:
        raise BadInput(_("An entry needs a name."))
    if Entry.objects.filter(name__iexact=name).exists():
        raise NameTaken(_("The name “%(name)s” is already registered.") % {"name": name})
    try:
        with transaction.atomic():
            return Entry.objects.create(
                name=name,
                slug=free_slug(slug or name),
                owner=actor,
                organisation=organisation,
                parameters_b=parameters_b,
                type=type,
                licence=licence,
                link=link,
            )
    except IntegrityError as error:  # somebody registered the same name a moment ago
        raise NameTaken(_("The name “%(name)s” is already registered.") % {"name": name}) from error


def update_entry(*, actor: Any, entry: Entry, **changes: Any) -> Entry:
    """Changes what describes the model; its name and address stay, since boards and links quote them."""
    if not can_submit_for(actor, entry):
        raise NotAllowed()
    for field, value in changes.items():
        if field not in EDITABLE:
            raise BadInput(_("“%(field)s” cannot be changed.") % {"field": field})
        setattr(entry, field, value)
    entry.save(update_fields=[*changes])
    return entry


def platform_entry(name: str) -> Entry:
    """The entry of this name for an import by the platform, registered if new."""
    entry = Entry.objects.filter(name__iexact=name).first()
    return entry or create_entry(actor=None, name=name)
