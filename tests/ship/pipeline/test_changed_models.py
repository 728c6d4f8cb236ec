"""Which models are to be built: the published image's label against the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ship.build.inputs import plan
from ship.errors import StageError, UsageError
from ship.pipeline.changed_models import ModelChange, changes, released_models
from ship.pipeline.publish import publish
from ship.registry.destination import destination
from ship.tags import Tag
from tests.support.checkouts.checkout import Checkout
from tests.support.images.oci_archives import oci_archive

Publish = Callable[..., None]


@pytest.fixture(params=["layout", pytest.param("registry", marks=pytest.mark.engine)])
def published_to(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Publish to a destination of each kind."""
    monkeypatch.delenv("REGISTRY", raising=False)
    if request.param == "registry":
        address = request.getfixturevalue("registry")
        monkeypatch.setenv("REGISTRY", f"{address}/{tmp_path.name.lower()}")


@pytest.fixture
def publish_iris(checkout: Checkout, tmp_path: Path, published_to: None) -> Publish:
    """Publish an image that is labelled with what iris is made from now."""
    checkout.commit(model__iris__estimator_dot_py="one", README="one")

    def publish_now(tag: str = "main") -> None:
        labels = {"model-images.inputs": plan("iris", checkout.models, checkout.root).image.hash}
        archive = oci_archive(tmp_path / "image.tar", {"a": b"a"}, labels)
        publish(archive, [Tag(tag)], destination("iris", checkout.root / "dist"))

    return publish_now


def reason(checkout: Checkout) -> str:
    """Return why iris is to be built."""
    ((_, why),) = changes(["iris"], checkout.models, checkout.root)
    return why


def test_unpublished_model_is_built(checkout: Checkout, publish_iris: Publish) -> None:
    """A model that was never published is built."""
    assert "nothing is published" in reason(checkout)


def test_unrelated_commit_builds_nothing(checkout: Checkout, publish_iris: Publish) -> None:
    """A commit that touches none of a model's inputs leaves its published image as it is."""
    publish_iris()
    checkout.commit(README="two")
    assert reason(checkout) == ""


def test_rebased_commit_builds_nothing(checkout: Checkout, publish_iris: Publish) -> None:
    """The same files under another history are the same inputs."""
    publish_iris()
    checkout.git("commit", "--amend", "--quiet", "--date=2001-01-01T00:00:00", "--message=Other")
    assert reason(checkout) == ""


def test_changed_model_is_built(checkout: Checkout, publish_iris: Publish) -> None:
    """An edit of the model's folder is named as the reason."""
    publish_iris()
    checkout.commit(model__iris__estimator_dot_py="two")
    assert "its inputs differ" in reason(checkout)


@pytest.mark.engine
def test_registry_that_cannot_be_read_builds(
    checkout: Checkout, publish_iris: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody can tell what is published, the model is built rather than left out."""
    monkeypatch.setenv("REGISTRY", "127.0.0.1:9/owner")
    assert "what is published cannot be read" in reason(checkout)


def test_release_refuses_a_version_that_is_taken(checkout: Checkout, publish_iris: Publish) -> None:
    """A version that is published already is refused before anything is built."""
    publish_iris("1.2.3")
    assert released_models(["iris"], "v1.2.3", checkout.models, checkout.root) == [
        ModelChange("iris", "v1.2.3 releases it")
    ]
    checkout.commit(model__iris__estimator_dot_py="two")
    with pytest.raises(StageError, match=r"iris:1\.2\.3 is published and must stay what it is"):
        released_models(["iris"], "v1.2.3", checkout.models, checkout.root)


@pytest.mark.parametrize(
    ("tag", "models"), [("v1.2.3", ["iris", "wine"]), ("wine-v1.2.3-rc.1", ["wine"])]
)
def test_release_builds_what_its_tag_names(
    tag: str, models: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A plain version releases every model; one with a name releases that model."""
    monkeypatch.delenv("REGISTRY", raising=False)
    changed = released_models(["iris", "wine"], tag, tmp_path / "model", tmp_path)
    assert changed == [ModelChange(model, f"{tag} releases it") for model in models]


@pytest.mark.parametrize("tag", ["v1.2", "1.2.3", "beer-v1.2.3", "wine-1.2.3"])
def test_release_refuses_a_tag_that_is_no_version(tag: str) -> None:
    """A tag with a slip in it is named, with the two forms that work."""
    with pytest.raises(UsageError, match=rf"Got {tag} instead"):
        released_models(["iris", "wine"], tag)
