"""The words themselves, on images in a real registry: what is signed serves, nothing else does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.bundle import read
from ship import git
from ship.build.workspace import Workspace
from ship.deploy import commands
from ship.deploy.golden_check import post
from ship.errors import UsageError
from ship.pipeline.publish import publish
from ship.registry.remote import Registry
from ship.tags import Tag
from tests.image.container import docker
from tests.support.images.signing import make_key
from tests.support.images.trivy_files import pass_scan
from tests.support.images.variants import variant
from tests.support.names import RUN, free_address


class Words:
    """The words of the Makefile on iris, in a deployment of their own."""

    def __init__(self, registry: str, folder: Path) -> None:
        self.published = Registry(f"{registry}/{folder.name.lower()}/iris")
        self.address = free_address()
        self.settings = {
            "MODEL": "iris",
            "REGISTRY": f"{registry}/{folder.name.lower()}",
            "PROJECT": f"words-{RUN}",
            "LISTEN": self.address,
            "PROMETHEUS_LISTEN": free_address(),
            "STATE": str(folder / "state"),
            "RATE": "20",
        }

    def __call__(self, word: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command of make with the settings of this deployment."""
        settings = [f"{name}={value}" for name, value in {**self.settings, **more}.items()]
        command = ["make", word, *settings]
        return subprocess.run(command, cwd=git.TOOL, capture_output=True, text=True, check=False)


@pytest.fixture
def make(registry: str, tmp_path: Path) -> Iterator[Words]:
    """The words, and an end to what they deployed."""
    words = Words(registry, tmp_path)
    yield words
    assert words("undeploy", MODEL="").returncode == 0
    docker("volume", "rm", f"{words.settings['PROJECT']}_metrics")


@pytest.mark.engine
@pytest.mark.nightly
def test_deploy_lets_what_is_signed_serve_and_refuses_the_rest(
    make: Words, images: dict[str, Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signed image serves; an unsigned one is refused with the reason, and changes nothing."""
    build = images["iris"]
    make_key(tmp_path / "key", monkeypatch)
    signed = variant(build.archive, tmp_path / "signed.tar", StopSignal="SIGTERM")
    pass_scan(signed)
    publish(signed, [Tag("main")], make.published)
    deployed = make("deploy")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert f"verified {signed.digest}: bytes, signature, SBOM" in deployed.stdout

    monkeypatch.delenv("COSIGN_KEY")
    publish(build.archive, [Tag("unsigned")], make.published)
    refused = make("deploy", TAG="unsigned")
    assert refused.returncode != 0
    assert f"{build.archive.digest}: refused, and nothing was changed" in refused.stderr
    assert "must carry a valid signature" in refused.stderr

    example = read(build.bundle).examples[0]
    status, answer = post(f"http://{make.address}/iris/predict", {"features": example.features})
    assert (status, answer["prediction"]) == (200, example.prediction)
    statuses = [post(f"http://{make.address}/iris/predict", {})[0] for _ in range(100)]
    assert {422, 429} <= set(statuses)
    status, answer = post(f"http://{make.address}/iris/predict", {"features": "x" * 5_000_000})
    assert (status, answer["error"]) == (413, "The router answers 413 for /iris/predict.")
    listed = make("history").stdout
    assert [
        word for word in ("serving", "refused", signed.digest[7:19]) if word not in listed
    ] == []
    assert make("undeploy").returncode == 0
    assert post(f"http://{make.address}/iris/predict", {"features": example.features})[0] == 404


def test_deploy_by_compose_is_refused_on_a_machine_that_is_gone_afterwards(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A workflow whose deploys have no runner of their own would serve nobody, and turn green."""
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    monkeypatch.setenv("STATE", str(tmp_path / "state"))
    monkeypatch.delenv("TARGET", raising=False)
    with pytest.raises(UsageError, match=r"must run on the machine that serves\. Got one of"):
        commands.deploy(["iris"], "main")
    assert not (tmp_path / "state").exists()
