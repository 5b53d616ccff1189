"""Files of datasets as downloads, for pages and API alike; streamed, so that no file is held in memory."""

from __future__ import annotations

import json

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase

from training.models import Dataset
from training.queries.model_folders import dataset_folder

MANIFEST, CARD = "manifest.json", "README.md"
CHUNK_BYTES = 1 << 20


def file_response(found: Dataset, name: str) -> HttpResponseBase:
    """The download, streamed; Http404 for a name that the manifest does not know, or a file that is gone."""
    kept = f"{found.kind}-{found.short_hash}-{name}"
    if name == MANIFEST:
        told = {
            "kind": found.kind,
            "content_hash": found.content_hash,
            "recipe": found.recipe,
            **found.manifest,
        }
        text = json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        return _attached(HttpResponse(text, content_type="application/json"), kept)
    if name == CARD:
        return _attached(HttpResponse(found.card, content_type="text/markdown; charset=utf-8"), kept)
    path = dataset_folder(found) / name
    if name not in found.manifest.get("files", {}) or not path.is_file():
        raise Http404
    kind = "application/x-ndjson" if name.endswith(".jsonl") else "application/vnd.apache.parquet"
    response = FileResponse(path.open("rb"), as_attachment=True, filename=kept, content_type=kind)
    response.block_size = CHUNK_BYTES
    return response


def _attached(response: HttpResponse, name: str) -> HttpResponse:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
