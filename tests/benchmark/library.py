"""The tiny benchmark of `cast` and what the pages of norms and items need besides: norms that say nearly
the same, questions that repeat, a prompt template, dirt that a spreadsheet would run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmark.models import Benchmark, BenchmarkVersion
from benchmark.services.benchmark_files import plan_import
from benchmark.services.importing import import_benchmark
from tests.benchmark.cast import benchmark_lines, write_benchmark

TEMPLATE = "请作答，用{{方括号}}。\n题目：{question}\n【思考过程】："
NEARLY = "医务人员应当替患者保守在诊疗中知道的秘密；泄露的，依法处理。"
FAR = "药品说明书以外的用法，须有循证依据，并取得患者明确的知情\n同意（informed consent，GB 18030）。"
MORE_NORMS = (("norm-4", "第四条", NEARLY), ("norm-5", "第五条", FAR))
FORMULA = "=1+1 的说法对吗？<script>alert(1)</script>"


def more_items() -> list[dict[str, Any]]:
    """obj-0020 repeats obj-0001 with another key, obj-0021 holds a formula, sub-0004 and on are about norm-5."""
    first = benchmark_lines()[0]
    subjective = benchmark_lines()[-3]
    return [
        {**first, "id": "obj-0020", "key": "AB"},
        {**first, "id": "obj-0021", "question": FORMULA, "key": "CD"},
        *(
            {
                **subjective,
                "id": f"sub-{n:04}",
                "norm": "norm-5",
                "question": f"第{n}问：说明书外用药怎么办？",
            }
            for n in range(4, 44)
        ),
    ]


def import_library(folder: Path) -> BenchmarkVersion:
    """The benchmark `tiny` with all that, frozen."""
    write_benchmark(folder)
    norms = [
        {"id": ref, "source": "house-rules", "article": article, "text": text}
        for ref, article, text in MORE_NORMS
    ]
    for name, rows in (("norms", norms), ("items", more_items())):
        with (folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "prompt_templates.json").write_text(
        json.dumps({"objective": TEMPLATE}, ensure_ascii=False), "utf-8"
    )
    report = import_benchmark(plan_import(str(folder)))
    assert not report.rejected, report.rejected
    return Benchmark.objects.get(slug="tiny").versions.get()
