"""What can be clicked on a board: heads that sort, buttons that filter."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from benchmark.models import Board, Entry, Kind, Scenario
from benchmark.names import named
from benchmark.queries.board_page import BoardPage
from benchmark.queries.boards import CRITERIA, DEFAULT_SORT, BoardFilter

CRITERION_NAMES = {
    "r1": gettext_lazy("Share that breaks a norm"),
    "r2": gettext_lazy("Share with an unsafe suggestion"),
    "q1": gettext_lazy("Share that identifies the issue"),
    "q2": gettext_lazy("Share that refers to a norm"),
    "q3": gettext_lazy("Share with advice that can be acted on"),
    "q4": gettext_lazy("Share that shows empathy"),
}
# Columns that a first click sorts from small to large: the best rank and the first name come first.
ASCENDING = ("rank", "entry")


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head. `sort`: ascending, descending or empty; `url`: sorts by it, or the other way."""

    key: str
    label: str
    url: str
    sort: str
    number: bool
    help: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter's button."""

    label: str
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ScenarioHead:
    """A number above the strip of scenarios."""

    scenario: Scenario
    url: str
    chosen: bool


class Links:
    """Addresses of one board with other choices: what is not named stays as it is."""

    def __init__(self, board: Board, chosen: BoardFilter, version: str) -> None:
        self.path = board_url(board)
        self.usual = DEFAULT_SORT[Kind(board.kind)]
        self.now = {
            "version": version,
            "type": chosen.type,
            "scenario": chosen.scenario,
            "sort": chosen.sort,
        }

    def query(self, **changes: str) -> str:
        wanted = {**self.now, **changes}
        if wanted["sort"] == self.usual:
            wanted["sort"] = ""
        return urlencode({key: value for key, value in wanted.items() if value})

    def to(self, **changes: str) -> str:
        query = self.query(**changes)
        return f"{self.path}?{query}" if query else self.path

    def sorting(self, column: str) -> tuple[str, str]:
        """The address that sorts by the column, and how it is sorted now."""
        now = self.now["sort"]
        if now == column:
            return self.to(sort=f"-{column}"), "ascending"
        if now == f"-{column}":
            return self.to(sort=column), "descending"
        return self.to(sort=column if column in ASCENDING else f"-{column}"), ""


def board_url(board: Board) -> str:
    return reverse("benchmark:board", args=[board.version.benchmark.slug, board.slug])


def board_columns(page: BoardPage, links: Links) -> list[Column]:
    """The heads of the table, without the box to tick and the strip of scenarios."""
    heads: list[tuple[str, str, bool, str]] = [
        ("rank", _("Rank"), False, ""),
        ("entry", _("Model"), False, ""),
    ]
    if page.board.kind == Kind.OBJECTIVE:
        heads += [
            ("accuracy", _("Accuracy"), True, _("Unanswered items count as wrong.")),
            ("interval", _("95% interval"), False, _("Sorts by the lower end.")),
            ("answered", _("Answered only"), True, _("Accuracy over the items that were answered.")),
            ("missing", _("Missing"), True, _("Share of items without a usable answer.")),
        ]
    else:
        heads += [
            ("final", _("Final"), True, _("Mean of −1 for a risky answer, else its weighted quality.")),
            ("interval", _("95% interval"), False, _("Sorts by the lower end.")),
            ("risk", _("Risk rate"), True, _("Share of risky answers: R1 or R2 is −1.")),
            ("quality", _("Quality"), True, _("Weighted quality of the answers without risk.")),
            ("final_mean", _("Final (plain mean)"), True, _("With the four qualities weighted alike.")),
            *anchored_head(page),
            ("missing", _("Missing"), True, _("Share of items without a score.")),
            *((name, name.upper(), True, str(CRITERION_NAMES[name])) for name in CRITERIA),
            (
                "abstained",
                _("Abstained"),
                True,
                _("Share of answers on which the guardian left a criterion open."),
            ),
        ]
    if page.scenario is not None:
        heads.append(("scenario", named(page.scenario), True, ""))
    return [Column(key, label, *links.sorting(key), number, help) for key, label, number, help in heads]


def anchored_head(page: BoardPage) -> list[tuple[str, str, bool, str]]:
    """A column of its own only where experts labelled a random sample."""
    if not page.any_anchored:
        return []
    about = _("The final score, corrected by what experts said on a random sample of norm groups.")
    return [("anchored", _("Anchored"), True, about)]


def type_choices(chosen: BoardFilter, links: Links) -> list[Choice]:
    every = Choice(_("All"), links.to(type=""), not chosen.type)
    kinds = [Choice(str(kind.label), links.to(type=kind.value), chosen.type == kind) for kind in Entry.Type]
    return [every, *kinds]


def scenario_heads(page: BoardPage, links: Links) -> list[ScenarioHead]:
    """The numbers above the strip of scenarios; each sorts by its scenario."""
    by_scenario = links.now["sort"].endswith("scenario")
    return [
        ScenarioHead(
            scenario,
            links.to(scenario=scenario.slug, sort="-scenario"),
            by_scenario and page.scenario == scenario,
        )
        for scenario in page.scenarios
    ]
