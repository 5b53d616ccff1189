from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from benchmark.names_guardians import sentence
from medes_site.kit.sentences import register_sentences


class BenchmarkConfig(AppConfig):
    name = "benchmark"
    verbose_name = _("Benchmark")

    def ready(self) -> None:
        register_sentences(sentence)
