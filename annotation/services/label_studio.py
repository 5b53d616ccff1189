"""Annotations of a Label Studio project become labels of named experts; the same file twice is the same labels.

Each takes a seat of its task as if it had been claimed and submitted, so that consensus, cap and agreement
know it; one for which no seat is free is kept as an extra. It names no guideline: it was given under another.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation.errors import BadAnswers, BadInput, NotAllowed
from annotation.models import Campaign, Draft, Label, Membership, Slot, SlotEvent, Task
from annotation.policies import can_manage_campaigns
from annotation.rules.label_studio import Annotation, Mapped, Unreadable, read_annotation
from annotation.services import events
from annotation.services.answering import label_columns
from annotation.services.claiming import give_back
from annotation.services.consensus import lock_task, settle
from annotation.services.members import add_member
from annotation.services.submitting import revisable
from benchmark.rules.matching import normal_form
from medes_site.kit.roles import Role, has_role

PREFIX = "ls-"
SHOWN_PROBLEMS = 200


@dataclass
class LabelStudioReport:
    """`counts` by outcome. Labels: imported, extra, revised, unchanged. Left out: cancelled, preannotated, older,
    draft, prediction. Failed, each in `problems` with task, annotation and detail: unmatched, ambiguous,
    unknown_annotator, not_an_expert, has_own_label, passed, shape, annotator, missing_answer, unknown_choice, refused.
    """

    campaign: str
    counts: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    problems: list[dict[str, str]] = field(default_factory=list)

    def fail(self, code: str, task: Any, annotation: Any = "", detail: str = "") -> None:
        self.counts[code] += 1
        if len(self.problems) < SHOWN_PROBLEMS:
            row = {"task": str(task), "annotation": str(annotation), "reason": code, "detail": detail}
            self.problems.append(row)

    def as_dict(self) -> dict[str, Any]:
        return {
            "campaign": self.campaign,
            "counts": dict(sorted(self.counts.items())),
            "notes": dict(sorted(self.notes.items())),
            "problems": self.problems,
        }


LEFT_OUT = ("cancelled", "preannotated")


class _Stop(Exception):
    """Takes a trial run back."""


def import_label_studio(
    *,
    actor: Any,
    campaign: Campaign,
    tasks: Iterable[Any],
    users: Mapping[str, str],
    mapping: Mapped | None = None,
    trial: bool = False,
) -> LabelStudioReport:
    """Imports an export. `users`: Label Studio's user id or e-mail → user name here. `trial`: stores nothing.

    Raises NotAllowed, and BadInput for a campaign that does not ask for the rubric or is a draft, an export in
    another format, and a user that does not exist.
    """
    if not can_manage_campaigns(actor):
        raise NotAllowed(_("Only researchers manage campaigns."))
    if not campaign.uses_rubric or campaign.state == Campaign.State.DRAFT:
        raise BadInput(_("Labels are imported into opened campaigns on responses."))
    report = LabelStudioReport(campaign.slug)
    work = _Import(actor, campaign, mapping or Mapped(), _experts(users), report)
    try:
        with transaction.atomic():
            for row in tasks:
                work.take(row)
            if trial:
                raise _Stop
    except _Stop:
        pass
    return report


def _experts(users: Mapping[str, str]) -> dict[str, Any]:
    known = get_user_model()._default_manager.filter(username__in=set(users.values()), is_active=True)
    by_name = {user.get_username(): user for user in known}
    if missing := sorted(set(users.values()) - set(by_name)):
        raise BadInput(_("There is no user “%(name)s”.") % {"name": missing[0]})
    return {outside: by_name[name] for outside, name in users.items()}


class _Import:
    def __init__(
        self,
        actor: Any,
        campaign: Campaign,
        mapping: Mapped,
        experts: dict[str, Any],
        report: LabelStudioReport,
    ) -> None:
        self._actor = actor
        self._campaign = campaign
        self._mapping = mapping
        self._experts = experts
        self._report = report
        self._by_name, self._by_text = _tasks_of(campaign)
        self._members: set[int] = set()

    def take(self, row: Any) -> None:
        """One task of the export."""
        if not isinstance(row, Mapping) or not isinstance(row.get("data"), Mapping):
            raise BadInput(
                _("This is not Label Studio's export as JSON (JSON-MIN and CSV leave out what is needed).")
            )
        name = row.get("id", "?")
        self._report.counts["draft"] += len(row.get("drafts") or ())
        self._report.counts["prediction"] += len(row.get("predictions") or ())
        annotations = row.get("annotations") or []
        if not annotations:
            return
        found = self._find(row["data"])
        if len(found) != 1:
            code = "ambiguous" if found else "unmatched"
            for annotation in annotations:
                self._report.fail(code, name, _id_of(annotation))
            return
        task = Task.objects.select_related("item", "response").get(pk=found[0])
        for expert, annotation in self._newest(name, annotations, task):
            self._store(name, task, expert, annotation, row)

    def _find(self, data: Mapping[str, Any]) -> list[int]:
        """By item and entry where both are given, else by the texts of question and response."""
        mapping = self._mapping
        item, entry = data.get(mapping.item), data.get(mapping.entry)
        if isinstance(item, str) and isinstance(entry, str):
            found = self._by_name.get((item, entry), [])
            if found:
                return found
        question, response = data.get(mapping.question), data.get(mapping.response)
        if isinstance(question, str) and isinstance(response, str):
            return self._by_text.get(_text_key(question, response), [])
        return []

    def _newest(self, name: Any, annotations: Iterable[Any], task: Task) -> Iterable[tuple[Any, Annotation]]:
        """One annotation for each expert: of several by the same person the one changed last."""
        newest: dict[int, tuple[Any, Annotation]] = {}
        text = task.response.text if task.response else ""
        for given in annotations:
            try:
                read = read_annotation(given, self._mapping, text)
            except Unreadable as reason:
                if reason.code in LEFT_OUT:
                    self._report.counts[reason.code] += 1
                else:
                    self._report.fail(reason.code, name, _id_of(given), reason.detail)
                continue
            expert = next((self._experts[key] for key in read.annotators if key in self._experts), None)
            if expert is None:
                self._report.fail("unknown_annotator", name, read.id, read.annotators[-1])
            elif not has_role(expert, Role.EXPERT):
                self._report.fail("not_an_expert", name, read.id, expert.get_username())
            else:
                before = newest.get(expert.pk)
                if before is not None:
                    self._report.counts["older"] += 1
                if before is None or before[1].updated_at <= read.updated_at:
                    newest[expert.pk] = (expert, read)
        return newest.values()

    def _store(self, name: Any, task: Task, expert: Any, read: Annotation, row: Mapping[str, Any]) -> None:
        source = f"{row.get('project', '')}:{row.get('id', '')}:{read.id}"
        series = PREFIX + hashlib.sha256(source.encode()).hexdigest()[:24]
        key = f"{series}-{read.digest[:24]}"
        if Label.objects.filter(expert=expert, key=key).exists():
            self._report.counts["unchanged"] += 1
            return
        try:
            columns = label_columns(
                task, self._campaign, answers=read.answers, rationale=read.rationale, evidence=read.evidence
            )
        except BadAnswers as problem:
            self._report.fail("refused", name, read.id, str(problem))
            return
        self._report.notes["quality_dropped"] += read.quality_dropped
        self._report.notes["passages_dropped"] += read.passages_dropped
        self._admit(expert)
        with transaction.atomic():
            outcome = _seat_label(lock_task(task.pk), self._campaign, expert, read, columns, series, key)
        if outcome in ("has_own_label", "passed"):
            self._report.fail(outcome, name, read.id, expert.get_username())
        else:
            self._report.counts[outcome] += 1

    def _admit(self, expert: Any) -> None:
        if expert.pk in self._members:
            return
        members = Membership.objects.filter(campaign=self._campaign, expert=expert)
        if not members.exists():
            add_member(actor=self._actor, campaign=self._campaign, expert=expert)
        self._members.add(expert.pk)


def _seat_label(
    task: Task,
    campaign: Campaign,
    expert: Any,
    read: Annotation,
    columns: dict[str, Any],
    series: str,
    key: str,
) -> str:
    """Stores one label on a locked task and decides the task; returns the outcome for the report."""
    own = Slot.objects.select_related("campaign").filter(task=task, expert=expert).first()
    if own is not None and own.state in (Slot.State.LABELLED, Slot.State.LATE):
        before = Label.objects.filter(slot=own, blind=True, current=True).order_by("-id").first()
        if before is None or not before.key.startswith(series):
            return "has_own_label"
        if before.extra or not revisable(before, task, own):
            return "has_own_label"
        _revise(own, expert, read, columns, key)
        settle(task, campaign)
        return "revised"
    if own is not None and own.state == Slot.State.SKIPPED:
        return "passed"
    if own is not None and own.state == Slot.State.LEASED:
        give_back(own.pk, expert, own.fence)
    withdrawn = own if own is not None and own.state == Slot.State.WITHDRAWN else None
    seat = None if withdrawn else _take_seat(task, campaign, expert)
    extra = seat is None
    seat = seat or withdrawn
    if seat is None:
        last = Slot.objects.filter(task=task).order_by("-ordinal").first()
        seat = Slot.objects.create(
            task=task, campaign=campaign, ordinal=last.ordinal if last else 1, position=task.position,
            state=Slot.State.LATE, expert=expert, fence=1, claimed_at=Now(), finished_at=Now(),
        )  # fmt: skip
    _create(seat, expert, read, columns, key, extra=extra)
    Draft.objects.filter(slot=seat.pk, expert=expert).delete()
    events.note(SlotEvent.Kind.IMPORTED, slot_id=seat.pk, fence=seat.fence, expert=expert)
    settle(task, campaign)
    return "extra" if extra else "imported"


def _take_seat(task: Task, campaign: Campaign, expert: Any) -> Slot | None:
    """A seat that nobody holds, as if claimed and labelled at once; None if there is none."""
    if campaign.state == Campaign.State.CLOSED or task.state == Task.State.RULED:
        return None
    seat = (
        Slot.objects.select_for_update()
        .filter(task=task, state=Slot.State.OPEN, reserved_for=None)
        .order_by("ordinal")
        .first()
    )
    if seat is None:
        return None
    Slot.objects.filter(pk=seat.pk).update(
        state=Slot.State.LABELLED, expert=expert, fence=seat.fence + 1, claimed_at=Now(), finished_at=Now()
    )
    seat.refresh_from_db()
    return seat


def _create(
    seat: Slot, expert: Any, read: Annotation, columns: dict[str, Any], key: str, **fields: Any
) -> Label:
    now = timezone.now()
    return Label.objects.create(
        task_id=seat.task_id,
        slot=seat,
        campaign_id=seat.campaign_id,
        expert=expert,
        key=key,
        duration_ms=read.duration_ms,
        submitted_at=min(read.created_at, now) if read.created_at else now,
        **columns,
        **fields,
    )


def _revise(seat: Slot, expert: Any, read: Annotation, columns: dict[str, Any], key: str) -> None:
    versions = Label.objects.filter(slot=seat, blind=True, extra=False, undone_at=None)
    last = versions.aggregate(last=Max("revision"))["last"]
    versions.filter(current=True).update(current=False)
    _create(seat, expert, read, columns, key, revision=last + 1)
    events.note(SlotEvent.Kind.IMPORTED, slot_id=seat.pk, fence=seat.fence, expert=expert)


def _tasks_of(campaign: Campaign) -> tuple[dict[tuple[str, str], list[int]], dict[str, list[int]]]:
    """Task ids by (item, entry's slug or name), and by question and response."""
    by_name: dict[tuple[str, str], list[int]] = {}
    by_text: dict[str, list[int]] = {}
    rows = (
        Task.objects.filter(campaign=campaign, purpose=Task.Purpose.REAL)
        .order_by("id")
        .values_list(
            "pk", "item__code", "item__question", "response__text",
            "response__submission__entry__slug", "response__submission__entry__name",
        )
    )  # fmt: skip
    for pk, code, question, text, slug, name in rows.iterator(chunk_size=2000):
        for entry in {slug, name}:
            by_name.setdefault((code, entry), []).append(pk)
        by_text.setdefault(_text_key(question, text), []).append(pk)
    return by_name, by_text


def _text_key(question: str, response: str) -> str:
    whole = f"{normal_form(question)}\n{normal_form(response)}"
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def _id_of(annotation: Any) -> Any:
    return annotation.get("id", "?") if isinstance(annotation, Mapping) else "?"
