"""The demo's labels: given through the services, the rest left open, rulings made, dates spread; safe to repeat."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from annotation.models import Campaign, Label, Ruling, Slot, Task
from annotation.services import demo_labels
from annotation.services.claiming import claim_next
from annotation.services.demo_labels import CAMPAIGNS, FILES, FOLDER, LEFT_OVER, load_demo_labels
from annotation.services.members import join_campaign
from annotation.services.submitting import Submission, submit_label
from medes_site.accounts.demo_labellers import LABELLERS, demo_labellers
from medes_site.kit.roles import Role, has_role
from training.models import Run
from training.queries.labels import new_labels
from training.services.guardian_data import build_guardian_dataset

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def demo(settings: Any, tmp_path: Path, researcher: Any) -> None:
    if not (Path(FOLDER) / "labels.expert-a.jsonl").is_file():
        pytest.skip("the demo's labels are not here")
    settings.DEMO = True
    call_command("load_demo", stdout=io.StringIO())
    call_command("load_demo_campaigns", stdout=io.StringIO())


def known_to(mark: str) -> set[tuple[str, str]]:
    file = Path(FOLDER) / f"labels.expert-{mark}.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return {(row["item"], row["entry"]) for row in rows}


def test_both_files_are_given_and_what_they_do_not_know_waits(
    demo: None, referee: Any, researcher: Any
) -> None:
    experts = demo_labellers()
    given = load_demo_labels(experts=experts, referee=referee)
    known = {mark: known_to(mark) for mark in FILES}
    assert len(known["a"]) == 160 and known["a"] == known["b"]
    assert given.labels == 2 * 160 and given.rulings == Ruling.objects.count() > 0
    assert load_demo_labels(experts=experts, referee=referee).labels == 0
    waiting = Task.objects.filter(state="open")
    assert not known["a"] & set(waiting.values_list("item__code", "response__submission__entry__slug"))
    for slug, left in zip(CAMPAIGNS, (28, 12), strict=True):
        assert left >= LEFT_OVER and waiting.filter(campaign__slug=slug).count() == left
        # Nobody had the seats of those that wait, and all of a campaign's tasks were drawn.
        seats = Slot.objects.filter(campaign__slug=slug, task__in=waiting)
        assert set(seats.values_list("state", "queue", "fence")) == {("open", Slot.Queue.FRESH, 0)}
        chances = Task.objects.filter(campaign__slug=slug).values_list("inclusion_probability", flat=True)
        assert set(chances) == {1.0}
    assert not Label.objects.exclude(key__startswith="demo:").exists()
    for campaign in Campaign.objects.filter(slug__in=CAMPAIGNS):
        times = sorted(campaign.labels.values_list("submitted_at", flat=True))
        assert campaign.opened_at < times[0] and (times[-1] - times[0]).days >= 10
    marked = Label.objects.exclude(evidence={}).select_related("task__response")[:20]
    spans = [
        label.task.response.text[start:end]
        for label in marked
        for part in label.evidence.values()
        for start, end in part["spans"]
    ]
    assert spans and all(spans)
    assert min(Label.objects.values_list("duration_ms", flat=True)) > 15_000

    dataset = build_guardian_dataset(actor=researcher)
    assert dataset.rows + dataset.manifest["counts"]["audit"] <= 160
    assert new_labels().labels == given.labels
    call_command("train_demo_guardian", stdout=io.StringIO())
    call_command("train_demo_guardian", stdout=io.StringIO())
    assert Run.objects.get().reason_if_first


def test_another_expert_gets_what_waits(demo: None, referee: Any, expert: Any) -> None:
    load_demo_labels(experts=demo_labellers(), referee=referee)
    campaign = Campaign.objects.get(slug=CAMPAIGNS[1])
    join_campaign(actor=expert, campaign=campaign)
    known, met = known_to("a"), set()
    answers = {"r1": 0, "r2": 0, "q1": 1, "q2": 0, "q3": 1, "q4": 1}
    third_wanted = Slot.objects.filter(campaign=campaign, state="open", ordinal__gt=2).count()
    for number in range(12 + third_wanted):
        slot = claim_next(actor=expert, campaign=campaign)
        assert slot is not None
        if slot.ordinal <= 2:
            met.add((slot.task.item.code, slot.task.response.submission.entry.slug))
        sent = Submission(answers=answers, key=f"own:{number}")
        submit_label(actor=expert, slot_id=slot.pk, fence=slot.fence, sent=sent)
    assert len(met) == 12 and not met & known
    assert claim_next(actor=expert, campaign=campaign) is None


def test_a_campaign_too_small_for_both_keeps_its_last_tasks(
    demo: None, referee: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the files know more than may be given, the end of each queue stays for the demo's own experts."""
    monkeypatch.setattr(demo_labels, "LEFT_OVER", 90)
    given = load_demo_labels(experts=demo_labellers(), referee=referee)
    assert given.labels == 2 * 10 * len(CAMPAIGNS)
    for slug in CAMPAIGNS:
        done = Task.objects.filter(campaign__slug=slug).exclude(state="open")
        labelled = set(Label.objects.filter(campaign__slug=slug).values_list("task__position", flat=True))
        known = known_to("a")
        tasks = Task.objects.filter(campaign__slug=slug).order_by("position")
        first = [
            position
            for position, *key in tasks.values_list(
                "position", "item__code", "response__submission__entry__slug"
            )
            if tuple(key) in known
        ][:10]
        assert sorted(labelled) == first and done.count() <= 10
    assert load_demo_labels(experts=demo_labellers(), referee=referee).labels == 0


def test_the_accounts_say_what_they_are_and_nobody_can_log_in(db: None, settings: Any) -> None:
    settings.DEMO = True
    for user in demo_labellers():
        assert has_role(user, Role.EXPERT) and not user.has_usable_password()
        assert "为演示而写" in user.display_name and "written for the demo" in user.display_name
    assert len(demo_labellers()) == len(LABELLERS)
    settings.DEMO = False
    with pytest.raises(ImproperlyConfigured):
        demo_labellers()
