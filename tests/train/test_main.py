"""The command line: what a person sees, and with which code it ends."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import joblib
import pytest

from contract import bundle
from contract.errors import ModelError
from contract.evaluation import evaluation
from ship import git
from tests.support.models.folder import FOREST, RIDGE, Folder, default_toml, two_classes
from tests.support.models.train_here import train_here
from train.environment import FIXED
from train.fit import estimator

pytestmark = pytest.mark.slow  # trains models

CUSTOM = """\
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


class Doubler(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X * 2

    def __sklearn_is_fitted__(self):
        return True


def build():
    return make_pipeline(Doubler(), LogisticRegression())
"""


LAMBDA = """\
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


class Never(LogisticRegression):
    def fit(self, X, y):
        raise AssertionError("fitted")


def build():
    return make_pipeline(FunctionTransformer(lambda X: X), Never())
"""


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a module in a process of its own, with the settings of the builder."""
    environment = {**os.environ, "PYTHONPATH": str(git.TOOL), **FIXED}
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_option_counts_more_than_the_setting(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where --models is right, nobody is told that MODELS is wrong."""
    folder.write(two_classes())
    monkeypatch.setenv("MODELS", "/nonexistent")
    process = command("train", "made", "--models", folder.root, "--step", "reach",
                      "--out", folder.root / "out")  # fmt: skip
    assert (process.returncode, process.stderr) == (0, "")


def test_training_shows_each_step_and_nothing_else(folder: Folder) -> None:
    """A build's log has one line per step, and no warning of any library."""
    folder.write(two_classes())
    process = command("train", "made", "--models", folder.root, "--out", folder.root / "out")
    assert (process.returncode, process.stderr) == (0, "")
    steps = [line.split()[1] for line in process.stdout.splitlines()]
    expected = [
        "load",
        "split",
        "cross-val",
        "fit",
        "learning",
        "seeds",
        "export",
        "answer",
        "answer",
        "importance",
        "holdout",
        "seeds",
        "study",
        "gate",
        "write",
    ]
    assert steps == expected


@pytest.mark.nightly
def test_failed_gate_is_an_exit_code_and_still_a_bundle(folder: Folder) -> None:
    """A failed gate is an exit code, and the bundle is written for its author to read."""
    csv = "x,y\n" + "".join(f"{row % 5},{'ab'[row % 2]}\n" for row in range(40))
    folder.write(csv, default_toml(csv).replace("0.5", "0.99"))
    options = ("train", "made", "--models", folder.root, "--out", folder.root / "out")
    process = command(*options)
    assert process.returncode == 3
    assert ">= 0.99 FAILED" in process.stdout
    assert process.stderr.startswith("error: made failed its gate")
    assert not bundle.read(folder.root / "out").manifest.gate.passed


@pytest.mark.nightly
def test_failed_gate_is_none_for_who_keeps_going(folder: Folder) -> None:
    """With --keep-going, as in the build, a failed gate is recorded and no exit code."""
    csv = "x,y\n" + "".join(f"{row % 5},{'ab'[row % 2]}\n" for row in range(40))
    folder.write(csv, default_toml(csv).replace("0.5", "0.99"))
    options = ("train", "made", "--models", folder.root, "--out", folder.root / "out")
    assert command(*options, "--keep-going").returncode == 0
    assert not bundle.read(folder.root / "out").manifest.gate.passed


def test_metric_that_does_not_exist_fails_the_gate(folder: Folder) -> None:
    """A bound on r2 fails if all held-out values are equal."""
    csv = "x,y\n" + "".join(f"{row},{5 + (row == 0)}\n" for row in range(40))
    toml = default_toml(csv).replace("classification", "regression").replace("accuracy", "r2")
    manifest = train_here(folder.write(csv, toml, RIDGE), folder.root / "out")
    read = bundle.read(folder.root / "out")
    assert read.manifest == manifest
    assert set(read.manifest.metrics.holdout) == {"rmse", "mae", "median_absolute_error"}
    assert [(check.value, check.passed) for check in read.manifest.gate.checks] == [(None, False)]
    assert evaluation.read(read).study is None


def test_models_are_looked_for_where_the_setting_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MODELS counts on the host as it does for make; an option of the command comes first."""
    for place in ("setting", "option"):
        (tmp_path / place).mkdir()
    monkeypatch.setenv("MODELS", str(tmp_path / "setting"))
    train = ("train", "nowhere", "--out", tmp_path / "out")
    assert f"must be a folder in {tmp_path}/setting with" in command(*train).stderr
    process = command(*train, "--models", tmp_path / "option")
    assert f"must be a folder in {tmp_path}/option with" in process.stderr


def test_mistake_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    """A mistake in a model is one line on stderr, without a traceback."""
    process = command("train", "nowhere", "--models", tmp_path, "--out", tmp_path / "out")
    assert process.returncode == ModelError.exit_code
    assert process.stderr.startswith("error: Model 'nowhere' must be a folder")
    assert process.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "build must be a function without arguments. Got None"),
        ("import nothing_of_that_name", "must be importable. Got ModuleNotFoundError"),
        ("def build(:", "must be importable. Got SyntaxError"),
        ("def build():\n    return 1 / 0", "build() must be callable without error"),
        ("def build(x):\n    return x", "Got TypeError"),
        (
            "def build():\n    return 42",
            "must be an estimator: something with fit, predict, get_params. Got 42, without",
        ),
        (
            "from sklearn.svm import SVC\ndef build():\n    return SVC",
            "an estimator, not its class. Got SVC",
        ),
        (
            "from sklearn.linear_model import Ridge\ndef build():\n    return Ridge()",
            "must be a classifier. Got Ridge",
        ),
        (
            "from sklearn.decomposition import PCA\ndef build():\n    return PCA()",
            "Got PCA(), without predict instead",
        ),
        (
            "from sklearn.svm import SVC\ndef build():\n    return SVC().fit([[0], [1]], [0, 1])",
            "must be unfitted. Got a fitted estimator",
        ),
        (FOREST.replace("(n_est", "(max_depth=-1, n_est"), "must be able to fit and predict"),
        (LAMBDA, "must be picklable, as no lambda is. Got "),
        (CUSTOM.replace("return self\n", "self.f = lambda: 0; return self\n"), "must be picklable"),
    ],
)
def test_estimator_that_is_none_is_refused(folder: Folder, source: str, words: str) -> None:
    """An estimator.py that builds no estimator is refused with what it built."""
    spec = folder.write(two_classes(), estimator=source)
    with pytest.raises(ModelError) as caught:
        train_here(spec, folder.root / "out")
    assert words in str(caught.value)
    assert str(folder.path / "estimator.py") in str(caught.value)


def test_estimator_file_that_is_absent_is_named(folder: Folder) -> None:
    """A folder without estimator.py is refused."""
    spec = folder.write(two_classes())
    (folder.path / "estimator.py").unlink()
    with pytest.raises(ModelError, match=r"estimator\.py must be a file that defines build"):
        estimator.build(spec)


def test_gate_on_probabilities_needs_an_estimator_that_has_them(folder: Folder) -> None:
    """A metric that cannot be measured is refused before the training."""
    toml = default_toml(two_classes()).replace("accuracy", "roc_auc")
    source = "from sklearn.svm import LinearSVC\ndef build():\n    return LinearSVC()"
    spec = folder.write(two_classes(), toml, source)
    with pytest.raises(ModelError, match="it has no predict_proba"):
        estimator.build(spec)


@pytest.mark.nightly
def test_custom_transformer_is_served_by_joblib_with_its_own_module(folder: Folder) -> None:
    """The pickle names model.NAME.estimator, which the image holds beside the package."""
    folder.write(two_classes(), estimator=CUSTOM)
    out = folder.root / "out"
    process = command("train", "made", "--models", folder.root, "--out", out)
    assert process.returncode == 0, process.stderr
    assert "joblib: ONNX was not used" in process.stdout
    written = bundle.read(out)
    assert written.manifest.runtime == "joblib"
    assert written.manifest.parity is None
    assert written.model_file == out / "model.joblib"
    assert b"model.made.estimator" in written.model_file.read_bytes()


@pytest.mark.nightly
def test_search_is_served_as_its_winner(folder: Folder) -> None:
    """A search records how long each fit took, so only what it found goes into the bundle."""
    source = (
        "from sklearn.model_selection import GridSearchCV\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "def build():\n"
        "    return GridSearchCV(DecisionTreeClassifier(), {'max_depth': [1, 2]}, cv=2)\n"
    )
    manifest = train_here(folder.write(two_classes(), estimator=source), folder.root / "out")
    assert manifest.estimator == "DecisionTreeClassifier(max_depth=1)"


def test_function_of_a_search_need_not_be_pickled(folder: Folder) -> None:
    """Only what a search finds is served, so that its own scoring may be a lambda."""
    source = (
        "from sklearn.model_selection import GridSearchCV\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "def build():\n"
        "    tree, depths = DecisionTreeClassifier(), {'max_depth': [1, 2]}\n"
        "    return GridSearchCV(tree, depths, scoring=lambda model, X, y: model.score(X, y))\n"
    )
    spec = folder.write(two_classes(), estimator=source)
    assert type(estimator.build(spec)).__name__ == "GridSearchCV"


NOISE = "x,noise,y\n" + "".join(
    f"{row % 2 + row / 400:.3f},{row * 37 % 101},{'no' if row % 2 else 'yes'}\n"
    for row in range(120)
)
LOGISTIC = (
    "from sklearn.linear_model import LogisticRegression\n"
    "def build():\n    return LogisticRegression()\n"
)


@pytest.mark.parametrize(
    "rule",
    ["log_loss = { max = 1 }", "roc_auc = { min = 0.5 }", "f1_macro = { min = 0.5 }"],
)
def test_study_is_of_the_first_gated_metric(folder: Folder, rule: str) -> None:
    """An input counts by what it is worth to the metric that people gate on, whichever that is."""
    toml = default_toml(NOISE).replace("accuracy = ", f"{rule}\naccuracy = ")
    train_here(folder.write(NOISE, toml, LOGISTIC), folder.root / "out")
    study = evaluation.read(bundle.read(folder.root / "out")).study
    assert study is not None
    assert study.metric == rule.partition(" ")[0]
    assert [importance.feature for importance in study.importance] == ["x", "noise"]
    assert study.importance[0].mean > 0.2 > abs(study.importance[1].mean)
    assert len(study.learning) > 1


@pytest.mark.nightly
def test_other_runtime_leaves_no_old_model_behind(folder: Folder) -> None:
    """A bundle has one model file, whatever was written to the folder before."""
    out = folder.root / "out"
    train_here(folder.write(two_classes(), estimator=CUSTOM), out)
    assert joblib.load(io.BytesIO((out / "model.joblib").read_bytes()))
    train_here(folder.write(two_classes()), out)
    assert sorted(file.name for file in out.glob("model.*")) == ["model.onnx"]
