"""Finds campaigns by the names people use."""

from __future__ import annotations

from django.utils.translation import gettext as _

from annotation.errors import BadInput
from annotation.models import Campaign


def find_campaign(name: str) -> Campaign:
    """By short name, else by number. Raises BadInput."""
    campaigns = Campaign.objects.select_related("version__benchmark", "scorer", "guideline")
    found = campaigns.filter(slug=name).first()
    if found is None and name.isdecimal() and len(name) < 16:
        found = campaigns.filter(pk=int(name)).first()
    if found is None:
        raise BadInput(_("There is no campaign “%(name)s”.") % {"name": name})
    return found
