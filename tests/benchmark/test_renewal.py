"""What outdated law does to boards, and the next version without it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from annotation.models import Campaign
from annotation.services.campaigns import CampaignPlan, create_campaign, open_campaign
from benchmark.errors import BadInput, NotAllowed
from benchmark.models import BenchmarkVersion, Board, BoardRenewal, Item, Norm, Score
from benchmark.rules.ranks import rank_intervals
from benchmark.services.boards import board_for, current_extractor, refresh_ranks, store_vector
from benchmark.services.entries import create_entry
from benchmark.services.renewal import next_version, refresh_renewal, renew_norm
from benchmark.services.tracing import boards_on_outdated_law
from tests.benchmark.statute_book import import_quotations, import_statutes, norm, trace, write_statutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(tmp_path: Path) -> BenchmarkVersion:
    import_statutes(write_statutes(tmp_path / "statutes"))
    found = import_quotations(tmp_path / "quoting")
    trace()
    return found


def stand(board: Board, name: str, values: list[float]) -> Score:
    entry = create_entry(actor=None, name=name, organisation="Lab", type="general")
    score = Score.objects.create(
        board=board, entry=entry, designated=True, n=len(values), scored=len(values), missing=0,
        value=float(np.mean(values)),
    )  # fmt: skip
    store_vector(score, np.array(values))
    return score


def test_what_a_board_would_say(version: BenchmarkVersion) -> None:
    """14 subjective items, the first two on outdated law: there alone the first entry beats the second."""
    board = board_for(version, "subjective", "public", current_extractor())
    first = stand(board, "Erster", [1, 1] + [0.5] * 12)
    stand(board, "Zweiter", [0, 0] + [0.5] * 12)
    refresh_ranks(board_id=board.pk)
    assert boards_on_outdated_law() == [board.pk]
    assert refresh_renewal(board_id=board.pk) == 2
    found = BoardRenewal.objects.get(board=board)
    assert (found.items, found.outdated, round(found.share, 4)) == (14, 2, 0.1429)
    assert [(row["name"], row["without"]) for row in found.rows] == [("Erster", 0.5), ("Zweiter", 0.5)]
    matrix = np.full((2, 12), 0.5)
    expected = rank_intervals(matrix, np.repeat(np.arange(6), 2))
    assert [(row["low_without"], row["high_without"]) for row in found.rows] == list(
        zip(expected.low.tolist(), expected.high.tolist(), strict=True)
    )
    first.refresh_from_db()
    assert first.value == pytest.approx(8 / 14), "the board itself stays what it was"


def test_the_page_of_a_board_says_so(version: BenchmarkVersion, visitor: Client) -> None:
    board = board_for(version, "subjective", "public", current_extractor())
    stand(board, "Erster", [1, 1] + [0.5] * 12)
    address = f"/leaderboard/quoting/{board.slug}/"
    assert "superseded" not in visitor.get(address, headers={"Accept-Language": "en"}).content.decode()
    assert visitor.get(f"{address}outdated/").status_code == 404
    refresh_renewal(board_id=board.pk)
    visitor.cookies["django_language"] = "en"
    page = visitor.get(address).content.decode()
    assert "2 of 14 items (14.3%) rest on law that has been superseded" in page
    assert f"{address}outdated/" in page
    without = visitor.get(f"{address}outdated/").content.decode()
    assert "Erster" in without and "No rank changes." in without


def test_a_norm_is_renewed_within_its_group(
    version: BenchmarkVersion, researcher: Any, submitter: Any
) -> None:
    old = norm("q-old")
    article = Norm.objects.get(source__version_date="2024-04-26", article="第五十六条")
    with pytest.raises(NotAllowed):
        renew_norm(actor=submitter, norm=old, text="新", article=None)
    with pytest.raises(BadInput):
        renew_norm(actor=researcher, norm=old, text=f"  {old.text} ", article=None)
    renewal = renew_norm(actor=researcher, norm=old, text=article.text, article=article)
    old.refresh_from_db()
    assert old.renewal == renewal and renewal.group_id == old.group_id
    assert (renewal.source, renewal.article) == (old.source, "中华人民共和国生物法第五十六条")
    assert not renewal.is_article and list(renewal.scenarios.all()) == list(old.scenarios.all())
    trace()
    renewal.refresh_from_db()
    assert renewal.standing == "current"
    renew_norm(actor=researcher, norm=old, text=" ", article=None)
    old.refresh_from_db()
    assert old.renewal is None


def test_the_next_version_drops_what_nobody_renewed(version: BenchmarkVersion) -> None:
    before = version.content_hash
    report = next_version(actor=None, version=version, label="2")
    assert (report["kept"], report["renewed"], report["dropped"]) == (12, 0, 3)
    new = version.benchmark.versions.get(label="2")
    assert new.is_frozen and new.content_hash != before
    assert not new.items.filter(norm__code="q-old").exists()
    version.refresh_from_db()
    assert version.content_hash == before and version.items.count() == 15
    kept = dict(new.items.values_list("code", "cluster"))
    assert kept == dict(version.items.filter(code__in=kept).values_list("code", "cluster"))


def test_the_next_version_renews_what_was_decided(version: BenchmarkVersion, researcher: Any) -> None:
    old = norm("q-old")
    article = Norm.objects.get(source__version_date="2024-04-26", article="第五十六条")
    renewal = renew_norm(actor=researcher, norm=old, text=article.text, article=article)
    report = next_version(actor=researcher, version=version, label="2")
    # The objective item is dropped: its key follows from the old wording.
    assert (report["kept"], report["renewed"], report["dropped"]) == (12, 2, 1)
    renewed = Item.objects.get(version__label="2", code="sub-0002")
    first = Item.objects.get(version__label="1", code="sub-0002")
    assert (renewed.norm, renewed.norm_text) == (renewal, article.text)
    assert (renewed.question, renewed.cluster, renewed.split) == (first.question, first.cluster, first.split)


def test_the_next_version_is_refused(version: BenchmarkVersion, submitter: Any) -> None:
    with pytest.raises(NotAllowed):
        next_version(actor=submitter, version=version, label="2")
    for label in ("", "1"):
        with pytest.raises(BadInput):
            next_version(actor=None, version=version, label=label)
    next_version(actor=None, version=version, label="2", freeze=False)
    draft = version.benchmark.versions.get(label="2")
    with pytest.raises(BadInput):
        next_version(actor=None, version=draft, label="3")
    Norm.objects.update(standing="current")
    with pytest.raises(BadInput):
        next_version(actor=None, version=version, label="3")


def test_the_command(version: BenchmarkVersion) -> None:
    out = StringIO()
    call_command("renew_benchmark", "quoting", "--as", "2", json=True, stdout=out)
    assert json.loads(out.getvalue())["dropped"] == 3
    with pytest.raises(CommandError):
        call_command("renew_benchmark", "nothing", "--as", "2", stdout=StringIO())


def test_a_campaign_on_just_these_items(version: BenchmarkVersion, researcher: Any) -> None:
    plan = CampaignPlan(
        title_zh="更新", title_en="Renewal", kind="items", version=version, settings={"outdated_only": True}
    )
    campaign = open_campaign(actor=researcher, campaign=create_campaign(actor=researcher, plan=plan))
    codes = campaign.tasks.real().values_list("item__code", flat=True)
    assert sorted(codes) == ["obj-0001", "sub-0002", "sub-0003"]
    assert Campaign.objects.get().outdated_only


def test_a_renewal_of_a_hidden_norm_stays_hidden(
    version: BenchmarkVersion, researcher: Any, submitter: Any
) -> None:
    renewal = renew_norm(actor=researcher, norm=norm("q-old"), text="新的表述，与旧的不同。", article=None)
    assert Norm.objects.visible_to(submitter).filter(pk=renewal.pk).exists()
    hidden = BenchmarkVersion.objects.create(benchmark=version.benchmark, label="hidden")
    Item.objects.filter(norm=norm("q-old")).first()
    Norm.objects.filter(pk=norm("q-near").pk).update(renewal=renewal)
    Norm.objects.filter(pk=norm("q-old").pk).update(renewal=None)
    assert Norm.objects.visible_to(submitter).filter(pk=renewal.pk).exists(), "its origin is open"
    lonely = Norm.objects.create(
        source=renewal.source, group=renewal.group, code="hidden", text="只有隐藏题问到。", text_hash="h", search_terms="",
        renewal=renewal,
    )  # fmt: skip
    Norm.objects.filter(code="q-near").update(renewal=None)
    first = version.items.get(code="sub-0002")
    Item.objects.create(
        version=hidden, code="sub-9999", kind="subjective", number=9999, split="hidden", scenario=first.scenario,
        dimension="ethics_reasoning", norm=lonely, question="？", cluster="c", search_terms="",
    )  # fmt: skip
    assert not Norm.objects.visible_to(submitter).filter(pk__in=[renewal.pk, lonely.pk]).exists()
    assert Norm.objects.visible_to(researcher).filter(pk=renewal.pk).exists()
