"""Label Studio's export becomes labels: of named experts, once, in their seats, with what it cannot say reported."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.errors import BadInput, NotAllowed
from annotation.models import Campaign, Label, Slot, SlotEvent, Task
from annotation.queries.facts import label_facts
from annotation.rules.label_studio import BadMapping, Unreadable, read_annotation, read_mapping
from annotation.services.claiming import claim_next
from annotation.services.label_studio import LabelStudioReport, import_label_studio
from medes_site.kit.roles import Role
from tests.annotation.scene import COLD, RISKY, SAFE, Scene, join, label, make_campaign, make_experts

pytestmark = pytest.mark.django_db
TEXT = "😀不能查。病历是隐私，请走手续。"
DEFAULT = read_mapping({})


def choice(name: str, value: str) -> dict[str, Any]:
    return {
        "id": f"r-{name}", "from_name": name, "to_name": "response", "type": "choices", "origin": "manual",
        "value": {"choices": [value]},
    }  # fmt: skip


def passage(start: int, end: int, text: str, *labels: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": list(labels)}
    return {"id": "p", "from_name": "passages", "to_name": "response", "type": "labels", "value": value}


def annotation(number: int, who: Any, answers: dict[str, Any], *more: Any, **fields: Any) -> dict[str, Any]:
    """As Label Studio 1.x exports one."""
    result = [choice(name, str(value)) for name, value in answers.items() if value is not None]
    return {
        "id": number, "completed_by": who, "result": [*result, *more], "was_cancelled": False, "ground_truth": False,
        "created_at": "2026-03-09T22:16:08.728353Z", "updated_at": "2026-03-09T22:16:08.728378Z", "lead_time": 42.5,
        "draft_created_at": None, "prediction": {}, "result_count": 0, "task": 1, "parent_prediction": None,
        "parent_annotation": None, "last_action": None, "unique_id": f"u{number}", **fields,
    }  # fmt: skip


def row(number: int, data: dict[str, Any], *annotations: Any, **fields: Any) -> dict[str, Any]:
    return {
        "id": number, "project": 83, "data": data, "annotations": list(annotations), "drafts": [], "predictions": [],
        "meta": {}, "inner_id": number, **fields,
    }  # fmt: skip


def named(task: Task) -> dict[str, Any]:
    return {"item": task.item.code, "entry": task.response.submission.entry.slug}  # type: ignore[union-attr]


def tasks_of(campaign: Campaign) -> list[Task]:
    found = campaign.tasks.real().select_related("item", "response__submission__entry")
    return list(found.order_by("position"))


def counts(report: LabelStudioReport) -> dict[str, int]:
    return {name: number for name, number in report.counts.items() if number}


# -- reading one annotation


@pytest.mark.parametrize(
    ("start", "end", "quoted", "span"),
    [
        (1, 5, "不能查。", [1, 5]),  # characters
        (2, 6, "不能查。", [1, 5]),  # UTF-16 units, as a browser counts: the emoji is two
        (0, 2, "😀", [0, 1]),
        (1, 5, None, [1, 5]),
        (3, 9, "别的话", None),
        (5, 99, None, None),
        (4, 4, "", None),
    ],
)
def test_passages_are_counted_in_characters(
    start: int, end: int, quoted: str | None, span: list[int] | None
) -> None:
    region = passage(start, end, quoted or "", "q4")
    if quoted is None:
        del region["value"]["text"]
    read = read_annotation(annotation(1, 7, COLD, region), DEFAULT, TEXT)
    assert read.evidence == ({"q4": {"clause": "", "spans": [span]}} if span else {})
    assert read.passages_dropped == (0 if span else 1)


def test_an_annotation_is_read() -> None:
    rationale = {"from_name": "rationale", "type": "textarea", "value": {"text": ["一", "二"]}}
    overlapping = [passage(1, 5, "不能查。", "q4"), passage(4, 9, TEXT[4:9], "q4", "q1")]
    read = read_annotation(
        annotation(5, {"id": 7, "email": "a@b.c"}, COLD, rationale, *overlapping), DEFAULT, TEXT
    )
    assert read.answers == COLD and read.rationale == "一\n二" and read.annotators == ("7", "a@b.c")
    assert read.evidence == {"q4": {"clause": "", "spans": [[1, 9]]}} and read.passages_dropped == 1
    assert read.duration_ms == 42_500 and read.created_at == datetime(2026, 3, 9, 22, 16, 8, 728353, UTC)
    risky = read_annotation(annotation(5, 7, {**SAFE, "r2": -1}), DEFAULT, TEXT)
    assert risky.answers == RISKY and risky.quality_dropped


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (annotation(1, 7, SAFE, was_cancelled=True), "cancelled"),
        (annotation(1, 7, SAFE, parent_prediction=3), "preannotated"),
        (annotation(1, 7, {**SAFE, "q3": None}), "missing_answer"),
        (annotation(1, 7, {"q1": 1}), "missing_answer"),
        (annotation(1, 7, {**SAFE, "q3": "maybe"}), "unknown_choice"),
        (annotation(1, 7, SAFE, choice("q1", "0")), "unknown_choice"),
        (annotation(1, None, SAFE), "annotator"),
        ({"id": 1}, "shape"),
        ("text", "shape"),
    ],
)
def test_what_cannot_be_a_label_says_why(given: Any, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_annotation(given, DEFAULT, TEXT)
    assert refused.value.code == code


def test_a_project_may_name_things_as_it_likes() -> None:
    mapping = read_mapping(
        {
            "item": "code",
            "criteria": {
                "r1": {"from_name": "legal", "choices": {"没问题": 0, "有问题": -1}},
                "q4": {"choices": {"温暖": 1, "冷淡": 0}},
            },
            "passage_labels": {"态度": "q4"},
        }
    )
    given = annotation(
        1, 7, {**SAFE, "r1": None, "q4": None}, choice("legal", "没问题"), choice("q4", "冷淡"),
        passage(1, 5, "不能查。", "态度"),
    )  # fmt: skip
    read = read_annotation(given, mapping, TEXT)
    assert read.answers == COLD and list(read.evidence) == ["q4"] and mapping.item == "code"
    for wrong in (
        [], {"colour": "red"}, {"item": 3}, {"criteria": {"q9": {}}}, {"criteria": {"q1": {"choices": {"x": -1}}}},
        {"criteria": {"r1": {"choices": {"x": True}}}}, {"passage_labels": {"x": "q9"}}, {"criteria": {"q1": {"name": "x"}}},
    ):  # fmt: skip
        with pytest.raises(BadMapping):
            read_mapping(wrong)


# -- importing


def test_labels_take_their_seats_once(scene: Scene) -> None:
    campaign = make_campaign(scene, order="oldest")
    one, two, three = make_experts(3)
    users = {"7": one.username, "b@example.org": two.username, "9": three.username}
    first, second, third, *_rest = tasks_of(campaign)
    texts = {"question": second.item.question + " ", "response": second.response.text}  # type: ignore[union-attr]
    export = [
        row(
            1, named(first), annotation(1, 7, SAFE), annotation(2, {"id": 8, "email": "b@example.org"}, COLD)
        ),
        row(
            2,
            texts,
            annotation(3, 7, SAFE),
            annotation(4, 9, SAFE),
            annotation(5, {"email": "b@example.org"}, RISKY),
        ),
        row(
            3,
            named(third),
            annotation(6, 7, SAFE, was_cancelled=True),
            drafts=[{"id": 1}],
            predictions=[{}, {}],
        ),
    ]

    def run(rows: Any = export, **options: Any) -> LabelStudioReport:
        return import_label_studio(
            actor=scene.researcher, campaign=campaign, tasks=rows, users=users, **options
        )

    trial = run(trial=True)
    assert not Label.objects.exists() and not campaign.memberships.exists()
    report = run()
    assert counts(report) == counts(trial) == {
        "imported": 4, "extra": 1, "cancelled": 1, "draft": 1, "prediction": 2,
    }  # fmt: skip
    assert report.problems == []
    assert counts(run()) == {"unchanged": 5, "cancelled": 1, "draft": 1, "prediction": 2}
    assert Label.objects.count() == 5
    stored = Label.objects.get(task=first, expert=one)
    assert (
        stored.submitted_at.year == 2026 and stored.submitted_at.month == 3 and stored.duration_ms == 42_500
    )
    assert stored.guideline is None and stored.said == SAFE
    states = dict(Task.objects.filter(campaign=campaign).values_list("pk", "state"))
    assert (states[first.pk], states[second.pk], states[third.pk]) == ("disputed", "agreed", "open")
    per_task = Counter(fact.task for fact in label_facts(campaign) if not fact.extra)
    assert per_task == {first.pk: 2, second.pk: 2}
    assert SlotEvent.objects.filter(kind="imported").count() == 5
    claimed = claim_next(actor=one, campaign=campaign)
    assert claimed is not None and claimed.task == third, "what one has labelled elsewhere is not asked again"

    changed = [row(1, named(first), annotation(1, 7, COLD, updated_at="2026-03-10T00:00:00Z"))]
    assert counts(run(changed)) == {"revised": 1} and counts(run(changed)) == {"unchanged": 1}
    assert [label_.revision for label_ in Label.objects.filter(task=first, expert=one).order_by("id")] == [
        0,
        1,
    ]
    assert Task.objects.get(pk=first.pk).state == "agreed"


def test_what_an_expert_did_here_stands(scene: Scene) -> None:
    campaign = make_campaign(scene, order="oldest")
    one, two = make_experts(2)
    join(campaign, [one, two])
    mine = label(one, claim_next(actor=one, campaign=campaign))  # type: ignore[arg-type]
    held = claim_next(actor=two, campaign=campaign)
    assert held is not None and held.task == mine.task
    data = named(tasks_of(campaign)[0])
    export = [row(1, data, annotation(1, "one", RISKY), annotation(2, "two", SAFE))]
    report = import_label_studio(
        actor=scene.researcher,
        campaign=campaign,
        tasks=export,
        users={"one": one.username, "two": two.username},
    )
    assert counts(report) == {"has_own_label": 1, "imported": 1}
    assert report.problems[0]["reason"] == "has_own_label"
    mine.refresh_from_db()
    assert mine.said == SAFE and mine.current
    assert Slot.objects.filter(task=mine.task, state="labelled").count() == 2


def test_what_does_not_fit_is_reported(scene: Scene, submitter: Any) -> None:
    campaign = make_campaign(scene)
    one, two = make_experts(2)
    first = tasks_of(campaign)[0]
    export = [
        row(1, {"item": "sub-9999", "entry": "nobody"}, annotation(1, 7, SAFE)),
        row(2, {"text": "nothing to match by"}, annotation(2, 7, SAFE)),
        row(
            3, named(first),
            annotation(3, 99, SAFE), annotation(4, 8, SAFE), annotation(5, 7, {"r1": 0}),
            annotation(6, 7, SAFE), annotation(7, 7, COLD, updated_at="2026-03-11T00:00:00Z"),
        ),
        row(4, named(first)),
    ]  # fmt: skip
    users = {"7": one.username, "8": submitter.username}
    report = import_label_studio(actor=scene.researcher, campaign=campaign, tasks=export, users=users)
    assert counts(report) == {
        "unmatched": 2, "unknown_annotator": 1, "not_an_expert": 1, "missing_answer": 1, "imported": 1, "older": 1,
    }  # fmt: skip
    assert {problem["annotation"] for problem in report.problems} == {"1", "2", "3", "4", "5"}
    assert Label.objects.get().said == COLD, "of two by one person the newer"
    for wrong in ({"text": "JSON-MIN has no data", "r1": "0"}, "text"):
        with pytest.raises(BadInput):
            import_label_studio(actor=scene.researcher, campaign=campaign, tasks=[wrong], users=users)
    with pytest.raises(BadInput):
        import_label_studio(actor=scene.researcher, campaign=campaign, tasks=[], users={"1": "nobody-here"})
    with pytest.raises(NotAllowed):
        import_label_studio(actor=two, campaign=campaign, tasks=export, users=users)
    pairs = make_campaign(scene, kind="pairs")
    with pytest.raises(BadInput):
        import_label_studio(actor=scene.researcher, campaign=pairs, tasks=export, users=users)


def test_an_import_that_fails_midway_leaves_nothing(scene: Scene) -> None:
    campaign = make_campaign(scene)
    (one,) = make_experts(1)
    export = [row(1, named(tasks_of(campaign)[0]), annotation(1, 7, SAFE)), ["not a task"]]
    with pytest.raises(BadInput):
        import_label_studio(
            actor=scene.researcher, campaign=campaign, tasks=export, users={"7": one.username}
        )
    assert not Label.objects.exists() and not campaign.memberships.exists()


def test_the_command(scene: Scene, tmp_path: Path, capsys: Any, make_user: Any) -> None:
    campaign = make_campaign(scene, slug="shell")
    make_user("陈医生", Role.EXPERT)
    export, users, mapping = (tmp_path / name for name in ("export.json", "users.json", "mapping.json"))
    first = tasks_of(campaign)[0]
    data = {"code": first.item.code, "model": first.response.submission.entry.name}  # type: ignore[union-attr]
    export.write_text(json.dumps([row(1, data, annotation(1, 7, SAFE))]), "utf-8")
    users.write_text(json.dumps({"7": "陈医生"}), "utf-8")
    mapping.write_text(json.dumps({"item": "code", "entry": "model"}), "utf-8")
    arguments = ("import_label_studio", str(export), "--campaign", "shell", "--users", str(users))
    call_command(*arguments, "--mapping", str(mapping), "--json")
    out = json.loads(capsys.readouterr().out)
    assert out["counts"]["imported"] == 1 and out["problems"] == [] and not out["trial"]
    call_command(*arguments, "--trial")
    assert "1 unmatched" in capsys.readouterr().out
    export.write_text("[1, 2", "utf-8")
    with pytest.raises(CommandError, match="no JSON"):
        call_command(*arguments)
