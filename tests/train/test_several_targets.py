"""Models of several numbers and of several labels, from their table to their bundle."""

from __future__ import annotations

import re

import numpy as np
import pytest

from contract import bundle
from contract.bundle import Manifest
from contract.errors import ModelError
from contract.evaluation.evaluation import read
from contract.spec import model_toml
from tests.support.models.folder import Folder, default_toml, folder
from tests.support.models.train_here import train_here
from train.fit.evaluate import Answers
from train.steps.answers import Reader

__all__ = ["folder"]

IMPORTS = """
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.multioutput import (
    ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
)
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.pipeline import make_pipeline
"""
NUMBERS = {
    "RandomForestRegressor(5, random_state=0)": "onnx",
    "make_pipeline(StandardScaler(), RegressorChain(LinearRegression(), order=[1, 0]))": "onnx",
    "MultiOutputRegressor(RandomForestRegressor(3, random_state=0))": "onnx",
    "MLPRegressor(max_iter=30, random_state=0)": "onnx",
    "KNeighborsRegressor(weights='distance')": "joblib",
}
LABELS = {
    "RandomForestClassifier(5, random_state=0)": "onnx",
    "ClassifierChain(LogisticRegression(), order=[2, 0, 1])": "onnx",
    "MultiOutputClassifier(LogisticRegression())": "onnx",
    "KNeighborsClassifier()": "onnx",
    "RidgeClassifier()": "onnx",
    "ClassifierChain(LogisticRegression(), chain_method='predict_proba')": "joblib",
}


def table(*, words: tuple[str, str] | None = None, seed: int = 0) -> str:
    """Return a CSV of three inputs and of two numbers or, with words, three labels."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(240, 3)).round(3)
    numbers = np.stack([X[:, 0] + X[:, 1], 3 * X[:, 2] - X[:, 0]], axis=1).round(3)
    names, values = ["width", "mass"], [[str(cell) for cell in row] for row in numbers]
    if words:
        noisy = np.column_stack([numbers, X[:, 1] - 0.7]) + random.normal(size=(240, 3)) / 3
        names = [*names, "rare"]
        values = [[words[int(cell > 0)] for cell in row] for row in noisy]
    lines = [",".join([*map(str, row), *cells]) for row, cells in zip(X, values, strict=True)]
    return "\n".join([",".join(["p", "q", "r", *names]), *lines]) + "\n"


def write(folder: Folder, csv: str, estimator: str, gate: str) -> model_toml.ModelSpec:
    """Write a model of all columns after the first three."""
    targets = csv.partition("\n")[0].split(",")[3:]
    toml = default_toml("p,q,r," + targets[0] + "\n")
    toml = toml.replace(f'target = "{targets[0]}"', f"target = {targets}".replace("'", '"'))
    toml = toml.replace("accuracy = { min = 0.5 }\n", gate)
    if len(targets) == 2:
        toml = toml.replace("classification", "regression")
    code = f"{IMPORTS}\n\ndef build():\n    return {estimator}\n"
    return folder.write(csv, toml, code)


def trained(spec: model_toml.ModelSpec) -> Manifest:
    """Train a model and return its manifest, as it is read back."""
    out = spec.folder.parent / "bundle"
    train_here(spec, out)
    return bundle.read_manifest(out)


@pytest.mark.daily(1)
@pytest.mark.parametrize("estimator", NUMBERS)
def test_several_numbers_are_learnt_and_exported(folder: Folder, estimator: str) -> None:
    """Each target is answered, judged and recorded, by a graph where there is one."""
    gate = 'r2 = { min = 0.3 }\nrmse = [{ max = 9 }, { target = "mass", max = 9 }]\n'
    manifest = trained(write(folder, table(), estimator, gate))
    assert (manifest.targets, manifest.classes) == (("width", "mass"), None)
    assert manifest.runtime == NUMBERS[estimator], manifest.runtime_reason
    assert {"r2", "rmse", "mae", "rmse(mass)"} <= {*manifest.metrics.holdout}
    assert manifest.gate.passed
    made = bundle.read(folder.root / "bundle")
    assert {*made.examples[0].prediction} == {"width", "mass"}  # type: ignore[misc]
    held = read(made)
    assert held.targets == ["width", "mass"]
    assert isinstance(held.truth[0], tuple)


@pytest.mark.daily(1)
@pytest.mark.parametrize("estimator", LABELS)
def test_several_labels_are_learnt_and_exported(folder: Folder, estimator: str) -> None:
    """Labels are true or false, with the probability of each where the model has them."""
    gate = 'f1_macro = { min = 0.3 }\nrecall = { target = "rare", min = 0.1 }\n'
    manifest = trained(write(folder, table(words=("no", "Yes")), estimator, gate))
    assert manifest.classes == ["width", "mass", "rare"]
    assert manifest.runtime == LABELS[estimator], manifest.runtime_reason
    assert {"accuracy", "f1_micro", "hamming_loss", "recall(rare)"} <= {*manifest.metrics.holdout}
    examples = bundle.read(folder.root / "bundle").examples
    for name in ("width", "mass", "rare"):
        assert {example.prediction[name] for example in examples} == {True, False}  # type: ignore[index]
    for example in examples:
        if example.probabilities:
            shares = dict(zip(manifest.targets, example.probabilities, strict=True))
            assert example.prediction == {name: share > 0.5 for name, share in shares.items()}


@pytest.mark.nightly
def test_training_twice_gives_the_same_bytes(folder: Folder) -> None:
    """A bundle of several labels is the same for the same inputs."""
    gate = "f1_macro = { min = 0.1 }\n"
    spec = write(folder, table(words=("0", "1")), "RandomForestClassifier(5, random_state=0)", gate)
    first = trained(spec)
    files = {name: (folder.root / "bundle" / name).read_bytes() for name in first.files}
    assert trained(spec) == first
    assert {name: (folder.root / "bundle" / name).read_bytes() for name in first.files} == files


def test_rows_that_lack_a_target_are_dropped(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row without any one of the targets is dropped, and counted."""
    csv = table()
    lines = csv.splitlines()
    lines[3] = lines[3].rpartition(",")[0] + ","
    lines[7] = re.sub(r",[^,]*,([^,]*)$", r",,\1", lines[7])
    manifest = trained(
        write(folder, "\n".join(lines) + "\n", "LinearRegression()", "r2 = { min = 0 }\n")
    )
    assert manifest.data.rows == 238
    assert "2 without width or mass dropped" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[gate]", "[serve]\nthreshold = 0.3\n[gate]", ["threshold", "several targets"]),
        ('"rare"]', '"rare", "rare"]', ["target", "different columns"]),
        ("f1_macro", "recall = { class = 1, min = 0.1 }\nf1_macro", ["recall.class", "target = "]),
        ("f1_macro", 'f1 = { target = "rar", min = 0.1 }\nf1_macro', ["f1.target", "'rare'?"]),
        ('r = "numeric"', 'rare = "numeric"', ["inputs.rare", "Remove"]),
    ],
    ids=["threshold", "same column", "class", "unknown target", "target among inputs"],
)
def test_what_several_targets_have_not_is_refused(
    folder: Folder, old: str, new: str, words: list[str]
) -> None:
    """What means nothing with several targets is refused in one sentence, with its cure."""
    spec = write(folder, table(words=("no", "yes")), "KNeighborsClassifier()",
                 "f1_macro = { min = 0.1 }\n")  # fmt: skip
    spec.file.write_text(spec.file.read_text().replace(old, new, 1))
    with pytest.raises(ModelError) as error:
        model_toml.read(folder.name, folder.root)
    assert all(word in str(error.value) for word in words), error.value


def test_targets_of_many_classes_are_refused(folder: Folder) -> None:
    """Several targets of a classification are labels: true or false."""
    spec = write(folder, table(words=("no", "yes")).replace("yes\n", "maybe\n"),
                 "KNeighborsClassifier()", "f1_macro = { min = 0.1 }\n")  # fmt: skip
    with pytest.raises(ModelError, match=r"'rare' must be true or false.*a model of its own"):
        trained(spec)


def test_estimator_of_one_target_is_refused_with_its_cure(folder: Folder) -> None:
    """An estimator that takes one target alone is told how it takes several."""
    spec = write(folder, table(words=("no", "yes")), "LogisticRegression()",
                 "f1_macro = { min = 0.1 }\n")  # fmt: skip
    with pytest.raises(ModelError, match="MultiOutputClassifier"):
        trained(spec)


@pytest.mark.parametrize(
    ("predictions", "probabilities"),
    [
        ([[1, 0]], None),
        ([[1.0, 0.0, 0.0]], None),
        ([1], None),
        ([[1, 0, 2]], None),
        ([[1, 0, 1]], [[0.5, 0.5]]),
        ([[1, 0, 1]], [[0.5, 0.5, 1.5]]),
        ([[1, 0, 1]] * 2, None),
    ],
    ids=["short", "numbers", "no row", "no label", "few shares", "large share", "too many"],
)
def test_what_cannot_be_answers_is_refused(
    folder: Folder, predictions: list[object], probabilities: list[list[float]] | None
) -> None:
    """What a model's own code wrote counts only where each row has a value for each target."""
    spec = write(folder, table(words=("no", "yes")), "KNeighborsClassifier()",
                 "f1_macro = { min = 0.1 }\n")  # fmt: skip
    reader = Reader(spec, [*spec.labels])
    right = Answers(np.array([[1, 0, 1]]), np.array([[0.9, 0.1, 0.9]]))
    assert reader.answers(right, 1).predictions.tolist() == [[1, 0, 1]]
    shares = None if probabilities is None else np.array(probabilities)
    with pytest.raises(ModelError, match="answers to held-out rows"):
        reader.answers(Answers(np.array(predictions), shares), 1)
