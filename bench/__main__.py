"""python -m bench [--full] [--only NAME …]: runs every measurement on SQLite and on PostgreSQL.

Each engine gets a process and a fresh database of its own, so that memory figures are its own too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.databases import postgresql_database

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench-results"


def run_engine(engine: str, url: str, home: str, arguments: argparse.Namespace) -> list[dict]:
    environment = {
        **os.environ,
        "MEDES_HOME": home,
        "DATABASE_URL": url,
        "SECRET_KEY": "bench-" * 8,
        "LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "medes_site.settings",
        "BENCH_ENGINE": engine,
        "BENCH_FULL": "1" if arguments.full else "",
        "BENCH_ONLY": ",".join(arguments.only),
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.engine"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


def table(rows: list[dict]) -> str:
    header = ("what", "engine", "figure", "floor in the same run", "ratio", "target")
    cells = [header]
    for row in rows:
        floor, ratio = row.get("floor"), row.get("ratio")
        cells.append(
            (
                row["what"],
                row["engine"],
                f"{row['figure']:,.1f} {row['unit']}",
                "" if floor is None else f"{floor:,.1f} {row['unit']}",
                "" if ratio is None else f"{ratio:.2f}",
                row.get("target", ""),
            )
        )
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument(
        "--full",
        action="store_true",
        help="6,000,000 stored responses behind the board, campaigns of 1,000,000 tasks, 1,000,000 judgements to draw from",
    )
    parser.add_argument(
        "--only",
        nargs="*",
        default=[],
        help="import, scoring, board, labelling, export, weight, norms, guardians, datasets, tuning",
    )
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], help="only this database")
    arguments = parser.parse_args()
    rows: list[dict] = []
    if arguments.engine != "postgresql":
        with tempfile.TemporaryDirectory(prefix="medes-bench-") as home:
            rows += run_engine("sqlite", f"sqlite:///{home}/bench.sqlite3", home, arguments)
    if arguments.engine != "sqlite":
        with tempfile.TemporaryDirectory(prefix="medes-bench-") as home, postgresql_database() as url:
            rows += run_engine("postgresql", url, home, arguments)
    print(table(rows))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    document = {
        "at": datetime.now(UTC).isoformat(),
        "cores": os.cpu_count(),
        "python": sys.version,
        "rows": rows,
    }
    path.write_text(json.dumps(document, indent=2))
    print(f"\nwritten to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
