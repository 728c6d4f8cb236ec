"""ci.yml, run as it is: pull requests, forks, and pushes to main; good models and bad ones."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ship.github.tested_tree import RECORD, tree
from ship.registry.remote import Registry
from ship.supply_chain import provenance
from ship.supply_chain.verify import verify
from tests.support.checkouts.checkout import Checkout
from tests.support.checkouts.fork import make_unique
from tests.support.github.fake import REPOSITORY, State
from tests.workflows.act import Act, Run
from tests.workflows.conftest import MODEL, OTHER, publish_as_it_is

pytestmark = pytest.mark.engine

PUSH = {"ref": "refs/heads/main", "repository": {"private": False, "visibility": "public"}}
GATE = "ci/Everything that had to pass has passed"
TRAIN = f"Make/model/Train and judge {MODEL}"
IMAGE = f"Make/model/Build and test {MODEL} on amd64"
FORGER = f'''\
"""What a model's code may try where it runs beside the tests: leave an image for others."""

import os
from pathlib import Path


def test_forger() -> None:
    """Take the name that the image of another architecture would have."""
    folder = Path(os.environ["ARTIFACTS"], "image-{MODEL}-arm64")
    folder.mkdir()
    (folder / "image.tar").write_bytes(b"forged")
'''
ENTRYPOINT = 'ENTRYPOINT ["python", "-m", "serve"]'


def pull_request(state: State, *, fork: bool = False) -> dict[str, Any]:
    """Open a pull request; return the event of it."""
    head = state.pull("a1b2", branch=f"change-{len(state.pulls)}")
    head["repo"]["fork"] = fork
    number = len(state.pulls)
    return {
        "number": number,
        "pull_request": {"number": number, "head": head, "labels": []},
        "repository": {"private": False, "visibility": "public"},
    }


def named(run: Run, word: str) -> list[str]:
    """Return the jobs of a run whose names hold a word."""
    return [name for name in run.results if word in name]


def edit_estimator(fork: Checkout) -> None:
    """Commit an estimator that nobody has trained yet."""
    make_unique(fork.root / "model" / MODEL / "estimator.py")
    fork.commit()


@pytest.fixture
def spoiled(act: Act) -> Iterator[Checkout]:
    """The fork, for a change that is undone afterwards."""
    before = act.fork.git("rev-parse", "HEAD")
    yield act.fork
    act.fork.git("reset", "--quiet", "--hard", before)


def test_push_to_main_publishes_what_has_changed(act: Act, published: Registry) -> None:
    """The changed model's tested bytes are tagged and signed; the other is not touched.

    What another job has left among the artifacts is not looked at.
    """
    other = Registry(str(published).replace(MODEL, OTHER))
    before = {tag: other.resolve(tag) for tag in other.tags()}
    act.fork.commit(tests__ship__files__test_forger_dot_py=FORGER)
    edit_estimator(act.fork)
    sha = act.fork.git("rev-parse", "HEAD")
    assert published.tags() == []

    run = act.run("push", "ci.yml", PUSH)

    assert set(run.results.values()) == {"success"}, run.results
    assert named(run, OTHER) == []
    assert (act.artifacts / f"image-{MODEL}-arm64/image.tar").read_bytes() == b"forged"
    tested = json.loads((act.artifacts / f"image-{MODEL}-amd64/tested.json").read_bytes())
    for tag in ("main", f"sha-{sha[:12]}"):
        assert published.resolve(tag) == tested["digest"]
    verified = verify(published, tested["digest"], MODEL, "main", f"sha-{sha[:12]}")
    assert str(verified) == f"{tested['digest']}: bytes, signature, SBOM"
    assert {tag: other.resolve(tag) for tag in other.tags()} == before
    assert MODEL in (act.artifacts / "report" / "summary.md").read_text()


@pytest.mark.nightly
def test_push_that_changes_no_model_builds_none(act: Act, published: Registry) -> None:
    """A commit of documentation is planned and tested, and the registry stays as it is."""
    if not published.tags():  # where this test runs without the push before it
        publish_as_it_is(MODEL, act.fork, published)
    before = {tag: published.resolve(tag) for tag in published.tags()}
    act.fork.commit(README_dot_md="Other words")
    run = act.run("push", "ci.yml", PUSH)
    assert named(run, "Make") == []
    assert run.results[GATE] == "success"
    assert {tag: published.resolve(tag) for tag in published.tags()} == before


@pytest.mark.nightly
def test_tree_that_has_passed_is_not_tested_again(
    act: Act, state: State, published: Registry, spoiled: Checkout
) -> None:
    """Main makes and publishes a changed model at once where the tool has passed before."""
    edit_estimator(spoiled)
    state.upload(f"{RECORD}{tree(spoiled.root)}", b"")
    state.artifacts[-1]["workflow_run"] = {"repository_id": 1, "head_repository_id": 1}
    before = published.tags()
    run = act.run("push", "ci.yml", PUSH)
    assert set(run.results.values()) == {"success"}, run.results
    assert named(run, "Lint everything") == named(run, "Test the repository") == []
    assert run.results[GATE] == "success"
    assert len(published.tags()) > len(before)


@pytest.mark.nightly
def test_pull_request_of_a_fork_is_built_tested_and_reported_on(
    act: Act, state: State, published: Registry, spoiled: Checkout
) -> None:
    """A stranger's change is compared with what is published, and publishes nothing."""
    before = published.tags()
    edit_estimator(spoiled)
    run = act.run("pull_request", "ci.yml", pull_request(state, fork=True))
    assert set(run.results.values()) == {"success"}, run.results
    assert named(run, "Publish") == []
    assert published.tags() == before
    summary = (act.artifacts / "report" / "summary.md").read_text()
    assert MODEL in summary
    assert str(published.resolve("main"))[7:19] in summary
    assert not (act.artifacts / "sarif" / f"{MODEL}-amd64.sarif").exists()


@pytest.mark.nightly
def test_findings_that_github_does_not_take_fail_nothing(
    act: Act, state: State, spoiled: Checkout
) -> None:
    """A fork's own pull request shows its findings, or not; Trivy needs no stranger's action."""
    edit_estimator(spoiled)
    event = pull_request(state, fork=True)
    event["pull_request"]["head"]["repo"]["full_name"] = REPOSITORY
    alone = replace(
        act,
        variables={**act.variables, "TRIVY_ACTION": "no"},
        environment={**act.environment, "CODE_SCANNING": "off"},
    )
    run = alone.run("pull_request", "ci.yml", event, "--job=models")
    assert run.results[IMAGE] == "success"
    assert "Code Scanning is not enabled for this repository" in run.log
    assert "Main aquasecurity/trivy-action" not in run.log


@pytest.mark.nightly
def test_pull_request_under_the_gate_is_red_and_says_why(
    act: Act, state: State, spoiled: Checkout
) -> None:
    """A model that fails its gate is not built; its report is there all the same."""
    spoiled.edit(f"model/{MODEL}/model.toml", "accuracy = { min = 0.9,", "accuracy = { min = 1,")
    spoiled.commit()
    run = act.run("pull_request", "ci.yml", pull_request(state))
    assert run.results[TRAIN] == "failure"
    assert IMAGE not in run.results
    report = (act.artifacts / f"report-{MODEL}" / "report.md").read_text()
    assert f"{MODEL}: failed: accuracy must be at least 1" in report


@pytest.mark.nightly
def test_pull_request_with_an_image_that_does_not_serve_is_red(
    act: Act, state: State, spoiled: Checkout
) -> None:
    """An image that fails its smoke tests is never handed on."""
    spoiled.edit("Dockerfile", ENTRYPOINT, 'ENTRYPOINT ["python", "-V"]')
    shutil.rmtree(spoiled.root / "model" / OTHER)  # which a new Dockerfile would build too
    spoiled.commit()
    run = act.run("pull_request", "ci.yml", pull_request(state))
    assert run.results[TRAIN] == "success"
    assert run.results[IMAGE] == "failure"
    assert not (act.artifacts / f"image-{MODEL}-amd64").exists()


@pytest.mark.nightly
def test_pull_request_that_lints_badly_is_stopped_by_the_gate(
    act: Act, state: State, spoiled: Checkout
) -> None:
    """One red job is enough for the one check that branches require."""
    spoiled.commit(tests__spoiled_dot_py="import   os")
    run = act.run("pull_request", "ci.yml", pull_request(state))
    assert run.results["ci/Lint everything"] == "failure"
    assert named(run, "Make") == []
    assert run.results[GATE] == "failure"


@pytest.mark.nightly
def test_credentials_of_data_reach_the_training_where_github_gives_them(
    act: Act, state: State, spoiled: Checkout
) -> None:
    """A database is asked with the repository's secret; a fork's pull request has none, and why.

    Neither database exists: what the step that reads the rows says tells what it was given.
    """
    toml = spoiled.root / "model" / MODEL / "model.toml"
    data = re.compile(r"^source = .*\n", re.MULTILINE)
    toml.write_text(data.sub('query = "SELECT * FROM flowers"\n', toml.read_text()))
    spoiled.commit()
    option = "--secret=DATABASE_URL=postgresql://reader:planted-word@127.0.0.1:1/shop"
    run = act.run("pull_request", "ci.yml", pull_request(state), "--job=models", option)
    assert run.results[TRAIN] == "failure"
    assert "port 1 failed: Connection refused" in run.log
    assert "planted-word" not in run.log
    run = act.run("pull_request", "ci.yml", pull_request(state, fork=True), "--job=models")
    assert run.results[TRAIN] == "failure"
    assert "DATABASE_URL must be set, as there is a data.query" in run.log


@pytest.mark.nightly
def test_private_repository_publishes_with_its_own_key_and_in_no_log(
    act: Act, published: Registry, spoiled: Checkout, key: dict[str, str]
) -> None:
    """Where the plan has no attestations, cosign makes the provenance; GitHub's step never runs."""
    key_file, public_key = Path(key["COSIGN_KEY"]), Path(key["COSIGN_PUBLIC_KEY"])
    shutil.copy(public_key, spoiled.root / "cosign.pub")
    edit_estimator(spoiled)
    environment = {name: value for name, value in act.environment.items() if name not in key}
    private = replace(act, environment=environment)
    event = {**PUSH, "repository": {"private": True, "visibility": "private"}}
    secrets = (f"--secret=COSIGN_PRIVATE_KEY={key_file.read_text()}", "--secret=COSIGN_PASSWORD=")

    run = private.run("push", "ci.yml", event, *secrets)

    assert set(run.results.values()) == {"success"}, run.results
    digest = published.resolve("main")
    assert digest is not None
    assert str(verify(published, digest, MODEL, "main")) == f"{digest}: bytes, signature, SBOM"
    assert provenance.described(f"{published}@{digest}") == "provenance by cosign"
    (asset,) = act.artifacts.glob(f"assets-{MODEL}/*-provenance.jsonl")
    assert json.loads(asset.read_text())["payloadType"] == "application/vnd.in-toto+json"
    assert "only GitHub can verify" not in run.log
    assert not (act.artifacts / "sarif").exists()
