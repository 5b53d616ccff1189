"""The language switch keeps the page, with and without JavaScript, and the page says which language it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stack import Stack
from tests.browser.visits import Visits

pytestmark = pytest.mark.browser
ADDRESSES = (
    "/leaderboard/demo/objective/?scenario=assisted-reproduction&sort=-value",
    "/items/?benchmark=demo&q=知情&kind=objective",
    "/accounts/signup/",
)


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_the_switch_keeps_the_page(page_as: Callable[..., Page], address: str, javascript: bool) -> None:
    page = page_as("visitor", "zh-hans", javascript=javascript)
    page.goto(address)
    here = page.url
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.url == here
    expect(page.get_by_role("link", name="Leaderboard").first).to_be_visible()
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    assert page.url == here


def test_the_switch_keeps_what_htmx_has_changed(page_as: Callable[..., Page]) -> None:
    page = page_as("visitor", "en")
    page.goto("/items/?benchmark=demo")
    page.select_option("#filter-kind", "objective")
    page.wait_for_url("**kind=objective**")
    here = page.url
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    assert page.url == here
    expect(page.locator("#filter-kind")).to_have_value("objective")


def test_the_switch_after_an_act_was_refused(
    page_as: Callable[..., Page], visits: Visits, stack: Stack
) -> None:
    """The answer to a refused act stands at an address that takes no GET."""
    visits.allow(409, 422)
    address = f"/submissions/{stack.scene['submissions']['in_review']}/"
    page = page_as("researcher", "en")
    page.goto(address)
    page.get_by_role("button", name="Return with this note").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    assert page.url.endswith(address)


def test_chinese_comes_first(page_as: Callable[..., Page]) -> None:
    page = page_as("visitor", "zh-hans")
    page.context.clear_cookies()
    page.set_extra_http_headers({"Accept-Language": "fr"})
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
