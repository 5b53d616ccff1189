"""Which version of the law counts: successions between sources, as plain numbers and dates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date


def effective_date(in_force: date | None, version: date | None) -> date | None:
    """Since when a version holds: an amended law keeps the clause of its first version, so the later date counts."""
    known = [day for day in (in_force, version) if day is not None]
    return max(known, default=None)


def superseded(
    successions: Iterable[tuple[int, int]], effective: Mapping[int, date | None], today: date
) -> dict[int, set[int]]:
    """older -> the sources that take its place, of (newer, older) pairs. One that is not in force yet by `today`
    takes nobody's place; one without a date does."""
    found: dict[int, set[int]] = defaultdict(set)
    for newer, older in successions:
        day = effective.get(newer)
        if day is None or day <= today:
            found[older].add(newer)
    return dict(found)


def heads(source: int, successors: Mapping[int, set[int]]) -> set[int]:
    """The sources that hold today in the place of `source`: itself if nobody took it. Circles end."""
    found, seen, waiting = set(), {source}, [source]
    while waiting:
        place = waiting.pop()
        following = successors.get(place, set())
        if not following:
            found.add(place)
        for newer in following - seen:
            seen.add(newer)
            waiting.append(newer)
    return found


def lines(sources: Iterable[int], successions: Iterable[tuple[int, int]]) -> dict[int, int]:
    """source -> the smallest source of its line: those connected by successions, whichever way."""
    roots = {source: source for source in sources}

    def root(source: int) -> int:
        while roots.setdefault(source, source) != source:
            roots[source] = roots[roots[source]]
            source = roots[source]
        return source

    for newer, older in successions:
        a, b = root(newer), root(older)
        roots[max(a, b)] = min(a, b)
    return {source: root(source) for source in roots}


def is_outdated(exact: Sequence[int], others: Sequence[int], gone: Iterable[int]) -> bool | None:
    """Whether a norm's wording stands only in sources that are `gone`; None where it stands nowhere.

    `exact`: the sources that hold it word for word; `others`: those of links that a person confirmed. Where it stands
    word for word decides alone: an article that only resembles it may be the very one that changed.
    """
    decisive = exact or others
    return all(source in set(gone) for source in decisive) if decisive else None
