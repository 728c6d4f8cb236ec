"""Whatever has fit, predict and get_params is trained, judged, exported and served."""

from __future__ import annotations

import io
import pickletools
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import xgboost as xgb
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from contract.bundle import read
from contract.errors import ModelError
from serve.inference.predictor import Predictor
from tests.support.models.folder import Folder, two_classes
from tests.support.models.train_here import train_here
from train.data import dataset
from train.data.split import Part, split
from train.export.export import pickle
from train.fit import estimator, wrappers
from train.fit.adapted import Adapted, AdaptedClassifier, adapted, fresh

OWN = '''
"""A class that knows nothing of scikit-learn, and answers in a column."""

import numpy as np


class Stump:
    def __init__(self, cuts=(1.0,)):
        self.cuts = list(cuts)  # which scikit-learn's clone refuses

    def get_params(self, deep=True):
        return {"cuts": self.cuts}

    def set_params(self, **params):
        self.cuts = params.get("cuts", self.cuts)
        return self

    def fit(self, X, y):
        assert np.asarray(y).dtype.kind in "iu" and set(np.unique(y)) == {0, 1}, "numbers from 0"
        values = np.asarray(X, dtype=float)[:, 0]
        self.above_ = int(np.mean(y[values >= self.cuts[0]]) > 0.5)
        return self

    def predict(self, X):
        above = np.asarray(X, dtype=float)[:, :1] >= self.cuts[0]
        return np.where(above, self.above_, 1 - self.above_)

    def predict_proba(self, X):
        second = self.predict(X).ravel() * 0.8 + 0.1
        return np.column_stack([1 - second, second])


def build():
    return Stump()
'''
XGB = """
from xgboost import XGBClassifier


def build():
    return XGBClassifier(n_estimators=3, max_depth=2, random_state=0)
"""


def rows(folder: Folder, code: str) -> tuple[Any, Part]:
    """Return the spec of a model with labels of text, and its training rows."""
    spec = folder.write(two_classes(), estimator=code)
    return spec, split(spec, dataset.load(spec))[0]


@pytest.mark.slow
@pytest.mark.parametrize(("code", "runtime"), [(OWN, "joblib"), (XGB, "onnx")])
def test_labels_of_text_work_where_numbers_are_wanted(
    folder: Folder, tmp_path: Path, code: str, runtime: str
) -> None:
    """Such a model is trained, and served with the labels that the data has."""
    spec, _ = rows(folder, code)
    manifest = train_here(spec, tmp_path / "bundle")
    assert (manifest.runtime, manifest.classes) == (runtime, ["no", "yes"])
    assert manifest.coded == (runtime == "joblib")
    assert manifest.metrics.holdout["accuracy"] >= 0.9
    bundle = read(tmp_path / "bundle")
    Predictor(bundle, 1)  # which raises unless the golden examples are answered as recorded
    assert {example.prediction for example in bundle.examples} <= {"no", "yes"}


def test_a_pickle_has_nothing_of_the_training(folder: Folder) -> None:
    """The image has no training code: what is pickled is the library's own estimator."""
    spec, train = rows(folder, OWN)
    wrapped = adapted(spec, estimator.build(spec), train)
    assert isinstance(wrapped, AdaptedClassifier)
    assert wrapped.coded
    decided = FixedThresholdClassifier(
        AdaptedClassifier(xgb.XGBClassifier(n_estimators=2), coded=True),
        threshold=0.4,
        response_method="predict_proba",
    )
    for fitted in (clone(wrapped).fit(train.X, train.y), decided.fit(train.X, train.y)):
        content = pickle(spec, fitted)
        modules = {str(word) for _, word, _ in pickletools.genops(content) if word}
        assert not any(word.startswith("train.") for word in modules)
        assert wrappers.is_coded(fitted)
        alone = joblib.load(io.BytesIO(content))
        known = wrappers.loaded(spec, alone, ["no", "yes"], coded=True)
        assert known.predict(train.X).tolist() == fitted.predict(train.X).tolist()


def test_what_scikit_learn_knows_stays_as_it_is(folder: Folder) -> None:
    """Nothing is put around an estimator that takes the labels as they are."""
    spec, train = rows(folder, OWN)
    model = LogisticRegression()
    assert adapted(spec, model, train) is model


def test_numbers_from_0_are_not_tried(folder: Folder) -> None:
    """A booster of classes that are numbers from 0 is fitted to them."""
    spec = folder.write(two_classes().replace("no", "0").replace("yes", "1"))
    train = split(spec, dataset.load(spec))[0]
    model = xgb.XGBClassifier()
    assert adapted(spec, model, train) is model


def test_a_regressor_that_says_nothing_is_one(folder: Folder) -> None:
    """Of a regression, what nothing is known of is a regressor."""
    spec = folder.write_prices()

    class Plain:
        def get_params(self) -> dict[str, Any]:
            return {}

        def fit(self, _: Any, y: Any) -> Any:
            self.mean_ = float(np.mean(y))
            return self

        def predict(self, X: Any) -> Any:
            """Answer in a column."""
            return np.full((len(X), 1), self.mean_)

    train = split(spec, dataset.load(spec))[0]
    wrapped = adapted(spec, Plain(), train)
    assert isinstance(wrapped, Adapted)
    assert clone(wrapped).fit(train.X, train.y).predict(train.X).shape == (len(train.y),)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def build():\n    return object()\n", "without fit and predict and get_params"),
        ("import lightgmb\n", r"package that has lightgmb to .*\.in\. Run: make lock MODEL=made"),
        ("def build():\n    import xgbost\n", "Add the package that has xgbost"),
        ("raise OSError('libgomp.so.9: cannot open shared object file')\n",
         r"Add a package that brings libgomp\.so\.9"),
    ],
)  # fmt: skip
def test_what_is_no_estimator_is_refused(folder: Folder, source: str, words: str) -> None:
    """A wrong object, and a package that is not there, get one sentence and its cure."""
    with pytest.raises(ModelError, match=words):
        estimator.build(folder.write(two_classes(), estimator=source))


class Frozen:
    """An estimator that takes no parameters once fitted, and cannot be cloned, as CatBoost."""

    def __init__(self, cuts: Any = (1, 2), seed: int = 0) -> None:
        self.cuts = list(cuts)
        self.seed = seed

    def get_params(self, *, deep: bool = True) -> dict[str, Any]:
        """Return the parameters."""
        del deep
        return {"cuts": self.cuts, "seed": self.seed}

    def set_params(self, **parameters: Any) -> Any:
        """Change parameters of an unfitted one."""
        assert not hasattr(self, "fitted_")
        vars(self).update(parameters)
        return self

    def fit(self, _: Any, __: Any) -> Any:
        """Remember that it was fitted."""
        self.fitted_ = True
        return self


def test_a_copy_is_unfitted_even_where_nothing_can_be_cloned() -> None:
    """A fit with another seed starts from the parameters, and not from the fitted estimator."""
    fitted = Frozen(cuts=[3]).fit(None, None)
    copied = fresh(make_pipeline(StandardScaler(), fitted))
    assert copied[-1].set_params(seed=1).cuts == [3]


def test_boosters_use_one_thread(folder: Folder) -> None:
    """Their sums must not depend on the number of cores of a machine."""
    code = XGB.replace("random", "n_jobs=4, random")
    built = estimator.build(folder.write(two_classes(), estimator=code))
    assert built.n_jobs == 1
