"""Small bundles of every kind, made in a second."""

from __future__ import annotations

import io
from collections.abc import Sequence
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
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from contract.arrays import values
from contract.bundle import (
    ANOMALY_SCORE,
    SCHEMA_VERSION,
    Check,
    Data,
    Example,
    Gate,
    Input,
    Kind,
    Manifest,
    Metrics,
    Serving,
    Split,
    Task,
    encode,
    named,
    read_manifest,
    write,
)
from tests.support.models.odd_names import NUMERIC, TARGET, TEXTS, odd_rows
from train.data.targets import outcomes
from train.export.convert import OPSET
from train.export.converters import Converters
from train.export.graph import detect, finish
from train.fit.detector import Detector
from train.fit.evaluate import answer
from train.fit.wrappers import bare

EXAMPLES = 12
ODD = 'the "sum", \\n'  # the name of a target
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


def sizes(path: Path, **changes: Any) -> Path:
    """Four numbers, two numbers out, one with an odd name."""
    X, (_, targets) = petals()
    return store(path, LinearRegression().fit(X, targets), X, targets=["area", ODD], **changes)


def tags(path: Path, **changes: Any) -> Path:
    """Four numbers, three labels out, of which one is rare; a pickle."""
    X, (labels, _) = petals()
    forest = RandomForestClassifier(20, random_state=0).fit(X, labels)
    return store(path, forest, X, targets=["long", "wide", "odd"], runtime="joblib", **changes)


def petals() -> tuple[pd.DataFrame, tuple[pd.DataFrame, pd.DataFrame]]:
    """Return rows (rows, features), and labels (rows, 3) and numbers (rows, 2) made from them."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    X.columns = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    labels = pd.DataFrame({"long": X.petal_length > 4, "wide": X.sepal_width > 3, "odd": y == 1})
    numbers = pd.DataFrame({"area": X.petal_length * X.petal_width, ODD: X.sum(axis=1)})
    return X, (labels.astype(int), numbers)


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


def visits(path: Path, **changes: Any) -> Path:
    """A column of every kind, the dates, booleans and categories with gaps; a pickle."""
    random = np.random.default_rng(0)
    rows = 120
    days = np.datetime64("2023-11-05T08:00", "ns") + random.integers(0, 400 * 24, rows).astype(
        "timedelta64[h]"
    )
    X = pd.DataFrame(
        {
            "day": days,
            "smoker": random.integers(0, 2, rows).astype(float),
            "private": random.integers(0, 2, rows).astype(float),
            "note": pd.Series(
                random.choice(["no pain", "Pain: left knee", "ça va"], rows), dtype=object
            ),
            "ward": pd.Series(random.choice(["east", "west", ""], rows), dtype=object),
            "age": random.integers(20, 90, rows).astype(float),
        }
    )
    X.loc[::9, "day"] = np.datetime64("NaT")
    X.loc[::11, "smoker"] = np.nan
    y = np.where((X["smoker"] == 1) ^ X["note"].str.contains("ain"), "again", "never")
    columns = ColumnTransformer(
        [
            ("dates", FunctionTransformer(np.asarray, kw_args={"dtype": "float64"}), ["day"]),
            ("numbers", "passthrough", ["smoker", "private", "age"]),
            ("words", CountVectorizer(), "note"),
            ("ward", OneHotEncoder(), ["ward"]),
        ],
        sparse_threshold=0,
    )
    model = Pipeline([("columns", columns), ("trees", RandomForestClassifier(20, random_state=0))])
    model.fit(X, y)
    kinds: dict[str, Kind] = {
        "day": "date",
        "smoker": "boolean",
        "private": "boolean",
        "note": "text",
    }
    gaps = ("day", "smoker", "ward")
    return store(path, model, X, kinds=kinds, missing=gaps, runtime="joblib", **changes)


def payments(path: Path, *, runtime: str = "onnx", **changes: Any) -> Path:
    """Two numbers, of which a tenth of the rows have some that are unlike the others' numbers."""
    random = np.random.default_rng(0)
    X = pd.DataFrame({"amount": random.normal(40, 10, 200), "hour": random.normal(12, 3, 200)})
    X[::10] += [100, -9]
    forest = IsolationForest(n_estimators=20, contamination=0.1, random_state=0)
    return store(path, Detector(forest, ["usual", "odd"]).fit(X), X, runtime=runtime, **changes)


def store(  # noqa: PLR0913 - a bundle has many parts
    path: Path,
    estimator: Any,
    X: pd.DataFrame,
    *,
    order: list[str] | None = None,
    missing: tuple[str, ...] = (),
    kinds: dict[str, Kind] | None = None,
    targets: Sequence[str] = (),
    runtime: str = "onnx",
    serving: Serving | None = None,
    gate: bool = True,
    name: str = "",
) -> Path:
    """Write the bundle of an estimator that was fitted to rows X (rows, features)."""
    model = to_onnx(estimator, X) if runtime == "onnx" else to_joblib(estimator)
    names = order or list(X.columns)
    classes = None
    if hasattr(estimator, "classes_"):
        classes = list(targets) if len(targets) else estimator.classes_.tolist()
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        name=name or path.name,
        version="1.2.3",
        revision="abc",
        description="A model for tests",
        task=task_of(estimator),
        target=tuple(targets) if len(targets) else "target",
        estimator=repr(estimator),
        data=Data(source="test", sha256="", rows=len(X), train_rows=len(X), holdout_rows=EXAMPLES),
        split=Split(method="random", test_size=0.25),
        inputs=[describe(X[name], (kinds or {}).get(name), name in missing) for name in names],
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
    used = {field.name: field.kind for field in manifest.inputs}
    files = {
        f"model.{runtime}": model,
        "examples.json": encode(examples(estimator, X, used, targets)),
    }
    write(path, manifest, files)
    return path


def task_of(estimator: Any) -> Task:
    """Return what an estimator does."""
    if isinstance(estimator, Detector):
        return "anomaly_detection"
    return "classification" if hasattr(estimator, "classes_") else "regression"


def describe(column: pd.Series[Any], kind: Kind | None, missing: bool) -> Input:  # noqa: FBT001 - of the input
    """Return the input that a column of training rows (rows,) makes."""
    known = kind or ("categorical" if column.dtype == object else "numeric")
    field = Input(name=str(column.name), kind=known, missing=missing)
    if known == "categorical":
        field.categories = sorted(set(column) - {""})
    elif known == "date":
        field.minimum, field.maximum = float(column.dt.year.min()), float(column.dt.year.max())
        field.times = True
    elif known != "text":
        field.minimum, field.maximum = float(column.min()), float(column.max())
    return field


def examples(
    estimator: Any, X: pd.DataFrame, kinds: dict[str, Kind], targets: Sequence[str] = ()
) -> list[Example]:
    """Return golden examples of an estimator, asked about rows X (rows, features)."""
    names = list(kinds)
    rows = X.iloc[:: len(X) // EXAMPLES][:EXAMPLES]
    answers = answer(estimator, rows)
    predictions = [named(targets, outcome) for outcome in outcomes(answers.predictions)]
    numbers = answers.probabilities
    probabilities = [None] * len(rows) if numbers is None else numbers.tolist()
    return [
        Example(
            features=dict(zip(names, cells, strict=True)),
            prediction=prediction,
            probabilities=scores,
        )
        for cells, prediction, scores in zip(
            zip(*(values(kinds[name], rows[name].to_numpy()) for name in names), strict=True),
            predictions,
            probabilities,
            strict=True,
        )
    ]


def to_onnx(estimator: Any, X: pd.DataFrame) -> bytes:
    """Return an estimator of features X (rows, features) as an ONNX graph."""
    numeric = X.select_dtypes("number").shape[1]
    types = [("numeric", DoubleTensorType([None, numeric]))]
    if numeric < X.shape[1]:
        types.append(("categorical", StringTensorType([None, X.shape[1] - numeric])))
    if isinstance(estimator, Detector):
        double = Converters(double=True)
        graph = convert_sklearn(
            estimator.estimator_,
            initial_types=types,
            target_opset=OPSET,
            custom_conversion_functions=double.functions,
            custom_shape_calculators=double.shapes,
        )
        detect(graph, estimator.classes)
        return finish(graph, ["label", ANOMALY_SCORE])
    options = {"zipmap": False} if hasattr(estimator, "classes_") else None
    graph = convert_sklearn(estimator, initial_types=types, options=options, target_opset=17)
    if options is None:
        graph.graph.output[0].name = graph.graph.node[-1].output[0] = "prediction"
    return bytes(graph.SerializeToString())


def to_joblib(estimator: Any) -> bytes:
    """Return an estimator as a pickle."""
    buffer = io.BytesIO()
    joblib.dump(bare(estimator), buffer)
    return buffer.getvalue()


def rewrite(bundle: Path, name: str, content: bytes) -> None:
    """Change a file and record its new hash, as a wrong training would."""
    manifest: Manifest = read_manifest(bundle)
    files = {file: (bundle / file).read_bytes() for file in manifest.files} | {name: content}
    write(bundle, manifest, files)
