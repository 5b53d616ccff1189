"""What outdated law does to a board, what renews a norm, and the next version of a benchmark without it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from benchmark.errors import BadInput, NotAllowed
from benchmark.models import (
    AnswerKey,
    BenchmarkVersion,
    Board,
    BoardRenewal,
    Item,
    Kind,
    Norm,
    PromptTemplate,
    Score,
)
from benchmark.policies import can_decide_on_norms
from benchmark.queries.vectors import board_items, read_vectors
from benchmark.rules.cleaning import clean_norm
from benchmark.rules.ranks import rank_intervals
from benchmark.rules.search_terms import index_terms
from benchmark.services.importing import freeze_version
from benchmark.services.norms import norm_hash

BATCH = 500
DROPPED, RENEWED, KEPT = "dropped", "renewed", "kept"


def refresh_renewal(*, board_id: int) -> int:
    """Computes which ranks change without the items on outdated law; returns how many items that are.

    Ranks are computed anew, so that the correction for many pairs is that of the smaller board too.
    """
    board = Board.objects.select_related("version").get(pk=board_id)
    items = board_items(board.version, board.kind, board.split)
    asked = Item.objects.filter(version=board.version, kind=board.kind, split=board.split)
    outdated = set(asked.filter(norm__standing=Norm.Standing.OUTDATED).values_list("pk", flat=True))
    rows = _rows(board, items.ids, items.clusters, outdated) if 0 < len(outdated) < len(items.ids) else []
    BoardRenewal.objects.update_or_create(
        board=board, defaults={"items": len(items.ids), "outdated": len(outdated), "rows": rows}
    )
    return len(outdated)


def _rows(
    board: Board, ids: tuple[int, ...], clusters: np.ndarray, outdated: set[int]
) -> list[dict[str, Any]]:
    standing = list(
        board.scores.filter(designated=True, origin=Score.Origin.COMPUTED, vector__isnull=False)
        .select_related("entry")
        .order_by("-value", "entry__name")
    )
    if not standing:
        return []
    kept = np.array([pk not in outdated for pk in ids])
    values = read_vectors(standing, len(ids))
    before, after = rank_intervals(values, clusters), rank_intervals(values[:, kept], clusters[kept])
    rows = []
    for place, score in enumerate(standing):
        left = values[place, kept]
        left = left[~np.isnan(left)]
        rows.append(
            {
                "entry": score.entry.slug,
                "name": score.entry.name,
                "value": score.value,
                "without": float(left.mean()) if len(left) else None,
                "low": int(before.low[place]),
                "high": int(before.high[place]),
                "low_without": int(after.low[place]),
                "high_without": int(after.high[place]),
            }
        )
    return rows


@transaction.atomic
def renew_norm(*, actor: Any, norm: Norm, text: str, article: Norm | None) -> Norm:
    """Decides what takes the place of an outdated norm in the next version: `text`, as `article` now says it.

    The new norm joins the group of the old one: items that ask about it stay in the same cluster and split. The old
    norm and every frozen item stay as they are. An empty `text` takes the decision back.
    """
    if not can_decide_on_norms(actor):
        raise NotAllowed()
    norm = Norm.objects.select_for_update().select_related("source").get(pk=norm.pk)
    cleaned = clean_norm(text).text
    if not cleaned:
        Norm.objects.filter(pk=norm.pk).update(renewal=None)
        return norm
    if norm_hash(cleaned) == norm_hash(norm.text):
        raise BadInput(_("The new wording is the old one."))
    source, label = (article.source, article.article) if article is not None else (norm.source, norm.article)
    # A quotation of the new law stands beside its articles, but under the corpus of the benchmark's own norms.
    renewal, _created = Norm.objects.get_or_create(
        source=norm.source,
        text_hash=norm_hash(cleaned),
        defaults={
            "group_id": norm.group_id,
            "code": f"{norm.code[:34]}-new",
            "article": label if source.pk == norm.source_id else f"{source.title}{label}"[:80],
            "text": cleaned,
            "search_terms": index_terms(f"{cleaned} {label}"),
        },
    )
    renewal.scenarios.add(*norm.scenarios.all())
    Norm.objects.filter(pk=norm.pk).update(renewal=renewal)
    return renewal


@transaction.atomic
def next_version(*, actor: Any, version: BenchmarkVersion, label: str, freeze: bool = True) -> dict[str, Any]:
    """Copies a frozen version under a new label: items on outdated law are renewed where that was decided, else dropped.

    Codes stay, so that results of both versions can be compared item by item. `actor` None: the command line. Raises
    BadInput for a draft, a label that is taken, or a version in which nothing is outdated.
    """
    if actor is not None and not can_decide_on_norms(actor):
        raise NotAllowed()
    if not version.is_frozen:
        raise BadInput(_("Only a frozen version is followed by another."))
    if not label.strip() or version.benchmark.versions.filter(label=label).exists():
        raise BadInput(_("The new version needs a label of its own."))
    if not version.items.filter(norm__standing=Norm.Standing.OUTDATED).exists():
        raise BadInput(_("No item of this version rests on outdated law."))
    new = BenchmarkVersion.objects.create(benchmark=version.benchmark, label=label.strip())
    templates = {
        row.pk: PromptTemplate.objects.create(version=new, text_hash=row.text_hash, text=row.text)
        for row in version.prompt_templates.all()
    }
    outcome = _copy_items(version, new, templates)
    if freeze:
        freeze_version(new)
    return {
        "benchmark": version.benchmark.slug,
        "from": version.label,
        "version": new.label,
        "state": new.state,
        "content_hash": new.content_hash,
        **{name: outcome[name] for name in (KEPT, RENEWED, DROPPED)},
    }


def _copy_items(
    version: BenchmarkVersion, new: BenchmarkVersion, templates: dict[int, PromptTemplate]
) -> Counter[str]:
    outcome: Counter[str] = Counter()
    copies: dict[int, Item] = {}
    batch: list[tuple[Item, Item, str]] = []
    items = version.items.select_related("norm__renewal", "answer_key").order_by("kind", "number")

    def flush() -> None:
        Item.objects.bulk_create([copy for _old, copy, _key in batch])
        AnswerKey.objects.bulk_create([AnswerKey(item=copy, letters=key) for _old, copy, key in batch if key])
        copies.update({old.pk: copy for old, copy, _key in batch})
        batch.clear()

    for item in items.iterator(BATCH):
        copy = _copy(item, new, templates)
        if copy is None:
            outcome[DROPPED] += 1
            continue
        outcome[RENEWED if copy.norm_id != item.norm_id else KEPT] += 1
        batch.append((item, copy, item.answer_key.letters if hasattr(item, "answer_key") else ""))
        if len(batch) >= BATCH:
            flush()
    flush()
    for old, first in version.items.exclude(duplicate_of=None).values_list("pk", "duplicate_of"):
        if old in copies and first in copies:
            Item.objects.filter(pk=copies[old].pk).update(duplicate_of=copies[first])
    return outcome


def _copy(item: Item, new: BenchmarkVersion, templates: dict[int, PromptTemplate]) -> Item | None:
    norm, text = item.norm, item.norm_text
    if norm is not None and norm.standing == Norm.Standing.OUTDATED:
        # An objective item's key follows from the old wording: only a person can say whether it still holds.
        renewal = norm.renewal
        if renewal is None or item.kind == Kind.OBJECTIVE:
            return None
        norm, text = renewal, renewal.text  # same group: cluster and split hold
    return Item(
        version=new,
        code=item.code,
        kind=item.kind,
        number=item.number,
        split=item.split,
        dimension=item.dimension,
        scenario_id=item.scenario_id,
        norm=norm,
        norm_text=text,
        template=templates.get(item.template_id) if item.template_id else None,
        question=item.question,
        options=item.options,
        cluster=item.cluster,
        contradicts=item.contradicts,
        search_terms=item.search_terms,
    )
