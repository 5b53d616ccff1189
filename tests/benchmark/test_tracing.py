"""trace_norms: what is linked, what is proposed, what the law has outrun; and what a person decides."""

from __future__ import annotations

import json
import random
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from benchmark.errors import BadInput, NotAllowed
from benchmark.models import Norm, Source, Succession, Trace
from benchmark.queries.lineage import renewed_wording, superseded_sources
from benchmark.rules.wording import bare_letters, bare_wording
from benchmark.services.benchmark_files import plan_import
from benchmark.services.importing import import_benchmark
from benchmark.services.successions import decide_succession
from benchmark.services.tracing import decide_trace, refresh_standing, undo_decision
from tests.benchmark.statute_book import (
    NEW_56,
    STATUTES,
    TODAY,
    import_quotations,
    import_statutes,
    norm,
    trace,
    write_statutes,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def quoting(tmp_path: Path) -> None:
    import_statutes(write_statutes(tmp_path / "statutes"))
    import_quotations(tmp_path / "quoting")


def found(code: str) -> list[tuple[str, str, str]]:
    rows = norm(code).traces.order_by("article__source__version_date", "pk")
    return [(row.article.source.key, row.level, row.state) for row in rows]


def test_levels_and_standing(quoting: None) -> None:
    report = trace()
    assert (report.norms, report.articles, report.unchanged) == (7, 13, 0)
    assert report.found == {"exact": 4, "excerpt": 1, "near": 1, "none": 1}
    assert found("q-old") == [("生物法@2020-10-17", "exact", "certain")]
    assert [row[2] for row in found("q-same")] == ["certain", "certain"]
    assert found("q-privacy") == [("隐私法@2019-01-01", "exact", "certain")]
    assert found("q-excerpt") == [("隐私法@2019-01-01", "excerpt", "proposed")]
    assert found("q-near") == [("隐私法@2019-01-01", "near", "proposed")]
    assert found("q-none") == []
    standings = dict(Norm.objects.filter(place=None).values_list("code", "standing"))
    assert standings == {
        "q-old": "outdated", "q-same": "current", "q-privacy": "current", "q-living": "current",
        "q-excerpt": "untraced", "q-near": "untraced", "q-none": "untraced",
    }  # fmt: skip
    assert report.standing == {"untraced": 3, "current": 3, "outdated": 1}


def test_nothing_below_exact_is_ever_certain(quoting: None) -> None:
    trace(threshold=0.2, again=True)
    assert set(Trace.objects.exclude(level="exact").values_list("state", flat=True)) == {"proposed"}


def test_a_second_run_does_nothing(quoting: None) -> None:
    trace()
    before = list(Trace.objects.order_by("pk").values())
    again = trace()
    assert (again.unchanged, again.norms, dict(again.found)) == (7, 7, {})
    assert list(Trace.objects.order_by("pk").values()) == before


def test_a_corpus_of_another_language_changes_nothing(quoting: None) -> None:
    trace()
    excerpts = Path(__file__).resolve().parents[2] / "benchmark/demo/statutes/us-federal"
    call_command("import_corpus", str(excerpts), profile="us-federal", stdout=StringIO())
    assert trace().unchanged == 7


def test_new_law_is_noticed(quoting: None, tmp_path: Path) -> None:
    """A later version of the privacy law changes a word: the norm that was current is outdated."""
    trace()
    later = (
        STATUTES["隐私法.md"].replace("2019年1月1日", "2025年1月1日").replace("保密。泄露", "予以保护。泄露")
    )
    import_statutes(write_statutes(tmp_path / "statutes", {"隐私法(2025-01-01).md": later}))
    report = trace()
    assert report.unchanged == 0
    assert norm("q-privacy").standing == "outdated" and norm("q-same").standing == "current"


def test_a_replacement_under_a_new_title_counts_once_confirmed(quoting: None, researcher: Any) -> None:
    trace()
    assert norm("q-living").standing == "current"
    proposed = Succession.objects.get(state="proposed")
    decide_succession(actor=researcher, succession=proposed, confirm=True, today=TODAY)
    assert refresh_standing(today=TODAY)["outdated"] == 2
    living = norm("q-living")
    assert living.standing == "outdated"
    [wording] = renewed_wording(living.text, living.traces.get().article, superseded_sources(TODAY))
    assert (wording.article.source.title, wording.article.article) == ("器官捐献和移植条例", "第十一条")


def test_the_new_wording_of_an_outdated_norm(quoting: None) -> None:
    trace()
    old = norm("q-old")
    [wording] = renewed_wording(old.text, old.traces.get().article, superseded_sources(TODAY))
    assert wording.article.text == NEW_56.replace("\n\n", "\n") and 0.7 < wording.score < 1


def test_the_same_words_in_two_statutes_are_proposed(quoting: None, tmp_path: Path, researcher: Any) -> None:
    other = STATUTES["隐私法.md"].replace("# 隐私法", "# 护士法").replace("处以警告", "处以罚款")
    import_statutes(write_statutes(tmp_path / "statutes", {"护士法.md": other}))
    report = trace()
    assert report.ambiguous == 1
    assert {row[1:] for row in found("q-privacy")} == {("exact", "proposed")}
    assert norm("q-privacy").standing == "untraced"
    chosen = norm("q-privacy").traces.get(article__source__family="护士法")
    decide_trace(actor=researcher, trace=chosen, confirm=True, today=TODAY)
    assert norm("q-privacy").standing == "current"


def test_decisions_stay_and_can_be_taken_back(quoting: None, researcher: Any, submitter: Any) -> None:
    trace()
    excerpt, near = norm("q-excerpt").traces.get(), norm("q-near").traces.get()
    with pytest.raises(NotAllowed):
        decide_trace(actor=submitter, trace=excerpt, confirm=True, today=TODAY)
    decide_trace(actor=researcher, trace=excerpt, confirm=True, today=TODAY)
    decide_trace(actor=researcher, trace=near, confirm=False, today=TODAY)
    assert (norm("q-excerpt").standing, norm("q-near").standing) == ("current", "untraced")
    trace(again=True)
    excerpt.refresh_from_db()
    near.refresh_from_db()
    assert (excerpt.state, near.state, excerpt.decided_by) == ("confirmed", "rejected", researcher)
    undo_decision(actor=researcher, trace=excerpt, today=TODAY)
    excerpt.refresh_from_db()
    assert (excerpt.state, excerpt.decided_by, norm("q-excerpt").standing) == ("proposed", None, "untraced")
    for refused in (norm("q-old").traces.get(), excerpt):
        with pytest.raises(BadInput):
            undo_decision(actor=researcher, trace=refused, today=TODAY)
    with pytest.raises(BadInput):
        decide_trace(actor=researcher, trace=norm("q-old").traces.get(), confirm=False, today=TODAY)


def test_a_stated_source_is_checked_word_for_word(quoting: None) -> None:
    Norm.objects.filter(code="q-none").update(source=_source("中华人民共和国生物法"), article="第三条")
    Norm.objects.filter(code="q-same").update(source=_source("中华人民共和国隐私法"), article="第一条")
    Norm.objects.filter(code="q-privacy").update(source=_source("隐私法（某年修订）及"), article="第九条")
    Norm.objects.filter(code="q-old").update(source=_source("中华人民共和国生物法"), article="第五十七条")
    reasons = {row["code"]: (row["reason"], row["found"]) for row in trace(again=True).disagreements}
    assert reasons == {
        "q-none": ("not_word_for_word", []),
        "q-same": ("not_word_for_word", []),
        "q-old": ("other_article", ["第五十六条"]),
    }


def _source(title: str) -> Source:
    known = norm("q-near").source
    return Source.objects.get_or_create(
        corpus=known.corpus, key=title, defaults={"title": title, "kind": "law"}
    )[0]


def test_the_command(quoting: None) -> None:
    out, text = StringIO(), StringIO()
    call_command("trace_norms", json=True, stdout=out)
    result = json.loads(out.getvalue())
    assert (result["exact"], result["excerpt"], result["near"], result["none"]) == (4, 1, 1, 1)
    assert (result["traced"], result["proposed"], result["standing"]["outdated"]) == (7, 2, 1)
    call_command("trace_norms", stdout=text)
    assert "0 traced, 7 unchanged" in text.getvalue() and "1 outdated" in text.getvalue()
    for arguments in (["--corpus", "nothing"], ["--against", "quoting-norms"], ["--threshold", "0"]):
        with pytest.raises(CommandError):
            call_command("trace_norms", *arguments, stdout=StringIO())


def test_the_release_and_the_statutes_at_hand(shared_data: Path) -> None:
    """At least 240 of the 1,157 norms word for word; a random 50 of the links read again, letter by letter."""
    import_statutes(shared_data / "statutes", date(2026, 1, 1))
    import_benchmark(plan_import(str(shared_data / "medes"), benchmark="medes"))
    report = trace(date(2026, 1, 1))
    certain = Trace.objects.filter(state="certain").select_related("norm", "article__source")
    assert report.norms == 1157 and len({row.norm_id for row in certain}) == 258
    assert report.found["excerpt"] == 69 and report.found["near"] == 28
    for row in random.Random(1).sample(list(certain.order_by("pk")), 50):
        # By other means than the tracer's: without its numbering the norm is a piece of the article.
        assert bare_wording(row.norm.text) in bare_letters(row.article.text) or bare_wording(
            row.norm.text
        ) in bare_wording(row.article.text)
    [outdated] = Norm.objects.filter(standing="outdated")
    article = outdated.traces.get().article
    assert (article.source.family, article.article) == ("生物安全法", "第五十六条")
    assert str(article.source.version_date) == "2020-10-17"


def test_the_quotations_of_the_demo(shared_data: Path) -> None:
    """Every one whose statute is at hand stands there word for word, in the article that it names."""
    import_statutes(shared_data / "statutes", date(2026, 1, 1))
    demo = Path(__file__).resolve().parents[2] / "benchmark/demo"
    import_benchmark(plan_import(str(demo)))
    report = trace(date(2026, 1, 1))
    assert report.disagreements == []
    assert report.found == {"exact": 48} and report.standing["current"] == 48
