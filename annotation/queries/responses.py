"""What the page of one response shows to whom: verdicts with evidence, experts' labels, rulings, feedback."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from annotation.models import Campaign, Contest, Label, Membership, Ruling, Task
from annotation.policies import can_contest, can_see_response_verdicts, may_be_asked
from benchmark.models import Guardian, Judgement, Response
from benchmark.policies import can_manage_submission, can_see_split
from benchmark.rules.feedback import FeedbackLine, feedback
from benchmark.rules.passages import Passage, passages
from benchmark.rules.rubric import CRITERIA
from medes_site.kit.roles import Role, has_role, is_researcher


@dataclass(frozen=True, slots=True)
class CriterionVerdict:
    """One criterion of one judgement: `p` that it is violated (r1, r2) or met, None where unknown.

    `threshold`: from which `p` on the guardian calls it so, None where it does not say.
    """

    criterion: str
    value: int | None
    p: float | None
    abstained: bool
    threshold: float | None


@dataclass(frozen=True, slots=True)
class ScorerVerdict:
    """What one scorer found. `shadow`: a guardian that was never promoted, which only researchers see."""

    judgement: Judgement
    criteria: tuple[CriterionVerdict, ...]
    shadow: bool
    active: bool

    @property
    def failed(self) -> bool:
        return self.judgement.outcome == Judgement.Outcome.JUDGE_FAILED


@dataclass(frozen=True, slots=True)
class ShownLabel:
    """A label as the reader may see it; `who` is a pseudonym, a number, or "" for the reader's own."""

    label: Label
    who: str
    own: bool


@dataclass(frozen=True, slots=True)
class ResponsePage:
    """`chosen`: the verdict whose evidence is marked in `pieces`; None where the reader sees no verdict.

    `names_model`: whether the model may be named; not to an expert whose label can still change.
    """

    response: Response
    sees_verdicts: bool
    names_model: bool
    verdicts: tuple[ScorerVerdict, ...]
    chosen: ScorerVerdict | None
    pieces: tuple[Passage, ...]
    feedback: tuple[FeedbackLine, ...]
    labels: tuple[ShownLabel, ...]
    rulings: tuple[Ruling, ...]
    contests: tuple[Contest, ...]
    may_contest: bool

    @property
    def tells(self) -> bool:
        """Whether it shows what others, people or guardians, think of the answer."""
        return self.tells_verdicts or bool(self.rulings or any(not row.own for row in self.labels))

    @property
    def tells_verdicts(self) -> bool:
        return any(not row.failed for row in self.verdicts)


def response_page(response: Response, user: Any, scorer: str = "") -> ResponsePage:
    """`response` with its item, norm, source, group and submission selected; `scorer`: an id as in an address."""
    sees = can_see_response_verdicts(user, response)
    verdicts = scorer_verdicts(response, user) if sees else ()
    chosen = _chosen(verdicts, scorer)
    evidence = chosen.judgement.evidence if chosen else {}
    contests = _contests(response, user) if sees else ()
    contested = chosen is not None and any(
        row.scorer_id == chosen.judgement.scorer_id and row.expert_id == user.pk for row in contests
    )
    return ResponsePage(
        response=response,
        sees_verdicts=sees,
        names_model=sees or can_manage_submission(user, response.submission),
        verdicts=verdicts,
        chosen=chosen,
        pieces=passages(response.text, evidence),
        feedback=judgement_feedback(chosen.judgement, response) if chosen else (),
        labels=_labels(response, user),
        rulings=_rulings(response, user),
        contests=contests,
        may_contest=chosen is not None
        and not chosen.failed
        and not contested
        and can_contest(user, response),
    )


def scorer_verdicts(response: Response, user: Any) -> tuple[ScorerVerdict, ...]:
    """The active guardian first, then the others, the newest first. The caller has asked the policy."""
    found = Judgement.objects.filter(response=response).select_related("scorer__guardian")
    if not is_researcher(user):
        found = found.filter(
            Q(scorer__guardian=None) | Q(scorer__guardian__promoted_at__isnull=False),
        )
    verdicts = [_scorer_verdict(judgement) for judgement in found.order_by("-scorer_id")]
    return tuple(sorted(verdicts, key=lambda row: (not row.active, row.shadow)))


def _scorer_verdict(judgement: Judgement) -> ScorerVerdict:
    guardian: Guardian | None = getattr(judgement.scorer, "guardian", None)
    p = judgement.p or {}
    thresholds = guardian.manifest.get("thresholds", {}) if guardian else {}
    return ScorerVerdict(
        judgement,
        tuple(
            CriterionVerdict(
                name,
                getattr(judgement, name),
                p.get(name),
                name in judgement.abstained,
                thresholds.get(name),
            )
            for name in CRITERIA
        ),
        shadow=guardian is not None and guardian.promoted_at is None,
        active=guardian is not None and guardian.state == Guardian.State.ACTIVE,
    )


def _chosen(verdicts: Iterable[ScorerVerdict], scorer: str) -> ScorerVerdict | None:
    rows = list(verdicts)
    asked = [row for row in rows if str(row.judgement.scorer_id) == scorer]
    return next(iter([*asked, *rows]), None)


def judgement_feedback(judgement: Judgement, response: Response) -> tuple[FeedbackLine, ...]:
    """Feedback from one stored judgement; nothing where judging failed."""
    if judgement.outcome == Judgement.Outcome.JUDGE_FAILED:
        return ()
    item = response.item
    return feedback(
        norm=item.norm_text,
        question=item.question,
        response=response.text,
        values={name: getattr(judgement, name) for name in CRITERIA},
        p=judgement.p,
        abstained=judgement.abstained,
        evidence=judgement.evidence,
        source=_source(item.norm),
    )


def _source(norm: Any) -> str:
    """Title and article in Chinese, "" where the release does not state them."""
    if norm is None or norm.source.kind == "unstated":
        return ""
    title = norm.source.title
    return (title if title.startswith("《") else f"《{title}》") + norm.article


def _labels(response: Response, user: Any) -> tuple[ShownLabel, ...]:
    """Researchers: all, under pseudonyms. Experts: their own. The submitter: those of settled tasks, numbered.

    Labels of audit groups test every guardian, so a submitter does not get them.
    """
    labels = Label.objects.filter(
        task__response=response, task__other=None, current=True, undone_at=None
    ).select_related("campaign", "task")
    labels = labels.order_by("pk")
    if is_researcher(user):
        people = _pseudonyms(labels)
        return tuple(
            ShownLabel(row, people.get((row.campaign_id, row.expert_id), "–"), row.expert_id == user.pk)
            for row in labels
        )
    if has_role(user, Role.EXPERT, Role.REFEREE):
        return tuple(ShownLabel(row, "", True) for row in labels.filter(expert=user))
    if not _sees_settled(response, user):
        return ()
    over = Q(task__state__in=(Task.State.AGREED, Task.State.RULED)) | Q(campaign__state=Campaign.State.CLOSED)
    settled = labels.filter(over, task__purpose=Task.Purpose.REAL)
    return tuple(ShownLabel(row, str(number), False) for number, row in enumerate(settled, start=1))


def _sees_settled(response: Response, user: Any) -> bool:
    norm = response.item.norm
    return (
        can_manage_submission(user, response.submission)
        and can_see_split(user, response.item.split)
        and not (norm is not None and norm.group.audit)
    )


def _pseudonyms(labels: Iterable[Label]) -> dict[tuple[int, int], str]:
    campaigns = {label.campaign_id for label in labels}
    members = Membership.objects.filter(campaign__in=campaigns)
    return {(c, e): name for c, e, name in members.values_list("campaign", "expert", "pseudonym")}


def _rulings(response: Response, user: Any) -> tuple[Ruling, ...]:
    rulings = Ruling.objects.filter(task__response=response, task__other=None).order_by("pk")
    if is_researcher(user):
        return tuple(rulings)
    if has_role(user, Role.EXPERT, Role.REFEREE):
        # As `can_see_ruling`: whoever labelled the task, or ruled on it. Another campaign may want a blind label.
        if may_be_asked(user, response):
            return ()
        mine = Q(referee=user) | Q(task__labels__expert=user, task__labels__undone_at=None)
        return tuple(rulings.filter(mine).distinct())
    return tuple(rulings) if _sees_settled(response, user) else ()


def _contests(response: Response, user: Any) -> tuple[Contest, ...]:
    contests = Contest.objects.filter(response=response).select_related("scorer", "task")
    if not is_researcher(user):
        contests = contests.filter(expert=user)
    return tuple(contests)
