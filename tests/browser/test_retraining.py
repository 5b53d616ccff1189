"""A researcher presses the button, watches, reads the report, promotes, and the board follows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.audits import axe_findings
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
    assert axe_findings(page) == []
    page.get_by_role("button", name="Retrain the guardian").click()
    expect(page.get_by_role("heading", name="medes-linear 2")).to_be_visible()
    expect(page.locator("#run-progress")).to_be_visible()
    assert axe_findings(page) == []
    report = page.get_by_role("link", name="Read the report")
    expect(report).to_be_visible(timeout=180_000)
    expect(page.locator("#log-lines")).to_contain_text("registered medes-linear 2")
    report.click()
    promote = page.get_by_role("button", name="Promote")
    expect(promote).to_be_visible(timeout=120_000)
    expect(page.get_by_text("written for the demo, answer by answer")).to_be_visible()
    assert page.locator("#curves svg.chart").count() >= 2
    assert axe_findings(page) == []
    promote.click()
    expect(page.get_by_text("It is the active guardian now")).to_be_visible()
    assert active(stack) == [("2",)]
    page.goto(f"{stack.url}/leaderboard/demo/subjective/")
    expect(page.get_by_text("medes-linear 2").first).to_be_visible()
