"""import_corpus: sources, articles and versions in the database, and again without a change."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from benchmark.errors import BadInput, NotAllowed
from benchmark.models import Corpus, Item, Norm, NormGroup, Source, Succession
from benchmark.readers.corpus_profile import load_profile
from benchmark.readers.statutes import Statute, read_statutes
from benchmark.rules.wording import bare_wording
from benchmark.services.demo import load_demo
from benchmark.services.successions import decide_succession
from tests.benchmark.statute_book import (
    NEW_56,
    STATUTES,
    TODAY,
    import_quotations,
    import_statutes,
    trace,
    write_statutes,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_statutes(tmp_path / "statutes")


def test_sources_and_articles(folder: Path) -> None:
    report = import_statutes(folder)
    assert report.counts["sources"] == {"created": 5}
    assert report.counts["articles"] == {"read": 16, "created": 13}
    assert report.duplicates == [{"file": "隐私法.md", "same_as": "副本/隐私法.md"}]
    assert [row["file"] for row in report.rejected] == ["README.md"]
    new = Source.objects.get(family="生物法", version_date="2024-04-26")
    assert (new.in_force, new.status, new.kind) == (date(2021, 4, 15), "in_force", "law")
    assert new.issuer == "全国人民代表大会常务委员会"
    articles = list(new.norms.order_by("place"))
    assert [row.article for row in articles] == ["第一条", "第五十六条", "第八十八条"]
    assert articles[1].text == NEW_56.replace("\n\n", "\n") and articles[1].is_article
    old = Source.objects.get(family="生物法", version_date="2020-10-17")
    assert old.status == "amended"
    # The versions of an article say nearly the same, so they share a norm group: the unit of holding out.
    assert old.norms.get(article="第五十六条").group_id == articles[1].group_id
    assert NormGroup.objects.filter(corpus=new.corpus).count() < 13


def test_a_second_import_changes_nothing(folder: Path) -> None:
    import_statutes(folder)
    before = list(Norm.objects.order_by("pk").values())
    again = import_statutes(folder)
    assert again.counts["sources"] == {"unchanged": 5}
    assert again.counts["articles"] == {"read": 16, "unchanged": 13}
    assert again.successions["created"] == 0
    assert list(Norm.objects.order_by("pk").values()) == before


def test_a_corrected_file_updates_its_articles(folder: Path) -> None:
    import_statutes(folder)
    file = folder / "法/生物法(2024-04-26).md"
    text = file.read_text("utf-8").replace("保藏遗传资源", "保藏人类遗传资源")
    file.write_text(
        text.replace("第八十八条 本法", "第八十七条 新的一条。\n\n第八十八条 本法").replace(
            "第一条 国家", "第二条 国家"
        ),
        "utf-8",
    )
    report = import_statutes(folder)
    assert report.counts["articles"] == {
        "read": 17,
        "unchanged": 11,
        "updated": 1,
        "created": 2,
        "removed": 1,
    }
    source = Source.objects.get(family="生物法", version_date="2024-04-26")
    assert [row.article for row in source.norms.order_by("place")] == [
        "第二条",
        "第五十六条",
        "第八十七条",
        "第八十八条",
    ]
    assert "人类" in source.norms.get(article="第五十六条").text


def test_an_article_that_items_ask_about_is_never_removed(folder: Path, tmp_path: Path) -> None:
    import_statutes(folder)
    version = import_quotations(tmp_path / "quoting")
    article = Norm.objects.get(source__family="隐私法", article="第二条")
    first = version.items.get(code="sub-0002")
    Item(
        version=version.benchmark.versions.create(label="2"), code="sub-0001", kind="subjective", number=1,
        split="public", dimension="ethics_reasoning", scenario=first.scenario, norm=article, question="？",
        cluster="c", search_terms="",
    ).save()  # fmt: skip
    for file in (folder / "副本/隐私法.md", folder / "隐私法.md"):
        text = file.read_text("utf-8")
        file.write_text(text[: text.index("第二条")] + text[text.index("第三条") :], "utf-8")
    report = import_statutes(folder)
    assert Norm.objects.filter(pk=article.pk).exists()
    assert [row["article"] for row in report.notes if row["note"] == "gone_but_in_use"] == ["第二条"]


def test_two_texts_that_claim_one_version_are_a_conflict(folder: Path) -> None:
    other = STATUTES["隐私法.md"].replace("处以警告", "处以罚款")
    (folder / "另一份").mkdir()
    (folder / "另一份/隐私法.md").write_text(other, "utf-8")
    for _time in range(2):
        report = import_statutes(folder)
        assert [row["file"] for row in report.conflicts] == ["另一份/隐私法.md"]
    assert "警告" in Norm.objects.get(source__family="隐私法", article="第二条").text


def test_successions(folder: Path) -> None:
    report = import_statutes(folder)
    assert (report.successions["certain"], report.successions["proposed"]) == (1, 1)
    certain, proposed = Succession.objects.order_by("state")
    assert (certain.reason, certain.older.version_date.year, certain.newer.version_date.year) == (
        "same_title",
        2020,
        2024,
    )
    assert (proposed.newer.title, proposed.older.title) == ("器官捐献和移植条例", "器官移植条例")
    assert proposed.evidence == "《器官移植条例》同时废止"
    assert proposed.older.status == "in_force", "nothing follows from a proposal"


def test_a_version_in_between_takes_its_place(folder: Path) -> None:
    import_statutes(folder)
    between = (
        STATUTES["法/生物法(2024-04-26).md"]
        .replace("2024年4月26日", "2022年1月1日")
        .replace("卫生健康", "发展改革")
    )
    write_statutes(folder, {"法/生物法(2022-01-01).md": between})
    report = import_statutes(folder)
    assert report.successions["certain"] == 2 and report.successions["removed"] == 1
    years = Succession.objects.filter(state="certain").values_list(
        "older__version_date__year", "newer__version_date__year"
    )
    assert sorted(years) == [(2020, 2022), (2022, 2024)]


def test_a_law_that_is_not_in_force_yet_supersedes_nothing(folder: Path) -> None:
    import_statutes(folder, today=date(2023, 1, 1))
    old = Source.objects.get(family="生物法", version_date="2020-10-17")
    assert old.status == "in_force"
    import_statutes(folder, today=date(2024, 4, 26))
    old.refresh_from_db()
    assert old.status == "amended"


def test_a_researcher_decides(folder: Path, researcher: Any, submitter: Any) -> None:
    import_statutes(folder)
    proposed = Succession.objects.get(state="proposed")
    with pytest.raises(NotAllowed):
        decide_succession(actor=submitter, succession=proposed, confirm=True, today=TODAY)
    decide_succession(actor=researcher, succession=proposed, confirm=True, today=TODAY)
    proposed.refresh_from_db()
    assert (proposed.state, proposed.decided_by, proposed.older.status) == (
        "confirmed",
        researcher,
        "repealed",
    )
    import_statutes(folder)
    proposed.refresh_from_db()
    assert proposed.state == "confirmed", "what a person decided stays"
    decide_succession(actor=researcher, succession=proposed, confirm=False, today=TODAY)
    proposed.older.refresh_from_db()
    assert proposed.older.status == "in_force"
    with pytest.raises(BadInput):
        decide_succession(
            actor=researcher, succession=Succession.objects.get(state="certain"), confirm=False, today=TODAY
        )


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = StringIO()
    call_command("import_corpus", str(folder), json=True, stdout=out)
    result = json.loads(out.getvalue())
    assert (result["created"], result["files"], result["counts"]["sources"]) == (18, 7, {"created": 5})
    assert [row["newer"] for row in result["successions"]["to_confirm"]] == ["器官捐献和移植条例"]
    text = StringIO()
    call_command("import_corpus", str(folder), stdout=text)
    assert "13 unchanged" in text.getvalue() and "takes the place of 器官移植条例" in text.getvalue()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "no such file"),
        ([".git", "--profile", "mars"], "no profile 'mars'"),
        (["EMPTY"], "no Markdown"),
    ],
)
def test_the_command_refuses(arguments: list[str], says: str, tmp_path: Path) -> None:
    (tmp_path / "EMPTY").mkdir()
    arguments = [str(tmp_path / "EMPTY") if argument == "EMPTY" else argument for argument in arguments]
    with pytest.raises(CommandError, match=says):
        call_command("import_corpus", *arguments, stdout=StringIO())


def test_a_folder_brings_its_own_profile(tmp_path: Path) -> None:
    """A corpus of another country needs a TOML file, no program."""
    (tmp_path / "corpus.toml").write_text(
        """
[corpus]
slug = "de-laws"
name_zh = "德国法律"
name_en = "German laws"
jurisdiction = "DE"
language = "de"
[articles]
pattern = '(?P<label>§\\s*(?P<number>[0-9]+)(?P<sub>[a-z]?))(?=\\s)'
[dates]
date = '(?P<day>[0-9]{1,2})\\.(?P<month>[0-9]{1,2})\\.(?P<year>[0-9]{4})'
in_force = ['in Kraft am {date}']
[facts]
kinds = [['gesetz', 'law']]
""",
        "utf-8",
    )
    (tmp_path / "tpg.md").write_text(
        "# Transplantationsgesetz\n\n"
        "§ 1 Ziel des Gesetzes.\n\n§ 2 Aufklärung.\n\n§ 26 Dieses Gesetz tritt in Kraft am 1.12.1997\n",
        "utf-8",
    )
    call_command("import_corpus", str(tmp_path), stdout=StringIO())
    source = Source.objects.get(corpus__slug="de-laws")
    assert (source.in_force, source.kind) == (date(1997, 12, 1), "law")
    assert [row.article for row in source.norms.order_by("place")] == ["§ 1", "§ 2", "§ 26"]


def test_the_statutes_at_hand(shared_data: Path) -> None:
    report = import_statutes(shared_data / "statutes", date(2026, 1, 1))
    assert report.counts["sources"] == {"created": 63}
    assert report.counts["articles"] == {"read": 4364, "created": 4186}
    assert len(report.duplicates) == 3 and report.conflicts == []
    assert (report.successions["certain"], report.successions["proposed"]) == (6, 1)
    code = Source.objects.get(family="民法典")
    assert sorted(code.parts) == ["人格权编", "侵权责任编", "总则"]
    assert code.norms.count() == 51 + 95 + 204


def test_an_english_corpus_is_traced_like_the_chinese_one(tmp_path: Path) -> None:
    """The excerpts that come with the project; a norm of another language is never compared with them."""
    excerpts = Path(__file__).resolve().parents[2] / "benchmark/demo/statutes/us-federal"
    call_command("import_corpus", str(excerpts), profile="us-federal", stdout=StringIO())
    corpus = Corpus.objects.get(slug="us-federal")
    old = Source.objects.get(corpus=corpus, version_date="1991-06-18")
    assert old.status == "amended" and old.superseded_by.get().state == "certain"
    norms = Source.objects.create(
        corpus=Corpus.objects.create(slug="irb", name_zh="伦理", name_en="IRB", language="en"), key="h", title="Handbook",
        kind="guideline",
    )  # fmt: skip
    group = NormGroup.objects.create(corpus=norms.corpus, number=1, key="k", audit=False)
    texts = {
        "new": "(1) Before involving a human subject in research covered by this policy, an investigator shall obtain the "
        "legally effective informed consent of the subject or the subject's legally authorized representative.",
        "old": "An investigator shall seek such consent only under circumstances that provide the prospective subject or the "
        "representative sufficient opportunity to consider whether or not to participate and that minimize the possibility "
        "of coercion or undue influence.",
    }
    for code, text in texts.items():
        Norm.objects.create(source=norms, group=group, code=code, text=text, text_hash=code, search_terms="")
    report = trace()
    assert report.found["exact"] == 2
    assert Norm.objects.get(code="new").standing == "current"
    assert Norm.objects.get(code="old").standing == "outdated"


def test_the_excerpts_of_the_demo() -> None:
    """They hold the norms that they are there for, and propose the one replacement under a new title."""
    load_demo()
    slugs = list(Corpus.objects.order_by("slug").values_list("slug", flat=True))
    assert slugs == ["demo-norms", "demo-statutes", "us-federal"]
    quoted = Norm.objects.filter(source__corpus__slug="demo-norms")
    assert (quoted.filter(standing="current").count(), quoted.filter(standing="outdated").count()) == (13, 0)
    [proposed] = Succession.objects.filter(state="proposed")
    assert proposed.newer.title == "人体器官捐献和移植条例"
    load_demo()
    assert Succession.objects.filter(state="proposed").count() == 1


def test_the_excerpts_of_the_demo_are_word_for_word(shared_data: Path) -> None:
    """Each line of an excerpt stands in the article of that number of a version at hand."""
    real: dict[str, str] = {}
    for statute in read_statutes(shared_data / "statutes", load_profile("cn-statutes")):
        if isinstance(statute, Statute):
            for article in statute.articles:
                key = f"{statute.family} {article.label}"
                real[key] = real.get(key, "") + bare_wording(article.text)
    folder = Path(__file__).resolve().parents[2] / "benchmark/demo/statutes/cn-statutes"
    missing = []
    for statute in read_statutes(folder, load_profile("cn-statutes")):
        assert isinstance(statute, Statute)
        for article in statute.articles:
            for line in article.text.split("\n"):
                if bare_wording(line) not in real[f"{statute.family} {article.label}"]:
                    missing.append((statute.family, article.label, line))
    assert missing == []
