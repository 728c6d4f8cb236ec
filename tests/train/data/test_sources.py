"""Where rows come from: files of every format, folders, object stores and databases."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sqlite3
import stat
from pathlib import Path

import msgspec
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv, feather, parquet

from contract.errors import ModelError
from contract.spec import model_toml
from contract.spec.credentials import SECRETS
from contract.spec.model_toml import ModelSpec
from ship.build.build import kept_layers
from ship.errors import UsageError
from ship.host import data_secrets
from tests.support.models.folder import Folder, two_classes
from train.data import dataset, secrets
from train.data.download import Unreachable, absent

PASSWORD = "hunter%202"  # noqa: S105 - nobody's


def pointed(folder: Folder, source: str, sha256: str | None = None) -> ModelSpec:
    """Return a model of two classes whose model.toml names another source."""
    folder.write(two_classes())
    toml = (folder.path / "model.toml").read_text()
    old = hashlib.sha256(two_classes().encode()).hexdigest()
    pin = f'sha256 = "{sha256}"' if sha256 else ""
    toml = toml.replace('source = "data.csv"', source).replace(f'sha256 = "{old}"', pin)
    (folder.path / "model.toml").write_text(toml)
    return model_toml.read(folder.name, folder.root)


def printed_sha256(spec: ModelSpec) -> str:
    """Return the sha256 that the message about a missing one says to write."""
    with pytest.raises(ModelError, match="Got nothing instead") as caught:
        dataset.load(spec)
    return str(caught.value).partition('sha256 = "')[2].rstrip('"')


def write(file: Path, form: str) -> None:
    """Write the table of two classes in a format."""
    content = two_classes().encode()
    table = csv.read_csv(pa.BufferReader(content))
    if form == "csv.gz":
        file.write_bytes(gzip.compress(content))
    elif form == "csv.zst":
        with pa.output_stream(str(file), compression="zstd") as stream:
            stream.write(content)
    elif form == "parquet":
        parquet.write_table(table, file)
    elif form == "stream":
        with pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
    else:
        feather.write_feather(table, file)


@pytest.mark.parametrize("form", ["csv.gz", "csv.zst", "parquet", "feather", "stream"])
def test_every_format_holds_the_same_rows(folder: Folder, form: str) -> None:
    """Compressed, Parquet and Arrow files are recognised by their bytes, whatever their names."""
    expected = dataset.load(folder.write(two_classes()))
    write(folder.path / "table", form)
    sha256 = hashlib.sha256((folder.path / "table").read_bytes()).hexdigest()
    data = dataset.load(pointed(folder, 'source = "table"', sha256))
    pd.testing.assert_frame_equal(data.X, expected.X)
    assert data.y.tolist() == expected.y.tolist()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "a zip archive, as .xlsx and .npz are"),
        (b"SQLite format 3\x00", "Add a query to"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b'[{"x": 1}]', "JSON"),
        (b"PAR1 and no more", "a Parquet file that is whole"),
        (b"ARROW1 and no more", "an Arrow file that is whole"),
        (gzip.compress(b"x,y\n1,2\n", mtime=0)[:-9], "a whole compressed file"),
        (gzip.compress(b"PK\x03\x04rest", mtime=0), "a zip archive"),
        (b"\xd0\xcf\x11\xe0", "Save its table as CSV"),
    ],
)
def test_other_files_are_recognised(folder: Folder, content: bytes, words: str) -> None:
    """What is no table is called by its name, and nobody is sent to iconv."""
    folder.path.joinpath("table").write_bytes(content)
    spec = pointed(folder, 'source = "table"', hashlib.sha256(content).hexdigest())
    with pytest.raises(ModelError) as caught:
        dataset.load(spec)
    assert words in str(caught.value)
    assert "iconv" not in str(caught.value)


def test_folder_is_one_table(folder: Folder) -> None:
    """The files of a folder follow each other by path; its sha256 is that of their listing."""
    parts = folder.path / "parts"
    (parts / "b").mkdir(parents=True)
    write(parts / "b/second.parquet", "parquet")
    (parts / "a.csv").write_text(two_classes(20))
    (parts / "_SUCCESS").write_text("")
    spec = pointed(folder, 'source = "parts"')
    sha256 = printed_sha256(spec)
    lines = "".join(
        f"{hashlib.sha256((parts / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("a.csv", "b/second.parquet")
    )
    assert sha256 == hashlib.sha256(lines.encode()).hexdigest()
    data = dataset.load(pointed(folder, 'source = "parts"', sha256))
    assert data.ids.tolist() == list(range(60))
    (parts / "a.csv").write_text("x,z\n1,2\n")
    changed = pointed(folder, 'source = "parts"', printed_sha256(spec))
    with pytest.raises(ModelError, match=r"a column of parts/a\.csv"):
        dataset.load(changed)


def fill(file: Path, *, order: str) -> None:
    """Write an SQLite file with the rows of two classes, in some order."""
    frame = pd.DataFrame({"x": range(40), "y": ["no", "yes"] * 20})
    rows = frame.sort_values("x", ascending=order == "up").itertuples(index=False)
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE IF EXISTS sales")
        database.execute("CREATE TABLE sales (x REAL, y TEXT)")
        database.executemany("INSERT INTO sales VALUES (?, ?)", rows)
    database.close()


def test_query_is_pinned_by_its_sorted_rows(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order in which a database gives its rows changes nothing; another row does."""
    source = 'source = "shop.db"\nquery = "SELECT x, y FROM sales"'
    fill(folder.path / "shop.db", order="up")
    sha256 = printed_sha256(pointed(folder, source))
    first = dataset.load(pointed(folder, source, sha256))
    fill(folder.path / "shop.db", order="down")
    again = dataset.load(pointed(folder, source, sha256))
    pd.testing.assert_frame_equal(first.X, again.X)
    assert first.rows == 40
    monkeypatch.setenv("DATABASE_URL", f"sqlite://{folder.path}/shop.db")
    assert dataset.load(pointed(folder, source.partition("\n")[2], sha256)).rows == 40
    with sqlite3.connect(folder.path / "shop.db") as database:
        database.execute("INSERT INTO sales VALUES (99, 'no')")
    database.close()
    with pytest.raises(ModelError, match=r"must be the sha256 of shop\.db"):
        dataset.load(pointed(folder, source, sha256))


def test_query_cannot_write(folder: Folder) -> None:
    """A query reads, whatever its words ask for."""
    fill(folder.path / "shop.db", order="up")
    spec = pointed(folder, 'source = "shop.db"\nquery = "DELETE FROM sales RETURNING x, y"')
    with pytest.raises(Unreachable, match="readonly"):
        dataset.load(spec)


def test_query_names_its_columns(folder: Folder) -> None:
    """Two columns of one name are refused, with what to write."""
    fill(folder.path / "shop.db", order="up")
    spec = pointed(folder, 'source = "shop.db"\nquery = "SELECT x, y, x FROM sales"')
    with pytest.raises(ModelError, match=r"columns with names of their own.* Name each with AS"):
        dataset.load(spec)


@pytest.mark.parametrize(
    "password", ["hunter qq/", "hunter/qq", "hunter%zqq", "hunter@qq", "[hunter"]
)
def test_password_that_is_not_encoded_is_not_quoted(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """An address that libpq would complain of, quoting parts of it, is refused before."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql://somebody:{password}@127.0.0.1:1/shop")
    message = absent(pointed(folder, 'query = "SELECT 1"'))
    assert "data.query must be answered" in message
    assert not [part for part in ("hunter", "qq") if part in message]


def test_no_message_holds_a_credential(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that does not answer is reported without its password, and is absent data."""
    address = f"postgresql://somebody:{PASSWORD}@127.0.0.1:1/shop"
    monkeypatch.setenv("DATABASE_URL", address)
    spec = pointed(folder, 'query = "SELECT 1"')
    message = absent(spec)
    assert "data.query must be answered" in message
    assert not {address, PASSWORD, "hunter 2"} & {*message.split()}
    error = OSError(f"cannot use {address} with hunter 2")
    assert secrets.redacted(error) == "cannot use … with …"
    assert address not in str(msgspec.to_builtins(spec.data))


def test_address_with_a_password_is_refused(folder: Folder) -> None:
    """What stands in model.toml stands in the manifest, so no credential may."""
    with pytest.raises(ModelError, match="free of credentials") as caught:
        pointed(folder, 'source = "s3://key:hunter2@bucket/rows.csv"')
    assert "hunter2" not in str(caught.value)


def test_credentials_reach_a_build_in_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the environment the credentials of data go, nothing else; nobody else may read them."""
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    assert data_secrets.write(tmp_path) == {}
    (tmp_path / "key.json").write_text("{}")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@c/d")
    file = Path(data_secrets.write(tmp_path)["DATA_SECRETS"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    sent = {"DATABASE_URL": "postgresql://a:b@c/d", "GOOGLE_APPLICATION_CREDENTIALS": "{}"}
    assert json.loads(file.read_text()) == sent
    monkeypatch.delenv("DATABASE_URL")
    secrets.load(file)
    assert os.environ["DATABASE_URL"] == sent["DATABASE_URL"]
    assert Path(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]).read_text() == "{}"
    assert os.environ["GOOGLE_APPLICATION_CREDENTIALS"].startswith("/proc/")  # in no layer
    assert not {*SECRETS} & {*secrets.without(os.environ)}


def test_key_file_is_given_by_path_or_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow has the content of Google's key file alone; a path that leads nowhere is named."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", '{"type": "service_account"}')
    assert data_secrets.given()["GOOGLE_APPLICATION_CREDENTIALS"] == '{"type": "service_account"}'
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    with pytest.raises(UsageError, match="path of a key file, or its content"):
        data_secrets.given()


def test_layers_of_data_by_credentials_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow's cache, which every pull request can read, gets no private rows."""
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CACHE", str(tmp_path))
    assert kept_layers() == {"CACHE_TO": str(tmp_path)}
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@c/d")
    assert kept_layers() == {}
