"""What an expert reads of a task: question, norm and text, never a model's name, a verdict or another label.

One statement fetches a seat with all of it and the expert's draft, for pages and the API alike.
"""

from __future__ import annotations

from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet

from annotation.models import Campaign, Label, Membership, Slot, Task
from annotation.queries.adjudication import shown_answers
from annotation.queries.progress import ExpertProgress
from annotation.queries.queue import QueueState
from benchmark.models import AnswerKey, Norm
from benchmark.models import Kind as ItemKind

# What is joined to a seat that is about to be shown.
SHOWN = (
    "campaign__guideline", "task__item__scenario", "task__item__norm__source", "task__response", "task__other",
)  # fmt: skip
UNREAD = ("task__item__search_terms", "task__item__norm__search_terms")


def seats_to_show(user: Any) -> QuerySet[Slot]:
    """Seats with what `slot_document` reads, and `draft_version`, `draft_content` of this user's draft."""
    own = FilteredRelation("drafts", condition=Q(drafts__expert=user))
    found: QuerySet[Slot] = (
        Slot.objects.select_related(*SHOWN)
        .defer(*UNREAD)
        .annotate(own_draft=own)
        .annotate(draft_version=F("own_draft__version"), draft_content=F("own_draft__content"))
    )
    return found


def slot_document(slot: Slot) -> dict[str, Any]:
    """A seat of `seats_to_show` as a mapping. Whether the task is a hidden gold one cannot be told from it."""
    task = slot.task
    campaign = slot.campaign
    version = getattr(slot, "draft_version", None)
    return {
        "slot": slot.pk,
        "fence": slot.fence,
        "state": slot.state,
        "lease_until": slot.lease_until,
        "ahead": slot.ahead,
        "campaign": campaign.slug,
        "kind": campaign.kind,
        "qualification": slot.queue == Slot.Queue.QUALIFICATION,
        "guideline": campaign.guideline.number if campaign.guideline else None,
        "item": item_document(task, campaign),
        "responses": shown_texts(task),
        "draft": None
        if version is None
        else {"version": version, "content": getattr(slot, "draft_content", None)},
    }


def item_document(task: Task, campaign: Campaign) -> dict[str, Any]:
    """The item of a task. Its answer key is there only where the task is to judge it."""
    item = task.item
    judged = campaign.kind == Campaign.Kind.ITEMS and item.kind == ItemKind.OBJECTIVE
    key = AnswerKey.objects.filter(item=item).first() if judged else None
    return {
        "item": item.code,
        "kind": item.kind,
        "scenario": item.scenario.slug,
        "question": item.question,
        "options": item.options,
        "norm": norm_document(item.norm, item.norm_text),
        "key": key.letters if key else None,
    }


def norm_document(norm: Norm | None, text: str) -> dict[str, Any] | None:
    """The norm as it stood when the benchmark was frozen, with its source as it is now."""
    if norm is None:
        return {"text": text, "article": "", "source": "", "status": "unknown"} if text else None
    return {
        "text": text or norm.text,
        "article": norm.article,
        "source": norm.source.title,
        "status": norm.source.status,
    }


def shown_texts(task: Task) -> list[str]:
    """The answers in the order they are shown: none for an item, one, or the two of a pair."""
    texts = [response.text for response in (task.response, task.other) if response is not None]
    return texts[::-1] if task.swapped else texts


def gold_document(slot: Slot) -> dict[str, Any] | None:
    """The right answers of a qualification task that was answered, with why; None of any other task."""
    if slot.queue != Slot.Queue.QUALIFICATION or slot.state != Slot.State.LABELLED:
        return None
    return {
        "answers": shown_answers(slot.task.gold_answers or {}, slot.task),
        "explanation_zh": slot.task.explanation_zh,
        "explanation_en": slot.task.explanation_en,
    }


def own_labels(user: Any, campaign: Campaign | None = None) -> QuerySet[Label]:
    """This user's labels, newest first, with what `label_document` reads."""
    labels = Label.objects.filter(expert=user).select_related("campaign", "task__item", "guideline")
    if campaign is not None:
        labels = labels.filter(campaign=campaign)
    return labels.defer("task__item__question", "task__item__search_terms").order_by("-id")


def label_document(label: Label) -> dict[str, Any]:
    """One's own label. What became of the task is left out: it would tell what others said."""
    return {
        "label": label.pk,
        "slot": label.slot_id,
        "campaign": label.campaign.slug,
        "item": label.task.item.code,
        "answers": shown_answers(label.said, label.task),
        "rationale": label.rationale,
        "correction": label.correction,
        "evidence": label.evidence,
        "blind": label.blind,
        "extra": label.extra,
        "revision": label.revision,
        "current": label.current,
        "undone": label.undone_at is not None,
        "guideline": label.guideline.number if label.guideline else None,
        "submitted_at": label.submitted_at,
    }


def campaign_document(campaign: Campaign) -> dict[str, Any]:
    """What a campaign asks for, for everybody who may see it."""
    guideline = campaign.guideline
    return {
        "slug": campaign.slug,
        "title_zh": campaign.title_zh,
        "title_en": campaign.title_en,
        "kind": campaign.kind,
        "state": campaign.state,
        "benchmark": campaign.version.benchmark.slug,
        "version": campaign.version.label,
        "lease_minutes": campaign.lease_minutes,
        "open_to_experts": campaign.open_to_experts,
        "guidelines": None
        if guideline is None
        else {"number": guideline.number, "zh": guideline.text_zh, "en": guideline.text_en},
    }


def membership_document(
    member: Membership | None, progress: ExpertProgress, queue: QueueState
) -> dict[str, Any] | None:
    """How somebody takes part; None for who does not."""
    if member is None:
        return None
    return {
        "state": member.state,
        "pseudonym": member.pseudonym,
        "today": progress.today,
        "goal": progress.goal,
        "labels": progress.total,
        "queue": queue_document(queue),
    }


def queue_document(queue: QueueState) -> dict[str, Any]:
    """Why there is no task, or that there is one: `until` is the end of the lease one has to wait for."""
    return {"case": queue.case.value, "until": queue.until}
