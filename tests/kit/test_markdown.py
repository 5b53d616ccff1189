"""Markdown of strangers: nothing of it runs, and every character knows its place."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medes_site.kit.markdown import TAGS, find_quote, render_located, render_markdown

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<p style="position:fixed" onclick="alert(1)">x</p>',
    "[x](javascript:alert(1))",
    "[x](  JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:alert(1)>",
    "![x](http://example.org/pixel.png)",
    "<style>*{display:none}</style>",
    "<svg/onload=alert(1)>",
    '<a href="http://x" target="_blank" onmouseover="x()">y</a>',
    "```html\n<script>alert(1)</script>\n```",
    "`<iframe src=//example.org>`",
    "|a|<b onclick=x>|\n|-|-|\n|c|d|",
    "<!-- x --><form action=/><input name=r1>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    '[x]: javascript:alert(1) "t"\n\n[x]',
    "<span data-at=5>x</span>",
)
ALLOWED = re.compile(
    r"</?(?:"
    + "|".join(sorted(TAGS, key=len, reverse=True))
    + r')(?: start="\d+"| data-at="\d+"| href="(?:https?:|mailto:)[^"<>]*"| rel="noopener noreferrer nofollow")*\s*/?>'
)


def assert_harmless(html: str) -> None:
    """Nothing in angle brackets but the tags and attributes that are allowed."""
    assert re.findall(r"<[^>]*>?", ALLOWED.sub("", html)) == [], html


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_comes_through(text: str) -> None:
    for html in (render_markdown(text), render_located(text).html):
        assert_harmless(html)
        assert "<script" not in html
        assert "<img" not in html
        assert 'href="javascript' not in html.lower()


def test_the_guard_of_this_test_would_notice() -> None:
    with pytest.raises(AssertionError):
        assert_harmless('<p onclick="x">y</p>')


@given(st.text(alphabet=st.sampled_from(list("<>/\"'=&;:()[]!`*_#|-\\ \n\r1甲a&onclick")), max_size=60))
def test_any_text_is_harmless_and_located(text: str) -> None:
    assert_harmless(render_markdown(text))
    located = render_located(text)
    assert_harmless(located.html)
    for run in located.runs:
        assert text[run.start : run.start + len(run.text)] == run.text
    starts = [run.start for run in located.runs]
    assert starts == sorted(starts)


def test_the_usual_forms() -> None:
    html = render_markdown("# 题\n\n一**二**三\n\n- 甲\n- 乙\n\n3. 丙\n\n[法](https://example.org/a?b=1&c=2)")
    assert "<h2>题</h2>" in html
    assert "<strong>二</strong>" in html
    assert '<ol start="3">' in html
    assert '<a href="https://example.org/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">法</a>' in html


def test_an_answer_shows_links_as_they_were_written() -> None:
    html = render_located("见[某法](http://example.org)").html
    assert "<a" not in html
    assert unescape(re.sub(r"<[^>]*>", "", html)).strip() == "见[某法](http://example.org)"


def test_headings_begin_where_the_page_wants_them() -> None:
    html = render_located("## 一\n\n### 二\n\n###### 三", heading=3).html
    assert [tag for tag in re.findall(r"<(h\d)>", html)] == ["h3", "h4", "h6"]


def test_every_run_knows_its_place() -> None:
    source = "1. 先**停**下\n2. 再问\\*一句\\*\r\n\r\n> 引𠮷文\n\n```\n码 1\n码 2\n```\n"
    runs = {run.text: run.start for run in render_located(source).runs}
    for text in ("停", "再问", "引𠮷文", "码 1", "码 2", "一句"):
        assert runs[text] == source.index(text)


@pytest.mark.parametrize(
    ("source", "quote", "found"),
    [
        ("先停下，再问。", "再问", "再问"),
        ("先**停**下，再问。", "先停下", "先**停**下"),
        ("一\n\n二", "一 二", "一\n\n二"),
        ("1. 甲\n2. 乙", "甲\n乙", "甲\n2. 乙"),
        ("先停下", "没有", None),
        ("先停下", "  ", None),
    ],
)
def test_a_quotation_is_found(source: str, quote: str, found: str | None) -> None:
    place = find_quote(source, quote)
    assert (None if place is None else source[place[0] : place[1]]) == found
