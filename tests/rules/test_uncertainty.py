"""What goes to experts first: worked by hand."""

from __future__ import annotations

import pytest

from benchmark.rules.rubric import CRITERIA
from training.rules.uncertainty import doubt


def p(*values: float) -> dict[str, float]:
    return dict(zip(CRITERIA, values, strict=True))


@pytest.mark.parametrize(
    ("probabilities", "abstained", "expected"),
    [
        (p(0, 0, 1, 1, 1, 0), (), 0.0),
        (p(0.5, 0.5, 0.5, 0.5, 0.5, 0.5), (), 1.0),
        (p(0.5, 0, 1, 1, 1, 0), (), 1 / 6),
        (p(0.25, 0, 1, 1, 1, 0.75), (), 2 * 0.8112781244591328 / 6),
        (p(0, 0, 1, 1, 1, 0), ("r1", "r2"), 1.0),
    ],
)
def test_doubt(probabilities: dict[str, float], abstained: tuple[str, ...], expected: float) -> None:
    assert doubt(probabilities, abstained) == pytest.approx(expected)


def test_an_abstention_stands_before_everything_unsure() -> None:
    assert doubt(p(0, 0, 1, 1, 1, 0.01), ("q4",)) > doubt(p(*[0.5] * 6))


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        doubt(p(0, 0, 0, 0, 0, 1.5))
    with pytest.raises(KeyError):
        doubt({"r1": 0.5})
