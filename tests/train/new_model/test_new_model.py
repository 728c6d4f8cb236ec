"""A CSV file becomes a folder that trains, passes its gate, and claims nothing untrue."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sklearn.linear_model import Ridge

from contract import models
from contract.bundle import Dialect
from contract.errors import ModelError
from contract.spec import model_toml
from ship import git
from tests.support.models.folder import RIDGE, Folder, default_toml
from tests.support.models.train_here import train_here
from train.data import csv_table, dataset
from train.data.split import split
from train.export import hard_rows
from train.new_model import __main__, column_types, first_gate, templates
from train.new_model.column_types import Column

PENGUINS = models.DEFAULT / "penguins" / "penguins.csv"
DATES = "it holds dates: derive numbers from them, such as an age"
Rows = Callable[[int], str]


def csv(header: str, row: Rows, rows: int = 60) -> str:
    """Return a table of rows that a function makes from their numbers."""
    return "\n".join([header, *map(row, range(rows))]) + "\n"


def noisy(row: int) -> float:
    """Return a number that tells an odd row from an even one, with noise."""
    return round(row % 2 + random.Random(row).gauss(0, 0.3), 3)  # noqa: S311 - no secret


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for models whose forests and comparisons are small, to be quick."""
    monkeypatch.setattr(hard_rows, "ROWS", 2_000)
    monkeypatch.setattr(templates, "KNOBS", templates.KNOBS.replace("TREES = 100", "TREES = 20"))
    root = tmp_path / "models"
    root.mkdir()
    return root


def create(root: Path, content: str | bytes, target: str = "y") -> model_toml.ModelSpec:
    """Write a CSV file, make a model of it, and return its spec."""
    file = root.parent / "given.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    __main__.create("made", file, target, root)
    return model_toml.read("made", root)


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


EVERY_DAY = ("a byte order mark", "semicolons and decimal commas", "names in other scripts",
             "a rare class", "gaps")  # fmt: skip


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
    """Identifiers, constants, dates and free text are named with the reason, here and there."""
    content = csv(
        "id,customer_id,always,day,note,empty,zip,size,y",
        lambda n: (
            f"{n + 1},{n * 7919 % 997},1,2024-01-{n % 28 + 1:02},text {n},,"
            f"0{n % 3}1,{noisy(n)},{n % 2}"
        ),
    )
    created = create(root, content)
    output, written = capsys.readouterr().out, created.file.read_text()
    assert created.inputs == {"zip": "categorical", "size": "numeric"}
    for reason in (
        "id, because it numbers the rows",
        "customer_id, because it numbers the rows",
        "always, because it is always '1'",
        f"day, because {DATES}",
        "note, because it holds 60 different texts in 60 rows",
        "empty, because it is always ''",
    ):
        assert f"  left out: {reason}" in output
        assert f"# left out: {reason}" in written


@pytest.mark.slow
def test_new_model_takes_a_question_mark_for_a_gap(root: Path) -> None:
    """A word among numbers that is known to mean "no value" goes into data.missing."""
    created = create(root, csv("x,y", lambda n: f"{'?' if n % 9 == 0 else noisy(n)},{n % 2}"))
    assert "?" in created.data.missing
    assert created.inputs == {"x": "numeric"}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2.5", ""], Column("c", "numeric")),
        (["1", "?", "2"], Column("c", "numeric", markers=("?",))),
        (["01", "02", "01"], Column("c", "categorical")),
        (["True", "False", "True"], Column("c", "categorical")),
        (["2", "1", "3"], Column("c", "numeric")),
        (["1", "2", "3"], Column("c", None, "it numbers the rows")),
        (["5", "5", "5"], Column("c", None, "it is always '5'")),
        (["5", "5", ""], Column("c", "numeric")),
        (["1/2/2024", "2/2/2024", "3/2/2024"], Column("c", None, DATES)),
        (["u", "v", "w"], Column("c", None, "it holds 3 different texts in 3 rows")),
    ],
)  # fmt: skip
def test_column_is_judged_by_its_cells(cells: list[str], expected: Column) -> None:
    """Numbers, codes, booleans, identifiers, constants and dates are told apart."""
    table = csv_table.CsvColumns({"c": cells}, 3, Dialect())
    assert column_types.judge(table, "c", range(3)) == expected


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
    assert column_types.guess_task(values, Dialect()) == task


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
        (csv("x,y", lambda n: f"text {n},{n % 2}"), "60 different texts in 60 rows"),
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
        first_gate.measure(spec, Ridge(), *split(spec, dataset.load(spec)))


def test_new_model_overwrites_nothing(root: Path) -> None:
    """An existing model folder is refused and left as it is."""
    content = csv("x,y", lambda n: f"{noisy(n)},{n % 2}")
    create(root, content)
    before = {file: file.read_bytes() for file in (root / "made").iterdir()}
    with pytest.raises(ModelError, match="must be absent"):
        create(root, content)
    assert {file: file.read_bytes() for file in (root / "made").iterdir()} == before


def test_new_model_is_written_in_the_style_of_the_repository(root: Path) -> None:
    """The generated estimator passes the linters that all code here passes."""
    made = create(root, PENGUINS.read_bytes(), "species").folder / "estimator.py"
    config = git.TOOL / "pyproject.toml"
    for words in (["check", "--ignore=INP001,D103"], ["format", "--check"]):
        subprocess.run(
            [Path(sys.executable).with_name("ruff"), *words, "--config", config, made], check=True
        )


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
