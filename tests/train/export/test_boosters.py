"""Boosters in ONNX answer exactly as the libraries that grew them, on their own thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingRegressor, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from contract.bundle import Parity
from contract.spec.model_toml import ModelSpec
from tests.support.models.folder import Folder
from train.export import parity
from train.export.boosters import boosted, lightgbm, stand_in
from train.export.convert import convert
from train.fit import evaluate

pytestmark = pytest.mark.slow  # trains boosters

ROWS = 20_000  # that are compared
DAILY = ("xgboost, missing", "xgboost, three classes", "xgboost, categories", "lightgbm, missing",
         "lightgbm, categories", "xgboost, count:poisson", "lightgbm, forest")  # fmt: skip
FEW: dict[str, Any] = {"n_estimators": 30, "random_state": 0, "n_jobs": 1}
LGB: dict[str, Any] = {**FEW, "verbose": -1}
TABLE = "a,b,c,d,y\n1,1,0,0,0\n2,2,1,1,1\n"
Numbers = NDArray[np.float64]


def table(classes: int, *, gaps: bool = False) -> tuple[pd.DataFrame, NDArray[Any], Numbers]:
    """Return 600 rows on a grid, and with noise: inputs, classes and positive numbers.

    The last column holds the numbers 0 to 11, which stand for categories.
    """
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "a": rng.integers(-5, 6, 600) / 2,
            "b": rng.normal(size=600),
            "c": rng.normal(size=600) * 1e6 + 1.7e9,  # as a time in seconds
            "d": rng.integers(0, 12, 600).astype(float),
        }
    )
    score = X["a"] + X["b"] ** 2 + np.isin(X["d"], (1, 2, 5, 9)) * 2 + rng.normal(0, 0.5, 600)
    if gaps:
        X = X.mask(rng.random(X.shape) < 0.1)
    y = np.digitize(score, np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1]))
    return X, y, np.exp(score / 2).to_numpy()


def threshold_rows(model: Any, X: pd.DataFrame, *, gaps: bool) -> pd.DataFrame:
    """Return ROWS rows whose cells are thresholds of the model, and next to them, or rows of X."""
    rng = np.random.default_rng(1)
    trees = stand_in.read(model)
    assert trees is not None
    by_column: dict[int, list[float]] = {}
    for column, bound in boosted.thresholds(trees):
        by_column.setdefault(column, []).append(bound)
    columns = {}
    for place, name in enumerate(X):
        known = X[name].dropna().to_numpy()
        bounds = np.array(sorted({*by_column.get(place, ())}) or known)
        single = bounds.astype(np.float32)
        near = [bounds, *(np.nextafter(bounds, end) for end in (-np.inf, np.inf))]
        near += [np.nextafter(single, np.float32(end)).astype(float) for end in (-np.inf, np.inf)]
        odd = np.array([0.0, -0.0, 1e-36, -1e-36, -0.5, 0.5, 5.5, -1.0, 12.0, 40.0, 1e6, -1e6])
        cells = np.choose(
            rng.choice(4, ROWS, p=[0.6, 0.2, 0.1, 0.1]),
            [rng.choice(np.concatenate(near), ROWS), rng.choice(known, ROWS),
             rng.choice(odd, ROWS), rng.normal(0, 10, ROWS)],
        )  # fmt: skip
        columns[name] = np.where(rng.random(ROWS) < 0.1, np.nan, cells) if gaps else cells
    return pd.DataFrame(columns)


def compared(spec: ModelSpec, fitted: Any, X: pd.DataFrame, scale: float = 1) -> Parity:
    """Return how the graph of a fitted estimator compares with it on the rows X."""
    graph = parity.answer(spec, convert(spec, fitted, double=True), X)
    return parity.compare(evaluate.answer(fitted, X), graph, scale)


class Categories(lgb.LGBMClassifier):  # type: ignore[misc]
    """A class of one's own, as LightGBM wants to be told of categories when it fits."""

    def fit(self, X: Any, y: Any, **more: Any) -> Any:
        """Fit with the last column as a category."""
        return super().fit(X, y, categorical_feature=[3], **more)


CLASSIFIERS: dict[str, tuple[Callable[[], Any], int, bool]] = {
    "xgboost": (lambda: xgb.XGBClassifier(**FEW), 2, False),
    "xgboost, missing": (lambda: xgb.XGBClassifier(**FEW), 2, True),
    "xgboost, three classes": (lambda: xgb.XGBClassifier(**FEW), 3, True),
    "xgboost, weighted": (lambda: xgb.XGBClassifier(**FEW, scale_pos_weight=3), 2, False),
    "xgboost, base score": (lambda: xgb.XGBClassifier(**FEW, base_score=0.2), 2, False),
    "xgboost, dart": (
        lambda: xgb.XGBClassifier(**FEW, booster="dart", rate_drop=0.3, skip_drop=0.2), 2, True,
    ),
    "xgboost, forest": (lambda: xgb.XGBRFClassifier(**FEW), 2, False),
    "xgboost, forests boosted": (
        lambda: xgb.XGBClassifier(
            n_estimators=5, num_parallel_tree=4, subsample=0.5, random_state=0
        ), 3, False,
    ),
    "xgboost, categories": (
        lambda: xgb.XGBClassifier(
            **FEW, enable_categorical=True, feature_types=["q", "q", "q", "c"], max_cat_to_onehot=1
        ), 2, True,
    ),
    "xgboost, one-hot categories": (
        lambda: xgb.XGBClassifier(
            **FEW, enable_categorical=True, feature_types=["q", "q", "q", "c"], max_cat_to_onehot=99
        ), 3, False,
    ),
    "xgboost, hinge": (lambda: xgb.XGBClassifier(**FEW, objective="binary:hinge"), 2, False),
    "xgboost, approximate": (
        lambda: xgb.XGBClassifier(**FEW, tree_method="approx", grow_policy="lossguide"), 2, True,
    ),
    "lightgbm": (lambda: lgb.LGBMClassifier(**LGB), 2, False),
    "lightgbm, missing": (lambda: lgb.LGBMClassifier(**LGB), 2, True),
    "lightgbm, three classes": (lambda: lgb.LGBMClassifier(**LGB), 3, True),
    "lightgbm, balanced": (lambda: lgb.LGBMClassifier(**LGB, class_weight="balanced"), 3, False),
    "lightgbm, dart": (lambda: lgb.LGBMClassifier(**LGB, boosting_type="dart"), 2, True),
    "lightgbm, forest": (
        lambda: lgb.LGBMClassifier(**LGB, boosting_type="rf", subsample=0.6, subsample_freq=1),
        2, False,
    ),
    "lightgbm, goss": (lambda: lgb.LGBMClassifier(**LGB, data_sample_strategy="goss"), 2, False),
    "lightgbm, categories": (
        lambda: Categories(**LGB, min_data_per_group=5, cat_smooth=1), 2, True,
    ),
    "lightgbm, zero as missing": (
        lambda: lgb.LGBMClassifier(**LGB, zero_as_missing=True), 2, True,
    ),
    "lightgbm, no missing": (lambda: lgb.LGBMClassifier(**LGB, use_missing=False), 2, True),
    "lightgbm, sigmoid": (lambda: lgb.LGBMClassifier(**LGB, sigmoid=0.7), 2, False),
    "lightgbm, extra trees": (lambda: lgb.LGBMClassifier(**LGB, extra_trees=True), 3, False),
}  # fmt: skip


def regressor(library: Any, **parameters: Any) -> Callable[[], Any]:
    """Return a function that makes a regressor of a library."""
    return lambda: library(**parameters)


REGRESSORS: dict[str, Callable[[], Any]] = {
    **{
        f"xgboost, {objective}": regressor(xgb.XGBRegressor, **FEW, objective=objective)
        for objective in ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror",
                          "reg:squaredlogerror", "count:poisson", "reg:gamma", "reg:tweedie")
    },
    "xgboost, quantile": lambda: xgb.XGBRegressor(
        **FEW, objective="reg:quantileerror", quantile_alpha=0.9
    ),
    **{
        f"lightgbm, {objective}": regressor(lgb.LGBMRegressor, **LGB, objective=objective)
        for objective in ("regression", "regression_l1", "huber", "fair", "poisson", "quantile",
                          "mape", "gamma", "tweedie")
    },
    "lightgbm, square root": lambda: lgb.LGBMRegressor(**LGB, reg_sqrt=True),
    "lightgbm, forest": lambda: lgb.LGBMRegressor(
        **LGB, boosting_type="rf", subsample=0.6, subsample_freq=1
    ),
}  # fmt: skip


def every(names: Iterable[str]) -> list[Any]:
    """Return names as parameters, of which those that are not DAILY run at night."""
    return [
        name if name in DAILY else pytest.param(name, marks=pytest.mark.nightly) for name in names
    ]


@pytest.mark.parametrize("name", every(CLASSIFIERS))
def test_a_classifier_answers_alike(folder: Folder, name: str) -> None:
    """On rows of thresholds no label differs, and no probability by more than parity allows."""
    build, classes, gaps = CLASSIFIERS[name]
    X, y, _ = table(classes, gaps=gaps)
    fitted = build().fit(X, y)
    result = compared(folder.write(TABLE), fitted, threshold_rows(fitted, X, gaps=gaps))
    assert (result.rows, result.label_mismatches, result.is_equal) == (ROWS, 0, True), result


@pytest.mark.parametrize("name", every(REGRESSORS))
def test_a_regressor_answers_alike(folder: Folder, name: str) -> None:
    """On rows of thresholds no number differs by more than parity allows."""
    X, _, y = table(2)
    fitted = REGRESSORS[name]().fit(X, y)
    rows = threshold_rows(fitted, X, gaps=False)
    assert compared(folder.write(TABLE), fitted, rows, float(np.std(y))).is_equal


class Stopping(xgb.XGBClassifier):  # type: ignore[misc]
    """A class of one's own that stops early, as XGBoost wants the rows to stop by when it fits."""

    def fit(self, X: Any, y: Any, **more: Any) -> Any:
        """Fit to three quarters of the rows."""
        cut = len(X) * 3 // 4
        return super().fit(X[:cut], y[:cut], eval_set=[(X[cut:], y[cut:])], verbose=False, **more)


class Halting(lgb.LGBMClassifier):  # type: ignore[misc]
    """The same of LightGBM."""

    def fit(self, X: Any, y: Any, **more: Any) -> Any:
        """Fit to three quarters of the rows."""
        cut = len(X) * 3 // 4
        stop = lgb.early_stopping(3, verbose=False)
        held = {"eval_X": X[cut:], "eval_y": y[cut:]}
        return super().fit(X[:cut], y[:cut], **held, callbacks=[stop], **more)


@pytest.mark.daily(1)
@pytest.mark.parametrize("classes", [2, 3])
def test_trees_after_the_best_round_do_not_count(folder: Folder, classes: int) -> None:
    """A booster that stopped early answers by the rounds up to its best, and so does its graph."""
    X, y, _ = table(classes)
    for fitted, best in (
        ((xgboost := Stopping(n_estimators=300, early_stopping_rounds=3).fit(X, y)),
         xgboost.best_iteration + 1),
        ((lightgbm := Halting(n_estimators=300, verbose=-1).fit(X, y)), lightgbm.best_iteration_),
    ):  # fmt: skip
        trees = stand_in.read(fitted)
        assert trees is not None
        outputs = 1 if classes == 2 else classes
        assert len(trees.trees) == best * outputs < 300 * outputs
        rows = threshold_rows(fitted, X, gaps=False)
        assert compared(folder.write(TABLE), fitted, rows).is_equal


@pytest.mark.daily(1)
@pytest.mark.parametrize("labels", [("no", "yes"), (3, 7), ("a", "b", "c")])
def test_labels_keep_their_names(folder: Folder, labels: tuple[Any, ...]) -> None:
    """LightGBM takes labels of any kind, which the graph answers with."""
    X, y, _ = table(len(labels))
    fitted = lgb.LGBMClassifier(**LGB).fit(X, np.array(labels)[y])
    spec = folder.write(TABLE)
    graph = parity.answer(spec, convert(spec, fitted, double=True), X)
    assert graph.predictions.tolist() == fitted.predict(X).tolist()


def boosters() -> list[tuple[str, Any]]:
    """Return a small booster of each library, unfitted."""
    return [("x", xgb.XGBClassifier(**FEW)), ("l", lgb.LGBMClassifier(**LGB))]


@pytest.mark.daily(2)
@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), xgb.XGBClassifier(**FEW)),
        make_pipeline(StandardScaler(), lgb.LGBMClassifier(**LGB)),
        VotingClassifier(boosters(), voting="soft"),
        StackingClassifier(boosters(), LogisticRegression()),
        CalibratedClassifierCV(xgb.XGBClassifier(**FEW)),
        CalibratedClassifierCV(lgb.LGBMClassifier(**LGB)),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_boosters_inside_others_answer_alike(folder: Folder, estimator: Any) -> None:
    """A booster that scikit-learn holds is written by the same converter."""
    X, y, _ = table(2)
    fitted = estimator.fit(X, y)
    result = compared(folder.write(TABLE), fitted, X)
    assert (result.label_mismatches, result.is_equal) == (0, True), result


def test_boosters_in_a_bag_answer_alike(folder: Folder) -> None:
    """Regressors in a bag are written one by one."""
    X, _, y = table(2)
    fitted = BaggingRegressor(lgb.LGBMRegressor(**LGB), 3, random_state=0).fit(X, y)
    assert compared(folder.write(TABLE), fitted, X, float(np.std(y))).is_equal


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (xgb.XGBClassifier(**FEW, booster="gblinear"), "gblinear"),
        (xgb.XGBClassifier(**FEW, missing=-1), "missing=-1"),
        (lgb.LGBMClassifier(**LGB, linear_tree=True), "linear_tree"),
        (xgb.XGBClassifier(n_estimators=2, max_depth=1, gamma=1e9), "without any split"),
        (
            lgb.LGBMClassifier(
                **LGB, objective=lambda truth, scores: (scores - truth, np.ones(len(truth)))
            ),
            "objective",
        ),
    ],
)
def test_what_has_no_such_trees_says_so(folder: Folder, estimator: Any, reason: str) -> None:
    """What the nodes of ONNX cannot hold is refused with its reason, and nothing is guessed."""
    X, y, _ = table(2)
    fitted = estimator.fit(X, y)
    with pytest.raises(NotImplementedError, match=reason):
        convert(folder.write(TABLE), fitted, double=True)


def test_a_wrong_converter_is_found(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of thresholds show what training rows do not: thresholds rounded to float32."""
    X, y, _ = table(2)
    fitted = lgb.LGBMClassifier(**LGB).fit(X, y)
    rows = threshold_rows(fitted, X, gaps=False)
    right = lightgbm.split_of

    def wrong(node: dict[str, Any], children: tuple[int, int]) -> boosted.Split:
        split = right(node, children)
        return split._replace(bounds=tuple(float(np.float32(bound)) for bound in split.bounds))

    monkeypatch.setattr(lightgbm, "split_of", wrong)
    assert compared(folder.write(TABLE), fitted, rows).label_mismatches > 0
