"""What the labelling pages need and Django does not have."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from annotation.models import Campaign, GuidelineVersion
from benchmark.models import Item, Norm, Source
from medes_site.kit.markdown import render_markdown

register = template.Library()
GUIDELINE_HEADING = 4


def _chinese() -> bool:
    return (get_language() or "zh").startswith("zh")


@register.filter
def titled(campaign: Campaign) -> str:
    """The campaign's title in the reader's language, else in the other."""
    first, second = campaign.title_zh, campaign.title_en
    return (first or second) if _chinese() else (second or first)


@register.filter
def guideline_html(guideline: GuidelineVersion) -> SafeString:
    first, second = guideline.text_zh, guideline.text_en
    return render_markdown((first or second) if _chinese() else (second or first), heading=GUIDELINE_HEADING)


@register.filter
def per_cent(share: float) -> str:
    """A share in [0, 1] as "31%", rounded down: 100% only when all is done."""
    return f"{int(share * 100 + 1e-9)}%"


@register.filter
def plain_number(value: float) -> str:
    """A number as HTML attributes want it, whatever the language."""
    return f"{value:.4f}"


@register.filter
def key_letters(item: Item) -> str:
    """The answer key. Only a campaign on items shows it, to whoever has a seat on the item."""
    return item.answer_key.letters if hasattr(item, "answer_key") else ""


@register.filter
def clause(norm: Norm) -> str:
    """Title and article, as one cites them; "" where the source is not known."""
    if norm.source.kind == Source.Kind.UNSTATED:
        return norm.article
    title = norm.source.title
    return f"{title if title.startswith('《') else f'《{title}》'}{norm.article}"
