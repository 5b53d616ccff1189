"""What a program that the site starts is told of the site: nothing secret."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training.readers import dataset_rows
from training.readers.child_environment import child_environment
from training.services.engine_process import EngineProcess

SECRETS = (
    "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "MEDES_METRICS_TOKEN", "MEDES_JUDGE_KEY",
    "MEDES_JUDGE_KEY_LAB", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "MEDES_S3_ENDPOINT",
    "MEDES_ARTEFACT_STORE", "PGPASSWORD", "PGHOST", "PGPASSFILE", "POSTGRES_PASSWORD", "OTHER_API_KEY", "HF_TOKEN",
)  # fmt: skip
NEEDED = (
    "PATH",
    "HOME",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "MEDES_TRAIN_MEMORY_GIB",
    "AWS_CA_BUNDLE",
)
SAYS = "import json, os, sys; print(json.dumps(dict(os.environ)))\n"


@pytest.fixture(autouse=True)
def _set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SECRETS, *NEEDED):
        monkeypatch.setenv(name, "/usr/bin:/bin" if name == "PATH" else "1")


def test_no_secret_is_handed_on() -> None:
    offline, online = child_environment(), child_environment(hub=True)
    assert not set(SECRETS) & set(offline)
    assert set(SECRETS) & set(online) == {"HF_TOKEN"}
    assert set(NEEDED) <= set(offline)
    assert offline["HF_HUB_OFFLINE"] == "1" and "HF_HUB_OFFLINE" not in online


def test_a_guardian_behind_an_endpoint_is_told_what_it_asks_with_and_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEDES_JUDGE_ENDPOINTS", "https://a/v1")
    named = ("MEDES_JUDGE_ENDPOINTS", "MEDES_JUDGE_KEY_LAB", "DATABASE_URL", "SECRET_KEY", "HF_TOKEN")
    found = child_environment(judge=named)
    assert {*SECRETS, "MEDES_JUDGE_ENDPOINTS"} & set(found) == {
        "MEDES_JUDGE_ENDPOINTS",
        "MEDES_JUDGE_KEY_LAB",
    }
    assert "MEDES_JUDGE_ENDPOINTS" not in child_environment()


def told(text: str) -> set[str]:
    return set(json.loads(text.strip().split("\n")[-1]))


def test_an_engine_and_the_parquet_program_are_told_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs of ours, started as they are, that print what they were told."""
    package = tmp_path / "saying"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    (package / "environment.py").write_text(SAYS, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    whole = subprocess.run(
        [sys.executable, "-m", "saying.environment"], check=True, capture_output=True, text=True
    )
    assert set(SECRETS) <= told(whole.stdout)
    monkeypatch.setattr(dataset_rows, "PARQUET", "saying.environment")
    assert not set(SECRETS) & told(dataset_rows.run_parquet("read").decode())
    engine = EngineProcess("saying.environment", tmp_path)
    while engine.exit_code is None:
        time.sleep(0.05)
    assert not set(SECRETS) & told((tmp_path / "engine.log").read_text("utf-8"))
