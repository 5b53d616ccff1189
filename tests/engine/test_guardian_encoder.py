"""An encoder guardian from a tiny random checkpoint: trains, saves, loads, and is the same judge, bit for bit."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from benchmark.guardians.base import Case, Guardian, GuardianError, JudgeFailed, Verdict
from benchmark.guardians.loading import load_guardian
from tests.guardians.material import rows, run_folder

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from safetensors.torch import load_file  # noqa: E402

from benchmark.guardians import int8  # noqa: E402
from benchmark.guardians.encoder_model import batches, encode, load_tokenizer  # noqa: E402
from tests.guardians.checkpoints import tiny_causal, tiny_encoder  # noqa: E402
from training.engine import guardian_encoder  # noqa: E402
from training.engine.guardian import main  # noqa: E402
from training.engine.guardian_run import Config  # noqa: E402

pytestmark = [pytest.mark.one_database, pytest.mark.train]
SETTINGS = {"max_length": 128, "epochs": 6, "batch_size": 8, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    folder = run_folder(
        tmp_path_factory.mktemp("run"),
        groups=40,
        audit_groups=12,
        kind="encoder",
        base_model=str(base),
        settings=SETTINGS,
    )
    assert main([str(folder)]) == 0
    return folder


def cases() -> list[Case]:
    return [Case(row["norm"], row["question"], row["response"]) for row in rows(12, audit=True)]


def in_arithmetic(artefact: Path, arithmetic: str) -> Guardian:
    """The guardian, told to judge in this arithmetic."""
    path = artefact / "guardian.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["settings"]["arithmetic"] = arithmetic
    path.write_text(json.dumps(manifest), "utf-8")
    return load_guardian(artefact)


def test_it_learns(finished: Path) -> None:
    report = json.loads((finished / "report.json").read_text("utf-8"))
    assert report["criteria"]["q2"]["figures"]["balanced_accuracy"]["value"] > 0.8
    losses = [json.loads(line) for line in (finished / "progress.jsonl").open(encoding="utf-8")]
    losses = [line["loss"] for line in losses if "loss" in line]
    assert losses[-1] < 0.8 * losses[0]


def test_bit_for_bit_the_same_judge_after_reload(finished: Path) -> None:
    first, second = load_guardian(finished / "artefact"), load_guardian(finished / "artefact")
    assert first.judge(cases()) == second.judge(cases())
    lines = [json.loads(line) for line in (finished / "predictions.jsonl").open(encoding="utf-8")]
    outcomes = [outcome for outcome in first.judge(cases()) if isinstance(outcome, Verdict)]
    assert [line["p"] for line in lines] == [dict(outcome.p) for outcome in outcomes]


def test_the_arithmetic_is_fixed_and_the_same_on_any_processor(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was calibrated in whole numbers judges in whole numbers, bit for bit, also where they are emulated."""
    own = SETTINGS | {"epochs": 1, "arithmetic": "int8"}
    folder = run_folder(
        tmp_path / "run", groups=8, audit_groups=2, kind="encoder", base_model=str(base), settings=own
    )
    assert main([str(folder)]) == 0
    guardian = load_guardian(folder / "artefact")
    assert guardian.manifest.settings["arithmetic"] == "int8"
    assert any(isinstance(part, int8.Int8Linear) for part in guardian.network.body.modules())
    assert type(guardian.network.head) is torch.nn.Linear
    stored = load_file(folder / "artefact" / "model" / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float32}, (
        "weights are kept as they were trained"
    )
    found = guardian.judge(cases())
    monkeypatch.setattr(int8, "has_int8_instructions", lambda: False)
    assert load_guardian(folder / "artefact").judge(cases()) == found
    other = in_arithmetic(folder / "artefact", "float").judge(cases())
    assert [outcome.p for outcome in other] != [outcome.p for outcome in found]


@pytest.mark.parametrize(("instructions", "chosen"), [(True, "int8"), (False, "float")])
def test_without_a_gpu_whole_numbers_are_chosen_where_the_processor_has_them(
    instructions: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guardian_encoder, "has_int8_instructions", lambda: instructions)
    settings = guardian_encoder.settings_of(Config("encoder", "a", "1"))
    assert guardian_encoder.arithmetic_of(settings, torch.device("cpu")) == chosen
    assert guardian_encoder.arithmetic_of(settings, torch.device("cuda")) == "float"


def test_only_safetensors_and_text(finished: Path) -> None:
    kinds = {path.suffix for path in (finished / "artefact").rglob("*") if path.is_file()}
    assert kinds <= {".json", ".safetensors", ".jinja", ".txt"}


def test_the_same_inputs_make_the_same_bytes(tmp_path: Path, base: Path, finished: Path) -> None:
    folder = run_folder(
        tmp_path / "run", groups=40, audit_groups=12, kind="encoder", base_model=str(base), settings=SETTINGS
    )
    assert main([str(folder)]) == 0
    for name in ("head.safetensors", "model/model.safetensors", "guardian.json"):
        ours, theirs = ((place / "artefact" / name).read_bytes() for place in (folder, finished))
        assert hashlib.sha256(ours).hexdigest() == hashlib.sha256(theirs).hexdigest(), name


def test_lora_on_a_decoder_is_merged_and_loads_again(tmp_path: Path) -> None:
    base = tiny_causal(tmp_path / "causal")
    folder = run_folder(
        tmp_path / "run",
        groups=8,
        audit_groups=2,
        kind="encoder",
        base_model=str(base),
        settings=SETTINGS | {"epochs": 1, "lora_r": 4},
    )
    assert main([str(folder)]) == 0
    assert not list((folder / "artefact").rglob("adapter*"))
    assert all(
        isinstance(outcome, Verdict) for outcome in load_guardian(folder / "artefact").judge(cases()[:3])
    )


@pytest.mark.parametrize(("arithmetic", "rounding"), [("float", 1e-5), ("int8", 1e-3)])
def test_order_and_company_do_not_change_a_verdict(
    finished: Path, tmp_path: Path, arithmetic: str, rounding: float
) -> None:
    """But for rounding: another batch adds in another order, and a whole number may then fall to the other side."""
    shutil.copytree(finished / "artefact", tmp_path / "artefact")
    guardian = in_arithmetic(tmp_path / "artefact", arithmetic)
    together, alone = guardian.judge(cases()), [guardian.judge([case])[0] for case in cases()]
    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, Verdict) and isinstance(other, Verdict)
        assert one.values == other.values
        assert one.p == pytest.approx(other.p, abs=rounding)


def test_any_text_gets_an_outcome(finished: Path) -> None:
    texts = ["", "\ud800坏", "\x00", "[SEP][PAD]<|im_end|>", "长" * 1_000_000, "🫠" * 300]
    outcomes = load_guardian(finished / "artefact").judge([Case(text[:50], "", text) for text in texts])
    assert all(isinstance(outcome, Verdict) for outcome in outcomes)
    [failed] = load_guardian(finished / "artefact").judge([Case("", "", None)])  # type: ignore[arg-type]
    assert isinstance(failed, JudgeFailed)


def test_the_norm_stays_whole_and_both_ends_of_a_long_answer(base: Path) -> None:
    words = load_tokenizer(str(base))
    case = Case("应当征得患者本人同意。", "怎么办？" * 100, "违法" + "理" * 900 + "建议")
    [ids] = encode(words, [case], 128)
    assert len(ids) <= 128
    text = "".join(words.convert_ids_to_tokens(ids))
    assert case.norm in text and "违法" in text and text.endswith("建议[SEP]")


def test_batches_are_sorted_by_length_and_bounded() -> None:
    made = batches([[1] * n for n in (5, 90, 20, 7, 60)], 0, 100, torch.device("cpu"))
    assert [batch.order for batch in made] == [[1], [4], [2, 3, 0]]
    assert all(batch.ids.numel() <= 100 for batch in made)


@pytest.mark.parametrize("name", ["head.safetensors", "model/model.safetensors", "model/config.json"])
def test_a_damaged_artefact_is_refused(finished: Path, tmp_path: Path, name: str) -> None:
    for path in (finished / "artefact").rglob("*"):
        if path.is_file():
            target = tmp_path / path.relative_to(finished / "artefact")
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(
                path.read_bytes() if str(path.relative_to(finished / "artefact")) != name else b"no"
            )
    with pytest.raises(GuardianError):
        load_guardian(tmp_path)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"base_model": "/nowhere/at/all"}, "no checkpoint folder"),
        ({"settings": {"epochs": 0}}, "epochs"),
        ({"settings": {"arithmetic": "int4"}}, "arithmetic is one of float, int8, auto"),
        ({"settings": {"colour": 1}}, "no setting 'colour'"),
        ({"settings": {"max_length": 4096}}, "reads 256 tokens"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str], config: dict, words: str
) -> None:
    folder = run_folder(tmp_path / "run", groups=4, kind="encoder", **({"base_model": str(base)} | config))
    assert main([str(folder)]) == 1
    assert words in capsys.readouterr().err
