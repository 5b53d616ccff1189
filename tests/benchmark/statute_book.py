"""Two versions of a law, a regulation and its successor under a new title, and a benchmark that quotes them: made up,
small enough to count by hand. The day is TODAY."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from benchmark.models import BenchmarkVersion, Norm
from benchmark.readers.corpus_profile import load_profile
from benchmark.services.benchmark_files import plan_import
from benchmark.services.corpora import CorpusPlan, CorpusReport, import_corpus
from benchmark.services.importing import import_benchmark
from benchmark.services.tracing import TracePlan, TraceReport, trace_norms

TODAY = date(2026, 1, 1)
OLD_56 = (
    "从事下列活动，应当经国务院科学技术主管部门批准：\n\n（一）采集重要遗传家系；\n\n（二）保藏遗传资源。"
)
NEW_56 = OLD_56.replace("科学技术", "卫生健康")
SAME = "国家建立生物安全风险监测预警制度，提高风险识别和分析能力。"
PRIVACY = "医疗机构及其医务人员应当对患者的隐私和个人信息保密。"
LIVING = "活体器官的接受人限于活体器官捐献人的配偶、直系血亲或者三代以内旁系血亲"

_PRIVACY_LAW = (
    f"# 隐私法\n\n2019年1月1日 全国人民代表大会通过\n\n<!-- INFO END -->\n\n第一条 {PRIVACY}泄露的，依法承担责任。"
    "\n\n第二条 有下列情形之一的，处以警告：\n\n（一）泄露隐私；\n\n（二）出售个人信息；\n\n（三）拒绝更正。\n\n"
    "第三条 本法自2019年6月1日起施行。\n"
)
STATUTES = {
    "法/生物法(2020-10-17).md": f"# 中华人民共和国生物法\n\n2020年10月17日 全国人民代表大会常务委员会通过\n\n"
    f"<!-- INFO END -->\n\n第一条 {SAME}\n\n第五十六条 {OLD_56}\n\n第八十八条 本法自2021年4月15日起施行。\n",
    "法/生物法(2024-04-26).md": f"# 中华人民共和国生物法\n\n2020年10月17日 全国人民代表大会常务委员会通过\n\n"
    f"2024年4月26日 修正\n\n<!-- INFO END -->\n\n第一条 {SAME}\n\n第五十六条 {NEW_56}\n\n"
    "第八十八条 本法自2021年4月15日起施行。\n",
    "条例/器官移植条例(2007-03-31).md": f"# 器官移植条例\n\n2007年3月31日 国务院令第491号公布\n\n<!-- INFO END -->\n\n"
    f"第十条 {LIVING}，或者有证据证明存在亲情关系的人员。\n\n第十一条 本条例自2007年5月1日起施行。\n",
    "条例/器官捐献和移植条例(2023-12-04).md": f"# 器官捐献和移植条例\n\n2023年12月4日 国务院令第767号公布\n\n"
    f"<!-- INFO END -->\n\n第十一条 {LIVING}。\n\n第五十条 本条例自2024年5月1日起施行。《器官移植条例》同时废止。\n",
    "隐私法.md": _PRIVACY_LAW,
    "副本/隐私法.md": _PRIVACY_LAW,
    "README.md": "# What this is\n\nNo statute.\n",
}
# Quoted by the benchmark: code -> text. What is found: the comment.
QUOTED = {
    "q-old": OLD_56.replace("\n\n", "\n"),  # exact, old version only: outdated
    "q-same": f"（三）{SAME}",  # exact, both versions: current
    "q-privacy": f"【保密】{PRIVACY}",  # exact: current
    "q-excerpt": "有下列情形之一的，处以警告：（二）出售个人信息；",  # excerpt
    "q-near": "医疗机构及其医护人员应当对病人的隐私和个人信息保密，泄露的，依法承担责任",  # near
    "q-none": "实验动物必须饲喂质量合格的全价饲料，不得饲喂霉变饲料。",
    "q-living": f"{LIVING}，或者有证据证明存在亲情关系的人员。",  # old regulation only
}


def write_statutes(folder: Path, statutes: dict[str, str] = STATUTES) -> Path:
    for name, text in statutes.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder


def import_statutes(folder: Path, today: date = TODAY) -> CorpusReport:
    return import_corpus(CorpusPlan(folder, load_profile("cn-statutes"), today))


def trace(today: date = TODAY, **more: Any) -> TraceReport:
    return trace_norms(TracePlan(today=today, **more))


def import_quotations(folder: Path) -> BenchmarkVersion:
    """The benchmark `quoting`: for each norm two subjective items, for the first an objective one; all public but one."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {"zh": "引用", "en": "Quoting"}
    corpus = {
        "slug": "quoting-norms", "name_zh": "引用规范", "name_en": "Quoted norms", "jurisdiction": "CN",
        "language": "zh", "version": "1",
    }  # fmt: skip
    head = {
        "slug": "quoting",
        "version": "1",
        "name": names,
        "corpus": corpus,
        "licence": "x",
        "description": names,
    }
    (folder / "benchmark.json").write_text(json.dumps(head), "utf-8")
    source = {"id": "handbook", "title": "手册", "kind": "guideline"}
    rows: dict[str, list[dict[str, Any]]] = {
        "sources": [source],
        "norms": [
            {"id": code, "source": "handbook", "article": "", "text": text} for code, text in QUOTED.items()
        ],
        "scenarios": [
            {"slug": "routine-care", "name_zh": "日常诊疗", "name_en": "Routine care", "aliases": []}
        ],
        "items": [],
    }
    for number, code in enumerate(QUOTED, 1):
        for part in range(2):
            rows["items"].append(
                {"id": f"sub-{2 * number + part:04d}", "kind": "subjective", "scenario": "routine-care", "norm": code,
                 "question": f"第{number}-{part}问：怎么办？", "dimension": "ethics_reasoning", "split": "public"}
            )  # fmt: skip
    options = [{"letter": letter, "text": f"选项{letter}"} for letter in "ABCD"]
    rows["items"].append(
        {"id": "obj-0001", "kind": "objective", "scenario": "routine-care", "norm": "q-old", "question": "由谁批准？",
         "options": options, "key": "A", "dimension": "ethics_knowledge", "split": "public"}
    )  # fmt: skip
    for name, lines in rows.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in lines)
        (folder / f"{name}.jsonl").write_text(text, "utf-8")
    report = import_benchmark(plan_import(str(folder)))
    assert not report.rejected, report.rejected
    return BenchmarkVersion.objects.get(benchmark__slug="quoting")


def norm(code: str) -> Norm:
    return Norm.objects.get(code=code, place=None)
