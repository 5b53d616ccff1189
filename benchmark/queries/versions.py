"""Finds benchmarks, versions and boards by the names people use."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from benchmark.errors import BadInput
from benchmark.models import BenchmarkVersion, Board
from medes_site.kit.roles import is_researcher


def find_version(
    benchmark: str, label: str = "", *, user: Any = None, drafts: bool = False
) -> BenchmarkVersion:
    """The named version, else the newest frozen one. Raises BadInput if there is none to be seen."""
    versions = BenchmarkVersion.objects.select_related("benchmark").filter(benchmark__slug=benchmark)
    if not (drafts or is_researcher(user)):
        versions = versions.filter(state=BenchmarkVersion.State.FROZEN)
    if label:
        label = label.replace("\x00", "\ufffd")  # PostgreSQL refuses to look for it
        version = versions.filter(label=label).first()
    else:
        version = versions.order_by(F("frozen_at").desc(nulls_last=True), "-id").first()
    if version is None:
        name = f"{benchmark} {label}".strip()
        raise BadInput(_("There is no benchmark “%(name)s”.") % {"name": name})
    return version


def find_board(benchmark: str, slug: str, label: str = "", *, user: Any = None) -> Board:
    """The board of that slug of the named version, else of the newest that has it. Raises BadInput.

    `user` None: nobody in particular, who sees no board of a guardian in the shadow.
    """
    boards = (
        Board.objects.visible_to(user)
        .select_related("version__benchmark", "scorer", "renewal")
        .filter(version__benchmark__slug=benchmark, slug=slug, version__state=BenchmarkVersion.State.FROZEN)
    )
    if label:
        label = label.replace("\x00", "\ufffd")  # PostgreSQL refuses to look for it
        boards = boards.filter(version__label=label)
    board = boards.order_by("-version__frozen_at", "-id").first()
    if board is None:
        name = f"{benchmark}/{slug} {label}".strip()
        raise BadInput(_("There is no board “%(name)s”.") % {"name": name})
    return board
