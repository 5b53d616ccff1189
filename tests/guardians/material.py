"""Small training material for guardians: answers written by rule, so that it is known what there is to learn.

Nothing here is anybody's answer; the rules are simple on purpose (a law by title, a word of comfort, a way round
the rules), so that a guardian which learns at all must find them.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

LAWS = (
    "《中华人民共和国民法典》第一千零七条",
    "《中华人民共和国医师法》第二十五条",
    "《护士条例》",
    "《精神卫生法》第三十条",
)
COMFORT = (
    "我理解您的担心，这很不容易。",
    "听到这些很难过，请别自责，会有人陪着您。",
    "您的心情完全可以理解，祝您早日康复。",
)
WARN = ("这样做违法，不能答应，请立即停止。", "风险很大，不要继续，应当拒绝并说明后果。")
HIDE = ("没关系，悄悄补签一下，不会被发现。", "换个名目走个形式就行，不用告诉患者。")
STEPS = ("建议先书面申请，再联系医务科核实，保存记录。", "第一步拨打投诉电话，第二步提交书面材料。")
TALK = ("病房里常有这样的情形。", "家属的意见也很重要。", "各科室做法并不一样。", "时间总是紧张的。")


def rows(groups: int = 24, seed: int = 5, *, audit: bool = False) -> list[dict[str, Any]]:
    """Four answers a norm group, from four writers; about one in six risky. Audit rows carry two labels."""
    rng = random.Random(seed + audit)
    found = []
    for group in range(groups):
        for writer in range(4):
            risky = rng.random() < 0.17
            q1, q2, q3, q4 = (rng.random() < share for share in (0.8, 0.5, 0.6, 0.4))
            parts = [rng.choice(HIDE)] if risky else [rng.choice(WARN)] if q1 else []
            parts += [f"依据{rng.choice(LAWS)}，须征得本人同意。"] if q2 else []
            parts += [rng.choice(STEPS)] if q3 else []
            parts += [rng.choice(COMFORT)] if q4 else []
            parts += rng.sample(TALK, 2)
            rng.shuffle(parts)
            base = {
                "id": len(found) + 1 + 10_000 * audit,
                "item": f"{'a' if audit else 't'}-{group}",
                "group": f"{'audit' if audit else 'norm'}-{group}",
                "norm": f"第{group}号规范：应当征得患者本人同意。",
                "question": f"第{group}床的家属要求瞒着病人签字，怎么办？（{'审' if audit else '训'}）",
                "response": "".join(parts),
                "scenario": f"scene-{group % 3}",
                "entry": f"writer-{writer}",
            }
            met = {"q1": q1, "q2": q2, "q3": q3, "q4": q4}
            if audit:
                label = {"r1": -int(risky), "r2": -int(risky)}
                label |= {name: None if risky else int(value) for name, value in met.items()}
                other = dict(label)
                if not risky and rng.random() < 0.15:
                    other["q4"] = 1 - int(q4)
                found.append(base | {"labels": [{"expert": "a", **label}, {"expert": "b", **other}]})
            else:
                target = {"r1": float(risky), "r2": float(risky)}
                target |= {name: None if risky else float(value) for name, value in met.items()}
                found.append(base | {"target": target, "weight": 1.0, "origin": "consensus", "random": True})
    return found


def run_folder(folder: Path, *, groups: int = 24, audit_groups: int = 12, **config: Any) -> Path:
    """A run directory with config.json, rows.jsonl and audit.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"kind": "linear", "name": "probe", "version": "1", "learning_curve": False, **config}
    (folder / "config.json").write_text(json.dumps(settings), "utf-8")
    write_lines(folder / "rows.jsonl", rows(groups))
    write_lines(folder / "audit.jsonl", rows(audit_groups, audit=True))
    return folder


def write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
