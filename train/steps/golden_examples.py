"""Choose golden examples: rows that a server accepts, with the answers of the exported model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from contract.bundle import Example, Manifest, Value, named
from contract.errors import ModelError
from contract.evaluation.evaluation import Evaluation
from contract.inputs import accepts, domains
from contract.spec.model_toml import ModelSpec
from train.data.dataset import features
from train.data.targets import outcomes
from train.fit.evaluate import Answers
from train.steps.answers import Reader

COUNT = 16
PER_CLASS = 2
WITH_GAPS = 4
AT_ENDS = 3
MARGIN = 1e-3  # between the two most probable classes: on a tie, processors may disagree


def made_up(reader: Reader, X: pd.DataFrame, answered: Answers) -> list[Example]:
    """Return synthetic rows X (rows, inputs) with their answers, the unsure ones only if all are.

    A row without a finite answer is left out. Raises ModelError for what cannot be answers.
    """
    count, (predictions, vectors) = len(X), answered
    if {len(predictions), len(predictions if vectors is None else vectors)} != {count}:
        raise reader.fault(f"{count} answers to synthetic rows", f"{len(predictions)}")
    finite = np.ones(count, bool) if vectors is None else np.isfinite(vectors).all(axis=1)
    if predictions.dtype.kind == "f":
        finite &= np.isfinite(predictions.reshape(count, -1)).all(axis=1)
    kept = answered.in_order(np.flatnonzero(finite))
    checked = reader.answers(kept, len(kept.predictions))
    odds = None if checked.probabilities is None else checked.probabilities.tolist()
    rows = features(reader.spec.inputs, X.iloc[np.flatnonzero(finite)])
    made = examples(reader.spec, rows, outcomes(checked.predictions), odds)
    return [example for example in made if is_sure(example)] or made


def is_sure(example: Example) -> bool:
    """Return whether the answer is more probable than every other class, by MARGIN.

    Or, of a detector of anomalies, whether its score is so far from 0, where its answer changes.
    """
    if isinstance(example.prediction, dict):
        return all(abs(2 * share - 1) > MARGIN for share in example.probabilities or ())
    if example.probabilities is not None and len(example.probabilities) == 1:
        return abs(example.probabilities[0]) > MARGIN
    *_, second, first = sorted([-1.0, *(example.probabilities or [1.0])])
    return first - second > MARGIN


def real(spec: ModelSpec, evaluation: Evaluation) -> list[Example]:
    """Return the holdout rows with their answers."""
    return examples(spec, evaluation.features, evaluation.predictions, evaluation.probabilities)


def examples(
    spec: ModelSpec,
    rows: list[dict[str, Value]],
    predictions: Sequence[Any],
    probabilities: Sequence[Any] | None,
) -> list[Example]:
    """Return rows with their answers as golden examples."""
    scores = probabilities or [None] * len(rows)
    return [
        Example(features=row, prediction=named(spec.targets, prediction), probabilities=vector)
        for row, prediction, vector in zip(rows, predictions, scores, strict=True)
    ]


def choose(candidates: list[Example], manifest: Manifest) -> list[Example]:
    """Choose rows that a server accepts: some of every class, some with gaps, the last, the first.

    The last of synthetic rows are at the ends of the ranges. Raises ModelError where there is none,
    as nothing else shows that the model works where it runs.
    """
    served = domains(manifest.inputs, manifest.serving)
    usable = [example for example in candidates if accepts(served, example.features)]
    if not usable:
        expected = "able to answer, with finite numbers, some row that its server takes"
        got = f"no golden example among {len(candidates)} answers"
        cure = "Mend what build() in estimator.py returns, or [serve] in model.toml."
        raise ModelError(f"The model {manifest.name}", expected, got, cure)
    places = range(len(usable))
    chosen = [
        place
        for label in manifest.classes or ()
        for place in [n for n in places if has(usable[n], label)][:PER_CLASS]
    ]
    chosen += [n for n in places if None in usable[n].features.values()][:WITH_GAPS]
    chosen += places[-AT_ENDS:]
    count = max(COUNT, len(set(chosen)))
    return [usable[n] for n in sorted(list(dict.fromkeys([*chosen, *places]))[:count])]


def has(example: Example, label: int | str) -> bool:
    """Return whether an answer is a class or, of several labels, has one of them."""
    prediction = example.prediction
    return bool(prediction[str(label)] if isinstance(prediction, dict) else prediction == label)
