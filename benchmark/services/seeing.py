"""What somebody has read of verdicts and labels is written down, and whoever deals out blind work is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import transaction

from benchmark.models import Sighting
from medes_site.kit.roles import Role, has_role

BATCH = 2000
Watcher = Callable[[Any, Sequence[int]], None]
_watchers: list[Watcher] = []


def tell_when_seen(watcher: Watcher) -> None:
    """For a floor above: called with the person and the ids of responses they see for the first time."""
    if watcher not in _watchers:
        _watchers.append(watcher)


def note_seen(user: Any, responses: Iterable[int], *, verdict: bool = True) -> None:
    """Called by whatever is about to show a verdict or another's label on an answer.

    `verdict`: whether a guardian's is shown, or only what people said. Noted of those who label, rule or may come
    to do so: experts, referees and researchers. Nothing is written for what the person has seen before, so reading
    a page again costs one query.
    """
    wanted = sorted(set(responses))
    if not wanted or not has_role(user, Role.EXPERT, Role.REFEREE, Role.RESEARCHER):
        return
    for first in range(0, len(wanted), BATCH):
        part = wanted[first : first + BATCH]
        sightings = Sighting.objects.filter(user=user, response__in=part)
        known = dict(sightings.values_list("response_id", "verdict"))
        if verdict and not all(known.values()):
            sightings.filter(verdict=False).update(verdict=True)
        fresh = [pk for pk in part if pk not in known]
        if fresh:
            _write(user, fresh, verdict)


@transaction.atomic
def _write(user: Any, fresh: Sequence[int], verdict: bool) -> None:
    rows = [Sighting(user=user, response_id=pk, verdict=verdict) for pk in fresh]
    if verdict:  # another tab may have noted less of it at this moment
        Sighting.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["user", "response"], update_fields=["verdict"]
        )
    else:
        Sighting.objects.bulk_create(rows, ignore_conflicts=True)
    for watcher in _watchers:
        watcher(user, fresh)
