"""An isolation forest in ONNX scores rows as scikit-learn's does, to the last digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest

from tests.support.models.folder import Folder
from train.export import parity
from train.export.convert import convert
from train.fit import evaluate
from train.fit.detector import Detector


@pytest.mark.daily(1)
@pytest.mark.parametrize("double", [True, False], ids=["float64", "float32"])
@pytest.mark.parametrize(
    "forest",
    [
        IsolationForest(random_state=0),
        IsolationForest(n_estimators=300, max_samples=500, contamination=0.02, random_state=0),
        IsolationForest(max_features=0.5, contamination=0.1, random_state=0),
    ],
    ids=["plain", "deep", "some columns"],
)
def test_scores_and_ties_are_equal(folder: Folder, forest: IsolationForest, double: bool) -> None:  # noqa: FBT001 - a parameter
    """Scores differ by rounding alone, and a row on the very offset is as normal as it was."""
    spec = folder.write("a,b,y\n1,1,0\n2,2,1\n")
    random = np.random.default_rng(0)
    X = pd.DataFrame({name: random.normal(size=501).round(1) for name in ("a", "b")})
    more = pd.DataFrame({name: random.normal(0, 2, 5000).round(2) for name in ("a", "b")})
    rows = pd.concat([X, more], ignore_index=True).astype(np.float32).astype(float)
    detector = Detector(forest, ["no", "yes"]).fit(rows[:501])
    expected = evaluate.answer(detector, rows)
    if forest.contamination != "auto":
        assert (detector.anomaly_score(rows[:501]) == 0).any()
    compared = parity.compare(
        expected, parity.answer(spec, convert(spec, detector, double=double), rows), 1
    )
    assert (compared.label_mismatches, compared.max_difference <= 1e-12) == (0, True)
