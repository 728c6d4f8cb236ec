"""Equal inputs give equal bytes, whatever process trains them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ship import git
from tests.support.models.folder import Folder, two_classes

REPOSITORY = git.TOOL
HISTOGRAM = """\
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.preprocessing import FunctionTransformer
from sklearn.pipeline import make_pipeline


def halve(X):
    return X / 2


def build():
    return make_pipeline(FunctionTransformer(halve), HistGradientBoostingClassifier())
"""


class Training:
    """A training in a process and a folder of its own."""

    def __init__(self, name: str, root: Path, out: Path, environment: dict[str, str]) -> None:
        out.mkdir()
        self.bundle = out / "bundle"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "train", name, "--models", root, "--out", self.bundle],
            cwd=out,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def files(self) -> dict[str, bytes]:
        """Return the files of the bundle, once the training has ended well."""
        _, errors = self.process.communicate()
        assert (self.process.returncode, errors) == (0, "")
        return {file.name: file.read_bytes() for file in self.bundle.iterdir()}


HERE = {"PYTHONHASHSEED": "1", "TZ": "UTC", "OMP_NUM_THREADS": "1"}
ELSEWHERE = {
    "PYTHONHASHSEED": "2",
    "TZ": "Pacific/Auckland",
    "OMP_NUM_THREADS": "2",
    "LANG": "C",
    "HOME": "/nowhere",
}


@pytest.mark.nightly
def test_bundle_is_the_same_bytes_everywhere(folder: Folder) -> None:
    """Hash seed, time zone, locale, threads and folder leave no trace in a bundle."""
    folder.write_birds()
    here = Training("made", folder.root, folder.root / "here", HERE)
    elsewhere = Training("made", folder.root, folder.root / "elsewhere", ELSEWHERE)
    files = here.files()
    assert files == elsewhere.files()
    assert "model.onnx" in files


@pytest.mark.nightly
def test_number_of_jobs_leaves_no_trace(folder: Folder) -> None:
    """A pickle records n_jobs, so it is reset: parallelism belongs to who serves."""
    estimator = HISTOGRAM.replace("HistGradientBoosting", "RandomForest")
    many = estimator.replace("Classifier())", "Classifier(n_estimators=5, n_jobs=2))")
    none = many.replace(", n_jobs=2", "")
    assert many != none
    folder.write(two_classes(), estimator=many)
    here = Training("made", folder.root, folder.root / "here", HERE).files()
    folder.write(two_classes(), estimator=none)
    assert here == Training("made", folder.root, folder.root / "elsewhere", ELSEWHERE).files()
    assert "model.joblib" in here


@pytest.mark.nightly
def test_pickle_is_the_same_bytes_with_more_threads(folder: Folder) -> None:
    """HistGradientBoosting sums in the order of its threads, so there is only one."""
    folder.write(two_classes(400), estimator=HISTOGRAM)
    here = Training("made", folder.root, folder.root / "here", HERE)
    elsewhere = Training("made", folder.root, folder.root / "elsewhere", ELSEWHERE)
    files = here.files()
    assert files == elsewhere.files()
    assert "model.joblib" in files
