"""The rows of a run: JSON lines (or Parquet) in conversational form, checked, counted, and given to the trainer.

SFT: {"prompt": [turns], "completion": [turns]} or {"messages": [turns]} whose last turn is the answer.
DPO: {"prompt": [turns], "chosen": [turns], "rejected": [turns]}. A turn is {"role", "content"}. Other keys (lineage)
stay in the file and never reach the trainer.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset

from training.engine.conversation import Speech, ids_of
from training.engine.tuning_folder import RunRefused
from training.readers import parquet_rows

Turns = list[dict[str, str]]
ANSWERS: Mapping[str, tuple[str, ...]] = {"sft": ("completion",), "dpo": ("chosen", "rejected")}
CHECK_EVERY = 200  # rows
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the trainer gets, and what became of the rest.

    `prompt_too_long`: left out, since the prompt alone fills max_length and nothing would be learnt. `cut`: answers
    that lose their end. `longest`: tokens of the longest row.
    """

    rows: list[dict[str, Turns]]
    given: int
    prompt_too_long: int
    cut: int
    longest: int

    def counts(self) -> dict[str, int]:
        return {
            "given": self.given,
            "used": len(self.rows),
            "prompt_too_long": self.prompt_too_long,
            "cut": self.cut,
            "longest": self.longest,
        }


def read_rows(path: Path, kind: str) -> list[dict[str, Turns]]:
    """Raises RunRefused, naming the line, for a row that is none, and where there is no row at all."""
    rows = [_row(kind, f"{path.name}, line {number}", data) for number, data in _lines(path)]
    if not rows:
        raise RunRefused(f"The dataset is empty: {path.name} holds no row.")
    return rows


def read_prompts(path: Path) -> list[tuple[str, Turns]]:
    """(id, turns) of the fixed prompts; none where there is no such file."""
    if not path.is_file():
        return []
    found = []
    for number, data in _lines(path):
        where = f"{path.name}, line {number}"
        found.append((str(data.get("id", number)), _turns(data.get("prompt"), where, "prompt")))
    return found


def prepare(
    rows: Sequence[dict[str, Turns]], kind: str, speech: Speech, longest: int, check: Callable[[], None]
) -> Prepared:
    """Leaves out rows whose prompt alone reaches `longest` tokens. `check` is called every so often.

    Raises RunRefused if none is left, for a row that the chat template refuses, and for tokens without an embedding.
    """
    kept: list[dict[str, Turns]] = []
    too_long = cut = seen = 0
    highest = 0
    for number, row in enumerate(rows, 1):
        if number % CHECK_EVERY == 0:
            check()
        try:
            prompt = len(ids_of(speech.tokenizer, row["prompt"], ask=True))
            wholes = [ids_of(speech.tokenizer, row["prompt"] + row[name]) for name in ANSWERS[kind]]
        except RunRefused as refused:
            raise RunRefused(f"Row {number}: {refused}") from None
        whole = max(len(ids) for ids in wholes)
        highest = max(highest, *(max(ids) for ids in wholes if ids))
        seen = max(seen, whole)
        if prompt >= longest:
            too_long += 1
            continue
        cut += whole > longest
        kept.append(row)
    if not kept:
        raise RunRefused(
            f"The prompts of all {len(rows)} rows alone reach max_length ({longest} tokens), so nothing could be learnt."
        )
    if speech.vocabulary and highest >= speech.vocabulary:
        raise RunRefused(
            f"The tokenizer does not belong to the model: it gives token {highest}, and the model has {speech.vocabulary}."
        )
    return Prepared(kept, len(rows), too_long, cut, seen)


def as_dataset(rows: Sequence[dict[str, Turns]], folder: Path) -> Dataset:
    """The rows as a dataset that lies on disk, so that what the trainer derives from it (DPO's reference
    log-probabilities) is cached beside it and found again by a resumed run."""
    if not (folder / "dataset_info.json").is_file():
        # Whole or not at all: several processes of one run may get here at once, and one wins.
        own = folder.with_name(f"{folder.name}.{os.getpid()}")
        Dataset.from_list(list(rows)).save_to_disk(str(own))
        try:
            os.rename(own, folder)
        except OSError:
            shutil.rmtree(own)
    return Dataset.load_from_disk(str(folder))


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines of a JSONL file, or the rows of a Parquet file."""
    if path.suffix == ".parquet":
        yield from _packed(path)
        return
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                data = json.loads(line)
                if not isinstance(data, dict):
                    raise RunRefused(f"{path.name}, line {number} is no JSON object.")
                yield number, data
    except FileNotFoundError:
        raise RunRefused(f"There is no dataset: {path.name} is missing.") from None
    except (UnicodeDecodeError, ValueError) as error:
        raise RunRefused(f"{path.name} cannot be read: {error}.") from None


def _packed(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        yield from enumerate(parquet_rows.read_rows(path), 1)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise RunRefused(f"{path.name} cannot be read: {error}.") from None


def _row(kind: str, where: str, data: Mapping[str, Any]) -> dict[str, Turns]:
    if kind == "sft" and "messages" in data:
        turns = _turns(data["messages"], where, "messages")
        if len(turns) < 2 or turns[-1]["role"] != "assistant":
            raise RunRefused(f"{where}: messages must end with an answer of the assistant.")
        return {"prompt": turns[:-1], "completion": turns[-1:]}
    row = {name: _turns(data.get(name), where, name) for name in ("prompt", *ANSWERS[kind])}
    if kind == "dpo" and row["chosen"] == row["rejected"]:
        raise RunRefused(f"{where}: chosen and rejected are the same.")
    return row


def _turns(value: object, where: str, name: str) -> Turns:
    if not isinstance(value, list) or not value:
        raise RunRefused(f"{where}: {name} must be a list of turns.")
    turns = []
    for turn in value:
        if (
            not isinstance(turn, dict)
            or turn.get("role") not in ROLES
            or not isinstance(turn.get("content"), str)
            or not turn["content"].strip()
        ):
            raise RunRefused(f"{where}: a turn of {name} has no role or no text.")
        turns.append({"role": turn["role"], "content": turn["content"]})
    return turns
