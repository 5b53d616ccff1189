from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from medes_site.kit.sentences import register_sentences
from training.names import sentence


class TrainingConfig(AppConfig):
    name = "training"
    verbose_name = _("Training")

    def ready(self) -> None:
        register_sentences(sentence)
