"""Cards of datasets and models: Markdown that is shown as text."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from medes_site.kit.markdown import render_markdown

register = template.Library()


@register.filter
def card(text: str) -> SafeString:
    """Its biggest heading becomes `<h3>`."""
    return render_markdown(text, heading=3)
