"""What people said, read on a page, bars from blind labels as a verdict does, but not from ruling."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from annotation.errors import BadInput, UndoRefused, WrongState
from annotation.models import Campaign, Label, Reveal, Ruling, Slot, Task
from annotation.services import barring
from annotation.services.campaigns import open_campaign
from annotation.services.claiming import claim_next
from annotation.services.exporting import part_stream
from annotation.services.revealing import reveal_judgement, submit_reveal
from annotation.services.ruling import rule_task
from annotation.services.submitting import revise_label
from annotation.services.undoing import undo_label
from benchmark.models import Judgement, Sighting
from benchmark.services.seeing import note_seen
from medes_site.kit.roles import Role
from tests.annotation.scene import (
    COLD,
    RISKY,
    SAFE,
    Scene,
    join,
    label,
    label_next,
    make_campaign,
    make_experts,
    sent,
)

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


@pytest.fixture
def disputed(scene: Scene) -> Task:
    """Two experts differ on one task; nobody else is asked."""
    campaign = make_campaign(scene, cap=2, size_limit=1)
    experts = make_experts(2, prefix="differ")
    join(campaign, experts)
    for expert, answers in zip(experts, (RISKY, COLD), strict=True):
        label_next(expert, campaign, answers)
    return campaign.tasks.get(state="disputed")


def seen_by(person: Any) -> dict[int, bool]:
    return dict(Sighting.objects.filter(user=person).values_list("response", "verdict"))


def given_to(expert: Any, campaign: Campaign) -> set[int | None]:
    given = set()
    while (slot := claim_next(actor=expert, campaign=campaign)) is not None:
        given.add(slot.task.response_id)
        label(expert, slot)
    return given


def may_rule(person: Any, task: Task) -> bool:
    fresh = type(person).objects.get(pk=person.pk)  # roles are remembered with the object
    return Task.objects.to_adjudicate(fresh).filter(pk=task.pk).exists()


def staff(person: Any) -> Any:
    """Who may enter Django's admin."""
    type(person).objects.filter(pk=person.pk).update(is_staff=True)
    return person


def silence(referee: Any, task: Task) -> Ruling:
    return rule_task(actor=referee, task_id=task.pk, decision="norm_silent", rationale="没有说到")


# ---- reveals ----


def test_a_reveal_settles_the_other_labels_on_the_answer(scene: Scene) -> None:
    (expert,) = make_experts(1)
    beside, guarded = (
        make_campaign(scene, order="oldest"),
        make_campaign(scene, kind="guardian", order="oldest"),
    )
    join(beside, [expert])
    join(guarded, [expert])
    before, blind = label_next(expert, beside), label_next(expert, guarded)
    assert before.task.response_id == blind.task.response_id
    reveal = reveal_judgement(actor=expert, label_id=blind.pk)
    assert seen_by(expert) == {blind.task.response_id: True}
    with pytest.raises(WrongState):
        revise_label(actor=expert, label_id=before.pk, sent=sent(COLD))
    with pytest.raises(UndoRefused):
        undo_label(actor=expert, label_id=before.pk)
    for revision, answers in enumerate((COLD, RISKY)):
        after = submit_reveal(actor=expert, reveal_id=reveal.pk, sent=sent(answers), holds={})
        assert (after.blind, after.revision) == (False, revision)


def test_reveals_of_the_past_are_sightings(scene: Scene) -> None:
    (expert,) = make_experts(1)
    guarded = make_campaign(scene, kind="guardian")
    join(guarded, [expert])
    reveals = [reveal_judgement(actor=expert, label_id=label_next(expert, guarded).pk) for _time in range(2)]
    kept = Sighting.objects.filter(user=expert, response=reveals[0].label.task.response_id)
    Sighting.objects.exclude(pk__in=kept).delete()
    import_module("annotation.migrations.0008_sightings_of_reveals").note_reveals(apps, None)
    assert seen_by(expert) == {row.label.task.response_id: True for row in reveals}
    made = Sighting.objects.exclude(pk__in=kept).get()
    assert made.at == Reveal.objects.get(pk=reveals[1].pk).shown_at


# ---- pages that show what others said ----


@pytest.mark.parametrize("way", ["/adjudicate/{}/", "/api/v1/adjudication/{}/"])
def test_a_disputed_task(
    disputed: Task, scene: Scene, make_user: Callable[..., Any], client_of: ClientOf, way: str
) -> None:
    """An expert who rules reads the labels: no blind label on the answer elsewhere, and the ruling all the same."""
    person = make_user("referee-expert", Role.EXPERT, Role.REFEREE)
    elsewhere = make_campaign(scene)
    join(elsewhere, [person])
    assert client_of(person).get(way.format(disputed.pk)).status_code == 200
    assert seen_by(person) == {disputed.response_id: False}
    assert disputed.response_id not in given_to(person, elsewhere)
    assert client_of(person).get(way.format(disputed.pk)).status_code == 200, "again"
    assert silence(person, disputed).referee == person
    assert client_of(scene.researcher).get(reverse("annotation:silent_norms")).status_code == 200
    assert seen_by(scene.researcher) == {disputed.response_id: False}, "a ruling is read, too"


def test_the_dashboard_and_the_page_of_gold(
    disputed: Task, scene: Scene, referee: Any, client_of: ClientOf
) -> None:
    reader = scene.researcher
    assert (
        client_of(reader).get(reverse("annotation:campaign", args=[disputed.campaign_id])).status_code == 200
    )
    assert seen_by(reader) == {disputed.response_id: False}
    Sighting.objects.all().delete()
    rule_task(actor=referee, task_id=disputed.pk, decision="overrule", rationale="看过", answers=COLD)
    assert client_of(reader).get(reverse("annotation:silent_norms")).status_code == 200
    assert not Sighting.objects.exists(), "no norm was found silent"
    other = make_campaign(scene)
    address = reverse("annotation:campaign_gold", args=[other.pk])
    assert client_of(reader).get(address).status_code == 200
    assert seen_by(reader) == {disputed.response_id: False}
    assert not Slot.objects.filter(expert=reader).exists(), "nobody who does not label takes up seats"


# ---- the right to rule ----


def test_reading_labels_leaves_the_right_to_rule_and_a_verdict_takes_it(
    disputed: Task, superuser: Any, make_user: Callable[..., Any], client_of: ClientOf
) -> None:
    both = staff(make_user("referee-researcher", Role.RESEARCHER, Role.REFEREE))
    address = reverse("admin:annotation_task_change", args=[disputed.pk])
    for person in (superuser, both):
        assert client_of(person).get(address).status_code == 200
        assert seen_by(person) == {disputed.response_id: False}
        assert may_rule(person, disputed)
    export = f"/campaigns/{disputed.campaign_id}/export.jsonl"
    assert b"".join(client_of(both).get(export).streaming_content)  # type: ignore[attr-defined]
    assert may_rule(both, disputed)
    assert client_of(both).get(f"/responses/{disputed.response_id}/").status_code == 200
    assert seen_by(both) == {disputed.response_id: True}
    note_seen(both, [disputed.response_id or 0], verdict=False)
    assert seen_by(both) == {disputed.response_id: True}, "never taken back"
    assert not may_rule(both, disputed)
    assert silence(superuser, disputed)


def test_nobody_rules_on_a_task_on_which_a_late_label_is_theirs(disputed: Task, make_user: Any) -> None:
    person = make_user("late", Role.EXPERT, Role.REFEREE)
    barring.bar(person, disputed)
    assert may_rule(person, disputed)
    seat = Slot.objects.get(task=disputed, expert=person)
    Label.objects.create(
        task=disputed, slot=seat, campaign=disputed.campaign, expert=person, key="late", extra=True, **SAFE
    )
    assert not may_rule(person, disputed)


# ---- who is told, and of what ----


def test_a_superuser_is_an_expert_without_the_group(
    scene: Scene, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(barring, "BATCH", 1)
    drafted = make_campaign(scene, kind="pairs", opened=False)
    seen = sorted(Judgement.objects.values_list("response", flat=True))[:3]
    note_seen(superuser, seen)
    campaign = open_campaign(actor=scene.researcher, campaign=drafted)
    about = {task.pk for task in campaign.tasks.all() if set(task.answers_shown) & set(seen)}
    assert about
    assert set(Slot.objects.filter(expert=superuser).values_list("task", flat=True)) == about


def test_a_researcher_who_exported_becomes_an_expert(disputed: Task, scene: Scene) -> None:
    reader = scene.researcher
    with pytest.raises(BadInput):
        part_stream(actor=reader, campaign=disputed.campaign, part="nonsense", file_format="jsonl")
    part_stream(actor=reader, campaign=disputed.campaign, part="manifest", file_format="jsonl")
    assert not Sighting.objects.exists()
    part_stream(actor=reader, campaign=disputed.campaign, part="labels", file_format="jsonl")
    assert seen_by(reader) == {disputed.response_id: False}
    reader.groups.add(Group.objects.get_or_create(name=Role.EXPERT)[0])
    expert = type(reader).objects.get(pk=reader.pk)
    later = make_campaign(scene)
    join(later, [expert])
    assert disputed.response_id not in given_to(expert, later)


def test_a_member_whose_role_rests_is_barred_too(scene: Scene) -> None:
    (person,) = make_experts(1, roles=(Role.EXPERT, Role.RESEARCHER))
    campaign = make_campaign(scene)
    join(campaign, [person])
    person.groups.remove(Group.objects.get_or_create(name=Role.EXPERT)[0])
    resting = type(person).objects.get(pk=person.pk)
    seen = campaign.tasks.order_by("pk").values_list("response", flat=True)[0]
    note_seen(resting, [seen or 0])
    person.groups.add(Group.objects.get_or_create(name=Role.EXPERT)[0])
    again = type(person).objects.get(pk=person.pk)
    given = given_to(again, campaign)
    assert given and seen not in given


def test_an_export_tells_the_verdicts_that_were_shown(scene: Scene) -> None:
    (expert,) = make_experts(1)
    guarded = make_campaign(scene, kind="guardian")
    join(guarded, [expert])
    first, second = label_next(expert, guarded), label_next(expert, guarded)
    reveal_judgement(actor=expert, label_id=first.pk)
    part_stream(actor=scene.researcher, campaign=guarded, part="labels", file_format="jsonl")
    assert seen_by(scene.researcher) == {first.task.response_id: True, second.task.response_id: False}


def test_neither_failures_nor_ones_own_label_are_sightings(
    scene: Scene, make_user: Callable[..., Any], client_of: ClientOf
) -> None:
    both = staff(make_user("both", Role.RESEARCHER, Role.EXPERT))
    campaign = make_campaign(scene)
    join(campaign, [both])
    own = label_next(both, campaign)
    rubric = dict.fromkeys(COLD)
    Judgement.objects.update(outcome=Judgement.Outcome.JUDGE_FAILED, **rubric)
    browser, response = client_of(both), own.task.response_id
    for address in (
        f"/responses/{response}/",
        f"/api/v1/responses/{response}/",
        reverse("admin:annotation_label_change", args=[own.pk]),
        reverse("admin:benchmark_judgement_changelist"),
        reverse("admin:benchmark_judgement_change", args=[Judgement.objects.get(response=response).pk]),
    ):
        assert browser.get(address).status_code == 200, address
        assert not Sighting.objects.exists(), address
    assert revise_label(actor=both, label_id=own.pk, sent=sent(COLD)).revision == 1


def test_a_task_agreed_on_opens_again_for_others_only(scene: Scene) -> None:
    one, two, reader = make_experts(3)
    campaign = make_campaign(scene, order="oldest")
    join(campaign, [one, two, reader])
    first = label_next(one, campaign, SAFE)
    label_next(two, campaign, SAFE)
    task = Task.objects.filter(pk=first.task_id)
    assert task.get().state == Task.State.AGREED
    note_seen(reader, [first.task.response_id or 0])
    revise_label(actor=one, label_id=first.pk, sent=sent(RISKY))
    assert task.get().slots.filter(state=Slot.State.OPEN).exists(), "a third expert is asked"
    assert first.task.response_id not in given_to(reader, campaign)


def test_a_late_label_after_reading_is_told_why(scene: Scene, client_of: ClientOf) -> None:
    (expert,) = make_experts(1)
    campaign = make_campaign(scene)
    join(campaign, [expert])
    slot = claim_next(actor=expert, campaign=campaign)
    assert slot is not None
    note_seen(expert, slot.task.answers_shown)
    answer = client_of(expert).post(
        reverse("annotation:submit", args=[campaign.slug, slot.pk]),
        {**{name: str(value) for name, value in SAFE.items()}, "fence": slot.fence, "key": "late"},
        headers={"accept-language": "en"},
        follow=True,
    )
    page = answer.content.decode()
    assert "You have read what a guardian or others think" in page
    assert "Somebody else had taken" not in page
    assert Label.objects.get().extra
