"""How the statutes of one jurisdiction are written: a TOML file, so that another country needs no program.

    [corpus]    slug, name_zh, name_en, jurisdiction, language, and version where there is one
    [articles]  pattern: an article's head, with the groups label, number and, where there is one, sub
                reference: what behind it says that a paragraph only speaks of an article
                fallback, fallback_label: another numbering, for a text in which `pattern` is nowhere
    [layout]    heading: a chapter's line written without "#"; annex: what ends the articles;
                front_end: the line that ends the notes on enactment
    [titles]    ignored: parts of a title that do not tell two statutes apart
    [dates]     date: with the groups year, month, day; enacted, published: words beside a date; in_force: with
                {date}, the surest first; on_publication; repeal_sentence, repeal with the group title
    [facts]     kinds: (pattern of the title, kind of source); issuers: (pattern, name or "" for what was found);
                number: patterns of a document's number

Patterns are Python's regular expressions, over text under NFKC except for [articles] and [layout].
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.readers.native import SOURCE_KINDS
from benchmark.readers.records import CorpusRecord

PROFILES = Path(__file__).resolve().parent.parent / "corpora"
CHINESE = "cn-statutes"
IN_FOLDER = "corpus.toml"


class BadProfile(ValueError):
    """A profile that cannot be used; the message names the entry."""


@dataclass(frozen=True)
class CorpusProfile:
    """A profile, ready for use. Patterns that a profile leaves out are None, lists are empty."""

    corpus: CorpusRecord
    article: re.Pattern[str]
    reference: re.Pattern[str] | None
    fallback: re.Pattern[str] | None
    fallback_label: str
    heading: re.Pattern[str] | None
    annex: re.Pattern[str] | None
    front_end: re.Pattern[str] | None
    ignored: tuple[re.Pattern[str], ...]
    date: re.Pattern[str]
    enacted: re.Pattern[str] | None
    published: re.Pattern[str] | None
    in_force: tuple[re.Pattern[str], ...]
    on_publication: re.Pattern[str] | None
    repeal_sentence: re.Pattern[str] | None
    repeal: re.Pattern[str] | None
    kinds: tuple[tuple[re.Pattern[str], str], ...]
    issuers: tuple[tuple[re.Pattern[str], str], ...]
    number: tuple[re.Pattern[str], ...]


def known_profiles() -> list[str]:
    """The names of the profiles that come with the project."""
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def load_profile(name: str | os.PathLike[str]) -> CorpusProfile:
    """A profile by name, or from a TOML file. Raises BadProfile, FileNotFoundError."""
    path = Path(name)
    if path.suffix != ".toml":
        path = PROFILES / f"{name}.toml"
        if not path.is_file():
            raise BadProfile(f"there is no profile {str(name)!r}; known are {', '.join(known_profiles())}")
    try:
        with path.open("rb") as file:
            return read_profile(tomllib.load(file))
    except tomllib.TOMLDecodeError as error:
        raise BadProfile(f"{path.name}: {error}") from error


def read_profile(document: dict[str, Any]) -> CorpusProfile:
    """A profile from its document. Raises BadProfile."""
    articles, layout = _table(document, "articles"), _table(document, "layout")
    dates, facts = _table(document, "dates"), _table(document, "facts")
    date = _required(dates, "dates", "date", ("year", "month", "day"))
    fallback = _pattern(articles, "articles", "fallback", ("number",))
    return CorpusProfile(
        corpus=_corpus(_table(document, "corpus")),
        article=_required(articles, "articles", "pattern", ("label", "number")),
        reference=_pattern(articles, "articles", "reference"),
        fallback=fallback,
        fallback_label=str(articles.get("fallback_label", "{number}")),
        heading=_pattern(layout, "layout", "heading"),
        annex=_pattern(layout, "layout", "annex"),
        front_end=_pattern(layout, "layout", "front_end"),
        ignored=tuple(_compiled(text, "titles.ignored") for text in _texts(document, "titles", "ignored")),
        date=date,
        enacted=_pattern(dates, "dates", "enacted"),
        published=_pattern(dates, "dates", "published"),
        in_force=tuple(
            _compiled(text.replace("{date}", date.pattern), "dates.in_force", ("year", "month", "day"))
            for text in _texts(document, "dates", "in_force")
        ),
        on_publication=_pattern(dates, "dates", "on_publication"),
        repeal_sentence=_pattern(dates, "dates", "repeal_sentence"),
        repeal=_pattern(dates, "dates", "repeal", ("title",)),
        kinds=_pairs(facts, "kinds", SOURCE_KINDS),
        issuers=_pairs(facts, "issuers"),
        number=tuple(_compiled(text, "facts.number") for text in _texts(document, "facts", "number")),
    )


def _corpus(table: dict[str, Any]) -> CorpusRecord:
    wanted = ("slug", "name_zh", "name_en", "jurisdiction", "language")
    missing = [name for name in wanted if not str(table.get(name, "")).strip()]
    if missing:
        raise BadProfile(f"corpus.{missing[0]} is missing")
    slug, name_zh, name_en, jurisdiction, language = (str(table[name]).strip() for name in wanted)
    return CorpusRecord(slug, name_zh, name_en, jurisdiction, language, str(table.get("version", "")))


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise BadProfile(f"[{name}] is not a table")
    return table


def _texts(document: dict[str, Any], table: str, name: str) -> list[str]:
    found = _table(document, table).get(name, [])
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise BadProfile(f"{table}.{name} is not a list of texts")
    return found


def _pairs(
    table: dict[str, Any], name: str, choices: tuple[str, ...] = ()
) -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = []
    for row in table.get(name, []):
        if not isinstance(row, list) or len(row) != 2:
            raise BadProfile(f"facts.{name}: {row!r} is no pair")
        pattern, value = row
        if choices and value not in choices:
            raise BadProfile(f"facts.{name}: {value!r} is none of {', '.join(choices)}")
        pairs.append((_compiled(pattern, f"facts.{name}"), str(value)))
    return tuple(pairs)


def _required(table: dict[str, Any], title: str, name: str, groups: tuple[str, ...]) -> re.Pattern[str]:
    found = _pattern(table, title, name, groups)
    if found is None:
        raise BadProfile(f"{title}.{name} is missing")
    return found


def _pattern(
    table: dict[str, Any], title: str, name: str, groups: tuple[str, ...] = ()
) -> re.Pattern[str] | None:
    text = table.get(name)
    return None if not text else _compiled(str(text), f"{title}.{name}", groups)


def _compiled(text: str, place: str, groups: tuple[str, ...] = ()) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise BadProfile(f"{place}: {error}") from error
    lacking = [group for group in groups if group not in pattern.groupindex]
    if lacking:
        raise BadProfile(f"{place} has no group named {lacking[0]}")
    return pattern
