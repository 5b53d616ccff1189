"""Which guardian is active, and what is left for one to judge."""

from __future__ import annotations

import re

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from benchmark.errors import BadInput
from benchmark.models import Guardian, Judging, Score, Submission


def active_guardian(*, lock: bool = False) -> Guardian | None:
    guardians = Guardian.objects.select_related("scorer").filter(state=Guardian.State.ACTIVE)
    return (guardians.select_for_update(of=("self",)) if lock else guardians).first()


def former_guardian(guardian: Guardian) -> Guardian | None:
    """The one that was active before a promoted guardian; of one that was not promoted yet, the active one."""
    if guardian.promoted_at is None:
        return active_guardian()
    before = Guardian.objects.select_related("scorer").filter(promoted_at__lt=guardian.promoted_at)
    return before.order_by("-promoted_at").first()


def guardians_at_work() -> list[Guardian]:
    """Those that judge every new submission: the active one first, then those in the shadow."""
    states = (Guardian.State.ACTIVE, Guardian.State.SHADOW)
    return list(Guardian.objects.select_related("scorer").filter(state__in=states).order_by("state", "pk"))


def find_guardian(name: str) -> Guardian:
    """`active`, a name (its newest version), name@version, or "name version" as pages write it. Raises BadInput."""
    guardians = Guardian.objects.select_related("scorer")
    if name == "active":
        found = guardians.filter(state=Guardian.State.ACTIVE).first()
        if found is None:
            raise BadInput(_("No guardian is active."))
        return found
    stem, version = (*re.split(r"@|\s+", name.strip(), maxsplit=1), "")[:2]  # a name holds neither
    guardians = guardians.filter(scorer__name=stem)
    found = (guardians.filter(scorer__version=version) if version else guardians.order_by("-pk")).first()
    if found is None:
        raise BadInput(_("There is no guardian “%(name)s”.") % {"name": name})
    return found


def judgeable_submissions() -> QuerySet[Submission]:
    """Submissions whose answers a guardian judges: evaluated, and not withdrawn."""
    return Submission.objects.exclude(evaluated_at=None).exclude(state=Submission.State.WITHDRAWN)


def unjudged_submissions(scorer: int) -> QuerySet[Submission]:
    """Those that the scorer has not finished, those that stand on a board first."""
    done = Judging.objects.filter(submission=OuterRef("pk"), scorer=scorer, finished_at__isnull=False)
    standing = Exists(Score.objects.filter(submission=OuterRef("pk"), designated=True))
    return (
        judgeable_submissions().filter(~Exists(done)).annotate(standing=standing).order_by("-standing", "pk")
    )
