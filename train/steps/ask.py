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
from train.fit import evaluate, model_package
from train.fit.capture import listening
from train.fit.evaluate import Answers
from train.fit.model_package import make_importable
from train.log import Log
from train.steps import answers
from train.steps.answers import NOTHING, REPEATS, shuffled_rows
from train.steps.rows import load_examples, load_questions

Ask = Callable[[pd.DataFrame], Answers]


def run(spec: ModelSpec, rows: Path, export: Path, out: Path, log: Log) -> None:
    """Ask the models in `export` the questions in `rows`; write the answers into `out`."""
    claimed = claims.read(spec, export)
    X, made = load_questions(rows), load_examples(rows)
    with listening(spec):
        first, *others = [
            asker(spec, claimed, bundle.read_file(export / name)) for name in claimed.model_files
        ]
        answers.write(out, answers.HOLDOUT, first(X))
        answers.write(out, answers.EXAMPLES, synthetic(spec, first, made))
        log("answer", f"{len(X)} held-out rows by {claimed.model_files[0]}")
        for number, other in enumerate(others, start=1):
            answers.write(out, answers.seed(number), other(X))
        log("answer", f"the same by {len(others)} fits of other seeds")
        count = shuffled_rows(spec, len(X))
        answers.write(out, answers.SHUFFLED, shuffled(spec, first, X[:count]))
        log("importance", f"{len(spec.inputs)} inputs, each shuffled among {count} rows")
    imported = model_package.imported(spec) if claimed.runtime == "joblib" else {}
    (out / answers.PACKAGES).write_bytes(bundle.encode(imported))


def synthetic(spec: ModelSpec, ask: Ask, X: pd.DataFrame) -> Answers:
    """Return the answers to synthetic rows X (rows, inputs); none where real rows are the examples.

    Raises ModelError for a model that cannot answer them: its server takes such rows.
    """
    if spec.privacy.examples == "real":
        return NOTHING
    try:
        return ask(X)
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

    from train.fit import wrappers  # noqa: PLC0415

    make_importable(spec)
    fitted = joblib.load(io.BytesIO(content))
    loaded = wrappers.loaded(spec, fitted, claimed.classes, coded=claimed.coded)
    return lambda X: evaluate.answer(loaded, X)


def shuffled(spec: ModelSpec, ask: Ask, X: pd.DataFrame) -> Answers:
    """Return the answers to X (rows, inputs), each input shuffled in turn, REPEATS times.

    One after the other, in the order of the inputs. For permutation importance (Breiman 2001),
    which `train.steps.assemble` computes.
    """
    random = np.random.default_rng(spec.seed)
    headline = spec.gate.headline
    with_numbers = headline in spec.gate.own or metric(headline).needs != "labels"
    rows, answered = X.copy(), []
    for name in spec.inputs if len(X) else ():
        for _ in range(REPEATS):
            rows[name] = random.permutation(X[name].to_numpy())
            answered.append(ask(rows))
        rows[name] = X[name]
    if not answered:
        return NOTHING
    vectors = [answer.probabilities for answer in answered if answer.probabilities is not None]
    return Answers(
        np.concatenate([answer.predictions for answer in answered]),
        np.concatenate(vectors) if with_numbers and vectors else None,
    )
