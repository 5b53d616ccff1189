"""The page of a response and its API: who sees verdicts, labels and feedback; contesting a verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotation.errors import BadAnswers, NotAllowed
from annotation.models import Campaign, Contest, Slot, Task
from annotation.policies import can_see_response, can_see_response_verdicts
from annotation.services.campaigns import close_campaign
from annotation.services.claiming import claim_next
from annotation.services.contesting import contest_verdict
from annotation.services.members import join_campaign
from benchmark.models import Guardian, Judgement, Response, Submission
from medes_site.kit.roles import Role
from tests.annotation.scene import MODELS, SAFE, Scene, join, label, label_next, make_campaign, make_experts

pytestmark = pytest.mark.django_db
ClientOf = Callable[[Any], Client]
REASON = "守护者的理由"


@pytest.fixture(autouse=True)
def _english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def answered(scene: Scene, submitter: Any) -> Response:
    """A response of `submitter`'s, judged by the active guardian: Q2 and Q4 failed, evidence on Q4."""
    Guardian.objects.create(
        scorer=scene.scorer, kind="linear", state="active", folder="x", promoted_at=timezone.now()
    )
    response = Response.objects.order_by("pk").first()
    assert response is not None
    Submission.objects.filter(pk=response.submission_id).update(submitted_by=submitter)
    p = {"r1": 0.02, "r2": 0.03, "q1": 0.9, "q2": 0.2, "q3": 0.8, "q4": 0.3}
    Judgement.objects.filter(response=response).update(p=p, evidence={"q4": [[0, 6]]})
    return Response.objects.select_related("item", "submission").get(pk=response.pk)


def page(client: Client, response: Response) -> str:
    answer = client.get(f"/responses/{response.pk}/")
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_the_submitter_sees_verdicts_evidence_and_feedback(
    answered: Response, submitter: Any, stranger: Any, researcher: Any, client_of: ClientOf
) -> None:
    shown = page(client_of(submitter), answered)
    assert REASON in shown and "20.0%" in shown and '<mark class="unmet">' in shown
    assert "What to improve" in shown and MODELS[0] in shown and "Contest this verdict" not in shown
    assert page(client_of(researcher), answered).count("What to improve") == 1
    address = f"/responses/{answered.pk}/"
    assert client_of(stranger).get(address).status_code == 404
    assert client_of(None).get(address).status_code == 302
    body = client_of(submitter).get(f"/api/v1{address}").json()
    assert body["verdicts"][0]["criteria"]["q2"] == {"value": 0, "p": 0.2, "abstained": False}
    feedback = client_of(submitter).get(f"/api/v1{address}feedback/").json()
    assert [line["criterion"] for line in feedback["lines"]] == ["q2", "q4"]
    assert feedback["lines"][1]["quotes"] == [answered.text[:6]] and feedback["lines"][0]["clause"]
    assert client_of(stranger).get(f"/api/v1{address}feedback/").status_code == 404
    assert client_of(None).get(f"/api/v1{address}").status_code == 401


def test_a_guardian_in_the_shadow_is_for_researchers(
    answered: Response, submitter: Any, researcher: Any, client_of: ClientOf
) -> None:
    Guardian.objects.update(state="shadow", promoted_at=None)
    assert REASON not in page(client_of(submitter), answered)
    assert REASON in page(client_of(researcher), answered)
    assert client_of(submitter).get(f"/api/v1/responses/{answered.pk}/").json()["verdicts"] == []


def labelled_by(scene: Scene, expert: Any, response: Response) -> tuple[Campaign, Task]:
    """The expert labels every task of a campaign, that of `response` among them."""
    campaign = make_campaign(scene)
    join_campaign(actor=expert, campaign=campaign)
    while (slot := claim_next(actor=expert, campaign=campaign)) is not None:
        label(expert, slot)
    return campaign, Task.objects.get(campaign=campaign, response=response)


def test_an_expert_sees_no_verdict_before_the_label_is_final(
    scene: Scene, answered: Response, expert: Any, client_of: ClientOf
) -> None:
    address = f"/responses/{answered.pk}/"
    assert client_of(expert).get(address).status_code == 404
    campaign, _task = labelled_by(scene, expert, answered)
    shown = page(client_of(expert), answered)  # labelled, but it can still be revised
    assert "Your label" in shown and REASON not in shown and MODELS[0] not in shown
    assert client_of(expert).get(f"/api/v1{address}").json()["verdicts"] == []
    assert client_of(expert).get(f"/api/v1{address}feedback/").status_code == 404
    close_campaign(actor=scene.researcher, campaign=campaign)
    # Another campaign that may ask for a label on the same answer keeps the curtain closed.
    another = make_campaign(scene)
    assert REASON not in page(client_of(expert), answered)
    close_campaign(actor=scene.researcher, campaign=another)
    assert REASON in page(client_of(expert), answered)
    # Read once, it is read: a later campaign does not ask this expert, and so nothing need be hidden.
    later = make_campaign(scene)
    withdrawn = Slot.objects.filter(campaign=later, expert=expert, state=Slot.State.WITHDRAWN)
    assert list(withdrawn.values_list("task__response", flat=True)) == [answered.pk]
    assert REASON in page(client_of(expert), answered)


def test_an_expert_or_a_referee_who_submits_models_stays_blind(
    answered: Response, make_user: Callable[..., Any], client_of: ClientOf
) -> None:
    for role in (Role.EXPERT, Role.REFEREE):
        both = make_user(f"both-{role}", Role.SUBMITTER, role)
        Submission.objects.filter(pk=answered.submission_id).update(submitted_by=both)
        response = Response.objects.select_related("item", "submission").get(pk=answered.pk)
        assert can_see_response(both, response) and not can_see_response_verdicts(both, response)
        assert REASON not in page(client_of(both), response)
        shown = client_of(both).get(f"/submissions/{answered.submission_id}/").content.decode()
        assert "guardian-verdicts" not in shown


def test_labels_are_shown_as_the_policy_says(
    scene: Scene, answered: Response, submitter: Any, researcher: Any, client_of: ClientOf
) -> None:
    experts = make_experts(2, prefix="writer")
    campaign = make_campaign(scene)
    join(campaign, experts)
    for expert in experts:
        while (slot := claim_next(actor=expert, campaign=campaign)) is not None:
            label(expert, slot, SAFE, rationale=f"理由-{expert.username}")
    code = campaign.memberships.get(expert=experts[0]).pseudonym
    shown = page(client_of(researcher), answered)
    assert "理由-writer0" in shown and "理由-writer1" in shown and code in shown
    group = answered.item.norm.group
    group.audit = False
    group.save()
    shown = page(client_of(submitter), answered)
    assert "Expert 1" in shown and "理由-writer0" in shown and code not in shown
    group.audit = True  # the test set of every guardian stays closed
    group.save()
    assert "理由-writer0" not in page(client_of(submitter), answered)
    shown = page(client_of(experts[0]), answered)
    assert "理由-writer0" in shown and "理由-writer1" not in shown


def test_a_contested_verdict_makes_one_task_that_the_contester_never_gets(
    scene: Scene, answered: Response, expert: Any, client_of: ClientOf
) -> None:
    with pytest.raises(NotAllowed):
        contest_verdict(
            actor=expert, response=answered, scorer=scene.scorer, criteria=["q2"], reason="它引用了法条"
        )
    campaign, _task = labelled_by(scene, expert, answered)
    close_campaign(actor=scene.researcher, campaign=campaign)
    client = client_of(expert)
    address = f"/responses/{answered.pk}/contest/"
    assert "Contest this verdict" in page(client, answered)
    empty = client.post(address, {"scorer": scene.scorer.pk, "criteria": ["q2"], "reason": ""})
    assert empty.status_code == 422 and 'id="contest" open' in empty.content.decode()
    with pytest.raises(BadAnswers):
        contest_verdict(actor=expert, response=answered, scorer=scene.scorer, criteria=[], reason="x")
    data = {"scorer": scene.scorer.pk, "criteria": ["q2", "q4"], "reason": "它引用了《民法典》"}
    assert client.post(address, data).status_code == 302
    contest = Contest.objects.get()
    assert contest.criteria == ["q2", "q4"] and contest.shown["q2"] == 0
    task = contest.task
    assert task.campaign.state == "open" and task.inclusion_probability is None
    assert task.slots.filter(state=Slot.State.OPEN).count() == 2
    again = contest_verdict(
        actor=expert, response=answered, scorer=scene.scorer, criteria=["q1"], reason="再说一次"
    )
    assert again.pk == contest.pk and Task.objects.filter(campaign=task.campaign).count() == 1
    join_campaign(actor=expert, campaign=task.campaign)
    assert claim_next(actor=expert, campaign=task.campaign) is None
    others = make_experts(2, prefix="other")
    join(task.campaign, others)
    for other in others:
        label_next(other, task.campaign)
    task.refresh_from_db()
    assert task.state == "agreed" and task.consensus == SAFE
    shown = page(client, answered)
    assert "Contested" in shown and "Contest this verdict" not in shown
    assert client.post(address, data).status_code == 302  # the same button again
    assert Contest.objects.count() == 1


def test_the_submission_page_lists_verdicts_with_evidence(
    scene: Scene, answered: Response, submitter: Any, client_of: ClientOf, tmp_path: Path
) -> None:
    submission = answered.submission
    submission.judgings.create(scorer=scene.scorer, finished_at=timezone.now())
    address = f"/submissions/{submission.pk}/"
    shown = client_of(submitter).get(address).content.decode()
    assert "Judged by the guardian" in shown and f"/responses/{answered.pk}/?by={scene.scorer.pk}" in shown
    assert answered.text[:6] in shown and "Q4 failed" in shown
    assert "No answer fits" in client_of(submitter).get(f"{address}?show=r1").content.decode()
    assert "No answer fits" in client_of(submitter).get(f"{address}?show=abstained").content.decode()
    Judgement.objects.filter(response=answered).update(abstained=["q1"], q1=None)
    only = client_of(submitter).get(f"{address}?show=abstained").content.decode()
    assert only.count('<article class="judged">') == 1 and "left open" in only
    assert "guardian-verdicts" not in client_of(None).get(address).content.decode()
    listed = client_of(submitter).get(f"/api/v1/submissions/{submission.pk}/judgements/").json()
    assert listed["count"] == 6 and listed["results"][0]["evidence"] == {"q4": [[0, 6]]}
    hidden = client_of(None).get(f"/api/v1/submissions/{submission.pk}/judgements/")
    assert hidden.status_code == 401
