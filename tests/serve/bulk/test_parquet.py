"""`predict` takes Parquet, where pyarrow is installed."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from contract import bundle as bundles
from contract.bundle import Bundle
from serve.bulk.row_format import answer_names
from serve.bulk.score import run
from serve.errors import RowsRefused, WrongLibrary
from serve.settings import Settings
from tests.support.servers.server import ROOT, command, environment

pytestmark = pytest.mark.slow  # starts servers

BIRDS = {"island": ["Dream", "Biscoe", "Dream"], "bill": [40.5, None, 39.0], "mass": [1, 2, 3]}


@pytest.fixture
def birds(make_bundle: Callable[[str], Path]) -> Bundle:
    """The bundle of birds, whose inputs are of both kinds."""
    return bundles.read(make_bundle("birds"))


def written(columns: dict[str, Any]) -> bytes:
    """Return a Parquet file."""
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()


def score(bundle: Bundle, content: bytes, *, skip: bool = False, form: str | None = None) -> Any:
    """Run the bulk scorer in this process; return the table it writes."""
    target = io.BytesIO()
    source: Any = io.BufferedReader(io.BytesIO(content))
    run(Settings(bundle=str(bundle.path)), form, source, target, skip=skip)
    return parquet.read_table(io.BytesIO(target.getvalue()))


def test_rows_come_out_with_answers(any_bundle: Bundle) -> None:
    """Every row comes out in its place with all its columns, and the recorded answer."""
    rows = [row.features | {"id": index} for index, row in enumerate(any_bundle.examples)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    scored = score(any_bundle, written(columns)).to_pylist()
    assert rows == [{name: row[name] for name in columns} for row in scored]
    targets, names = any_bundle.manifest.targets, answer_names(any_bundle, [])
    for example, row in zip(any_bundle.examples, scored, strict=True):
        if len(targets) > 1:
            prediction = {name: row[f"prediction_{name}"] for name in targets}
            assert example.is_answered_by(prediction, [row[n] for n in names[len(targets) :]]), row
            continue
        label, *numbers = names
        if any_bundle.has_probabilities:
            assert row[numbers[0]] == row[f"probability_{row[label]}"]
            numbers = numbers[1:]
        assert example.is_answered_by(row[label], [row[name] for name in numbers]), row


@pytest.mark.nightly
def test_pipe_and_file_are_read_alike(birds: Bundle, tmp_path: Path) -> None:
    """Standard input may be a file or a pipe, and is known by its content."""
    (tmp_path / "rows").write_bytes(written(BIRDS))
    with (tmp_path / "rows").open("rb") as file:
        from_file = subprocess.run(
            [sys.executable, "-m", "serve", "predict"],
            cwd=ROOT, env=environment({"BUNDLE": birds.path}), stdin=file,
            capture_output=True, check=True,
        ).stdout  # fmt: skip
    piped = command("predict", stdin=written(BIRDS), BUNDLE=birds.path)
    assert (piped.returncode, piped.stderr) == (0, b"")
    tables = [parquet.read_table(io.BytesIO(content)) for content in (from_file, piped.stdout)]
    assert tables[0] == tables[1] == score(birds, written(BIRDS))


def test_columns_of_other_types_are_read(birds: Bundle) -> None:
    """Integers, decimals and dictionary-encoded categories are read by their value."""
    plain = score(birds, written(BIRDS))
    mass = pa.array(BIRDS["mass"]).cast(pa.decimal128(21, 2))
    island = pa.array(BIRDS["island"]).dictionary_encode()
    assert (
        score(birds, written(BIRDS | {"mass": mass, "island": island}))["probability"]
        == (plain["probability"])
    )


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"mass": [1, None, 3]}, "Row 2: mass must be a number (within ±3.4e38). Got null"),
        ({"mass": [1, 2, float("nan")]}, "Row 3: mass must be a number (within ±3.4e38). Got NaN"),
        ({"island": ["Dream", "Mars", ""]}, 'Row 2: island must be one of "Biscoe", "Dream". Got'),
        ({"island": ["Dream", "Dream", None]}, 'must be one of "Biscoe", "Dream". Got null'),
        ({"sex": ["male", "", None]}, 'Row 2: sex must be one of "female", "male", or null. Got'),
        ({"mass": ["1", "2", "3"]}, "The column mass must hold numbers. Got string instead"),
        ({"island": [1, 2, 3]}, "The column island must hold texts. Got int64 instead"),
        ({"prediction": [1, 2, 3]}, "leave the column prediction to the answers"),
    ],
)
def test_bad_row_or_column_is_named(birds: Bundle, columns: Any, words: str) -> None:
    """What cannot be scored is named, by row or by column."""
    with pytest.raises(RowsRefused) as refused:
        score(birds, written(BIRDS | columns))
    assert words in str(refused.value)


def visits(bundle: Bundle, day: Any) -> bytes:
    """Return a Parquet file of visits on the days (rows,), whose other columns are an example's."""
    example = next(row for row in bundle.examples if None not in row.features.values())
    others = {name: [value] * len(day) for name, value in example.features.items()}
    return written(others | {"day": day})


@pytest.mark.parametrize(
    ("kind", "value", "same"),
    [
        (pa.date32(), 19_700, "2023-12-09"),
        (pa.date64(), 19_700 * 86_400_000, "2023-12-09"),
        (pa.timestamp("s"), 1_702_080_000, "2023-12-09T00:00"),
        (pa.timestamp("ns"), 1_702_080_000_000_000_001, "2023-12-09T00:00:00.000000001"),
        (pa.timestamp("ms", "Europe/Berlin"), 1_702_080_000_500, "2023-12-09T01:00:00.5+01:00"),
        (pa.timestamp("s", "Europe/Berlin"), -3_000_000_000, "1874-12-07T18:40Z"),
        (pa.timestamp("us", "Nowhere/Land"), 1_702_080_000_000_000, "2023-12-09T00:00Z"),
    ],
)
def test_dates_of_every_type_are_read(
    make_bundle: Callable[[str], Path], kind: Any, value: int, same: str
) -> None:
    """Days and moments, with or without a zone, known or not, are answered as their text is."""
    bundle = bundles.read(make_bundle("visits"))
    typed, texts = (
        score(bundle, visits(bundle, days))
        for days in (pa.array([value, None], kind), pa.array([same, None]))
    )
    assert typed.drop_columns("day") == texts.drop_columns("day")


@pytest.mark.parametrize(
    "days",
    [
        pa.array([0, 100_000_000], pa.date32()),
        pa.array([0, 4_000_000_000_000], pa.timestamp("s")),
        pa.array([0, 2**62], pa.timestamp("ms", "UTC")),
        pa.array([0, -15_000_000_000], pa.timestamp("s")),
    ],
)
def test_dates_beyond_the_calendar_are_refused(
    make_bundle: Callable[[str], Path], days: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A day that Python has no date for, or datetime64 no moment, is a bad row like any other."""
    bundle = bundles.read(make_bundle("visits"))
    with pytest.raises(RowsRefused, match="Row 2: day must be a date of the years 1678 to 2261"):
        score(bundle, visits(bundle, days))
    assert score(bundle, visits(bundle, days), skip=True).num_rows == 1
    assert "1 row" in capsys.readouterr().err


def test_bad_rows_are_skipped_when_told(birds: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    """The good rows are scored, the bad are named and counted; it may be all of them."""
    bad = BIRDS | {"island": ["Mars", "Dream", "Mars"]}
    assert score(birds, written(bad), skip=True)["mass"].to_pylist() == [2]
    assert "2 rows were refused" in capsys.readouterr().err
    worse = BIRDS | {"island": ["Mars"] * 3}
    assert score(birds, written(worse), skip=True).num_rows == 0


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" * 100, written(BIRDS)[:-20]])
def test_broken_file_is_refused(birds: Bundle, content: bytes) -> None:
    """A file that only begins like Parquet is refused in words."""
    with pytest.raises(RowsRefused, match="must be a Parquet file"):
        score(birds, content)


def test_column_must_be_there_once(birds: Bundle) -> None:
    """A column that the model needs and the file lacks, or has twice, is named."""
    with pytest.raises(RowsRefused, match="must have the column mass once"):
        score(birds, written({"island": ["Dream"]}))


def test_missing_library_is_named_with_its_cure(
    birds: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pyarrow, as in an image, one is told what to do."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "serve.bulk.parquet", raising=False)
    with pytest.raises(WrongLibrary, match=r"pyarrow must be installed .* CSV or JSON Lines"):
        score(birds, written(BIRDS))
