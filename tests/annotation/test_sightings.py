"""Whoever has read a verdict or another's label on an answer, on whatever page, gives no blind label on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from annotation.errors import UndoRefused, WrongState
from annotation.models import Campaign, Slot, Task
from annotation.services.campaigns import open_campaign
from annotation.services.claiming import claim_next
from annotation.services.submitting import revise_label
from annotation.services.undoing import undo_label
from benchmark.models import Guardian, Judging, Response, Sighting, Submission
from medes_site.kit.roles import Role
from tests.annotation.scene import Scene, join, label, make_campaign, make_experts, sent

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


@pytest.fixture
def both(make_user: Callable[..., Any]) -> Any:
    """A researcher who labels, too."""
    return make_user("both", Role.RESEARCHER, Role.EXPERT)


@pytest.fixture
def campaign(scene: Scene, both: Any) -> Campaign:
    made = make_campaign(scene, order="oldest")
    join(made, [both])
    return made


def given_to(expert: Any, campaign: Campaign) -> set[int | None]:
    given = set()
    while (slot := claim_next(actor=expert, campaign=campaign)) is not None:
        given.add(slot.task.response_id)
        label(expert, slot)
    return given


def responses_of(campaign: Campaign) -> set[int | None]:
    return set(Task.objects.filter(campaign=campaign).values_list("response", flat=True))


def seen_by(person: Any) -> set[int]:
    return set(Sighting.objects.filter(user=person).values_list("response", flat=True))


@pytest.mark.parametrize("way", ["/responses/{}/", "/api/v1/responses/{}/", "/api/v1/responses/{}/feedback/"])
def test_a_page_of_an_answer(campaign: Campaign, both: Any, client_of: ClientOf, way: str) -> None:
    every = responses_of(campaign)
    seen = sorted(pk for pk in every if pk is not None)[0]
    assert client_of(both).get(way.format(seen)).status_code == 200
    assert seen_by(both) == {seen}
    assert given_to(both, campaign) == every - {seen}


def test_a_list_of_verdicts(scene: Scene, campaign: Campaign, both: Any, client_of: ClientOf) -> None:
    submission = Submission.objects.get(entry=scene.entries[0])
    Guardian.objects.create(scorer=scene.scorer, kind="linear", state="shadow", folder="none")
    Judging.objects.create(submission=submission, scorer=scene.scorer)
    listed = set(submission.responses.filter(judgements__scorer=scene.scorer).values_list("pk", flat=True))
    assert listed
    assert client_of(both).get(f"/submissions/{submission.pk}/").status_code == 200
    assert listed <= seen_by(both)
    assert not given_to(both, campaign) & listed


def test_the_api_lists_verdicts(scene: Scene, campaign: Campaign, both: Any, client_of: ClientOf) -> None:
    submission = Submission.objects.get(entry=scene.entries[0])
    Guardian.objects.create(scorer=scene.scorer, kind="linear", state="shadow", folder="none")
    Judging.objects.create(submission=submission, scorer=scene.scorer)
    found = client_of(both).get(f"/api/v1/submissions/{submission.pk}/judgements/?limit=2").json()
    assert len(found["results"]) < found["count"]
    assert len(seen_by(both)) == len(found["results"]), "what stood on that page, and no more"


def test_what_lies_in_hand_is_taken_back(campaign: Campaign, both: Any, client_of: ClientOf) -> None:
    slot = claim_next(actor=both, campaign=campaign)
    assert slot is not None
    client_of(both).get(f"/responses/{slot.task.response_id}/")
    late = label(both, slot)
    assert late.extra, "kept, and outside of everything that blind labels are for"
    assert Slot.objects.filter(task=slot.task, state=Slot.State.OPEN).count() == campaign.first_experts


def test_a_label_stands_once_the_verdict_was_read(campaign: Campaign, both: Any, client_of: ClientOf) -> None:
    slot = claim_next(actor=both, campaign=campaign)
    assert slot is not None
    kept = label(both, slot)
    client_of(both).get(f"/responses/{slot.task.response_id}/")
    with pytest.raises(WrongState):
        revise_label(actor=both, label_id=kept.pk, sent=sent())
    with pytest.raises(UndoRefused):
        undo_label(actor=both, label_id=kept.pk)
    kept.refresh_from_db()
    assert kept.blind and kept.current and not kept.extra


def test_labels_that_were_downloaded(
    scene: Scene, campaign: Campaign, both: Any, client_of: ClientOf
) -> None:
    (other,) = make_experts(1)
    join(campaign, [other])
    slot = claim_next(actor=other, campaign=campaign)
    assert slot is not None
    label(other, slot)
    every = responses_of(campaign)
    answer = client_of(both).get(f"/campaigns/{campaign.pk}/export.jsonl")
    assert answer.status_code == 200
    assert seen_by(both) == {slot.task.response_id}
    assert given_to(both, campaign) == every - {slot.task.response_id}


def test_what_a_researcher_read_bars_the_expert_they_become(
    scene: Scene, researcher: Any, client_of: ClientOf
) -> None:
    running = make_campaign(scene, order="oldest")
    drafted = make_campaign(scene, order="oldest", opened=False)
    every = responses_of(running)
    seen = sorted(pk for pk in every if pk is not None)[0]
    client_of(researcher).get(f"/responses/{seen}/")
    assert not Slot.objects.filter(expert=researcher).exists(), "nobody who does not label takes up seats"
    researcher.groups.add(Group.objects.get_or_create(name=Role.EXPERT)[0])
    expert = type(researcher).objects.get(pk=researcher.pk)
    later = open_campaign(actor=scene.researcher, campaign=drafted)
    for campaign in (running, later):
        join(campaign, [expert])
        assert given_to(expert, campaign) == every - {seen}


def test_nothing_is_noted_of_submitters(campaign: Campaign, submitter: Any, client_of: ClientOf) -> None:
    response = Response.objects.filter(pk__in=[pk for pk in responses_of(campaign) if pk]).first()
    assert response is not None
    Submission.objects.filter(pk=response.submission_id).update(submitted_by=submitter)
    assert client_of(submitter).get(f"/responses/{response.pk}/").status_code == 200
    assert not Sighting.objects.exists()


def test_reading_twice_is_noted_once(campaign: Campaign, both: Any, client_of: ClientOf) -> None:
    seen = sorted(pk for pk in responses_of(campaign) if pk is not None)[0]
    for _time in range(2):
        client_of(both).get(f"/responses/{seen}/")
    assert Sighting.objects.filter(user=both).count() == 1
