"""Hand-worked histograms."""

from __future__ import annotations

import pytest

from medes_site.kit.charts.bars import share_bar
from training.rules.histograms import shares, whole_numbers


def test_widths_are_round_and_classes_at_most_twenty() -> None:
    assert whole_numbers([0, 3, 19]).counts == (1, 0, 0, 1, *[0] * 15, 1)  # width 1
    found = whole_numbers([0, 20, 39, 21])
    assert (found.edges[:3], found.counts[10], found.counts[-1]) == ((0.0, 2.0, 4.0), 2, 1)
    found = whole_numbers([150, 999, 1000])  # 1000 // 50 = 20 classes and one more: width 100
    assert found.edges[1] == 100
    assert found.counts == (0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1)
    assert whole_numbers([]).counts == ()
    with pytest.raises(ValueError, match="negative"):
        whole_numbers([-1])


def test_shares_have_ten_classes() -> None:
    found = shares([0.0, 0.1, 0.3, 0.30000000000000004, 0.7 - 0.4, 1.0])
    assert found.counts == (1, 1, 0, 3, 0, 0, 0, 0, 0, 1)
    assert found.edges[3] == 0.3


def test_a_bar_is_as_long_as_its_share() -> None:
    assert 'width="40.0"' in share_bar(0.25, "<25>")
    assert "&lt;25&gt;" in share_bar(0.25, "<25>")
    with pytest.raises(ValueError, match="share"):
        share_bar(1.2, "")
