"""Read statutes in Markdown: a title, notes on enactment, chapters, articles with their paragraphs and items.

    # 人体器官移植条例
    2007年3月31日 中华人民共和国国务院令第491号公布
    <!-- INFO END -->
    ## 第一章 总则
    第一条 为了规范…
    （一）…

One file is one statute, or one part of it (a second "#" line, as in the books of the civil code). What an article's
head looks like says the profile (`corpus_profile`); everything else is forgiving: bold heads, block quotes, heads
without a blank, chapters without "#", full-width digits, comments, several parts in a file. Nothing is raised for
what stands in a file. A file that holds no article is a `Rejected` with the code no_articles; other codes are those
of `problem.Code`. What looks odd but can be used is a `Note`:

    no_title            the file's name stands in for it
    no_date             neither the notes nor a clause says since when it is in force
    gap, repeated, out_of_order (article)   the numbers do not follow each other
    empty_article (article)                 a head without a text: left out
    annex (lines)                           left out: what follows the articles
    numbered_otherwise                      articles were found by the profile's fallback pattern
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.readers.corpus_profile import CorpusProfile
from benchmark.readers.problem import Limits, StopReading
from benchmark.readers.records import Rejected
from benchmark.readers.source_lines import ByteSource, numbered_lines, rejected_by
from benchmark.readers.statute_facts import StatuteFacts, facts_of, family_of
from benchmark.rules.cleaning import clean_norm, clean_text
from benchmark.rules.numerals import chinese_number, place_of
from benchmark.rules.wording import bare_letters

# A statute is held in memory whole, one at a time; the largest code of law is below 2 MiB.
STATUTE_LIMITS = Limits(bytes=16 * 1024 * 1024, row=1024 * 1024)
SUFFIXES = (".md", ".markdown", ".txt")
LONGEST_LABEL = 80
LONGEST_HEADING = 300

_COMMENT = re.compile(r"<!--.*?-->")
_HEADING = re.compile(r"(?P<level>#{1,6})\s*(?P<text>.+?)\s*#*\s*$")
_QUOTE = re.compile(r"(?:>\s*)+")
_BOLD = re.compile(r"\*\*|__")
_BLANKS = re.compile(r"[\s　]+")
_TABLE_RULE = re.compile(r"\|?(?:\s*:?-{3,}:?\s*\|)+\s*:?-*:?\s*$")
_LINK = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)")
_RULE = re.compile(r"(?:[-*_]\s*){3,}$")
_NUMBERED = re.compile("[一二三四五六七八九十0-9]")  # 第一编 is a chapter, 总则 may be the title of a part
_OPENING = ("【", "[", "：", ":")


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd. `article`: the label it is about, "" where it is the file; `line` from 1, 0 for the file."""

    code: str
    line: int
    article: str = ""
    lines: int = 0


@dataclass(frozen=True, slots=True)
class ArticleRecord:
    """One article. `label` as cited (第十条之一); `heading`: part, chapter and section, joined by " › ", "" if none;
    `place` orders the articles of a source; `text` without the label, cleaned as a norm's text."""

    label: str
    heading: str
    place: int
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Statute:
    """A file read. `part`: the title of the part that it holds, "" for a whole statute. `family`: the title
    without what does not tell statutes apart. `digest`: SHA-256 over labels and bare words of the articles."""

    file: str
    title: str
    part: str
    family: str
    facts: StatuteFacts
    articles: tuple[ArticleRecord, ...]
    notes: tuple[Note, ...]
    digest: str


def statute_files(path: str | os.PathLike[str]) -> list[Path]:
    """The file itself, or the Markdown and text files below a folder in a fixed order, hidden ones left out."""
    place = Path(path)
    if place.is_file():
        return [place]
    found = (file for file in place.rglob("*") if file.is_file() and file.suffix.lower() in SUFFIXES)
    return sorted(
        file for file in found if not any(part.startswith(".") for part in file.relative_to(place).parts)
    )


def read_statutes(path: str | os.PathLike[str], profile: CorpusProfile) -> Iterator[Statute | Rejected]:
    """Yield the statutes below `path` one by one: only one is held at a time. OSError of a path is raised."""
    place = Path(path)
    for file in statute_files(place):
        name = file.name if place.is_file() else file.relative_to(place).as_posix()
        yield read_statute(file, profile, name)


def read_statute(source: ByteSource, profile: CorpusProfile, name: str) -> Statute | Rejected:
    """The statute of one file; `name` is what reports call it (and where its date may stand)."""
    try:
        with numbered_lines(source, STATUTE_LIMITS) as numbered:
            lines = [(number, clean_text(text).text) for number, text in numbered]
    except StopReading as stop:
        return rejected_by(stop, name)
    reading = _Reading(profile)
    reading.take(lines)
    if not reading.articles and profile.fallback is not None:
        again = _Reading(profile, profile.fallback)
        again.take(lines)
        if again.articles:
            again.notes.append(Note("numbered_otherwise", 0))
            reading = again
    if not reading.articles:
        return Rejected(0, "", "no_articles", {}, name)
    return reading.statute(name)


@dataclass
class _Open:
    """The article being read."""

    label: str
    heading: str
    place: int
    line: int
    paragraphs: list[str]


@dataclass
class _Reading:
    """One pass over the lines of a file. `numbering`: another pattern than the profile's for heads."""

    profile: CorpusProfile
    numbering: re.Pattern[str] | None = None
    titles: list[str] = field(default_factory=list)
    front: list[str] = field(default_factory=list)
    articles: list[ArticleRecord] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    _headings: dict[int, str] = field(default_factory=dict)
    _in_front: bool = True
    _in_annex: bool = False
    _annex_lines: int = 0
    _in_comment: bool = False
    _open: _Open | None = None
    _last: tuple[int, str] = (0, "")  # number and label of the article before
    _seen: set[str] = field(default_factory=set)

    def take(self, lines: list[tuple[int, str]]) -> None:
        for number, text in lines:
            self._line(number, text)
        self._close()
        if self._annex_lines:
            self.notes.append(Note("annex", 0, lines=self._annex_lines))

    def _line(self, number: int, raw: str) -> None:
        if self.profile.front_end is not None and self.profile.front_end.search(raw):
            self._in_front = False
        text = self._plain(raw)
        if not text:
            return
        heading = _HEADING.match(text)
        if heading:
            inner = _BOLD.sub("", heading["text"]).strip()
            if head := self._head(inner, number):
                self._begin(*head)  # "### 第一条 …": a head that is marked as a heading
            else:
                self._heading(len(heading["level"]), inner)
            return
        text = _BOLD.sub("", text)
        if head := self._head(text, number):
            self._begin(*head)
        elif self.profile.annex is not None and self._open and self.profile.annex.match(text):
            self._end_articles()
        elif self.profile.heading is not None and len(text) <= 40 and self.profile.heading.match(text):
            self._heading(0, text)
        elif self._in_annex:
            self._annex_lines += 1
        elif self._open is not None:
            self._open.paragraphs.append(text)
        else:
            self.front.append(text)

    def _plain(self, raw: str) -> str:
        """The line without comments, quote marks, links and rules; a comment may run over several lines."""
        text = raw
        if self._in_comment:
            _before, ends, text = text.partition("-->")
            if not ends:
                return ""
            self._in_comment = False
        text = _COMMENT.sub("", text)
        if "<!--" in text:
            text, self._in_comment = text.partition("<!--")[0], True
        text = text.strip()
        quoted = _QUOTE.match(text)
        text = text[quoted.end() :] if quoted else text
        if _RULE.fullmatch(text) or _TABLE_RULE.fullmatch(text):
            return ""
        return _LINK.sub(r"\1", text).strip()

    def _head(self, text: str, line: int) -> tuple[_Open, int] | None:
        """The article that begins here, with its number, if one does."""
        if self._in_annex:
            return None
        pattern = self.numbering or self.profile.article
        found = pattern.match(text)
        if not found:
            return None
        number = chinese_number(found["number"].rpartition(".")[2])
        groups = found.groupdict()
        sub = groups.get("sub") or ""
        rest = text[found.end() :]
        follows = number is not None and (
            number == self._last[0] + 1 or (number == self._last[0] and bool(sub))
        )
        if self.numbering is None and not self._is_head(rest, follows):
            return None
        if self.numbering is not None:
            label = self.profile.fallback_label.format(number=found["number"])
        else:
            label = _BLANKS.sub(" " if self.profile.corpus.language != "zh" else "", found["label"]).strip()
        place = place_of(found["number"], sub)
        opened = _Open(
            label[:LONGEST_LABEL], self._path(), place or 0, line, [rest.strip()] if rest.strip() else []
        )
        return opened, number or 0

    def _is_head(self, rest: str, follows: bool) -> bool:
        refers = self.profile.reference is not None and bool(self.profile.reference.match(rest))
        if not rest or rest.startswith(_OPENING):
            return True
        if rest[0].isspace():
            return not refers or follows
        return follows and not refers

    def _begin(self, opened: _Open, number: int) -> None:
        self._close()
        self._in_front = False
        last, _label = self._last
        if opened.label in self._seen:
            self.notes.append(Note("repeated", opened.line, opened.label))
        elif last and number < last:
            self.notes.append(Note("out_of_order", opened.line, opened.label))
        elif last and number > last + 1:
            self.notes.append(Note("gap", opened.line, opened.label))
        self._seen.add(opened.label)
        self._last = (number, opened.label)
        self._open = opened

    def _close(self) -> None:
        opened, self._open = self._open, None
        if opened is None:
            return
        text = clean_norm("\n".join(opened.paragraphs)).text
        if not text:
            self.notes.append(Note("empty_article", opened.line, opened.label))
            return
        # A number that cannot be read stands behind the article before it.
        place = opened.place or (self.articles[-1].place + 1 if self.articles else 0)
        self.articles.append(ArticleRecord(opened.label, opened.heading, place, text, opened.line))

    def _heading(self, level: int, text: str) -> None:
        shown = _BLANKS.sub(" ", text).strip()
        is_chapter = self.profile.heading is not None and bool(self.profile.heading.match(text))
        numbered = is_chapter and bool(_NUMBERED.search(shown))
        if not self.articles and self._open is None and level == 1 and len(self.titles) < 2 and not numbered:
            self.titles.append(shown)
            return
        self._close()
        if (
            self.profile.annex is not None
            and not is_chapter
            and self.profile.annex.match(text)
            and self.articles
        ):
            self._end_articles()
            return
        self._in_annex = False
        # Chapters written without "#" stand where a chapter would.
        depth = level or (3 if re.search("节", shown) else 2)
        self._headings = {known: title for known, title in self._headings.items() if known < depth}
        self._headings[depth] = shown

    def _end_articles(self) -> None:
        self._close()
        self._in_annex = True
        self._annex_lines += 1

    def _path(self) -> str:
        parts = [*self.titles[1:2], *(self._headings[level] for level in sorted(self._headings))]
        return " › ".join(parts)[:LONGEST_HEADING]

    def statute(self, name: str) -> Statute:
        stem = Path(name).stem
        title = self.titles[0] if self.titles else re.sub(r"[（(]\d{4}-\d{2}-\d{2}[)）]$", "", stem).strip()
        notes = list(self.notes)
        if not self.titles:
            notes.append(Note("no_title", 0))
        facts = facts_of(
            self.profile, title, stem, self.front, [article.text for article in self.articles[-3:]]
        )
        if facts.in_force is None:
            notes.append(Note("no_date", 0))
        return Statute(
            file=name,
            title=title[:200],
            part=self.titles[1] if len(self.titles) > 1 else "",
            family=family_of(self.profile, title)[:200],
            facts=facts,
            articles=tuple(self.articles),
            notes=tuple(notes),
            digest=_digest(self.articles),
        )


def _digest(articles: list[ArticleRecord]) -> str:
    digest = hashlib.sha256()
    for article in articles:
        digest.update(f"{bare_letters(article.label)}\t{bare_letters(article.text)}\n".encode())
    return digest.hexdigest()
