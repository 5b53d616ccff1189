"""Which statute took the place of which: found by the program, decided by a researcher where that is not certain."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from benchmark.errors import BadInput, NotAllowed
from benchmark.models import Corpus, Source, Succession
from benchmark.policies import can_decide_on_norms
from benchmark.queries.lineage import superseded_sources

_State = Succession.State
_Status = Source.Status


@transaction.atomic
def refresh_successions(corpus: Corpus, *, today: date) -> dict[str, Any]:
    """Brings the corpus's successions and the status of its sources up to date; returns what there is to look at.

    Versions of one family follow each other by date: certain. What a closing clause repeals is proposed, its newest
    version; what a person decided stays.
    """
    sources = list(Source.objects.filter(corpus=corpus).exclude(parts={}))
    wanted = _same_title(sources) | _repealed(sources)
    known = {(row.newer_id, row.older_id): row for row in Succession.objects.filter(newer__corpus=corpus)}
    outcome: Counter[str] = Counter()
    for pair, row in known.items():
        # A version that came in between parts two that followed each other before.
        if row.state == _State.CERTAIN and pair not in wanted:
            row.delete()
            outcome["removed"] += 1
    new = [
        Succession(
            newer_id=newer,
            older_id=older,
            reason=reason,
            evidence=evidence,
            state=_State.CERTAIN if reason == Succession.Reason.SAME_TITLE else _State.PROPOSED,
        )
        for (newer, older), (reason, evidence) in wanted.items()
        if (newer, older) not in known
    ]
    Succession.objects.bulk_create(new)
    refresh_status(corpus, today=today)
    states = Counter(Succession.objects.filter(newer__corpus=corpus).values_list("state", flat=True))
    proposed = Succession.objects.filter(newer__corpus=corpus, state=_State.PROPOSED).select_related(
        "newer", "older"
    )
    return {
        "created": len(new),
        "removed": outcome["removed"],
        **{state: states[state] for state in _State.values},
        "to_confirm": [
            {"id": row.pk, "newer": row.newer.title, "older": row.older.title, "evidence": row.evidence}
            for row in proposed.order_by("pk")
        ],
    }


def _same_title(sources: list[Source]) -> dict[tuple[int, int], tuple[str, str]]:
    families: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        if source.version_date is not None:
            families[source.family].append(source)
    found = {}
    for versions in families.values():
        versions.sort(key=lambda source: (source.version_date or date.min, source.pk))
        for older, newer in pairwise(versions):
            if older.version_date != newer.version_date:
                found[(newer.pk, older.pk)] = (Succession.Reason.SAME_TITLE.value, "")
    return found


def _repealed(sources: list[Source]) -> dict[tuple[int, int], tuple[str, str]]:
    found = {}
    for newer in sources:
        for family, evidence in newer.repeals:
            older = [
                source
                for source in sources
                if source.family == family
                and (source.version_date or date.min) < (newer.version_date or date.max)
            ]
            if older:
                last = max(older, key=lambda source: (source.version_date or date.min, source.pk))
                found[(newer.pk, last.pk)] = (Succession.Reason.REPEAL_CLAUSE.value, evidence)
    return found


def refresh_status(corpus: Corpus, *, today: date) -> None:
    """`status` as far as this corpus knows: amended or repealed where another version took the place, else in force."""
    gone = superseded_sources(today)
    retitled = set(
        Succession.objects.filter(newer__corpus=corpus, state__in=Succession.COUNTS)
        .exclude(reason=Succession.Reason.SAME_TITLE)
        .values_list("older_id", flat=True)
    )
    for source in Source.objects.filter(corpus=corpus).exclude(parts={}):
        if source.pk in gone:
            status = _Status.REPEALED if source.pk in retitled else _Status.AMENDED
        elif source.in_force is not None and source.in_force <= today:
            status = _Status.IN_FORCE
        else:
            status = _Status.UNKNOWN
        if source.status != status:
            Source.objects.filter(pk=source.pk).update(status=status)


@transaction.atomic
def decide_succession(*, actor: Any, succession: Succession, confirm: bool, today: date) -> Succession:
    """Confirms or rejects what was proposed, or takes an earlier decision back by the other one."""
    if not can_decide_on_norms(actor):
        raise NotAllowed()
    row = Succession.objects.select_for_update().select_related("newer__corpus").get(pk=succession.pk)
    if row.state == _State.CERTAIN:
        raise BadInput(_("Versions under one title follow each other by date; there is nothing to decide."))
    row.state = _State.CONFIRMED if confirm else _State.REJECTED
    row.decided_by, row.decided_at = actor, timezone.now()
    row.save(update_fields=["state", "decided_by", "decided_at"])
    refresh_status(row.newer.corpus, today=today)
    return row
