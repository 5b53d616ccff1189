"""Choosing by numbers and looking at few texts gives the rows that looking at all texts gives; formats; corrections."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from annotation.models import Campaign, Label, Ruling, Slot, Task
from benchmark.models import Entry, Guardian, Item, Judgement, Response, Scorer, Submission
from benchmark.rules.norm_groups import bare_text
from medes_site.kit.jobs.foreground import run_in_foreground
from medes_site.kit.jobs.models import Job
from medes_site.kit.roles import Role
from tests.rules import plain_choice
from tests.training.scene import Scene
from tests.training.tuning_scene import make_open_scene, question, words
from training.models import Dataset, Drawing
from training.queries.corrections import texts_of
from training.queries.model_folders import dataset_folder
from training.queries.tuning_material import closed_questions, collect_opinions, comparisons, open_items
from training.queries.tuning_pages import dataset_rows
from training.readers.dataset_rows import row_file, rows_between
from training.rules import pairs as rules
from training.rules.recipe import Recipe, parse_recipe
from training.rules.sft_rows import ORIGINS
from training.rules.splits import ClosedTexts
from training.services import drawings, tuning_choice
from training.services.tuning_data import build_tuning_dataset
from training.tasks import launch_dataset

MANY = 12  # entries that answer every open question


@pytest.fixture
def crowd(tmp_path: Path, researcher: Any, make_user: Callable[..., Any], settings: Any) -> Scene:
    """The open scene, with twelve more entries, whose answers a guardian judged: some empty, too long, copies, the same."""
    settings.MEDES_ARTEFACTS = tmp_path / "artefacts"
    experts = (make_user("label-one", Role.EXPERT), make_user("label-two", Role.EXPERT))
    scene = make_open_scene(tmp_path / "open", researcher, experts)
    scorer = Scorer.objects.create(type=Scorer.Type.GUARDIAN, name="crowd", version="1")
    Guardian.objects.create(
        scorer=scorer, kind="linear", state="active", folder="crowd", promoted_at=timezone.now()
    )
    chance = random.Random(11)
    for number in range(MANY):
        entry = Entry.objects.create(slug=f"crowd-{number}", name=f"Crowd {number}", licence="MIT")
        sent = Submission.objects.create(entry=entry, version=scene.version, method="imported")
        for item in Item.objects.filter(version=scene.version, split="dev").order_by("pk"):
            answer = Response.objects.create(
                submission=sent, item=item, text=said(chance, number, item.number), text_hash=""
            )
            # Few levels, so that ties are many and the seeded order decides.
            p = {name: chance.choice((0.0, 0.02, 0.6)) for name in ("r1", "r2")}
            p |= {name: chance.choice((0.1, 0.9, 1.0)) for name in ("q1", "q2", "q3", "q4")}
            Judgement.objects.create(response=answer, scorer=scorer, p=p)
    return scene


def said(chance: random.Random, entry: int, item: int) -> str:
    kind = chance.randrange(10)
    if kind == 0:
        return " \u3000\n"
    if kind == 1:
        return f"先说一个案例：{question(25)}再谈别的。"  # a closed question inside an answer
    if kind == 2:
        return "先停止，再报告。" if entry % 2 else "先停止 再报告"  # the same but for punctuation
    if kind == 3:
        return words(300 + entry, 45) * 9  # longer than the recipe allows
    return "\n" + words(300 + entry, 20 + chance.randrange(25)) + str(item)


RECIPES = [
    {},
    {"per_prompt": 1, "limit": 9},
    {"per_prompt": 0, "per_norm": 4, "seed": 7},
    {"per_prompt": 3, "limit": 31, "quality": 0.3, "risk": 0.7, "margin": 0.05, "length_ratio": 1.4},
    {"sources": ["guardian"], "per_prompt": 5, "per_norm": 2, "quality": 0.0, "length_bias": 0.02},
]


@pytest.mark.django_db
@pytest.mark.parametrize("given", RECIPES)
@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_few_texts_give_what_all_texts_give(
    crowd: Scene, kind: str, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning_choice, "CHUNK", 7)
    recipe = parse_recipe(kind, {**given, "longest": 300, "held_out": 0})
    made = build_tuning_dataset(actor=None, kind=kind, recipe=recipe.as_json())
    rows = rows_of(made)
    expected = plain_sft(recipe) if kind == "sft" else plain_dpo(recipe)
    assert [told(row) for row in rows] == expected
    assert len(rows) > 3
    assert build_tuning_dataset(actor=None, kind=kind, recipe=recipe.as_json()).pk == made.pk


def rows_of(made: Dataset) -> list[dict[str, Any]]:
    return rows_between(row_file(dataset_folder(made), "train"), 0, 10_000)


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    lineage = row["lineage"]
    if "completion" in row:
        return row["origin"], lineage["response"], row["completion"][0]["content"]
    return row["origin"], lineage["chosen"], lineage["rejected"], row["margin"]


def everything(recipe: Recipe) -> tuple[Any, Any, dict[int, str], list[tuple[int, int, str, float, float]]]:
    """Items, groups, all usable texts, and all opinions on them: (item, answer, origin, risk, quality)."""
    closed = ClosedTexts(closed_questions())
    items = {
        pk: item
        for pk, item in open_items(recipe).items()
        if not closed.repeated_by(Item.objects.get(pk=pk).question)
    }
    guardian = Guardian.objects.get()
    o = collect_opinions(recipe, guardian, items, lambda *_: None)
    numbers = set(o.answer.tolist()) | {n for one, _ in comparisons(recipe, items) for n in (one.a, one.b)}
    texts = {
        number: found.text
        for number, found in texts_of(numbers).items()
        if found.text and len(found.text) <= recipe.longest and not closed.repeated_by(found.text)
    }
    opinions = [
        (int(i), int(a), ORIGINS[origin], float(r), float(q))
        for i, a, origin, r, q in zip(o.item, o.answer, o.origin, o.risk, o.quality, strict=True)
        if int(a) in texts
    ]
    return items, {pk: item.group for pk, item in items.items()}, texts, opinions


def plain_sft(recipe: Recipe) -> list[tuple[Any, ...]]:
    _items, groups, texts, opinions = everything(recipe)
    answers = [plain_choice.Answer(i, a, texts[a], origin, r, q) for i, a, origin, r, q in opinions]
    chosen, _left = plain_choice.choose_answers(
        answers, groups, quality=recipe.quality, risk=recipe.risk, per_prompt=recipe.per_prompt,
        per_group=recipe.per_norm, limit=recipe.limit, seed=recipe.seed,
    )  # fmt: skip
    return [(one.origin, one.answer, one.text) for one in chosen]


def plain_dpo(recipe: Recipe) -> list[tuple[Any, ...]]:
    _items, groups, texts, opinions = everything(recipe)
    lengths = {number: len(text) for number, text in texts.items()}
    risky = frozenset(a for _i, a, _o, r, _q in opinions if r > recipe.risk)
    scored = [
        plain_choice.Scored(
            i, a, -r + (1 - r) * q, a in risky, "guardian" if origin == "guardian" else "rubric"
        )
        for i, a, origin, r, q in opinions
    ]
    pairs, _left = plain_choice.pairs_from_scores(scored, recipe.margin)
    pairs = [pair for pair in pairs if bare_text(texts[pair.chosen]) != bare_text(texts[pair.rejected])]
    merged, _left = plain_choice.merge_sources([pairs], risky)
    fit, _left = rules.bound_lengths(merged, lengths, ratio=recipe.length_ratio, mean_log_ratio=math.inf)
    taken, _left = rules.at_most(
        fit, groups, per_prompt=recipe.per_prompt, per_group=recipe.per_norm, limit=recipe.limit,
        seed=recipe.seed,
    )  # fmt: skip
    chosen, _left = rules.bound_lengths(
        taken, lengths, ratio=recipe.length_ratio, mean_log_ratio=recipe.length_bias
    )
    return [(pair.origin, pair.chosen, pair.rejected, round(pair.margin, 6)) for pair in chosen]


@pytest.mark.django_db
def test_what_was_left_out_adds_up(crowd: Scene) -> None:
    """Every open answer is a row, or is counted once among those left out."""
    made = build_tuning_dataset(actor=None, kind="sft", recipe={"longest": 300, "held_out": 0})
    counts = made.manifest["counts"]
    left = {name: number for name, number in counts["left_out"].items() if not name.startswith("question")}
    assert (
        made.rows + sum(left.values())
        == Response.objects.filter(item__split="dev").exclude(item__code="sub-0024").count()
    )
    assert {"empty answer", "answer repeats a question of a closed split", "the same text twice"} <= set(left)
    assert sum(counts["by_scenario"].values()) == sum(counts["by_entry"].values()) == made.rows
    spread = counts["histograms"]["length_answer"]
    assert sum(spread["counts"]) == made.rows
    assert len(spread["edges"]) == len(spread["counts"]) + 1
    assert {"slug": "crowd-0", "licence": "MIT"} in made.manifest["provenance"]["entries"]
    assert "licence: MIT" in made.card


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_parquet_holds_the_same_rows(crowd: Scene, kind: str) -> None:
    recipe = {"held_out": 0.3, "length_bias": 10}
    lines = build_tuning_dataset(actor=None, kind=kind, recipe=recipe)
    packed = build_tuning_dataset(actor=None, kind=kind, recipe={**recipe, "format": "parquet"})
    assert packed.content_hash != lines.content_hash
    assert set(packed.manifest["files"]) == {"train.parquet", "eval.parquet", "prompts.jsonl"}
    assert (
        packed.manifest["files"]["train.parquet"]["rows_sha256"]
        == lines.manifest["files"]["train.jsonl"]["sha256"]
    )
    assert rows_of(packed) == rows_of(lines)
    assert dataset_rows(packed, 3, 5) == dataset_rows(lines, 3, 5)
    again = build_tuning_dataset(actor=None, kind=kind, recipe={**recipe, "format": "parquet"})
    assert again.pk == packed.pk
    assert json.dumps(packed.manifest["counts"]) == json.dumps(lines.manifest["counts"])
    assert not list(dataset_folder(packed).parent.glob(".draft-*"))
    assert (
        defaultdict(int, packed.manifest["files"]["eval.parquet"])["rows"]
        == packed.manifest["counts"]["eval"]
    )


@pytest.mark.django_db(transaction=True)
def test_much_to_read_is_left_to_a_worker(
    crowd: Scene, client_of: Callable[[Any], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawings, "AT_ONCE", 10)
    client = client_of(crowd.researcher)
    sent = {"kind": "sft", "sources": ["labels", "guardian"], "quality": 0.6, "margin": 0.1, "per_prompt": 4,
            "length_bias": 0.25, "seed": 1}  # fmt: skip
    page = client.post(reverse("training:datasets"), sent)
    drawing = Drawing.objects.get()
    assert page.url == reverse("training:drawing", args=[drawing.pk])
    waiting = client.get(page.url).content.decode()
    assert 'hx-trigger="every 1s"' in waiting
    assert page.url in client.get(reverse("training:datasets")).content.decode()
    job = run_in_foreground(launch_dataset(drawing, wake=False))
    assert job.state == Job.State.SUCCEEDED, job.error
    drawing.refresh_from_db()
    assert drawing.dataset is not None
    assert drawing.dataset.rows > 20
    ended = client.get(page.url)
    assert ended.url == reverse("training:dataset", args=[drawing.dataset_id])
    polled = client.get(page.url, headers={"HX-Request": "true", "HX-Target": "drawing-progress"})
    assert polled.headers["HX-Redirect"] == ended.url
    api = client.post(reverse("training:api-dataset-list"), {"kind": "dpo", "recipe": {"sources": ["pairs"]}},
                      content_type="application/json")  # fmt: skip
    assert api.status_code == 202
    empty = Drawing.objects.get(pk=api.json()["id"])
    with translation.override("zh-hans"):
        job = run_in_foreground(launch_dataset(empty, wake=False))
    assert job.state == Job.State.FAILED
    assert job.error.startswith("No row is left. Left out: ")
    page = client.get(reverse("training:drawing", args=[empty.pk]), headers={"accept-language": "zh-hans"})
    assert "No row is left" not in page.content.decode()
    told = client.get(reverse("training:api-drawing-detail", args=[empty.pk])).json()
    assert told["job"]["state"] == "failed"


@pytest.mark.django_db
def test_the_page_of_a_dataset_and_its_files(crowd: Scene, client_of: Callable[[Any], Client]) -> None:
    client = client_of(crowd.researcher)
    made = build_tuning_dataset(
        actor=None, kind="dpo", recipe={"held_out": 0, "length_bias": 10, "format": "parquet"}
    )
    with translation.override("zh-hans"):
        page = client.get(reverse("training:dataset", args=[made.pk]), headers={"accept-language": "zh-hans"})
    text = page.content.decode()
    assert text.count("<svg") >= 5  # three histograms, and bars of origins and scenarios
    assert ">tie</th>" not in text  # reasons in words, not as the rules name them
    for name, file in made.manifest["files"].items():
        sent = client.get(reverse("training:dataset_file", args=[made.pk, name]))
        assert hashlib.sha256(b"".join(sent.streaming_content)).hexdigest() == file["sha256"]  # type: ignore[attr-defined]
    manifest = client.get(reverse("training:dataset_file", args=[made.pk, "manifest.json"]))
    assert manifest.json()["content_hash"] == made.content_hash
    assert (
        manifest.content
        == client.get(reverse("training:api-dataset-files", args=[made.pk, "manifest.json"])).content
    )
    assert client.get(reverse("training:dataset_file", args=[made.pk, "other.jsonl"])).status_code == 404
    assert client.get(reverse("training:dataset_rows", args=[made.pk])).status_code == 200
    (dataset_folder(made) / "train.parquet").chmod(0o644)
    (dataset_folder(made) / "train.parquet").write_bytes(b"PAR1 and nothing more")
    broken = client.get(reverse("training:dataset_rows", args=[made.pk]))
    assert broken.status_code == 200
    assert "notice risk" in broken.content.decode()


@pytest.mark.django_db
def test_corrections_come_first(crowd: Scene) -> None:
    """Two labels, one of them taken over by a ruling that finds the norm silent; and what the other answers lose to them."""
    good = "我理解您的难处。请先停下，依照《医师法》当面诊查，再向伦理委员会报告。"
    risky = Label.objects.filter(current=True, r1=-1, task__item__split="dev").order_by("pk")
    chosen, silent = risky[0], next(row for row in risky if row.task_id != risky[0].task_id)
    Label.objects.filter(pk__in=[chosen.pk, silent.pk]).update(correction=good)
    Ruling.objects.create(
        task=silent.task, referee=crowd.researcher, referee_pseudonym="r", decision="norm_silent", rationale="无",
        at=timezone.now(),
    )  # fmt: skip
    made = build_tuning_dataset(actor=None, kind="sft", recipe={"held_out": 0, "per_prompt": 1})
    rows = [row for row in rows_of(made) if row["origin"] == "correction"]
    assert [row["completion"][0]["content"] for row in rows] == [good]
    assert rows[0]["lineage"]["said"] == {"labels": [chosen.pk]}
    assert rows[0]["lineage"]["response"] == chosen.task.response_id
    assert made.manifest["counts"]["by_origin"]["correction"] == 1
    assert sum(made.manifest["counts"]["by_entry"].values()) == made.rows - 1  # it is no entry's answer
    without = build_tuning_dataset(
        actor=None, kind="sft", recipe={"held_out": 0, "per_prompt": 1, "sources": ["labels", "guardian"]}
    )
    assert "correction" not in without.manifest["counts"]["by_origin"]
    pairs = build_tuning_dataset(
        actor=None,
        kind="dpo",
        recipe={"held_out": 0, "length_bias": 10, "length_ratio": 50, "sources": ["corrections"]},
    )
    (pair,) = rows_of(pairs)
    assert (pair["chosen"][0]["content"], pair["margin"], pair["origin"]) == (good, 1.0, "correction")
    assert pair["rejected"][0]["content"] == chosen.task.response.text.strip()
    assert pair["lineage"]["said"] == {"both": {"labels": [chosen.pk]}}
    Ruling.objects.create(
        task=chosen.task, referee=crowd.researcher, referee_pseudonym="r", decision="overrule", rationale="有",
        answers={"r1": 0, "r2": 0, "q1": 1, "q2": 0, "q3": 0, "q4": 0}, correction=good + "三日内答复。",
        at=timezone.now(),
    )  # fmt: skip
    ruled = build_tuning_dataset(actor=None, kind="dpo", recipe={"held_out": 0, "length_bias": 10, "length_ratio": 50,
                                                                "sources": ["corrections"]})  # fmt: skip
    assert sorted((row["margin"], row["chosen"][0]["content"][-6:]) for row in rows_of(ruled)) == [
        (0.3, "三日内答复。"),
        (1.0, good[-6:]),
    ]
    by_referee = next(row for row in rows_of(ruled) if row["margin"] == 0.3)
    assert by_referee["lineage"]["said"] == {"both": {"rulings": [Ruling.objects.get(task=chosen.task).pk]}}


@pytest.mark.django_db
def test_comparisons_go_before_scores(crowd: Scene) -> None:
    """As the rules say: an expert's comparison turns what two labels or a guardian's scores say."""
    made = build_tuning_dataset(
        actor=None,
        kind="dpo",
        recipe={"held_out": 0, "length_bias": 10, "length_ratio": 50, "sources": ["guardian"]},
    )
    row = rows_of(made)[0]
    better, worse = row["lineage"]["chosen"], row["lineage"]["rejected"]
    version = crowd.version
    campaign = Campaign.objects.create(
        slug="pairs", title_zh="比较", kind=Campaign.Kind.PAIRS, version=version, created_by=crowd.researcher
    )
    item = Response.objects.get(pk=better).item
    task = Task.objects.create(campaign=campaign, item=item, response_id=better, other_id=worse, position=1)
    slot = Slot.objects.create(
        task=task, campaign=campaign, ordinal=1, position=1, expert=crowd.experts[0], state="labelled"
    )
    Label.objects.create(
        task=task,
        slot=slot,
        campaign=campaign,
        expert=crowd.experts[0],
        answers={"better": "b", "by": 3},
        key="p",
    )
    told_ = build_tuning_dataset(
        actor=None, kind="dpo",
        recipe={"held_out": 0, "length_bias": 10, "length_ratio": 50, "sources": ["guardian", "pairs"], "risk": 1},
    )  # fmt: skip
    found = [row for row in rows_of(told_) if row["origin"] == "pair"]
    assert [(row["lineage"]["chosen"], row["lineage"]["rejected"]) for row in found] == [(worse, better)]
    assert told_.manifest["counts"]["left_out"]["a stronger source says the opposite"] == 1
    assert found[0]["lineage"]["said"] == {"both": {"labels": [Label.objects.get(key="p").pk]}}


@pytest.mark.django_db
def test_a_pair_has_two_texts(crowd: Scene) -> None:
    """Neither a correction that changes nothing but a mark, nor one answer of two entries that was judged twice."""
    recipe = {"held_out": 0, "length_bias": 10, "length_ratio": 50, "per_prompt": 2}
    before = build_tuning_dataset(actor=None, kind="dpo", recipe=recipe)
    assert all(bare(row, "chosen") != bare(row, "rejected") for row in rows_of(before))
    risky = Label.objects.filter(current=True, r1=-1, task__item__split="dev").order_by("pk")[0]
    risky.correction = risky.task.response.text.strip() + "。"
    risky.save()
    row = rows_of(before)[-1]
    Response.objects.filter(pk=row["lineage"]["rejected"]).update(text=row["chosen"][0]["content"])
    made = build_tuning_dataset(actor=None, kind="dpo", recipe=recipe)
    rows = rows_of(made)
    assert all(bare(row, "chosen") != bare(row, "rejected") for row in rows)
    assert not [row for row in rows if row["origin"] == "correction"]
    assert made.manifest["counts"]["left_out"]["the same text twice"] >= 2
    # another pair takes the place of each
    assert sum(one["item"] == row["item"] for one in rows) == 2
    assert made.rows == before.rows


def bare(row: dict[str, Any], name: str) -> str:
    return bare_text(row[name][0]["content"])


@pytest.mark.django_db
@pytest.mark.parametrize("sources", [["labels", "guardian"], ["guardian"]])
def test_what_the_norm_says_nothing_about_is_learnt_from_nobody(crowd: Scene, sources: list[str]) -> None:
    """A referee's last word; the guardian has an opinion of the answer all the same."""
    recipe = {"held_out": 0, "per_prompt": 0, "sources": sources, "quality": 0, "risk": 1}
    task = Task.objects.filter(response__item__code="sub-0001", campaign__kind="responses").order_by("pk")[0]
    scorer = Guardian.objects.get().scorer
    p = {"r1": 0.0, "r2": 0.0, "q1": 1.0, "q2": 1.0, "q3": 1.0, "q4": 1.0}
    Judgement.objects.create(response=task.response, scorer=scorer, p=p)

    def learnt() -> tuple[bool, dict[str, int]]:
        made = build_tuning_dataset(actor=None, kind="sft", recipe=recipe)
        found = {row["lineage"]["response"] for row in rows_of(made)}
        return task.response_id in found, made.manifest["counts"]["left_out"]

    assert learnt()[0]
    ruling = Ruling.objects.create(
        task=task, referee=crowd.researcher, referee_pseudonym="r", decision="norm_silent", rationale="。",
        at=timezone.now(),
    )  # fmt: skip
    assert learnt()[0] is False
    assert learnt()[1]["norm silent"] == 1
    answers = {"r1": 0, "r2": 0, "q1": 1, "q2": 1, "q3": 1, "q4": 1}
    Ruling.objects.filter(pk=ruling.pk).update(decision="overrule", answers=answers)
    assert learnt()[0]
    assert "norm silent" not in learnt()[1]


@pytest.mark.django_db
def test_every_row_leads_back_to_what_was_said(crowd: Scene) -> None:
    """Labels, rulings and judgements have ids of their own; a row names which it means, of a pair by side."""
    task = Task.objects.filter(response__item__code="sub-0001", campaign__kind="responses").order_by("pk")[0]
    Ruling.objects.create(
        task=task, referee=crowd.researcher, referee_pseudonym="r", decision="overrule", rationale="。",
        answers={"r1": 0, "r2": 0, "q1": 1, "q2": 1, "q3": 1, "q4": 1}, at=timezone.now(),
    )  # fmt: skip
    sft = build_tuning_dataset(
        actor=None, kind="sft", recipe={"held_out": 0, "per_prompt": 0, "quality": 0.3}
    )
    kinds = set()
    for row in rows_of(sft):
        kinds.add((row["origin"], *sorted(row["lineage"]["said"])))
        follow(row["lineage"]["said"], row["lineage"]["response"])
    assert kinds == {("ruling", "labels", "rulings"), ("label", "labels"), ("guardian", "judgements")}
    dpo = build_tuning_dataset(
        actor=None, kind="dpo", recipe={"held_out": 0, "length_bias": 10, "per_prompt": 0}
    )
    for row in rows_of(dpo):
        for side in ("chosen", "rejected"):
            follow(row["lineage"]["said"][side], row["lineage"][side])
    assert dpo.rows > 20


def follow(ids: dict[str, list[int]], response: int) -> None:
    of = {
        "labels": Label.objects.filter(task__response=response),
        "rulings": Ruling.objects.filter(task__response=response),
        "judgements": Judgement.objects.filter(response=response),
    }
    assert ids
    for name, numbers in ids.items():
        assert numbers
        assert of[name].filter(pk__in=numbers).count() == len(numbers)


@pytest.mark.django_db
def test_what_people_said_of_unusable_texts_is_counted(crowd: Scene) -> None:
    """Corrections of an empty answer, by one too long and of a plain one, without any other source."""
    good = words(700, 40)
    risky = Label.objects.filter(current=True, r1=-1, task__item__split="dev").exclude(
        task__item__code="sub-0024"
    )
    by_item = {label.task.item_id: label for label in risky.order_by("pk")}
    empty, long, plain = list(by_item.values())[:3]
    for label, text in ((empty, good), (long, good * 10), (plain, good)):
        Label.objects.filter(pk=label.pk).update(correction=text)
    Response.objects.filter(pk=empty.task.response_id).update(text=" ")
    made = build_tuning_dataset(
        actor=None, kind="dpo",
        recipe={"held_out": 0, "length_bias": 10, "length_ratio": 50, "sources": ["corrections"], "longest": 300},
    )  # fmt: skip
    assert made.rows == 1
    left = made.manifest["counts"]["left_out"]
    assert {name: left[name] for name in ("empty answer", "answer too long")} == {
        "empty answer": 1,
        "answer too long": 1,
    }
