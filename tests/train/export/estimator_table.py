"""ESTIMATORS.md: what each estimator of scikit-learn is served as, and why, made by exporting it.

`python -m tests.train.export.estimator_table` writes it anew, in some minutes.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import sklearn
from sklearn import linear_model, naive_bayes, svm
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.utils import all_estimators

from contract.bundle import Runtime
from contract.spec import model_toml
from contract.spec.model_toml import ModelSpec
from ship import git
from train.data import dataset
from train.data.split import Part, split
from train.environment import repeat_with_fixed_environment
from train.export import hard_rows
from train.export.export import export
from train.fit import wrappers
from train.fit.detector import Detector

PAGE = git.TOOL / "ESTIMATORS.md"
ROWS = 4_000  # on which graph and estimator are compared; a training takes 20,000
LEAST = linear_model.LogisticRegression(max_iter=1_000)
RIDGE = linear_model.Ridge()
ESTIMATORS = [("a", LEAST), ("b", naive_bayes.GaussianNB())]
REGRESSORS = [("a", RIDGE), ("b", linear_model.Lasso())]
# What those need that cannot be made without parameters, or would take minutes with their own.
PARAMETERS: dict[str, dict[str, Any]] = {
    "CalibratedClassifierCV": {"estimator": svm.LinearSVC()},
    "ColumnTransformer": {"transformers": [("scale", "passthrough", [0, 1, 2])]},
    "FeatureUnion": {"transformer_list": [("a", "passthrough")]},
    "FixedThresholdClassifier": {"estimator": LEAST},
    "GridSearchCV": {"estimator": LEAST, "param_grid": {"C": [1.0]}},
    "HalvingGridSearchCV": {"estimator": LEAST, "param_grid": {"C": [1.0]}},
    "HalvingRandomSearchCV": {"estimator": LEAST, "param_distributions": {"C": [1.0]}},
    "KBinsDiscretizer": {"quantile_method": "averaged_inverted_cdf"},
    "MLPClassifier": {"max_iter": 50},
    "MLPRegressor": {"max_iter": 50},
    "OneHotEncoder": {"handle_unknown": "ignore"},
    "OrdinalEncoder": {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    "OneVsOneClassifier": {"estimator": LEAST},
    "OneVsRestClassifier": {"estimator": LEAST},
    "OutputCodeClassifier": {"estimator": LEAST},
    "Pipeline": {"steps": [("a", LEAST)]},
    "RandomizedSearchCV": {"estimator": LEAST, "param_distributions": {"C": [1.0]}, "n_iter": 1},
    "RadiusNeighborsClassifier": {"radius": 100.0},
    "RadiusNeighborsRegressor": {"radius": 1000.0},
    "RFE": {"estimator": LEAST},
    "RFECV": {"estimator": LEAST},
    "SelectFromModel": {"estimator": LEAST},
    "SequentialFeatureSelector": {"estimator": LEAST},
    "SelectKBest": {"k": 2},
    "SparseCoder": {"dictionary": np.eye(4)},
    "StackingClassifier": {"estimators": ESTIMATORS},
    "StackingRegressor": {"estimators": REGRESSORS},
    "TransformedTargetRegressor": {"regressor": RIDGE},
    "LocalOutlierFactor": {"novelty": True},
    "VotingClassifier": {"estimators": ESTIMATORS, "voting": "soft"},
    "VotingRegressor": {"estimators": REGRESSORS},
}
SEVERAL = "of several targets: tests/train/test_several_targets.py has a case of it"
LEFT_OUT = {
    **dict.fromkeys(("ClassifierChain", "MultiOutputClassifier", "MultiOutputRegressor",
                     "RegressorChain", "MultiTaskElasticNet", "MultiTaskElasticNetCV",
                     "MultiTaskLasso", "MultiTaskLassoCV"), SEVERAL),
    **dict.fromkeys(("CountVectorizer", "HashingVectorizer", "TfidfVectorizer", "TfidfTransformer",
                     "DictVectorizer", "FeatureHasher", "PatchExtractor", "LabelBinarizer",
                     "LabelEncoder", "MultiLabelBinarizer"), "takes no table of numbers"),
    "TunedThresholdClassifierCV": "[serve] threshold of model.toml does that",
    "SelfTrainingClassifier": "takes rows without labels, which a training drops",
    "LabelPropagation": "takes rows without labels, which a training drops",
    "LabelSpreading": "takes rows without labels, which a training drops",
    "FrozenEstimator": "is fitted already",
    "GaussianRandomProjection": "needs more columns than the tables here have",
    "SparseRandomProjection": "needs more columns than the tables here have",
}  # fmt: skip
KINDS = {
    "classifier": "Classifiers",
    "regressor": "Regressors",
    "outlier_detector": "Detectors of anomalies",
    "transformer": "Steps in front of a logistic regression",
}


INTRODUCTION = """\
# What each estimator is served as

scikit-learn {version}, with parameters as they are by default: {onnx} become ONNX, {joblib} stay
what they are, in a pickle with scikit-learn in the image. Each was fitted, exported and compared on
{rows:,} rows made to tell the two apart: what is not equal in every label, and within 0.00001 in
every number, is a pickle. `python -m tests.train.export.estimator_table` makes this page, and a
nightly test keeps it true.

Boosters of other libraries become ONNX as well: XGBoost's and LightGBM's but for linear boosters,
linear trees and objectives of one's own, CatBoost's of numbers. See [examples](examples).
"""


class Row(NamedTuple):
    """An estimator, what it is served as, and why; "" for one that is not trained here."""

    kind: str
    name: str
    runtime: Runtime | str
    reason: str


class Table(NamedTuple):
    """A table to train on."""

    spec: ModelSpec
    train: Part


def tables() -> dict[str, Table]:
    """Return the table of each kind of estimator: iris, diabetes, and iris with known anomalies."""

    def read(name: str) -> Table:
        spec = model_toml.read(name, git.TOOL / "model")
        return Table(spec, split(spec, dataset.load(spec))[0])

    iris = read("iris")
    return {"classifier": iris, "transformer": iris, "regressor": read("diabetes")}


def rows() -> Iterator[Row]:
    """Yield a row for each estimator, in the order of kinds and names."""
    known = tables()
    for kind in KINDS:
        for name, made in all_estimators(type_filter=None):
            tags = tags_of(name, made)
            if tags != kind and not (tags is None and kind == "transformer" and is_step(made)):
                continue
            if name in LEFT_OUT:
                yield Row(kind, name, "", LEFT_OUT[name])
            elif kind in known:
                yield exported(kind, name, make(name, made), known[kind])
            else:
                yield exported(kind, name, make(name, made), known["classifier"])


def is_step(made: type) -> bool:
    """Return whether a class transforms columns."""
    return hasattr(made, "transform") and not hasattr(made, "predict")


def make(name: str, made: type) -> Any:
    """Return an unfitted estimator, with a seed where it takes one."""
    estimator = made(**PARAMETERS.get(name, {}))
    names = {"random_state": 0} if "random_state" in estimator.get_params(deep=False) else {}
    return estimator.set_params(**names)


def tags_of(name: str, made: type) -> str | None:
    """Return the type of an estimator as scikit-learn tells it."""
    if name in LEFT_OUT:
        mixins = {base.__name__ for base in made.__mro__}
        kinds = {"ClassifierMixin": "classifier", "RegressorMixin": "regressor"}
        return next((kind for mixin, kind in kinds.items() if mixin in mixins), None)
    kind: str | None = make(name, made).__sklearn_tags__().estimator_type
    return "transformer" if kind is None and is_step(made) else kind


def exported(kind: str, name: str, estimator: BaseEstimator, table: Table) -> Row:
    """Fit an estimator, export it, and return its row."""
    print(f"{kind}: {name}", file=sys.stderr, flush=True)
    model = make_pipeline(estimator, LEAST) if kind == "transformer" else estimator
    spec, train = table
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind == "outlier_detector":
                spec = spec_of_anomalies(spec)
                model = Detector(model, [0, 1])
            model = wrappers.unwrap(model.fit(train.X, train.y))
            made = export(spec, model, dataset.schema(spec, train.X), train)
    except Exception as error:  # noqa: BLE001 - whatever it says is the reason
        return Row(kind, name, "", f"cannot be trained on these rows: {short(error)}")
    return Row(kind, name, made.runtime, "" if made.runtime == "onnx" else because(made.reason))


def spec_of_anomalies(spec: ModelSpec) -> ModelSpec:
    """Return the same inputs for the detection of anomalies."""
    from msgspec.structs import replace  # noqa: PLC0415 - one use

    return replace(spec, task="anomaly_detection", anomaly=1)


def short(error: Exception) -> str:
    """Return the first line of an error."""
    return " ".join(str(error).split())[:120]


def because(reason: str) -> str:
    """Return the reason why a graph was not used, of the first that was tried."""
    first = reason.removeprefix("ONNX was not used. ").partition("; float32: ")[0]
    if "MissingShapeCalculator" in first:
        return "nobody has written a converter"
    return re.sub(r"\s+", " ", first.removeprefix("float64: "))[:160]


def page(table: list[Row]) -> str:
    """Return the page."""
    counts = {
        runtime: sum(row.runtime == runtime for row in table) for runtime in ("onnx", "joblib")
    }
    introduction = INTRODUCTION.format(
        version=sklearn.__version__, rows=ROWS, onnx=counts["onnx"], joblib=counts["joblib"]
    )
    lines = introduction.splitlines()
    for kind, title in KINDS.items():
        lines += ["", f"## {title}", "", "| estimator | served as | why |", "|---|---|---|"]
        lines += [
            f"| `{row.name}` | {row.runtime or '-'} | {row.reason.replace('|', '/')} |"
            for row in table
            if row.kind == kind
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    repeat_with_fixed_environment()
    hard_rows.ROWS = ROWS
    PAGE.write_text(page(list(rows())))


if __name__ == "__main__":
    main()
