"""A campaign of 100,000 tasks and 200,000 labels: a page reads what a job has computed and never the labels."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotation.models import Campaign, CampaignFigures, Label, Slot
from annotation.queries.dashboard import stored_figures
from annotation.queries.figures import SMALL_LABELS, is_large
from annotation.tasks import launch_figures, launch_opening
from annotation.views import campaign_acts
from medes_site.kit.jobs.core import run_job
from medes_site.kit.jobs.models import Job
from tests.annotation.scene import Scene, join, label_next, make_campaign, make_experts, make_scene
from tests.annotation.test_claiming_at_scale import lengthen

TASKS = int(os.environ.get("MEDES_SCALE_TASKS", "100000"))
EXPERTS = 8
QUERIES_MOST = 45


def page_of(campaign: Campaign) -> str:
    return reverse("annotation:campaign", args=[campaign.pk])


def say(what: str, begin: float) -> None:
    """What `pytest -s` shows; the figures of docs/performance.md."""
    sys.stdout.write(f"\n{what}: {time.monotonic() - begin:.2f} s")


@pytest.fixture
def transactional_scene(transactional_db: None, tmp_path: Path, researcher: Any) -> Scene:
    return make_scene(tmp_path / "labels", researcher, items=40, norms=False)


def fill(campaign: Campaign, experts: list[Any]) -> None:
    """Two labels on every task by two of the experts: nine in ten agree on everything, 5% are risky."""
    ids = [expert.pk for expert in experts]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE annotation_task t SET item_id = i.id FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS n "
            "FROM benchmark_item) i WHERE t.campaign_id = %s AND t.position %% (SELECT COUNT(*) FROM benchmark_item) "
            "= i.n",
            [campaign.pk],
        )
        cursor.execute(
            "UPDATE annotation_slot SET state = 'labelled', expert_id = (%s::bigint[])[1 + (position + ordinal * "
            "(1 + position %% 7)) %% %s], claimed_at = now(), finished_at = now() WHERE campaign_id = %s",
            [ids, len(ids), campaign.pk],
        )
        cursor.execute(
            "INSERT INTO annotation_label (task_id, slot_id, campaign_id, expert_id, r1, r2, q1, q2, q3, q4, "
            "rationale, evidence, blind, extra, revision, current, key, duration_ms, submitted_at) "
            "SELECT s.task_id, s.id, s.campaign_id, s.expert_id, 0, CASE WHEN risky THEN -1 ELSE 0 END, "
            "CASE WHEN risky THEN NULL ELSE a END, CASE WHEN risky THEN NULL ELSE a END, "
            "CASE WHEN risky THEN NULL ELSE b END, CASE WHEN risky THEN NULL ELSE b END, '', '{}', "
            "true, false, 0, true, 'k' || s.id, 20000 + s.id %% 90000, now() - (s.id %% 40) * interval '1 day' "
            "FROM (SELECT s.*, s.position %% 20 = 0 AS risky, "
            "CASE WHEN s.position %% 10 = 3 THEN s.ordinal - 1 ELSE s.position %% 2 END AS a, "
            "CASE WHEN s.position %% 3 = 0 THEN 1 ELSE 0 END AS b FROM annotation_slot s "
            "WHERE s.campaign_id = %s) s",
            [campaign.pk],
        )
        cursor.execute("UPDATE annotation_task SET state = 'agreed' WHERE campaign_id = %s", [campaign.pk])
        cursor.execute("ANALYZE annotation_label")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_page_reads_what_a_job_computed(
    transactional_scene: Scene, researcher: Any, client_of: Callable[..., Client]
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the labels are made by PostgreSQL itself")
    campaign = make_campaign(transactional_scene)
    experts = make_experts(EXPERTS)
    join(campaign, experts)
    lengthen(campaign, TASKS)
    fill(campaign, experts)
    assert Label.objects.filter(campaign=campaign).count() == 2 * TASKS and is_large(campaign)
    browser = client_of(researcher)
    first = browser.get(page_of(campaign), HTTP_ACCEPT_LANGUAGE="en")
    assert first.status_code == 200 and first.context["figures"] is None
    assert "The figures are being computed" in first.content.decode()
    job = Job.objects.get(kind="campaign_figures")
    begin = time.monotonic()
    assert run_job(job.pk) == Job.State.SUCCEEDED
    say(f"figures of {2 * TASKS:,} labels", begin)
    for _turn in range(3):
        begin = time.monotonic()
        with CaptureQueriesContext(connection) as caught:
            page = browser.get(page_of(campaign), HTTP_ACCEPT_LANGUAGE="en")
        say(f"the page, {len(caught)} queries, slowest {max(float(q['time']) for q in caught)} s", begin)
    assert page.context["figures"].trust.labels == 2 * TASKS
    assert len(caught) <= QUERIES_MOST
    scanned = [q["sql"] for q in caught if "annotation_label" in q["sql"] and "LIMIT" not in q["sql"]]
    assert all('"task_id" IN' in sql for sql in scanned), scanned  # of the ten divided tasks only
    begin = time.monotonic()
    assert browser.get(reverse("annotation:campaigns")).status_code == 200
    say("the list", begin)
    begin = time.monotonic()
    member = campaign.memberships.first()
    assert member is not None
    record = browser.get(reverse("annotation:campaign_expert", args=[campaign.pk, member.pseudonym]))
    say("an expert's record", begin)
    assert record.status_code == 200 and record.context["figures_at"] is not None
    # A new label makes the figures old, but not yet old enough to be computed again.
    assert not Job.objects.filter(kind="campaign_figures", state__in=Job.ACTIVE).exists()
    CampaignFigures.objects.update(watermark="1:0:0:0:open", computed_at=timezone.now())
    browser.get(page_of(campaign))
    assert not Job.objects.filter(kind="campaign_figures", state__in=Job.ACTIVE).exists()
    CampaignFigures.objects.update(computed_at=timezone.now() - timedelta(minutes=5))
    later = browser.get(page_of(campaign))
    assert later.context["figures"] is not None  # the old ones stay on the page
    assert Job.objects.filter(kind="campaign_figures", state__in=Job.ACTIVE).count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_tasks_are_drawn_and_opened_by_a_job(
    transactional_scene: Scene,
    researcher: Any,
    client_of: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the bound set to fewer than the scene has; everything else is the real thing."""
    monkeypatch.setattr(campaign_acts, "DIRECTLY", 10)
    campaign = make_campaign(transactional_scene, opened=False)
    browser = client_of(researcher)
    answer = browser.post(
        reverse("annotation:campaign_act", args=[campaign.pk, "open"]), follow=True, HTTP_ACCEPT_LANGUAGE="en"
    )
    page = answer.content.decode()
    assert "The tasks are being drawn" in page and 'hx-trigger="every 1s"' in page
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    polled = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "work", "HTTP_ACCEPT_LANGUAGE": "en"}
    assert "HX-Refresh" not in browser.get(page_of(campaign), **polled)
    job = Job.objects.get(kind="open_campaign")
    assert launch_opening(campaign, actor=researcher, wake=False) == job  # two clicks are one job
    assert run_job(job.pk) == Job.State.SUCCEEDED
    job.refresh_from_db()
    assert (job.progress_done, job.progress_total) == (2, 2)
    campaign.refresh_from_db()
    assert campaign.state == "open" and Slot.objects.filter(campaign=campaign).count() == 160
    assert browser.get(page_of(campaign), **polled)["HX-Refresh"] == "true"


@pytest.mark.django_db(transaction=True)
def test_drawing_by_a_job_then_stopping_an_opening(
    transactional_scene: Scene,
    researcher: Any,
    client_of: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(campaign_acts, "DIRECTLY", 10)
    campaign = make_campaign(transactional_scene, opened=False)
    browser = client_of(researcher)
    browser.post(reverse("annotation:campaign_act", args=[campaign.pk, "draw"]))
    assert run_job(Job.objects.get(kind="draw_campaign").pk) == Job.State.SUCCEEDED
    assert campaign.tasks.real().count() == 80
    assert "Draw the tasks" not in browser.get(page_of(campaign), HTTP_ACCEPT_LANGUAGE="en").content.decode()
    browser.post(reverse("annotation:campaign_act", args=[campaign.pk, "open"]))
    assert browser.post(reverse("annotation:campaign_act", args=[campaign.pk, "stop"])).status_code == 302
    assert Job.objects.get(kind="open_campaign").state == Job.State.CANCELLED
    campaign.refresh_from_db()
    assert campaign.state == "draft"


@pytest.mark.django_db(transaction=True)
def test_the_job_computes_what_the_page_would(transactional_scene: Scene) -> None:
    campaign = make_campaign(transactional_scene)
    (expert,) = make_experts(1)
    join(campaign, [expert])
    label_next(expert, campaign)
    assert not is_large(campaign) and SMALL_LABELS >= 1000
    assert run_job(launch_figures(campaign, wake=False).pk) == Job.State.SUCCEEDED
    kept = stored_figures(campaign)
    assert kept is not None and kept[1].trust.labels == 1
