"""An export as a download, the same from the page and from the API."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse

from annotation.models import Campaign
from annotation.services.exporting import MANIFEST, part_stream

ENDINGS = r"(?P<ending>jsonl|csv|parquet|manifest\.json)"
TYPES = {
    "jsonl": "application/x-ndjson; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "manifest.json": "application/json",
}


def download(user: Any, campaign: Campaign, ending: str, *, table: str, of: str) -> StreamingHttpResponse:
    """`of`: the format that a manifest is about. Raises NotAllowed, BadInput."""
    manifest = ending == "manifest.json"
    stream = part_stream(
        actor=user,
        campaign=campaign,
        part=MANIFEST if manifest else table,
        file_format=of if manifest else ending,
    )
    response = StreamingHttpResponse(stream, content_type=TYPES[ending])
    name = f"{campaign.slug}-{'' if manifest else f'{table}.'}{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response
