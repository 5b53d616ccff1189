"""Items as their pages show them: which version, which filter, which of them the reader may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from benchmark.models import BenchmarkVersion, Dimension, Item, Kind, Norm, Scenario, Split
from benchmark.policies import can_compare_keys, can_see_answer_key, can_see_split
from benchmark.querysets import ItemQuerySet
from benchmark.rules.highlight import Segment, excerpt, found_length, segments
from medes_site.kit.roles import is_researcher

LONGEST_QUERY = 200
EXCERPT = 150
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter. `count`: rows that choosing it would show, the other filters as they are."""

    value: str
    label: Any
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """What of a version is listed; "" and None choose nothing. `scenario` is a slug, `norm` a norm's id."""

    kind: str = ""
    scenario: str = ""
    dimension: str = ""
    split: str = ""
    duplicates: bool = False
    outdated: bool = False
    norm: int | None = None
    q: str = ""

    @classmethod
    def read(cls, user: Any, params: Mapping[str, str], scenarios: Iterable[Scenario]) -> ItemFilter:
        """From an address. What is not known, or not for this reader, is left out."""
        split = _known(params.get("split", ""), Split.values)
        return cls(
            kind=_known(params.get("kind", ""), Kind.values),
            scenario=_known(params.get("scenario", ""), [scenario.slug for scenario in scenarios]),
            dimension=_known(params.get("dimension", ""), Dimension.values),
            split=split if can_see_split(user, split) else "",
            duplicates=params.get("duplicates", "") == "1",
            outdated=params.get("outdated", "") == "1",
            norm=read_id(params.get("norm", "")),
            q=params.get("q", "").strip()[:LONGEST_QUERY],
        )

    def parameters(self) -> dict[str, str]:
        """The chosen values by the names they have in an address."""
        values = {
            "q": self.q,
            "kind": self.kind,
            "scenario": self.scenario,
            "dimension": self.dimension,
            "split": self.split,
            "duplicates": "1" if self.duplicates else "",
            "outdated": "1" if self.outdated else "",
            "norm": str(self.norm or ""),
        }
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item in a list. `option`: letter and text of the option that holds most of what was searched for,
    where that is more than the question itself holds. `repeats`: it is a duplicate of an item that the reader
    may see."""

    item: Item
    question: tuple[Segment, ...]
    option: tuple[str, tuple[Segment, ...]] | None
    repeats: bool
    contradicts: bool
    outdated: bool


@dataclass(frozen=True, slots=True)
class ItemFacets:
    """The values of each filter with their counts; `duplicates` is the number of duplicates, `outdated` that of items
    on outdated law."""

    kinds: tuple[Choice, ...]
    scenarios: tuple[Choice, ...]
    dimensions: tuple[Choice, ...]
    splits: tuple[Choice, ...]
    duplicates: int
    outdated: int
    total: int


@dataclass(frozen=True, slots=True)
class Relative:
    """Another item with the same question; `contradicts`: with another key."""

    item: Item
    contradicts: bool


@dataclass(frozen=True, slots=True)
class OptionRow:
    """`right` is None where the reader may not see the answer key."""

    letter: str
    text: str
    right: bool | None


@dataclass(frozen=True, slots=True)
class ItemDetail:
    """An item with all that its page shows. `key` is None where it is closed or there is none. `previous`
    and `next` are codes within the filter, in the order of the list. `norm_changed`: the norm no longer reads
    as it did when the version was frozen."""

    item: Item
    options: tuple[OptionRow, ...]
    key: str | None
    relatives: tuple[Relative, ...]
    previous: str | None
    next: str | None
    norm_changed: bool


def read_id(text: str) -> int | None:
    """A row's id from an address, or None for anything that no id can be."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 19):
        return None
    number = int(text)
    return number if 0 < number <= _LARGEST_ID else None


def visible_versions(user: Any) -> list[BenchmarkVersion]:
    """Versions with a page for this reader, newest frozen first, then (for researchers) drafts."""
    versions = BenchmarkVersion.objects.select_related("benchmark__corpus")
    if not is_researcher(user):
        versions = versions.filter(state=BenchmarkVersion.State.FROZEN)
    # Sorted here: the engines disagree on where a draft's empty date stands.
    return sorted(
        versions,
        key=lambda version: (version.is_frozen, version.frozen_at or version.created_at, version.pk),
        reverse=True,
    )


def choose_version(
    versions: Iterable[BenchmarkVersion], benchmark: str, label: str
) -> BenchmarkVersion | None:
    """The first of `versions` of that benchmark and label; an empty name means any."""
    for version in versions:
        if benchmark in ("", version.benchmark.slug) and label in ("", version.label):
            return version
    return None


def current_versions(versions: Iterable[BenchmarkVersion]) -> list[int]:
    """Ids of the newest of each benchmark, so that no item counts twice for having two versions."""
    newest: dict[int, int] = {}
    for version in versions:
        newest.setdefault(version.benchmark_id, version.pk)
    return list(newest.values())


def filtered_items(user: Any, version: BenchmarkVersion, chosen: ItemFilter) -> ItemQuerySet:
    """The items of `version` that the reader may see and asked for, in the order of kind and number."""
    items = _searched(user, version, chosen)
    if chosen.kind:
        items = items.filter(kind=chosen.kind)
    if chosen.scenario:
        items = items.filter(scenario__slug=chosen.scenario)
    if chosen.dimension:
        items = items.filter(dimension=chosen.dimension)
    if chosen.split:
        items = items.filter(split=chosen.split)
    if chosen.duplicates:
        items = items.filter(_repeats(user))
    if chosen.outdated:
        items = items.filter(norm__standing=Norm.Standing.OUTDATED)
    return items.order_by("kind", "number")


def item_rows(user: Any, items: Iterable[Item], q: str) -> list[ItemRow]:
    """Rows of a list, with what was searched for marked."""
    return [_row(user, item, q) for item in items]


def listed(items: ItemQuerySet) -> ItemQuerySet:
    """`items` with just what a list shows."""
    return items.select_related("scenario", "duplicate_of", "norm").only(
        *("code", "kind", "number", "split", "question", "options", "contradicts", "version_id"),
        *("scenario__slug", "scenario__name_zh", "scenario__name_en"),
        *("duplicate_of__code", "duplicate_of__split", "norm__standing"),
    )


def item_facets(
    user: Any, version: BenchmarkVersion, chosen: ItemFilter, scenarios: Iterable[Scenario]
) -> ItemFacets:
    """Counts for every filter, from one query over the whole version."""
    cells = list(
        _searched(user, version, chosen)
        .annotate(repeats=ExpressionWrapper(_repeats(user), output_field=BooleanField()))
        .order_by()
        .values("kind", "scenario__slug", "dimension", "split", "repeats", "norm__standing")
        .annotate(n=Count("pk"))
    )
    wanted = {
        "kind": chosen.kind,
        "scenario__slug": chosen.scenario,
        "dimension": chosen.dimension,
        "split": chosen.split,
        "repeats": chosen.duplicates,
        "norm__standing": Norm.Standing.OUTDATED.value if chosen.outdated else "",
    }

    def counts(field: str) -> Counter[Any]:
        """Items by value of `field`, under all filters but that on `field` itself."""
        others = [(name, value) for name, value in wanted.items() if value and name != field]
        found: Counter[Any] = Counter()
        for cell in cells:
            if all(cell[name] == value for name, value in others):
                found[cell[field]] += cell["n"]
        return found

    by_kind, by_scenario = counts("kind"), counts("scenario__slug")
    by_dimension, by_split, by_repeats = counts("dimension"), counts("split"), counts("repeats")
    by_standing = counts("norm__standing")
    return ItemFacets(
        kinds=_choices(Kind.choices, by_kind, chosen.kind),
        scenarios=_choices([(s.slug, s) for s in scenarios], by_scenario, chosen.scenario),
        dimensions=_choices(Dimension.choices, by_dimension, chosen.dimension),
        splits=_choices(Split.choices, by_split, chosen.split),
        duplicates=by_repeats[True],
        outdated=by_standing[Norm.Standing.OUTDATED.value],
        total=by_repeats[True] if chosen.duplicates else by_repeats.total(),
    )


def find_item(user: Any, version: BenchmarkVersion, code: str) -> Item | None:
    """The item of that id, or None if there is none that this reader may see."""
    related = (
        "scenario",
        "template",
        "duplicate_of",
        "norm__source__corpus",
        "norm__group",
        "version__benchmark",
    )
    items = Item.objects.visible_to(user).filter(version=version, code=code)
    return items.select_related(*related).first()


def item_detail(user: Any, item: Item, chosen: ItemFilter) -> ItemDetail:
    """What the page of `item` shows to this reader."""
    key = _key(item) if can_see_answer_key(user, item) else None
    return ItemDetail(
        item=item,
        options=tuple(
            OptionRow(option["letter"], option["text"], None if key is None else option["letter"] in key)
            for option in item.options
        ),
        key=key,
        relatives=_relatives(user, item),
        **_neighbours(user, item, chosen),
        norm_changed=item.norm is not None and item.norm.text != item.norm_text,
    )


def items_about(user: Any, norm: Norm, versions: Iterable[BenchmarkVersion]) -> ItemQuerySet:
    """Items about one norm, of the current versions that the reader may see."""
    items = listed(Item.objects.visible_to(user).filter(norm=norm, version__in=current_versions(versions)))
    return items.order_by("version", "kind", "number")


def _known(value: str, known: Iterable[str]) -> str:
    return value if value in known else ""


def _choices(values: Iterable[tuple[str, Any]], counts: Counter[Any], chosen: str) -> tuple[Choice, ...]:
    """Values that occur or are chosen; the others would lead nowhere."""
    return tuple(
        Choice(value, label, counts[value], value == chosen)
        for value, label in values
        if counts[value] or value == chosen
    )


def _searched(user: Any, version: BenchmarkVersion, chosen: ItemFilter) -> ItemQuerySet:
    items = Item.objects.visible_to(user).filter(version=version).search(chosen.q)
    return items if chosen.norm is None else items.filter(norm=chosen.norm)


def _repeats(user: Any) -> Q:
    """A duplicate of something this reader may see: that a hidden item has the same text is not told."""
    repeats = Q(duplicate_of__isnull=False)
    if not can_see_split(user, Split.HIDDEN):
        repeats &= ~Q(duplicate_of__split=Split.HIDDEN)
    return repeats


def _row(user: Any, item: Item, q: str) -> ItemRow:
    question = segments(item.question, q)
    option = None
    if q and item.options:
        marked = [(choice["letter"], segments(choice["text"], q)) for choice in item.options]
        letter, pieces = max(marked, key=lambda pair: found_length(pair[1]))
        if found_length(pieces) > found_length(question):
            option = (letter, excerpt(pieces, EXCERPT))
    first = item.duplicate_of
    repeats = first is not None and can_see_split(user, first.split)
    contradicts = first is not None and item.contradicts and can_compare_keys(user, item, first)
    outdated = item.norm is not None and item.norm.standing == Norm.Standing.OUTDATED
    return ItemRow(item, excerpt(question, EXCERPT), option, repeats, contradicts, outdated)


def _key(item: Item) -> str | None:
    return item.answer_key.letters if hasattr(item, "answer_key") else None


def _relatives(user: Any, item: Item) -> tuple[Relative, ...]:
    """The other items with this question that the reader may see, in the order of their numbers."""
    first = item.duplicate_of_id or item.pk
    family = Item.objects.visible_to(user).filter(Q(pk=first) | Q(duplicate_of=first)).exclude(pk=item.pk)
    rows = family.order_by("kind", "number").only(
        "code", "contradicts", "version_id", "kind", "number", "split"
    )
    return tuple(
        Relative(other, (other.contradicts or item.contradicts) and can_compare_keys(user, item, other))
        for other in rows
    )


def _neighbours(user: Any, item: Item, chosen: ItemFilter) -> dict[str, str | None]:
    order = filtered_items(user, item.version, chosen).values_list("code", flat=True)
    before = Q(kind__lt=item.kind) | Q(kind=item.kind, number__lt=item.number)
    behind = Q(kind__gt=item.kind) | Q(kind=item.kind, number__gt=item.number)
    return {
        "previous": order.filter(before).order_by("-kind", "-number").first(),
        "next": order.filter(behind).first(),
    }


def address_query(
    version: BenchmarkVersion, chosen: ItemFilter, *, with_benchmark: bool, newest: bool
) -> str:
    """The encoded filter for links; the version is named only where it is not the newest."""
    parameters = chosen.parameters()
    if not newest:
        parameters = {"version": version.label, **parameters}
    if with_benchmark:
        parameters = {"benchmark": version.benchmark.slug, **parameters}
    return urlencode(parameters)


def download_query(version: BenchmarkVersion, chosen: ItemFilter, *, newest: bool) -> str:
    """The encoded part of the filter that a download of the questions heeds."""
    values = {"version": "" if newest else version.label, "kind": chosen.kind, "split": chosen.split}
    return urlencode({name: value for name, value in values.items() if value})
