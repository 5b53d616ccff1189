"""All measurements on one database engine, in one process; prints JSON on stdout. Started by `python -m bench`."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import django
from django.core.management import call_command

ENGINE = os.environ["BENCH_ENGINE"]
ONLY = [name for name in os.environ["BENCH_ONLY"].split(",") if name]


def main() -> None:
    django.setup()
    # After setup: these modules import models.
    measurements = __import__("bench.measurements", fromlist=["MEASUREMENTS"]).MEASUREMENTS
    call_command("migrate", verbosity=0)
    rows: list[dict[str, Any]] = []
    for name, measure in measurements.items():
        if ONLY and name not in ONLY:
            continue
        print(f"{ENGINE}: {name} …", file=sys.stderr)
        for row in measure():
            rows.append({"engine": ENGINE, **row})
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
