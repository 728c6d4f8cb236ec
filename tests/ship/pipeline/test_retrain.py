"""Retraining by a clock: new data are noticed at their address, and only what is better counts."""

from __future__ import annotations

import hashlib
import json
import ssl
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ship.errors import StageError
from ship.pipeline.retrain import all_better, refresh

OLD = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
NEW = b"a,b\n1,2\n3,4\n"
TOML = """description = "Test"  # kept

[data]
source = "{}"
sha256 = "{}"
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
    file.write_text(TOML.format(source, sha256))
    return file


def test_refresh_writes_the_hash_of_new_data(tmp_path: Path, address: str) -> None:
    """The one value changes; the rest of the file, comments too, stays as the author wrote it."""
    file = write(tmp_path, "wine", address, OLD)
    assert refresh(["wine"], tmp_path / "model") == ["wine"]
    assert file.read_text() == TOML.format(address, hashlib.sha256(NEW).hexdigest())


def test_refresh_leaves_what_has_not_changed(tmp_path: Path, address: str) -> None:
    """Data that are the same, or lie in the folder, retrain nothing."""
    write(tmp_path, "wine", address, hashlib.sha256(NEW).hexdigest())
    write(tmp_path, "penguins", "penguins.csv", OLD)
    assert refresh(["penguins", "wine"], tmp_path / "model") == []


def test_refresh_names_an_address_that_does_not_answer(tmp_path: Path, address: str) -> None:
    """An address that does not answer is an error, and does not count as unchanged."""
    write(tmp_path, "wine", address.replace("table", "absent"), OLD)
    with pytest.raises(StageError, match=r"wine/model\.toml: data\.source must be reachable.*404"):
        refresh(["wine"], tmp_path / "model")


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
