"""A campaign's way: draft, open (tasks drawn, seats made), paused, closed; its guidelines and gold tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils.text import slugify
from django.utils.translation import gettext as _

from annotation.database import draw_tasks, make_slots, order_tasks
from annotation.errors import BadAnswers, BadInput, NotAllowed, WrongState
from annotation.models import Campaign, GuidelineVersion, Membership, Task
from annotation.policies import can_manage_campaigns
from annotation.queries.sources import task_source
from annotation.rules.answers import AnswerProblem, clean_answers
from annotation.rules.dealing import random_stratum_size
from annotation.services.answering import answer_kind, has_answer_key
from annotation.services.barring import bar_from_new_tasks
from annotation.services.members import reserve_gold_seats
from benchmark.models import BenchmarkVersion, Entry, Item, Response, Scenario, Scorer

_State = Campaign.State


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What a researcher decides before a campaign exists; `settings` are fields of Campaign by name.

    No scenarios or entries means all of them. `text_zh`, `text_en`: the first guidelines, in Markdown.
    """

    title_zh: str
    title_en: str
    kind: str
    version: BenchmarkVersion
    slug: str = ""
    scenarios: tuple[Scenario, ...] = ()
    entries: tuple[Entry, ...] = ()
    scorer: Scorer | None = None
    text_zh: str = ""
    text_en: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


SETTINGS = frozenset(
    {
        "first_experts", "cap", "max_skips", "gold_share", "lease_minutes", "order", "seed", "size_limit",
        "random_share", "qualification_tasks", "qualification_bound", "daily_goal", "open_to_experts",
        "outdated_only",
    }
)  # fmt: skip


@transaction.atomic
def create_campaign(*, actor: Any, plan: CampaignPlan) -> Campaign:
    """A draft with its guidelines. Raises NotAllowed, and BadInput for settings that cannot be."""
    _manage(actor)
    if not plan.version.is_frozen:
        raise BadInput(_("A campaign needs a frozen benchmark version."))
    unknown = sorted(set(plan.settings) - SETTINGS)
    if unknown:
        raise BadInput(_("A campaign has no setting “%(name)s”.") % {"name": unknown[0]})
    if plan.kind == Campaign.Kind.GUARDIAN and plan.scorer is None:
        raise BadInput(_("A campaign on guardian judgements names the guardian to be shown."))
    campaign = Campaign(
        slug=plan.slug or slugify(plan.title_en)[:80],
        title_zh=plan.title_zh,
        title_en=plan.title_en,
        kind=plan.kind,
        version=plan.version,
        scorer=plan.scorer if plan.kind == Campaign.Kind.GUARDIAN else None,
        created_by=actor,
        **plan.settings,
    )
    _check(campaign)
    try:
        with transaction.atomic():
            campaign.save(force_insert=True)
    except IntegrityError as error:
        raise BadInput(_("There is a campaign “%(name)s” already.") % {"name": campaign.slug}) from error
    campaign.scenarios.set(plan.scenarios)
    campaign.entries.set(plan.entries)
    if plan.text_zh or plan.text_en:
        add_guideline(actor=actor, campaign=campaign, text_zh=plan.text_zh, text_en=plan.text_en)
    return campaign


def _check(campaign: Campaign) -> None:
    try:
        campaign.full_clean(exclude=["created_by", "guideline"], validate_unique=False)
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise BadInput(f"{name}: {messages[0]}", field=name) from error


@transaction.atomic
def update_campaign(*, actor: Any, campaign: Campaign, **settings: Any) -> Campaign:
    """Changes settings: all of a draft; of one that was opened the lease, the goal and who may join."""
    _manage(actor)
    campaign = _locked(campaign)
    later = {"lease_minutes", "daily_goal", "open_to_experts", "gold_share", "max_skips"}
    allowed = SETTINGS if campaign.state == _State.DRAFT else later
    fixed = sorted(set(settings) - allowed)
    if fixed:
        raise WrongState(_("“%(name)s” cannot be changed once the campaign is open.") % {"name": fixed[0]})
    for name, value in settings.items():
        setattr(campaign, name, value)
    _check(campaign)
    campaign.save(update_fields=list(settings))
    return campaign


@transaction.atomic
def add_guideline(*, actor: Any, campaign: Campaign, text_zh: str, text_en: str = "") -> GuidelineVersion:
    """New guidelines under a new number; labels given from now on name them."""
    _manage(actor)
    campaign = _locked(campaign)
    last = campaign.guidelines.aggregate(last=Max("number"))["last"] or 0
    guideline = GuidelineVersion.objects.create(
        campaign=campaign, number=last + 1, text_zh=text_zh, text_en=text_en, created_by=actor
    )
    Campaign.objects.filter(pk=campaign.pk).update(guideline=guideline)
    return guideline


@transaction.atomic
def draw_campaign(*, actor: Any, campaign: Campaign) -> int:
    """Draws the tasks of a draft, so that priorities can be given before it opens; returns their number."""
    _manage(actor)
    campaign = _locked(campaign)
    _in_state(campaign, _State.DRAFT)
    if campaign.tasks.real().exists():
        raise WrongState(_("The tasks of this campaign are drawn already."))
    statement, parameters = task_source(campaign)
    return draw_tasks(statement, parameters, campaign=campaign.pk, seed=campaign.seed)


@transaction.atomic
def set_priorities(*, actor: Any, campaign: Campaign, priorities: Mapping[int, float]) -> int:
    """Stores a priority (higher comes earlier) for tasks of a draft, by response or item id; returns how many."""
    _manage(actor)
    campaign = _locked(campaign)
    _in_state(campaign, _State.DRAFT)
    subject = "item_id" if campaign.kind == Campaign.Kind.ITEMS else "response_id"
    tasks = campaign.tasks.real().filter(**{f"{subject}__in": list(priorities)})
    rows = list(tasks.only("id", "priority", subject))
    for row in rows:
        row.priority = priorities[getattr(row, subject)]
    Task.objects.bulk_update(rows, ["priority"], batch_size=1000)
    return len(rows)


@transaction.atomic
def open_campaign(*, actor: Any, campaign: Campaign) -> Campaign:
    """Opens a draft (drawing its tasks unless that is done, ordering them, making the seats) or a paused one."""
    _manage(actor)
    campaign = _locked(campaign)
    _in_state(campaign, _State.DRAFT, _State.PAUSED)
    if campaign.state == _State.DRAFT:
        _lay_out(actor, campaign)
        campaign.opened_at = Now()
    campaign.state = _State.OPEN
    campaign.save(update_fields=["state", "opened_at"])
    Membership.objects.filter(campaign=campaign).update(wrap_after=None)
    campaign.refresh_from_db()
    return campaign


def _lay_out(actor: Any, campaign: Campaign) -> None:
    tasks = campaign.tasks.real()
    if not tasks.exists():
        draw_campaign(actor=actor, campaign=campaign)
    total = tasks.count()
    if not total:
        raise WrongState(_("Nothing fits the choice of scenarios and entries, so there is nothing to label."))
    limit = min(total, campaign.size_limit or total)
    share = campaign.random_share if campaign.order == Campaign.Order.PRIORITY else 1.0
    order_tasks(
        campaign=campaign.pk,
        order=campaign.order,
        random_size=random_stratum_size(total, share),
        total=total,
    )
    at_random = tasks.filter(stratum=Task.Stratum.RANDOM, position__lte=limit)
    if campaign.order != Campaign.Order.OLDEST or limit == total:
        # The random stratum is a simple random sample of all tasks, whatever part of it found a place.
        at_random.update(inclusion_probability=at_random.count() / total)
    make_slots(campaign=campaign.pk, seats=campaign.first_experts, limit=limit)
    bar_from_new_tasks(campaign)


@transaction.atomic
def pause_campaign(*, actor: Any, campaign: Campaign) -> Campaign:
    """Gives out no more tasks; what experts have in hand is still taken."""
    return _move(actor, campaign, _State.PAUSED, _State.OPEN)


@transaction.atomic
def close_campaign(*, actor: Any, campaign: Campaign) -> Campaign:
    """For good. A label that comes afterwards is kept as an extra. Referees may still rule."""
    return _move(actor, campaign, _State.CLOSED, _State.OPEN, _State.PAUSED)


def _move(actor: Any, campaign: Campaign, target: str, *origins: str) -> Campaign:
    _manage(actor)
    campaign = _locked(campaign)
    _in_state(campaign, *origins)
    campaign.state = target
    if target == _State.CLOSED:
        campaign.closed_at = Now()
    campaign.save(update_fields=["state", "closed_at"])
    campaign.refresh_from_db()
    return campaign


@dataclass(frozen=True, slots=True)
class GoldTask:
    """A task with a known answer. `subject`: the response (rubric), item, or pair (a, b) it is about.

    `answers` as experts give them; of a pair, as shown with a first. The explanation is shown after a
    qualification task.
    """

    subject: Response | Item | tuple[Response, Response]
    answers: Mapping[str, Any]
    explanation_zh: str = ""
    explanation_en: str = ""
    qualification: bool = False


@transaction.atomic
def add_gold_tasks(*, actor: Any, campaign: Campaign, tasks: Iterable[GoldTask]) -> list[Task]:
    """Adds gold or qualification tasks, with a seat for every member of now and later. Raises BadAnswers."""
    _manage(actor)
    campaign = _locked(campaign)
    if campaign.state == _State.CLOSED:
        raise WrongState(_("The campaign is closed."))
    made = [_gold_task(campaign, gold) for gold in tasks]
    reserve_gold_seats(list(campaign.memberships.all()), made)
    return made


def _gold_task(campaign: Campaign, gold: GoldTask) -> Task:
    subject = gold.subject
    fields: dict[str, Any]
    if isinstance(subject, tuple):
        fields = {"item": subject[0].item, "response": subject[0], "other": subject[1]}
    elif isinstance(subject, Response):
        fields = {"item": subject.item, "response": subject}
    else:
        fields = {"item": subject}
    expected = {"items": {"item"}, "pairs": {"item", "response", "other"}}.get(
        campaign.kind, {"item", "response"}
    )
    if set(fields) != expected or fields["item"].version_id != campaign.version_id:
        raise BadInput(_("This gold task does not fit the campaign."))
    try:
        answers = clean_answers(
            answer_kind(campaign), gold.answers, has_key=has_answer_key(fields["item"]), swapped=False
        )
    except AnswerProblem as problem:
        raise BadAnswers(
            _("The gold answers are incomplete or off the scale."), field=problem.field
        ) from problem
    return Task.objects.create(
        campaign=campaign,
        purpose=Task.Purpose.QUALIFICATION if gold.qualification else Task.Purpose.GOLD,
        gold_answers=answers,
        explanation_zh=gold.explanation_zh,
        explanation_en=gold.explanation_en,
        position=0,
        **fields,
    )


def _manage(actor: Any) -> None:
    if not can_manage_campaigns(actor):
        raise NotAllowed(_("Only researchers manage campaigns."))


def _locked(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_for_update().get(pk=campaign.pk)


def _in_state(campaign: Campaign, *states: str) -> None:
    if campaign.state not in states:
        raise WrongState(
            _("This cannot be done with a campaign that is %(state)s.")
            % {"state": campaign.get_state_display()}
        )
