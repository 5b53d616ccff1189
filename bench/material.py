"""Release-shaped input made up on the spot: as many items, responses and characters as the release has."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

OBJECTIVE, SUBJECTIVE, NORMS, MODELS = 1_179, 4_897, 1_157, 8
SCENES = [f"情境{number:02d}" for number in range(14)]
WORDS = [
    "患者",
    "医师",
    "知情",
    "同意",
    "伦理",
    "审查",
    "规范",
    "隐私",
    "风险",
    "告知",
    "研究",
    "捐献",
    "诊疗",
    "护理",
    "家属",
    "机构",
    "记录",
    "权利",
    "义务",
    "安全",
]


def sentence(rng: random.Random, words: int) -> str:
    return "".join(rng.choice(WORDS) for _ in range(words)) + "。"


def reply(rng: random.Random, letters: str) -> str:
    """About 800 characters that end in a committed answer, as released replies do."""
    lines = ["【思考过程】：本题考查医学伦理。"]
    lines += [f"{letter}选项：{sentence(rng, 60)}因此{rng.choice(['正确', '错误'])}。" for letter in "ABCDE"]
    return "\n".join([*lines, f"【最终答案】：{letters}"])


def letters(rng: random.Random) -> str:
    return "".join(sorted(rng.sample("ABCDE", rng.randint(1, 4))))


def write_benchmark(folder: Path, seed: int = 1) -> None:
    rng = random.Random(seed)
    norms = [sentence(rng, 25) for _ in range(NORMS)]
    with (folder / "objective_questions.csv").open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(["scene", "query", "reference", "type"])
        for number in range(OBJECTIVE):
            options = "\n".join(f"{letter}.{sentence(rng, 8)}" for letter in "ABCDE")
            query = f"请作答。\n题目：{number} {sentence(rng, 15)}\n{options}\n【思考过程】：\n"
            out.writerow([rng.choice(SCENES), query, letters(rng), "客观题"])
    with (folder / "subjective_questions.csv").open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(["scene", "query", "reference", "type"])
        for number in range(SUBJECTIVE):
            out.writerow(
                [rng.choice(SCENES), f"{number} {sentence(rng, 60)}", norms[number % NORMS], "主观题"]
            )


def write_responses(path: Path, seed: int) -> int:
    """One model's answers to all items as JSONL; returns the number of rows."""
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, OBJECTIVE + 1):
            row = {"item": f"obj-{number:04d}", "response": reply(rng, letters(rng))}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        answer = sentence(rng, 600)
        for number in range(1, SUBJECTIVE + 1):
            row = {"item": f"sub-{number:04d}", "response": f"{number} {answer}"}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return OBJECTIVE + SUBJECTIVE
