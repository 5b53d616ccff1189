"""What a board shows: stored rows, sorted and filtered. Nothing is computed from responses here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, FloatField, IntegerField, QuerySet, Value, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, NullIf
from django.utils.translation import gettext as _

from benchmark.models import Board, Entry, Kind, Scenario, Score, Split, Submission

# Column name in addresses -> field. Missing values stand last in either direction.
SORTS_BY_KIND: dict[str, dict[str, str]] = {
    Kind.OBJECTIVE: {
        "rank": "rank_low",
        "entry": "entry__name",
        "accuracy": "value",
        "interval": "ci_low",
        "answered": "answered_accuracy",
        "missing": "share_missing",
    },
    Kind.SUBJECTIVE: {
        "rank": "rank_low",
        "entry": "entry__name",
        "final": "value",
        "interval": "ci_low",
        "final_mean": "final_mean",
        "risk": "risk_rate",
        "quality": "quality",
        "anchored": "anchored",
        "missing": "share_missing",
        "r1": "r1",
        "r2": "r2",
        "q1": "q1",
        "q2": "q2",
        "q3": "q3",
        "q4": "q4",
        "abstained": "abstained",
    },
}
DEFAULT_SORT: dict[str, str] = {Kind.OBJECTIVE: "-accuracy", Kind.SUBJECTIVE: "-final"}
CRITERIA = ("r1", "r2", "q1", "q2", "q3", "q4")
OWN_STATES = (Submission.State.PRIVATE, Submission.State.IN_REVIEW, Submission.State.REJECTED)


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What a reader chose: it hides and sorts rows, and never re-ranks them.

    `sort`: a column of SORTS_BY_KIND or `scenario`, with `-` in front for descending.
    """

    type: str = ""
    scenario: str = ""
    sort: str = ""

    @classmethod
    def read(cls, board: Board, params: Any) -> BoardFilter:
        """From an address; what is not known falls back to the default instead of failing."""
        type_ = params.get("type", "")
        scenario = params.get("scenario", "").replace("\x00", "")  # PostgreSQL refuses to look for it
        if scenario and not Scenario.objects.filter(slug=scenario).exists():
            scenario = ""
        known = {*SORTS_BY_KIND[board.kind], *(("scenario",) if scenario else ())}
        sort = params.get("sort", "")
        return cls(
            type=type_ if type_ in Entry.Type.values else "",
            scenario=scenario,
            sort=sort if sort.removeprefix("-") in known else DEFAULT_SORT[board.kind],
        )


def public_first(split: str = "split") -> Case:
    """An order of boards by the field named `split`: public, the one that counts, then dev, then hidden."""
    order = (Split.PUBLIC, Split.DEV, Split.HIDDEN)
    places = [When(**{split: name}, then=Value(place)) for place, name in enumerate(order)]
    return Case(*places, output_field=IntegerField())


def board_title(board: Board) -> str:
    """What the board is called on pages: its kind, and its split unless that is the public one."""
    kind = _("Objective questions") if board.kind == Kind.OBJECTIVE else _("Subjective questions")
    if board.split == Split.PUBLIC:
        return kind
    return _("%(kind)s (%(split)s)") % {"kind": kind, "split": Split(board.split).label}


def standing_scores(board: Board, chosen: BoardFilter) -> QuerySet[Score]:
    """The rows that stand on the board, filtered and sorted; ties in the order of names."""
    scores = board.scores.filter(designated=True).select_related("entry")
    sort = chosen.sort or DEFAULT_SORT[board.kind]
    column = sort.removeprefix("-")
    if chosen.type:
        scores = scores.filter(entry__type=chosen.type)
    if column == "missing":
        scores = scores.annotate(share_missing=F("missing") * 1.0 / NullIf(F("n"), 0))
    if chosen.scenario:
        mean = KeyTextTransform("mean", KeyTransform(chosen.scenario, "by_scenario"))
        # What JSON calls null comes out of SQLite as a word, which would be cast to 0.
        known = NullIf(mean, Value("null"))
        scores = scores.annotate(scenario_mean=Cast(known, FloatField()))
    field = "scenario_mean" if column == "scenario" else SORTS_BY_KIND[board.kind][column]
    order = F(field).desc(nulls_last=True) if sort.startswith("-") else F(field).asc(nulls_last=True)
    return scores.order_by(order, "entry__name")


def own_scores(board: Board, user: Any) -> QuerySet[Score]:
    """Scores of the user's submissions that are not public yet: shown to that user alone, unranked."""
    if not getattr(user, "is_authenticated", False):
        return Score.objects.none()
    return (
        board.scores.filter(submission__submitted_by=user, submission__state__in=OWN_STATES)
        .select_related("entry", "submission")
        .order_by("-value", "entry__name")
    )


def score_row(score: Score) -> dict[str, Any]:
    """One row as it is exported, printed and served; figures to the last digit."""
    row: dict[str, Any] = {
        "entry": score.entry.name,
        "slug": score.entry.slug,
        "organisation": score.entry.organisation,
        "type": score.entry.type,
        "origin": score.origin,
        "submission": score.submission_id,
        "n": score.n,
        "scored": score.scored,
        "missing": score.missing,
        "missing_share": score.missing_share,
    }
    if score.board.kind == Kind.OBJECTIVE:
        row |= {
            "right": score.right,
            "accuracy": score.value,
            "answered_accuracy": score.answered_accuracy,
        }
    else:
        names = ("risk_rate", "quality", "final", "quality_mean", "final_mean")
        row |= {
            name: getattr(score, name) for name in (*names, "r1", "r2", "q1", "q2", "q3", "q4", "abstained")
        }
        # Bounds where judging failed, the score that experts' labels correct, and its bounds.
        more = ("worst", "best", "anchored", "anchored_low", "anchored_high", "intervals")
        row |= {name: getattr(score, name) for name in more}
    return row | {
        "ci_low": score.ci_low,
        "ci_high": score.ci_high,
        "se": score.se,
        "interval": score.interval_method,
        "clusters": score.clusters,
        # Ranks of a moment ago would be wrong ranks.
        "rank_low": None if score.board.ranks_stale else score.rank_low,
        "rank_high": None if score.board.ranks_stale else score.rank_high,
        "account": score.account,
        "by_scenario": score.by_scenario,
        "by_dimension": score.by_dimension,
        "remarks": score.remarks,
    }


def board_document(board: Board, chosen: BoardFilter) -> dict[str, Any]:
    """The whole board as one JSON-like mapping: for `leaderboard --json`, the export and the API."""
    return {
        "board": board.slug,
        "benchmark": board.version.benchmark.slug,
        "version": board.version.label,
        "content_hash": board.version.content_hash,
        "kind": board.kind,
        "split": board.split,
        "scorer": str(board.scorer),
        "ranks_stale": board.ranks_stale,
        "rows": list(board_rows(board, chosen)),
    }


def board_rows(board: Board, chosen: BoardFilter) -> Iterator[dict[str, Any]]:
    for score in standing_scores(board, chosen):
        score.board = board
        yield score_row(score)
