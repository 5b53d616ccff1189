"""Chainable filters. `visible_to(user)` is the one place that says who may see which rows."""

from __future__ import annotations

from typing import Any, Self

from django.db import models

from medes_site.kit.roles import is_researcher


class ResearchQuerySet(models.QuerySet[Any]):
    """Datasets and runs: researchers see all of them, nobody else any."""

    def visible_to(self, user: Any) -> Self:
        return self if is_researcher(user) else self.none()


class RunQuerySet(ResearchQuerySet):
    def of_guardians(self) -> Self:
        return self.filter(kind="guardian")
