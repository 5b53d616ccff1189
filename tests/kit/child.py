"""`python -m tests.kit.child JOB_ID`: another process that runs one job, to be killed by a test."""

from __future__ import annotations

import sys

import django

django.setup()

from medes_site.kit.jobs.core import run_job  # noqa: E402
from tests.kit import handlers  # noqa: E402, F401

if __name__ == "__main__":
    run_job(int(sys.argv[1]))
