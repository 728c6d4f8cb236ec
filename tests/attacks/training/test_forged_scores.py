"""Number 9: an estimator that patches the scorer while it is imported passes with accuracy 1.

It was found with accuracy 1 in its manifest where its true one was 0.44.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contract import bundle, claims
from contract.claims import Claims
from contract.errors import ModelError
from contract.evaluation.evaluation import beside
from ship import git
from tests.attacks.conftest import MARKER, NOISE, ROWS, attack
from tests.support.checkouts.canary import make, report
from tests.support.checkouts.fork import MODEL, Fork
from tests.support.models.folder import FOREST, Folder, default_toml, two_classes
from tests.support.models.train_here import train_here
from train.fit.evaluate import Answers
from train.steps import answers, row_files
from train.steps.answers import Reader

FORGER = """\
import json
import pathlib

import sklearn.metrics
from sklearn.dummy import DummyClassifier

import contract.evaluation.scores
import train.fit.evaluate

BEST = {"accuracy": 1.0, "balanced_accuracy": 1.0, "f1_macro": 1.0, "roc_auc": 1.0, "log_loss": 0.0}
sklearn.metrics.accuracy_score = lambda *_, **__: 1.0
train.fit.evaluate.score = lambda *_, **__: dict(BEST)
contract.evaluation.scores.score = lambda *_, **__: dict(BEST)


def build():
    return DummyClassifier(strategy="uniform", random_state=0)
"""
# Answers by the place of a row among those that it is asked: of a sorted table, that tells all.
PLACES = """\
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Places(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[np.arange(len(X)) * len(self.classes_) // len(X)]


def build():
    return Places()
"""
# Searches the container, but for the base image's files, for the names of rows and tables.
SPY = """\
import os
import re

import pyarrow.ipc
from sklearn.base import ClassifierMixin, BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.datasets import load_iris

PLANTED = r"marker-\\d+-of-this-row|90000\\d\\d\\.\\d\\d7"


def look(when):
    seen, tables = set(), []
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("dev", "proc", "sys", "usr")]
        for name in files:
            if re.search(r"(iris|penguin|id_61|id_42585)(?!.*\\.rst)", os.path.join(folder, name)):
                tables.append(os.path.join(folder, name))
            if folder.startswith("/opt"):
                continue
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    text = file.read().decode(errors="replace")
                if name.endswith(".arrow"):
                    with pyarrow.memory_map(os.path.join(folder, name)) as file:
                        text = pyarrow.ipc.open_file(file).read_pandas().to_csv()
                seen |= set(re.findall(PLANTED, text))
            except OSError:
                pass
    try:
        load_iris()
        table = "yes"
    except Exception:
        table = "no"
    net = os.listdir("/sys/class/net")
    print(f"LOOKED when={when} net={net} table={table}{tables}", *sorted(seen))


class Spy(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        look("fit")
        self.inner_ = DummyClassifier().fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        look("predict")
        return self.inner_.predict(X)


def build():
    return Spy()
"""
LOOKED = re.compile(r"LOOKED when=(\S+) net=(\[.*?\]) table=(\w+\[.*?\])(.*)")


@pytest.mark.nightly
@pytest.mark.slow
def test_patched_scorer_changes_no_score(folder: Folder) -> None:
    """A model that guesses fails a gate of 0.9 although its code patches the scorer."""
    csv = "x,y\n" + "".join(f"{row},{'ab'[row * row % 7 % 2]}\n" for row in range(80))
    folder.write(csv, default_toml(csv).replace("0.5", "0.9"), FORGER)
    process = subprocess.run(
        [sys.executable, "-m", "train", "made", "--models", folder.root,
         "--out", folder.root / "out"],
        cwd=git.TOOL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 3, process.stdout + process.stderr
    manifest = bundle.read(folder.root / "out").manifest
    assert manifest.metrics.holdout["accuracy"] < 0.8
    assert not manifest.gate.passed


def test_place_of_a_row_tells_nothing(folder: Folder) -> None:
    """The order of the questions does not give away the truth of a table sorted by its target."""
    csv = "x,y\n" + "".join(f"{row * 7919 % 101},{'ab'[row // 40]}\n" for row in range(80))
    manifest = train_here(folder.write(csv, default_toml(csv), PLACES), folder.root / "out")
    assert manifest.metrics.holdout["accuracy"] < 0.9


@pytest.mark.nightly
@pytest.mark.engine
def test_patched_scorer_changes_no_score_in_the_builder(fork: Fork) -> None:
    """In the builder, too, the gate goes by the answers and not by a patched scorer."""
    attack(fork, FORGER, "accuracy = { min = 0.9 }")
    make(fork, "train")
    make(fork, "gate", code=2)
    assert report(fork)["verdict"] == "failed"
    assert fork.bundle.manifest.metrics.holdout["accuracy"] < 0.9


@pytest.mark.nightly
@pytest.mark.engine
def test_model_code_sees_the_training_rows_alone(fork: Fork) -> None:
    """Fitting, the code finds no held-out row, network or public table; asked, no truth."""
    attack(fork, SPY)
    log = make(fork, "train")
    holdout = json.loads((fork.root / f"dist/{MODEL}/evaluation/holdout.json").read_bytes())
    hidden = {NOISE.format(row, row) for row in holdout["rows"]}
    looks = LOOKED.findall(log)
    assert {when for when, *_ in looks} == {"fit", "predict"}
    assert {(net, table) for _, net, table, _ in looks} == {("['lo']", "no[]")}
    fitting = {name for when, _, _, names in looks if when == "fit" for name in names.split()}
    assert len(hidden) == ROWS // 4
    assert fitting == {NOISE.format(row, row) for row in range(ROWS)} - hidden
    assert set(looks[-1][-1].split()) == hidden  # it is asked for them, and sees nothing else
    assert MARKER.format(holdout["rows"][0]) in str(holdout["others"])


@pytest.mark.nightly
@pytest.mark.engine
def test_imported_bundle_is_measured_again(fork: Fork, tmp_path: Path) -> None:
    """The metrics that an imported bundle claims are replaced by those of its answers."""
    attack(fork, FOREST.replace("n_estimators=10", "max_depth=1, n_estimators=1"))
    make(fork, "train")
    honest = fork.bundle.manifest.metrics.holdout["accuracy"]
    forged = forge(fork.root / f"dist/{MODEL}/bundle", tmp_path / "forged")
    make(fork, "train", BUNDLE=str(forged))
    manifest = fork.bundle.manifest
    assert manifest.metrics.holdout["accuracy"] == honest < 1
    assert (manifest.evaluation, manifest.metrics.seed_scores) == ("measured", [])


@pytest.mark.nightly
@pytest.mark.engine
def test_imported_bundle_is_a_claim_where_the_data_is_not_at_hand(
    fork: Fork, tmp_path: Path
) -> None:
    """Manifest, card and report say that nobody here has measured the model."""
    attack(fork, FOREST)
    make(fork, "train")
    forged = forge(fork.root / f"dist/{MODEL}/bundle", tmp_path / "forged")
    (fork.root / f"model/{MODEL}/data.csv").unlink()
    assert "is a claim" in make(fork, "train", BUNDLE=str(forged))
    make(fork, "gate")
    assert fork.bundle.manifest.evaluation == "claimed"
    assert "Nobody here has measured this model" in report(fork)["warnings"][0]
    for name in ("card.md", "report.md", "report.html"):
        text = (fork.root / f"dist/{MODEL}" / name).read_text()
        assert "Nobody here has measured this model" in text


@pytest.mark.nightly
@pytest.mark.engine
def test_imported_bundle_is_refused_where_the_data_is_another(fork: Fork, tmp_path: Path) -> None:
    """A bundle is refused if the data is here and is not what model.toml says."""
    attack(fork, FOREST)
    make(fork, "train")
    forged = forge(fork.root / f"dist/{MODEL}/bundle", tmp_path / "forged")
    (fork.root / f"model/{MODEL}/data.csv").write_text("kind\nother data\n")
    process = fork.make("train", MODEL=MODEL, BUNDLE=str(forged))
    assert process.returncode != 0
    assert "data.sha256 must be the sha256 of data.csv" in process.stdout + process.stderr
    assert fork.bundle.manifest.metrics.holdout["accuracy"] < 1


def forge(source: Path, target: Path) -> Path:
    """Copy a bundle and what is beside it, and claim that its model is always right."""
    shutil.copytree(beside(source), beside(target))
    read = bundle.read(source)
    read.manifest.metrics.holdout["accuracy"] = 1.0
    files = {name: (source / name).read_bytes() for name in read.manifest.files}
    bundle.write(target, read.manifest, files)
    return target


GIVEN = Answers(np.array(["yes", "no"], object), np.array([[0.1, 0.9], [0.6, 0.4]]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"predictions": ["yes"], "probabilities": [[0.1, 0.9]]}, "2 predictions. Got 1"),
        ({"predictions": ["yes", "maybe"]}, "Got 'maybe'"),
        ({"predictions": [1.0, 1.0]}, "Got 1.0"),
        ({"predictions": ["yes", None]}, "Got ''"),
        ({"probabilities": [[1.0], [1.0]]}, "another shape"),
        ({"probabilities": [[0.1, 0.8, 0.1], [0.1, 0.8, 0.1]]}, "another shape"),
        ({"probabilities": [[1.0, 1.0], [1.0, 1.0]]}, r"such as \[1.0, 1.0\]"),
        ({"probabilities": [[0.1, 0.9], [-1.0, 2.0]]}, r"such as \[-1.0, 2.0\]"),
        ({"probabilities": [[0.1, 0.9], [np.nan, 0.5]]}, r"such as \[nan, 0.5\]"),
    ],
)
def test_answers_that_are_none_are_refused(
    folder: Folder, changes: dict[str, list[Any]], words: str
) -> None:
    """Too few answers, unknown classes and impossible probabilities are refused."""
    reader, out = Reader(folder.write(two_classes()), ["no", "yes"]), folder.root
    answers.write(out, "given", GIVEN)
    assert reader.answers(answers.read(out, "given"), 2).predictions.tolist() == ["yes", "no"]
    kind = object if isinstance(changes.get("predictions", [""])[0], str) else float
    changed = {
        name: np.array(value, kind if name == "predictions" else float)
        for name, value in changes.items()
    }
    answers.write(out, "forged", GIVEN._replace(**changed))
    forged = answers.read(out, "forged")
    with pytest.raises(ModelError, match=words):
        reader.answers(forged, 2)


def test_answers_with_too_few_shuffled_are_refused(folder: Folder) -> None:
    """Answers to shuffled inputs must be for exactly the inputs of the model."""
    reader = Reader(folder.write(two_classes()), ["no", "yes"])
    with pytest.raises(ModelError, match=r"10 predictions\. Got 2"):
        reader.shuffled(GIVEN, 2)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"ARROW1", b'{"a": 1}',
        pa.table({"prediction": [[1], [2]]}), pa.table({"prediction": ["no", "yes"]}),
        pa.table({"probability0": [0.5, 0.5]}), pa.table({"prediction": [0, 1], "truth": [0, 1]}),
    ],
    ids=["empty", "cut", "json", "lists", "plain texts", "no prediction", "another column"],
)  # fmt: skip
def test_answers_in_another_form_are_refused(tmp_path: Path, content: bytes | pa.Table) -> None:
    """A file that the model's code may have written must have the form of answers."""
    file = tmp_path / "holdout.arrow"
    if isinstance(content, pa.Table):
        row_files.store(file, content)
    else:
        file.write_bytes(content)
    with pytest.raises(ModelError, match=r"holdout\.arrow must be "):
        answers.read(tmp_path, "holdout")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 100_000, "readable claims"),
        (b'{"a": 1}', "readable claims"),
        (b"", "readable claims"),
    ],
)
def test_claims_that_are_none_are_refused(folder: Folder, content: bytes, words: str) -> None:
    """Claims of another form are refused, as the model's code may have written them."""
    (folder.root / claims.FILE).write_bytes(content)
    with pytest.raises(ModelError, match=words):
        claims.read(folder.write(two_classes()), folder.root)


def test_claims_are_bounded_and_on_one_line(folder: Folder) -> None:
    """What a training claims is cut to one line of limited length."""
    claimed = Claims(
        data_sha256="", estimator="a\x1b[2J\n::error::b" + "c" * 10_000, runtime="onnx",
        runtime_reason="", parity=None, classes=None, cross_validation={}, learning=[], seeds=0,
    )  # fmt: skip
    claims.write(claimed, [b"graph"], folder.root / "export")
    read = claims.read(folder.write(two_classes()), folder.root / "export")
    assert read.estimator.startswith("a [2J ::error::bccc")
    assert len(read.estimator) <= claims.LONGEST
