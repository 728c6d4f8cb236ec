"""Ask an exported model about rows without their truth, in a process of its own.

A graph is data. A pickle is code, which runs in this step and in no other.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from contract import bundle, claims
from contract.claims import Claims
from contract.errors import ModelError
from contract.evaluation.metrics import metric
from contract.spec.model_toml import ModelSpec
from train.export import parity
from train.fit import evaluate
from train.fit.capture import listening
from train.fit.evaluate import Answers
from train.fit.model_package import make_importable
from train.log import Log
from train.steps import answers
from train.steps.answers import REPEATS, ROWS, AnswerFile, RecordedAnswers, record
from train.steps.rows import load_examples, load_questions

Ask = Callable[[pd.DataFrame], Answers]


def run(spec: ModelSpec, rows: Path, export: Path, out: Path, log: Log) -> None:
    """Ask the models in `export` the questions in `rows`; write the answers into `out`."""
    claimed = claims.read(spec, export)
    X, made = load_questions(rows), load_examples(rows)
    answers.write(ask(spec, claimed, export, X, made), out)
    log("answer", f"{len(X)} held-out rows by {claimed.model_files[0]}")


def ask(
    spec: ModelSpec, claimed: Claims, export: Path, X: pd.DataFrame, made: pd.DataFrame
) -> AnswerFile:
    """Ask the exported model about X and `made` (rows, inputs), and other seeds' fits about X."""
    files = [export / name for name in claimed.model_files]
    with listening(spec):
        first, *others = [asker(spec, claimed, bundle.read_file(file)) for file in files]
        recorded = record(first(X))
        return AnswerFile(
            predictions=recorded.predictions,
            probabilities=recorded.probabilities,
            shuffled=shuffled(spec, first, X[:ROWS]),
            seeds=[record(other(X)) for other in others],
            examples=synthetic(spec, first, made),
        )


def synthetic(spec: ModelSpec, ask: Ask, X: pd.DataFrame) -> RecordedAnswers:
    """Return the answers to synthetic rows X (rows, inputs); none where real rows are the examples.

    Raises ModelError for a model that cannot answer them: its server takes such rows.
    """
    if spec.privacy.examples == "real":
        return RecordedAnswers(predictions=[], probabilities=None)
    try:
        return record(ask(X))
    except Exception as error:
        where = f"The model of {spec.folder}"
        expected = "able to answer any row of the ranges and categories of its training rows"
        cure = 'Mend build() in estimator.py, or write examples = "real" under [serve].'
        raise ModelError(where, expected, f"{type(error).__name__}: {error}", cure) from error


def asker(spec: ModelSpec, claimed: Claims, content: bytes) -> Ask:
    """Return a function that answers rows by an exported model."""
    if claimed.runtime == "onnx":
        return lambda X: parity.answer(spec, content, X)
    # Seconds to import, and only a pickle needs them.
    import joblib  # noqa: PLC0415

    from train.fit import detector  # noqa: PLC0415

    make_importable(spec)
    loaded = detector.loaded(spec, joblib.load(io.BytesIO(content)), claimed.classes)
    return lambda X: evaluate.answer(loaded, X)


def shuffled(spec: ModelSpec, ask: Ask, X: pd.DataFrame) -> dict[str, list[RecordedAnswers]]:
    """Return the answers to X (rows, inputs), each input shuffled in turn, REPEATS times.

    For permutation importance (Breiman 2001), which `train.steps.assemble` computes.
    """
    random = np.random.default_rng(spec.seed)
    headline = spec.gate.headline
    with_numbers = headline in spec.gate.own or metric(headline).needs != "labels"

    def answered(name: str) -> RecordedAnswers:
        rows = X.copy()
        rows[name] = random.permutation(X[name].to_numpy())
        answers = ask(rows)
        return record(answers if with_numbers else Answers(answers.predictions, None))

    return {name: [answered(name) for _ in range(REPEATS)] for name in spec.inputs}
