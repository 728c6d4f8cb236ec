"""A real build that reads a real database, and where its credentials are afterwards: nowhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from contract.spec.credentials import SECRETS
from tests.attacks.training.test_leaked_rows import contents
from tests.image.container import docker
from tests.support.checkouts.canary import make
from tests.support.checkouts.fork import MODEL, Fork
from tests.support.models.folder import FOREST
from tests.support.names import RUN
from tests.support.servers.postgresql import PASSWORD, postgresql

FILL = "INSERT INTO sales SELECT n, CASE WHEN n > 60 THEN 'yes' ELSE 'no' END FROM {} AS n"
QUERY = f"SELECT x, y, '{RUN}' AS run FROM sales"  # noqa: S608 - no earlier build has asked it
TOML = f"""\
description = "A test"
task = "classification"
target = "y"
[data]
query = "{QUERY}"
[inputs]
x = "numeric"
[gate]
accuracy = {{ min = 0.5 }}
"""
PLANTED = {
    "AWS_ACCESS_KEY_ID": "KEYPLANTED",
    "AWS_SECRET_ACCESS_KEY": "secret-key-that-is-planted",
    "GOOGLE_APPLICATION_CREDENTIALS": json.dumps({"private_key": "google-key-that-is-planted"}),
}


@pytest.fixture
def fork(tmp_path: Path) -> Fork:
    """A fork whose one model asks a database."""
    (tmp_path / "fork").mkdir()
    fork = Fork(tmp_path / "fork")
    folder = fork.root / "model" / MODEL
    folder.mkdir(parents=True)
    files = {"model.toml": TOML, "estimator.py": FOREST, "README.md": "# Sales\n\nA test.\n"}
    for name, content in files.items():
        (folder / name).write_text(content)
    fork.commit()
    return fork


@pytest.mark.nightly
@pytest.mark.engine
def test_credentials_of_data_stand_in_nothing_that_a_build_leaves(
    fork: Fork, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No layer, label, manifest, log or cache holds one, though the build read rows with them."""
    monkeypatch.setenv("CACHE", str(tmp_path / "cache"))
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    gateway = docker("network", "inspect", "bridge", "--format={{(index .IPAM.Config 0).Gateway}}")
    with postgresql(gateway.strip()) as database:
        database.run(FILL.format("generate_series(1, 120)"))
        url = database.url()
        for name, value in {**PLANTED, "DATABASE_URL": url}.items():
            monkeypatch.setenv(name, value)
        unpinned = fork.make("train", MODEL=MODEL)
        log = (fork.root / "dist" / MODEL / "bundle.log").read_text()
        (sha256,) = {*re.findall(r'write sha256 = "([0-9a-f]{64})"', log)}
        fork.edit(f"model/{MODEL}/model.toml", "[inputs]", f'sha256 = "{sha256}"\n[inputs]')
        fork.commit()
        printed = make(fork, "train", "gate", "image")
    assert not (tmp_path / "cache").exists()  # which others may read, and which holds the rows
    for name in (*PLANTED, "DATABASE_URL"):
        monkeypatch.delenv(name)
    again = make(fork, "train")  # all from the builder's own cache: the database is gone
    left = {
        "printed": f"{log}\n{unpinned.stdout}\n{unpinned.stderr}\n{printed}\n{again}".encode(),
        "history": docker("buildx", "du", "--verbose").encode(),
    }
    for file in [*(fork.root / "dist").rglob("*"), *(tmp_path / "cache").rglob("*")]:
        if file.is_file():
            left |= contents(str(file.relative_to(tmp_path)), file.read_bytes())
    assert any(name.startswith("cache/") and QUERY.encode() in left[name] for name in left)
    assert any("image.tar" in name and b"manifest.json" in left[name] for name in left)
    secrets = [url, PASSWORD, quote(PASSWORD, safe=""), "KEYPLANTED", "that-is-planted"]
    assert [(name, secret) for name, content in left.items() for secret in secrets
            if secret.encode() in content] == []  # fmt: skip
