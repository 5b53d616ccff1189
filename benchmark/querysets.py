"""Chainable filters. `visible_to(user)` is the one place that says who may see which rows."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connections, models
from django.db.models import Exists, OuterRef, Q

from benchmark.rules.search_terms import query_terms
from medes_site.kit.roles import is_researcher


class SearchableQuerySet(models.QuerySet[Any]):
    """Full-text search over a column of index terms: GIN on PostgreSQL, FTS5 on SQLite (see migrations)."""

    search_table: str

    def search(self, query: str) -> Self:
        """Rows whose text holds every term of `query`; an empty query changes nothing."""
        terms = query_terms(query)
        if not query.strip():
            return self
        if not terms:
            return self.none()
        if connections[self.db].vendor == "postgresql":
            vector = SearchVector("search_terms", config="simple")
            found = " & ".join(f"'{term}'" for term in terms)
            return self.alias(found_in=vector).filter(
                found_in=SearchQuery(found, config="simple", search_type="raw")
            )
        match = " AND ".join(f'"{term}"' for term in terms)
        rows = models.expressions.RawSQL(  # noqa: S611 - the table's name is ours, the words are a parameter
            f"SELECT rowid FROM {self.search_table} WHERE {self.search_table} MATCH %s", [match]
        )
        return self.filter(pk__in=rows)


class NormQuerySet(SearchableQuerySet):
    search_table = "benchmark_norm_search"

    def visible_to(self, user: Any) -> Self:
        """Norms that an open item is about, or none at all: the others would say what hidden items ask."""
        if is_researcher(user):
            return self
        items = self.model._meta.get_field("items").related_model.objects
        about = items.filter(norm=OuterRef("pk"))
        # What renews a norm says nearly the same: it is as closed as that norm.
        renewed = items.filter(norm__renewal=OuterRef("pk"))
        unasked = ~Exists(about) & (~Exists(renewed) | Exists(renewed.open()))
        return self.filter(Exists(about.open()) | unasked)


class ItemQuerySet(SearchableQuerySet):
    search_table = "benchmark_item_search"

    def visible_to(self, user: Any) -> Self:
        """Researchers see all; everybody else the open splits of frozen versions."""
        if is_researcher(user):
            return self
        return self.open()

    def open(self) -> Self:
        return self.filter(split__in=("dev", "public"), version__state="frozen")


class EntryQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Entries that stand in public, and one's own."""
        if is_researcher(user):
            return self
        submissions = self.model._meta.get_field("submissions").related_model
        scores = self.model._meta.get_field("scores").related_model
        public = Exists(submissions.objects.filter(entry=OuterRef("pk"), state="public"))
        published = Exists(scores.objects.filter(entry=OuterRef("pk"), origin="published"))
        seen = Q(public) | Q(published)
        if getattr(user, "is_authenticated", False):
            seen |= Q(owner=user)
        return self.filter(seen)


class BoardQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Boards of a guardian that was never promoted are for researchers: it scores in the shadow."""
        if is_researcher(user):
            return self
        return self.filter(Q(scorer__guardian=None) | Q(scorer__guardian__promoted_at__isnull=False))


class SubmissionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """Public ones and one's own; researchers see all."""
        if is_researcher(user):
            return self
        seen = Q(state="public")
        if getattr(user, "is_authenticated", False):
            seen |= Q(submitted_by=user)
        return self.filter(seen)
