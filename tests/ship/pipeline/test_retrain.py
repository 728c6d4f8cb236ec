"""Retraining by a clock: new data are noticed at their address, and only what is better counts."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import ssl
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ship.errors import StageError, UsageError
from ship.pipeline.retrain import all_better, changed, pin, remote

OLD = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
NEW = b"a,b\n1,2\n3,4\n"
TOML = """description = "Test"  # kept
task = "regression"
target = "y"

[data]
source = "{}"
sha256 = "{}"
"""
REST = """
[inputs]
x = "numeric"

[gate]
r2 = {min = 0}
"""


class Quiet(SimpleHTTPRequestHandler):
    """A file server that says nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        """Say nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An address that serves new data over TLS, whose authority this process trusts."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "table.csv").write_bytes(NEW)
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
         "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate))
            yield f"https://localhost:{server.server_port}/table.csv"
        server.shutdown()


def write(root: Path, name: str, source: str, sha256: str) -> Path:
    """Write the model.toml of a model, and return its path."""
    file = root / "model" / name / "model.toml"
    file.parent.mkdir(parents=True)
    file.write_text(TOML.format(source, sha256) + REST)
    (file.parent / "README.md").touch()
    return file


def test_models_with_data_elsewhere_are_known_without_reading_any(tmp_path: Path) -> None:
    """An address, and a query of the database that the environment names; no file, no sample."""
    sources = {
        "bucket": 'source = "s3://bucket/wine"',
        "file": 'source = "wine.csv"',
        "google": 'source = "gs://bucket/wine.parquet"',
        "sample": 'source = "sklearn:iris"',
        "sqlite": 'source = "wine.db"\nquery = "SELECT 1"',
        "table": 'query = "SELECT * FROM wines"',
        "web": 'source = "https://example.com/wine.csv"',
    }
    for name, source in sources.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.toml").write_text(f"[data]\n{source}\n")
    assert remote(sorted(sources), tmp_path) == ["bucket", "google", "table", "web"]


def test_changed_data_have_another_hash(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Today's hash is what a training would ask for; "" where it stands in model.toml already."""
    now = hashlib.sha256(NEW).hexdigest()
    write(tmp_path, "wine", address, OLD)
    write(tmp_path, "same", address, now)
    assert changed("wine", tmp_path / "model") == now
    assert changed("same", tmp_path / "model") == ""


def test_data_that_cannot_be_had_do_not_count_as_unchanged(tmp_path: Path, address: str) -> None:
    """An address that does not answer is told by the model's name."""
    write(tmp_path, "wine", address.replace("table", "absent"), OLD)
    with pytest.raises(StageError, match=r"wine: today's data must be read.*404"):
        changed("wine", tmp_path / "model")


def test_changed_result_of_a_query_has_another_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database is asked with the credentials of the environment; the order of rows is none."""
    file = write(tmp_path, "sales", "", OLD)
    text = file.read_text().replace('source = ""', 'query = "SELECT * FROM sales"')
    file.write_text(text)
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE sales (x INTEGER, y TEXT)")
        database.execute("INSERT INTO sales VALUES (2, 'b'), (1, 'a')")
    monkeypatch.setenv("DATABASE_URL", f"sqlite://{tmp_path / 'shop.db'}")
    assert changed("sales", tmp_path / "model") == hashlib.sha256(b"x\ty\n1\ta\n2\tb").hexdigest()


def test_pin_writes_the_hash_and_leaves_the_rest(tmp_path: Path) -> None:
    """The one value changes; the rest of the file, comments too, stays as the author wrote it."""
    file = write(tmp_path, "wine", "https://example.com/wine.csv", OLD)
    now = hashlib.sha256(NEW).hexdigest()
    pin(file, now)
    assert file.read_text() == TOML.format("https://example.com/wine.csv", now) + REST


@pytest.mark.parametrize(
    ("old", "now", "reason"),
    [
        (OLD, "main; rm -rf /", "SHA256 must be 64 hexadecimal digits"),
        ("", OLD, 'must stand there once. Write sha256 = "'),
    ],
)
def test_pin_refuses_what_it_cannot_write(tmp_path: Path, old: str, now: str, reason: str) -> None:
    """What another job hands on is checked, and a file without a hash is left as it is."""
    file = write(tmp_path, "wine", "https://example.com/wine.csv", old)
    before = file.read_text()
    with pytest.raises(UsageError, match=re.escape(reason)):
        pin(file, now)
    assert file.read_text() == before


def report(folder: Path, verdict: str, *directions: str | None) -> None:
    """Write a report with a score of each direction."""
    folder.mkdir()
    scores = [{"direction": direction} for direction in directions]
    judged = {"model": folder.name, "verdict": verdict, "scores": scores}
    (folder / "report.json").write_text(json.dumps(judged))


def test_better_is_better_in_one_metric_and_worse_in_none(tmp_path: Path) -> None:
    """A model that is better for certain, and nowhere worse, may be published unattended."""
    report(tmp_path / "iris", "passed", "better", "same")
    assert all_better(tmp_path, ["iris"])


@pytest.mark.parametrize(
    ("verdict", "directions"),
    [
        ("passed", ["same"]),
        ("passed", ["better", "worse"]),
        ("accepted", ["better"]),
        ("failed", ["better"]),
        ("passed", [None]),
    ],
)
def test_anything_else_is_not_better(
    tmp_path: Path, verdict: str, directions: list[str | None]
) -> None:
    """A model that is equal, accepted, first, or better and worse at once is not better."""
    report(tmp_path / "iris", "passed", "better")
    report(tmp_path / "wine", verdict, *directions)
    assert not all_better(tmp_path, ["iris", "wine"])


def test_nothing_reported_is_not_better(tmp_path: Path) -> None:
    """A model without a report is not better."""
    assert not all_better(tmp_path, ["iris"])
    report(tmp_path / "iris", "passed", "better")
    assert not all_better(tmp_path, ["iris", "wine"])


def test_what_nobody_asked_for_is_not_better(tmp_path: Path) -> None:
    """A report of another model, or a second one of the same, makes the answer no."""
    report(tmp_path / "iris", "passed", "better")
    report(tmp_path / "wine", "passed", "better")
    assert not all_better(tmp_path, ["iris"])
    (tmp_path / "again").mkdir()
    report(tmp_path / "again" / "wine", "passed", "better")
    assert not all_better(tmp_path, ["iris", "wine"])
