"""Why a guardian cannot be loaded or did not judge, in the reader's language.

Guardians say it in English (`benchmark/guardians/`, `benchmark/rules/judge_protocol.py`), since they know no Django. Each is a
sentence as it is said, with names where figures stand; the first that fits counts, so the general ones are last.
"""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext, gettext_noop

from medes_site.kit.sentences import pattern_of

UNUSABLE: Final = (
    gettext_noop("The settings of this guardian make no sense."),
    gettext_noop("The settings of this guardian are incomplete: %(reason)s."),
    gettext_noop("The settings of this guardian name neither an endpoint nor a local checkpoint."),
    gettext_noop("A guardian of kind %(kind)s needs %(library)s, which is not installed here."),
    gettext_noop("A local judge needs %(library)s, which is not installed here."),
    gettext_noop("The artefact has no folder %(folder)s."),
    gettext_noop("The artefact has no %(file)s."),
    gettext_noop("The checkpoint cannot be loaded: %(reason)s"),
    gettext_noop("The checkpoint %(name)s cannot be loaded: %(reason)s"),
    gettext_noop("The tokenizer of %(name)s cannot be loaded: %(reason)s"),
    gettext_noop("The tokenizer of %(name)s has no token to pad with."),
    gettext_noop("The head of this guardian cannot be read: %(reason)s"),
    gettext_noop("The weights of this guardian cannot be read: %(reason)s"),
    gettext_noop("This guardian counts other answer signs than this version of the program: retrain it."),
    gettext_noop("The endpoint %(address)s is not among those allowed in %(variable)s."),
    gettext_noop("The key's variable must be called MEDES_JUDGE_KEY or MEDES_JUDGE_KEY_<NAME>."),
    gettext_noop("The key for this endpoint belongs into the environment variable %(variable)s."),
    gettext_noop("%(file)s is larger than any guardian's."),
    gettext_noop("%(file)s is not of format %(format)s, the one this version reads."),
    gettext_noop("%(file)s names an unknown kind of guardian: %(kind)s."),
    gettext_noop("%(file)s is incomplete or damaged: %(reason)s."),
    gettext_noop("There is no %(file)s in %(folder)s."),
    gettext_noop("guardian.json cannot be read: %(reason)s"),
)
NOT_JUDGED: Final = (
    gettext_noop("The norm, the question or the response is not a text."),
    gettext_noop("The model gave a number that is not finite."),
    gettext_noop("No judgement after one try: %(why)s."),
    gettext_noop("No judgement after %(tries)s tries: %(why)s."),
)
WHY: Final = (
    gettext_noop("the answer is too long for this model"),
    gettext_noop("the endpoint answered %(code)s"),
    gettext_noop("the endpoint could not be read: %(kind)s"),
    gettext_noop("the endpoint was too slow"),
    gettext_noop("there was no attempt"),
    gettext_noop("the reply is too large"),
    gettext_noop("the reply is too long"),
    gettext_noop("the reply is no text"),
    gettext_noop("the reply is not one JSON object"),
    gettext_noop("the reply does not have exactly the keys asked for"),
    gettext_noop("the reply does not carry this call's token"),
    gettext_noop("the reply gives no reasons"),
    gettext_noop("confidence is not an object over the criteria"),
    gettext_noop("the confidence in %(criterion)s is no number"),
    gettext_noop("the confidence in %(criterion)s is not between 0.5 and 1"),
    gettext_noop("evidence is not an object over the criteria"),
    gettext_noop("the evidence for %(criterion)s is not a list of quotes"),
    gettext_noop("%(criterion)s is given for a risky answer"),
    gettext_noop("%(criterion)s is neither -1 nor 0"),
    gettext_noop("%(criterion)s is neither 0 nor 1"),
)
PATTERNS: Final = tuple((pattern_of(words), words) for words in (*UNUSABLE, *NOT_JUDGED, *WHY))


def sentence(text: str) -> str:
    """A guardian's sentence in the active language; one that is not known here stays as it is."""
    for pattern, words in PATTERNS:
        found = re.fullmatch(pattern, text)
        if found:
            return gettext(words) % {name: _part(name, value) for name, value in found.groupdict().items()}
    return text


def _part(name: str, value: str) -> str:
    if name == "why":
        return sentence(value)
    return value.upper() if name == "criterion" else value
