"""A researcher presses the button, watches, reads the report, promotes, and the board follows."""

from __future__ import annotations

import json
from collections.abc import Callable

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.audits import start_axe, violations
from tests.browser.stack import Stack, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def active(stack: Stack) -> list[tuple[str]]:
    return stack.query(
        "SELECT s.version FROM benchmark_guardian g JOIN benchmark_scorer s ON s.id = g.scorer_id "
        "WHERE g.state = 'active' AND s.name = 'medes-linear'"
    )


def test_retrain_watch_read_promote(page_as: Callable[..., Page], stack: Stack) -> None:
    if not stack.count("annotation_label"):
        pytest.skip("the demo's labels are not here")
    wait_for(lambda: active(stack) == [("1",)], 180)  # what the demo trains by itself at its first start
    page = page_as("researcher")
    page.goto(f"{stack.url}/training/guardians/")
    expect(page.get_by_role("link", name="medes-linear 1")).to_be_visible()
    start_axe(page)
    assert violations(page) == []
    page.get_by_role("button", name="Retrain the guardian").click()
    expect(page.get_by_role("heading", name="medes-linear 2")).to_be_visible()
    expect(page.locator("#run-progress")).to_be_visible()
    start_axe(page)
    assert violations(page) == []
    report = page.get_by_role("link", name="Read the report")
    expect(report).to_be_visible(timeout=180_000)
    expect(page.locator("#log-lines")).to_contain_text("registered medes-linear 2")
    report.click()
    promote = page.get_by_role("button", name="Promote")
    expect(promote).to_be_visible(timeout=120_000)
    expect(page.get_by_text("written for the demo, answer by answer")).to_be_visible()
    assert page.locator("#curves svg.chart").count() >= 2
    start_axe(page)
    assert violations(page) == []
    promote.click()
    expect(page.get_by_text("It is the active guardian now")).to_be_visible()
    assert active(stack) == [("2",)]
    page.goto(f"{stack.url}/leaderboard/demo/subjective/")
    expect(page.get_by_text("medes-linear 2").first).to_be_visible()


def test_a_training_outlives_its_worker(stack: Stack) -> None:
    """The whole Celery worker is killed while its engine works: the engine goes too, and the run is finished later."""
    if not stack.count("annotation_label"):
        pytest.skip("the demo's labels are not here")
    wait_for(lambda: active(stack), 180)
    said = json.loads(stack.manage("train_guardian", "--queue", "--json", "--name", "outlives"))
    run, job = said["run"], said["job"]

    def engine() -> int | None:
        return stack.query("SELECT engine_pid FROM training_run WHERE id = %s", run)[0][0]

    pid = wait_for(engine, 120)
    engine_process = psutil.Process(pid)
    stack.worker.kill()
    wait_for(lambda: not engine_process.is_running() or engine_process.status() == psutil.STATUS_ZOMBIE, 20)
    state = "SELECT state, attempt FROM jobs_job WHERE id = %s"
    assert stack.query(state, job) == [("running", 1)]
    stack.worker.start()
    wait_for(lambda: stack.query(state, job) == [("succeeded", 2)], 240)
    made = stack.query(
        "SELECT s.version FROM benchmark_guardian g JOIN benchmark_scorer s ON s.id = g.scorer_id WHERE s.name = 'outlives'"
    )
    assert made == [("1",)] and engine() is None
