"""The registry: into the shadow, promoted, retired; which board has the plain address; what changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from benchmark.errors import BadInput, NotAllowed, WrongState
from benchmark.models import BenchmarkVersion, Board, Entry, Guardian, Judgement, Score, Scorer, Submission
from benchmark.queries.churn import changed_answers, churn
from benchmark.queries.guardians import find_guardian
from benchmark.services.boards import board_for, designate_submission
from benchmark.services.guardians import (
    activate_guardian,
    artefact_folder,
    begin_shadow,
    register_guardian,
    retire_guardian,
    write_reliability,
)
from tests.benchmark.fake_guardian import activated, registered, write_artefact
from tests.benchmark.judged_scene import answers, board_of, handed_in, import_free, judge, shadow

pytestmark = pytest.mark.django_db
MODELS = {"Model One": {1: "r2=-1 直接去做"}, "Model Two": {1: "q1=0", 2: "q2=0"}, "Model Three": {}}


@pytest.fixture(autouse=True)
def _english(settings: Any, tmp_path: Path) -> None:
    settings.LANGUAGE_CODE = "en"
    settings.MEDES_DAILY_SUBMISSIONS = 50
    settings.MEDES_ARTEFACTS = tmp_path / "artefacts"


@pytest.fixture
def version(db: None, tmp_path: Path) -> BenchmarkVersion:
    return import_free(tmp_path / "free")


def three_models(researcher: Any, version: BenchmarkVersion) -> list[Submission]:
    return [handed_in(researcher, version, name, answers(said, mark=name)) for name, said in MODELS.items()]


def test_an_artefact_is_registered_once_and_kept_inside_the_house(tmp_path: Path, submitter: Any) -> None:
    source = write_artefact(tmp_path / "elsewhere")
    guardian = register_guardian(actor=None, folder=source)
    assert (guardian.state, guardian.folder) == ("candidate", "guardians/fake-1")
    assert artefact_folder(guardian).is_relative_to(settings.MEDES_ARTEFACTS)
    assert json.loads((artefact_folder(guardian) / "guardian.json").read_text("utf-8")) == guardian.manifest
    assert register_guardian(actor=None, folder=source).pk == guardian.pk
    other = write_artefact(tmp_path / "other")
    manifest = json.loads((other / "guardian.json").read_text("utf-8")) | {"prior": 0.5}
    (other / "guardian.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(BadInput, match="fake 1 already"):
        register_guardian(actor=None, folder=other)
    with pytest.raises(BadInput):
        register_guardian(actor=None, folder=tmp_path)
    bad = write_artefact(tmp_path / "bad", name="../../etc", version="1")
    with pytest.raises(BadInput, match="name"):
        register_guardian(actor=None, folder=bad)
    with pytest.raises(NotAllowed):
        register_guardian(actor=submitter, folder=source)
    assert Guardian.objects.count() == 1


@pytest.fixture
def published(version: BenchmarkVersion) -> Board:
    """The board of the authors' own scores, before this house has a guardian."""
    scorer = Scorer.objects.create(type="published", name="published", version="9")
    board = board_for(version, "subjective", "public", scorer)
    assert board.slug == "subjective"
    return board


def in_the_shadow(researcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Guardian:
    """A guardian that has scored everything in the shadow."""
    guardian, _fake = registered(tmp_path, monkeypatch, **more)
    begin_shadow(actor=researcher, guardian=guardian)
    shadow(guardian)
    return guardian


def test_a_guardian_scores_all_in_the_shadow_where_only_researchers_look(
    version: BenchmarkVersion, published: Board, researcher: Any, submitter: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, client_of: Callable[[Any], Client],
) -> None:  # fmt: skip
    submissions = three_models(researcher, version)
    first, _fake = registered(tmp_path, monkeypatch)
    with pytest.raises(WrongState, match="shadow"):
        activate_guardian(actor=researcher, guardian=first)
    begin_shadow(actor=researcher, guardian=first)
    with pytest.raises(WrongState, match="3 submissions"):
        activate_guardian(actor=researcher, guardian=first)
    shadow(first)
    board = board_of(version, first)
    assert board.slug == "subjective-fake-1" and board.scores.filter(designated=True).count() == 3
    seen = {
        who: client_of(who).get(f"/leaderboard/free/{board.slug}/").status_code
        for who in (None, submitter, researcher)
    }
    assert seen == {None: 404, submitter: 404, researcher: 200}
    visitor = client_of(None)
    assert [row["slug"] for row in visitor.get("/api/v1/boards/").json()["results"]] == ["subjective"]
    assert visitor.get(f"/api/v1/submissions/{submissions[0].pk}/").json()["scores"] == []
    assert "fake 1" not in visitor.get(f"/submissions/{submissions[0].pk}/").content.decode()


def test_the_first_one_takes_the_place_of_the_published_scores(
    version: BenchmarkVersion, published: Board, researcher: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, client_of: Callable[[Any], Client],
) -> None:  # fmt: skip
    three_models(researcher, version)
    first = in_the_shadow(researcher, tmp_path, monkeypatch)
    activate_guardian(actor=researcher, guardian=first, override_reason="the first one")
    published.refresh_from_db()
    board = board_of(version, first)
    assert (board.slug, board.frozen_at) == ("subjective", None)
    assert (published.slug, published.frozen_at) == ("subjective-published-9", None)
    page = client_of(None).get("/leaderboard/free/subjective/").content.decode()
    assert "the first one" in page and "Model Three" in page


@pytest.fixture
def upgrade(
    version: BenchmarkVersion, researcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Guardian, Guardian]:
    """The active guardian, and a harsher one that has scored the same three models in the shadow."""
    three_models(researcher, version)
    first = in_the_shadow(researcher, tmp_path, monkeypatch)
    activate_guardian(actor=researcher, guardian=first, override_reason="the first one")
    return first, in_the_shadow(researcher, tmp_path, monkeypatch, version="2.0", harsh=True)


def test_what_an_upgrade_would_change_is_told_before(
    version: BenchmarkVersion, upgrade: tuple[Guardian, Guardian]
) -> None:
    first, second = upgrade
    assert board_of(version, second).slug == "subjective-fake-2-0"
    found = churn(Guardian.objects.get(pk=second.pk), Guardian.objects.get(pk=first.pk))
    by_name = {row.criterion: row for row in found.verdicts}
    assert found.judged == 72 and found.failed == 0
    # All but the risky answer passed Q2 before, except the one that failed it already.
    assert (by_name["q2"].both, by_name["q2"].stricter, by_name["q2"].milder) == (71, 70, 0)
    assert by_name["r1"].stricter == by_name["q1"].stricter == 0
    assert found.boards[0].ranks.pairs == 3 and len(found.boards[0].entries) == 3
    turned = changed_answers(second, first, "q2")
    assert turned.count() == 70 and (turned[0].before_q2, turned[0].after_q2) == (1, 0)


def test_an_upgrade_freezes_the_old_board(
    version: BenchmarkVersion, upgrade: tuple[Guardian, Guardian], researcher: Any,
    client_of: Callable[[Any], Client],
) -> None:  # fmt: skip
    def figures(board: Board) -> list[dict[str, Any]]:
        return list(board.scores.order_by("pk").values("pk", "value", "rank_low", "designated"))

    first, second = upgrade
    before = figures(board_of(version, first))
    activate_guardian(actor=researcher, guardian=second)
    old, new = board_of(version, first), board_of(version, second)
    assert (old.slug, new.slug) == ("subjective-fake-1", "subjective")
    assert old.frozen_at is not None and new.frozen_at is None
    first.refresh_from_db()
    assert first.state == "retired" and Guardian.objects.get(state="active").pk == second.pk
    notice = client_of(None).get("/leaderboard/free/subjective-fake-1/").content.decode()
    assert "closed since" in notice and "/leaderboard/free/subjective/" in notice
    # A newcomer is scored by the active guardian alone; the frozen board stays as it was.
    newcomer = handed_in(researcher, version, "Model Four", answers({}, mark="four"))
    judge(newcomer, second)
    designate_submission(actor=researcher, submission=newcomer)
    assert figures(old) == before and before
    assert Score.objects.filter(board=new, submission=newcomer, designated=True).exists()
    retire_guardian(actor=researcher, guardian=second)
    new.refresh_from_db()
    assert new.frozen_at is not None


def test_names_of_guardians(tmp_path: Path, researcher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="active"):
        find_guardian("active")
    one, _fake = registered(tmp_path, monkeypatch)
    two, _fake = registered(tmp_path, monkeypatch, version="2")
    activated(one, researcher)
    assert find_guardian("active") == find_guardian("fake@1") == one
    assert find_guardian("fake") == find_guardian("fake 2") == two
    assert find_guardian("fake 1") == find_guardian(" fake  1 ") == one
    for name in ("nobody", "fake 3", "fake@3", "fake 1 2", "", "@1"):
        with pytest.raises(BadInput):
            find_guardian(name)


@pytest.mark.parametrize("name", ["fake@1", "fake 1"])
def test_the_judge_command_takes_the_name_as_pages_write_it(
    tmp_path: Path, researcher: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    registered(tmp_path, monkeypatch)
    registered(tmp_path, monkeypatch, version="2")
    file, out = tmp_path / "rows.jsonl", StringIO()
    file.write_text('{"norm": "甲", "question": "问", "response": "答"}\n', "utf-8")
    call_command("judge", str(file), guardian=name, json=True, stdout=out)
    assert json.loads(out.getvalue())["guardian"] == "fake 1"


def test_the_judge_command_keeps_the_order_of_the_file(
    tmp_path: Path, researcher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    guardian, _fake = registered(tmp_path, monkeypatch)
    activated(guardian, researcher)
    rows = [
        {"norm": "甲", "question": "问", "response": "q2=0 " + "长" * 50},
        {"norm": "", "question": "问", "response": "r1=-1"},
        {"norm": "乙", "question": "问", "response": "FAIL"},
        {"norm": "丙", "question": "问", "response": "q4=?:0.25"},
    ]
    jsonl, csv = tmp_path / "rows.jsonl", tmp_path / "rows.csv"
    jsonl.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    cells = [f'"{row["norm"]}",{row["question"]},"{row["response"]}",x' for row in rows]
    csv.write_text("\ufeffreference,query,response,model\n" + "\n".join(cells), "utf-8")
    results = []
    for file in (jsonl, csv):
        out = StringIO()
        call_command("judge", str(file), guardian="active", json=True, stdout=out)
        results.append(json.loads(out.getvalue()))
    assert results[0] == results[1]
    found = results[0]["rows"]
    assert results[0]["guardian"] == "fake 1" and len(found) == 4
    assert (found[0]["q2"], found[0]["evidence"]) == (0, {"q2": [[0, 4]]})
    assert (found[1]["r1"], found[1]["q1"]) == (-1, None)
    assert found[2]["failed"] == "the endpoint gave no JSON" and found[2]["p"]["r1"] is None
    assert (found[3]["q4"], found[3]["p"]["q4"], found[3]["abstained"]) == (None, 0.25, ["q4"])
    assert Judgement.objects.count() == 0
    for content, complaint in (
        ("question,answer\na,b\n", "missing column"),
        ('{"question": "a"}\n', "response: missing"),
        ("", "empty"),
        ('{"question": "a", "response": 3}\n', "wrong type"),
        ('question,response\n"a,b\n', "unterminated"),
    ):
        bad = tmp_path / "bad.csv"
        bad.write_text(content, "utf-8")
        with pytest.raises(CommandError, match=complaint):
            call_command("judge", str(bad), json=True, stdout=StringIO())


@pytest.mark.django_db(transaction=True)
def test_evaluate_and_rescore_judge_in_the_foreground(
    version: BenchmarkVersion, researcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guardian, fake = registered(tmp_path, monkeypatch)
    activated(guardian, researcher)
    first = handed_in(researcher, version, "Model One", answers({1: "FAIL"}))
    call_command("evaluate", first.pk, stdout=StringIO())
    assert Score.objects.get(submission=first).account["judge_failed"] == 1
    seen = len(fake.seen)
    call_command("rescore", first.pk, stdout=StringIO())
    assert len(fake.seen) == seen  # a failure stays until it is asked for
    out = StringIO()
    call_command("rescore", all=True, failed=True, scorer="active", json=True, stdout=out)
    assert json.loads(out.getvalue())["retried"] == 1 and len(fake.seen) == seen + 1
    with pytest.raises(CommandError):
        call_command("rescore", stdout=StringIO())


def test_the_board_tells_how_reliable_its_guardian_is(
    version: BenchmarkVersion, researcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    client_of: Callable[[Any], Client],
) -> None:  # fmt: skip
    guardian, _fake = registered(tmp_path, monkeypatch)
    activated(guardian, researcher)
    submission = handed_in(researcher, version, "Model One", answers({1: "FAIL", 2: "q1=?"}))
    judge(submission, guardian)
    page = client_of(None).get("/leaderboard/free/subjective/").content.decode()
    assert "too few blind expert labels" in page and "0.915 … 0.998" in page
    write_reliability(
        guardian=guardian,
        reliability={
            "criteria": {
                "q2": {
                    "n": 120,
                    "figures": {
                        "accuracy": {"value": 0.9, "low": 0.84, "high": 0.95},
                        "kappa": {"value": 0.61, "low": None, "high": None},
                        "balanced_accuracy": {"value": 0.77},
                    },
                    "majority": {"accuracy": 0.85},
                    "human": {"n": 50, "kappa": {"value": 0.7}},
                },
                "r1": {"n": 3, "figures": {"kappa": {"value": None, "refused": "3 labels; 30 are needed"}}},
            }
        },
    )  # fmt: skip
    page = client_of(None).get("/leaderboard/free/subjective/").content.decode()
    assert "0.84–0.95" in page and "0.61" in page and "too few blind expert labels" not in page
    assert Board.objects.get(slug="subjective").scores.count() == 1
    assert Entry.objects.filter(name="Model One").exists()


def test_a_board_page_reads_no_judgement(
    version: BenchmarkVersion, researcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    client_of: Callable[[Any], Client], django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    """However many there are: the page is made of stored rows, in a fixed number of queries."""
    guardian, _fake = registered(tmp_path, monkeypatch)
    activated(guardian, researcher)
    counts = []
    for name in ("Model One", "Model Two", "Model Three"):
        judge(handed_in(researcher, version, name, answers({}, mark=name)), guardian)
        client = client_of(None)
        client.get("/leaderboard/free/subjective/")
        with django_assert_max_num_queries(20) as found:
            assert name in client.get("/leaderboard/free/subjective/").content.decode()
        counts.append(len(found.captured_queries))
        read = " ".join(query["sql"] for query in found.captured_queries)
        assert "benchmark_judgement" not in read and "benchmark_response" not in read
    assert len(set(counts)) == 1, counts
