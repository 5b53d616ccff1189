from __future__ import annotations

import pytest

from benchmark.rules.numerals import chinese_number, place_of


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("一", 1), ("十", 10), ("十二", 12), ("二十", 20), ("二十一", 21), ("一百", 100), ("一百零三", 103),
        ("一百一十", 110), ("一百五十五", 155), ("一千零七", 1007), ("一千二百二十", 1220), ("九百八十九", 989),
        ("两百", 200), ("一万零一", 10001), ("二〇二四", 2024), ("二零二一", 2021), ("三三六", 336), ("12", 12),
        ("１０７", 107), ("〇", 0), ("百", 100),
    ],
)  # fmt: skip
def test_numbers_of_statutes(text: str, number: int) -> None:
    assert chinese_number(text) == number


@pytest.mark.parametrize("text", ["", "第三", "十百", "一x", "万", "四十1", "1.5", "-3", "123456789", "甲"])
def test_what_is_no_number(text: str) -> None:
    assert chinese_number(text) is None


def test_places_ascend_as_articles_do() -> None:
    labels = [("九十九", ""), ("一百", ""), ("一百", "一"), ("一百", "二"), ("一百零一", "")]
    places = [place_of(*label) for label in labels]
    assert places == sorted(places) and len(set(places)) == len(places)  # type: ignore[type-var]
    sections = [place_of(number) for number in ("46.99", "46.101", "46.116", "164.502")]
    assert sections == sorted(sections)  # type: ignore[type-var]
    assert place_of("附") is None and place_of("三", "甲") is None
