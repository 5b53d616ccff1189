"""What a page must be for everybody: accessible, in one language, and no wider than its window."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files
from typing import Final

from playwright.sync_api import Page

AXE: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
BAD: Final = ("serious", "critical")
# Only colours change with the theme, so only their rules run a second time.
COLOURS: Final = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
UNFOLD: Final = "() => document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"
# The page scrolls sideways, or something hangs over its edge outside of a box that scrolls by itself.
OVER_THE_EDGE: Final = """
() => {
  const root = document.scrollingElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    if (element.getBoundingClientRect().right <= root.clientWidth + 1) continue;
    let box = element.parentElement;
    while (box && getComputedStyle(box).overflowX === "visible") box = box.parentElement;
    if (!box || box === document.body || box === root) {
      found.push(`${element.tagName.toLowerCase()}.${element.className?.baseVal ?? element.className}`);
    }
  }
  return [`${root.scrollWidth} > ${root.clientWidth}`, ...found.slice(0, 8)];
}
"""
# Whatever a person reads or hears, unless it is marked as another language, is code, or a model's reply.
TEXTS: Final = """
() => {
  const found = [document.title];
  const other = (element) => {
    const marked = element.closest("[lang]");
    const foreign = marked && !marked.lang.toLowerCase().startsWith("zh");
    return foreign || element.closest("code, pre, kbd, script, style, noscript, .reply, .excerpt, .model-text");
  };
  for (const element of document.body.querySelectorAll("*")) {
    if (other(element)) continue;
    for (const name of ["title", "alt", "placeholder", "aria-label", "data-confirm", "data-copied"]) {
      if (element.getAttribute(name)) found.push(element.getAttribute(name));
    }
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    if (text && !other(walker.currentNode.parentElement)) found.push(text);
  }
  return found;
}
"""
# Names, formats and notations that are the same in Chinese.
ALLOWED: Final = frozenset(
    re.findall(
        r"\w+",
        "MedES API CSV JSON JSONL Lines OpenAPI UTF GB MiB MB KB SHA EN Holm arXiv SFT DPO obj sub Apache"
        " item response prompt demo qqqqq Markdown Krippendorff Cohen Gwet AC Parquet medes linear gram SPF LoRA YAML OpenAI",
    )
)
LETTERS: Final = re.compile(r"[A-H]+")  # an answer
WORD: Final = re.compile(r"[A-Za-z]{2,}")
# Addresses, files, names of commands and of variables, and a setting with its number.
ADDRESS: Final = re.compile(
    r"MEDES(?:_[A-Z]+)+|[a-z]+: [\d.]+|[a-z]+(?:_[a-z]+)+|https?://\S+|[\w.+-]+@[\w.-]+|[\w-]+\.(?:csv|jsonl?|txt)\b"
)


def start_axe(page: Page) -> None:
    """On the whole page: a click may just have brought it, and its styles and scripts come after its first words."""
    page.wait_for_load_state()
    page.evaluate(AXE)


def violations(page: Page, options: dict[str, object] | None = None) -> list[str]:
    """Serious and critical violations, each with the first places where it is. `start_axe` comes first."""
    result = page.evaluate(
        "(options) => axe.run(document, options)", {"resultTypes": ["violations"], **(options or {})}
    )
    return [
        f"{found['id']} ({found['impact']}, {len(found['nodes'])}): "
        + " | ".join(f"{node['target'][0]} {node['html'][:160]}" for node in found["nodes"][:3])
        + f" :: {found['nodes'][0]['failureSummary'][:300]}"
        for found in result["violations"]
        if found["impact"] in BAD
    ]


def over_the_edge(page: Page, width: int) -> list[str]:
    page.set_viewport_size({"width": width, "height": 900})
    found = page.evaluate(OVER_THE_EDGE)
    return [f"at {width} px: {', '.join(found)}"] if found else []


def foreign_texts(page: Page, names: Iterable[str]) -> list[str]:
    """Texts of a Chinese page with a Latin word that is no name and no notation."""
    known = sorted((name for name in names if name), key=len, reverse=True)
    found = []
    for text in page.evaluate(TEXTS):
        rest = ADDRESS.sub(" ", text)
        for name in known:
            rest = rest.replace(name, " ")
        if any(word not in ALLOWED and not LETTERS.fullmatch(word) for word in WORD.findall(rest)):
            found.append(text)
    return list(dict.fromkeys(found))
