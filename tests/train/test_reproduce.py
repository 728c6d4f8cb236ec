"""Equal inputs give equal bytes, whatever process trains them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import model
from tests.train.conftest import Folder, two_classes

REPOSITORY = model.ROOT.parent
HISTOGRAM = """\
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.preprocessing import FunctionTransformer
from sklearn.pipeline import make_pipeline


def halve(X):
    return X / 2


def build():
    return make_pipeline(FunctionTransformer(halve), HistGradientBoostingClassifier())
"""


def train(name: str, root: Path, out: Path, **environment: str) -> dict[str, bytes]:
    """Train in a process of its own, in another folder, and return every file's bytes."""
    out.mkdir()
    process = subprocess.run(
        [sys.executable, "-m", "train", name, "--models", root, "--out", out / "bundle"],
        cwd=out,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    return {file.name: file.read_bytes() for file in (out / "bundle").iterdir()}


HERE = {"PYTHONHASHSEED": "1", "TZ": "UTC", "OMP_NUM_THREADS": "1"}
ELSEWHERE = {
    "PYTHONHASHSEED": "2",
    "TZ": "Pacific/Auckland",
    "OMP_NUM_THREADS": "2",
    "LANG": "C",
    "HOME": "/nowhere",
}


def test_bundle_is_the_same_bytes_everywhere(model_name: str, tmp_path: Path) -> None:
    """Hash seed, time zone, locale, threads and folder leave no trace in a bundle."""
    here = train(model_name, model.ROOT, tmp_path / "here", **HERE)
    elsewhere = train(model_name, model.ROOT, tmp_path / "elsewhere", **ELSEWHERE)
    assert here == elsewhere


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_number_of_jobs_leaves_no_trace(folder: Folder, jobs: str) -> None:
    """A pickle records n_jobs, so it is reset: parallelism belongs to who serves."""
    estimator = HISTOGRAM.replace("HistGradientBoosting", "RandomForest").replace(
        "Classifier())", f"Classifier(n_estimators=5, random_state=0, n_jobs={jobs}))"
    )
    folder.write(two_classes(), estimator=estimator)
    files = train("made", folder.root, folder.root / "out", **HERE)
    folder.write(two_classes(), estimator=estimator.replace(f", n_jobs={jobs}", ""))
    assert train("made", folder.root, folder.root / "again", **ELSEWHERE) == files
    assert "model.joblib" in files


def test_pickle_is_the_same_bytes_with_more_threads(folder: Folder) -> None:
    """HistGradientBoosting sums in the order of its threads, so there is only one."""
    folder.write(two_classes(400), estimator=HISTOGRAM)
    here = train("made", folder.root, folder.root / "here", **HERE)
    assert "model.joblib" in here
    assert here == train("made", folder.root, folder.root / "elsewhere", **ELSEWHERE)
