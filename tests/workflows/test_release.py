"""release.yml, run as it is: a version is published once, with all that goes with it."""

from __future__ import annotations

import pytest

from ship.registry.remote import Registry
from ship.supply_chain.verify import verify
from tests.support.checkouts.fork import make_unique
from tests.workflows.act import Act
from tests.workflows.conftest import MODEL, OTHER

pytestmark = [pytest.mark.engine, pytest.mark.nightly]
TAG = f"{MODEL}-v1.2.3"
EVENT = {"ref": f"refs/tags/{TAG}", "repository": {"private": False, "visibility": "public"}}


def tags(registry: Registry) -> dict[str, str | None]:
    """Return the tags of a registry, with the digest of each."""
    return {tag: registry.resolve(tag) for tag in registry.tags()}


def test_tag_publishes_its_version_and_a_release(act: Act, published: Registry) -> None:
    """One model's tag leads to its signed image under every tag of the version, and its papers."""
    other = Registry(str(published).replace(MODEL, OTHER))
    before = tags(other)
    make_unique(act.fork.root / "model" / MODEL / "estimator.py")
    act.fork.commit()
    act.fork.git("tag", TAG)
    act.fork.git("checkout", "--quiet", TAG)

    run = act.run("push", "release.yml", EVENT)

    assert set(run.results.values()) == {"success"}, run.results
    digest = published.resolve("1.2.3")
    assert digest is not None
    assert {published.resolve(tag) for tag in ("1.2", "1", "latest")} == {digest}
    verified = verify(published, digest, MODEL, "1.2.3", "1.2", "1", "latest")
    assert str(verified) == f"{digest}: bytes, signature, SBOM"
    assert tags(other) == before
    files = {file.name: file for file in (act.releases / TAG).iterdir()}
    assert set(files) == {
        f"{MODEL}-card.md",
        f"{MODEL}-provenance.jsonl",
        f"{MODEL}-amd64.spdx.json",
        f"{MODEL}-amd64-measurement.json",
        *(f"{MODEL}-amd64-report.{form}" for form in ("md", "html", "json")),
    }
    card = files[f"{MODEL}-card.md"].read_text()
    claims = f"--annotations=model={MODEL} --annotations=version=1.2.3"
    assert (
        f"cosign verify --key cosign.pub --insecure-ignore-tlog {claims} {published}:1.2.3@{digest}"
        in card
    )
    assert digest in files[f"{MODEL}-provenance.jsonl"].read_text()


def test_version_that_exists_is_never_overwritten(act: Act, published: Registry) -> None:
    """A tag that was moved to other code is refused at once; no tag and no release changes."""
    before = tags(published)
    released = sorted(act.releases.iterdir())
    act.fork.git("checkout", "--quiet", "main")
    make_unique(act.fork.root / "serve" / "__init__.py")
    act.fork.commit()
    act.fork.git("tag", "--force", TAG)
    run = act.run("push", "release.yml", EVENT)
    assert run.results == {"release/Plan which models are released": "failure"}
    assert "1.2.3 is published and must stay what it is" in run.log
    assert tags(published) == before
    assert sorted(act.releases.iterdir()) == released


def test_tag_that_is_no_version_publishes_nothing(act: Act, published: Registry) -> None:
    """A slip in a tag is told before anything is built."""
    before = tags(published)
    act.fork.git("tag", "v1.2")
    event = {**EVENT, "ref": "refs/tags/v1.2"}
    run = act.run("push", "release.yml", event)
    assert run.results == {"release/Plan which models are released": "failure"}
    assert "A release must be tagged v1.2.3" in run.log
    assert tags(published) == before
