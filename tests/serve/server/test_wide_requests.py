"""Requests of many rows of many columns, within the limits that the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from tests.support.servers.bundles import store
from tests.support.servers.server import Server, command

pytestmark = pytest.mark.nightly

ROWS, COLUMNS = 10_000, 5_000
LIMITS = {"MAX_BODY_BYTES": 1024**3, "REQUEST_SECONDS": 300}  # as the settings page says
SECONDS = 600  # that an answer may take on a busy machine


def column(values: np.ndarray) -> msgspec.Raw:
    """Return numbers (rows,) as JSON, many of which are large as Python's objects."""
    return msgspec.Raw(msgspec.json.encode(values.tolist()))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, np.ndarray]:
    """A bundle with COLUMNS inputs, the rows to ask about, and their answers."""
    random = np.random.default_rng(0)
    names = [f"c{place}" for place in range(COLUMNS)]
    known = pd.DataFrame(random.normal(size=(100, COLUMNS)).round(3), columns=names)
    model = LinearRegression().fit(known, known.sum(axis=1))
    X = random.uniform(known.min(), known.max(), (ROWS, COLUMNS)).round(3)
    path = store(tmp_path_factory.mktemp("wide") / "wide", model, known)
    return path, X, model.predict(pd.DataFrame(X, columns=names))


@pytest.mark.parametrize("form", ["native", "v2 with one tensor", "v2 with a tensor per column"])
def test_many_rows_of_many_columns_are_answered(
    wide: tuple[Path, np.ndarray, np.ndarray], form: str
) -> None:
    """10,000 rows of 5,000 columns are answered in one request of either protocol."""
    path, X, expected = wide
    count, width = X.shape
    url = "/predict" if form == "native" else f"/v2/models/{path.name}/infer"
    whole = {"shape": [count, width], "datatype": "FP64"}
    alone = {"shape": [count], "datatype": "FP64"}
    if form == "native":
        body: dict[str, list[Any]] = {"instances": list(map(column, X))}
    elif form == "v2 with one tensor":
        body = {"inputs": [{"name": "X", **whole, "data": column(X.ravel())}]}
    else:
        named = enumerate(map(column, X.T))
        body = {"inputs": [{"name": f"c{place}", **alone, "data": data} for place, data in named]}
    content = msgspec.json.encode(body)
    with Server(path, LOG_INPUTS=0, **LIMITS) as server:
        response = server.session.post(
            server.url(url),
            data=content,
            headers={"content-type": "application/json"},
            timeout=SECONDS,
        )
    assert response.status_code == 200, response.text[:500]
    answer = response.json()
    got = (
        [row["prediction"] for row in answer["predictions"]]
        if form == "native"
        else answer["outputs"][0]["data"]
    )
    assert np.allclose(got, expected, rtol=1e-6)


def test_many_rows_of_many_columns_are_refused_by_default(
    wide: tuple[Path, np.ndarray, np.ndarray],
) -> None:
    """The refusal of a body that is too large names the setting that lets it in."""
    path, X, _ = wide
    content = msgspec.json.encode({"instances": list(map(column, X[:1_000]))})
    with Server(path) as server:
        response = server.send(content)
    assert response.status_code == 413
    assert "MAX_BODY_BYTES" in response.text


def test_many_rows_of_many_columns_are_scored_in_bulk(
    wide: tuple[Path, np.ndarray, np.ndarray],
) -> None:
    """The bulk scorer takes the same table as a file, without any limit to raise."""
    path, X, expected = wide
    names = [f"c{place}" for place in range(COLUMNS)]
    table = pd.DataFrame(X[:2_000], columns=names).to_csv(index=False).encode()
    scored = command("predict", stdin=table, BUNDLE=path)
    assert scored.returncode == 0, scored.stderr.decode()
    header, *lines = scored.stdout.decode().splitlines()
    place = header.split(",").index("prediction")
    got = [float(line.split(",")[place]) for line in lines]
    assert np.allclose(got, expected[:2_000], rtol=1e-6)
