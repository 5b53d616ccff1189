"""Names and sentences of reports in the reader's language. Rules and engines speak English; pages translate here."""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from benchmark.names_guardians import sentence as sentence_of_a_guardian
from training.names_engine import ENGINE
from training.names_judges import JUDGES
from training.names_recipes import RECIPES, reasons_in_words
from training.names_refusals import PARTS, REFUSALS

CRITERIA: Final = {
    "r1": _("Normative compliance"),
    "r2": _("Suggestion safety"),
    "q1": _("Issue identification"),
    "q2": _("Reference to norms"),
    "q3": _("Actionable advice"),
    "q4": _("Empathy"),
    "risk": _("Either risk"),
}
FIGURES: Final = {
    "accuracy": _("Accuracy"),
    "balanced_accuracy": _("Balanced accuracy"),
    "kappa": _("κ with experts"),
    "f1_rare": _("F1 of the rarer class"),
    "recall": _("Recall"),
    "calibration_error": _("Calibration error"),
    "abstention": _("Abstained"),
}
PHASES: Final = {
    "dataset": _("Drawing the dataset"),
    "start": _("Starting"),
    "train": _("Training"),
    "calibration": _("Calibrating"),
    "audit": _("Judging the audit answers"),
    "report": _("Measuring"),
    "learning curve": _("Learning curve"),
    "prepare": _("Preparing"),
    "resume": _("Going on from a checkpoint"),
    "memory": _("Short of memory"),
    "eval": _("Evaluating"),
    "sample": _("Answering fixed questions"),
    "save": _("Saving"),
    "generate": _("Answering the questions"),
    "store": _("Storing the artefacts"),
    "done": _("Finished"),
}
STEP_FIGURES: Final = {
    "loss": _("loss"),
    "margin": _("rewards margin"),
    "accuracy": _("pairs told apart"),
    "token_accuracy": _("tokens foreseen"),
    "learning_rate_millionths": _("learning rate (millionths)"),
    "grad_norm": _("norm of the gradient"),
    "samples_per_second": _("rows a second"),
    "steps": _("steps"),
    "seconds": _("seconds"),
}
DRAWING: Final = {
    "comparing questions with those of closed splits": _("Comparing questions with those of closed splits"),
    "reading judgements": _("Reading judgements"),
    "pairing answers": _("Pairing answers"),
    "checking texts": _("Checking texts"),
    "writing rows": _("Writing rows"),
}
SPREADS: Final = {
    "length_answer": _("Length of the answers (characters)"),
    "length_chosen": _("Length of the preferred answers (characters)"),
    "length_rejected": _("Length of the answers not preferred (characters)"),
    "margin": _("Margin of the pairs"),
}
ORIGINS: Final = {
    "correction": _("written by an expert"),
    "pair": _("experts compared two answers"),
    "ruling": _("a referee ruled"),
    "label": _("experts labelled"),
    "rubric": _("experts labelled both answers"),
    "guardian": _("the guardian judged"),
}
LEFT_OUT: Final = {
    "question: repeats a question of a closed split": _("questions that repeat one of a closed split"),
    "answer repeats a question of a closed split": _("the answer repeats a question of a closed split"),
    "empty answer": _("the answer is empty"),
    "answer too long": _("the answer is longer than the recipe allows"),
    "risky": _("more likely risky than the recipe allows"),
    "below the quality bound": _("below the lowest quality"),
    "the same text twice": _("the same text twice for one question"),
    "enough of this prompt": _("enough rows of this question"),
    "enough of this norm": _("enough rows of this norm group"),
    "over the limit": _("over the limit of the whole dataset"),
    "tie": _("both answers are equally good"),
    "margin": _("the margin is too small"),
    "chosen is risky": _("the better answer is risky"),
    "said by a stronger source": _("a stronger source says the same"),
    "a stronger source says the opposite": _("a stronger source says the opposite"),
    "length ratio": _("one answer is many times as long as the other"),
    "length bias": _("taken out so that length is not what is learnt"),
    "copy of an audited answer": _("a copy of an audited answer"),
    "norm silent": _("a referee found the norm silent"),
    "no blind label": _("no blind label"),
}
COMPARISONS: Final = {
    "macro_kappa": _("Mean κ over the criteria"),
    "risk_recall": _("Recall of risk"),
}
# What the rules write, as a pattern, and the sentence it stands for.
SENTENCES: Final = (
    (r"(?P<n>\d+) labels; (?P<needed>\d+) are needed",
     gettext_noop("%(n)s labels; %(needed)s are needed")),
    (r"it decided on (?P<n>\d+) of (?P<all>\d+) labels; (?P<needed>\d+) are needed",
     gettext_noop("it decided on %(n)s of %(all)s labels; %(needed)s are needed")),
    (r"(?P<n>\d+) risky calibration answers drawn at random; (?P<needed>\d+) are needed\.",
     gettext_noop("there are %(n)s risky calibration answers drawn at random, and %(needed)s are needed.")),
    (r"Calibration would leave (?P<n>\d+) risky answers to learn from; (?P<needed>\d+) are needed\.",
     gettext_noop("calibration would leave %(n)s risky answers to learn from, and %(needed)s are needed.")),
    (r"(?P<n>\d+) labels of the rarer class; (?P<needed>\d+) are needed",
     gettext_noop("%(n)s labels of the rarer class; %(needed)s are needed")),
    (r"the experts named the rarer class (?P<n>\d+) times; (?P<needed>\d+) are needed",
     gettext_noop("the experts named the rarer class %(n)s times; %(needed)s are needed")),
    (r"no criterion has enough labels of both kinds",
     gettext_noop("no criterion has enough labels of both kinds")),
    (r"(?P<n>\d+) norm groups and (?P<criteria>\d+) criteria with enough labels of both kinds",
     gettext_noop("%(n)s norm groups and %(criteria)s criteria with enough labels of both kinds")),
    (r"(?P<n>\d+) risky labels in (?P<groups>\d+) norm groups; (?P<needed>\d+) in (?P<wide>\d+) are needed",
     gettext_noop("%(n)s risky labels in %(groups)s norm groups; %(needed)s in %(wide)s are needed")),
    (r"a first guardian: better than chance", gettext_noop("a first guardian: better than chance")),
    (r"a first guardian: nothing to compare with", gettext_noop("a first guardian: nothing to compare with")),
    (r"too few norm groups hold a risky answer", gettext_noop("too few norm groups hold a risky answer")),
    (r"over (?P<names>[a-z0-9, ]+)", gettext_noop("over %(names)s")),
    (r"on (?P<n>\d+) risky labels", gettext_noop("on %(n)s risky labels")),
)  # fmt: skip


def sentence(text: str | None) -> str:
    """A sentence of rules, engines or guardians in the reader's language; one that is not known stays as it is."""
    for pattern, words in (*SENTENCES, *RECIPES, *REFUSALS, *JUDGES, *ENGINE):
        found = re.fullmatch(pattern, text or "")
        if found:
            return gettext(words) % {name: _part(name, value) for name, value in found.groupdict().items()}
    return sentence_of_a_guardian(text or "")


def _part(name: str, value: str) -> str:
    if name == "reasons":
        return reasons_in_words(value)
    if name == "cause":
        return sentence(value)
    return value.upper() if name == "names" else str(PARTS.get(value, value))
