"""The worker dies by SIGKILL in the middle of a large evaluation."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.answering import fill_in
from tests.browser.material import BIG_ITEMS, big_key, replies_file
from tests.browser.stack import Stack, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]
READ = "benchmark_extraction", "response_id IN (SELECT id FROM benchmark_response WHERE submission_id = %s)"
# Half of the replies are read in a second or less: whoever comes to the one in the middle finds it taken, and waits.
TAKE_THE_MIDDLE = (
    'INSERT INTO benchmark_extraction (response_id, scorer_id, outcome, letters, "right") '
    "SELECT r.id, s.id, 'scored', '', false FROM benchmark_scorer s, (SELECT id FROM benchmark_response "
    "WHERE submission_id = %s ORDER BY id OFFSET %s LIMIT 1) r WHERE s.type = 'extractor'"
)


def job_of(stack: Stack, submission: int) -> tuple[str, int, int]:
    """State, attempt and number of the jobs of the submission."""
    rows = stack.query(
        "SELECT state, attempt FROM jobs_job WHERE kind = 'evaluate' AND subject_id = %s", submission
    )
    return rows[0][0], rows[0][1], len(rows)


def test_an_evaluation_outlives_its_worker(
    page_as: Callable[..., Page], stack: Stack, tmp_path: Path
) -> None:
    right = {n for n in range(1, BIG_ITEMS + 1) if n % 3}  # two of three
    replies = {
        f"obj-{n:04}": f"先逐项比较各种做法再作答。【最终答案】{big_key(n) if n in right else big_key(n + 1)}"
        for n in range(1, BIG_ITEMS + 1)
    }
    file = tmp_path / "big.csv"
    file.write_bytes(replies_file(replies))
    page = page_as("submitter")
    fill_in(page, "Ausdauer", file, benchmark="big")

    stack.worker.signal_group(signal.SIGSTOP)
    page.get_by_role("button", name="Upload and score").click()
    page.wait_for_url(re.compile(r"/submissions/\d+/$"))
    number = int(page.url.rstrip("/").rsplit("/", 1)[1])
    expect(page.locator("#progress h2")).to_have_text("The replies wait to be scored")
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))

    with stack.holding(TAKE_THE_MIDDLE, number, BIG_ITEMS // 2):
        stack.worker.signal_group(signal.SIGCONT)
        # It may have the demo's first training in hand.
        wait_for(lambda: stack.count(*READ, number), 240, pause=0)
        stack.worker.signal_group(signal.SIGSTOP)
        read = stack.count(*READ, number)
        assert 0 < read < BIG_ITEMS, f"{read} replies were read before the worker could be stopped"
        stack.worker.kill()
    expect(page.locator("#progress h2")).to_have_text("The replies are being scored")
    assert job_of(stack, number) == ("running", 1, 1)

    stack.worker.start()
    result = page.get_by_role("region", name="Objective · public")
    expect(result).to_be_visible(timeout=180_000)
    assert loads == [], "the page followed all of it without being loaded again"
    expect(result).to_contain_text(f"{len(right) / BIG_ITEMS:.4f}")
    expect(result).to_contain_text(f"of {BIG_ITEMS} items")
    page.locator("details", has_text="Log of the scoring").locator("summary").click()
    expect(page.locator("#log-lines")).to_contain_text("the worker was lost")

    wait_for(lambda: job_of(stack, number)[0] == "succeeded", 180)
    assert job_of(stack, number) == ("succeeded", 2, 1)
    assert stack.count(*READ, number) == BIG_ITEMS
    assert stack.count("benchmark_response", "submission_id = %s", number) == BIG_ITEMS
    found = stack.query(
        'SELECT n, scored, missing, "right" FROM benchmark_score WHERE submission_id = %s', number
    )
    assert found == [(BIG_ITEMS, BIG_ITEMS, 0, len(right))]
