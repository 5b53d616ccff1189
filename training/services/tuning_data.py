"""Draws SFT and DPO datasets: a snapshot of judged answers as files, with card, manifest and every row's lineage.

Memory follows the number of judgements at some forty bytes each, and the number of rows that are written; texts pass
through in handfuls (`tuning_choice`, `tuning_write`).
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _

from benchmark.errors import BenchmarkError
from benchmark.models import Guardian
from benchmark.queries.guardians import active_guardian, find_guardian
from benchmark.rules.splits import stable_share
from training.errors import BadInput, NotAllowed, NothingToLearn
from training.models import Dataset
from training.names import LEFT_OUT, sentence
from training.policies import can_train
from training.queries.provenance import provenance
from training.queries.snapshot import snapshot
from training.queries.tuning_material import (
    OpenItem,
    Progress,
    closed_questions,
    collect_opinions,
    comparisons,
    open_items,
    open_questions,
    questions_of,
)
from training.rules import pairs as pair_rules
from training.rules.recipe import Recipe, RecipeError, parse_recipe
from training.rules.splits import OPEN_SPLIT, ClosedTexts, refusal
from training.services.dataset_files import DatasetDraft
from training.services.tuning_card import card_of
from training.services.tuning_choice import Material, PairChoice, TooManyPairs, choose_sft
from training.services.tuning_write import RowWriter, ask

FIXED_PROMPTS = 10
COMPARING = "comparing questions with those of closed splits"


def nobody_watches(done: int, total: int, stage: str) -> None:
    """The default of `progress`."""


def build_tuning_dataset(
    *,
    actor: Any,
    kind: str,
    recipe: Mapping[str, Any] | None = None,
    progress: Progress = nobody_watches,
) -> Dataset:
    """Draws the rows now; the same recipe on the same data gives the dataset that is there. `actor` None: the platform.

    `progress` is told often how far the work is, and may raise to stop it. Raises BadInput for a wrong recipe,
    NothingToLearn where no row is left, NotAllowed, TrainingError where Parquet cannot be written.
    """
    asked = check_tuning_recipe(actor, kind, recipe or {})
    draw = _draw_sft if kind == "sft" else _draw_dpo
    with DatasetDraft(kind, asked.format) as draft:
        with snapshot():
            guardian = _guardian(asked)
            material = _material(asked, guardian, progress)
            figures = draw(material, draft)
            draft.write("prompts", _prompts(material.items))
            origin = provenance(figures["by_benchmark"], figures["by_entry"])
        draft.finish()  # it needs files alone, and may take minutes
        manifest = {
            "files": draft.described,
            "counts": {**figures, "left_out": dict(sorted(material.left_out.items()))},
            "lineage": {"guardian": str(guardian) if guardian else "", "recipe": asked.as_json()},
            "provenance": origin,
        }
        content_hash, folder = draft.content_hash, draft.keep()
    dataset, _made = Dataset.objects.get_or_create(
        kind=kind,
        content_hash=content_hash,
        defaults={
            "recipe": asked.as_json(),
            "folder": folder,
            "rows": figures["rows"],
            "manifest": manifest,
            "card": card_of(kind, manifest),
            "created_by": actor,
        },
    )
    return dataset


def check_tuning_recipe(actor: Any, kind: str, recipe: Mapping[str, Any]) -> Recipe:
    """The recipe in full. Raises NotAllowed, BadInput."""
    if actor is not None and not can_train(actor):
        raise NotAllowed(_("Only researchers build datasets."))
    try:
        asked = parse_recipe(kind, recipe)
    except RecipeError as error:
        raise BadInput(sentence(str(error)), field=error.field) from None
    _guardian(asked)
    return asked


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


def _material(recipe: Recipe, guardian: Guardian | None, progress: Progress) -> Material:
    items = open_items(recipe)
    closed = ClosedTexts(closed_questions())
    left_out: dict[str, int] = defaultdict(int)
    for number, (pk, question) in enumerate(open_questions(recipe)):
        if number % 200 == 0:
            progress(number, len(items), COMPARING)
        reason = refusal(OPEN_SPLIT, question, (), closed)
        if reason is not None:
            left_out[f"question: {reason}"] += 1
            del items[pk]
    material = Material(recipe, items, collect_opinions(recipe, guardian, items, progress), closed, progress)
    material.left_out.update(left_out)
    if material.opinions.silent:
        material.left_out["norm silent"] += material.opinions.silent
    return material


def _draw_sft(material: Material, draft: DatasetDraft) -> dict[str, Any]:
    o = material.opinions
    places = choose_sft(material).tolist()
    groups = [material.group(int(o.item[place])) for place in places]
    writer = RowWriter(material, len(places))
    counts = _write(material, draft, places, groups, writer.sft)
    return {**counts, **writer.tally.figures(), "lengths": writer.tally.length_summary("answer")}


def _draw_dpo(material: Material, draft: DatasetDraft) -> dict[str, Any]:
    recipe, items = material.recipe, material.items
    compared: dict[tuple[int, int], list[int]] = defaultdict(list)
    said = []
    if "pairs" in recipe.sources:
        for one, label in comparisons(recipe, items):
            said.append(one)
            low, high = sorted((one.a, one.b))
            compared[low, high].append(label)
    found, left = pair_rules.pairs_from_comparisons(said, recipe.margin)
    material.left_out.update(left)
    corrected, left = pair_rules.pairs_from_corrections(
        (
            pair_rules.Correction(one.item, one.number, one.response, one.score)
            for one in material.opinions.written.values()
        ),
        recipe.margin,
    )
    material.left_out.update(left)
    try:
        pairs, lengths, before = PairChoice(material, [*corrected, *found]).choose()
    except TooManyPairs:
        raise BadInput(
            _("This recipe gives more than two million pairs. Choose a bound for the rows of one question."),
            field="per_prompt",
        ) from None
    writer = RowWriter(material, len(pairs))
    groups = [material.group(pair.prompt) for pair in pairs]
    counts = _write(material, draft, pairs, groups, lambda some: writer.dpo(some, compared))
    return {
        **counts,
        **writer.tally.figures(),
        "length_difference": asdict(pair_rules.length_report(pairs, lengths)),
        "before_bounds": asdict(before),
    }


def _write(
    material: Material, draft: DatasetDraft, chosen: Sequence[Any], groups: Sequence[str], rows: Any
) -> dict[str, int]:
    """train and eval: some norm groups are kept aside, chosen by a seeded hash."""
    if not chosen:
        raise NothingToLearn(_nothing(material))
    recipe, every = material.recipe, set(groups)
    held = {group for group in every if stable_share(group, f"held-out-{recipe.seed}") < recipe.held_out}
    if len(held) == len(every):
        held = set()  # so few norm groups that nothing would be left to learn from
    train = [row for row, group in zip(chosen, groups, strict=True) if group not in held]
    aside = [row for row, group in zip(chosen, groups, strict=True) if group in held]
    draft.write("train", rows(train))
    draft.write("eval", rows(aside))
    return {"rows": len(train), "eval": len(aside)}


def _prompts(items: Mapping[int, OpenItem]) -> Iterator[dict[str, Any]]:
    """Ten fixed questions, the same for every dataset of the same items, that a run answers as it goes."""
    chosen = heapq.nsmallest(
        FIXED_PROMPTS, items.values(), key=lambda item: stable_share(item.code, "fixed-prompts")
    )
    questions = questions_of([item.pk for item in chosen])
    for item in chosen:
        yield {"id": item.code, "prompt": ask(questions[item.pk])}


def _nothing(material: Material) -> str:
    if not material.items:
        return _("There is no free question of the split dev that may be learnt from.")
    reasons = ", ".join(
        f"{LEFT_OUT.get(reason, reason)} ({number})" for reason, number in material.left_out.most_common(4)
    )
    if not reasons:
        return _("Nothing is known yet about the answers to the open questions: no label, no judgement.")
    return _("No row is left. Left out: %(reasons)s.") % {"reasons": reasons}
