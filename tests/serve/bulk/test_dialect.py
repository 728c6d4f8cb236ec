"""The bulk scorer reads what training reads: delimiters, decimals, marks, quotes, gaps, spaces."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from contract import bundle
from contract.bundle import Bundle, Dialect, Input
from contract.errors import ModelError
from serve.bulk.csv import CsvFormat
from serve.errors import RowsRefused
from tests.serve.bulk.test_bulk import as_stdin, score
from tests.support.models.folder import Folder, folder
from tests.train.data.test_csv_table import ROWS, TOML, WRITTEN, write
from train.data import dataset

__all__ = ["folder"]  # a fixture
pytestmark = pytest.mark.slow  # loads models
FIELDS = [
    Input(name="n", kind="numeric", missing=True),
    Input(name="t", kind="categorical", missing=True),
]


def read_in_bulk(read: Bundle, dialect: Dialect, content: bytes) -> tuple[list[Any], list[Any]]:
    """Return the columns n and t as the bulk scorer reads them."""
    data = msgspec.structs.replace(read.manifest.data, csv=dialect)
    manifest = msgspec.structs.replace(read.manifest, inputs=FIELDS, data=data)
    with tempfile.TemporaryFile() as source:
        source.write(content)
        source.seek(0)
        table = CsvFormat(
            as_stdin(source), io.BytesIO(), msgspec.structs.replace(read, manifest=manifest)
        )
        frames = [table.frame(rows) for rows in table.batches() if rows]
    numbers = np.concatenate([frame.numeric[:, 0] for frame in frames])
    return numbers.tolist(), [text for frame in frames for text in frame.categorical[:, 0]]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=ROWS, **WRITTEN)
def test_any_table_is_read_as_in_training(
    folder: Folder, make_bundle: Any, rows: list[tuple[str, ...]], **written: Any
) -> None:
    """Whatever a table's delimiter, line ends, quotes, gaps and spaces, both readers agree."""
    content = write(rows, **written)
    spec = folder.write("n,t,y\n1,u,2\n", TOML)
    (folder.path / "data.csv").write_bytes(content)
    pinned = msgspec.structs.replace(spec.data, sha256=None)
    try:
        data = dataset.load(msgspec.structs.replace(spec, data=pinned))
    except ModelError:
        return
    numbers, texts = read_in_bulk(bundle.read(make_bundle("birds")), data.dialect, content)
    np.testing.assert_array_equal(numbers, data.X["n"].to_numpy())
    assert texts == data.X["t"].tolist()


def german(make_bundle: Any, folder: Path, **changes: Any) -> Path:
    """Return the bundle of birds as if its table had had semicolons and decimal commas."""
    made = bundle.read(make_bundle("birds"))
    dialect = Dialect(delimiter=";", decimal=",", missing=("", "k. A."), **changes)
    made.manifest.data.csv = dialect
    files = {name: (made.path / name).read_bytes() for name in made.manifest.files}
    bundle.write(folder / "german", made.manifest, files)
    return folder / "german"


def test_answers_are_written_as_the_rows_are(make_bundle: Any, tmp_path: Path) -> None:
    """Rows with semicolons and decimal commas get answers with both, and keep what they held."""
    table = '\ufeffisland;bill;sex;mass;note\r\n Dream ; 40,5 ;k. A.;4000;"a;\r\nb"\r\n'
    table += "\r\nBiscoe;;male;3000,0;\r\n"
    scored = score(german(make_bundle, tmp_path), table.encode())
    rows = list(csv.DictReader(io.StringIO(scored, newline=""), delimiter=";"))
    assert [row["note"] for row in rows] == ["a;\r\nb", ""]
    assert [row["bill"] for row in rows] == [" 40,5 ", ""]
    plain = "island,bill,sex,mass\nDream,40.5,,4000\nBiscoe,,male,3000\n"
    expected = list(csv.DictReader(io.StringIO(score(make_bundle("birds"), plain.encode()))))
    for row, other in zip(rows, expected, strict=True):
        assert "." not in row["probability"]
        for name in ("prediction", "probability", "probability_0", "probability_1"):
            assert row[name].replace(",", ".") == other[name]


def test_marker_that_is_a_number_is_no_number(make_bundle: Any, tmp_path: Path) -> None:
    """Where -999 means "no value", the fast path does not take it for a number."""
    made = bundle.read(make_bundle("flowers"))
    made.manifest.data.csv = Dialect(missing=("", "-999"))
    files = {name: (made.path / name).read_bytes() for name in made.manifest.files}
    bundle.write(tmp_path / "marked", made.manifest, files)
    table = b"sepal_length,sepal_width,petal_length,petal_width\n-999,1,2,3\n"
    with pytest.raises(RowsRefused, match=r"sepal_length must be a number .* Got null"):
        score(tmp_path / "marked", table)
