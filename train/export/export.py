"""Decide how a fitted estimator is served: as an ONNX graph proven equal, or as a pickle."""

from __future__ import annotations

import io
import warnings
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contract.bundle import PARITY_TOLERANCE, Input, Parity, Runtime
from contract.errors import ModelError
from contract.inputs import KINDS, Category, Domain
from contract.spec.model_toml import ModelSpec
from train.data.split import Part
from train.export import parity
from train.export.convert import convert, undecided
from train.export.hard_rows import ROWS, make_hard_rows
from train.export.split_thresholds import split_values
from train.fit import evaluate
from train.fit.estimator import unpicklable
from train.fit.evaluate import Answers
from train.fit.wrappers import bare

CANDIDATES = {"float64": True, "float32": False}  # the exact one first


class Export(NamedTuple):
    """The bytes of the served model, and why it is served this way."""

    runtime: Runtime
    reason: str
    content: bytes
    parity: Parity | None
    double: bool = True  # of a graph: whether it computes in float64


def export(spec: ModelSpec, estimator: Any, inputs: list[Input], train: Part) -> Export:
    """Return the first graph that answers as the estimator does, else the pickled estimator.

    Raises ModelError if the estimator cannot answer the rows that they are compared on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they concern the rows made here, or skl2onnx itself
        rows, expected = comparison(spec, estimator, inputs, train.X)
        scale = spread(spec, estimator, train)
        failures = []
        for name, double in CANDIDATES.items():
            try:
                content = convert(spec, estimator, double=double)
                result = parity.compare(expected, parity.answer(spec, content, rows), scale)
            except Exception as error:  # noqa: BLE001 - whatever a converter or the runtime raises
                failures.append(f"{name}: {first_line(error)}")
                continue
            if result.is_equal:
                return Export("onnx", describe(name, result), content, result, double)
            failures.append(f"{name}: {describe_difference(result)}")
    reason = "ONNX was not used. " + "; ".join(failures)
    return Export("joblib", reason, pickle(spec, estimator), None)


def spread(spec: ModelSpec, estimator: Any, train: Part) -> float | NDArray[np.float64]:
    """Return the standard deviation of what a small difference of numbers is measured by.

    Of a regression each target's (targets,), of an anomaly detection that of scores of training
    rows; 1 of probabilities.
    """
    if spec.task == "anomaly_detection":
        return float(np.std(bare(estimator).decision_function(train.X[:ROWS])))
    return np.std(train.y, axis=0) if spec.task == "regression" else 1.0


def export_like(exported: Export, spec: ModelSpec, estimator: Any) -> bytes:
    """Return the bytes of another fit of the same estimator, in the format proven for the first."""
    if exported.runtime == "joblib":
        return pickle(spec, estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convert(spec, estimator, double=exported.double)


def comparison(
    spec: ModelSpec, estimator: Any, inputs: list[Input], train: pd.DataFrame
) -> tuple[pd.DataFrame, Answers]:
    """Return training rows and rows made from them (rows, inputs), with the estimator's answers.

    Where the estimator refuses values outside the training range, the made rows stay within it.
    Raises ModelError if it refuses those as well.
    """
    splits = split_values(undecided(estimator)[0], train, spec.columns("numeric"))
    known = train.sample(min(len(train), ROWS), random_state=spec.seed).sort_index()
    for within in (False, True):
        made = make_hard_rows(train, inputs, spec.serving, splits, within_range=within)
        rows = pd.concat([known, made], ignore_index=True)
        try:
            return rows, evaluate.answer(estimator, rows)
        except Exception as error:  # noqa: BLE001 - whatever an estimator raises
            refusal = error
    where = f"{spec.folder}: the estimator"
    expected = "able to answer rows like those it was trained on"
    cure = "Mend estimator.py."
    if any(KINDS[x.kind] is Category and not Domain.of(x, spec.serving).choices for x in inputs):
        expected += ' and, as model.toml says unknown_category = "ignore", unknown categories'
        cure = 'Let it ignore them, as OneHotEncoder(handle_unknown="ignore") does, or "reject".'
    raise ModelError(where, expected, first_line(refusal), cure)


def describe(name: str, result: Parity) -> str:
    """Return the sentence for a graph that equals the estimator."""
    return (
        f"ONNX ({name}) equals the estimator on {result.rows} rows: "
        f"0 labels differ, no number by more than {result.max_difference:g}"
    )


def describe_difference(result: Parity) -> str:
    """Return why a graph does not equal the estimator."""
    return (
        f"{result.label_mismatches} of {result.rows} labels differ, "
        f"numbers by up to {result.max_difference:g} (allowed: 0 and {PARITY_TOLERANCE:g})"
    )


def first_line(error: Exception) -> str:
    """Return the kind of an error and the beginning of its message."""
    text = str(error).strip().split("\n", 1)[0]
    return f"{type(error).__name__}: {text[:200]}".rstrip(": ")


def pickle(spec: ModelSpec, fitted: Any) -> bytes:
    """Return the fitted estimator as joblib writes it; raise ModelError if it cannot."""
    buffer = io.BytesIO()
    try:
        joblib.dump(bare(fitted), buffer)
    except Exception as error:
        raise unpicklable(spec, error) from error
    return buffer.getvalue()
