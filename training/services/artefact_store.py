"""What finished runs left, in the store of artefacts (`STORAGES["artefacts"]`): a folder, or an S3-compatible bucket.

A run's files are named after the run, so an upload that was broken off goes on where it stopped, and one that is done
twice changes nothing. Each file is hashed as it goes and read back; only when all are there does the run say so. A
machine that lacks a model fetches it from the store and checks every hash before the file gets its name.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils import timezone

from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.errors import JobError, TransientJobError
from training.models import Run
from training.queries.model_folders import run_folder, run_of_path
from training.services.engine_process import LOG, PROGRESS

ALIAS = "artefacts"
MANIFEST = "artefact/manifest.json"
BESIDE = (MANIFEST, "config.json", "report.json", "samples.jsonl", PROGRESS, LOG)
CHUNK = 1 << 20
STORING = "store"
ELSEWHERE = "The files of this run lie on another machine."

Files = Mapping[str, Mapping[str, Any]]


class Damaged(JobError):
    """A file is not what its manifest says."""


def store_artefacts(context: JobContext, run: Run) -> None:
    """Uploads what is not there yet and notes it on the run. Raises TransientJobError where the store does not answer or
    the files lie elsewhere, Damaged where a file has changed since the engine wrote its manifest."""
    if run.stored:
        return
    folder = run_folder(run)
    files = listed_files(folder)
    for number, (name, told) in enumerate(files.items()):
        context.progress(number, len(files), STORING)
        if _upload(folder / name, key_of(run, name), told, context):
            context.log(f"stored {name} ({told['bytes']} bytes)")
    stored = {"files": {name: dict(told) for name, told in files.items()}, "at": timezone.now().isoformat()}
    with context.fenced():
        Run.objects.filter(pk=run.pk).update(stored=stored)
    run.stored = stored
    context.progress(len(files), len(files), STORING)


def key_of(run: Run, name: str) -> str:
    return f"runs/{run.pk}/{name}"


def listed_files(folder: Path) -> dict[str, dict[str, Any]]:
    """{name below the run's folder: {"bytes", "sha256"}}: what the manifest lists, and what lies beside it."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        raise TransientJobError(ELSEWHERE) from None
    found = {f"artefact/{name}": dict(told) for name, told in sorted(manifest["files"].items())}
    for name in BESIDE:
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                found[name] = {"bytes": path.stat().st_size, "sha256": _hash(file)}
    for name in found:
        if ".." in PurePosixPath(name).parts or name.startswith("/"):
            raise Damaged(f"The manifest names a file outside its folder: {name[:80]}.")
    return found


def fetch_artefacts(run: Run) -> Path:
    """The run's folder, with all of its artefact; what is missing here comes from the store.

    Raises TransientJobError where the store does not answer, Damaged where it holds something else.
    """
    folder = run_folder(run)
    for name, told in run.stored.get("files", {}).items():
        path = folder / name
        if name.startswith("artefact/") and not (path.is_file() and path.stat().st_size == told["bytes"]):
            _download(key_of(run, name), path, told)
    return folder


def fetch_base_model(base_model: str) -> None:
    """If the base model is what a run left on another machine, brings it here. Raises as `fetch_artefacts`."""
    run = run_of_path(base_model)
    if run is not None:
        fetch_artefacts(run)


def _upload(path: Path, key: str, told: Mapping[str, Any], context: JobContext) -> bool:
    """Whether anything had to be sent."""
    store = _store()
    with _asking():
        if store.exists(key):
            if store.size(key) == told["bytes"] and _stored_hash(store, key) == told["sha256"]:
                return False
            store.delete(key)  # an upload that was broken off
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != told["bytes"] or _hash(file) != told["sha256"]:
                raise Damaged(f"{path.name} is not what the manifest says.")
            context.check()
            file.seek(0)
            with _asking():
                kept = store.save(key, File(file, name=key))
                whole = kept == key and _stored_hash(store, key) == told["sha256"]
                if not whole:
                    store.delete(kept)
    except FileNotFoundError:
        raise TransientJobError(ELSEWHERE) from None
    if not whole:
        raise TransientJobError(f"{path.name} did not arrive whole in the store of artefacts.")
    return True


def _download(key: str, path: Path, told: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".fetching-")
    try:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as file, _asking(), _store().open(key, "rb") as stored:
            while chunk := stored.read(CHUNK):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        if (size, digest.hexdigest()) != (told["bytes"], told["sha256"]):
            raise Damaged(f"{path.name} in the store of artefacts is not what the run left there.")
        Path(name).chmod(0o644)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _store() -> Storage:
    return storages[ALIAS]


def _stored_hash(store: Storage, key: str) -> str:
    with store.open(key, "rb") as file:
        return _hash(file)


def _hash(file: IO[bytes] | File[Any]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _asking() -> Iterator[None]:
    """Whatever a store says of its own (each library has errors of its own) may pass; ours go through."""
    try:
        yield
    except JobError:
        raise
    except Exception as error:
        raise TransientJobError(
            f"The store of artefacts does not answer: {type(error).__name__}: {str(error)[:300]}"
        ) from error
