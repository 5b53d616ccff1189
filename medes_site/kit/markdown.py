"""Markdown that others wrote, as HTML that can do no harm; and where each of its characters stands in the source.

Two guards, one behind the other: markdown-it-py lets no raw HTML through (it is shown as text), nh3 then keeps
only the tags named here. There are no images: a page would fetch them from wherever the text says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = frozenset(
    [
        "p",
        "br",
        "strong",
        "em",
        "s",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "code",
        "hr",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "a",
        "span",
    ]
)
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "span": {"data-at"}}
SCHEMES = frozenset({"http", "https", "mailto"})
DEEPEST_HEADING = 6


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that are shown as they stand: `text` is `source[start:start + len(text)]`."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Located:
    """HTML in which `<span data-at="n">` holds the run that begins at character n of the source."""

    html: SafeString
    runs: tuple[Run, ...]


def _parser(*, links: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    # Escapes stay tokens of their own, so that every text token is a piece of the source.
    parser.disable(["image", "html_block", "html_inline", "text_join"])
    if not links:
        parser.disable(["link", "autolink", "reference"])
    return parser


_WITH_LINKS = _parser(links=True)
_WITHOUT_LINKS = _parser(links=False)


def render_markdown(text: str, *, heading: int = 2) -> SafeString:
    """A text with links, such as guidelines; its biggest heading becomes `<h{heading}>`."""
    tokens = _WITH_LINKS.parse(_plain_ends(text))
    _lower_headings(tokens, heading)
    return _clean(_WITH_LINKS.renderer.render(tokens, _WITH_LINKS.options, {}))


def render_located(text: str, *, heading: int = 3) -> Located:
    """A text to be quoted from, such as a model's answer; what looks like a link is shown as written."""
    parser = _WITHOUT_LINKS
    tokens = parser.parse(_plain_ends(text))
    _lower_headings(tokens, heading)
    finder = _Finder(text)
    for token in tokens:
        _locate(token, finder)
    return Located(_clean(parser.renderer.render(tokens, parser.options, {})), tuple(finder.runs))


def find_quote(text: str, quote: str) -> tuple[int, int] | None:
    """Where a quotation stands in the source: (start, end) in characters, or None.

    The source itself is searched first, then what a reader sees of it, without regard to white space.
    """
    quote = _plain_ends(quote).strip()
    if not quote:
        return None
    start = text.find(quote)
    if start >= 0:
        return start, start + len(quote)
    places = [
        (run.start + offset, character)
        for run in render_located(text).runs
        for offset, character in enumerate(run.text)
        if not character.isspace()
    ]
    wanted = "".join(quote.split())
    start = "".join(character for _place, character in places).find(wanted)
    return None if start < 0 else (places[start][0], places[start + len(wanted) - 1][0] + 1)


def _plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Finder:
    """Finds runs one after the other; one that is not found is shown without its place."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self.runs: list[Run] = []

    def span(self, text: str) -> str:
        start = self._source.find(text, self._at) if text.strip() else -1
        if start < 0:
            return escape(text)
        self._at = start + len(text)
        self.runs.append(Run(start, text))
        return f'<span data-at="{start}">{escape(text)}</span>'


def _locate(token: Token, finder: _Finder) -> None:
    """Replaces text by located text. `html_inline` and `html_block` tokens are rendered as they are."""
    if token.type == "inline":
        for child in token.children or ():
            if child.type in ("text", "text_special"):
                child.content = finder.span(child.content)
                child.type = "html_inline"
            elif child.type == "code_inline":
                child.content = f"<code>{finder.span(child.content)}</code>"
                child.type = "html_inline"
    elif token.type in ("fence", "code_block"):
        lines = "\n".join(finder.span(line) for line in token.content.split("\n"))
        token.content = f"<pre><code>{lines}</code></pre>\n"
        token.type = "html_block"


def _lower_headings(tokens: Sequence[Token], top: int) -> None:
    levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    if not levels:
        return
    shift = top - min(levels)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(DEEPEST_HEADING, max(1, int(token.tag[1]) + shift))}"


def _clean(html: str) -> SafeString:
    settings: dict[str, Any] = {"tags": set(TAGS), "attributes": ATTRIBUTES, "url_schemes": set(SCHEMES)}
    return mark_safe(nh3.clean(html, link_rel="noopener noreferrer nofollow", **settings))  # noqa: S308
