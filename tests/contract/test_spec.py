"""Reading model.toml: what is right is typed, what is wrong is named together with its cure."""

from __future__ import annotations

import math
import re
from pathlib import Path

import msgspec
import pytest

from contract import bundle
from contract.bundle import Serving, Split
from contract.errors import ModelError
from contract.evaluation.metrics import Bound
from contract.inputs import KINDS
from contract.spec import model_toml, thresholds
from contract.spec.gate import Rules, Threshold
from contract.spec.tables import Options
from ship import git

CSV = "size,colour,price\n1,red,2\n3,blue,4\n"
SHA256 = "3d7aa5d58f0ff3d9c4aa1b1f7ae1e1f5c4d7b2d0f6f1c1f0b1f4e1a1c7b9d2e3"
TOML = """\
description = "What a thing costs"
task = "regression"
target = "price"

[data]
source = "things.csv"
sha256 = "3d7aa5d58f0ff3d9c4aa1b1f7ae1e1f5c4d7b2d0f6f1c1f0b1f4e1a1c7b9d2e3"

[inputs]
size = "numeric"
colour = "categorical"

[split]
test_size = 0.5
seed = 7

[evaluate]
folds = 3

[gate]
r2 = { min = 0.5 }
mae = { max = 10 }

[serve]
unknown_category = "ignore"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder whose model.toml is right."""
    folder = tmp_path / "things"
    folder.mkdir()
    (folder / "model.toml").write_text(TOML)
    (folder / "things.csv").write_text(CSV)
    (folder / "README.md").write_text("# Things\n")
    return folder


def message(folder: Path) -> str:
    """Return the error of reading a folder's model.toml."""
    with pytest.raises(ModelError) as caught:
        model_toml.read(folder.name, folder.parent)
    return str(caught.value)


def test_spec_holds_what_the_file_says(folder: Path) -> None:
    """Every key of a right model.toml arrives typed."""
    read = model_toml.read("things", folder.parent)
    assert read.task == "regression"
    assert read.target == "price"
    assert read.data.source == "things.csv"
    assert read.inputs == {"size": "numeric", "colour": "categorical"}
    assert read.columns("categorical") == ["colour"]
    assert read.split == Split(method="hash", test_size=0.5, seed=7)
    assert (read.seed, read.folds) == (7, 3)
    bounds = (Threshold("r2", "min", 0.5), Threshold("mae", "max", 10.0))
    assert read.gate.rules == Rules(bounds, {})
    assert read.gate.headline == "r2"
    assert read.serving == Serving(unknown_category="ignore", out_of_range="accept")


def test_spec_holds_what_is_said_of_single_columns(folder: Path) -> None:
    """A column may be a table: its kind, and what only this column does."""
    columns = """\
size = { kind = "numeric", out_of_range = "reject" }
colour = { kind = "categorical", unknown_category = "reject" }
made = "date"
label = "text"
sold = { kind = "boolean", true = "yes", false = "no" }
"""
    right = 'size = "numeric"\ncolour = "categorical"\n'
    (folder / "model.toml").write_text(TOML.replace(right, columns))
    read = model_toml.read("things", folder.parent)
    kinds = ["numeric", "categorical", "date", "text", "boolean"]
    assert list(read.inputs.values()) == kinds
    assert read.in_array("numeric") == ["size", "sold"]
    assert read.options_of("size").out_of_range == "reject"
    assert read.options_of("colour").unknown_category == "reject"
    assert read.options_of("made") == Options()
    assert (read.options_of("sold").true, read.options_of("sold").false) == ("yes", "no")


def test_columns_of_the_readme_are_read(folder: Path) -> None:
    """The example in the README has a column of every kind, and is right as it stands."""
    readme = (git.TOOL / "README.md").read_text()
    (columns,) = re.findall(r"```toml\n\[inputs\]\n(.+?)```", readme, re.DOTALL)
    right = 'size = "numeric"\ncolour = "categorical"\n'
    (folder / "model.toml").write_text(TOML.replace(right, columns))
    assert set(model_toml.read("things", folder.parent).inputs.values()) == set(KINDS)


def test_spec_has_defaults_for_what_may_be_left_out(folder: Path) -> None:
    """The tables split, evaluate and serve are optional."""
    toml = TOML[: TOML.index("[split]")] + TOML[TOML.index("[gate]") : TOML.index("[serve]")]
    (folder / "model.toml").write_text(toml)
    read = model_toml.read("things", folder.parent)
    assert read.split == Split(method="hash", test_size=0.25, seed=0)
    assert (read.seed, read.folds) == (0, 5)
    assert read.serving == Serving(unknown_category="reject", out_of_range="accept")


def test_every_model_of_the_repository_is_right(model_name: str) -> None:
    """Each model.toml in the repository can be read."""
    assert model_toml.read(model_name).name == model_name


def test_metric_of_a_class_may_have_several_tables(folder: Path) -> None:
    """A metric is named by its class, and may be bounded for several of them."""
    toml = TOML.replace('"regression"', '"classification"').replace("mae = { max = 10 }", "")
    rules = 'recall = [{ class = "a(b)", min = 0.8 }, { class = 1, drop = 0.1 }]'
    (folder / "model.toml").write_text(toml.replace("r2 = { min = 0.5 }", rules))
    read = model_toml.read("things", folder.parent).gate
    assert read.rules == Rules((Threshold("recall(a(b))", "min", 0.8),), {"recall(1)": 0.1})
    assert read.asked == ["recall(a(b))", "recall(1)"]


MISTAKES = {
    "unknown key": ('target = "price"', 'target = "price"\ntresh = 1', ["'tresh'", "one of"]),
    "misspelt key": ("test_size = 0.5", "test_sise = 0.5", ["split.test_sise", "'test_size'?"]),
    "no target": ('target = "price"\n', "", ["target must be given", "Got nothing"]),
    "empty target": ('target = "price"', 'target = ""', ["target", "not empty", "''"]),
    "no gate": ("r2 = { min = 0.5 }\nmae = { max = 10 }\n", "", ["gate", "r2, rmse", "r2 = {"]),
    "unknown task": ('"regression"', '"regresion"', ["task", "'regression'?"]),
    "clustering": (
        '"regression"',
        '"clustering"',
        ["Got 'clustering'", "is no task here."],
    ),
    "forecasting": ('"regression"', '"forecasting"', ["forecast of a sequence, is no task here."]),
    "anomaly of a regression": (
        'target = "price"',
        'target = "price"\nanomaly = "yes"',
        ["anomaly must be absent from a regression", 'task = "anomaly_detection"'],
    ),
    "task of the wrong type": ('"regression"', "1", ["task", "Got 1"]),
    "target among inputs": ('size = "numeric"', 'price = "numeric"', ["inputs.price", "Remove"]),
    "unknown kind": ('"numeric"', '"number"', ["inputs.size", "'number'", "'numeric'?"]),
    "name with dots": ('size = "n', 'si.ze = "n', ["inputs.si", '"si.ze" = "numeric"']),
    "column without a kind": ('"numeric"', '{ true = "yes" }', ["inputs.size", "the key kind"]),
    "unknown kind in a table": (
        '"numeric"',
        '{ kind = "number" }',
        ["inputs.size.kind", "'numeric'?"],
    ),
    "option of another kind": (
        '"numeric"',
        '{ kind = "numeric", unknown_category = "ignore" }',
        ["inputs.size.unknown_category", "one of kind, out_of_range"],
    ),
    "unknown policy": (
        '"numeric"',
        '{ kind = "numeric", out_of_range = "drop" }',
        ["inputs.size.out_of_range"],
    ),
    "one word for both": (
        '"numeric"',
        '{ kind = "boolean", true = "X", false = "x" }',
        ["inputs.size.false", "another"],
    ),
    "no inputs": (
        'size = "numeric"\ncolour = "categorical"\n',
        "",
        ["inputs must be a table of at least one column"],
    ),
    "impossible bound": ("min = 0.5", "min = 1.2", ["gate.r2.min", "-inf to 1", "Got 1.2"]),
    "bound that is no number": ("min = 0.5", 'min = "high"', ["gate.r2.min", "a number"]),
    "bound that is not a number": ("min = 0.5", "min = nan", ["gate.r2.min", "Got nan"]),
    "bound the wrong way round": ("min = 0.5", "max = 0.5", ["gate.r2.max", "one of min"]),
    "bound without a table": (
        "r2 = { min = 0.5 }",
        "r2 = 0.5",
        ["gate.r2 must be a table that", "Got 0.5 instead. Write r2 = { min = 0.5 }."],
    ),
    "upper bound without a table": ("mae = { max = 10 }", "mae = 10", ["mae = { max = 10 }."]),
    "unknown metric": ("r2 = {", "r22 = {", ["gate.r22", "'r2'?"]),
    "metric of the other task": ("r2 = {", "accuracy = {", ["gate.accuracy", "r2, rmse, mae"]),
    "no quantile": ("r2 = { min", "pinball = { max", ["gate.pinball.quantile", "a number"]),
    "quantile": (
        "r2 = { min = 0.5 }",
        "pinball = { quantile = 90, max = 1 }",
        ["gate.pinball.quantile", "0.001 to 0.999"],
    ),
    "same quantile": (
        "r2 = { min = 0.5 }",
        "pinball = [{ quantile = 0.5, max = 1 }, { quantile = 0.50, max = 2 }]",
        ["gate.pinball.quantile", "Merge"],
    ),
    "segments of texts": (
        'colour = "categorical"\n\n[split]',
        'colour = "text"\n\n[gate.segments.colour]\nr2 = { min = 0.1 }\n\n[split]',
        ["gate.segments.colour", "another kind than text", "stand in every report"],
    ),
    "no sha256": ("sha256 = ", "# ", ["data.sha256", "Write sha256 ="]),
    "short sha256": ("3d7aa5d5", "", ["data.sha256", "64 hexadecimal digits"]),
    "source that is absent": ("things.csv", "thing.csv", ["thing.csv", "'things.csv'?"]),
    "source that git ignores": ("things.csv", "x/y.csv", [".gitignore", "git add --force x/y.csv"]),
    "source outside": ("things.csv", "../things.csv", ["data.source", "inside the model's folder"]),
    "source without encryption": ("things.csv", "http://x/y.csv", ["https://", "Use https"]),
    "unknown table": ("things.csv", "sklearn:irises", ["sklearn:", "'iris'?"]),
    "test size": ("test_size = 0.5", "test_size = 2", ["split.test_size", "0.01 to 0.9"]),
    "seed": ("seed = 7", "seed = -1", ["split.seed", "whole number"]),
    "folds": ("folds = 3", "folds = 21", ["evaluate.folds", "from 0 to 20", "Got 21"]),
    "study": ("folds = 3", "study = -1", ["evaluate.study", "whole number", "study = 2000000"]),
    "serving": ('"ignore"', '"allow"', ["serve.unknown_category", '"reject" or "ignore"']),
    "not TOML": ("[data]", "[data", ["model.toml must be TOML", "line 5"]),
    "table that is none": ("[split]", "split = 3\n[other]", ["key 'other'"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_spec_names_a_mistake_and_its_cure(folder: Path, mistake: str) -> None:
    """One message names the file, the key, what was expected and what was found."""
    right, wrong, words = MISTAKES[mistake]
    assert right in TOML
    (folder / "model.toml").write_text(TOML.replace(right, wrong, 1))
    text = message(folder)
    assert str(folder / "model.toml") in text
    assert "must be" in text
    assert "instead. " in text
    assert [word for word in words if word not in text] == [], text


def test_spec_prints_the_sha256_of_a_file_that_has_none(folder: Path) -> None:
    """The cure for a missing sha256 is the line to write."""
    (folder / "model.toml").write_text(TOML.replace("sha256", "# sha256"))
    printed = message(folder).partition('Write sha256 = "')[2].rstrip('"')
    (folder / "model.toml").write_text(TOML.replace(SHA256, printed))
    assert model_toml.read("things", folder.parent).data.sha256 == printed


@pytest.mark.parametrize("name", ["Things", "1st", "a-b", "a__b", "a_", "", "x" * 41, "../x"])
def test_name_must_suit_a_module_and_an_image(tmp_path: Path, name: str) -> None:
    """What no Python module or image may be called is refused before anything is read."""
    with pytest.raises(ModelError, match="The model's name must be at most 40"):
        model_toml.read(name, tmp_path)


def test_absent_model_is_told_apart_from_its_neighbours(folder: Path) -> None:
    """The error for a misspelt model suggests the right name."""
    with pytest.raises(ModelError, match="Did you mean 'things'"):
        model_toml.read("thing", folder.parent)


def test_model_without_notes_is_refused(folder: Path) -> None:
    """A model without a README.md is refused, since its card is made from it."""
    (folder / "README.md").unlink()
    assert "README.md must be a file" in message(folder)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_threshold_fails_a_metric_that_does_not_exist(value: float | None) -> None:
    """A threshold fails for a metric that is NaN, and the manifest can hold that."""
    check = Threshold("rmse", "max", 0.5).check(value)
    assert (check.value, check.passed) == (None, False)
    assert thresholds.sentence(check) == "rmse none <= 0.5 FAILED"
    assert msgspec.json.decode(bundle.encode(check), type=bundle.Check) == check


@pytest.mark.parametrize(
    ("bound", "passed", "rule"),
    [("min", [False, True, True], "at least 0.5"), ("max", [True, True, False], "at most 0.5")],
)
def test_threshold_includes_its_bound(bound: Bound, passed: list[bool], rule: str) -> None:
    """A metric that equals its bound passes."""
    checks = [Threshold("rmse", bound, 0.5).check(value) for value in (0.4, 0.5, 0.6)]
    assert [check.passed for check in checks] == passed
    assert {check.rule for check in checks} == {rule}
