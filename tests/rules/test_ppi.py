"""The anchored score: by hand, and its interval's coverage over many simulated samples."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.rules.ppi import Answer, anchored_mean


def test_by_hand() -> None:
    """Twelve groups of one answer, all drawn: nothing is left to predict, so any trust gives the labels' mean."""
    y = [1.0, 0.0] * 6
    answers = [Answer(i, 0.5, 1.0, label) for i, label in enumerate(y)]
    for trust in (None, 0.0, 1.0):
        got = anchored_mean(answers, trust=trust)
        assert got.estimate == pytest.approx(0.5)
        # classical se: sqrt(12/11 * 12 * .25) / 12
        assert got.se == pytest.approx(np.sqrt(12 / 11 * 3) / 12)
    assert (got.n, got.drawn, got.labelled, got.clusters) == (12, 12, 12, 12)


def test_the_rectifier_by_hand() -> None:
    # Guardian says 1 of all four answers; the two drawn (each with probability 1/2) are labelled 1 and 0.
    answers = [Answer("a", 1.0, 0.5, 1.0), Answer("b", 1.0, 0.5, 0.0), Answer("c", 1.0), Answer("d", 1.0)]
    plain = anchored_mean(answers, trust=1.0)
    assert plain.estimate == pytest.approx(1.0 + 0.5 - 1.0)
    assert plain.plain == 1.0 and plain.classical == 0.5 and not plain.reliable and plain.low is None


def test_unequal_probabilities_are_weighted() -> None:
    answers = [Answer("a", 0.0, 0.1, 1.0), Answer("b", 0.0, 0.9, 0.0)]
    # weights 10 and 10/9: 10 / (10 + 10/9) = 0.9
    assert anchored_mean(answers).classical == pytest.approx(0.9)


def test_non_response_is_made_up_for_within_its_class() -> None:
    # Class x: two drawn, both labelled 1; class y: two drawn, one labelled 0, so that one counts twice.
    answers = [
        Answer("a", 0.0, 1.0, 1.0, "x"),
        Answer("b", 0.0, 1.0, 1.0, "x"),
        Answer("c", 0.0, 1.0, 0.0, "y"),
        Answer("d", 0.0, 1.0, None, "y"),
    ]
    assert anchored_mean(answers).classical == pytest.approx(0.5)
    with pytest.raises(ValueError, match="class 'y'"):
        anchored_mean(answers[:2] + answers[3:])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer("a", float("nan")), "not finite"),
        (Answer("a", 0.0, 0.0), "inclusion probability"),
        (Answer("a", 0.0, None, 1.0), "was not drawn"),
    ],
)
def test_refusals(answer: Answer, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        anchored_mean([answer])


def test_nothing_labelled() -> None:
    got = anchored_mean([Answer("a", 0.25), Answer("b", 0.75)])
    assert (got.estimate, got.plain, got.labelled) == (None, 0.5, 0)
    assert anchored_mean([]).n == 0


def population(rng: np.random.Generator, groups: int, skill: float) -> list[tuple[int, float, float]]:
    """(group, truth, prediction): truths share a group effect; the guardian is off by 0.3 and as good as its skill."""
    found = []
    for group in range(groups):
        effect = rng.normal(0, 0.3)
        for _ in range(int(rng.integers(2, 7))):
            truth = float(np.clip(0.3 + effect + rng.normal(0, 0.3), -1, 1))
            found.append((group, truth, float(skill * truth + (1 - skill) * rng.normal(0, 0.4) + 0.3)))
    return found


@pytest.mark.parametrize("skill", [0.0, 0.9])
def test_coverage_and_gain(skill: float) -> None:
    """400 samples of about 60 of 300 groups from a model of groups: 95% intervals hold about 95%, and a good
    guardian makes them narrower than the labels alone while a useless one does not make them wider."""
    rng = np.random.default_rng(int(skill * 10) + 1)
    held, widths, alone = 0, [], []
    for _ in range(400):
        rows = population(rng, 300, skill)
        drawn = {group for group in range(300) if rng.random() < 0.2}
        answers = [Answer(g, f, 0.2 if g in drawn else None, y if g in drawn else None) for g, y, f in rows]
        got = anchored_mean(answers, bounds=None)
        labels = anchored_mean(answers, bounds=None, trust=0.0)
        assert got.low is not None and got.high is not None and got.se is not None and labels.se is not None
        held += got.low <= 0.2914 <= got.high  # the mean of the clipped model, by 10^7 draws
        widths.append(got.se)
        alone.append(labels.se)
    assert 0.91 <= held / 400 <= 0.985
    ratio = float(np.mean(widths) / np.mean(alone))
    assert ratio < 0.75 if skill else 0.97 < ratio <= 1.001


def test_a_biased_guardian_alone_would_be_wrong() -> None:
    rng = np.random.default_rng(3)
    rows = population(rng, 300, 0.9)
    answers = [Answer(g, f, 0.3 if g % 3 == 0 else None, y if g % 3 == 0 else None) for g, y, f in rows]
    truth = float(np.mean([y for _g, y, _f in rows]))
    got = anchored_mean(answers)
    assert got.plain is not None and got.estimate is not None
    assert abs(got.plain - truth) > 0.2 and abs(got.estimate - truth) < 0.08
