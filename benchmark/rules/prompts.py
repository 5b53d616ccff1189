"""The text that is sent to a model: the prompt template with the question and its options in it."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.rules.options import render_question


def render_prompt(template: str | None, stem: str, options: Iterable[tuple[str, str]] = ()) -> str:
    """`template` filled in as `str.format` does it, with the question as `render_question` writes it.

    Without a template the question stands alone. Raises KeyError, IndexError or ValueError for a template
    that wants anything but "{question}"; the readers let none of those in.
    """
    question = render_question(stem, options)
    return question if not template else template.format(question=question)
