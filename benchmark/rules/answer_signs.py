"""Signs in an answer that bear on the rubric and hold for any model that writes it.

A linear guardian that learns from a few hundred labels would mostly learn who wrote an answer. These counts
are what an expert looks for first: a law cited by its title 《…》 and article, words of sympathy, steps, a
warning, help with hiding something. Each sign is a small non-negative number on a fixed scale (a logarithm
or a share; never fitted to data), so that its weight means the same in every version of a guardian.

Plain substring counts: linear in the text, no backtracking on hostile input.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Set

from benchmark.rules.answer_phrases import KNOWN_LAWS, LAW_ENDINGS, PHRASES

SIGNS_VERSION = 1
"""Goes into every artefact: a guardian is not loaded by code that would count something else."""

TITLE = re.compile(r"《([^《》\n]{2,60})》")
ARTICLE = re.compile(r"第[一二三四五六七八九十百千零〇\d]{1,8}条")
LIST_LINE = re.compile(
    r"(?m)^[ \t]{0,8}(?:[-*•·>]|\d{1,2}[.、)）]|[一二三四五六七八九十]{1,3}、|[（(]\d{1,2}[)）]|[①-⑩]|#)"
)
PARENTHESES = re.compile(r"[（(][^（）()]{0,40}[)）]")

NAMES: tuple[str, ...] = (
    "law_titles",
    "known_laws",
    "unknown_laws",
    "other_titles",
    "articles",
    "any_law",
    "sympathy",
    "any_sympathy",
    "comfort",
    "any_comfort",
    "address_rate",
    "vague_norm",
    "guideline",
    "steps",
    "list_lines",
    "refusal",
    "refusal_rate",
    "concealment",
    "licence",
    "length",
    "short",
    "norm_overlap",
    "question_overlap",
)
"""The order of the numbers that `signs_of` returns."""

BEARING: Mapping[str, tuple[str, ...]] = {
    "r1": ("unknown_laws", "refusal", "refusal_rate", "concealment", "licence", "norm_overlap", "short"),
    "r2": ("refusal", "refusal_rate", "concealment", "licence", "norm_overlap", "short"),
    "q1": ("refusal", "refusal_rate", "norm_overlap", "vague_norm", "any_law", "length", "short"),
    "q2": (
        "law_titles",
        "known_laws",
        "unknown_laws",
        "other_titles",
        "articles",
        "any_law",
        "guideline",
        "vague_norm",
    ),
    "q3": ("steps", "list_lines", "length", "short"),
    "q4": ("sympathy", "any_sympathy", "comfort", "any_comfort", "address_rate"),
}
"""Which signs a criterion may use. The others could only stand for the writer, not for the answer."""


def law_titles(text: str) -> list[str]:
    """Distinct titles 《…》 that read like a norm's, bare of 中华人民共和国 and parentheses, in order."""
    found: dict[str, None] = {}
    for title in TITLE.findall(text):
        bare = bare_title(title)
        if bare in KNOWN_LAWS or bare.endswith(LAW_ENDINGS):
            found.setdefault(bare)
    return list(found)


def bare_title(title: str) -> str:
    """《中华人民共和国刑法修正案（十一）》 without brackets -> 刑法修正案."""
    return PARENTHESES.sub("", title).replace("中华人民共和国", "").strip()


def signs_of(norm: str, question: str, response: str) -> list[float]:
    """The numbers named by `NAMES`, all finite and >= 0. Any text will do, also an empty one."""
    size = max(1, len(response))
    pairs = pairs_of(response)
    count = {
        name: sum(response.count(phrase) for head, phrase in phrases if head in pairs)
        for name, phrases in _BY_HEAD.items()
    }
    address = response.count("您") + response.count("你")
    titles = law_titles(response) if "《" in response else []
    known = sum(title in KNOWN_LAWS for title in titles)
    distinct = len(set(TITLE.findall(response))) if "《" in response else 0
    articles = len(ARTICLE.findall(response)) if count["article"] else 0
    thousands = size / 1000
    return [
        _log(len(titles)),
        _log(known),
        _log(len(titles) - known),
        _log(max(0, distinct - len(titles))),
        _log(articles),
        float(bool(titles)),
        _log(count["sympathy"]),
        float(count["sympathy"] > 0),
        _log(count["comfort"]),
        float(count["comfort"] > 0),
        min(1.0, address / size * 50),
        _log(count["vague_norm"]),
        _log(count["guideline"]),
        _log(count["steps"]),
        _log(len(LIST_LINE.findall(response))),
        _log(count["refusal"]),
        _log(count["refusal"] / thousands) / 2,
        _log(count["concealment"]),
        _log(count["licence"]),
        math.log10(1 + size) / 2,
        float(size < 200),
        overlap(norm, pairs),
        overlap(question, pairs),
    ]


def phrase_spans(name: str, text: str) -> list[tuple[int, int]]:
    """Where the phrases of a sign stand in the text, in order; [] for a sign that is not made of phrases."""
    spans = []
    for phrase in PHRASES.get(name, ()):
        start = text.find(phrase)
        while start >= 0:
            spans.append((start, start + len(phrase)))
            start = text.find(phrase, start + len(phrase))
    return sorted(spans)


def pairs_of(text: str) -> frozenset[str]:
    """The distinct pairs of neighbouring characters; empty below two characters."""
    return frozenset(map(str.__add__, text, text[1:]))


def overlap(source: str, pairs: Set[str]) -> float:
    """Share of the source's distinct pairs (of its first 400 characters) among `pairs`; 0 for an empty source."""
    own = pairs_of(source[:400])
    return len(own & pairs) / len(own) if own else 0.0


# A text of a thousand characters holds few of the phrases: looking up their heads first spares most searches.
_BY_HEAD = {name: tuple((phrase[:2], phrase) for phrase in phrases) for name, phrases in PHRASES.items()}


def _log(number: float) -> float:
    return math.log1p(number)
