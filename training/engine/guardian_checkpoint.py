"""The checkpoint of an encoder's training: written now and then, whole or not at all, so that a killed run goes on.

`RUN_DIR/checkpoint.pt` holds tensors and plain numbers only and is read as such (`weights_only`), never as code. It
names what it belongs to: a run with other rows, another configuration or other code begins anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmark.guardians.encoder_model import Network
from training.engine.guardian_run import Config, Run

FILE = "checkpoint.pt"


class Checkpoint:
    """`every`: seconds between two of them; 0: after every step."""

    def __init__(self, run: Run, config: Config, every: float) -> None:
        self.path = run.folder / FILE
        told = json.dumps(asdict(config), sort_keys=True, default=str)
        self._of = hashlib.sha256(f"{run.data_hash()} {torch.__version__} {told}".encode()).hexdigest()
        self._every = every
        self._last = time.monotonic()

    def restore(self, network: Network, optimizer: Any, schedule: Any) -> int:
        """The step to go on after; 0 where there is none, or one that is damaged or belongs to another run."""
        try:
            kept = torch.load(self.path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return 0
        except Exception:
            # A file cut off shows in many ways, and none of them is worth more than the time it would have saved.
            self.path.unlink(missing_ok=True)
            return 0
        if not isinstance(kept, dict) or kept.get("of") != self._of:
            return 0
        _put(network, kept["weights"])
        optimizer.load_state_dict(kept["optimizer"])
        schedule.load_state_dict(kept["schedule"])
        torch.set_rng_state(kept["random"])
        if torch.cuda.is_available() and kept["random_cuda"]:
            torch.cuda.set_rng_state_all(kept["random_cuda"])
        return int(kept["step"])

    def save_if_due(self, step: int, network: Network, optimizer: Any, schedule: Any) -> None:
        if time.monotonic() - self._last >= self._every:
            self.save(step, network, optimizer, schedule)

    def save(self, step: int, network: Network, optimizer: Any, schedule: Any) -> None:
        partial = self.path.with_suffix(".partial")
        kept = {
            "of": self._of,
            "step": step,
            "weights": {name: p.detach() for name, p in network.named_parameters() if p.requires_grad},
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        with partial.open("wb") as file:
            torch.save(kept, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.path)
        self._last = time.monotonic()


def forget(folder: Path) -> None:
    """After a run that came to its end."""
    for name in (FILE, str(Path(FILE).with_suffix(".partial"))):
        (folder / name).unlink(missing_ok=True)


def _put(network: Network, weights: dict[str, torch.Tensor]) -> None:
    own = {name: p for name, p in network.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(weights[name])
