"""Pages around campaigns, as each role sees them; braces are filled from `scene_campaigns`."""

from __future__ import annotations

from typing import Final

PAGES: Final = (
    ("researcher", "/campaigns/"),
    ("researcher", "/campaigns/new/"),
    ("researcher", "/campaigns/{trust}/"),
    ("researcher", "/campaigns/{draft}/"),
    ("researcher", "/campaigns/{long_campaign}/"),
    ("researcher", "/campaigns/{trust}/gold/"),
    ("researcher", "/campaigns/{draft}/gold/{gold_item}/"),
    ("researcher", "/campaigns/{trust}/experts/{pseudonym}/"),
    ("researcher", "/campaigns/silent/"),
    ("expert", "/campaigns/own/"),
    ("expert", "/campaigns/{trust}/experts/{pseudonym}/"),
    ("referee", "/adjudicate/"),
    ("referee", "/adjudicate/{disputed}/"),
)
NAMES: Final = (
    "SELECT slug FROM annotation_campaign",
    "SELECT title_en FROM annotation_campaign",
    "SELECT code FROM annotation_pseudonym",
)
