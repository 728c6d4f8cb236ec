"""A column of every kind gets from a server the answers that its estimator gives."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from contract import bundle as bundles
from contract.bundle import Bundle, Dialect, Serving
from contract.errors import ModelError
from contract.inputs import domains
from serve.codecs.answers import AnswerEncoder
from serve.codecs.native import NativeCodec
from serve.inference.predictor import Predictor
from serve.validation.schema import Schema
from tests.support.models.folder import Folder, default_toml
from tests.support.models.train_here import train_here
from tests.train.conftest import Trained
from train.data import dataset
from train.data.cells import CellTyper
from train.export import hard_rows
from train.fit import evaluate

ONNX = """
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


def build():
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", max_categories=4), ["note", "ward"]),
        remainder="passthrough",
    )
    return make_pipeline(columns, RandomForestClassifier(20, random_state=0))
"""


@pytest.fixture(scope="module", params=["joblib", "onnx"])
def visits(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model of every kind of column, and one of all but dates, which a graph can hold."""
    folder = Folder(tmp_path_factory.mktemp(request.param) / "visits")
    folder.path.mkdir()
    spec = folder.write_visits()
    if request.param == "onnx":
        toml = (folder.path / "model.toml").read_text().replace('day = "date"\n', "")
        spec = folder.write((folder.path / "data.csv").read_text(), toml, ONNX)
    train_here(spec, folder.path.parent / "bundle")
    return Trained(spec, bundles.read(folder.path.parent / "bundle"))


def served(bundle: Bundle, rows: list[dict[str, Any]]) -> list[Any]:
    """Return the answers of a server to rows as JSON."""
    codec = NativeCodec(Schema(bundle.manifest, len(rows)), AnswerEncoder(bundle))
    decoded, _ = codec.read(json.dumps({"instances": rows}).encode())
    _, scores = Predictor(bundle, 1)(decoded)
    return list(scores.labels)


@pytest.mark.daily(1)
@pytest.mark.slow
def test_every_kind_is_described(visits: Trained) -> None:
    """The manifest has the range of numbers, the years of dates, the categories, and no text."""
    described = {field.name: field for field in visits.bundle.manifest.inputs}
    if "day" in described:
        assert (described["day"].minimum, described["day"].maximum) == (2024, 2024)
        assert described["day"].times
    assert described["note"].categories is None
    assert (described["smoker"].true, described["smoker"].false) == ("yes", "no")
    assert described["ward"].categories == ["e", "w"]
    assert {name: field.missing for name, field in described.items()} | {"day": True} == {
        "day": True, "smoker": True, "note": True, "ward": False, "age": False
    }  # fmt: skip
    assert b"knee" not in (visits.bundle.path / "manifest.json").read_bytes()


@pytest.mark.daily(1)
@pytest.mark.slow
@pytest.mark.parametrize("count", [2_000, pytest.param(60_000, marks=pytest.mark.nightly)])
def test_server_answers_every_kind_as_the_estimator(
    visits: Trained, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made rows, as JSON, get the labels that the estimator gives to the same rows."""
    spec, bundle = visits
    X = dataset.load(spec).X
    monkeypatch.setattr(hard_rows, "ROWS", count)
    made = hard_rows.make_hard_rows(X, bundle.manifest.inputs, spec.serving, {})
    rows = dataset.features(spec.inputs, made)
    taken = domains(bundle.manifest.inputs, spec.serving)
    good = [place for place, row in enumerate(rows)
            if all(taken[name].accepts(value) for name, value in row.items())]  # fmt: skip
    assert len(good) > count / 3
    runtime = "joblib" if "day" in spec.inputs else "onnx"
    assert bundle.manifest.runtime == runtime, bundle.manifest.runtime_reason
    if bundle.manifest.parity:
        assert bundle.manifest.parity.rows > 20_000
    estimator = fitted(visits, X)
    expected = evaluate.answer(estimator, made.iloc[good]).predictions.tolist()
    got = served(bundle, [rows[place] for place in good])
    wrong = sum(a != b for a, b in zip(got, expected, strict=True))
    assert wrong == 0, f"{wrong} of {len(good)} labels differ"


def fitted(visits: Trained, X: pd.DataFrame) -> Any:
    """Return the estimator, fitted again to the rows that the model was trained on."""
    from train.data.split import split  # noqa: PLC0415
    from train.fit import estimator  # noqa: PLC0415

    train, _ = split(visits.spec, dataset.load(visits.spec))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.build(visits.spec).fit(train.X, train.y)


@pytest.mark.parametrize(
    ("name", "cell", "words"),
    [
        ("day", "2024-02-30", ["column 'day', row 2", "ISO 8601", "'2024-02-30'", '"text"']),
        ("day", "9999-12-31", ["years 1678 to 2261", "add it to missing"]),
        ("smoker", "perhaps", ["column 'smoker', row 2", "yes or no", 'kind = "boolean"']),
    ],
)
def test_cell_that_its_kind_cannot_hold_is_named(
    folder: Folder, name: str, cell: str, words: list[str]
) -> None:
    """The error names the column, the row and the cell, and how to mend it."""
    spec = folder.write_visits()
    lines = (folder.path / "data.csv").read_text().splitlines()
    cells = lines[2].split(",")
    cells[list(spec.inputs).index(name)] = cell
    lines[2] = ",".join(cells)
    toml = (folder.path / "model.toml").read_text().replace(str(spec.data.sha256), "SHA256")
    with pytest.raises(ModelError) as caught:
        dataset.load(folder.write("\n".join(lines) + "\n", toml))
    assert [word for word in words if word not in str(caught.value)] == [], caught.value


def test_estimator_sees_moments_floats_and_texts(folder: Folder) -> None:
    """Dates are datetime64 in UTC, booleans 1.0 and 0.0 with NaN, texts what they are."""
    X = dataset.load(folder.write_visits()).X
    assert X.dtypes.astype(str).to_dict() == {
        "day": "datetime64[ns]", "smoker": "float64", "note": "object", "ward": "object",
        "age": "float64",
    }  # fmt: skip
    assert X["day"].iloc[1] == pd.Timestamp("2024-02-02 01:30")
    assert pd.isna(X["day"].iloc[0])
    np.testing.assert_equal(X["smoker"].to_numpy()[:3], [1.0, 0.0, np.nan])
    assert X["note"].tolist()[:4] == ["Pain: left knee", "ça va", "", "no pain"]


def test_years_stay_those_of_dates_when_an_offset_moves_them(folder: Folder) -> None:
    """The first and last year that are served are years that a date may have."""
    csv = "day,y\n1678-01-01T00:00+23:59,a\n2261-12-31T23:59-23:59,b\n"
    spec = folder.write(csv, default_toml(csv).replace('day = "numeric"', 'day = "date"'))
    (field,) = dataset.schema(spec, dataset.load(spec).X)
    assert (field.minimum, field.maximum) == (1678, 2261)


@pytest.mark.parametrize(
    ("zone", "text"), [("Europe/Berlin", "1874-12-07 18:40:00Z"), (None, "1874-12-07 18:40:00")]
)
def test_moments_of_a_table_are_texts_in_utc(zone: str | None, text: str) -> None:
    """Berlin was 53 minutes and 28 seconds ahead, which no offset in ISO 8601 says."""
    cells = pa.array([-3_000_000_000, None], pa.timestamp("s", zone))
    assert CellTyper(Dialect()).texts(cells).to_pylist() == [text, None]


def test_rows_keep_their_values_as_json(folder: Folder) -> None:
    """A row of JSON has true and false, a date in its shortest form, and null for a gap."""
    spec = folder.write_visits()
    rows = dataset.features(spec.inputs, dataset.load(spec).X)
    assert rows[1] == {"day": "2024-02-02T01:30:00", "smoker": False, "note": "ça va",
                       "ward": "w", "age": 21.0}  # fmt: skip
    assert (rows[0]["day"], rows[2]["smoker"], rows[2]["note"]) == (None, None, "")
    taken = domains(dataset.schema(spec, dataset.load(spec).X), Serving())
    assert all(taken[name].accepts(value) for row in rows for name, value in row.items())
