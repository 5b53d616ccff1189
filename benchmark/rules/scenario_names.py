"""The clinical scenarios of MedES: one slug for every spelling.

Source: the scenario column of the released files, which spells 基因/干细胞诊疗 in two ways.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """A clinical setting. `slug`: lower-case ASCII. `known`: it stands in `RELEASED_SCENARIOS`."""

    slug: str
    name_zh: str
    name_en: str
    aliases: tuple[str, ...] = ()
    known: bool = True


RELEASED_SCENARIOS: tuple[Scenario, ...] = (
    Scenario("assisted-reproduction", "辅助生殖", "Assisted reproduction"),
    Scenario("routine-care", "常规诊疗", "Routine diagnosis and treatment"),
    Scenario("routine-nursing", "常规护理", "Routine nursing"),
    Scenario("doctor-patient-relations", "医患关系", "Doctor–patient relations"),
    Scenario("nurse-patient-relations", "护患关系", "Nurse–patient relations"),
    Scenario("organ-transplantation", "器官移植", "Organ transplantation"),
    Scenario("palliative-care", "安宁疗护", "Palliative care"),
    Scenario("animal-experiments", "动物实验", "Animal experiments"),
    Scenario("human-trials", "人体试验", "Human trials"),
    Scenario("digital-health", "数字医疗", "Digital health"),
    Scenario("emergency-critical-care", "急危重症处置", "Emergency and critical care"),
    Scenario("gene-stem-cell-therapy", "基因/干细胞诊疗", "Gene and stem cell therapy", ("基因干细胞诊疗",)),
    Scenario("public-health-resources", "公共卫生资源分配", "Allocation of public health resources"),
    Scenario("special-disease-nursing", "特殊疾病护理", "Nursing in special diseases"),
)

_IGNORED = re.compile(r"[\s/、·・\u2013_-]+")


def scenario_identity(name: str) -> str:
    """What two spellings of one name share: NFKC, case folded, without blanks, slashes and dashes."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", name).casefold())


_BY_IDENTITY: dict[str, Scenario] = {
    scenario_identity(spelling): scenario
    for scenario in RELEASED_SCENARIOS
    for spelling in (scenario.slug, scenario.name_zh, scenario.name_en, *scenario.aliases)
}


def find_scenario(name: str) -> Scenario:
    """Return the scenario of that name (Chinese, English, slug or alias).

    A name that is not in the table is kept: its slug is "scenario-" and ten hex digits of the SHA-256 of
    its identity, both names are the name as given, and `known` is false so that an importer can report it.
    Raises ValueError for a name without any letter.
    """
    identity = scenario_identity(name)
    if not identity:
        raise ValueError("a scenario needs a name")
    found = _BY_IDENTITY.get(identity)
    if found is not None:
        return found
    digest = hashlib.sha256(identity.encode("utf-8")).hexdigest()[:10]
    shown = " ".join(name.split())
    return Scenario(f"scenario-{digest}", shown, shown, known=False)


def scenario_slug(name: str) -> str:
    """The slug of `find_scenario(name)`."""
    return find_scenario(name).slug
