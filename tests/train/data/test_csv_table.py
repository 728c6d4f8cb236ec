"""What Arrow reads fast is what the definition reads row by row."""

from __future__ import annotations

import csv
import io
import math
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.errors import ModelError
from tests.support.models.csv_cells import cells, opened
from tests.support.models.folder import Folder
from train.data import dataset

TOML = """\
description = "A test"
task = "regression"
target = "y"
[data]
source = "data.csv"
sha256 = "SHA256"
[inputs]
n = "numeric"
t = "categorical"
[gate]
mae = { max = 9 }
"""
NUMBERS = st.one_of(
    st.floats(-1e38, 1e38).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(
        ["1,5", "-0,25", "1.", ".5", "+1", "1e3", " 7 ", "\t8", "1e-400", "٣", "\x1f4", "\xa05"]
    ),
)
WRONG = st.sampled_from(["1_000", "inf", "-nan", "1e400", "0x10", "1,2,3", "one", "1 2", "NaNa"])
GAPS = st.sampled_from(["", "NA", " NA", "nan", "null ", "N/A"])
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(['5" pipe', 'a"b"', " x ", "a\nb", "a\r\nb", "q,r", ";", "|", "\ufeff", '""']),
)
ROWS = st.lists(st.tuples(st.one_of(NUMBERS, GAPS), st.one_of(TEXTS, GAPS), NUMBERS), min_size=1)
WRITTEN = {
    "delimiter": st.sampled_from([",", ";", "\t", "|"]),
    "line_end": st.sampled_from(["\n", "\r\n", "\r"]),
    "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    "mark": st.sampled_from(["", "\ufeff"]),
}


def write(
    rows: list[tuple[str, ...]], delimiter: str, line_end: str, quoting: int, mark: str
) -> bytes:
    """Write a table with the columns n, t and y."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([("n", "t", "y"), *rows])
    return (mark + text.getvalue()).encode()


def by_definition(content: bytes) -> tuple[list[float], list[str], list[float]]:
    """Return the columns as `contract.bundle.dialect` says; None where a cell is no number."""
    table = opened(content)
    columns, dialect = cells(table), table.dialect
    kept = [row for row, cell in enumerate(columns["y"]) if cell not in dialect.missing]

    def numbers(name: str) -> list[float]:
        texts = [columns[name][row] for row in kept]
        typed = [math.nan if text in dialect.missing else dialect.number(text) for text in texts]
        if None in typed:
            raise ModelError(name, "a number", texts[typed.index(None)], "")
        return [value for value in typed if value is not None]

    texts = [columns["t"][row] for row in kept]
    texts = ["" if text in dialect.missing else text for text in texts]
    return numbers("n"), texts, numbers("y")


@pytest.mark.nightly
@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=ROWS, **WRITTEN)
@example(rows=[("1,5", "a", "2")] * 3, delimiter=";", line_end="\n", quoting=0, mark="")
def test_arrow_reads_what_the_definition_reads(
    folder: Folder, rows: list[tuple[str, ...]], **written: object
) -> None:
    """Any table that a program writes is read equally, with every delimiter, line end and quote."""
    content = write(rows, **written)  # type: ignore[arg-type]
    spec = folder.write("n,t,y\n1,u,2\n", TOML)
    (folder.path / "data.csv").write_bytes(content)
    pinned = replace(spec, data=replace(spec.data, sha256=sha256(content).hexdigest()))
    try:
        expected = by_definition(content)
    except ModelError:
        with pytest.raises(ModelError):
            dataset.load(pinned)
        return
    data = dataset.load(pinned)
    np.testing.assert_array_equal(data.X["n"].to_numpy(), expected[0])
    assert data.X["t"].tolist() == expected[1]
    assert data.y.tolist() == expected[2]
