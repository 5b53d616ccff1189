"""A researcher's campaign from the form to its close, and a referee who rules by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import audits
from tests.browser.stack import Stack
from tests.browser.visits import Visits

pytestmark = pytest.mark.browser


def no_violation(page: Page) -> None:
    audits.start_axe(page)
    assert audits.violations(page) == []


def test_a_campaign_from_the_form_to_its_close(
    page_as: Callable[..., Page], visits: Visits, stack: Stack
) -> None:
    page = page_as("researcher", "en")
    visits.allow(422)
    page.goto("/campaigns/new/")
    page.fill("input[name=title_zh]", "浏览器里的活动")
    page.fill("input[name=title_en]", "Made in a browser")
    page.select_option("select[name=version]", label="Demo benchmark 1")
    page.fill("input[name=cap]", "1")
    page.fill("textarea[name=text_zh]", "# 先读题\n\n**注意**规范。<script>x</script>")
    page.click("button:has-text('Preview')")
    expect(page.locator(".preview h3")).to_have_text("先读题")
    page.click("button:has-text('Create the draft')")
    expect(page.locator(".field-error .errorlist")).to_have_text("At most cannot be fewer than at first.")
    no_violation(page)
    page.fill("input[name=cap]", "3")
    page.click("button:has-text('Create the draft')")
    page.wait_for_url(re.compile(r"/campaigns/\d+/$"))
    page.click("button:has-text('Draw the tasks')")
    expect(page.locator("main")).to_contain_text("The tasks are drawn.")
    page.click("button:has-text('Open the campaign')")
    expect(page.locator(".page-head .chip")).to_have_text("open")
    page.click("summary:has-text('Change the settings')")
    page.fill("input[name=lease_minutes]", "0")
    page.click("button:has-text('Save') >> nth=0")
    expect(page.locator(".field-error .errorlist")).to_be_visible()
    no_violation(page)
    page.goto(page.url.split("act/")[0])
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("button:has-text('Close')")
    expect(page.locator(".page-head .chip")).to_have_text("closed")
    assert stack.count("annotation_campaign", "slug = %s AND state = %s", "made-in-a-browser", "closed") == 1


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_ruling_by_keyboard_alone(
    page_as: Callable[..., Page], visits: Visits, stack: Stack, dark: bool
) -> None:
    visits.allow(422)
    page = page_as("referee", "zh-hans", dark=dark)
    before = stack.count("annotation_ruling")
    page.goto(f"/adjudicate/{stack.scene['campaigns']['disputed']}/")
    first = page.url
    page.keyboard.press("n")
    page.wait_for_url(lambda address: address != first)
    ruled = page.url
    page.keyboard.press("1")
    expect(page.locator("input[data-key='1']")).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".errorlist").first).to_have_text("裁定须写明理由。")
    expect(page.locator("input[data-key='1']")).to_be_checked()
    no_violation(page)
    page.keyboard.press("r")
    expect(page.locator("textarea[name=rationale]")).to_be_focused()
    page.keyboard.type("s o n 2 reasons")  # letters that are shortcuts outside of a text field
    expect(page.locator("input[data-key='1']")).to_be_checked()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda address: address != ruled)
    assert re.search(r"/adjudicate/\d+/$", page.url)
    assert stack.count("annotation_ruling") == before + 1
    assert stack.query("SELECT rationale FROM annotation_ruling ORDER BY id DESC LIMIT 1") == [
        ("s o n 2 reasons",)
    ]


def test_no_key_fires_while_an_input_method_composes(page_as: Callable[..., Page], stack: Stack) -> None:
    page = page_as("referee", "zh-hans")
    page.goto(f"/adjudicate/{stack.scene['campaigns']['disputed']}/")
    composing = "(key) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, isComposing: true}))"
    page.evaluate(composing, "s")
    expect(page.locator("input[data-key='s']")).not_to_be_checked()
    page.locator("textarea[name=rationale]").focus()
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "shuo", "selectionStart": 4, "selectionEnd": 4})
    session.send("Input.insertText", {"text": "说明"})
    expect(page.locator("textarea[name=rationale]")).to_have_value("说明")
    assert page.locator("input[name=choice]:checked").count() == 0


def test_overruling_opens_ones_own_answers(page_as: Callable[..., Page], stack: Stack) -> None:
    page = page_as("referee", "en")
    page.goto(f"/adjudicate/{stack.scene['campaigns']['disputed']}/")
    expect(page.locator("#own-answers")).not_to_have_attribute("open", "")
    page.keyboard.press("o")
    expect(page.locator("#own-answers")).to_have_attribute("open", "")
    no_violation(page)


def test_an_expert_finds_their_record(page_as: Callable[..., Page]) -> None:
    page = page_as("expert", "zh-hans")
    page.goto("/accounts/profile/")
    page.click("text=我的标注情况")
    page.click("text=临床伦理标注（第一轮）")
    expect(page.locator("h1")).to_have_text("您的标注情况")
    expect(page.locator("table.data tbody tr")).to_have_count(6)
