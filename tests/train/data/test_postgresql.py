"""The result of a query, asked of a real PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from urllib.parse import quote

import pandas as pd
import pytest

from contract.bundle import Kind
from contract.errors import ModelError
from tests.support.models.folder import Folder
from tests.support.servers.postgresql import OWNER, PASSWORD, Database, postgresql
from tests.train.data.test_sources import pointed, printed_sha256
from train.data import dataset
from train.data.download import absent

pytestmark = pytest.mark.nightly

QUERY = 'query = "SELECT x, y FROM sales"'
COLUMN = 'query = """SELECT {} AS x, y FROM sales"""'
FILL = "INSERT INTO sales SELECT n, CASE n % 2 WHEN 0 THEN 'no' ELSE 'yes' END FROM {} AS n"


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A server with a table of two classes."""
    with postgresql() as database:
        yield database


@pytest.fixture(autouse=True)
def rows(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill the table with forty rows, and let the model read them."""
    database.run("DELETE FROM sales", FILL.format("generate_series(1, 40)"))
    monkeypatch.setenv("DATABASE_URL", database.url())


def test_query_is_pinned_by_its_sorted_rows(database: Database, folder: Folder) -> None:
    """PostgreSQL may give rows in another order, which changes neither sha256 nor data."""
    sha256 = printed_sha256(pointed(folder, QUERY))
    first = dataset.load(pointed(folder, QUERY, sha256))
    database.run("DELETE FROM sales", FILL.format("generate_series(40, 1, -1)"))
    again = dataset.load(pointed(folder, QUERY, sha256))
    pd.testing.assert_frame_equal(first.X, again.X)
    assert first.y.tolist() == again.y.tolist()
    assert again.rows == 40
    database.run("UPDATE sales SET y = 'no' WHERE x = 7")
    with pytest.raises(ModelError, match="must be the sha256 of DATABASE_URL"):
        dataset.load(pointed(folder, QUERY, sha256))


def test_sha256_is_that_of_sorted_lines(database: Database, folder: Folder) -> None:
    """Whoever sorts the lines that COPY prints, under the names, gets the sha256."""
    database.run("DELETE FROM sales", "INSERT INTO sales VALUES (2.5, 'a\tb'), (1, E'c\\\\\\n'), "
                 "(NULL, NULL)")  # fmt: skip
    lines = ["x\ty", "1\tc\\\\\\n", "2.5\ta\\tb", "\\N\t\\N"]
    expected = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert printed_sha256(pointed(folder, QUERY)) == expected


@pytest.mark.parametrize(
    ("select", "kind"),
    [
        ("x::numeric(9, 2)", "numeric"),
        ("x::integer", "numeric"),
        ("x::real", "numeric"),
        ("date '2026-01-01' + x::integer", "date"),
        ("timestamptz '2026-01-01 00:00:00+02' + x * interval '1 hour'", "date"),
        ("x > 20", "boolean"),
        ("y::varchar(9)", "categorical"),
        ("to_jsonb(y)", "text"),
    ],
)
def test_columns_of_postgresql_have_their_kind(folder: Folder, select: str, kind: Kind) -> None:
    """Each type that a table has is read as the kind that model.toml gives it."""
    query = COLUMN.format(select)
    sha256 = printed_sha256(pointed(folder, query))
    spec = pointed(folder, query, sha256)
    spec.inputs["x"] = kind
    data = dataset.load(spec)
    assert data.rows == 40
    assert not dataset.is_missing(data.X["x"].to_numpy()).any()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (({"password": "wrong-word"}, "SELECT 1"), "password authentication failed for user"),
        (({"user": "nobody"}, "SELECT 1"), "password authentication failed for user"),
        (({"name": "nowhere"}, "SELECT 1"), 'database "nowhere" does not exist'),
        (({}, "SELECT * FROM nothing"), 'relation "nothing" does not exist'),
        (({}, "SELECT z FROM sales"), 'column "z" does not exist'),
        (({}, "SELECT * FROM pg_authid"), "permission denied"),
        (({"user": OWNER}, "DELETE FROM sales"), "read-only transaction"),
        (({"user": OWNER}, "COMMIT; DELETE FROM sales"), "multiple commands"),
    ],
)
def test_message_names_what_is_wrong_and_no_credential(
    database: Database,
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    asked: tuple[dict[str, str], str],
    words: str,
) -> None:
    """What the database says is in the message, a password is not, and no row has changed."""
    options, query = asked
    before = printed_sha256(pointed(folder, QUERY))
    monkeypatch.setenv("DATABASE_URL", database.url(**options))
    message = absent(pointed(folder, f'query = "{query}"'))
    assert words in message
    password = options.get("password", PASSWORD)
    assert not [part for part in (password, quote(password, safe="")) if part in message]
    monkeypatch.setenv("DATABASE_URL", database.url())
    assert printed_sha256(pointed(folder, QUERY)) == before
