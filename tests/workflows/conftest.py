"""A fork on a GitHub that stands on this machine: act, a registry, a signing key, an engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ship import git
from ship.build.inputs import plan
from ship.registry.remote import Registry
from tests.image.container import docker
from tests.support.checkouts.checkout import Checkout
from tests.support.checkouts.fork import LONG_AGO, Fork
from tests.support.github.fake import State, github
from tests.support.github.identity import CLAIMS, identities
from tests.support.images.oci_archives import oci_archive
from tests.support.images.trivy_database import serve_database
from tests.support.names import RUN
from tests.workflows.act import Act, Hub

SLOW_LINTERS = re.compile(r"^\t(mypy|zizmor|check-jsonschema) .*\n", re.MULTILINE)
MODEL, OTHER = (
    f"changed_{RUN}",
    f"other_{RUN}",
)  # one is edited, one never


@pytest.fixture(scope="module")
def state() -> Iterator[State]:
    """What GitHub knows; a job's token may read what runs have left."""
    with github() as state:
        state.permissions = {"actions": "read"}
        yield state


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where everything of a module's tests lies."""
    return tmp_path_factory.mktemp("github")


@pytest.fixture(scope="module")
def registered(registry: str, folder: Path) -> str:
    """The part of the registry that stands for the fork's own on GHCR."""
    return f"{registry}/{folder.name}"


@pytest.fixture(scope="module")
def key(folder: Path) -> Iterator[dict[str, str]]:
    """A signing key, where GitHub would sign by the workflow's identity; used from here on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSIGN_PASSWORD", "")
        command = ["cosign", "generate-key-pair", f"--output-key-prefix={folder / 'cosign'}"]
        subprocess.run(command, check=True, capture_output=True)
        variables = {
            "COSIGN_KEY": str(folder / "cosign.key"),
            "COSIGN_PUBLIC_KEY": str(folder / "cosign.pub"),
            "COSIGN_PASSWORD": "",
        }
        for name, value in variables.items():
            patch.setenv(name, value)
        yield variables


@pytest.fixture(scope="module")
def fork(folder: Path) -> Iterator[Fork]:
    """A fork of two models, whose own linters and tests are quick ones."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LONG_AGO.items():
            patch.setenv(name, value)
        (folder / "fork").mkdir()
        fork = Fork(folder / "fork")
        for model in (MODEL, OTHER):
            shutil.copytree(git.TOOL / "model/iris", fork.root / "model" / model,
                            ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
        fork.edit("pyproject.toml", 'testpaths = ["tests"]', 'testpaths = ["tests/ship/files"]')
        fork.edit(".github/workflows/ci.yml", "[1/3, 2/3, 3/3]", "[1/1]")
        makefile = (fork.root / "Makefile").read_text()
        (fork.root / "Makefile").write_text(SLOW_LINTERS.sub("", makefile))
        fork.commit()
        yield fork
    for model in (MODEL, OTHER):
        docker("rmi", "--force", f"{model}:dev", check=False)


@pytest.fixture(scope="module")
def identity() -> Iterator[dict[str, str]]:
    """What a job is given to prove which one it is."""
    with identities(CLAIMS) as variables:
        yield variables


@pytest.fixture(scope="module")
def hub(
    registered: str, folder: Path, state: State, key: dict[str, str], identity: dict[str, str]
) -> Hub:
    """What is there of GitHub, whatever repository runs its workflows."""
    registry = registered.partition("/")[0]
    database = serve_database(registry, [], folder)["TRIVY_DB_REPOSITORY"]
    machines = '[{"architecture": "amd64", "runner": "ubuntu-24.04"}]'
    return Hub(
        folder, state, {**key, **identity, "TRIVY_DB_REPOSITORY": database},
        {"REGISTRY": registered, "MACHINES": machines},
    )  # fmt: skip


@pytest.fixture(scope="module")
def act(fork: Fork, hub: Hub, registered: str) -> Act:
    """Workflows of the fork; the other model is published as it is."""
    publish_as_it_is(OTHER, fork, Registry(f"{registered}/{OTHER}"))
    hub.environment["MYPY_CACHE_DIR"] = str(git.TOOL / ".mypy_cache")
    return Act(fork, *hub)


@pytest.fixture
def published(registered: str) -> Registry:
    """What the registry holds of the model that changes."""
    return Registry(f"{registered}/{MODEL}")


def publish_as_it_is(model: str, fork: Checkout, target: Registry) -> None:
    """Have an image that says it was made from what the fork holds now."""
    labels = {"model-images.inputs": plan(model, fork.models, fork.root).image.hash}
    image = oci_archive(fork.root.parent / "image.tar", {"made": b"before"}, labels)
    target.push(image)
    target.tag(image, "main")
