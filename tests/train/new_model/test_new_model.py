"""A CSV file becomes a folder that trains, passes its gate, and claims nothing untrue."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from contract import models
from contract.bundle import Dialect
from contract.errors import ModelError
from contract.spec import model_toml
from ship import git
from tests.support.models.folder import RIDGE, Folder, default_toml
from tests.support.models.train_here import train_here
from train import log
from train.data import dataset
from train.data.split import split
from train.environment import FIXED
from train.export import hard_rows
from train.log import Log
from train.new_model import column_types, estimator_template, first_gate
from train.new_model import create as creation
from train.new_model.column_types import Cells, Column

PENGUINS = models.DEFAULT / "penguins" / "penguins.csv"
NOT_ISO = "its dates are not in ISO 8601: write them as 2024-12-31"
CODES = "it holds another code in every row, as identifiers do"
Rows = Callable[[int], str]


def csv(header: str, row: Rows, rows: int = 60) -> str:
    """Return a table of rows that a function makes from their numbers."""
    return "\n".join([header, *map(row, range(rows))]) + "\n"


def noisy(row: int) -> float:
    """Return a number that tells an odd row from an even one, with noise."""
    return round(row % 2 + random.Random(row).gauss(0, 0.3), 3)  # noqa: S311 - no secret


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for models whose estimators and comparisons are small, to be quick."""
    monkeypatch.setattr(hard_rows, "ROWS", 2_000)
    monkeypatch.setattr(estimator_template, "TREES", 20)
    root = tmp_path / "models"
    root.mkdir()
    return root


def create(
    root: Path, content: str | bytes, target: str = "y", file: str = "given.csv"
) -> model_toml.ModelSpec:
    """Write a table, make a model of it, and return its spec."""
    table = root.parent / file
    table.write_bytes(content.encode() if isinstance(content, str) else content)
    creation.create("made", table, target, root)
    return model_toml.read("made", root)


@pytest.mark.daily(1)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "task"),
    [("species", "classification"), ("body_mass_g", "regression"), ("sex", "classification")],
)
def test_new_model_trains_and_passes_at_once(
    root: Path, target: str, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever column of a real table is the target, the folder works as it is."""
    created = create(root, PENGUINS.read_bytes(), target)
    manifest = train_here(created, root.parent / "out")
    assert created.task == manifest.task == task
    assert manifest.gate.passed
    assert manifest.runtime == "onnx"
    assert manifest.data.sha256 == hashlib.sha256(PENGUINS.read_bytes()).hexdigest()
    assert f"Wrote {root / 'made'}: {task} of {target!r}" in capsys.readouterr().out


FILES: dict[str, str | bytes] = {
    "a byte order mark": "\ufeff" + csv("x,y", lambda n: f"{noisy(n)},{n % 2}"),
    "semicolons and decimal commas": csv("x;y", lambda n: f"{noisy(n)};{n % 2}".replace(".", ",")),
    "quoted newlines": csv('x,"a\nb",y', lambda n: f'{noisy(n)},"u\n{n % 3}",{n % 2}'),
    "names in other scripts": csv(
        "größe,日本,y", lambda n: f"{noisy(n)},{'éß☃'[n % 3]},{'λμ'[n % 2]}"
    ),
    "awkward names": csv(
        '"a b","c.d","e""f",y', lambda n: f"{noisy(n)},{noisy(n * 7)},{n % 5},{n % 2}"
    ),
    "booleans": csv("b,x,y", lambda n: f"{n % 3 == 0},{noisy(n)},{n % 2 == 0}"),
    "a rare class": csv("x,y", lambda n: f"{noisy(n)},{'rare' if n < 4 else n % 2}"),
    "eight rows": csv("x,y", lambda n: f"{noisy(n)},{n % 2}", rows=8),
    "thirty classes": csv("x,y", lambda n: f"{n % 30 + noisy(n) / 9},k{n % 30}", rows=600),
    "nothing to learn": csv("x,y", lambda n: f"{noisy(n * 7 + 3)},{'ab'[n // 7 % 2]}"),
    "a noisy number": csv("x,y", lambda n: f"{noisy(n)},{noisy(n * 5) * 1.5}"),
    "gaps": csv(
        "x,c,y", lambda n: f"{'' if n % 9 == 0 else noisy(n)},{['u', 'NA'][n % 2]},{n % 2}"
    ),
}


EVERY_DAY = ("semicolons and decimal commas", "gaps")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        kind if kind in EVERY_DAY else pytest.param(kind, marks=pytest.mark.nightly)
        for kind in FILES
    ],
)
def test_new_model_copes_with_the_files_people_have(root: Path, kind: str) -> None:
    """Models of odd files train and pass their gate."""
    created = create(root, FILES[kind])
    assert train_here(created, root.parent / "out").gate.passed


@pytest.mark.slow
def test_new_model_leaves_out_what_can_tell_nothing_and_says_so(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Identifiers, constants and empty columns are named with the reason, here and there."""
    content = csv(
        "id,customer_id,uuid,always,day,empty,zip,size,y",
        lambda n: (
            f"{n + 1},{n * 7919 % 997},u{n * 7919 % 997},1,{n % 28 + 1:02}.01.2024,,"
            f"0{n % 3}1,{noisy(n)},{n % 2}"
        ),
    )
    created = create(root, content)
    output, written = capsys.readouterr().out, created.file.read_text()
    assert created.inputs == {"zip": "categorical", "size": "numeric"}
    for reason in (
        "id, because it numbers the rows",
        "customer_id, because it numbers the rows",
        f"uuid, because {CODES}",
        "always, because it is always '1'",
        f"day, because {NOT_ISO}",
        "empty, because it is empty",
    ):
        assert f"  left out: {reason}" in output
        assert f"# left out: {reason}" in written


def visits(rows: int) -> str:
    """Return a table with a column of every kind, each of which tells something of the target."""
    notes = ["does not start any more", "broken and smoking too", "works again thanks a lot"]

    def row(n: int) -> str:
        note = f"{notes[n % 3]} {n}" if n % 11 else ""
        day = f"2024-{n // 28 % 12 + 1:02}-{n % 28 + 1:02}T{n % 24:02}:30Z" if n % 13 else ""
        return (
            f"{day},{('Ja', 'nein')[n % 5 < 2]},{note},w{n % 4},c{n * 7 % 230},{noisy(n)},"
            f"{('urgent', 'later')[n % 3 == 2]}"
        )

    return csv("day,known,note,ward,customer,size,y", row, rows)


@pytest.mark.nightly
@pytest.mark.slow
def test_new_model_keeps_columns_of_every_kind(root: Path) -> None:
    """Dates, booleans with their words, texts and wide categories are inputs, and the gate passes.

    No step of the draft warns of anything when it is trained.
    """
    created = create(root, visits(900))
    assert created.inputs == {
        "day": "date",
        "known": "boolean",
        "note": "text",
        "ward": "categorical",
        "customer": "categorical",
        "size": "numeric",
    }
    assert (created.options_of("known").true, created.options_of("known").false) == ("ja", "nein")
    assert created.options_of("customer").unknown_category == "ignore"
    manifest = train_here(created, root.parent / "out")
    assert manifest.gate.passed
    assert manifest.metrics.holdout["balanced_accuracy"] > 0.9
    assert manifest.runtime == "joblib"


@pytest.mark.nightly
@pytest.mark.slow
def test_new_model_of_a_wide_category_is_a_graph(root: Path) -> None:
    """Native and wide categories are held by ONNX, and a number beside them."""
    created = create(
        root,
        csv("c,d,x,y", lambda n: f"c{n * 7 % 230},{'uvw'[n % 3]},{noisy(n)},{noisy(n) * 3}", 900),
    )
    manifest = train_here(created, root.parent / "out")
    assert manifest.runtime == "onnx", manifest.runtime_reason


@pytest.mark.daily(1)
@pytest.mark.slow
@pytest.mark.parametrize("file", ["Given.CSV.gz", "given.parquet", "given.feather", "given.dat"])
def test_new_model_takes_whatever_training_reads(root: Path, file: str) -> None:
    """A table in any format is copied as it is, and its typed columns keep their kinds."""
    frame = pd.read_csv(io.StringIO(visits(120)), parse_dates=["day"])
    frame["known"] = frame["known"] == "Ja"
    frame["vector"] = [[1.0, 2.0]] * len(frame)
    buffer = io.BytesIO()
    match file.rpartition(".")[2]:
        case "parquet":
            frame.to_parquet(buffer)
        case "feather":
            frame.to_feather(buffer)
        case "gz":
            buffer.write(gzip.compress(visits(120).encode(), mtime=0))
        case _:
            buffer.write(visits(120).encode())
    created = create(root, buffer.getvalue(), file=file)
    suffix = file.lower().removeprefix("given").replace(".dat", ".csv")
    assert (created.data.source, created.inputs["day"]) == (f"made{suffix}", "date")
    assert created.inputs["known"] == "boolean"
    left_out = "vector, because each of its cells is a list<"
    assert (left_out in created.file.read_text()) == (suffix in (".parquet", ".feather"))


@pytest.mark.slow
def test_new_model_takes_a_question_mark_for_a_gap(root: Path) -> None:
    """A word among numbers that is known to mean "no value" goes into data.missing."""
    created = create(root, csv("x,y", lambda n: f"{'?' if n % 9 == 0 else noisy(n)},{n % 2}"))
    assert "?" in created.data.missing
    assert created.inputs == {"x": "numeric"}


PROSE = [f"some words that somebody wrote {number}" for number in range(250)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2.5", ""], Column("c", "numeric")),
        (["1", "?", "2"], Column("c", "numeric", markers=("?",))),
        (["01", "02", "01"], Column("c", "categorical")),
        (["2", "1", "3"], Column("c", "numeric")),
        (["1", "2", "3"], Column("c", None, "it numbers the rows")),
        (["1", "-inf", "3"], Column("c", None, "it holds infinite numbers, which no model takes")),
        (["5", "5", "5"], Column("c", None, "it is always '5'")),
        (["", "", ""], Column("c", None, "it is empty")),
        (["5", "5", ""], Column("c", "numeric")),
        (["0", "1", "0"], Column("c", "numeric")),
        (["True", "False", "True"], Column("c", "boolean")),
        (["yes", "NO", ""], Column("c", "boolean", true="yes", false="no")),
        (["yes", "no", "unknown"] * 3, Column("c", "categorical")),
        (["2024-01-31", "2024-02-29", "-"], Column("c", "date", markers=("-",))),
        (["2024-01-31T10:30:00+01:00", "2024-02-29 18:30", ""], Column("c", "date")),
        (["2023-02-29", "2024-02-29", ""], Column("c", None, NOT_ISO)),
        (["1/2/2024", "2/2/2024", "3/2/2024"], Column("c", None, NOT_ISO)),
        (["u", "v", "w"], Column("c", None, CODES)),
        (["a b", "c d", "e"], Column("c", "text")),
        (["a", "b", "c", "c"], Column("c", "text")),
        (PROSE * 3, Column("c", "text")),
        ([f"c{n % 250}" for n in range(750)], Column("c", "categorical", is_wide=True)),
        ([f"c{n % 200}" for n in range(750)], Column("c", "categorical")),
    ],
    ids=lambda value: value.reason or str(value.kind) if isinstance(value, Column) else "",
)
def test_column_is_judged_by_its_cells(cells: list[str], expected: Column) -> None:
    """Numbers, codes, booleans, dates, texts, categories and what is useless are told apart."""
    assert column_types.judge("c", counted(cells), Dialect()) == expected


def counted(cells: list[str]) -> Cells:
    """Return the cells of a column as they are profiled."""
    filled = [cell for cell in cells if cell]
    return Cells(list(dict.fromkeys(filled)), len(filled), len(cells))


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 10, "classification"),
        (["0", "1"] * 10, "classification"),
        (["0.0", "1.0"] * 10, "classification"),
        ([str(n) for n in range(20)], "regression"),
        (["0.5", "1.5"] * 10, "regression"),
    ],
)
def test_task_is_guessed_from_the_target(values: list[str], task: str) -> None:
    """Texts and few whole numbers are classes; other numbers are quantities."""
    assert column_types.guess_task(counted(values), Dialect()) == task


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "Got an empty file"),
        ("x,y\n", "Got a header only"),
        ("x,x,y\n1,2,a\n", "'x' 2 times"),
        ("x,z\n1,2\n", "TARGET must be a column of"),
        ("x,y\n1,\n2,\n", "column 'y' must be filled in"),
        (csv("x,y", lambda n: f"{noisy(n)},a"), "two classes or more"),
        (csv("x,y", lambda n: f"{noisy(n)},{'c' if n == 3 else 'ab'[n % 2]}"), "class 'c' of 'y'"),
        (csv("x,y", lambda n: f"text{n},{n % 2}"), f"'x': {CODES}"),
        ("y\n1\n2\n", "Got no other"),
        ("x,y\n1.5,a\n2.5,b\n1,a\n2,b\n", "in 2 training rows"),
    ],
)
def test_new_model_refuses_what_no_model_can_come_of(root: Path, content: str, words: str) -> None:
    """The message says what is wrong, and no half a folder is left."""
    with pytest.raises(ModelError) as caught:
        create(root, content)
    assert words in str(caught.value)
    assert list(root.iterdir()) == []


def test_first_gate_of_a_target_that_hardly_varies_is_refused(folder: Folder) -> None:
    """A target that is constant in a fold is refused, as r2 does not exist there."""
    csv = "x,y\n" + "".join(f"{row},{5 + (row == 0)}\n" for row in range(40))
    toml = default_toml(csv).replace("classification", "regression").replace("accuracy", "r2")
    spec = folder.write(csv, toml, RIDGE)
    with pytest.raises(ModelError, match="must be of several values in every fold"):
        first_gate.measure(spec, Ridge(), *split(spec, dataset.load(spec)), Log("x"))


def test_new_model_overwrites_nothing(root: Path) -> None:
    """An existing model folder is refused and left as it is."""
    content = csv("x,y", lambda n: f"{noisy(n)},{n % 2}")
    create(root, content)
    before = {file: file.read_bytes() for file in (root / "made").iterdir()}
    with pytest.raises(ModelError, match="must be absent"):
        create(root, content)
    assert {file: file.read_bytes() for file in (root / "made").iterdir()} == before


@pytest.mark.daily(1)
@pytest.mark.slow
@pytest.mark.parametrize("content", [visits(120), csv("x,y", lambda n: f"{noisy(n)},{noisy(n)}"),
                                     csv("'a \"b\"',x,y", lambda n: f"u v {n},{noisy(n)},{n % 2}")],
                         ids=["every kind", "numbers", "quotes"])  # fmt: skip
def test_new_model_is_written_in_the_style_of_the_repository(root: Path, content: str) -> None:
    """The generated estimator passes the linters that all code here passes."""
    made = create(root, content).folder / "estimator.py"
    config = git.TOOL / "pyproject.toml"
    for words in (["check", "--ignore=INP001,D103"], ["format", "--check"]):
        subprocess.run(
            [Path(sys.executable).with_name("ruff"), *words, "--config", config, made], check=True
        )


FIT = """
import sys
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
table = pd.read_csv(sys.argv[1])
HistGradientBoostingClassifier().fit(table.drop(columns="y"), table["y"])
"""


def cost(root: Path, *command: object) -> float:
    """Return the seconds of processor time that a command of Python takes, on one thread."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *map(str, command)], cwd=git.TOOL, capture_output=True, check=True,
        env={**os.environ, **FIXED, "MODELS": str(root)},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.nightly
@pytest.mark.slow
def test_new_model_of_200_columns_costs_few_fits(root: Path) -> None:
    """Drafting costs less than four fits of scikit-learn's default, which take a few seconds."""
    numbers = np.random.default_rng(0).normal(size=(2_000, 200)).round(4)
    table = pd.DataFrame(numbers, columns=[f"x{place}" for place in range(200)])
    table["y"] = np.where(numbers[:, :5].sum(axis=1) > 0, "a", "b")
    table.to_csv(root.parent / "wide.csv", index=False)
    fit = cost(root, "-c", FIT, root.parent / "wide.csv")
    draft = cost(root, "-m", "train.new_model", "wide", root.parent / "wide.csv", "y")
    assert draft < 4 * fit


def test_long_step_says_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step that takes longer than SILENT prints lines until it ends, and none after."""
    monkeypatch.setattr(log, "SILENT", 0.01)
    with Log("made").during("fit"):
        time.sleep(0.1)
    printed = capsys.readouterr().out
    time.sleep(0.05)
    assert re.match(r"(made  fit        goes on after 0 s\n){2}", printed)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("has_schema", [True, False])
def test_new_model_names_its_schema_to_editors(root: Path, *, has_schema: bool) -> None:
    """The first line of model.toml leads to the schema beside the models, where there is one."""
    schema = root.parent / "model.schema.json"
    if has_schema:
        schema.write_text("{}")
    spec = create(root, csv("x,y", lambda row: f"{noisy(row)},{'ab'[row % 2]}"))
    first = spec.file.read_text().partition("\n")[0]
    assert (first == "#:schema ../../model.schema.json") == has_schema
    assert not has_schema or (root / "made" / first.partition(" ")[2]).resolve() == schema


def test_new_model_names_the_next_command(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that can be run as it stands, although the models lie elsewhere than in the tool."""
    create(root, csv("x,y", lambda row: f"{noisy(row)},{'ab'[row % 2]}"))
    assert capsys.readouterr().out.endswith(f"make pipeline MODEL=made MODELS={root}\n")


@pytest.mark.nightly
def test_new_model_needs_the_folder_of_the_models(root: Path) -> None:
    """A wrong MODELS is refused, and no folder is made."""
    process = subprocess.run(
        [sys.executable, "-m", "train.new_model", "made", PENGUINS, "sex"],
        cwd=git.TOOL, env={**os.environ, "MODELS": str(root / "absent")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == ModelError.exit_code
    assert process.stderr.startswith(f"error: MODELS must be a folder. Got {root}/absent instead.")
    assert not list(root.iterdir())


@pytest.mark.slow
def test_new_model_speaks_plainly_on_the_command_line(root: Path) -> None:
    """A mistake is one line on stderr and an exit code."""
    process = subprocess.run(
        [sys.executable, "-m", "train.new_model", "Bad-Name", PENGUINS, "sex", "--models", root],
        cwd=git.TOOL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == ModelError.exit_code
    assert process.stderr.startswith(
        "error: The model's name must be at most 40 lower-case letters"
    )
    assert "Try 'bad_name'" in process.stderr
    assert process.stderr.count("\n") == 1
