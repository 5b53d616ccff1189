"""How a campaign is laid out: order, strata, gold and qualification; kinds; commands; exports."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotation.errors import BadAnswers, BadInput, NotAllowed, NotFound, WrongState
from annotation.models import Campaign, Label, Membership, Pseudonym, Reveal, Slot
from annotation.policies import can_see_gold, can_see_judgement, can_see_label, can_see_ruling, can_see_task
from annotation.queries.adjudication import adjudication_list, disputed_task, silent_norms
from annotation.queries.facts import label_facts
from annotation.queries.progress import campaign_progress, expert_progress, labels_by_day
from annotation.queries.queue import QueueCase, queue_state
from annotation.services.campaigns import (
    GoldTask,
    add_gold_tasks,
    add_guideline,
    close_campaign,
    draw_campaign,
    open_campaign,
    set_priorities,
    update_campaign,
)
from annotation.services.claiming import claim_next
from annotation.services.exporting import export_campaign
from annotation.services.members import add_member, join_campaign
from annotation.services.parquet import write_parquet
from annotation.services.revealing import reveal_judgement, submit_reveal
from annotation.services.ruling import rule_task
from annotation.services.submitting import revise_label
from annotation.services.undoing import undo_label
from benchmark.errors import BenchmarkError
from benchmark.models import Item, Response
from medes_site.kit.roles import Role
from tests.annotation.scene import (
    COLD,
    RISKY,
    SAFE,
    Scene,
    join,
    label,
    label_next,
    make_campaign,
    make_experts,
    sent,
)

pytestmark = pytest.mark.django_db


def order_of(campaign: Campaign) -> list[int]:
    return list(campaign.tasks.order_by("position").values_list("response_id", flat=True))


def test_a_seed_gives_one_order(scene: Scene) -> None:
    one, same, other = (order_of(make_campaign(scene, order="random", seed=seed)) for seed in (3, 3, 4))
    assert one == same != other and sorted(one) == sorted(other) and len(set(one)) == 12


def test_a_limited_random_campaign_knows_its_chances(scene: Scene) -> None:
    campaign = make_campaign(scene, order="random", size_limit=3)
    assert campaign.slots.count() == 6
    seated = campaign.tasks.filter(wanted__gt=0)
    assert list(seated.values_list("inclusion_probability", flat=True)) == [0.25] * 3
    assert campaign_progress(campaign).tasks == 3


def test_a_random_stratum_is_mixed_into_the_order_by_priority(scene: Scene) -> None:
    campaign = make_campaign(scene, order="priority", random_share=0.25, opened=False)
    assert draw_campaign(actor=scene.researcher, campaign=campaign) == 12
    responses = list(Response.objects.order_by("id").values_list("pk", flat=True))
    scores = {response: float(place) for place, response in enumerate(responses)}
    assert set_priorities(actor=scene.researcher, campaign=campaign, priorities=scores) == 12
    open_campaign(actor=scene.researcher, campaign=campaign)
    tasks = list(campaign.tasks.order_by("position"))
    strata = [task.stratum for task in tasks]
    assert strata.count("random") == 3
    assert {task.inclusion_probability for task in tasks if task.stratum == "random"} == {0.25}
    scored = [task.priority for task in tasks if task.stratum == "priority"]
    assert scored == sorted(scored, reverse=True)
    # in each third of the queue there is one of the random stratum
    assert [strata[start : start + 4].count("random") for start in (0, 4, 8)] == [1, 1, 1]


def test_settings_that_cannot_be_are_refused(scene: Scene, submitter: Any) -> None:
    for settings in ({"cap": 1}, {"gold_share": 1.5}, {"colour": "red"}, {"first_experts": 0}):
        with pytest.raises(BadInput):
            make_campaign(scene, **settings)
    campaign = make_campaign(scene, slug="twice")
    with pytest.raises(BadInput):
        make_campaign(scene, slug="twice")
    with pytest.raises(WrongState):
        update_campaign(actor=scene.researcher, campaign=campaign, cap=5)
    assert update_campaign(actor=scene.researcher, campaign=campaign, daily_goal=5).daily_goal == 5
    with pytest.raises(NotAllowed):
        close_campaign(actor=submitter, campaign=campaign)


def test_pairs_are_of_two_models_and_told_back_in_their_own_order(scene: Scene) -> None:
    # Which pairs are swapped hangs on the seed and on ids: one campaign in 32 swaps all six or none.
    drawn = (
        make_campaign(scene, kind="pairs", order="oldest", first_experts=1, cap=1, seed=seed)
        for seed in range(20)
    )
    campaign = next(found for found in drawn if len(set(found.tasks.values_list("swapped"))) == 2)
    tasks = list(campaign.tasks.all())
    assert len(tasks) == 6
    assert all(task.response.item_id == task.other.item_id == task.item_id for task in tasks)
    (expert,) = make_experts(1)
    join(campaign, [expert])
    for _task in tasks:
        slot = claim_next(actor=expert, campaign=campaign)
        done = label(expert, slot, {"better": "first", "by": 2})
        assert done.answers == {"better": "b" if slot.task.swapped else "a", "by": 2}
    with pytest.raises(BadAnswers):
        revise_label(actor=expert, label_id=done.pk, sent=sent({"better": "tie", "by": 2}))
    undo = undo_label(actor=expert, label_id=done.pk)
    assert undo.drafts.get().content["answers"] == {"better": "first", "by": 2}


def test_items_are_judged_with_their_key_where_they_have_one(scene: Scene) -> None:
    campaign = make_campaign(scene, kind="items", first_experts=1, cap=1)
    assert campaign.tasks.count() == 6
    (expert,) = make_experts(1)
    join(campaign, [expert])
    slot = claim_next(actor=expert, campaign=campaign)
    with pytest.raises(BadAnswers):
        label(expert, slot, {"realistic": True, "norm_right": False, "key_right": True})
    done = label(expert, slot, {"realistic": True, "norm_right": False, "key_right": None})
    assert [fact.values for fact in label_facts(campaign)] == [
        {"realistic": 1, "norm_right": 0, "key_right": None}
    ]
    assert done.r1 is None


def test_gold_comes_in_its_share_and_outside_consensus(scene: Scene) -> None:
    campaign = make_campaign(scene, gold_share=0.25, first_experts=1, cap=1)
    responses = list(Response.objects.order_by("id")[:2])
    gold = [GoldTask(response, COLD, "缺共情", "no empathy") for response in responses]
    experts = make_experts(2)
    join(campaign, experts[:1])
    made = add_gold_tasks(actor=scene.researcher, campaign=campaign, tasks=gold)
    join(campaign, experts[1:])
    assert campaign.slots.filter(reserved_for__isnull=False).count() == 4
    places = []
    for place in range(8):
        slot = claim_next(actor=experts[0], campaign=campaign)
        if slot.task in made:
            places.append(place)
            assert not can_see_gold(experts[0], slot)
        done = label(experts[0], slot)
        assert not done.extra
    assert [place // 4 for place in places] == [0, 1]
    assert set(campaign.tasks.exclude(purpose="real").values_list("state", flat=True)) == {"open"}
    assert sum(fact.gold for fact in label_facts(campaign)) == 2
    assert campaign_progress(campaign).labels == 6


def test_qualification_comes_first_and_decides(scene: Scene) -> None:
    campaign = make_campaign(scene, qualification_tasks=2, qualification_bound=0.8)
    gold = [GoldTask(response, COLD, qualification=True) for response in Response.objects.order_by("id")[:2]]
    add_gold_tasks(actor=scene.researcher, campaign=campaign, tasks=gold)
    good, bad = make_experts(2)
    join(campaign, [good, bad])
    for said, expert in ((COLD, good), (RISKY, bad)):
        for _round in range(2):
            slot = claim_next(actor=expert, campaign=campaign)
            assert slot.task.purpose == "qualification" and not can_see_gold(expert, slot)
            done = label(expert, slot, said)
            slot.refresh_from_db()
            assert can_see_gold(expert, slot)
            with pytest.raises(BenchmarkError):
                undo_label(actor=expert, label_id=done.pk)
            with pytest.raises(WrongState):
                revise_label(actor=expert, label_id=done.pk, sent=sent(COLD))
    member = Membership.objects.get(expert=good)
    assert member.state == "active" and member.qualification["agreement"] == 1.0 and member.qualified_at
    assert claim_next(actor=good, campaign=campaign).task.purpose == "real"
    assert claim_next(actor=bad, campaign=campaign) is None
    assert queue_state(user=bad, campaign=campaign).case == QueueCase.WAITING_FOR_ADMISSION
    add_member(actor=scene.researcher, campaign=campaign, expert=bad, qualified=True)
    assert claim_next(actor=bad, campaign=campaign).task.purpose == "real"


def test_blind_then_reveal_keeps_both(scene: Scene) -> None:
    campaign = make_campaign(scene, kind="guardian", first_experts=1, cap=1)
    expert, other = make_experts(2)
    join(campaign, [expert, other])
    slot = claim_next(actor=expert, campaign=campaign)
    assert not can_see_judgement(expert, slot)
    blind = label(expert, slot, SAFE)
    with pytest.raises(NotFound):
        reveal_judgement(actor=other, label_id=blind.pk)
    reveal = reveal_judgement(actor=expert, label_id=blind.pk)
    assert reveal_judgement(actor=expert, label_id=blind.pk) == reveal
    assert reveal.shown["q4"] == 0 and reveal.shown["rationale"] == "守护者的理由"
    assert can_see_judgement(expert, slot) and not can_see_judgement(other, slot)
    with pytest.raises(BenchmarkError):
        undo_label(actor=expert, label_id=blind.pk)
    with pytest.raises(WrongState):
        revise_label(actor=expert, label_id=blind.pk, sent=sent(COLD))
    first = submit_reveal(
        actor=expert, reveal_id=reveal.pk, sent=sent(COLD, key="after"), holds={"q4": True, "r1": None}
    )
    same = submit_reveal(actor=expert, reveal_id=reveal.pk, sent=sent(SAFE, key="after"), holds={})
    assert same == first and not first.blind
    second = submit_reveal(actor=expert, reveal_id=reveal.pk, sent=sent(SAFE), holds={"q4": False})
    assert second.revision == 1
    stored = Reveal.objects.get()
    assert stored.after == second and stored.holds == {"q4": False}
    blind.refresh_from_db()
    assert blind.current and blind.said == SAFE
    assert slot.task.__class__.objects.get(pk=slot.task_id).consensus == SAFE
    assert [(fact.blind, fact.revision) for fact in label_facts(campaign)] == [
        (True, 0), (False, 0), (False, 1),
    ]  # fmt: skip


def test_nobody_sees_more_than_they_may(scene: Scene, referee: Any, stranger: Any) -> None:
    campaign = make_campaign(scene, order="oldest")
    closed = make_campaign(scene, open_to_experts=False)
    one, two, outsider = make_experts(3)
    join(campaign, [one, two])
    with pytest.raises(NotFound):
        join_campaign(actor=outsider, campaign=closed)
    with pytest.raises(NotFound):
        claim_next(actor=outsider, campaign=campaign)
    with pytest.raises(NotFound):
        join_campaign(actor=stranger, campaign=campaign)
    first = label_next(one, campaign, SAFE)
    slot = claim_next(actor=two, campaign=campaign)
    assert slot.task == first.task
    assert (
        not can_see_label(two, first) and can_see_label(one, first) and can_see_label(scene.researcher, first)
    )
    assert not can_see_label(referee, first), "nothing is disputed yet"
    for person, sees in ((one, True), (two, True), (outsider, False), (stranger, False), (None, False)):
        assert can_see_task(person, first.task) == sees
    with pytest.raises(NotFound):
        revise_label(actor=two, label_id=first.pk, sent=sent(COLD))
    label(two, slot, COLD)
    assert not can_see_label(two, first)
    assert can_see_label(referee, first)
    with pytest.raises(NotFound):
        disputed_task(user=one, task_id=first.task_id)
    shown = disputed_task(user=referee, task_id=first.task_id)
    assert shown.differing == ("q4",) and shown.pending == 1
    assert [row.letter for row in shown.labels] == ["A", "B"]
    assert sorted(row.answers["q4"] for row in shown.labels) == [0, 1]
    assert [task.pk for task in adjudication_list(user=referee)] == [first.task_id]
    assert not adjudication_list(user=one).exists()
    ruling = rule_task(actor=referee, task_id=first.task_id, decision="norm_silent", rationale="规范未言明")
    assert can_see_ruling(one, ruling) and not can_see_ruling(outsider, ruling)
    (silent,) = silent_norms(campaign)
    assert silent.norm == first.task.item.norm and silent.rulings == (ruling,)
    assert not Slot.objects.visible_to(outsider).exists()
    assert Slot.objects.visible_to(two).count() == 1


def test_progress_counts_first_labels(scene: Scene) -> None:
    campaign = make_campaign(scene, order="oldest", daily_goal=7)
    one, two = make_experts(2)
    join(campaign, [one, two])
    first = label_next(one, campaign)
    label_next(two, campaign)
    revise_label(actor=one, label_id=first.pk, sent=sent(SAFE, duration_ms=1000))
    mine = expert_progress(user=one, campaign=campaign)
    assert (mine.today, mine.total, mine.goal) == (1, 1, 7)
    whole = campaign_progress(campaign)
    assert (whole.tasks, whole.decided, whole.labels) == (12, 1, 2)
    assert whole.share == pytest.approx(1 / 12)
    assert [day.labels for day in labels_by_day(campaign)] == [2]


def test_guidelines_get_numbers_and_labels_name_theirs(scene: Scene) -> None:
    campaign = make_campaign(scene)
    (expert,) = make_experts(1)
    join(campaign, [expert])
    assert label_next(expert, campaign).guideline.number == 1
    add_guideline(actor=scene.researcher, campaign=campaign, text_zh="第二版")
    assert label_next(expert, campaign).guideline.number == 2


def fill(scene: Scene, referee: Any) -> Campaign:
    campaign = make_campaign(scene, slug="to-export", order="oldest")
    one, two = make_experts(2, prefix="张三")
    join(campaign, [one, two])
    for _task in range(5):
        label_next(one, campaign, SAFE)
    first = label_next(two, campaign, COLD)
    undone = label_next(two, campaign, RISKY)
    undo_label(actor=two, label_id=undone.pk)
    rule_task(actor=referee, task_id=first.task_id, decision="accept", label_id=first.pk, rationale="=有据")
    return campaign


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
def test_an_export_is_the_same_twice_and_names_nobody(
    scene: Scene, referee: Any, tmp_path: Path, file_format: str
) -> None:
    campaign = fill(scene, referee)
    for folder in ("a", "b"):
        files = export_campaign(
            actor=scene.researcher,
            campaign=campaign,
            folder=tmp_path / folder,
            file_format=file_format,
            write_parquet=write_parquet,
        )
    assert [file.rows for file in files] == [7, 12, 1]
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text("utf-8"))
    assert manifest["campaign"] == "to-export" and manifest["guidelines"][0]["number"] == 1
    for file in manifest["files"]:
        data = (tmp_path / "a" / file["name"]).read_bytes()
        assert data == (tmp_path / "b" / file["name"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file["sha256"] and len(data) == file["bytes"]
        assert "张三".encode() not in data and b"referee@" not in data
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (tmp_path / "b" / "manifest.json").read_bytes()


def test_an_export_holds_history_and_rulings(scene: Scene, referee: Any, tmp_path: Path) -> None:
    campaign = fill(scene, referee)
    export_campaign(actor=None, campaign=campaign, folder=tmp_path)
    labels = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text("utf-8").splitlines()]
    tasks = [json.loads(line) for line in (tmp_path / "tasks.jsonl").read_text("utf-8").splitlines()]
    assert [event["event"] for event in labels[-1]["history"]] == ["claimed", "submitted", "undone"]
    assert labels[-1]["undone"] and not labels[-1]["current"]
    codes = set(Pseudonym.objects.values_list("code", flat=True))
    assert {row["expert"] for row in labels} <= codes
    ruled = next(row for row in tasks if row["state"] == "ruled")
    assert ruled["ruling"]["decision"] == "accept" and ruled["ruling"]["referee"] in codes
    export_campaign(actor=None, campaign=campaign, folder=tmp_path, file_format="csv")
    with (tmp_path / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["r1"] == "0" and json.loads(rows[-1]["history"])[0]["event"] == "claimed"


def test_commands(scene: Scene, tmp_path: Path, capsys: Any) -> None:
    make_experts(1, prefix="commanded")
    call_command(
        "create_campaign", "From the shell", "--benchmark", "labels", "--user", "researcher", "--json",
        "--entry", scene.entries[0].slug, "--expert", "commanded0", "--lease-minutes", "5",
    )  # fmt: skip
    made = json.loads(capsys.readouterr().out)
    assert (made["slug"], made["state"], made["tasks"], made["seats"], made["experts"]) == (
        "from-the-shell", "open", 6, 12, 1,
    )  # fmt: skip
    call_command("export_labels", "from-the-shell", "--output", str(tmp_path / "out"), "--json")
    assert [file["rows"] for file in json.loads(capsys.readouterr().out)["files"]] == [0, 6, 1]


def test_referees_who_are_experts_get_no_tie_to_break(scene: Scene, make_user: Any) -> None:
    campaign = make_campaign(scene, order="oldest", size_limit=1)
    people = make_experts(2)
    both = make_user("both", Role.EXPERT, Role.REFEREE)
    join(campaign, [*people, both])
    label_next(people[0], campaign, SAFE)
    label_next(people[1], campaign, COLD)
    assert claim_next(actor=both, campaign=campaign) is None


def test_hidden_from_the_start(scene: Scene) -> None:
    """A draft is nobody's business, and an item of another benchmark no gold task."""
    draft = make_campaign(scene, opened=False)
    (expert,) = make_experts(1)
    assert not Campaign.objects.visible_to(expert).filter(pk=draft.pk).exists()
    with pytest.raises(BadInput):
        add_gold_tasks(
            actor=scene.researcher, campaign=draft, tasks=[GoldTask(Item.objects.first(), {"r1": 0})]
        )
    assert not Label.objects.exists()
