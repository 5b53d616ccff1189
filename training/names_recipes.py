"""Why a recipe is refused or gives no row, in the reader's language: what the rules of recipes write, as patterns."""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext, gettext_noop

# What is written, as a pattern, and the sentence it stands for.
RECIPES: Final = (
    (r"A recipe is for sft or dpo\.", gettext_noop("A recipe is for sft or dpo.")),
    (r"A recipe has no setting '(?P<key>.*)'\.", gettext_noop("A recipe has no setting “%(key)s”.")),
    (r"The recipe is of another kind\.", gettext_noop("The recipe is of another kind.")),
    (r"There is no source '(?P<key>.*)': choose from (?P<choices>.+)\.",
     gettext_noop("There is no source “%(key)s”: choose from %(choices)s.")),
    (r"A guardian is named by its name and version\.", gettext_noop("A guardian is named by its name and version.")),
    (r"format must be one of (?P<choices>.+)\.", gettext_noop("The format must be one of %(choices)s.")),
    (r"(?P<key>\w+) must be a list of names\.", gettext_noop("%(key)s must be a list of names.")),
    (r"(?P<key>\w+) must be a whole number from (?P<low>\S+) to (?P<high>\S+)\.",
     gettext_noop("%(key)s must be a whole number from %(low)s to %(high)s.")),
    (r"(?P<key>\w+) must be a number from (?P<low>\S+) to (?P<high>\S+)\.",
     gettext_noop("%(key)s must be a number from %(low)s to %(high)s.")),
    (r"No row is left\. Left out: (?P<reasons>.+)\.", gettext_noop("No row is left. Left out: %(reasons)s.")),
    (r"The rows could not be written as Parquet: (?P<reason>.+)",
     gettext_noop("The rows could not be written as Parquet: %(reason)s")),
)  # fmt: skip


def reasons_in_words(text: str) -> str:
    """As "tie (3), margin (2)", with each reason in the reader's language; it is given by its English title."""
    return ", ".join(
        f"{gettext(found['title'])} ({found['n']})"
        for found in re.finditer(r"(?P<title>[^(),]+) \((?P<n>\d+)\)(?:, )?", text)
    )
