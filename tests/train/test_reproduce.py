"""Equal inputs give equal bytes, whatever process trains them."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from contract.errors import ModelError
from ship import git
from tests.support.models.folder import Folder, default_toml, two_classes
from train.environment import FIXED, INSTRUCTIONS, refuse_older_processor

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


# Least squares by BLAS, whose kernels differ by processor in the last bits of what they sum.
LINEAR = """\
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures


def build():
    return make_pipeline(PolynomialFeatures(3), LinearRegression())
"""
OLDER = {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "X86_V3,X86_V4"}
TRAIN = """\
import sys
from pathlib import Path
from contract.spec import model_toml
from tests.support.models.train_here import train_here
train_here(model_toml.read("made", Path(sys.argv[1])), Path(sys.argv[2]))
"""


def numbers() -> str:
    """Return a table of numbers, and one that depends on them."""
    random = np.random.default_rng(0)
    rows = [(*row, row[0] * row[1] - row[2] ** 3) for row in random.normal(size=(120, 4))]
    return "a,b,c,d,y\n" + "".join(",".join(f"{cell:.6f}" for cell in row) + "\n" for row in rows)


def trained_on(processor: list[str], folder: Folder, out: Path, **more: str) -> dict[str, bytes]:
    """Train in one process, which an emulator of a processor may run; return the bundle's files."""
    environment = {**os.environ, **FIXED, **more, "PYTHONPATH": str(REPOSITORY)}
    command = [*processor, sys.executable, "-c", TRAIN, str(folder.root), str(out)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return {file.name: file.read_bytes() for file in out.iterdir()}


@pytest.mark.nightly
@pytest.mark.skipif(platform.machine() != "x86_64", reason="emulates x86-64 by x86-64")
def test_bundle_is_the_same_bytes_on_every_processor(folder: Folder) -> None:
    """An Intel and an AMD of other years make the model of this machine; other kernels another."""
    toml = default_toml(numbers()).replace('"classification"', '"regression"')
    toml = toml.partition("[gate]")[0] + "[gate]\nmae = { max = 100 }\n"
    folder.write(numbers(), toml, estimator=LINEAR)
    here = trained_on([], folder, folder.root / "here")
    for processor in ("Haswell", "EPYC"):
        emulated = ["qemu-x86_64", "-cpu", processor]
        assert trained_on(emulated, folder, folder.root / processor) == here
    assert (
        trained_on([], folder, folder.root / "older", **OLDER)["model.onnx"] != here["model.onnx"]
    )


def test_numpy_has_no_other_instructions() -> None:
    """What is switched off is all of NumPy's dispatch beyond the set that training is pinned to."""
    off = set(INSTRUCTIONS["x86_64"]["NPY_DISABLE_CPU_FEATURES"].split(","))
    if platform.machine() == "x86_64":
        known = np.show_config(mode="dicts")["SIMD Extensions"]
        assert off == {*known["found"], *known.get("not found", [])} - {"X86_V3"}


@pytest.mark.parametrize("flags", ["fpu avx2 fma", "fpu sse4_2 avx"])
def test_processor_without_the_instructions_is_refused(
    flags: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor that OpenBLAS would crash on is told from one that trains."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    able = "avx2" in flags
    with nullcontext() if able else pytest.raises(ModelError, match="AVX2"):
        refuse_older_processor(tmp_path / "cpuinfo")
