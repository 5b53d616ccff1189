"""`python -m tests.training.child JOB_ID ENGINE`: another process that runs one guardian's job, to be killed by a test."""

from __future__ import annotations

import sys

import django

django.setup()

import training.tasks  # noqa: E402, F401
from medes_site.kit.jobs.core import run_job  # noqa: E402
from training.services import guardian_training  # noqa: E402

if __name__ == "__main__":
    guardian_training.ENGINE = sys.argv[2]
    run_job(int(sys.argv[1]))
