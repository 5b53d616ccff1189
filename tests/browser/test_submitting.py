"""From sign-up to the public board, as three people live it; and what happens to files that are wrong."""

from __future__ import annotations

import csv
import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.answering import answered, demo_items, expected, fill_in
from tests.browser.material import replies_file
from tests.browser.stack import UPLOAD_MIB, Stack
from tests.browser.visits import Visits

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
SCORED_MS = 240_000  # the one worker may have the demo's first training in hand
# Six of the public items and four of the open ones will be answered wrongly.
PUBLIC = [code for code, row in demo_items().items() if row["split"] == "public"]
DEV = [code for code, row in demo_items().items() if row["split"] == "dev"]
WRONG = {*PUBLIC[2:8], *DEV[:4]}


def sign_up(page: Page, name: str) -> None:
    password = secrets.token_urlsafe(12)
    page.goto("/accounts/signup/")
    for field, value in (("username", name), ("email", f"{name}@example.org")):
        page.fill(f"input[name={field}]", value)
    for field in ("password1", "password2"):
        page.fill(f"input[name={field}]", password)
    page.click("main button.primary")
    page.wait_for_url("/")


def download_questions(page: Page, folder: Path) -> Path:
    """The objective questions as CSV, found the way a person finds them."""
    page.goto("/items/?benchmark=demo")
    page.select_option("#filter-kind", "objective")
    expect(page.locator("#found [role=status]")).to_contain_text("50 items")
    with page.expect_download() as event:
        page.get_by_role("link", name="Questions as CSV").click()
    target = folder / event.value.suggested_filename
    event.value.save_as(target)
    return target


def score_figures(page: Page, title: str) -> str:
    """The text of one board's card on a submission's page."""
    return page.get_by_role("region", name=title).inner_text()


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.slow
def test_from_sign_up_to_the_public_board(page_as: OpenPage, stack: Stack, tmp_path: Path) -> None:
    name = f"newcomer{secrets.token_hex(3)}"
    model = f"Wegweiser-{name}"
    page = page_as("visitor")
    sign_up(page, name)
    replies = write(tmp_path, "replies.csv", answered(download_questions(page, tmp_path), WRONG))
    fill_in(page, model, replies)
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    page.get_by_role("button", name="Upload and score").click()
    page.wait_for_url(re.compile(r"/submissions/\d+/$"))
    number = int(page.url.rstrip("/").rsplit("/", 1)[1])
    expect(page.locator("section.result").first).to_be_visible(timeout=SCORED_MS)
    assert loads == [page.url], "the page followed the scoring without being loaded again"
    should = expected("public", WRONG)
    shown = score_figures(page, "Objective · public")
    assert should.right == 20 and should.accuracy in shown and should.interval in shown
    open_split = expected("dev", WRONG)
    shown = score_figures(page, "Objective · development")
    assert open_split.accuracy in shown and open_split.interval in shown

    page.goto("/leaderboard/demo/objective/")
    own = page.locator("tbody.own tr.mine", has_text=model)
    expect(own).to_contain_text("private")
    expect(own).to_contain_text(should.accuracy)
    nobody = page_as("visitor")
    nobody.goto("/leaderboard/demo/objective/")
    expect(nobody.locator("table.board")).not_to_contain_text(model)

    page.goto(f"/submissions/{number}/")
    page.get_by_role("button", name="Ask for review").click()
    expect(page.locator("#live")).to_contain_text("A researcher looks at it")
    review_and_publish(page_as("researcher"), number, model)

    row = nobody.locator("table.board tbody:not(.own) tr", has_text=model)
    for _attempt in range(240):  # the ranks follow a moment after the row
        nobody.goto("/leaderboard/demo/objective/")
        if row.count() and re.fullmatch(r"\d+(–\d+)?", row.locator("td").nth(1).inner_text().strip()):
            break
        nobody.wait_for_timeout(500)
    expect(row).to_contain_text(should.accuracy)
    expect(row).to_contain_text(should.interval)
    assert re.fullmatch(r"\d+(–\d+)?", row.locator("td").nth(1).inner_text().strip())
    look_around(nobody, model, should.accuracy, tmp_path)
    assert stack.count("benchmark_score", "submission_id = %s", number) == 2


def review_and_publish(page: Page, number: int, model: str) -> None:
    page.goto("/submissions/?tab=review")
    page.get_by_role("link", name=model).click()
    page.wait_for_url(f"**/submissions/{number}/")
    page.fill("textarea[name=note]", "Looks fine.")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".stepper li.done")).to_have_count(4)


def look_around(page: Page, model: str, accuracy: str, folder: Path) -> None:
    """As a visitor: comparison of two, export, the model's page."""
    for name in (model, "清源-32B"):
        page.locator("tr", has_text=name).locator("input[type=checkbox]").check()
    page.get_by_role("button", name="Compare the chosen").click()
    page.wait_for_url("**/compare/**")
    expect(page.locator("table.pairs tbody tr")).to_have_count(1)
    expect(page.locator("table.pairs")).to_contain_text(model)
    expect(page.locator("table.side")).to_contain_text(accuracy)
    page.goto("/leaderboard/demo/objective/")
    with page.expect_download() as event:
        page.get_by_role("link", name="CSV", exact=True).click()
    target = folder / "board.csv"
    event.value.save_as(target)
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if model in row.values()]
    assert len(rows) == 1 and any(
        value.startswith(accuracy.rstrip("0")) for value in rows[0].values() if value
    )
    with page.expect_download() as event:
        page.get_by_role("link", name="JSON", exact=True).click()
    assert model in json.dumps(json.loads(Path(event.value.path()).read_text("utf-8")), ensure_ascii=False)
    page.get_by_role("link", name=model).click()
    page.wait_for_url("**/entries/**")
    expect(page.locator("h1")).to_have_text(model)
    expect(page.locator("main")).to_contain_text(accuracy)


BAD_ROWS = b"item,response\nobj-9999,A\nobj-0001,A\nobj-0001,B\n"


@pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "without JavaScript"])
def test_a_bad_file_is_explained_and_nothing_is_stored(
    page_as: OpenPage, visits: Visits, stack: Stack, tmp_path: Path, javascript: bool
) -> None:
    visits.allow(422)
    before = (
        stack.count("benchmark_submission"),
        stack.count("benchmark_entry"),
        stack.count("benchmark_response"),
    )
    page = page_as("submitter", javascript=javascript)
    model = f"Stolper-{javascript}"
    fill_in(page, model, write(tmp_path, "bad.csv", BAD_ROWS))
    page.get_by_role("button", name="Upload and score").click()
    table = page.locator("section.problems table")
    expect(table).to_be_visible()
    page.wait_for_load_state()
    lines = [cell.inner_text() for cell in table.locator("tbody td.num").all()]
    assert {"2", "4"} <= set(lines), lines
    expect(page.locator("input[name=name]")).to_have_value(model)
    after = (
        stack.count("benchmark_submission"),
        stack.count("benchmark_entry"),
        stack.count("benchmark_response"),
    )
    assert after == before
    good = replies_file({code: f"答案：{demo_items()[code]['key']}" for code in PUBLIC})
    page.set_input_files("input[name=file]", write(tmp_path, "good.csv", good))
    page.get_by_role("button", name="Upload and score").click()
    page.wait_for_url(re.compile(r"/submissions/\d+/$"))
    if not javascript:
        follow_by_hand(page)
    expect(page.locator("section.result")).to_contain_text("1.0000", timeout=SCORED_MS)
    assert stack.count("benchmark_submission") == before[0] + 1


def follow_by_hand(page: Page) -> None:
    """Without JavaScript there is a link to look again."""
    for _attempt in range(240):
        if page.locator("section.result").count():
            return
        page.wait_for_timeout(500)
        refresh = page.locator("#refresh-scoring")
        if refresh.count():
            refresh.click()
            page.wait_for_load_state()
        else:
            page.goto(page.url)


@pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "without JavaScript"])
def test_a_file_that_is_too_large_gets_an_answer(
    page_as: OpenPage, visits: Visits, stack: Stack, tmp_path: Path, javascript: bool
) -> None:
    visits.allow(422, 413)
    before = stack.count("benchmark_submission")
    page = page_as("submitter", javascript=javascript)
    content = b"item,response\nobj-0001," + b"A" * (UPLOAD_MIB * 2**20) + b"\n"
    fill_in(page, f"Schwer-{javascript}", write(tmp_path, "large.csv", content))
    page.get_by_role("button", name="Upload and score").click()
    expect(page.locator(".field-error")).to_contain_text(re.compile(r"1\.0.MB|1 MiB"))
    assert stack.count("benchmark_submission") == before
    assert not stack.query("SELECT 1 FROM benchmark_entry WHERE name LIKE %s", "Schwer-%")


@pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "without JavaScript"])
def test_a_double_click_makes_one_submission(
    page_as: OpenPage, visits: Visits, stack: Stack, tmp_path: Path, javascript: bool
) -> None:
    visits.allow(422)
    page = page_as("submitter", javascript=javascript)
    model = f"Doppelt-{javascript}"
    content = replies_file({code: "答案：A" for code in PUBLIC})
    fill_in(page, model, write(tmp_path, "twice.csv", content))
    page.get_by_role("button", name="Upload and score").dblclick(no_wait_after=True)
    page.wait_for_url(re.compile(r"/submissions/\d+/$"))
    page.wait_for_timeout(1000)  # whatever a second click has started would have arrived by now
    where = "entry_id IN (SELECT id FROM benchmark_entry WHERE name = %s)"
    assert stack.count("benchmark_submission", where, model) == 1
    assert stack.count("benchmark_entry", "name = %s", model) == 1
    assert re.search(r"/submissions/\d+/$", page.url)
