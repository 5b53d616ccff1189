"""Guardian of kind `linear`: six calibrated logistic regressions on character n-grams and answer signs.

Artefact: `guardian.json`, `weights.npz` (plain arrays, never pickled) and `vocabulary.txt` (one n-gram a
line). Judging needs numpy alone. Probability of criterion c:

    p = sigmoid(slope_c * (x . w_c + s . u_c + intercept_c) + offset_c)

with x the TF-IDF row of the response, s its answer signs (`benchmark.rules.answer_signs`), and slope and
offset from the out-of-fold calibration to the stated prior.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.guardians.base import (
    CRITERIA,
    RISK_CRITERIA,
    Case,
    GuardianError,
    JudgeFailed,
    Span,
    Verdict,
    decide,
)
from benchmark.guardians.linear_words import rationale_of
from benchmark.guardians.manifest import Manifest, read_manifest
from benchmark.guardians.ngrams import Floats, Row, Vocabulary, from_terms
from benchmark.guardians.sentences import sentences_of
from benchmark.rules.answer_signs import NAMES, SIGNS_VERSION, TITLE, phrase_spans, signs_of

WEIGHTS_FILE = "weights.npz"
VOCABULARY_FILE = "vocabulary.txt"
MAX_EVIDENCE = 3
RISK_SIGNS = ("concealment", "licence")


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """`vocabulary` of V n-grams; `terms` (V, 6), `signs` (S, 6), `intercepts`, `slopes`, `offsets` (6,)."""

    vocabulary: Vocabulary
    terms: Floats
    signs: Floats
    intercepts: Floats
    slopes: Floats
    offsets: Floats


class LinearGuardian:
    """Judges one answer after the other, about a millisecond each; the same text always gets the same verdict."""

    kind = "linear"

    def __init__(self, manifest: Manifest, weights: Weights) -> None:
        self.name = manifest.name
        self.version = manifest.version
        self.manifest = manifest
        self._weights = weights
        self._thresholds = dict(manifest.thresholds)

    def judge(self, cases: Sequence[Case]) -> list[Verdict | JudgeFailed]:
        """One verdict a case, in order. A case whose parts are no texts is JudgeFailed; any text will do."""
        return [self._judge(case) for case in cases]

    def scores(self, case: Case) -> Floats:
        """The six probabilities (6,), in the order of CRITERIA: the bare model without verdict or reasons."""
        row = self._weights.vocabulary.row(case.response)
        signs = np.array(signs_of(case.norm, case.question, case.response))
        return self._probabilities(row, signs)

    def _judge(self, case: Case) -> Verdict | JudgeFailed:
        if not all(isinstance(part, str) for part in (case.norm, case.question, case.response)):
            return JudgeFailed("The norm, the question or the response is not a text.")
        row = self._weights.vocabulary.row(case.response)
        signs = np.array(signs_of(case.norm, case.question, case.response))
        p = dict(zip(CRITERIA, map(float, self._probabilities(row, signs)), strict=True))
        values, abstained = decide(p, self._thresholds, self.manifest.flag_from)
        evidence = self._evidence(case.response, row, values, p)
        pushes = signs[:, None] * self._weights.signs
        return Verdict(
            p,
            values,
            abstained,
            evidence,
            rationale_of(p, values, abstained, pushes, case.response, evidence),
        )

    def _probabilities(self, row: Row, signs: Floats) -> Floats:
        weights = self._weights
        margin = row.values @ weights.terms[row.terms] + signs @ weights.signs + weights.intercepts
        return 1.0 / (1.0 + np.exp(-np.clip(weights.slopes * margin + weights.offsets, -40.0, 40.0)))

    def _evidence(
        self, text: str, row: Row, values: Mapping[str, int | None], p: Mapping[str, float]
    ) -> dict[str, tuple[Span, ...]]:
        """Spans per failed criterion: for a risk the sentences that weigh most towards it; for Q2 a title that is
        no known law, or words that only gesture at the law. Nothing can be shown for what is merely missing."""
        found: dict[str, tuple[Span, ...]] = {}
        for column, name in enumerate(RISK_CRITERIA):
            if values[name] == -1 or (values[name] is None and p[name] == max(p["r1"], p["r2"])):
                found[name] = self._heaviest(text, row, column)
        if values["q2"] == 0:
            titles = [match.span() for match in TITLE.finditer(text)]
            found["q2"] = tuple((titles or phrase_spans("vague_norm", text))[:MAX_EVIDENCE])
        return {name: spans for name, spans in found.items() if spans}

    def _heaviest(self, text: str, row: Row, column: int) -> tuple[Span, ...]:
        sentences = sentences_of(text)
        if not sentences:
            return ()
        ends = np.array([end for _start, end in sentences])
        pushes = self._weights.terms[row.hits, column] * row.shares
        weight = np.bincount(
            np.minimum(np.searchsorted(ends, row.starts, side="right"), len(ends) - 1),
            weights=pushes,
            minlength=len(ends),
        )
        for name in RISK_SIGNS:
            push = max(0.0, float(self._weights.signs[NAMES.index(name), column]))
            for start, _end in phrase_spans(name, text):
                weight[min(int(np.searchsorted(ends, start, side="right")), len(ends) - 1)] += push
        order = [int(i) for i in np.argsort(-weight, kind="stable")[:MAX_EVIDENCE] if weight[i] > 0]
        return tuple(sorted(sentences[i] for i in order if weight[i] >= 0.25 * weight[order[0]]))


def save(folder: Path, weights: Weights) -> None:
    """Writes the arrays and the vocabulary; equal weights make equal bytes (npz entries carry no time)."""
    terms = "".join(f"{term}\n" for term in weights.vocabulary.terms())
    (folder / VOCABULARY_FILE).write_text(terms, "utf-8", newline="\n")
    np.savez(
        folder / WEIGHTS_FILE,
        idf=weights.vocabulary.idf.astype(np.float32),
        terms=weights.terms.astype(np.float32),
        signs=weights.signs,
        intercepts=weights.intercepts,
        slopes=weights.slopes,
        offsets=weights.offsets,
    )


def load(folder: Path) -> LinearGuardian:
    """The guardian in an artefact directory. Raises GuardianError for damaged or foreign files."""
    manifest = read_manifest(folder)
    if manifest.settings.get("signs_version") != SIGNS_VERSION or manifest.settings.get("signs") != list(
        NAMES
    ):
        raise GuardianError(
            "This guardian counts other answer signs than this version of the program: retrain it."
        )
    try:
        terms = (folder / VOCABULARY_FILE).read_text("utf-8").split("\n")[:-1]
        with np.load(folder / WEIGHTS_FILE, allow_pickle=False) as arrays:
            weights = Weights(
                vocabulary=from_terms(terms, arrays["idf"]),
                terms=_shaped(arrays["terms"], len(terms), len(CRITERIA)),
                signs=_shaped(arrays["signs"], len(NAMES), len(CRITERIA)),
                intercepts=_shaped(arrays["intercepts"], len(CRITERIA)),
                slopes=_shaped(arrays["slopes"], len(CRITERIA)),
                offsets=_shaped(arrays["offsets"], len(CRITERIA)),
            )
    except FileNotFoundError as error:
        raise GuardianError(f"The artefact has no {Path(str(error.filename)).name}.") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise GuardianError(f"The weights of this guardian cannot be read: {error}") from None
    return LinearGuardian(manifest, weights)


def _shaped(array: np.ndarray, *shape: int) -> Floats:
    if array.shape != shape or not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        raise ValueError(f"an array of shape {array.shape} where finite numbers {shape} belong")
    return np.ascontiguousarray(array, dtype=np.float64)
