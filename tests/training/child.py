"""`python -m tests.training.child JOB_ID`: another process that runs one job, to be killed by a test."""

from __future__ import annotations

import sys

import django

django.setup()

import training.tasks  # noqa: E402, F401
from medes_site.kit.jobs.core import run_job  # noqa: E402

if __name__ == "__main__":
    run_job(int(sys.argv[1]))
