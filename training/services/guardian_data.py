"""Draws what a guardian learns from: a snapshot of labels as files, with its card and its lineage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from benchmark.models import Response
from benchmark.rules.splits import is_audit
from training.errors import BadInput, NothingToLearn
from training.models import Dataset, TrainingKind
from training.queries.labels import LabelledResponse, labelled_responses, last_ids
from training.queries.snapshot import snapshot
from training.rules.guardian_rows import WEIGHTS, RowCounts, audit_labels, target_of
from training.services.dataset_files import DatasetDraft

MINIMUM_ROWS = 20
CHUNK = 500
RECIPE_KEYS = frozenset({"campaigns"})
Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a response belongs: its norm group, and whether that is an audit group."""

    group: str
    audit: bool
    text_hash: str


def check_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe with only known keys. Raises BadInput. `campaigns`: short names; none means all."""
    unknown = sorted(set(recipe) - RECIPE_KEYS)
    if unknown:
        raise BadInput(_("A recipe has no setting “%(name)s”.") % {"name": unknown[0]})
    campaigns = recipe.get("campaigns") or []
    if not isinstance(campaigns, list) or not all(isinstance(name, str) for name in campaigns):
        raise BadInput(_("The campaigns of a recipe are a list of short names."))
    return {"campaigns": sorted(set(campaigns))}


def build_guardian_dataset(
    *, actor: Any, recipe: Mapping[str, Any] | None = None, check: Check = lambda: None
) -> Dataset:
    """The snapshot of all labels as they stand; the same labels again give the dataset that is there.

    Writes rows.jsonl (what is learned) and audit.jsonl (the test set). `check` is called often, to be stopped by.
    Raises NothingToLearn with fewer than 20 responses to learn from, BadInput.
    """
    chosen = check_recipe(recipe or {})
    with snapshot():
        seen = last_ids()
        found = labelled_responses(chosen["campaigns"] or None)
        places = _places([row.response for row in found], check)
        counts = RowCounts()
        with DatasetDraft(TrainingKind.GUARDIAN) as draft:
            audited = {places[row.response].text_hash for row in found if places[row.response].audit}
            learned = _targets(found, places, audited, counts)
            draft.write("rows.jsonl", _training_rows(found, places, learned, check))
            draft.write("audit.jsonl", _audit_rows(found, places, counts, check))
            if counts.training < MINIMUM_ROWS:
                raise NothingToLearn(
                    _(
                        "There are labels on %(count)s responses to learn from; a guardian needs at least %(minimum)s."
                    )
                    % {"count": counts.training, "minimum": MINIMUM_ROWS}
                )
            manifest = {
                "files": draft.described,
                "counts": asdict(counts),
                "lineage": {**seen, "campaigns": chosen["campaigns"], "responses": len(found)},
            }
            content_hash, folder = draft.content_hash, draft.keep()
    return _store(actor, chosen, content_hash, folder, counts, manifest)


def _store(
    actor: Any,
    recipe: Mapping[str, Any],
    content_hash: str,
    folder: str,
    counts: RowCounts,
    manifest: Mapping[str, Any],
) -> Dataset:
    dataset, made = Dataset.objects.get_or_create(
        kind=TrainingKind.GUARDIAN,
        content_hash=content_hash,
        defaults={
            "recipe": dict(recipe),
            "folder": folder,
            "rows": counts.training,
            "manifest": dict(manifest),
            "card": _card(counts, manifest),
            "created_by": actor,
        },
    )
    if not made and dataset.manifest["lineage"] != manifest["lineage"]:
        # The same rows from more labels (a revision back and forth, say): what was seen is part of the row.
        dataset.manifest = {**dataset.manifest, "lineage": manifest["lineage"]}
        dataset.save(update_fields=["manifest"])
    return dataset


def _places(responses: list[int], check: Check) -> dict[int, _Place]:
    places = {}
    for first in range(0, len(responses), CHUNK):
        check()
        rows = Response.objects.filter(pk__in=responses[first : first + CHUNK]).values_list(
            "pk", "item__norm__group__key", "item__norm__group__audit", "item__cluster", "text_hash"
        )
        for pk, key, audit, cluster, text_hash in rows:
            # An item without a norm is its own cluster; the same hash decides about it.
            places[pk] = _Place(key or cluster, is_audit(cluster) if key is None else audit, text_hash)
    return places


def _targets(
    found: list[LabelledResponse], places: Mapping[int, _Place], audited: set[str], counts: RowCounts
) -> dict[int, Any]:
    learned = {}
    for row in found:
        place = places[row.response]
        if place.audit:
            continue
        if place.text_hash in audited:
            counts.leave_out("copy of an audited answer")
            continue
        target = target_of(row.labels, row.rulings)
        if target is None:
            counts.leave_out("norm silent" if row.rulings else "no blind label")
            continue
        counts.count(target.origin)
        learned[row.response] = target
    return learned


def _training_rows(
    found: list[LabelledResponse], places: Mapping[int, _Place], learned: Mapping[int, Any], check: Check
) -> Iterator[dict[str, Any]]:
    for row, texts in _with_texts([row for row in found if row.response in learned], check):
        target = learned[row.response]
        yield {
            "id": row.response,
            "group": places[row.response].group,
            **texts,
            "origin": target.origin,
            "target": dict(target.probabilities),
            "weight": target.weight,
            "random": row.probability is not None,
            "rationale": target.rationale,
            "lineage": {"labels": row.label_ids, "rulings": row.ruling_ids},
        }


def _audit_rows(
    found: list[LabelledResponse], places: Mapping[int, _Place], counts: RowCounts, check: Check
) -> Iterator[dict[str, Any]]:
    tested = [
        (row, labels) for row in found if places[row.response].audit and (labels := audit_labels(row.labels))
    ]
    known = {row.response: labels for row, labels in tested}
    for row, texts in _with_texts([row for row, _labels in tested], check):
        counts.audit += 1
        yield {
            "id": row.response,
            "group": places[row.response].group,
            **texts,
            "labels": known[row.response],
            "probability": row.probability,
            "lineage": {"labels": row.label_ids},
        }


def _with_texts(
    rows: list[LabelledResponse], check: Check
) -> Iterator[tuple[LabelledResponse, dict[str, str]]]:
    for first in range(0, len(rows), CHUNK):
        check()
        chunk = rows[first : first + CHUNK]
        names = ("item__code", "item__norm_text", "item__question", "text", "item__scenario__slug",
                 "submission__entry__slug")  # fmt: skip
        texts = {
            pk: dict(zip(("item", "norm", "question", "response", "scenario", "entry"), values, strict=True))
            for pk, *values in Response.objects.filter(pk__in=[row.response for row in chunk]).values_list(
                "pk", *names
            )
        }
        for row in chunk:
            yield row, texts[row.response]


def _card(counts: RowCounts, manifest: Mapping[str, Any]) -> str:
    """What is in the dataset, for people who meet its files; in English, as the files are."""
    origins = "\n".join(
        f"- {name}: {counts.by_origin.get(name, 0)} (weight {weight:g})" for name, weight in WEIGHTS.items()
    )
    left = (
        "\n".join(f"- {reason}: {number}" for reason, number in sorted(counts.left_out.items()))
        or "- nothing"
    )
    lineage = manifest["lineage"]
    return (
        "# Labels for a guardian\n\n"
        f"{counts.training} responses to learn from (`rows.jsonl`), {counts.audit} of audit groups to be tested on "
        "(`audit.jsonl`).\n\n"
        "A ruling goes before a consensus; where experts disagree and nobody ruled, their shares are soft targets. "
        "Only labels given before a guardian's verdict was shown. No label of an audit group is in `rows.jsonl`; "
        "`audit.jsonl` holds the first blind label of each expert.\n\n"
        f"## To learn from\n\n{origins}\n\n## Left out\n\n{left}\n\n"
        f"## Lineage\n\nAll labels up to number {lineage['last_label']} and rulings up to number "
        f"{lineage['last_ruling']}; each row names its own.\n"
    )
