"""What the training of guardians says beyond what guardians say themselves (`benchmark/names_guardians.py`), for readers."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop

from medes_site.kit.sentences import pattern_of

SAID: Final = (
    gettext_noop("A linear guardian has no setting %(key)s."),
    gettext_noop("A guardian behind an endpoint has no setting %(key)s."),
    gettext_noop("The setting %(key)s is one of %(choices)s, not %(value)s."),
    gettext_noop("The setting %(key)s is a text of at most %(n)s characters in one line."),
    gettext_noop("Choose an endpoint."),
    gettext_noop("Name the model that the endpoint is to answer with."),
    gettext_noop("None of the %(n)s answers was judged: %(cause)s"),
    gettext_noop("None of the last %(n)s answers was judged: %(cause)s"),
    gettext_noop("Not asked: none of the first %(n)s answers was judged."),
    gettext_noop("only %(n)s held-out answers were judged: the model's own confidence stands uncalibrated"),
    gettext_noop("one class only among the held-out labels: a constant"),
)
JUDGES: Final = tuple((pattern_of(words), words) for words in SAID)
