"""deploy.yml, run as it is: only what the publisher signed is ever let serve."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ship import git
from ship.pipeline.publish import publish
from ship.registry.remote import Registry
from ship.tags import Tag, tag_of
from tests.conftest import BuildModel
from tests.image.container import docker
from tests.support.checkouts.fork import Fork
from tests.support.images.trivy_files import pass_scan
from tests.support.images.variants import variant
from tests.support.names import RUN, free_address
from tests.workflows.act import Act

pytestmark = [pytest.mark.engine, pytest.mark.nightly]
MODEL = "iris"
EVENT = {"inputs": {"models": MODEL, "tag": "main"}}
PLAN, JOB = "deploy/See what is to be deployed", "deploy/Verify, apply, test, and undo on failure"


@pytest.fixture(scope="module")
def fork(fork: Fork) -> Fork:
    """The fork, with the model whose image is published."""
    shutil.copytree(git.TOOL / "model" / MODEL, fork.root / "model" / MODEL,
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    fork.commit()
    return fork


@pytest.fixture(scope="module")
def serving(act: Act, folder: Path) -> Iterator[str]:
    """The address at which what the workflow deploys is served."""
    address, project = free_address(), f"workflow-{RUN}"
    act.variables |= {"DEPLOY_LISTEN": address}
    act.environment |= {
        "PROJECT": project,
        "PROMETHEUS_LISTEN": free_address(),
        "STATE": str(folder / "state"),
        "REPLICAS": "1",
    }
    yield f"http://{address}/{MODEL}"
    containers = docker("ps", "--quiet", f"--filter=label=com.docker.compose.project={project}")
    docker("rm", "--force", *containers.split())
    for kind in ("network", "volume"):
        named = docker(kind, "ls", "-q", f"--filter=label=com.docker.compose.project={project}")
        for name in named.split():
            docker(kind, "rm", name)


@pytest.fixture(scope="module")
def published(registered: str, act: Act, folder: Path, build_model: BuildModel) -> Registry:
    """The registry, with the model's signed image as main."""
    target = Registry(f"{registered}/{MODEL}")
    image = variant(build_model(MODEL).archive, folder / "signed.tar")
    pass_scan(image)
    publish(image, [Tag("main")], target)
    return target


def test_deploy_lets_the_signed_image_serve(act: Act, published: Registry, serving: str) -> None:
    """What the registry holds under the tag answers at the one address."""
    run = act.run("workflow_dispatch", "deploy.yml", EVENT)
    assert run.results == {PLAN: "success", JOB: "success"}, run.log
    assert requests.get(f"{serving}/ready", timeout=5).status_code == 200


def test_deploy_refuses_a_tampered_image(
    act: Act, published: Registry, serving: str, folder: Path, build_model: BuildModel
) -> None:
    """An image that somebody put under the tag is refused; what served before still serves."""
    before = requests.get(f"{serving}/metadata", timeout=5).json()
    tampered = variant(build_model(MODEL).archive, folder / "tampered.tar", User="0")
    published.push(tampered)
    published.tag(tampered, "main")
    run = act.run("workflow_dispatch", "deploy.yml", EVENT)
    assert run.results == {PLAN: "success", JOB: "failure"}
    assert "must carry a valid signature" in run.log
    assert requests.get(f"{serving}/metadata", timeout=5).json() == before
    containers = docker("ps", "--no-trunc", "--format={{.Image}}")
    assert tampered.digest not in containers


def after(sha: str, event: str = "push", conclusion: str = "success") -> dict[str, Any]:
    """Return the event of a run of ci that has ended."""
    run = {"name": "ci", "head_sha": sha, "event": event, "conclusion": conclusion,
           "head_branch": "main"}  # fmt: skip
    return {"action": "completed", "workflow_run": run}


def test_deploy_follows_what_a_push_to_main_has_published(
    act: Act, published: Registry, serving: str, folder: Path, build_model: BuildModel
) -> None:
    """A run of its own deploys the models of that commit; no other run of ci deploys anything."""
    sha = act.fork.git("rev-parse", "HEAD")
    image = variant(build_model(MODEL).archive, folder / "of-main.tar", StopSignal="SIGINT")
    pass_scan(image)
    publish(image, [Tag(tag_of(sha))], published)
    act.variables["DEPLOY_TARGET"] = "compose"
    for event in (after(sha, "pull_request"), after(sha, conclusion="failure")):
        assert JOB not in act.run("workflow_run", "deploy.yml", event).results
    run = act.run("workflow_run", "deploy.yml", after("f" * 40))
    assert run.results[PLAN] == "success"
    assert run.results.get(JOB) in (None, "skipped")
    run = act.run("workflow_run", "deploy.yml", after(sha))
    assert run.results == {PLAN: "success", JOB: "success"}, run.log
    assert f"verified {image.digest}" in run.log
