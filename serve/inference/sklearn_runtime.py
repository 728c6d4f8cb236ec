"""Run model.joblib with the scikit-learn that made it, for models that ONNX cannot hold."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from contract.bundle import Bundle, Label, Manifest
from contract.inputs import KINDS
from serve.errors import BrokenModel, WrongLibrary
from serve.inference.arrays import Frame
from serve.inference.scores import Scores

try:
    import joblib
    import pandas as pd
    import sklearn
except ImportError as error:
    raise WrongLibrary(
        f"joblib, pandas and scikit-learn must be installed to serve a joblib model. "
        f"Got instead: {error}. Install requirements-joblib.txt"
    ) from error

# The classifiers of scikit-learn whose predict is the class of the greatest predict_proba, so that
# one call gives both. Others (SVC, a tuned threshold, a custom class) get two calls.
PREDICTS_THE_LIKELIEST = {
    "AdaBoostClassifier",
    "BaggingClassifier",
    "BernoulliNB",
    "CategoricalNB",
    "ComplementNB",
    "DecisionTreeClassifier",
    "ExtraTreeClassifier",
    "ExtraTreesClassifier",
    "GaussianNB",
    "GradientBoostingClassifier",
    "HistGradientBoostingClassifier",
    "LinearDiscriminantAnalysis",
    "LogisticRegression",
    "MLPClassifier",
    "MultinomialNB",
    "RandomForestClassifier",
}


class EstimatorRuntime:
    """The fitted estimator, unpickled.

    Making it raises WrongLibrary for another scikit-learn, BrokenModel if it cannot be unpickled.
    """

    def __init__(self, bundle: Bundle) -> None:
        check_version(bundle.manifest)
        self.names = [field.name for field in bundle.manifest.inputs]
        self.estimator = unpickle(bundle)
        self.classes = bundle.manifest.classes
        self.coded = bundle.manifest.coded
        self.detects = bundle.manifest.anomaly is not None
        self.targets = len(bundle.manifest.targets)
        self.one_call = predicts_the_likeliest(self.estimator)
        self.arrays = {field.name: KINDS[field.kind].array for field in bundle.manifest.inputs}
        self.takes_array = {*self.arrays.values()} == {"numeric"} and (
            not needs_names(self.estimator)
        )

    def score(self, frame: Frame) -> Scores:
        """Return the scores of a batch, by one call where labels follow from probabilities."""
        X = frame.numeric if self.takes_array else self.to_frame(frame)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            if self.targets > 1:
                return self.several(X)
            if self.classes is None:
                return Scores(
                    np.asarray(self.estimator.predict(X), np.float64).ravel().tolist(), None
                )
            return self.detect(X, self.classes) if self.detects else self.classify(X, self.classes)

    def detect(self, X: Any, classes: Sequence[Label]) -> Scores:
        """Return labels and anomaly scores for `X` (rows, inputs).

        scikit-learn says -1 of an anomaly, the second class, and scores it lower than the others.
        """
        labels = [classes[int(verdict < 0)] for verdict in self.estimator.predict(X)]
        return Scores(labels, (-self.estimator.decision_function(X)).reshape(-1, 1).tolist())

    def classify(self, X: Any, classes: Sequence[Label]) -> Scores:
        """Return labels and, if the estimator has them, probabilities for `X` (rows, inputs)."""
        if not hasattr(self.estimator, "predict_proba"):
            return Scores(self.labels(self.estimator.predict(X), classes), None)
        probabilities = np.asarray(self.estimator.predict_proba(X), np.float64)
        if self.one_call:
            labels = self.estimator.classes_[probabilities.argmax(axis=1)]
        else:
            labels = self.estimator.predict(X)
        return Scores(self.labels(labels, classes), probabilities.tolist())

    def labels(self, answers: Any, classes: Sequence[Label]) -> list[Label]:
        """Return what the estimator answers as labels: a library may give places, or a column."""
        labels: list[Label] = np.asarray(answers).ravel().tolist()
        return [classes[int(place)] for place in labels] if self.coded else labels

    def several(self, X: Any) -> Scores:
        """Return the values of several targets and, of labels, probabilities for `X`."""
        predictions = np.asarray(self.estimator.predict(X))
        if self.classes is None:
            return Scores(list(map(tuple, predictions.astype(np.float64).tolist())), None)
        labels = list(map(tuple, predictions.astype(bool).tolist()))
        if not hasattr(self.estimator, "predict_proba"):
            return Scores(labels, None)
        shares = self.estimator.predict_proba(X)
        if isinstance(shares, list):  # of each label, those of false and of true
            shares = np.column_stack([share[:, 1] for share in shares])
        return Scores(labels, shares.tolist())

    def to_frame(self, frame: Frame) -> pd.DataFrame:
        """Return the rows as training has them: (rows, inputs), the same names, order and types."""
        columns = {array: iter(values.T) for array, values in frame._asdict().items()}
        series = {}
        for name, array in self.arrays.items():
            values = next(columns[array])
            series[name] = pd.Series(values, dtype=values.dtype)  # else pandas infers its own
        return pd.DataFrame(series)


def last_step(estimator: Any) -> Any:
    """Return the last step of a pipeline, or the estimator itself."""
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def predicts_the_likeliest(estimator: Any) -> bool:
    """Return whether the estimator's label is always the class with the greatest probability."""
    kind = type(last_step(estimator))
    return kind.__module__.startswith("sklearn.") and kind.__name__ in PREDICTS_THE_LIKELIEST


def needs_names(estimator: Any) -> bool:
    """Return whether the estimator needs a DataFrame: any step that is not plain scikit-learn's.

    Steps that hold other estimators or a function may ask for names as well.
    """
    if estimator is None:
        return False
    steps = [step for _, step in getattr(estimator, "steps", [("only", estimator)])]
    holders = ("transformers", "transformer_list", "estimators", "func")
    return any(
        not type(step).__module__.startswith("sklearn.")
        or any(hasattr(step, holder) for holder in holders)
        or needs_names(getattr(step, "estimator", None))
        for step in steps
    )


def check_version(manifest: Manifest) -> None:
    """Check that scikit-learn has the version that made the model; raise WrongLibrary if not."""
    wanted = manifest.libraries.get("scikit-learn")
    if sklearn.__version__ != wanted:
        raise WrongLibrary(
            f"scikit-learn must be {wanted}, which made the model. Got {sklearn.__version__} "
            f"instead. Install scikit-learn=={wanted}, or train the model again"
        )


def unpickle(bundle: Bundle) -> Any:
    """Return the estimator; raise BrokenModel if joblib cannot load it."""
    try:
        return joblib.load(bundle.model_file)
    except Exception as error:  # a pickle can raise anything
        raise BrokenModel(
            f"{bundle.model_file} must be an estimator that joblib can load here. Got instead: "
            f"{type(error).__name__}: {error}. A class of your own must be importable as "
            f"model.{bundle.manifest.name}.estimator"
        ) from error
