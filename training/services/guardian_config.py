"""The configuration of a guardian's run, checked before the run exists: settings, base model, endpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from benchmark.rules.judge_endpoints import ALLOWED
from training.errors import BadInput
from training.names import sentence
from training.queries.model_folders import model_roots, run_folder, run_of_path
from training.readers.base_models import Base, BaseModelError, base_in, has_chat_template, is_path
from training.rules.guardian_settings import (
    SettingsRefused,
    asks_an_endpoint,
    check_settings,
    encoder_settings,
)

GUARDIAN_KINDS = ("linear", "encoder", "generative")
DEFAULTS: Mapping[str, Any] = {
    "kind": "linear",
    "seed": 1,
    "prior": 0.02,
    "alpha": 0.1,
    "miss_cost": 10.0,
    "folds": 5,
}
RANGES: Mapping[str, tuple[float, float]] = {
    "seed": (0, 2**31 - 1),
    "prior": (0.0001, 0.5),
    "alpha": (0.001, 0.5),
    "miss_cost": (0.01, 10_000),
    "folds": (2, 50),
}
WHOLE = ("seed", "folds")


def check_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's configuration with its defaults. Raises BadInput naming the field, or the setting of the kind."""
    known = {*DEFAULTS, "base_model", "settings", "learning_curve"}
    unknown = sorted(set(config) - known)
    if unknown:
        raise BadInput(_("A run has no setting “%(name)s”.") % {"name": unknown[0]}, field=unknown[0])
    checked = {**DEFAULTS, **config}
    if checked["kind"] not in GUARDIAN_KINDS:
        raise BadInput(_("There is no such kind of guardian."), field="kind")
    for name, (low, high) in RANGES.items():
        value = checked[name]
        good = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        if not good or (name in WHOLE and value != int(value)):
            raise BadInput(
                _("“%(name)s” must lie between %(low)s and %(high)s.")
                % {"name": name, "low": low, "high": high},
                field=name,
            )
    given = checked.get("settings", {})
    if not isinstance(given, dict):
        raise BadInput(_("Settings of a kind are a JSON object."), field="settings")
    try:
        check_settings(checked["kind"], given)
    except SettingsRefused as error:
        raise BadInput(sentence(str(error)), field=error.key) from None
    _check_curve(checked, given)
    if asks_an_endpoint(checked["kind"], given):
        _check_endpoint(given["url"])
        checked.pop("base_model", None)
    elif checked["kind"] == "linear":
        checked.pop("base_model", None)
    else:
        checked["base_model"] = _checked_base(checked["kind"], checked.get("base_model", ""), given)
    return checked


def _check_curve(checked: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """`learning_curve`: true or false; absent, it is drawn for the kind `linear` alone."""
    wanted = checked.get("learning_curve", False)
    if not isinstance(wanted, bool):
        raise BadInput(_("Whether a learning curve is drawn is true or false."), field="learning_curve")
    if wanted and asks_an_endpoint(checked["kind"], given):
        raise BadInput(
            _("Behind an endpoint nothing is trained, so there is no learning curve."), field="learning_curve"
        )


def _check_endpoint(url: str) -> None:
    if url.rstrip("/") not in settings.MEDES_JUDGE_ENDPOINTS:
        raise BadInput(
            sentence(f"The endpoint {url[:200]} is not among those allowed in MEDES_JUDGE_ENDPOINTS."),
            field="url",
        )


def _checked_base(kind: str, given: object, own: Mapping[str, Any]) -> str:
    """Its absolute path: a worker has another working directory, and perhaps another home. Raises BadInput."""
    name = given.strip() if isinstance(given, str) else ""
    if not name:
        raise BadInput(_("This kind of guardian needs a base model."), field="base_model")
    if "\0" in name or not is_path(name):
        raise BadInput(
            _("The base model of a guardian is a folder on this machine, not a model of a hub."),
            field="base_model",
        )
    folder = os.path.abspath(os.path.expanduser(name))
    if _lies_in_the_store(Path(folder)):
        return folder  # a worker fetches it, and the engine checks it there
    try:
        base = base_in(name, [str(root) for root in model_roots()])
    except BaseModelError as error:
        raise BadInput(sentence(str(error)), field="base_model") from None
    refusal = _unfit(kind, base, own)
    if refusal is not None:
        key, words = refusal
        raise BadInput(words, field=key)
    return folder


def _lies_in_the_store(folder: Path) -> bool:
    """Whether these are the merged weights of an earlier run, which are not on this machine."""
    run = run_of_path(str(folder))
    if run is None or folder.is_dir():
        return False
    return run.has_stored("model") and folder == run_folder(run) / "artefact" / "model"


def _unfit(kind: str, base: Base, own: Mapping[str, Any]) -> tuple[str, str] | None:
    """The field and the sentence where an engine of this kind could not begin with the model."""
    if base.adapter is not None:
        return "base_model", _("This folder holds an adapter alone: choose a model with its merged weights.")
    if kind == "generative" and not has_chat_template(base.folder):
        words = "This checkpoint has no chat template: a judge is spoken to in messages."
        return "base_model", sentence(words)
    reads = base.config.get("max_position_embeddings")
    if kind == "encoder" and isinstance(reads, int) and encoder_settings(own).max_length > reads:
        length = encoder_settings(own).max_length
        return "max_length", sentence(f"This checkpoint reads {reads} tokens; max_length asks for {length}.")
    return None


def judge_variables(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The variables that the engine of such a run must be told: none unless it asks an endpoint."""
    given = config.get("settings", {})
    if not asks_an_endpoint(config["kind"], given):
        return ()
    return tuple(name for name in (ALLOWED, given.get("key_name", "")) if name)
