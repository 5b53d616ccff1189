from __future__ import annotations

import re

import pytest

from benchmark.rules.scenario_names import RELEASED_SCENARIOS, find_scenario, scenario_slug


def test_the_table_is_unambiguous() -> None:
    slugs = [scenario.slug for scenario in RELEASED_SCENARIOS]
    assert len(slugs) == len(set(slugs)) == 14
    for scenario in RELEASED_SCENARIOS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", scenario.slug)
        for spelling in (scenario.slug, scenario.name_zh, scenario.name_en, *scenario.aliases):
            assert find_scenario(spelling) is scenario


@pytest.mark.parametrize(
    "name",
    [
        "基因干细胞诊疗",
        "基因/干细胞诊疗",
        "基因／干细胞诊疗",
        " 基因、干细胞诊疗 ",
        "Gene and Stem Cell Therapy",
    ],
)
def test_spellings_of_one_scenario(name: str) -> None:
    assert scenario_slug(name) == "gene-stem-cell-therapy"


def test_an_unknown_name_is_kept() -> None:
    found = find_scenario(" 口腔 正畸 ")
    assert not found.known
    assert (found.name_zh, found.name_en) == ("口腔 正畸", "口腔 正畸")
    assert re.fullmatch(r"scenario-[0-9a-f]{10}", found.slug)
    assert scenario_slug("口腔正畸") == found.slug
    assert scenario_slug("口腔修复") != found.slug


@pytest.mark.parametrize("name", ["", "  ", "/"])
def test_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        find_scenario(name)
