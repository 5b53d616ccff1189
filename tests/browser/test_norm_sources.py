"""Where a norm comes from, decided by keyboard; the pages about it in both languages, light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import audits
from tests.browser.stack import Stack

pytestmark = pytest.mark.browser
PAGES = ("/norms/traces/", "/norms/outdated/", "/norms/sources/?corpus=cn-statutes", "/norms/coverage/",
         "/norms/coverage/?scenario=routine-care")  # fmt: skip
MAKE = (
    "from pathlib import Path; from django.conf import settings; "
    "from tests.benchmark.statute_book import import_quotations, import_statutes, trace, write_statutes; "
    "home = Path(settings.MEDES_HOME) / 'quoting'; "
    "import_statutes(write_statutes(home / 'statutes')); import_quotations(home / 'benchmark'); trace()"
)


@pytest.fixture(scope="module", autouse=True)
def quoting(stack: Stack) -> None:
    """Statutes and a benchmark that quotes them, beside the demo's."""
    stack.manage("shell", "-c", MAKE)


def test_proposals_are_decided_by_keyboard(page_as: Callable[..., Page]) -> None:
    page = page_as("researcher", "en")
    page.goto("/norms/traces/")
    left = page.locator("#trace [role=status] > p.muted")
    expect(left).to_contain_text("2 to decide · 0 decided")
    expect(page.locator("#trace ins").first).to_contain_text("泄露隐私")
    page.keyboard.press("s")
    expect(page.locator("#trace .chip").first).to_have_text("nearly the same")
    page.keyboard.press("n")
    expect(left).to_contain_text("1 to decide · 1 decided")
    expect(page.locator("#trace form.notice")).to_contain_text("Rejected:")
    page.keyboard.press("u")
    expect(left).to_contain_text("2 to decide · 0 decided")
    page.keyboard.press("Control+y")  # the browser's own keys decide nothing
    expect(left).to_contain_text("2 to decide · 0 decided")
    page.keyboard.press("y")
    expect(left).to_contain_text("1 to decide · 1 decided")
    page.keyboard.press("n")
    expect(page.locator("#trace .empty")).to_be_visible()
    page.keyboard.press("u")
    expect(left).to_contain_text("1 to decide · 1 decided")


def test_without_javascript_the_buttons_do_the_same(page_as: Callable[..., Page]) -> None:
    page = page_as("researcher", "zh-hans", javascript=False)
    page.goto("/norms/traces/")
    page.click("button[value=confirm]")
    page.wait_for_url("**last=**")
    expect(page.locator("#trace form.notice")).to_contain_text("已确认")
    page.click("button[value=undo]")
    expect(page.locator("button[value=confirm]")).to_be_visible()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("address", PAGES)
def test_pages_for_everybody(page_as: Callable[..., Page], address: str, language: str) -> None:
    page = page_as("researcher", language)
    page.goto(address)
    audits.start_axe(page)
    faults = [f"light: {text}" for text in audits.violations(page)]
    page.emulate_media(color_scheme="dark")
    faults += [f"dark: {text}" for text in audits.violations(page, audits.COLOURS)]
    for width in (1024, 400):
        faults += audits.over_the_edge(page, width)
    assert not faults, "\n".join(faults)
