"""A researcher presses the button, watches, reads the report, promotes, and the board follows."""

from __future__ import annotations

import json
from collections.abc import Callable

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.audits import start_axe, violations
from tests.browser.stack import Stack, wait_for

# What a hurried labeller presses: all fine, unsafe advice, and two kinds of half-good answers.
WAYS = (["0"], ["1", "2", "2"], ["1", "2", "3", "4", "4", "5", "6"], ["6", "6", "a"])
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def active(stack: Stack) -> list[tuple[str]]:
    return stack.query(
        "SELECT s.version FROM benchmark_guardian g JOIN benchmark_scorer s ON s.id = g.scorer_id "
        "WHERE g.state = 'active' AND s.name = 'medes-linear'"
    )


def boards(stack: Stack) -> dict[str, tuple[int, bool]]:
    """Address of each board of the demo's guardians → (its scorer, whether it is frozen)."""
    rows = stack.query(
        "SELECT b.slug, b.scorer_id, b.frozen_at FROM benchmark_board b JOIN benchmark_scorer s ON s.id = b.scorer_id "
        "JOIN benchmark_benchmarkversion v ON v.id = b.version_id JOIN benchmark_benchmark n ON n.id = v.benchmark_id "
        "WHERE s.name = 'medes-linear' AND b.split = 'public' AND n.slug = 'demo'"
    )
    return {slug: (scorer, frozen is not None) for slug, scorer, frozen in rows}


def label_ten(page: Page) -> None:
    """By keyboard, one answer after the other, as anybody labels."""
    page.get_by_role("link", name="标注", exact=True).click()
    page.get_by_role("button", name="参加").first.click()
    for number in range(10):
        form = page.locator("form[data-seat]")
        expect(form).to_be_visible()
        # A key pressed before the scripts are there is nobody's.
        expect(page.locator("body.scripted")).to_be_attached()
        before = form.get_attribute("data-seat")
        for key in WAYS[number % len(WAYS)]:
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        page.wait_for_function(
            "(before) => { const form = document.querySelector('form[data-seat]');"
            " return form && form.dataset.seat !== before; }",
            arg=before,
        )
    expect(page.locator("[data-today]")).to_have_text("10")


def test_one_person_labels_ten_retrains_watches_reads_promotes(
    page_as: Callable[..., Page], stack: Stack
) -> None:
    """What `make demo` invites to, as its researcher, in Chinese. The sightings keep that person's labels blind."""
    if not stack.count("annotation_label"):
        pytest.skip("the demo's labels are not here")
    wait_for(lambda: active(stack) == [("1",)], 300)  # what the demo trains by itself at its first start
    before = boards(stack)
    page = page_as("researcher", "zh-hans")
    page.goto(f"{stack.url}/")
    label_ten(page)
    mine = "annotation_label l JOIN accounts_user u ON u.id = l.expert_id WHERE u.username = 'researcher'"
    wait_for(lambda: stack.query(f"SELECT count(*) FROM {mine} AND l.blind AND NOT l.extra") == [(10,)])
    page.goto(f"{stack.url}/training/guardians/")
    expect(page.get_by_text("10 条新标注")).to_be_visible()
    expect(page.get_by_text("值得重新训练一次")).to_be_visible()
    start_axe(page)
    assert violations(page) == []
    page.locator("#train").click()
    expect(page.get_by_role("heading", name="medes-linear 2")).to_be_visible()
    expect(page.locator("#run-progress")).to_be_visible()
    start_axe(page)
    assert violations(page) == []
    report = page.get_by_role("link", name="查看报告")
    expect(report).to_be_visible(timeout=300_000)
    expect(page.locator("#log-lines")).to_contain_text("registered medes-linear 2")
    report.click()
    promote = page.locator("#promote")
    expect(promote).to_be_visible(timeout=240_000)
    expect(page.get_by_text("由本软件的制作者为演示逐条写成")).to_be_visible()
    expect(page.locator("#curves svg.chart").nth(1)).to_be_attached()
    expect(page.get_by_role("heading", name="启用后的变化")).to_be_visible()
    start_axe(page)
    assert violations(page) == []
    if page.locator("[name=reason]").count():  # the gate is shut: a reason opens it, and stays to be read
        page.locator("[name=reason]").fill("试用十条新标注，先换上看看榜单。")
    promote.click()
    expect(page.get_by_text("它已成为启用中的评审模型")).to_be_visible()
    expect(page.get_by_role("heading", name="换用后的变化")).to_be_visible()
    assert active(stack) == [("2",)]
    after = boards(stack)
    assert after["subjective"][0] != before["subjective"][0], (
        "the plain address shows the new guardian's board"
    )
    assert after["subjective-medes-linear-1"] == (before["subjective"][0], True), (
        "the former one is kept, closed"
    )
    page.goto(f"{stack.url}/leaderboard/demo/subjective/")
    expect(page.get_by_text("medes-linear 2").first).to_be_visible()
    expect(page.get_by_text("此前由 medes-linear 1 为本榜评分")).to_be_visible()
    page.get_by_role("link", name="演示基准 1").last.click()
    expect(page.get_by_text("medes-linear 1").first).to_be_visible()


def test_what_the_researcher_read_is_given_to_them_no_more(
    page_as: Callable[..., Page], stack: Stack
) -> None:
    """In the browser as in the services: an answer whose verdict was looked at leaves that person's queue."""
    if not stack.count("annotation_label"):
        pytest.skip("the demo's labels are not here")
    wait_for(lambda: active(stack), 300)
    page = page_as("researcher", "zh-hans")
    page.goto(f"{stack.url}/annotate/demo-clinic/")
    if page.get_by_role("button", name="参加").count():
        page.get_by_role("button", name="参加").click()
    form = page.locator("form[data-seat]")
    expect(form).to_be_visible()
    seat = int(form.get_attribute("data-seat") or 0)
    task, response = stack.query(
        "SELECT t.id, t.response_id FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id WHERE s.id = %s",
        seat,
    )[0]
    page.goto(f"{stack.url}/responses/{response}/")
    expect(page.get_by_text("您同时也是标注专家")).to_be_visible()
    page.goto(f"{stack.url}/annotate/demo-clinic/")
    expect(form).to_be_visible()
    given = stack.query(
        "SELECT task_id FROM annotation_slot WHERE id = %s", int(form.get_attribute("data-seat") or 0)
    )
    assert given != [(task,)]


def test_a_training_outlives_its_worker(stack: Stack) -> None:
    """The whole Celery worker is killed while its engine works: the engine goes too, and the run is finished later."""
    if not stack.count("annotation_label"):
        pytest.skip("the demo's labels are not here")
    wait_for(lambda: active(stack), 300)
    said = json.loads(stack.manage("train_guardian", "--queue", "--json", "--name", "outlives"))
    run, job = said["run"], said["job"]

    def engine() -> int | None:
        return stack.query("SELECT engine_pid FROM training_run WHERE id = %s", run)[0][0]

    pid = wait_for(engine, 240)
    engine_process = psutil.Process(pid)
    stack.worker.kill()
    wait_for(lambda: not engine_process.is_running() or engine_process.status() == psutil.STATUS_ZOMBIE)
    state = "SELECT state, attempt FROM jobs_job WHERE id = %s"
    assert stack.query(state, job) == [("running", 1)]
    stack.worker.start()
    wait_for(lambda: stack.query(state, job) == [("succeeded", 2)], 400)
    made = stack.query(
        "SELECT s.version FROM benchmark_guardian g JOIN benchmark_scorer s ON s.id = g.scorer_id WHERE s.name = 'outlives'"
    )
    assert made == [("1",)] and engine() is None


def test_no_page_brought_a_training_library_into_the_web_process(
    page_as: Callable[..., Page], stack: Stack
) -> None:
    """Looked up among the files that the workers have mapped, after the pages that stand nearest to training."""
    page = page_as("researcher", "en")
    for address in (
        "training/guardians/",
        "training/runs/",
        "leaderboard/demo/subjective/",
        "annotate/",
        "campaigns/",
    ):
        page.goto(f"{stack.url}/{address}")
    workers = psutil.Process(stack.web.pid).children()
    assert workers
    mapped = {row.path for worker in workers for row in worker.memory_maps()}
    assert any("/numpy/" in path for path in mapped), "libraries do show up among the maps"
    heavy = [
        path
        for path in mapped
        if any(f"/{name}/" in path for name in ("torch", "sklearn", "scipy", "pyarrow"))
    ]
    assert heavy == []
