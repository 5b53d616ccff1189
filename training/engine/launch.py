"""python -m training.engine.launch RUN_DIR N MODULE …: `MODULE RUN_DIR …` on N processes, by `accelerate launch`.

`accelerate launch --cpu` starts one process whatever N is, so the distributed launcher below it (torchrun, with gloo
where there is no GPU) is always asked for. It puts every process into a session of its own, out of reach of a signal to
this group, and turns each exit code into 1. Hence `training.engine.rank`: a process dies with this one, and leaves
word of how it ended. Exit codes are those of MODULE; a process that a signal killed kills this one by the same signal.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import torch
from accelerate.commands.launch import launch_command, launch_command_parser
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from training.engine.rank import LAUNCHER, STOPPED, ended_file, endings, leave

RANK = "training.engine.rank"


def main(arguments: list[str]) -> int:
    folder, count, module = Path(arguments[0]), int(arguments[1]), arguments[2]
    refused = too_few_gpus(count, torch.cuda.device_count(), folder)
    if refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    for number in range(count):
        ended_file(folder, number).unlink(missing_ok=True)
    os.environ[LAUNCHER] = str(os.getpid())
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    options = launch_command_parser().parse_args(
        launch_arguments(count, module, [str(folder), *arguments[3:]])
    )
    failure: ChildFailedError | None = None
    try:
        launch_command(options)
    except ChildFailedError as error:
        failure = error
    except SignalException as error:
        sys.stderr.write(f"The processes were ended by signal {int(error.sigval)}.\n")
    code = exit_code(folder, failure)
    if code < 0:
        with suppress(OSError):  # SIGKILL needs no handler taken away
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def too_few_gpus(count: int, gpus: int, folder: Path) -> str:
    """Why processes that need a GPU each cannot start; "" where they can, or where the run asks for the processor."""
    try:
        device = json.loads((folder / "config.json").read_text("utf-8")).get("device")
    except (OSError, ValueError, AttributeError):
        device = None  # the engine says what is wrong with it
    if device == "cpu" or gpus == 0 or gpus >= count:
        return ""
    return f"The run asks for {count} processes, and this machine has {gpus} GPU(s), one for each."


def launch_arguments(count: int, module: str, rest: list[str]) -> list[str]:
    """Of `accelerate launch`; everything is said, so that no file of somebody's defaults is asked. Port 0: a free one."""
    return [
        "--multi_gpu", "--num_processes", str(count), "--num_machines", "1", "--machine_rank", "0",
        "--main_process_ip", "127.0.0.1", "--main_process_port", "0", "--mixed_precision", "no",
        "--dynamo_backend", "no", "--module", RANK, module, *rest,
    ]  # fmt: skip


def exit_code(folder: Path, failure: ChildFailedError | None) -> int:
    """What the processes' words come to; the deciding sentence is told again, as the last line of the log."""
    told = endings(folder)
    stopped = next((said for said in told if said["code"] == STOPPED), None)
    if stopped is None and failure is not None:
        killed = [-part.exitcode for part in failure.failures.values() if part.exitcode < 0]
        outside = [number for number in killed if number != signal.SIGTERM]  # SIGTERM is the launcher's own
        if outside:
            return -outside[0]
    deciding = stopped or min(told, key=lambda said: said["at"], default=None)
    if deciding is not None:
        sys.stderr.write(f"{deciding['words']}\n" if deciding["words"] else "")
        return int(deciding["code"])
    return 1 if failure is not None else 0


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
