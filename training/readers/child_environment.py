"""The environment of a child process that needs no database, no broker and no secret of the site."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Final

KEPT_BACK: Final = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "EMAIL_URL",
    "MEDES_METRICS_TOKEN",
    "PGPASSFILE",
)
JUDGE: Final = "MEDES_JUDGE_"
PREFIXES: Final = (
    "AWS_",
    "AZURE_",
    "CELERY_",
    "DJANGO_",
    "EMAIL_",
    "GOOGLE_",
    "MEDES_ARTEFACT_STORE",
    JUDGE,
    "MEDES_S3",
    "MINIO_",
    "PG",
    "POSTGRES_",
    "REDIS_",
    "S3_",
    "SMTP_",
)
"""Of credentials for a database, a broker, mail, stores and judges; whoever names one anew keeps it with its kind."""
ENDS: Final = (
    "_PASSWORD",
    "_SECRET",
    "_SECRET_KEY",
    "_ACCESS_KEY",
    "_API_KEY",
    "_DATABASE_URL",
    "_CREDENTIALS",
)
HUB_TOKENS: Final = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH")
OFFLINE: Final = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
HARMLESS: Final = ("AWS_CA_BUNDLE",)


def child_environment(*, hub: bool = False, judge: Collection[str] = ()) -> dict[str, str]:
    """This process's environment without secrets; hashing is fixed.

    No hub is asked for anything and no token is handed on, unless the base model comes from one (`hub`). `judge`: the
    variables, all of them MEDES_JUDGE_…, that a guardian behind an endpoint needs.
    """
    told = {name for name in judge if name.startswith(JUDGE)}
    kept = {
        name: value for name, value in os.environ.items() if name in told or not _kept_back(name, hub=hub)
    }
    return {
        **kept,
        **({} if hub else dict.fromkeys(OFFLINE, "1")),
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "TQDM_DISABLE": "1",  # a bar is no line of a log
    }


def _kept_back(name: str, *, hub: bool) -> bool:
    if name in HUB_TOKENS:
        return not hub
    return name not in HARMLESS and (
        name in (*KEPT_BACK, *OFFLINE) or name.startswith(PREFIXES) or name.endswith((*ENDS, "_TOKEN"))
    )
