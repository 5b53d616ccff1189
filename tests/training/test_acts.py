"""Starting and stopping runs from Django's admin, the pages and the API, without a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from benchmark.errors import BadInput, NotAllowed
from benchmark.models import Guardian, Scorer
from medes_site.kit.jobs.models import Job
from training.models import Run
from training.services.guardian_config import DEFAULTS
from training.services.runs import plan_guardian_run
from training.tasks import launch_run

pytestmark = pytest.mark.django_db


def states() -> list[str]:
    return list(Job.objects.filter(kind="train").order_by("id").values_list("state", flat=True))


def test_the_admin_retrains_with_the_settings_of_the_run(
    researcher: Any, client_of: Callable[..., Client]
) -> None:
    run = plan_guardian_run(actor=researcher, config={"seed": 5, "prior": 0.03}, name="ours")
    scorer = Scorer.objects.create(type="guardian", name="ours", version="1")
    guardian = Guardian.objects.create(scorer=scorer, kind="linear", folder="none")
    Run.objects.filter(pk=run.pk).update(guardian=guardian)
    client = client_of(researcher)
    chosen = {"action": "retrain", "_selected_action": [guardian.pk]}
    assert client.post(reverse("admin:benchmark_guardian_changelist"), chosen).status_code == 302
    again = Run.objects.order_by("-pk")[0]
    assert (again.name, again.version, again.config["seed"], again.config["prior"]) == ("ours", "2", 5, 0.03)
    assert again.created_by == researcher and states() == ["queued"]

    chosen = {"action": "cancel", "_selected_action": [again.pk]}
    assert client.post(reverse("admin:training_run_changelist"), chosen).status_code == 302
    assert states() == ["cancelled"]
    chosen = {"action": "train_again", "_selected_action": [again.pk]}
    assert client.post(reverse("admin:training_run_changelist"), chosen).status_code == 302
    assert Run.objects.count() == 3 and states() == ["cancelled", "queued"]


def test_a_cancelled_run_is_taken_up_again(researcher: Any, client_of: Callable[..., Client]) -> None:
    run = plan_guardian_run(actor=researcher)
    launch_run(run, actor=researcher, wake=False)
    client = client_of(researcher)
    client.post(reverse("training:run_cancel", args=[run.pk]))
    assert states() == ["cancelled"]
    client.post(reverse("training:run_resume", args=[run.pk]))
    client.post(reverse("training:run_resume", args=[run.pk]))
    assert states() == ["cancelled", "queued"], "pressed twice, taken up once"


def test_the_api_starts_and_stops(researcher: Any, client_of: Callable[..., Client]) -> None:
    client = client_of(researcher)
    made = client.post(
        reverse("training:api-run-list"),
        {"config": {"seed": 9}, "note": "n"},
        content_type="application/json",
    )
    assert made.status_code == 201 and made.json()["job"]["state"] == "queued"
    assert made.json()["config"] == {**DEFAULTS, "seed": 9}
    stopped = client.post(reverse("training:api-run-cancel", args=[made.json()["id"]]))
    assert stopped.json()["job"]["state"] == "cancelled"
    for config in ({"prior": 7}, {"kind": "magic"}, {"surprise": 1}, {"kind": "encoder"}, {"seed": 1.5}):
        refused = client.post(
            reverse("training:api-run-list"), {"config": config}, content_type="application/json"
        )
        assert refused.status_code == 400 and refused.json()["detail"], config
    assert Run.objects.count() == 1


@pytest.mark.parametrize("name", ["a b", "../x", "", "x" * 41])
def test_names_are_safe(researcher: Any, name: str) -> None:
    if not name:
        assert plan_guardian_run(actor=researcher, name=name).name == "medes-linear"
        return
    with pytest.raises(BadInput):
        plan_guardian_run(actor=researcher, name=name)


def test_only_researchers_plan_runs(expert: Any) -> None:
    with pytest.raises(NotAllowed):
        plan_guardian_run(actor=expert)
