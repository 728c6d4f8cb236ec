"""From bytes to typed rows: what files people have, and what is wrong with them."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contract.bundle import Input
from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec
from tests.support.models.csv_cells import cells, opened
from tests.support.models.folder import Folder, default_toml, two_classes
from train.data import dataset, download
from train.data.split import split

MIXED = """\
description = "A test"
task = "TASK"
target = "y"
[data]
source = "data.csv"
sha256 = "SHA256"
[inputs]
n = "numeric"
t = "categorical"
[evaluate]
folds = 2
[gate]
GATE
"""
CLASSES = MIXED.replace("TASK", "classification").replace("GATE", "accuracy = { min = 0 }")
NUMBERS = MIXED.replace("TASK", "regression").replace("GATE", "mae = { max = 9 }")


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"a,b\n1,x\n", {"a": ["1"], "b": ["x"]}),
        (b"\xef\xbb\xbfa,b\n1,x\n", {"a": ["1"], "b": ["x"]}),
        (b"a;b\r\n1;x\r\n", {"a": ["1"], "b": ["x"]}),
        (b"a\tb\n1\tx", {"a": ["1"], "b": ["x"]}),
        (b"\na,b\n\n 1 ,x\n\n", {"a": ["1"], "b": ["x"]}),
        (b'"a\nb",c\n"1\n2","x ""y"", z"\n', {"a\nb": ["1\n2"], "c": ['x "y", z']}),
        (b",a\n0,x\n", {"unnamed_1": ["0"], "a": ["x"]}),
        ("größe,☃\nä,é\n".encode(), {"größe": ["ä"], "☃": ["é"]}),
    ],
)
def test_table_reads_what_programs_write(content: bytes, columns: dict[str, list[str]]) -> None:
    """Byte order marks, delimiters, line ends, quotes and row numbers are no obstacle."""
    assert cells(opened(content)) == columns


def batches(content: bytes) -> list[pa.RecordBatch]:
    """Return the rows of a table as training reads them."""
    table = opened(content)
    return list(table.batches(table.names))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Got an empty file"),
        (b"\n\n", "Got an empty file"),
        (b"a,b\n", "Got a header only"),
        (b"a,a\n1,2\n", "'a' 2 times"),
        (b"a,b\n1,2\n3\n", "row 2 must be 2 cells long"),
        ("größe\n1\n".encode("latin-1"), "WINDOWS-1252"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_table_names_what_is_wrong(content: bytes, words: str) -> None:
    """A file that is no table is refused with its name and the mistake."""
    with pytest.raises(ModelError, match=words) as caught:
        batches(content)
    assert str(caught.value).startswith("x.csv")


def test_dataset_maps_gaps_and_drops_rows_without_a_target(folder: Folder) -> None:
    """A missing number is NaN, a missing text is "", and a row without a target is no row."""
    spec = folder.write("n,t,y\n1,u,2\nNA,,3\n3,v,\n4,NA,5\n", NUMBERS)
    data = dataset.load(spec)
    np.testing.assert_equal(data.X["n"].to_numpy(), [1.0, np.nan, 4.0])
    assert data.X["t"].tolist() == ["u", "", ""]
    assert data.X.dtypes.astype(str).tolist() == ["float64", "object"]
    assert data.y.tolist() == [2.0, 3.0, 5.0]
    assert (data.ids.tolist(), data.dropped) == ([0, 1, 3], 1)


def test_dataset_takes_other_words_for_missing(folder: Folder) -> None:
    """The key data.missing replaces the words for "no value"; an empty cell always is one."""
    toml = NUMBERS.replace("[inputs]", 'missing = ["?"]\n[inputs]')
    data = dataset.load(folder.write("n,t,y\n?,NA,2\n1,,3\n", toml))
    np.testing.assert_equal(data.X["n"].to_numpy(), [np.nan, 1.0])
    assert data.X["t"].tolist() == ["NA", ""]


def test_dataset_reads_decimal_commas_between_semicolons(folder: Folder) -> None:
    """Where a semicolon parts the cells, 1,5 is a number."""
    data = dataset.load(folder.write("n;t;y\n1,5;u;2\n-2;v;3,25\n", NUMBERS))
    assert data.X["n"].tolist() == [1.5, -2.0]
    assert data.y.tolist() == [2.0, 3.25]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["1", "0", "1"], [1, 0, 1]),
        (["1.0", "-2.0", "1.0"], [1, -2, 1]),
        (["007", "1", "2"], ["007", "1", "2"]),
        (["True", "False", "True"], ["True", "False", "True"]),
        (["1.5", "2", "2"], ["1.5", "2", "2"]),
    ],
)
def test_class_labels_stay_what_they_are(labels: list[str], expected: list[Any]) -> None:
    """Whole numbers are integers; whatever else a label may be, it is a text."""
    assert dataset.class_labels(labels).tolist() == expected


@pytest.mark.parametrize(
    ("csv", "words"),
    [
        ("n,t,z\n1,u,2\n", "target must be a column of data.csv. Got 'y'"),
        ("m,t,y\n1,u,2\n", "inputs.n must be a column of data.csv. Got 'n'"),
        ("n,t,y\n1,u,2\none,v,3\n", "column 'n', row 2 must be a number. Got 'one'"),
        ("n,t,y\ninf,u,2\n", "column 'n', row 1 must be a number. Got 'inf'"),
        ("n,t,y\n1,u,two\n", "column 'y', row 1 must be a number. Got 'two'"),
    ],
)
def test_dataset_names_the_cell_that_is_wrong(folder: Folder, csv: str, words: str) -> None:
    """The message leads to the column, and to the row where there is one."""
    spec = folder.write(csv, NUMBERS)
    with pytest.raises(ModelError) as caught:
        dataset.load(spec)
    assert words in str(caught.value)


def test_schema_describes_the_training_rows(folder: Folder) -> None:
    """Ranges, categories and gaps are those of the rows given."""
    data = dataset.load(folder.write("n,t,y\n3,u,1\n,v,1\n-1,,0\n2,u,0\n", CLASSES))
    assert dataset.schema(folder.write("n,t,y\n3,u,1\n", CLASSES), data.X) == [
        Input(name="n", kind="numeric", missing=True, minimum=-1.0, maximum=3.0),
        Input(name="t", kind="categorical", missing=True, categories=["u", "v"]),
    ]


def test_data_that_changed_is_refused_with_its_sha256(folder: Folder) -> None:
    """The message holds the line that accepts the new data."""
    spec = folder.write(two_classes())
    (folder.path / "data.csv").write_text("x,y\n1,2\n")
    sha256 = hashlib.sha256(b"x,y\n1,2\n").hexdigest()
    with pytest.raises(ModelError, match=f'write sha256 = "{sha256}"'):
        sha256_of(spec)


def sha256_of(spec: ModelSpec) -> str:
    """Return the sha256 of a model's data."""
    with download.fetch(spec) as fetched:
        return fetched.sha256


def remote(folder: Folder) -> Any:
    """Return a model whose data is fetched from an address."""
    csv = two_classes()
    toml = default_toml(csv).replace("data.csv", "https://data.example/table.csv")
    return folder.write(csv, toml)


def test_data_of_a_url_is_checked_as_well(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A downloaded file must have the recorded sha256."""
    spec = remote(folder)
    answers = iter([two_classes().encode(), b"something else"])
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(next(answers)))
    assert sha256_of(spec) == spec.data.sha256
    with pytest.raises(ModelError, match=r"must be the sha256 of https://data\.example/table\.csv"):
        sha256_of(spec)


def test_data_that_cannot_be_fetched_is_an_error_of_the_source(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a network the message names the address and the way out."""

    def refuse(*_: Any, **__: Any) -> None:
        raise urllib.error.URLError("no route")

    spec = remote(folder)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(ModelError, match=r"data\.source must be reachable .* no route"):
        sha256_of(spec)


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits", "iris", "wine"])
def test_scikit_learn_tables_are_plain_csv(name: str, tmp_path: Path) -> None:
    """Their columns have names that can be typed, and the last is the target."""
    columns = opened(download.sklearn_table(name, tmp_path / "csv").read_bytes()).names
    assert columns[-1] == "target"
    assert [column for column in columns if not column.isidentifier()] == []


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("a" * 20, "two classes or more. Got only 'a'"),
        ("ab" * 10 + "c", "class 'c' of 'y' must be in two rows or more"),
        ("a" * 20 + "bb", "class 'b' of 'y' must be in 2 training rows"),
        ("ab", "class 'a' of 'y' must be in two rows"),
    ],
)
def test_split_needs_every_class_in_every_part(folder: Folder, classes: str, words: str) -> None:
    """A class with too few rows for every part is refused before anything is fitted."""
    csv = "x,y\n" + "".join(f"{row},{label}\n" for row, label in enumerate(classes))
    spec = folder.write(csv)
    with pytest.raises(ModelError) as caught:
        split(spec, dataset.load(spec))
    assert words in str(caught.value)


def test_random_split_is_stratified_and_repeats(folder: Folder) -> None:
    """Both parts have the classes in equal shares, and the same rows every time."""
    spec = folder.write(two_classes(40))
    train, holdout = split(spec, dataset.load(spec))
    assert sorted([*train.ids, *holdout.ids]) == list(range(40))
    assert (list(holdout.y).count("no"), len(holdout.y)) == (5, 10)
    assert split(spec, dataset.load(spec))[1].ids.tolist() == holdout.ids.tolist()
