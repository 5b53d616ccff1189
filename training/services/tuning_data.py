"""Draws SFT and DPO datasets: a snapshot of judged answers as files, with card, manifest and every row's lineage."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from benchmark.errors import BenchmarkError
from benchmark.models import Guardian
from benchmark.queries.guardians import active_guardian, find_guardian
from benchmark.rules.splits import stable_share
from training.errors import BadInput, NotAllowed, NothingToLearn
from training.models import Dataset
from training.policies import can_train
from training.queries.tuning_material import (
    OpenItem,
    Said,
    closed_questions,
    comparisons,
    open_items,
    said_by_experts,
    said_by_guardian,
    texts_of,
)
from training.rules import pairs as pair_rules
from training.rules.recipe import Recipe, RecipeError, parse_recipe
from training.rules.sft_rows import Answer, choose_answers
from training.rules.splits import OPEN_SPLIT, ClosedTexts, refusal
from training.services.dataset_files import DatasetDraft

Check = Callable[[], None]
FIXED_PROMPTS = 10


@dataclass(slots=True)
class Drawn:
    """What a recipe found, on its way to files. `left_out`: rows by reason. `rows`: (item, answers' ids, origin, figure)."""

    items: dict[int, OpenItem]
    closed: ClosedTexts
    left_out: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    lineage: dict[int, list[int]] = field(default_factory=dict)
    pair_lineage: dict[tuple[int, int], list[int]] = field(default_factory=dict)


def build_tuning_dataset(
    *, actor: Any, kind: str, recipe: Mapping[str, Any] | None = None, check: Check = lambda: None
) -> Dataset:
    """Draws the rows now; the same recipe on the same data gives the dataset that is there. `actor` None: the platform.

    Raises BadInput for a wrong recipe, NothingToLearn where no row is left, NotAllowed.
    """
    if actor is not None and not can_train(actor):
        raise NotAllowed(_("Only researchers build datasets."))
    try:
        asked = parse_recipe(kind, recipe or {})
    except RecipeError as error:
        raise BadInput(str(error), field=error.field) from None
    guardian = _guardian(asked)
    drawn = Drawn(open_items(asked), ClosedTexts(closed_questions()))
    drawn.items = _unrepeated(drawn, check)
    make = _sft_rows if kind == "sft" else _dpo_rows
    with DatasetDraft(kind) as draft:
        rows, figures = make(asked, guardian, drawn, check)
        if not rows:
            raise NothingToLearn(_nothing(drawn))
        held = {
            row["group"]
            for row in rows
            if stable_share(row["group"], f"held-out-{asked.seed}") < asked.held_out
        }
        if len(held) == len({row["group"] for row in rows}):
            held = set()  # so few norm groups that nothing would be left to learn from
        train = [row for row in rows if row["group"] not in held]
        draft.write("train.jsonl", train)
        draft.write("eval.jsonl", [row for row in rows if row["group"] in held])
        draft.write("prompts.jsonl", _prompts(drawn))
        manifest = {
            "files": draft.described,
            "counts": {
                "rows": len(train),
                "eval": len(rows) - len(train),
                "by_origin": dict(sorted(drawn.origins.items())),
                "left_out": dict(sorted(drawn.left_out.items())),
                **figures,
            },
            "lineage": {"guardian": str(guardian) if guardian else "", "recipe": asked.as_json()},
        }
        content_hash, folder = draft.content_hash, draft.keep()
    dataset, _made = Dataset.objects.get_or_create(
        kind=kind,
        content_hash=content_hash,
        defaults={
            "recipe": asked.as_json(),
            "folder": folder,
            "rows": len(train),
            "manifest": manifest,
            "card": _card(kind, manifest),
            "created_by": actor,
        },
    )
    return dataset


def _guardian(recipe: Recipe) -> Guardian | None:
    """The guardian whose opinion counts; none where none is asked for, or none is active and none was named."""
    if "guardian" not in recipe.sources:
        return None
    if not recipe.guardian:
        return active_guardian()
    try:
        return find_guardian(recipe.guardian)
    except BenchmarkError as error:
        raise BadInput(str(error), field="guardian") from None


def _unrepeated(drawn: Drawn, check: Check) -> dict[int, OpenItem]:
    """The open items that repeat no closed question."""
    kept = {}
    for number, (pk, item) in enumerate(drawn.items.items()):
        if number % 200 == 0:
            check()
        reason = refusal(OPEN_SPLIT, item.question, (), drawn.closed)
        if reason is None:
            kept[pk] = item
        else:
            drawn.left_out[f"question: {reason}"] += 1
    return kept


def _opinions(recipe: Recipe, guardian: Guardian | None, drawn: Drawn, check: Check) -> list[Said]:
    """One opinion on each answer: the experts' where there is one, else the guardian's."""
    found: dict[int, Said] = {}
    if "labels" in recipe.sources:
        for said in said_by_experts(recipe, drawn.items):
            found[said.response] = said
    if guardian is not None:
        for number, said in enumerate(said_by_guardian(guardian, drawn.items)):
            if number % 2000 == 0:
                check()
            found.setdefault(said.response, said)
    for response, said in found.items():
        drawn.lineage[response] = list(said.lineage)
    return list(found.values())


def _sft_rows(
    recipe: Recipe, guardian: Guardian | None, drawn: Drawn, check: Check
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    opinions = _opinions(recipe, guardian, drawn, check)
    texts = _usable_texts([said.response for said in opinions], recipe, drawn, check)
    answers = [
        Answer(said.item, said.response, texts[said.response][0], said.origin, said.risk, said.quality)  # type: ignore[arg-type]
        for said in opinions
        if said.response in texts
    ]
    chosen, left = choose_answers(
        answers,
        {pk: item.group for pk, item in drawn.items.items()},
        quality=recipe.quality,
        risk=recipe.risk,
        per_prompt=recipe.per_prompt,
        per_group=recipe.per_norm,
        limit=recipe.limit,
        seed=recipe.seed,
    )
    drawn.left_out.update(left)
    rows = []
    for one in chosen:
        drawn.origins[one.origin] += 1
        item = drawn.items[one.prompt]
        rows.append(
            {
                "prompt": _ask(item),
                "completion": [{"role": "assistant", "content": one.text}],
                "item": item.code,
                "group": item.group,
                "origin": one.origin,
                "lineage": {
                    "benchmark": item.benchmark,
                    "response": one.answer,
                    "entry": texts[one.answer][1],
                    "said": drawn.lineage[one.answer],
                },
            }
        )
    lengths = [len(one.text) for one in chosen]
    return rows, {"lengths": _lengths(lengths)}


def _dpo_rows(
    recipe: Recipe, guardian: Guardian | None, drawn: Drawn, check: Check
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    opinions = _opinions(recipe, guardian, drawn, check)
    compared = []
    if "pairs" in recipe.sources:
        for said, label in comparisons(recipe, drawn.items):
            compared.append(said)
            low, high = sorted((said.a, said.b))
            drawn.pair_lineage.setdefault((low, high), []).append(label)
    asked = {said.response for said in opinions} | {pk for said in compared for pk in (said.a, said.b)}
    texts = _usable_texts(sorted(asked), recipe, drawn, check)
    lengths = {pk: len(text) for pk, (text, _entry) in texts.items()}
    risky = frozenset(said.response for said in opinions if said.risk > recipe.risk)
    by_labels, left = pair_rules.pairs_from_comparisons(
        (said for said in compared if said.a in texts and said.b in texts), recipe.margin
    )
    drawn.left_out.update(left)
    by_scores, left = pair_rules.pairs_from_scores(
        (
            pair_rules.Scored(
                said.item,
                said.response,
                said.score,
                said.response in risky,
                "guardian" if said.origin == "guardian" else "rubric",
            )
            for said in opinions
            if said.response in texts
        ),
        recipe.margin,
    )
    drawn.left_out.update(left)
    check()
    merged, left = pair_rules.merge_sources([by_labels, by_scores], risky)
    drawn.left_out.update(left)
    fit, left = pair_rules.bound_lengths(merged, lengths, ratio=recipe.length_ratio, mean_log_ratio=math.inf)
    drawn.left_out.update(left)
    taken, left = pair_rules.at_most(
        fit,
        {pk: item.group for pk, item in drawn.items.items()},
        per_prompt=recipe.per_prompt,
        per_group=recipe.per_norm,
        limit=recipe.limit,
        seed=recipe.seed,
    )
    drawn.left_out.update(left)
    # Last, since the mean is promised of the rows that are written.
    chosen, left = pair_rules.bound_lengths(
        taken, lengths, ratio=recipe.length_ratio, mean_log_ratio=recipe.length_bias
    )
    drawn.left_out.update(left)
    rows = [_pair_row(pair, drawn, texts) for pair in chosen]
    report = asdict(pair_rules.length_report(chosen, lengths))
    return rows, {
        "length_difference": report,
        "before_bounds": asdict(pair_rules.length_report(merged, lengths)),
    }


def _pair_row(pair: pair_rules.Pair, drawn: Drawn, texts: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    drawn.origins[pair.origin] += 1
    item = drawn.items[pair.prompt]
    low, high = sorted((pair.chosen, pair.rejected))
    said = (
        drawn.pair_lineage[low, high]
        if pair.origin == "pair"
        else sorted({*drawn.lineage[pair.chosen], *drawn.lineage[pair.rejected]})
    )
    return {
        "prompt": _ask(item),
        "chosen": [{"role": "assistant", "content": texts[pair.chosen][0]}],
        "rejected": [{"role": "assistant", "content": texts[pair.rejected][0]}],
        "item": item.code,
        "group": item.group,
        "origin": pair.origin,
        "margin": round(pair.margin, 6),
        "lineage": {
            "benchmark": item.benchmark,
            "chosen": pair.chosen,
            "rejected": pair.rejected,
            "entries": [texts[pair.chosen][1], texts[pair.rejected][1]],
            "said": said,
        },
    }


def _usable_texts(
    responses: list[int], recipe: Recipe, drawn: Drawn, check: Check
) -> dict[int, tuple[str, str]]:
    """Texts of answers that are not empty, not too long, and repeat no closed question."""
    kept = {}
    for number, (pk, (text, entry)) in enumerate(sorted(texts_of(responses).items())):
        if number % 200 == 0:
            check()
        if not text.strip():
            drawn.left_out["empty answer"] += 1
        elif len(text) > recipe.longest:
            drawn.left_out["answer too long"] += 1
        elif drawn.closed.repeated_by(text):
            drawn.left_out["answer repeats a question of a closed split"] += 1
        else:
            kept[pk] = (text.strip(), entry)
    return kept


def _ask(item: OpenItem) -> list[dict[str, str]]:
    return [{"role": "user", "content": item.question}]


def _prompts(drawn: Drawn) -> Iterator[dict[str, Any]]:
    """Ten fixed questions, the same for every dataset of the same items, that a run answers as it goes."""
    chosen = sorted(drawn.items.values(), key=lambda item: stable_share(item.code, "fixed-prompts"))
    for item in chosen[:FIXED_PROMPTS]:
        yield {"id": item.code, "prompt": _ask(item)}


def _lengths(lengths: list[int]) -> dict[str, float]:
    if not lengths:
        return {}
    return {"mean": statistics.fmean(lengths), "median": statistics.median(lengths), "longest": max(lengths)}


def _nothing(drawn: Drawn) -> str:
    if not drawn.items:
        return _("There is no free question of the split dev that may be learnt from.")
    reasons = ", ".join(f"{reason} ({number})" for reason, number in drawn.left_out.most_common(4))
    if not reasons:
        return _("Nothing is known yet about the answers to the open questions: no label, no judgement.")
    return _("No row is left. Left out: %(reasons)s.") % {"reasons": reasons}


def _card(kind: str, manifest: Mapping[str, Any]) -> str:
    """For people who meet the files; in English, as the files are."""
    counts = manifest["counts"]
    title = "Answers to imitate (SFT)" if kind == "sft" else "Preference pairs (DPO)"
    lines = [
        f"# {title}",
        "",
        f"{counts['rows']} rows to learn from, {counts['eval']} of other norm groups kept aside.",
        "",
    ]
    lines += ["Questions of the split dev alone; none that nearly repeats a question of another split.", ""]
    for heading, found in (("By origin", counts["by_origin"]), ("Left out", counts["left_out"])):
        lines += [f"## {heading}", "", *(f"- {name}: {number}" for name, number in found.items()), ""]
    for heading, name in (("Length", "lengths"), ("Length of chosen and rejected", "length_difference")):
        if name in counts:
            lines += [f"## {heading}", ""]
            lines += [f"- {key}: {value:.3g}" for key, value in counts[name].items() if value is not None] + [
                ""
            ]
    lines += [
        "## Lineage",
        "",
        f"Guardian: {manifest['lineage']['guardian'] or 'none'}. Each row names its labels, answers and item.",
        "",
    ]
    return "\n".join(lines)
