"""Scores anchored on experts: which labels count, what is written down, when it is computed again."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotation.models import Task
from annotation.services.anchoring import anchor_board, anchor_everything
from annotation.services.campaigns import CampaignPlan, close_campaign, create_campaign, open_campaign
from annotation.services.claiming import claim_next
from annotation.services.members import join_campaign
from benchmark.models import BenchmarkVersion, Board, NormGroup, Score, Submission
from tests.annotation.scene import RISKY, SAFE, label, make_experts
from tests.benchmark.fake_guardian import activated, registered
from tests.benchmark.judged_scene import ITEMS, answers, board_of, handed_in, import_free, judge

pytestmark = pytest.mark.django_db


@pytest.fixture
def board(tmp_path: Path, researcher: Any, monkeypatch: pytest.MonkeyPatch) -> Board:
    """24 answers in 12 norm groups, all of them good in the guardian's eyes; two are blank."""
    version = import_free(tmp_path / "free")
    guardian, _fake = registered(tmp_path, monkeypatch)
    activated(guardian, researcher)
    replies = answers({})
    del replies["sub-0001"], replies["sub-0002"]
    judge(handed_in(researcher, version, "Model One", replies), guardian)
    return board_of(version, guardian)


def campaign_on(version: BenchmarkVersion, researcher: Any, **settings: Any) -> Any:
    plan = CampaignPlan(
        slug=f"c{Task.objects.count()}",
        title_zh="试标",
        title_en="Trial",
        kind="responses",
        version=version,
        settings=settings,
    )
    campaign = create_campaign(actor=researcher, plan=plan)
    return open_campaign(actor=researcher, campaign=campaign)


def label_all(campaign: Any, expert: Any, said: Any, most: int = 1000) -> int:
    join_campaign(actor=expert, campaign=campaign)
    count = 0
    while count < most and (slot := claim_next(actor=expert, campaign=campaign)) is not None:
        label(expert, slot, said(slot.task) if callable(said) else said)
        count += 1
    return count


def test_labels_of_every_group_replace_the_guardian(board: Board, researcher: Any) -> None:
    """All groups are audit groups, all answers drawn: 22 at 0.7 by the labels, two blank ones at -1."""
    NormGroup.objects.update(audit=True)
    campaign = campaign_on(board.version, researcher, first_experts=1, cap=1)
    [expert] = make_experts(1)
    assert anchor_board(board) == 1 and Score.objects.get().anchored is None  # nobody labelled yet
    assert label_all(campaign, expert, SAFE) == 22
    assert anchor_board(board) == 1
    score = Score.objects.get()
    assert score.final == pytest.approx((22 - 2) / ITEMS)
    assert score.anchored == pytest.approx((22 * 0.7 - 2) / ITEMS)
    assert score.anchored_low is not None and score.anchored_low < score.anchored < score.anchored_high
    basis = score.anchoring
    assert (basis["method"], basis["labelled"], basis["labels"], basis["clusters"]) == ("ppi++", 24, 22, 12)
    assert basis["guardian"] == pytest.approx(score.final)
    assert anchor_board(board) == 0  # nothing is new
    assert anchor_board(board, again=True) == 1
    out = StringIO()
    call_command("anchor_scores", benchmark="free", json=True, stdout=out)
    assert json.loads(out.getvalue()) == {"boards": [{"board": "subjective", "written": 0}]}


def test_only_blind_first_labels_of_audit_groups_drawn_at_random_count(board: Board, researcher: Any) -> None:
    half = list(NormGroup.objects.order_by("pk").values_list("pk", flat=True))[::2]
    NormGroup.objects.update(audit=False)
    NormGroup.objects.filter(pk__in=half).update(audit=True)
    campaign = campaign_on(board.version, researcher, first_experts=2, cap=3)
    experts = make_experts(3)
    # The first two disagree on everything, the third is asked because of it and must not count.
    assert label_all(campaign, experts[0], SAFE) == 22
    assert label_all(campaign, experts[1], RISKY) == 22
    assert label_all(campaign, experts[2], RISKY) == 22
    scenarios = campaign_on(
        board.version, researcher, first_experts=1, cap=1, order="priority", random_share=0.0
    )
    assert label_all(scenarios, make_experts(1, prefix="chosen")[0], RISKY) > 0
    anchor_everything()
    score = Score.objects.get()
    drawn = Task.objects.filter(campaign=campaign, item__norm__group__audit=True).count()
    blank = Submission.objects.get().version.items.filter(number__in=(1, 2), norm__group__audit=True).count()
    assert score.anchoring["drawn"] == drawn + blank == score.anchoring["labelled"]
    assert score.anchoring["labels"] == 2 * drawn
    # Each labelled answer has the mean of 0.7 and -1; the guardian gives all of them 1, so only the labels tell.
    assert score.anchoring["labels_alone"] == pytest.approx((drawn * -0.15 - blank) / (drawn + blank))
    assert score.anchored_low is None and score.anchoring["clusters"] == 6  # below ten groups: no interval
    close_campaign(actor=researcher, campaign=campaign)


def test_a_frozen_board_and_one_without_labels_stay_as_they_are(board: Board, researcher: Any) -> None:
    assert anchor_everything() == 0
    NormGroup.objects.update(audit=True)
    campaign = campaign_on(board.version, researcher, first_experts=1, cap=1, order="oldest")
    [expert] = make_experts(1)
    label_all(campaign, expert, SAFE, most=5)
    assert anchor_everything() == 0  # the oldest five are no random five
    label_all(campaign, expert, SAFE)
    Board.objects.filter(pk=board.pk).update(frozen_at=campaign.opened_at)
    assert anchor_everything() == 0
    Board.objects.filter(pk=board.pk).update(frozen_at=None)
    assert anchor_everything() == 1
