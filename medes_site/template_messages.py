"""Strings in Django templates: those marked for translation, and those that somebody forgot to mark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

from django.template.base import Lexer, Token, TokenType
from django.utils.translation import trim_whitespace

TRANSLATE: Final = ("trans", "translate")
BLOCK: Final = ("blocktrans", "blocktranslate")
ENDBLOCK: Final = ("endblocktrans", "endblocktranslate")
CONSTANT: Final = re.compile(r"""_\((?P<quote>["'])(?P<text>(?:(?!(?P=quote)).)*)(?P=quote)\)""")
# Text that people read. Besides these, only text nodes.
ATTRIBUTES: Final = frozenset(
    {"title", "alt", "placeholder", "label", "aria-label", "aria-description", "data-confirm", "data-copied"}
)
WORD: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[A-Za-zÀ-ÿ]{2,}")
# Names that are the same in both languages, the other language's own name, and what stands in for a tag.
SAME: Final = re.compile(
    r"\b(?:MedES|API|OpenAPI|CSV|JSONL?|Parquet|SVG|SHA-256|UTF-8|GB18030|MiB|DPO|SFT|EN|English)\b|中文"
)
HOLE: Final = "\ufffc"
UNREAD: Final = ("script", "style", "code", "kbd", "samp")


@dataclass(frozen=True, slots=True)
class Message:
    """A string marked for translation. `where`: the file's path in the project; `line` counts from 1."""

    text: str
    plural: str | None
    context: str | None
    where: str
    line: int


def _unquote(piece: str) -> str | None:
    """The text of a quoted literal (filters behind it do not matter), or None for a variable."""
    match = re.match(r"""(?P<quote>["'])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)""", piece, re.DOTALL)
    if match is None:
        return None
    quote = match["quote"]
    return match["text"].replace(f"\\{quote}", quote).replace("\\\\", "\\")


def _tokens(source: str) -> list[Token]:
    return Lexer(source).tokenize()


def _name(token: Token) -> str:
    return token.contents.split(None, 1)[0] if token.contents else ""


def _context(pieces: list[str]) -> str | None:
    if "context" in pieces[:-1]:
        return _unquote(pieces[pieces.index("context") + 1])
    return None


def _block(tokens: list[Token], start: int, where: str) -> tuple[Message, int]:
    """The message of the blocktranslate at `start`, and the index of its end tag."""
    pieces = tokens[start].split_contents()
    parts: list[list[str]] = [[]]
    index = start + 1
    while not (tokens[index].token_type == TokenType.BLOCK and _name(tokens[index]) in ENDBLOCK):
        token = tokens[index]
        if token.token_type == TokenType.TEXT:
            parts[-1].append(token.contents.replace("%", "%%"))
        elif token.token_type == TokenType.VAR:
            parts[-1].append(f"%({token.contents})s")
        elif token.token_type == TokenType.BLOCK and _name(token) == "plural":
            parts.append([])
        index += 1
    texts = ["".join(part) for part in parts]
    if "trimmed" in pieces:
        texts = [trim_whitespace(text) for text in texts]
    plural = texts[1] if len(texts) > 1 else None
    return Message(texts[0], plural, _context(pieces), where, tokens[start].lineno or 0), index


def template_messages(source: str, where: str) -> Iterator[Message]:
    """Messages of one template: {% translate %}, {% blocktranslate %} and _("…") in tags and variables."""
    tokens = _tokens(source)
    index, commented = 0, False
    while index < len(tokens):
        token = tokens[index]
        name = _name(token) if token.token_type == TokenType.BLOCK else ""
        if name in ("comment", "endcomment"):
            commented = name == "comment"
        elif not commented and token.token_type in (TokenType.BLOCK, TokenType.VAR):
            line = token.lineno or 0
            if name in BLOCK:
                message, index = _block(tokens, index, where)
                yield message
            elif name in TRANSLATE:
                pieces = token.split_contents()
                text = _unquote(pieces[1])
                if text:
                    yield Message(text.replace("%", "%%"), None, _context(pieces), where, line)
            for match in CONSTANT.finditer(token.contents):
                yield Message(match["text"].replace("%", "%%"), None, None, where, line)
        index += 1


def _visible(source: str) -> str:
    """The template with tags, variables, comments and translated blocks replaced by HOLE; lines stay.

    What stands in a block called `…_class` is a class attribute of the parent template, no text.
    """
    parts: list[str] = []
    hidden = class_block = False
    for token in _tokens(source):
        name = _name(token) if token.token_type == TokenType.BLOCK else ""
        if name in BLOCK or name == "comment":
            hidden = True
        elif name == "block" and token.contents.endswith("_class"):
            hidden = class_block = True
        elif name == "endblock" and class_block:
            hidden = class_block = False
        if token.token_type == TokenType.TEXT and not hidden:
            parts.append(token.contents)
        else:
            lines = token.contents.count("\n") if token.token_type == TokenType.TEXT else 0
            parts.append(HOLE + "\n" * lines)
        if name in ENDBLOCK or name == "endcomment":
            hidden = False
    return "".join(parts)


class _Reader(HTMLParser):
    """Collects the text a person sees or hears."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[int, str]] = []
        self._unread = 0

    def _take(self, text: str) -> None:
        if WORD.search(SAME.sub(" ", text)):
            before = text[: len(text) - len(text.lstrip())].count("\n")
            self.found.append((self.getpos()[0] + before, " ".join(text.replace(HOLE, "…").split())))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in UNREAD:
            self._unread += 1
        for name, value in attrs:
            if value and name in ATTRIBUTES:
                self._take(value)
        if tag == "input" and given.get("type") in ("submit", "button", "reset"):
            self._take(given.get("value") or "")
        if tag == "meta" and given.get("name") == "description":
            self._take(given.get("content") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in UNREAD and self._unread:
            self._unread -= 1

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self._take(data)


def raw_texts(source: str, *, html: bool) -> Iterator[tuple[int, str]]:
    """(line, text) for every readable text of a template that no translation tag holds.

    A page that must stand in both languages at once (500.html) says so with the comment
    `{# both languages #}` on its first line and is left alone.
    """
    if "{# both languages #}" in source.split("\n", 1)[0]:
        return
    visible = _visible(source)
    if html:
        reader = _Reader()
        reader.feed(visible)
        reader.close()
        yield from reader.found
        return
    for number, line in enumerate(visible.split("\n"), start=1):
        if WORD.search(SAME.sub(" ", line)):
            yield number, line.replace(HOLE, "…").strip()
