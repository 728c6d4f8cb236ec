"""retrain.yml, run as it is: models whose data have changed are renewed, each by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.container import docker
from tests.support.checkouts.fork import Fork
from tests.support.github.fake import State
from tests.support.models.folder import FOREST
from tests.support.servers.postgresql import PASSWORD, Database, postgresql
from tests.workflows.act import Act
from tests.workflows.conftest import MODEL, OTHER

pytestmark = [pytest.mark.engine, pytest.mark.nightly]
EVENT = {"repository": {"private": False, "visibility": "public"}}
TOML = """\
description = "A test"
task = "classification"
target = "y"
[data]
query = "SELECT x, y FROM {table}"
sha256 = "{sha256}"
[inputs]
x = "numeric"
[gate]
accuracy = {{ min = 0.5 }}
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A database that builds reach, and which has other rows than the models were trained on."""
    gateway = docker("network", "inspect", "bridge", "--format={{(index .IPAM.Config 0).Gateway}}")
    with postgresql(gateway.strip()) as database:
        database.run(
            "INSERT INTO sales SELECT n, CASE WHEN n > 60 THEN 'yes' ELSE 'no' END "
            "FROM generate_series(1, 120) AS n"
        )
        yield database


@pytest.fixture(scope="module")
def fork(fork: Fork, folder: Path) -> Fork:
    """A fork of two models that ask a database, one of them for a table that is gone."""
    for model, table in ((MODEL, "sales"), (OTHER, "gone")):
        text = TOML.format(table=table, sha256="0" * 64)
        (fork.root / "model" / model / "model.toml").write_text(text)
        (fork.root / "model" / model / "estimator.py").write_text(FOREST)
    fork.commit()
    origin = folder / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", origin], check=True)
    fork.git("remote", "add", "origin", str(origin))
    fork.git("push", "--quiet", "origin", "main")
    return fork


def test_changed_data_become_a_pull_request_of_their_model(
    act: Act, state: State, database: Database
) -> None:
    """The query is asked with the secret; the model whose table is gone is red, and holds none."""
    state.permissions = {"pull-requests": "write"}
    secret = f"--secret=DATABASE_URL={database.url()}"
    run = act.run("schedule", "retrain.yml", EVENT, secret)
    ended = {name.rpartition("/")[2]: result for name, result in run.results.items()}
    assert ended[f"Look at the data of {OTHER}"] == "failure"
    assert ended[f"Look at the data of {MODEL}"] == "success", run.log
    assert ended[f"Build and test {MODEL} on amd64"] == "success", run.log
    assert ended["Propose the change, or merge it"] == "success", run.log
    assert [name for name in run.results if "Publish" in name] == []
    assert PASSWORD not in run.log
    branches = act.fork.git("ls-remote", "--heads", "origin").splitlines()
    assert [line.partition("\t")[2] for line in branches] == [
        "refs/heads/main", f"refs/heads/retrain-{MODEL}"
    ]  # fmt: skip
    (pull,) = state.pulls
    assert (pull["head"]["ref"], pull["base"]) == (f"retrain-{MODEL}", "main")
    assert pull["title"] == f"Train {MODEL} on the data of today"
    assert f"{MODEL}: " in pull["body"]
