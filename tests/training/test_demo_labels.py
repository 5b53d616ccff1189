"""The demo's labels: given through the services, some tasks left, rulings made, dates spread; safe to repeat."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from annotation.models import Campaign, Label, Ruling, Task
from annotation.services.demo_labels import CAMPAIGNS, FOLDER, LEFT_OVER, load_demo_labels
from medes_site.accounts.demo_labellers import LABELLERS, demo_labellers
from medes_site.kit.roles import Role, has_role
from training.models import Run
from training.queries.labels import new_labels
from training.services.guardian_data import build_guardian_dataset

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def demo(settings: Any, tmp_path: Path, researcher: Any) -> None:
    if not (Path(FOLDER) / "labels.expert-a.jsonl").is_file():
        pytest.skip("the demo's labels are not here")
    settings.DEMO = True
    call_command("load_demo", stdout=io.StringIO())
    call_command("load_demo_campaigns", stdout=io.StringIO())


def test_both_files_are_given_but_for_the_last_tasks(demo: None, referee: Any, researcher: Any) -> None:
    experts = demo_labellers()
    given = load_demo_labels(experts=experts, referee=referee)
    assert (
        given.labels == 2 * (160 - LEFT_OVER * len(CAMPAIGNS)) and given.rulings == Ruling.objects.count() > 0
    )
    assert load_demo_labels(experts=experts, referee=referee).labels == 0
    assert Task.objects.filter(state="open").count() == LEFT_OVER * len(CAMPAIGNS)
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
    assert dataset.rows + dataset.manifest["counts"]["audit"] <= 160 - LEFT_OVER * len(CAMPAIGNS)
    assert new_labels().labels == given.labels
    call_command("train_demo_guardian", stdout=io.StringIO())
    call_command("train_demo_guardian", stdout=io.StringIO())
    assert Run.objects.get().reason_if_first


def test_the_accounts_say_what_they_are_and_nobody_can_log_in(db: None, settings: Any) -> None:
    settings.DEMO = True
    for user in demo_labellers():
        assert has_role(user, Role.EXPERT) and not user.has_usable_password()
        assert "为演示而写" in user.display_name and "written for the demo" in user.display_name
    assert len(demo_labellers()) == len(LABELLERS)
    settings.DEMO = False
    with pytest.raises(ImproperlyConfigured):
        demo_labellers()
