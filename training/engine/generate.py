"""python -m training.engine.generate RUN_DIR: a model on disk answers questions. No Django, no database.

In: config.json {"model": folder, "tokens": most tokens of an answer, "batch": answers at once, "device"}, questions.jsonl
{"item", "question"}. Out: responses.jsonl {"item", "response", "cut_off"} and progress.jsonl. What is in responses.jsonl
already is not asked again. Greedy, so the same model answers the same. Exit codes: 0, 3 stopped, 1 with one sentence.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from training.engine import policy
from training.engine.conversation import load_speech
from training.engine.tuning_folder import RunFolder, RunRefused, Stopped
from training.engine.tuning_loop import STOPPED, complain, sentence_for, use_one_gpu
from training.engine.tuning_room import SMALL
from training.readers.base_models import BaseModelError, base_in
from training.readers.json_lines import values_of

MORE_AT_ONCE = 4  # answers of a small model: most of its time goes into what is done once a token
DEFAULTS = {"tokens": 512, "batch": 8, "device": "auto"}


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 1:
        complain("usage: python -m training.engine.generate RUN_DIR")
        return 2
    use_one_gpu()
    run = RunFolder(Path(given[0]))
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: (run.path / "stop").touch())
    try:
        generate(run)
    except Stopped:
        run.stop_obeyed()
        complain("Stopped on request.")
        return STOPPED
    except BaseException as error:
        sentence = sentence_for(error)
        if sentence is None:
            raise
        complain(sentence)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def generate(run: RunFolder) -> None:
    """Raises RunRefused, Stopped, OSError and what the libraries raise."""
    config = {**DEFAULTS, **run.read_json("config.json")}
    questions = read_lines(run.path / "questions.jsonl")
    done = {line["item"] for line in whole_answers(run)}
    waiting = [line for line in questions if line["item"] not in done]
    try:
        base = base_in(str(config.get("model", "")), None)
    except BaseModelError as error:
        raise RunRefused(str(error)) from None
    device = "cuda" if config["device"] != "cpu" and torch.cuda.is_available() else "cpu"
    tokenizer = load_speech(base).tokenizer
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    model: Any = policy.load_model(policy.ground(base, run, tokenizer), dtype)
    model.to(device)
    batch = int(config["batch"])
    if device == "cpu" and model.num_parameters() < SMALL:
        batch *= MORE_AT_ONCE
        if "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(1)
    # Questions of one length together, so that little is padded.
    waiting.sort(key=lambda line: (len(line["question"]), line["item"]))
    for start in range(0, len(waiting), batch):
        run.check()
        part = waiting[start : start + batch]
        prompts = [[{"role": "user", "content": line["question"]}] for line in part]
        answers = policy.answer(model, tokenizer, prompts, int(config["tokens"]), batch)
        run.append(
            "responses.jsonl",
            [
                {"item": line["item"], "response": said.text, "cut_off": said.cut_off}
                for line, said in zip(part, answers, strict=True)
            ],
        )
        answered = len(questions) - len(waiting) + start + len(part)
        run.say("generate", f"answered {answered} of {len(questions)}", answered, len(questions))
    run.say("done", "finished", len(questions), len(questions))


def whole_answers(run: RunFolder) -> list[dict[str, Any]]:
    """The answers there are; a line that was cut off by a kill is taken out of the file."""
    path = run.path / "responses.jsonl"
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        path.write_bytes(whole)
    return values_of(whole)


def read_lines(path: Path) -> list[dict[str, Any]]:
    try:
        return values_of(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RunRefused(f"{path.name} cannot be read: {error}.") from None


if __name__ == "__main__":
    sys.exit(main())
