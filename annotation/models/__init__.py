"""All models of the annotation app, one module per noun."""

from annotation.models.campaigns import Campaign, GuidelineVersion, Membership, Pseudonym
from annotation.models.contests import Contest
from annotation.models.figures import CampaignFigures
from annotation.models.labels import Draft, Flag, Label, Reveal, Ruling, Skip
from annotation.models.tasks import Slot, SlotEvent, Task

__all__ = [
    "Campaign",
    "CampaignFigures",
    "Contest",
    "Draft",
    "Flag",
    "GuidelineVersion",
    "Label",
    "Membership",
    "Pseudonym",
    "Reveal",
    "Ruling",
    "Skip",
    "Slot",
    "SlotEvent",
    "Task",
]
