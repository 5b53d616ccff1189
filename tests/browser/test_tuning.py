"""A researcher tunes the demo's tiny policy by clicking: SFT, then DPO on what SFT left, and all three on the board."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.audits import start_axe, violations
from tests.browser.stack import Stack, running_stack, wait_for
from tests.browser.visits import Visits

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.train, pytest.mark.timeout(1500)]
MINUTE = 60_000
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def tuning_stack() -> Iterator[Stack]:
    """A site of its own, whose worker trains the first guardian and builds the tiny policy, as the demo's does."""
    postgres = os.environ.get("MEDES_TEST_DB") == "postgres"
    with running_stack(os.environ["DATABASE_URL"] if postgres else "", long=False, policy=True) as site:
        wait_for(lambda: (site.home / "models" / "tiny-policy" / "config.json").is_file(), 400)
        yield site


@pytest.fixture
def page(browser: Browser, tuning_stack: Stack) -> Iterator[Page]:
    """A researcher's page, in Chinese."""
    opened = Visits(browser, tuning_stack, {})
    yield opened.context("researcher", "zh-hans").new_page()
    problems = opened.close()
    if problems:
        sys.stdout.write(tuning_stack.logs())
    assert not problems, "\n".join(problems)


def draw(page: Page, site: Stack, kind: str) -> None:
    """Draws a dataset and goes to the form of a run on it."""
    page.goto(f"{site.url}/training/datasets/")
    page.select_option("[name=kind]", kind)
    page.locator("#draw").click()
    page.locator("#use-dataset").click(timeout=4 * MINUTE)
    page.wait_for_url("**/training/runs/new/**")
    expect(page.locator("[name=kind]")).to_have_value(kind)


def watch(page: Page) -> None:
    """The run that was launched, to its end, with live figures on the way."""
    expect(page.locator("#run-progress")).to_be_visible()
    expect(page.locator("#run-curves svg.chart").first).to_be_visible(timeout=4 * MINUTE)
    expect(page.locator("#promote-run")).to_be_visible(timeout=6 * MINUTE)
    start_axe(page)
    assert violations(page) == []


def promote(page: Page, button: str) -> None:
    page.select_option("[name=version]", label="demo 1")  # beside the scene's own benchmark
    page.locator(button).click()
    expect(page.locator(".messages")).to_contain_text("模型已登记为参评模型")


def scored(site: Stack, entries: int) -> bool:
    """Whether that many entries by checkpoint have a row on the subjective board, and on the objective one."""
    rows = site.query(
        "SELECT b.kind, count(*) FROM benchmark_score s JOIN benchmark_board b ON b.id = s.board_id "
        "JOIN benchmark_submission u ON u.id = s.submission_id "
        "WHERE u.method = 'checkpoint' AND b.split = 'public' GROUP BY b.kind"
    )
    return dict(rows) == {"objective": entries, "subjective": entries}


def publish(page: Page, site: Stack) -> None:
    for (submission,) in site.query(
        "SELECT id FROM benchmark_submission WHERE method = 'checkpoint' ORDER BY id"
    ):
        page.goto(f"{site.url}/submissions/{submission}/")
        for act in ("review", "publish"):
            button = page.locator(f"form[action$='/{act}/'] button.primary")
            if button.count():
                button.click()
                page.wait_for_load_state()


def test_from_labels_to_three_entries_by_clicking(page: Page, tuning_stack: Stack) -> None:
    site, begun = tuning_stack, time.monotonic()
    page.goto(f"{site.url}/training/models/")
    promote(page, "#promote-base")
    draw(page, site, "sft")
    page.locator("#launch").click()
    watch(page)
    promote(page, "#promote-run")
    draw(page, site, "dpo")
    chosen = page.locator("[name=base_model] option:checked").inner_text()
    assert "SFT" in chosen  # what the last run left is offered first
    page.locator("#launch").click()
    watch(page)
    promote(page, "#promote-run")
    wait_for(lambda: scored(site, 3), 400)
    publish(page, site)
    for board in ("subjective", "objective"):
        page.goto(f"{site.url}/leaderboard/demo/{board}/")
        for name in ("tiny-policy", "medes-sft 1", "medes-dpo 1"):
            expect(page.get_by_role("row").filter(has_text=name)).to_be_visible()
    start_axe(page)
    assert violations(page) == []
    sys.stdout.write(f"from the first click to the board: {time.monotonic() - begun:.0f} s\n")
