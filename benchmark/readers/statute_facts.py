"""What a statute says about itself: since when it is in force, who issued it under which number, what it repeals.

The date in force comes from the statute's own clause ("本法自2021年4月15日起施行"), else from the notes under the title;
never from a file's name. The date of a version is that of its last enactment or amendment: an amended law keeps the
clause of its first version, so that clause cannot tell two versions apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from benchmark.readers.corpus_profile import CorpusProfile
from benchmark.rules.numerals import chinese_number

_FILE_DATE = re.compile(r"[（(](\d{4})-(\d{2})-(\d{2})[)）]\s*$")
_SENTENCE = re.compile(r"[^。\n]+")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StatuteFacts:
    """`in_force`, `version_date`: None where nothing says it. `repeals`: families of the statutes that this one
    says it repeals, with the sentence that says so. Texts are "" where unknown; `kind` is "unstated" then."""

    in_force: date | None
    version_date: date | None
    kind: str
    issuer: str
    number: str
    repeals: tuple[tuple[str, str], ...]


def facts_of(
    profile: CorpusProfile, title: str, stem: str, front: Sequence[str], last_articles: Sequence[str]
) -> StatuteFacts:
    """`stem`: the file's name without its ending; `front`: the lines before the first article;
    `last_articles`: texts of the last few, in which the closing clause stands."""
    notes = [unicodedata.normalize("NFKC", line) for line in front]
    closing = [unicodedata.normalize("NFKC", text) for text in last_articles]
    enacted = list(_dated(profile, notes, profile.enacted))
    named = _file_date(stem)
    version = max([*enacted, *([named] if named else [])], default=None)
    in_force = _in_force(profile, notes, closing)
    return StatuteFacts(
        in_force=in_force,
        version_date=version or in_force,
        kind=next((kind for pattern, kind in profile.kinds if pattern.search(title)), "unstated"),
        issuer=_issuer(profile, [*notes, unicodedata.normalize("NFKC", title)]),
        number=_number(profile, notes),
        repeals=tuple(_repeals(profile, title, closing)),
    )


def family_of(profile: CorpusProfile, title: str) -> str:
    """The title without what does not tell two statutes apart: 中华人民共和国, the court's name, a year in brackets."""
    family = unicodedata.normalize("NFKC", title)
    for pattern in profile.ignored:
        family = pattern.sub("", family.strip())
    return re.sub(r"\s+", " " if profile.corpus.language != "zh" else "", family).strip() or title


def _in_force(profile: CorpusProfile, notes: Sequence[str], closing: Sequence[str]) -> date | None:
    for pattern in profile.in_force:
        # From the end: the closing clause is the last one that fits.
        for text in (*reversed(closing), *notes):
            for found in reversed(list(pattern.finditer(text))):
                day = _day(found)
                if day is not None:
                    return day
    if profile.on_publication is not None and any(profile.on_publication.search(text) for text in closing):
        published = list(_dated(profile, notes, profile.published))
        return min(published, default=None)
    return None


def _dated(profile: CorpusProfile, notes: Iterable[str], words: re.Pattern[str] | None) -> Iterator[date]:
    """Dates of the notes beside one of `words`: each date rules the text up to the next date."""
    if words is None:
        return
    for line in notes:
        # Titles in 《》 hold words such as 修改 themselves.
        found = list(profile.date.finditer(re.sub(r"《[^《》]*(?:《[^《》]*》[^《》]*)*》", "", line)))
        plain = re.sub(r"《[^《》]*(?:《[^《》]*》[^《》]*)*》", "", line)
        for place, match in enumerate(found):
            stop = found[place + 1].start() if place + 1 < len(found) else len(plain)
            before = plain[found[place - 1].end() if place else 0 : match.start()]
            if words.search(plain[match.end() : stop]) or (not place and words.search(before)):
                day = _day(match)
                if day is not None:
                    yield day


def _day(found: re.Match[str]) -> date | None:
    month = found["month"].lower()
    try:
        number = _MONTHS.index(month) + 1 if month in _MONTHS else chinese_number(month)
        return date(chinese_number(found["year"]) or 0, number or 0, chinese_number(found["day"]) or 0)
    except ValueError:
        return None


def _file_date(stem: str) -> date | None:
    found = _FILE_DATE.search(stem)
    try:
        return date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        return None


def _issuer(profile: CorpusProfile, lines: Iterable[str]) -> str:
    for line in lines:
        for pattern, name in profile.issuers:
            found = pattern.search(line)
            if found:
                return (name or found[0])[:200]
    return ""


def _number(profile: CorpusProfile, notes: Iterable[str]) -> str:
    for line in notes:
        for pattern in profile.number:
            found = pattern.search(line)
            if found:
                return re.sub(r"\s+", "" if profile.corpus.language == "zh" else " ", found[0])[:120]
    return ""


def _repeals(profile: CorpusProfile, title: str, closing: Iterable[str]) -> Iterator[tuple[str, str]]:
    if profile.repeal_sentence is None or profile.repeal is None:
        return
    own = family_of(profile, title)
    seen = {own}
    for text in closing:
        for sentence in _SENTENCE.findall(text):
            if not profile.repeal_sentence.search(sentence):
                continue
            for found in profile.repeal.finditer(sentence):
                family = family_of(profile, found["title"])
                if family not in seen:
                    seen.add(family)
                    yield family, sentence.strip()[:300]
