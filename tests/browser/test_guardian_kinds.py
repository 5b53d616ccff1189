"""A researcher makes guardians of other kinds by clicking: an encoder from a tiny language model, and a model behind an
endpoint on loopback."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.audits import start_axe, violations
from tests.browser.stack import Stack, running_stack, wait_for
from tests.browser.visits import Visits
from tests.guardians.scripted import Scripted, completion, diligent, serving

checkpoints = pytest.importorskip("tests.guardians.checkpoints")  # torch, which `train` stands for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.train, pytest.mark.timeout(1500)]
MINUTE = 60_000
KEY = "sk-known-to-the-worker-alone"


def judge(number: int, body: dict[str, Any]) -> Any:
    """A diligent model, and one that babbles."""
    if body["model"] == "babbler":
        return 200, {}, completion("最终评分：0,0"), 0.0
    return diligent(number, body)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Scripted]:
    with serving(judge) as state:
        yield state


@pytest.fixture(scope="module")
def kinds_stack(endpoint: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A site of its own, whose worker trains the first guardian, finds a base model and knows an endpoint's key."""
    postgres = os.environ.get("MEDES_TEST_DB") == "postgres"
    roots = tmp_path_factory.mktemp("models")
    checkpoints.tiny_causal(roots / "tiny-causal")
    more = {
        "MEDES_JUDGE_ENDPOINTS": endpoint.url,
        "MEDES_JUDGE_KEY_LAB": KEY,
        "MEDES_MODEL_ROOTS": str(roots),
    }
    with running_stack(os.environ["DATABASE_URL"] if postgres else "", long=False, more=more) as site:
        active = "SELECT count(*) FROM benchmark_guardian WHERE state = 'active'"
        wait_for(lambda: site.query(active) == [(1,)], 400)
        yield site


@pytest.fixture
def page_in(browser: Browser, kinds_stack: Stack) -> Iterator[Callable[..., Page]]:
    """A researcher's pages, in Chinese unless said otherwise."""
    opened = Visits(browser, kinds_stack, {})

    def open_page(language: str = "zh-hans", **options: Any) -> Page:
        opened.allow(422)
        return opened.context("researcher", language, **options).new_page()

    yield open_page
    problems = opened.close()
    if problems:
        sys.stdout.write(kinds_stack.logs())
    assert not problems, "\n".join(problems)


def choose(page: Page, kind: str) -> None:
    page.goto("/training/guardians/")
    page.locator("#train-form summary").click()
    page.select_option("#train-form [name=kind]", kind)


def sound(page: Page) -> None:
    start_axe(page)
    assert violations(page) == []


def wide(page: Page) -> bool:
    """Whether the page itself is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_an_encoder_and_a_model_behind_an_endpoint_by_clicking(
    page_in: Callable[..., Page], kinds_stack: Stack, endpoint: Scripted
) -> None:
    begun = time.monotonic()
    page = page_in()
    choose(page, "encoder")
    expect(page.locator("[name=encoder_epochs]")).to_be_visible()
    for hidden in ("generative_epochs", "url", "tries"):
        expect(page.locator(f"[name={hidden}]")).to_be_hidden()
    expect(page.locator("[name=base_model] option:checked")).to_have_text("tiny-causal")
    sound(page)
    page.fill("[name=encoder_epochs]", "0")
    page.fill("[name=note]", "先试一轮")
    page.locator("#train").click()  # refused: beside its field, with the fold open and the kind still chosen
    expect(page.locator(".field-error [name=encoder_epochs]")).to_be_visible()
    expect(page.locator("[name=note]")).to_have_value("先试一轮")
    expect(page.locator("[name=url]")).to_be_hidden()
    sound(page)
    page.fill("[name=encoder_epochs]", "1")
    page.fill("[name=encoder_max_length]", "192")
    page.locator("#train").click()
    expect(page.get_by_role("heading", name="medes-encoder 1")).to_be_visible()
    expect(page.locator("#run-progress")).to_be_visible()
    expect(page.locator("#run-curves svg.chart").first).to_be_visible(timeout=4 * MINUTE)
    expect(page.locator("#to-report")).to_be_visible(timeout=4 * MINUTE)
    expect(page.locator("#log-lines")).to_contain_text("registered medes-encoder 1")
    sound(page)
    page.locator("#to-report").click()
    expect(page.get_by_text("启用中的 medes-linear 1 的平均 κ")).to_be_visible()
    expect(page.get_by_text("未绘制学习曲线")).to_be_visible()
    sound(page)

    choose(page, "endpoint")
    expect(page.locator("[name=encoder_epochs]")).to_be_hidden()
    page.locator("#train").click()
    expect(page.locator(".field-error [name=model]")).to_be_visible()
    page.fill("[name=model]", "judge-1")
    page.fill("[name=key_name]", "MEDES_JUDGE_KEY_LAB")
    page.locator("#train").click()
    expect(page.get_by_role("heading", name="medes-endpoint 1")).to_be_visible()
    expect(page.locator("#to-report")).to_be_visible(timeout=4 * MINUTE)
    assert {headers["Authorization"] for headers in endpoint.headers} == {f"Bearer {KEY}"}
    page.locator("#to-report").click()
    expect(page.get_by_text("生成式 · 经接口调用")).to_be_visible()
    sound(page)
    sys.stdout.write(f"from the first click to the second report: {time.monotonic() - begun:.0f} s\n")
    page.goto("/training/guardians/")
    for name in ("medes-linear 1", "medes-encoder 1", "medes-endpoint 1"):
        expect(page.get_by_role("row").filter(has_text=name)).to_be_visible()
    sound(page)
    narrow = page_in("en", dark=True, width=400)
    for address in ("/training/guardians/", page.url):
        narrow.goto(address)
        assert not wide(narrow)
        sound(narrow)


def test_a_model_that_only_babbles_ends_in_one_sentence(page_in: Callable[..., Page]) -> None:
    page = page_in("en")
    choose(page, "endpoint")
    page.fill("[name=model]", "babbler")
    page.fill("[name=tries]", "1")
    page.locator("#train").click()
    refused = page.locator("#live .notice.risk")
    expect(refused).to_contain_text("answers was judged: No judgement after", timeout=4 * MINUTE)
    expect(page.locator("#to-report")).to_have_count(0)
    sound(page)


def test_without_scripts_every_kind_is_there_and_works(page_in: Callable[..., Page]) -> None:
    page = page_in("en", javascript=False)
    page.goto("/training/guardians/")
    page.locator("#train-form summary").click()
    for name in ("encoder_epochs", "generative_epochs", "url", "extra"):
        expect(page.locator(f"[name={name}]")).to_be_visible()
    page.select_option("[name=kind]", "encoder")
    page.fill("[name=extra]", "epochs: 3")
    page.locator("#train").click()
    expect(page.locator(".field-error [name=extra]")).to_be_visible()
    expect(page.get_by_text("has a field of its own above")).to_be_visible()
