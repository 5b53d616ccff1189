"""What changes if another guardian is promoted: ranks that move, verdicts that turn.

Computed from stored judgements and board rows; nothing is judged here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Count, F, FilteredRelation, Q, QuerySet

from benchmark.models import Board, Guardian, Judgement, Kind, Response, Score
from benchmark.rules.churn import RankChurn, rank_churn
from benchmark.rules.rubric import CRITERIA

HOUR = 3600
MONTH = 30 * 24 * HOUR
EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class VerdictChurn:
    """One criterion over the answers that both guardians judged.

    `both` were decided by both; `stricter` of them passed before and fail now, `milder` the other way round.
    `opened`: decided before, open now; `closed`: the other way round. Quality of answers that either guardian
    calls risky counts nowhere.
    """

    criterion: str
    both: int
    stricter: int
    milder: int
    opened: int
    closed: int

    @property
    def changed_share(self) -> float | None:
        return (self.stricter + self.milder) / self.both if self.both else None


@dataclass(frozen=True, slots=True)
class EntryChurn:
    """One entry on both boards; ranks are None where a board has not ranked it."""

    name: str
    slug: str
    before: float
    after: float
    ranks_before: tuple[int, int] | None
    ranks_after: tuple[int, int] | None
    place_before: int
    place_after: int


@dataclass(frozen=True, slots=True)
class BoardChurn:
    """The board of the active guardian (`before`) and that of the candidate for the same items."""

    before: Board
    after: Board
    entries: tuple[EntryChurn, ...]
    ranks: RankChurn


@dataclass(frozen=True, slots=True)
class Churn:
    """`judged`: answers that both guardians looked at; `failed`: of them those one of the two failed on."""

    boards: tuple[BoardChurn, ...]
    verdicts: tuple[VerdictChurn, ...]
    judged: int
    failed: int


def churn(candidate: Guardian, active: Guardian | None) -> Churn:
    """Empty where there is no active guardian. The verdicts are one query over all answers of both."""
    if active is None or active.pk == candidate.pk:
        return Churn((), (), 0, 0)
    verdicts, judged, failed = _verdicts(candidate, active)
    return Churn(_boards(candidate, active), verdicts, judged, failed)


def changed_answers(candidate: Guardian, active: Guardian, criterion: str = "") -> QuerySet[Response]:
    """Answers that got another verdict, on `criterion` or on any; each with `before_<c>` and `after_<c>`.

    Raises ValueError for a criterion that is none.
    """
    if criterion and criterion not in CRITERIA:
        raise ValueError(f"no criterion {criterion!r}")
    turned = Q()
    for name in (criterion,) if criterion else CRITERIA:
        known = Q(**{f"old__{name}__isnull": False, f"new__{name}__isnull": False})
        turned |= known & ~Q(**{f"old__{name}": F(f"new__{name}")})
    responses = _both(candidate, active).filter(turned)
    shown = {f"before_{name}": F(f"old__{name}") for name in CRITERIA}
    shown |= {f"after_{name}": F(f"new__{name}") for name in CRITERIA}
    return responses.annotate(**shown).select_related("item", "submission__entry").order_by("pk")


def _both(candidate: Guardian, active: Guardian) -> QuerySet[Response]:
    return Response.objects.alias(
        old=FilteredRelation("judgements", condition=Q(judgements__scorer=active.scorer_id)),
        new=FilteredRelation("judgements", condition=Q(judgements__scorer=candidate.scorer_id)),
    ).filter(old__isnull=False, new__isnull=False)


def _verdicts(candidate: Guardian, active: Guardian) -> tuple[tuple[VerdictChurn, ...], int, int]:
    done = candidate.shadowed_at.timestamp() if candidate.shadowed_at else 0
    key = f"churn:{active.scorer_id}:{candidate.scorer_id}:{done}"
    rows = cache.get(key)
    if rows is None:
        columns = [f"{side}__{name}" for side in ("old", "new") for name in CRITERIA]
        grouped = _both(candidate, active).values_list("old__outcome", "new__outcome", *columns)
        rows = list(grouped.order_by().annotate(number=Count("pk")))
        # Once it is promoted the former one judges nothing more, so what both have judged stays the same.
        cache.set(key, rows, HOUR if candidate.promoted_at is None else MONTH)
    judged = failed = 0
    counts: Counter[tuple[str, str]] = Counter()
    for before, after, *values, number in rows:
        judged += number
        if Judgement.Outcome.JUDGE_FAILED in (before, after):
            failed += number
            continue
        old = dict(zip(CRITERIA, values[:6], strict=True))
        new = dict(zip(CRITERIA, values[6:], strict=True))
        risky = -1 in (old["r1"], old["r2"], new["r1"], new["r2"])
        for name in CRITERIA:
            if not (risky and name.startswith("q")):
                for what in _turn(old[name], new[name]):
                    counts[name, what] += number
    found = tuple(
        VerdictChurn(
            name,
            both=counts[name, "both"],
            stricter=counts[name, "stricter"],
            milder=counts[name, "milder"],
            opened=counts[name, "opened"],
            closed=counts[name, "closed"],
        )
        for name in CRITERIA
    )
    return found, judged, failed


def _turn(before: int | None, after: int | None) -> tuple[str, ...]:
    """A lower value is the stricter verdict: -1 against 0 on risks, 0 against 1 on qualities."""
    if before is None or after is None:
        return () if before is after else ("closed",) if before is None else ("opened",)
    if before == after:
        return ("both",)
    return ("both", "stricter" if after < before else "milder")


def _boards(candidate: Guardian, active: Guardian) -> tuple[BoardChurn, ...]:
    boards = Board.objects.select_related("version__benchmark", "scorer").filter(kind=Kind.SUBJECTIVE)
    old = {(row.version_id, row.split): row for row in boards.filter(scorer=active.scorer_id)}
    found = []
    for after in boards.filter(scorer=candidate.scorer_id).order_by("-version__frozen_at", "split"):
        before = old.get((after.version_id, after.split))
        if before is not None:
            found.append(_board(before, after))
    return tuple(found)


def _board(before: Board, after: Board) -> BoardChurn:
    old, new = _standing(before), _standing(after)
    shared = [entry for entry in old if entry in new]
    places = {entry: place for place, entry in enumerate((e for e in new if e in old), start=1)}
    entries = tuple(
        EntryChurn(
            name=old[entry].entry.name,
            slug=old[entry].entry.slug,
            before=old[entry].value,
            after=new[entry].value,
            ranks_before=_ranks(old[entry]),
            ranks_after=_ranks(new[entry]),
            place_before=place,
            place_after=places[entry],
        )
        for place, entry in enumerate(shared, start=1)
    )
    ranks = rank_churn(
        [row.before for row in entries],
        [row.after for row in entries],
        [row.ranks_before for row in entries],
        [row.ranks_after for row in entries],
    )
    return BoardChurn(before, after, entries, ranks)


def _standing(board: Board) -> dict[int, Score]:
    """Computed rows from the best down, by entry."""
    scores = board.scores.filter(designated=True, origin=Score.Origin.COMPUTED).select_related("entry")
    return {
        score.entry_id: score
        for score in scores.defer("by_scenario", "by_dimension").order_by("-value", "entry__name")
    }


def _ranks(score: Score) -> tuple[int, int] | None:
    if score.rank_low is None or score.rank_high is None:
        return None
    return score.rank_low, score.rank_high
