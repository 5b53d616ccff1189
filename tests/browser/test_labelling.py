"""The labelling page in a real browser: by keyboard alone, with an input method, without a network, in two windows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.audits import COLOURS, foreign_texts, over_the_edge, start_axe, violations
from tests.browser.labelling_scene import RATIONALE
from tests.browser.stack import Stack, wait_for
from tests.browser.visits import Visits

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PageAs = Callable[..., Page]
FINE = {"r1": 0, "r2": 0, "q1": 1, "q2": 1, "q3": 1, "q4": 1}
RISKY = {"r1": 0, "r2": -1, "q1": None, "q2": None, "q3": None, "q4": None}
NAMES = tuple(FINE)
# What is pressed, and the answers that must then be stored.
WAYS = (
    (["0"], FINE),
    (["1", "2", "3", "4", "4", "5", "6"], {**FINE, "q2": 0}),
    (["1", "2", "2"], RISKY),
    (["6", "6", "a"], {**FINE, "q4": 0}),
    (["Numpad1", "Numpad2", "Numpad2", "Numpad2", "Numpad0"], FINE),
)


@pytest.fixture(scope="module", autouse=True)
def labs(stack: Stack) -> Iterator[None]:
    stack.manage("shell", "-v", "0", "-c", "from tests.browser.labelling_scene import main; main()")
    yield


def seat(page: Page) -> str:
    return page.locator("form[data-seat]").get_attribute("data-seat") or ""


def open_lab(page: Page, name: str) -> str:
    """Opens the page of a campaign and waits until the next task is there ahead."""
    page.goto(f"/annotate/lab-{name}/")
    page.wait_for_function("() => state.ahead !== null")
    return seat(page)


def press(page: Page, keys: list[str]) -> None:
    for key in keys:
        page.keyboard.press(key)


def wait_for_other_seat(page: Page, before: str) -> None:
    page.wait_for_function(
        "(before) => { const form = document.querySelector('form[data-seat]');"
        " return form && form.dataset.seat !== before; }",
        arg=before,
    )


LABEL = (
    "annotation_label l JOIN annotation_campaign c ON c.id = l.campaign_id "
    "JOIN accounts_user u ON u.id = l.expert_id"
)


def labels(stack: Stack, name: str, expert: str = "expert", extra: str = "") -> list[tuple[Any, ...]]:
    columns = "l.slot_id, l.r1, l.r2, l.q1, l.q2, l.q3, l.q4, l.rationale, l.evidence, l.duration_ms"
    return stack.query(
        f"SELECT {columns} FROM {LABEL} WHERE c.slug = %s AND u.username = %s {extra} ORDER BY l.id",
        f"lab-{name}",
        expert,
    )


def until(page: Page, condition: Callable[[], Any]) -> None:
    """Waits with the browser at work: its requests pass through this thread."""
    wait_for(lambda: condition() or page.wait_for_timeout(50))


def forgive(visits: Visits, *words: str) -> None:
    """Problems that the test itself made: a cut network."""
    found = visits.guard.problems
    found[:] = [text for text in found if not any(word in text for word in words)]


def test_twenty_answers_by_keyboard_alone(page_as: PageAs, stack: Stack) -> None:
    page = page_as("expert", "zh-hans")
    open_lab(page, "keys")
    expected = []
    for number in range(20):
        keys, answers = WAYS[number % len(WAYS)]
        before = seat(page)
        assert page.locator("form[data-seat] .criterion :checked").count() == 0, (
            "nothing is chosen beforehand"
        )
        press(page, keys)
        page.keyboard.press("Enter")
        wait_for_other_seat(page, before)
        expected.append((int(before), *(answers[name] for name in NAMES)))
    until(page, lambda: len(labels(stack, "keys")) == 20)
    found = labels(stack, "keys")
    assert [row[:7] for row in found] == expected
    assert all(0 < row[9] < 60_000 for row in found), "the time each took"
    expect(page.locator("[data-today]")).to_have_text("20")


def test_what_is_open_is_said_and_not_sent(page_as: PageAs, stack: Stack) -> None:
    page = page_as("expert", "en")
    first = open_lab(page, "looks")
    press(page, ["1", "2", "3", "Enter"])
    expect(page.locator("form [data-missing]")).to_contain_text(
        "Reference to norms、Actionable advice、Empathy"
    )
    assert seat(page) == first and not labels(stack, "looks")
    press(page, ["2"])
    expect(page.locator(".criterion.quality").first).to_have_attribute("disabled", "")
    press(page, ["2"])
    assert page.locator("input[name=q1][value='1']").is_checked(), "what was chosen before is still there"


def test_no_shortcut_fires_while_an_input_method_composes(page_as: PageAs, stack: Stack) -> None:
    page = page_as("expert", "zh-hans")
    first = open_lab(page, "method")
    page.keyboard.press("r")
    field = page.locator("textarea[name=rationale]")
    expect(field).to_be_focused()
    tool = page.context.new_cdp_session(page)
    for letters in ("s", "sf", "sf1", "sf12u"):
        tool.send(
            "Input.dispatchKeyEvent", {"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "key": letters[-1]}
        )
        length = len(letters)
        tool.send(
            "Input.imeSetComposition", {"text": letters, "selectionStart": length, "selectionEnd": length}
        )
    # Enter that takes the letters over, as most input methods do, must not submit.
    tool.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "key": "Enter"})
    tool.send("Input.insertText", {"text": "是否符合"})
    expect(field).to_have_value("是否符合")
    page.keyboard.type("sfu123?0")
    expect(field).to_have_value("是否符合sfu123?0")
    page.evaluate(
        """() => {
          for (const key of ["1", "s", "f", "0", "Enter"]) {
            const how = {key, code: `Key${key}`, isComposing: true, keyCode: 229, bubbles: true, cancelable: true};
            document.getElementById("stage").dispatchEvent(new KeyboardEvent("keydown", how));
          }
        }"""
    )
    assert page.locator(".criterion :checked").count() == 0
    assert page.locator("details.other-act[open], dialog[open]").count() == 0
    assert seat(page) == first and not labels(stack, "method")
    press(page, ["Escape", "1"])
    assert page.locator("input[name=r1][value='0']").is_checked()
    press(page, ["r", "Enter"])
    expect(field).to_have_value("是否符合sfu123?0\n")
    press(page, ["Escape", "0", "r", "Control+Enter"])
    until(page, lambda: len(labels(stack, "method")) == 1)
    assert labels(stack, "method")[0][7] == "是否符合sfu123?0"


def test_a_cut_network_and_a_closed_tab_lose_nothing(page_as: PageAs, stack: Stack, visits: Visits) -> None:
    page = page_as("expert", "zh-hans")
    context = page.context
    first = open_lab(page, "network")
    second = page.evaluate("state.ahead.dataset.seat")
    context.set_offline(True)
    press(page, ["1", "2", "2", "r"])
    page.keyboard.type("断网前写的理由")
    press(page, ["Control+Enter"])
    wait_for_other_seat(page, first)
    assert seat(page) == second, "the next task was there already"
    expect(page.locator("#alerts")).to_contain_text("尚未发送")
    press(page, ["3", "r"])
    page.keyboard.type("写到一半")
    with page.expect_event("close"):  # a page that is still closing has no network to be given back
        page.close(run_before_unload=True)
    assert not labels(stack, "network")
    context.set_offline(False)
    again = context.new_page()
    again.goto("/annotate/lab-network/")
    until(again, lambda: len(labels(stack, "network")) == 1)
    stored = labels(stack, "network")[0]
    assert stored[0] == int(first) and stored[7] == "断网前写的理由" and stored[2] == -1
    again.wait_for_function(f"() => document.querySelector('form[data-seat=\"{second}\"]')")
    expect(again.locator("textarea[name=rationale]")).to_have_value("写到一半")
    assert again.locator("input[name=q1][value='1']").is_checked()
    until(again, lambda: stack.count("annotation_draft", "slot_id = %s", int(second)) == 1)
    forgive(visits, "ERR_INTERNET_DISCONNECTED")


def test_somebody_else_logs_in_before_a_label_was_sent(page_as: PageAs, stack: Stack, visits: Visits) -> None:
    """Two people at one computer. The label of the first waits until they are back."""
    visits.allow(401)
    page, second = page_as("expert", "zh-hans"), page_as("expert-b", "zh-hans")
    context = page.context
    first = open_lab(page, "lapse")
    mine = context.cookies()
    context.set_offline(True)
    press(page, ["0", "Enter"])
    wait_for_other_seat(page, first)
    context.add_cookies([cookie for cookie in second.context.cookies() if "session" in cookie["name"]])
    context.set_offline(False)
    expect(page.locator("#alert-login")).to_be_visible()
    assert page.evaluate("Store.outbox.ids().length") == 1 and not labels(stack, "lapse")
    context.add_cookies([cookie for cookie in mine if "session" in cookie["name"]])
    until(page, lambda: len(labels(stack, "lapse")) == 1)
    assert labels(stack, "lapse")[0][0] == int(first)
    assert not labels(stack, "lapse", "expert-b")
    forgive(visits, "ERR_INTERNET_DISCONNECTED")


def test_labels_given_without_a_network_are_sent_once(page_as: PageAs, stack: Stack, visits: Visits) -> None:
    """The answer to the first sending is lost: the label is there, and the repetition makes no second one."""
    page = page_as("expert-b", "en")
    first = open_lab(page, "network")
    lost: list[str] = []

    def lose_the_answer(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().text())
        route.abort("connectionreset")

    page.route("**/submit/", lose_the_answer)
    press(page, ["0", "Enter"])
    wait_for_other_seat(page, first)
    page.wait_for_function("() => !state.sending && !Store.outbox.ids().length")
    assert lost and len(labels(stack, "network", "expert-b")) == 1
    forgive(visits, "ERR_CONNECTION_RESET")


def test_two_windows_of_one_expert(page_as: PageAs, stack: Stack, visits: Visits) -> None:
    visits.allow(409)
    here, there = (
        page_as("expert", "en"),
        page_as("expert", "en"),
    )  # two browsers: nothing in common but the site
    first = open_lab(here, "tabs")
    assert open_lab(there, "tabs") == first, "the task in hand, not another one"
    beside = here.context.new_page()
    beside.goto("/annotate/lab-tabs/")
    here.keyboard.press("r")
    here.keyboard.type("from here")
    expect(here.locator("#kept")).to_have_text("Draft saved")
    expect(beside.locator("textarea[name=rationale]")).to_have_value("from here")
    beside.close()
    there.keyboard.press("r")
    there.keyboard.type("from there")
    note = there.locator("[data-conflict]")
    expect(note).to_contain_text("changed in another window")
    note.get_by_role("button", name="Keep what stands here").click()
    expect(there.locator("#kept")).to_have_text("Draft saved")
    here.keyboard.type(", more")
    mine = here.locator("[data-conflict]")
    mine.get_by_role("button", name="Take the other version").click()
    expect(here.locator("textarea[name=rationale]")).to_have_value("from there")
    press(here, ["Escape", "0", "Enter"])
    wait_for_other_seat(here, first)
    until(here, lambda: len(labels(stack, "tabs")) == 1)
    press(there, ["Escape", "0", "4", "Enter"])
    until(there, lambda: len(labels(stack, "tabs")) == 2)
    current = labels(stack, "tabs", extra="AND l.current AND l.slot_id = " + first)
    assert len(current) == 1 and current[0][4] == 0, "one label; the earlier version is kept"


def test_ten_seconds_to_take_a_label_back(page_as: PageAs, stack: Stack) -> None:
    page = page_as("expert", "en")
    first = open_lab(page, "undo")
    press(page, ["0", "4", "r"])
    page.keyboard.type("too fast")
    press(page, ["Control+Enter"])
    wait_for_other_seat(page, first)
    second = seat(page)
    page.keyboard.press("3")
    page.wait_for_function("() => state.last?.label")  # ten seconds are not many where the machine is busy
    page.keyboard.press("u")
    page.wait_for_function(f"() => document.querySelector('form[data-seat=\"{first}\"]')")
    assert len(labels(stack, "undo")) == 1
    expect(page.locator("textarea[name=rationale]")).to_have_value("too fast")
    assert page.locator("input[name=q2][value='0']").is_checked()
    expect(page.locator("[data-today]")).to_have_text("0")
    press(page, ["4", "Enter"])
    page.wait_for_function(f"() => document.querySelector('form[data-seat=\"{second}\"]')")
    assert page.locator("input[name=q1][value='1']").is_checked(), "what was begun meanwhile is still there"
    until(page, lambda: len(labels(stack, "undo", extra="AND l.current")) == 1)
    assert len(labels(stack, "undo")) == 2
    assert labels(stack, "undo", extra="AND l.current")[0][4] == 1


def test_the_next_task_is_there_before_the_site_has_answered(page_as: PageAs, stack: Stack) -> None:
    page = page_as("expert", "en")
    first = open_lab(page, "ahead")
    held: list[Route] = []
    page.route("**/submit/", lambda route: held.append(route))
    press(page, ["0"])
    shown = page.evaluate(
        """() => {
          submit(document.querySelector("form[data-seat]"));
          return document.querySelector("form[data-seat]").dataset.seat;
        }"""
    )
    assert shown != first, "in the same turn, while the answer to the request is held back"
    until(page, lambda: bool(held))
    assert not labels(stack, "ahead")
    held[0].continue_()
    until(page, lambda: len(labels(stack, "ahead")) == 1)
    page.wait_for_function("() => state.ahead !== null")
    assert seat(page) == shown


def test_skip_and_flag_by_keyboard(page_as: PageAs, stack: Stack) -> None:
    page = page_as("expert-b", "en")
    first = open_lab(page, "undo")
    page.keyboard.press("f")
    page.keyboard.type("the question is cut off")
    press(page, ["Control+Enter"])
    expect(page.locator("#toasts")).to_contain_text("The researchers have been told")
    assert seat(page) == first
    press(page, ["s", "3", "Enter"])
    wait_for_other_seat(page, first)
    assert stack.query("SELECT reason FROM annotation_skip WHERE slot_id = %s", int(first)) == [("conflict",)]
    assert stack.query("SELECT note FROM annotation_flag WHERE slot_id = %s", int(first)) == [
        ("the question is cut off",)
    ]


def test_a_selected_passage_is_stored_where_it_stands(page_as: PageAs, stack: Stack) -> None:
    page = page_as("expert", "zh-hans")
    first = open_lab(page, "passages")
    press(page, ["0"])
    quoted = page.evaluate(
        """() => {
          const spans = [...document.querySelectorAll("[data-located] span[data-at]")];
          const runs = spans.filter((run) => run.textContent.length > 12);
          // Towards the end, so that the second sentence, which is marked below, is another one.
          const node = runs[runs.length - 1].firstChild;
          const from = node.data.length - 11;
          getSelection().setBaseAndExtent(node, from, node, from + 8);
          return node.data.slice(from, from + 8);
        }"""
    )
    expect(page.locator(".palette")).to_be_visible()
    page.keyboard.press("2")
    assert page.locator("input[name=r2][value='-1']").is_checked()
    block = page.locator("[data-evidence=r2]")
    expect(block).to_contain_text(quoted[:4])
    block.locator("[data-clause-fill]").click()
    press(page, ["Escape", "e", "ArrowDown", "Space", "r"])
    assert page.evaluate("() => state.pick === null"), (
        "writing ends the picking: its keys are those of a text"
    )
    press(page, ["Control+Enter"])
    wait_for_other_seat(page, first)
    until(page, lambda: len(labels(stack, "passages")) == 1)
    evidence = labels(stack, "passages")[0][8]
    found = (json.loads(evidence) if isinstance(evidence, str) else evidence)["r2"]
    text = stack.query(
        "SELECT r.text FROM benchmark_response r JOIN annotation_task t ON t.response_id = r.id "
        "JOIN annotation_slot s ON s.task_id = t.id WHERE s.id = %s",
        int(first),
    )[0][0]
    pieces = [text[start:end] for start, end in found["spans"]]
    assert any(quoted.strip() in piece for piece in pieces), pieces
    assert len(pieces) == 2 and found["clause"].startswith("《")


def test_blind_then_reveal(page_as: PageAs, stack: Stack) -> None:
    page = page_as("expert", "zh-hans")
    first = open_lab(page, "guardian")
    assert RATIONALE not in page.content()
    press(page, ["0", "6", "Enter"])
    expect(page.locator("[data-between]")).to_contain_text("盲标已保存")
    assert RATIONALE not in page.content()
    page.keyboard.press("u")
    page.wait_for_function(f"() => document.querySelector('form[data-seat=\"{first}\"]')")
    press(page, ["Enter"])
    expect(page.locator("[data-between]")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("form.reveal")).to_contain_text("没有引用具体条文")
    start_axe(page)
    assert violations(page) == []
    press(page, ["Enter"])
    expect(page.locator("form [data-missing]")).to_contain_text("理由是否成立")
    press(page, ["6", "Shift+Digit4", "Shift+Digit4", "0", "Enter"])
    wait_for_other_seat(page, first)
    row = stack.query("SELECT holds, after_id FROM annotation_reveal")
    holds = json.loads(row[0][0]) if isinstance(row[0][0], str) else row[0][0]
    assert len(row) == 1 and row[0][1] is not None
    assert holds == {**dict.fromkeys(NAMES, True), "q2": False}
    kept = labels(stack, "guardian", extra="AND l.current")
    assert [item[6] for item in kept] == [0, 1], "the blind answer stands beside the later one"


def test_items_and_pairs(page_as: PageAs, stack: Stack) -> None:
    page = page_as("expert", "en", width=1024)
    for name, ways in (("items", ["1", "2", "2", "3"]), ("pairs", ["2", "5"])):
        first = open_lab(page, name)
        start_axe(page)
        assert violations(page) == []
        press(page, [*ways, "Enter"])
        wait_for_other_seat(page, first)
    press(page, ["3", "Enter"])
    until(page, lambda: stack.count("annotation_label", "answers IS NOT NULL") == 3)
    answers = stack.query(
        f"SELECT l.answers FROM {LABEL} WHERE c.slug IN ('lab-items', 'lab-pairs') ORDER BY l.id"
    )
    said = [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in answers]
    assert said[0]["realistic"] is True and said[0]["norm_right"] is False
    assert said[1]["better"] in ("a", "b") and said[1]["by"] == 2


def test_a_qualification_task_is_explained_before_the_next(page_as: PageAs) -> None:
    page = page_as("expert", "en")
    open_lab(page, "qualify")
    for _task in range(2):
        press(page, ["0", "Enter"])
        expect(page.locator("[data-explained]")).to_contain_text("A citation names its title.")
        expect(page.locator("[data-explained]")).to_contain_text("5 of 6")
        press(page, ["Enter"])
        page.wait_for_selector("form[data-seat]")
    assert page.locator(".deciding .chip.jade").count() == 0, "admitted: real tasks"


def test_everything_leased_says_until_when(page_as: PageAs) -> None:
    holder, waiting = page_as("expert-b", "en"), page_as("expert-c", "en")
    holder.goto("/annotate/lab-last/")
    holder.wait_for_selector("form[data-seat]")
    waiting.goto("/annotate/lab-last/")
    assert ":" in waiting.locator("[data-state=leased] time").inner_text()


def test_the_paragraphs_of_an_answer_stand_together(page_as: PageAs) -> None:
    """Line ends between the tags of rendered Markdown are no lines of their own."""
    page = page_as("expert-c", "zh-hans")
    page.goto("/annotate/lab-looks/")
    gaps = page.evaluate(
        """() => {
          const answer = document.querySelector("form[data-seat] [data-located]");
          const box = answer.getBoundingClientRect();
          const blocks = [...answer.children].map((child) => child.getBoundingClientRect());
          const tops = [box.top, ...blocks.map((block) => block.bottom)];
          const ends = [...blocks.map((block) => block.top), box.bottom];
          return tops.map((top, place) => ends[place] - top);
        }"""
    )
    assert len(gaps) > 1 and max(gaps) < 30, gaps


def test_it_works_without_javascript(page_as: PageAs, stack: Stack) -> None:
    page = page_as("expert", "zh-hans", javascript=False)
    page.goto("/annotate/lab-plain/")
    first = seat(page)
    for name, value in (("r1", "0"), ("r2", "0"), ("q1", "1"), ("q2", "0"), ("q3", "1"), ("q4", "1")):
        page.check(f"input[name={name}][value='{value}']", force=True)
    page.fill("textarea[name=rationale]", "没有脚本")
    page.click("[data-submit]")
    assert seat(page) != first
    assert len(labels(stack, "plain")) == 1
    page.click(".undo-form button")
    assert seat(page) == first
    expect(page.locator("textarea[name=rationale]")).to_have_value("没有脚本")


def test_the_page_is_light(page_as: PageAs) -> None:
    """All that comes over the wire for a first visit with nothing in the cache."""
    page = page_as("expert", "zh-hans")
    tool = page.context.new_cdp_session(page)
    tool.send("Network.enable")
    tool.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    tool.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    open_lab(page, "weight")
    page.wait_for_load_state("networkidle")
    assert sum(sizes) < 100 * 1024, f"{sum(sizes) / 1024:.1f} KiB in {len(sizes)} requests"
    assert len(sizes) <= 14


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_use_it(page_as: PageAs, language: str, dark: bool) -> None:
    page = page_as("expert-c", language, dark=dark, width=1024)
    open_lab(page, "looks")
    start_axe(page)
    options = None if not dark else COLOURS
    assert violations(page, options) == []
    press(page, ["1", "2", "2", "d"])
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert violations(page, options) == []
    if language == "zh-hans":
        assert foreign_texts(page, ["Demo", "looks", "expert-c", "Ctrl", "Esc", "Shift"]) == []
    for width in (1280, 1024, 400):
        assert over_the_edge(page, width) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    assert violations(page, options) == []
    page.keyboard.press("Escape")
    page.goto("/annotate/")
    start_axe(page)
    assert violations(page, options) == []
    assert over_the_edge(page, 400) == []
