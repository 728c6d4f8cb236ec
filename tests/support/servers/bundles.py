"""Small bundles of every kind, made in a second."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import sklearn
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from skl2onnx.sklapi import CastTransformer
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from contract.bundle import (
    SCHEMA_VERSION,
    Check,
    Data,
    Example,
    Gate,
    Input,
    Manifest,
    Metrics,
    Serving,
    Split,
    encode,
    read_manifest,
    write,
)
from tests.support.models.odd_names import NUMERIC, TARGET, TEXTS, odd_rows

EXAMPLES = 12
LIBRARIES = {"scikit-learn": sklearn.__version__}


def flowers(path: Path, *, runtime: str = "onnx", **changes: Any) -> Path:
    """Four numbers, three classes: a forest."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    X.columns = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    labels = np.array(["setosa", "versicolor", "virginica"], object)[y]
    forest = RandomForestClassifier(20, random_state=0).fit(X, labels)
    return store(path, forest, X, runtime=runtime, **changes)


def birds(path: Path, **changes: Any) -> Path:
    """Numbers and categories in turn, all but one of which may be missing; two integer classes."""
    random = np.random.default_rng(0)
    rows = 120
    X = pd.DataFrame(
        {
            "bill": random.normal(45, 5, rows).round(1),
            "mass": random.normal(4000, 500, rows).round(),
            "island": pd.Series(random.choice(["Biscoe", "Dream"], rows), dtype=object),
            "sex": pd.Series(random.choice(["female", "male", ""], rows), dtype=object),
        }
    )
    X.loc[::7, "bill"] = np.nan
    y = ((X["bill"].fillna(45) > 45) ^ (X["island"] == "Dream")).astype(int)
    columns = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(CastTransformer(), SimpleImputer(), StandardScaler()),
                [0, 1],
            ),
            ("texts", OneHotEncoder(handle_unknown="ignore"), [2, 3]),
        ]
    )
    model = Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=5000))])
    model.fit(X, y)
    order = ["island", "bill", "sex", "mass"]
    return store(path, model, X, order=order, missing=("bill", "sex"), **changes)


def patients(path: Path, **changes: Any) -> Path:
    """Ten numbers, one number out."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    return store(path, LinearRegression().fit(X, y), X, **changes)


def odd(path: Path, **changes: Any) -> Path:
    """Inputs and classes with the oddest names, of which the first number tells the class."""
    header, *rows = odd_rows()
    X = pd.DataFrame(rows, columns=header, dtype=object)
    y = X[TARGET].to_numpy(dtype=object)
    X = X[[*NUMERIC, *TEXTS]].astype(dict.fromkeys(NUMERIC, float))
    texts = list(range(len(NUMERIC), len(header) - 1))
    columns = ColumnTransformer(
        [
            ("texts", OneHotEncoder(handle_unknown="ignore"), texts),
            ("numbers", CastTransformer(), [0]),
        ]
    )
    model = Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=5000))])
    order = [*TEXTS, *NUMERIC]
    return store(path, model.fit(X, y), X, order=order, missing=("toString",), **changes)


def store(  # noqa: PLR0913 - a bundle has many parts
    path: Path,
    estimator: Any,
    X: pd.DataFrame,
    *,
    order: list[str] | None = None,
    missing: tuple[str, ...] = (),
    runtime: str = "onnx",
    serving: Serving | None = None,
    gate: bool = True,
    name: str = "",
) -> Path:
    """Write the bundle of an estimator that was fitted to rows X (rows, features)."""
    model = to_onnx(estimator, X) if runtime == "onnx" else to_joblib(estimator)
    names = order or list(X.columns)
    classes = estimator.classes_.tolist() if hasattr(estimator, "classes_") else None
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        name=name or path.name,
        version="1.2.3",
        revision="abc",
        description="A model for tests",
        task="regression" if classes is None else "classification",
        target="target",
        estimator=repr(estimator),
        data=Data(source="test", sha256="", rows=len(X), train_rows=len(X), holdout_rows=EXAMPLES),
        split=Split(method="random", test_size=0.25),
        inputs=[describe(X[column], missing=column in missing) for column in names],
        classes=classes,
        libraries=LIBRARIES,
        metrics=Metrics(holdout={"score": 0.9}, cross_validation={}),
        gate=Gate(
            passed=gate,
            checks=[Check(metric="score", bound="min", threshold=0.8, value=0.9, passed=gate)],
        ),
        runtime="onnx" if runtime == "onnx" else "joblib",
        runtime_reason="test",
        parity=None,
        serving=serving or Serving(),
        files={},
    )
    files = {f"model.{runtime}": model, "examples.json": encode(examples(estimator, X, names))}
    write(path, manifest, files)
    return path


def describe(column: pd.Series[Any], *, missing: bool) -> Input:
    """Return the input that a column of training rows (rows,) makes."""
    if column.dtype == object:
        categories = sorted(set(column) - {""})
        return Input(
            name=str(column.name), kind="categorical", missing=missing, categories=categories
        )
    return Input(
        name=str(column.name),
        kind="numeric",
        missing=missing,
        minimum=float(column.min()),
        maximum=float(column.max()),
    )


def examples(estimator: Any, X: pd.DataFrame, names: list[str]) -> list[Example]:
    """Return golden examples of an estimator, asked about rows X (rows, features)."""
    rows = X.iloc[:: len(X) // EXAMPLES][:EXAMPLES]
    predictions = estimator.predict(rows).tolist()
    classifies = hasattr(estimator, "predict_proba")
    probabilities = estimator.predict_proba(rows).tolist() if classifies else [None] * len(rows)
    return [
        Example(
            features={name: wire(row[name]) for name in names},
            prediction=prediction,
            probabilities=scores,
        )
        for (_, row), prediction, scores in zip(
            rows.iterrows(), predictions, probabilities, strict=True
        )
    ]


def wire(value: Any) -> float | str | None:
    """Return a value as JSON has it."""
    if isinstance(value, str):
        return value or None
    return None if np.isnan(value) else float(value)


def to_onnx(estimator: Any, X: pd.DataFrame) -> bytes:
    """Return an estimator of features X (rows, features) as an ONNX graph."""
    numeric = X.select_dtypes("number").shape[1]
    types = [("numeric", DoubleTensorType([None, numeric]))]
    if numeric < X.shape[1]:
        types.append(("categorical", StringTensorType([None, X.shape[1] - numeric])))
    options = {"zipmap": False} if hasattr(estimator, "classes_") else None
    graph = convert_sklearn(estimator, initial_types=types, options=options, target_opset=17)
    if options is None:
        graph.graph.output[0].name = graph.graph.node[-1].output[0] = "prediction"
    return bytes(graph.SerializeToString())


def to_joblib(estimator: Any) -> bytes:
    """Return an estimator as a pickle."""
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    return buffer.getvalue()


def rewrite(bundle: Path, name: str, content: bytes) -> None:
    """Change a file and record its new hash, as a wrong training would."""
    manifest: Manifest = read_manifest(bundle)
    files = {file: (bundle / file).read_bytes() for file in manifest.files} | {name: content}
    write(bundle, manifest, files)
