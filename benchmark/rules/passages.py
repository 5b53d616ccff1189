"""A text cut into pieces, each with the criteria whose evidence lies on it: plain text, never markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.rules.rubric import CRITERIA, RISK_CRITERIA


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a text; `criteria`: those whose evidence covers it, in the order of the rubric. Never empty."""

    text: str
    criteria: tuple[str, ...]

    @property
    def risky(self) -> bool:
        return any(name in RISK_CRITERIA for name in self.criteria)

    @property
    def codes(self) -> str:
        return " ".join(name.upper() for name in self.criteria)


def passages(text: str, evidence: Mapping[str, Sequence[Sequence[int]]]) -> tuple[Passage, ...]:
    """`text` in pieces, joined again they are the text. Parts of a span outside of it are ignored."""
    spans = [
        (name, max(0, start), min(len(text), end))
        for name in CRITERIA
        for start, end in evidence.get(name, ())
        if max(0, start) < min(len(text), end)
    ]
    cuts = sorted({0, len(text), *(start for _n, start, _e in spans), *(end for _n, _s, end in spans)})
    pieces: list[Passage] = []
    for start, end in zip(cuts, cuts[1:], strict=False):
        covering = [name for name, first, last in spans if first <= start and end <= last]
        names = tuple(dict.fromkeys(covering))
        if pieces and pieces[-1].criteria == names:
            pieces[-1] = Passage(pieces[-1].text + text[start:end], names)
        else:
            pieces.append(Passage(text[start:end], names))
    return tuple(pieces)
