"""When an image is older than what serves, and what is done where that is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship.deploy import golden_check, rollout
from ship.deploy.engine_image import RunnableImage
from ship.deploy.rollout import deploy
from ship.deploy.settings import Settings
from ship.errors import StageError
from ship.pipeline.publish import publish
from ship.registry.layout import Layout
from ship.tags import Tag
from tests.ship.deploy.kubernetes.cluster import Cluster
from tests.ship.deploy.memory import Memory
from tests.support.images.oci_archives import MakeArchive

OLD, NEW, SAME = "2026-01-31T23:00:00Z", "2026-02-01T00:30:00+01:00", "2026-01-31T23:30:00Z"


@pytest.fixture
def layout(tmp_path: Path, make_archive: MakeArchive) -> Layout:
    """Where iris is published: an old image, a new one, one of the same date, one of no date."""
    images = Layout(tmp_path / "layout")
    for name, created in {"old": OLD, "new": NEW, "same": SAME, "undated": "yesterday"}.items():
        publish(make_archive(name, created=created), [Tag(name)], images)
    return images


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing come into an engine, and every example be answered."""

    def fetch(_: object, model: str, digest: str) -> RunnableImage:
        return RunnableImage(model, digest, f"ghcr.io/owner/{model}@{digest}")

    monkeypatch.setattr(rollout, "fetch", fetch)
    monkeypatch.setattr(golden_check, "ask_examples", lambda *_, **__: None)


def forget(layout: Layout, tag: str) -> None:
    """Delete what a tag leads to, as a registry is pruned."""
    (layout.folder / "blobs" / str(layout.resolve(tag)).replace(":", "/")).unlink()


def test_older_image_takes_the_word(layout: Layout) -> None:
    """An older image is refused with both dates; OLDER=yes deploys it."""
    target = Memory()
    deploy(target, layout, "iris", "new")
    reason = r"2026-01-31 23:30 UTC\. It was made 2026-01-31 23:00 UTC instead\. .*OLDER=yes"
    with pytest.raises(StageError, match=f"refused, and nothing was changed: .*{reason}"):
        deploy(target, layout, "iris", "old")
    deploy(target, layout, "iris", "old", older=True)
    assert target.rolled_out == [layout.resolve("new"), layout.resolve("old")]


def test_nothing_is_older_than_nothing_itself_or_its_date(layout: Layout) -> None:
    """A first deploy, the same image and another of the same date need no OLDER=yes."""
    target = Memory()
    for tag in ("old", "old", "new", "same", "new"):
        deploy(target, layout, "iris", tag)
    assert target.serving("iris") == layout.resolve("new")


@pytest.mark.parametrize("serving", ["new", "undated"])
def test_unknown_date_takes_the_word(layout: Layout, serving: str) -> None:
    """If either image names no date, the deploy needs OLDER=yes."""
    target = Memory()
    deploy(target, layout, "iris", serving)
    other = {"new": "undated", "undated": "new"}[serving]
    with pytest.raises(StageError, match=r"is not known here: .*OLDER=yes"):
        deploy(target, layout, "iris", other)
    deploy(target, layout, "iris", other, older=True)


def test_history_remembers_the_date_of_what_was_deleted(layout: Layout) -> None:
    """The date of what serves is in the history, even if the registry has deleted it."""
    target = Memory()
    deploy(target, layout, "iris", "same")
    forget(layout, "same")
    with pytest.raises(StageError, match="It was made 2026-01-31 23:00 UTC instead"):
        deploy(target, layout, "iris", "old")
    deploy(target, layout, "iris", "new")


def test_image_that_is_in_neither_place_takes_the_word(layout: Layout) -> None:
    """If what serves is dated in neither history nor registry, the deploy needs OLDER=yes."""
    target = Memory()
    target.rolled_out.append(str(layout.resolve("old")))
    deploy(target, layout, "iris", "new")
    target.rolled_out.append(str(layout.resolve("old")))
    forget(layout, "old")
    with pytest.raises(StageError, match="is not known here: neither the history nor oci:"):
        deploy(target, layout, "iris", "new")


@pytest.mark.engine
def test_cluster_refuses_an_older_image(layout: Layout) -> None:
    """Kubernetes refuses an older image too, by the history in its namespace."""
    target = Cluster(Settings(target="kubernetes", gateway="http://models.example.com"))
    deploy(target, layout, "iris", "new")
    forget(layout, "new")
    with pytest.raises(StageError, match="OLDER=yes"):
        deploy(target, layout, "iris", "old")
    assert target.serving("iris") == layout.resolve("new")
    assert target.entries()[-1].result == "refused"
    deploy(target, layout, "iris", "old", older=True)
    assert target.serving("iris") == layout.resolve("old")
