"""The board without a mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
FOCUS = """
() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const zone = element.closest(".drop") ? getComputedStyle(element.closest(".drop")) : style;
  const box = element.getBoundingClientRect();
  return {
    tag: element.tagName, text: (element.textContent || element.value || "").trim(), href: element.getAttribute("href"),
    id: element.id, outlined: [style, zone].some((one) => one.outlineStyle !== "none" && parseFloat(one.outlineWidth) > 0),
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}
"""


def press_tab(page: Page) -> dict[str, Any]:
    """Goes on by one and returns where the focus is, which must be seen."""
    page.keyboard.press("Tab")
    focus = page.evaluate(FOCUS)
    assert focus["outlined"], f"nobody sees the focus on {focus}"
    assert focus["seen"], f"the focus is out of sight on {focus}"
    return focus


def tab_to(page: Page, wanted: Callable[[dict[str, Any]], bool], at_most: int = 60) -> list[dict[str, Any]]:
    """Everything that was passed, the wanted place last."""
    passed = []
    for _step in range(at_most):
        passed.append(press_tab(page))
        if wanted(passed[-1]):
            return passed
    raise AssertionError(f"not reached: {[row['text'][:30] for row in passed]}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_board_by_keyboard_alone(page_as: Callable[..., Page], dark: bool) -> None:
    page = page_as("visitor", "en", dark=dark)
    page.goto("/leaderboard/demo/objective/")
    skip = press_tab(page)
    assert skip["href"] == "#main"
    page.keyboard.press("Enter")
    passed = tab_to(page, lambda focus: focus["tag"] == "SELECT")
    assert [row["text"] for row in passed[:-1]][:2] == ["All", "General"], "the filters come first"
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**scenario=**")
    page.goto("/leaderboard/demo/objective/")
    tab_to(page, lambda focus: focus["text"] == "Model")
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=**")
    sorted_head = page.locator("th[aria-sort]")
    expect(sorted_head).to_contain_text("Model")
    names = page.locator("tbody:not(.own) th.model > a:first-child").all_inner_texts()
    assert names == sorted(names) or names == sorted(names, reverse=True)
    assert page.evaluate("document.activeElement !== document.body"), "sorting does not lose the place"
    tab_to(page, lambda focus: (focus["href"] or "").startswith("/entries/"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/entries/**")
    expect(page.locator("h1")).to_be_visible()


def test_the_form_by_keyboard_alone(page_as: Callable[..., Page]) -> None:
    page = page_as("submitter", "en")
    page.goto("/submissions/new/")
    passed = tab_to(page, lambda focus: focus["text"] == "Upload and score")
    ids = [row["id"] for row in passed]
    assert ids.index("id_entry") < ids.index("id_version") < ids.index("id_file") < ids.index("id_note")
