"""Chainable filters. `visible_to(user)` is the one place that says who may see which rows."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from benchmark.models import Sighting
from medes_site.kit.roles import Role, has_role, is_researcher

SEATED = ("leased", "labelled", "skipped", "late")


class CampaignQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Researchers see all; a member their own; an expert also the open ones they may join."""
        if is_researcher(user):
            return self
        if not getattr(user, "is_authenticated", False):
            return self.none()
        members = self.model._meta.get_field("memberships").related_model.objects
        seen: Any = Q(
            Exists(members.filter(campaign=OuterRef("pk"), expert=user).exclude(state="removed"))
        ) & ~Q(state="draft")
        if has_role(user, Role.EXPERT):
            barred = Q(Exists(members.filter(campaign=OuterRef("pk"), expert=user, state="removed")))
            seen |= Q(state="open", open_to_experts=True) & ~barred
        return self.filter(seen)


class TaskQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Researchers see all; an expert the tasks on which they hold or held a seat of their own."""
        if is_researcher(user):
            return self
        if not getattr(user, "is_authenticated", False):
            return self.none()
        slots = self.model._meta.get_field("slots").related_model.objects
        return self.filter(Exists(slots.visible_to(user).filter(task=OuterRef("pk"))))

    def real(self) -> Self:
        return self.filter(purpose="real")

    def to_adjudicate(self, user: Any) -> Self:
        """Disputed tasks of running campaigns on which `user` has no seat, has said nothing and read no verdict.

        A seat that only bars from labelling does not count: reading labels is what a referee does.
        """
        if not has_role(user, Role.REFEREE):
            return self.none()
        slots = self.model._meta.get_field("slots").related_model.objects
        labels = self.model._meta.get_field("labels").related_model.objects
        mine = slots.filter(task=OuterRef("pk"), expert=user).exclude(ordinal=0, state="withdrawn")
        said = labels.filter(task=OuterRef("pk"), expert=user)
        read = Sighting.objects.filter(user=user, verdict=True)
        return self.filter(
            ~Exists(mine),
            ~Exists(said),
            ~Exists(read.filter(response=OuterRef("response"))),
            ~Exists(read.filter(response=OuterRef("other"))),
            state="disputed",
        ).exclude(campaign__state="draft")


class SlotQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Researchers see all; an expert their own seats in campaigns they have not been removed from."""
        if is_researcher(user):
            return self
        if not getattr(user, "is_authenticated", False):
            return self.none()
        members = self.model._meta.get_field("campaign").related_model._meta.get_field("memberships")
        inside = members.related_model.objects.filter(campaign=OuterRef("campaign"), expert=user)
        return self.filter(Exists(inside.exclude(state="removed")), expert=user, state__in=SEATED)
