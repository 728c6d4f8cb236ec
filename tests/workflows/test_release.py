"""release.yml, run as it is: what main published gets a version, once, with its papers."""

from __future__ import annotations

import json

import pytest

from ship.registry.remote import Registry
from ship.supply_chain.verify import verify
from tests.support.checkouts.fork import make_unique
from tests.workflows.act import Act
from tests.workflows.conftest import MODEL, OTHER

pytestmark = [pytest.mark.engine, pytest.mark.nightly]
TAG = f"{MODEL}-v1.2.3"
EVENT = {"ref": f"refs/tags/{TAG}", "repository": {"private": False, "visibility": "public"}}
PUSH = {"ref": "refs/heads/main", "repository": {"private": False, "visibility": "public"}}
# What main does with models, without the tool's own tests.
MAIN = """\
on: {push: {branches: [main]}}
permissions: {}
jobs:
  models:
    permissions: {contents: read, security-events: write, packages: write, id-token: write, attestations: write}
    uses: ./.github/workflows/pipeline.yml
    with: {folder: model}
"""  # noqa: E501
PLAN = "release/Plan which models are released"


def tags(registry: Registry) -> dict[str, str | None]:
    """Return the tags of a registry, with the digest of each, but for those of signatures."""
    names = [tag for tag in registry.tags() if not tag.startswith("sha256-")]
    return {tag: registry.resolve(tag) for tag in names}


def of_tag(tag: str) -> dict[str, object]:
    """Return the event of a pushed tag."""
    return {**EVENT, "ref": f"refs/tags/{tag}"}


def test_tag_gives_what_main_published_its_version(act: Act, published: Registry) -> None:
    """Refused before main has published; then the very digest gets every tag, and its papers.

    To run all jobs again changes nothing, and neither does a release candidate beyond its own tag.
    """
    act.state.permissions = {"contents": "write"}
    other = Registry(str(published).replace(MODEL, OTHER))
    before = tags(other)
    make_unique(act.fork.root / "model" / MODEL / "estimator.py")
    (act.fork.root / ".github/workflows/main.yml").write_text(MAIN)
    act.fork.commit()
    act.fork.git("tag", TAG)
    act.fork.edit(".github/workflows/release.yml", "WAIT: 1800", "WAIT: 1")
    act.fork.git("update-index", "--assume-unchanged", ".github/workflows/release.yml")

    run = act.run("push", "release.yml", EVENT)
    assert run.results[PLAN] == "success"
    assert "failure" in run.results.values()
    assert "Wait until the run of main for that commit has ended" in run.log
    assert tags(published) == {}

    run = act.run("push", "main.yml", PUSH)
    assert "failure" not in run.results.values(), run.log
    digest = published.resolve("main")
    run = act.run("push", "release.yml", EVENT)
    assert set(run.results.values()) == {"success"}, run.results
    assert digest is not None
    assert {published.resolve(tag) for tag in ("1.2.3", "1.2", "1", "latest")} == {digest}
    verified = verify(published, digest, MODEL, "1.2.3", "1.2", "1", "latest")
    assert str(verified) == f"{digest}: bytes, signature, SBOM"
    files = {file.name: file for file in (act.releases / TAG).iterdir()}
    assert set(files) == {
        f"{MODEL}-card.md",
        f"{MODEL}-provenance.jsonl",
        f"{MODEL}-amd64.spdx.json",
        f"{MODEL}-amd64-measurement.json",
        *(f"{MODEL}-amd64-report.{form}" for form in ("md", "html", "json")),
    }
    card = files[f"{MODEL}-card.md"].read_text()
    for claims in (f"model={MODEL}", f"model={MODEL} --annotations=version=1.2.3"):
        assert f"--insecure-ignore-tlog --annotations={claims} {published}:1.2.3@{digest}" in card
    assert digest in files[f"{MODEL}-provenance.jsonl"].read_text()
    reported = json.loads(files[f"{MODEL}-amd64-report.json"].read_bytes())
    assert reported["model"] == MODEL

    after = tags(published)
    act.state.releases.append({"id": 1, "tag_name": TAG, "draft": False, "html_url": "here"})
    assert set(act.run("push", "release.yml", EVENT).results.values()) == {"success"}
    candidate = f"{MODEL}-v2.0.0-rc.1"
    act.fork.git("tag", candidate)
    assert set(act.run("push", "release.yml", of_tag(candidate)).results.values()) == {"success"}
    assert tags(published) == {**after, "2.0.0-rc.1": digest}
    assert "--prerelease" in (act.releases / f"{candidate}.options").read_text()
    assert tags(other) == before


def test_version_that_exists_is_never_overwritten(act: Act, published: Registry) -> None:
    """A tag that was moved to other code is refused at once; no tag and no release changes."""
    before = tags(published)
    released = sorted(act.releases.iterdir())
    act.fork.git("checkout", "--quiet", "main")
    make_unique(act.fork.root / "serve" / "__init__.py")
    act.fork.commit()
    act.fork.git("tag", "--force", TAG)
    run = act.run("push", "release.yml", EVENT)
    assert run.results == {PLAN: "failure"}
    assert "1.2.3 is published and must stay what it is" in run.log
    assert tags(published) == before
    assert sorted(act.releases.iterdir()) == released


def test_tag_that_is_no_version_publishes_nothing(act: Act, published: Registry) -> None:
    """A slip in a tag is told before anything is built."""
    before = tags(published)
    act.fork.git("tag", "v1.2")
    run = act.run("push", "release.yml", of_tag("v1.2"))
    assert run.results == {PLAN: "failure"}
    assert "A release must be tagged v1.2.3" in run.log
    assert tags(published) == before
