"""How a fitted estimator is served: as a graph proven equal, or as the pickle it is."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import numpy as np
import pandas as pd

from train import evaluate, parity
from train.convert import convert
from train.probes import probes
from train.trees import split_values

if TYPE_CHECKING:
    from model.bundle import Input, Parity, Runtime
    from model.spec import ModelSpec
    from train.split import Part

CANDIDATES = {"float64": True, "float32": False}  # the exact one first


class Export(NamedTuple):
    """The bytes of the served model, and why they are what they are."""

    runtime: Runtime
    reason: str
    content: bytes
    parity: Parity | None


def export(
    spec: ModelSpec, estimator: Any, inputs: list[Input], train: Part, holdout: Part
) -> Export:
    """Return the first graph that answers as the estimator does, else the pickled estimator."""
    rows = comparison_rows(spec, estimator, inputs, train.X, holdout.X)
    expected = evaluate.answer(estimator, rows)
    scale = float(np.std(train.y)) if spec.task == "regression" else 1.0
    failures = []
    for name, double in CANDIDATES.items():
        try:
            content = convert(spec, estimator, double=double)
            found = parity.compare(expected, parity.answer(spec, content, rows), scale)
        except Exception as error:  # noqa: BLE001 - whatever a converter or the runtime raises
            failures.append(f"{name}: {first_line(error)}")
            continue
        if parity.is_equal(found):
            return Export("onnx", describe(name, found), content, found)
        failures.append(f"{name}: {describe_difference(found)}")
    return Export("joblib", "ONNX was not used. " + "; ".join(failures), pickle(estimator), None)


def comparison_rows(
    spec: ModelSpec, estimator: Any, inputs: list[Input], train: pd.DataFrame, holdout: pd.DataFrame
) -> pd.DataFrame:
    """Return every holdout row, and thousands made from the training rows."""
    splits = split_values(estimator, train, spec.columns("numeric"))
    return pd.concat([holdout, probes(train, inputs, spec.serving, splits)], ignore_index=True)


def describe(name: str, found: Parity) -> str:
    return (
        f"ONNX ({name}) equals the estimator on {found.rows} rows: "
        f"0 labels differ, no number by more than {found.max_difference:g}"
    )


def describe_difference(found: Parity) -> str:
    return (
        f"{found.label_mismatches} of {found.rows} labels differ, "
        f"numbers by up to {found.max_difference:g} (allowed: 0 and {parity.TOLERANCE:g})"
    )


def first_line(error: Exception) -> str:
    text = str(error).strip().split("\n", 1)[0]
    return f"{type(error).__name__}: {text[:200]}".rstrip(": ")


def pickle(estimator: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    return buffer.getvalue()
