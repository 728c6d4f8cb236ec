"""Releases of what main has published: every version exactly once, however runs race or end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ship.errors import StageError
from ship.pipeline import promote as promoting
from ship.pipeline.papers import push_papers
from ship.pipeline.promote import Promoted, promote, read_papers, settle
from ship.pipeline.publish import publish
from ship.registry import papers
from ship.registry.destination import Destination
from ship.registry.layout import Layout
from ship.registry.oci_archive import Archive
from ship.registry.remote import Registry
from ship.supply_chain import cosign
from ship.tags import Tag, Version, inputs_tag, parse
from tests.support.images.passed_images import image_of, pass_everything
from tests.support.images.signing import make_key

MODEL, ONE, TWO = "iris", "1" * 64, "2" * 64
Make = Callable[[str], Archive]


class InterruptedTestError(Exception):
    """What a test throws to end a release in the middle."""


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return an image of some inputs that has passed every test."""

    def made(inputs: str) -> Archive:
        archive = image_of(tmp_path / inputs[0], MODEL, inputs, inputs)
        return pass_everything(archive, MODEL)

    return made


@pytest.fixture(params=["layout", pytest.param("registry", marks=pytest.mark.engine)])
def target(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Destination:
    """A fresh destination of each kind; in a registry, images are signed."""
    if request.param == "layout":
        return Layout(tmp_path / "layout" / MODEL)
    make_key(tmp_path / "key", monkeypatch)
    return Registry(f"{request.getfixturevalue('registry')}/{tmp_path.name.lower()}/{MODEL}")


@pytest.fixture
def checked_out(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Say what the inputs of the checked-out commit are."""

    def of(inputs: str) -> None:
        made = SimpleNamespace(image=SimpleNamespace(hash=inputs))
        monkeypatch.setattr(promoting, "plan", lambda _: made)

    monkeypatch.setattr(promoting, "tag_of_head", lambda _: "sha-0123456789ab")
    monkeypatch.setattr(promoting, "INTERVAL", 0.05)
    of(ONE)
    return of


def from_main(image: Archive, inputs: str, target: Destination) -> str:
    """Publish an image as main does, and return its digest."""
    push_papers(image, target)
    publish(image, [Tag(inputs_tag(inputs)), Tag("main")], target)
    return image.digest


def named(target: Destination, *tags: str) -> list[str | None]:
    """Return what tags name."""
    return [target.resolve(tag) for tag in tags]


def version(text: str) -> Version:
    """Return a version."""
    parsed = parse(f"v{text}", MODEL)
    assert parsed
    return parsed


def test_release_is_the_published_digest_under_new_tags(
    target: Destination, make: Make, checked_out: Callable[[str], None]
) -> None:
    """Nothing is built, and to release again, in whole or after any part of it, changes nothing."""
    digest = from_main(make(ONE), ONE, target)
    for _ in range(2):
        assert promote(MODEL, version("1.2.3"), target).digest == digest
        assert named(target, "1.2.3", "1.2", "1", "latest", "main") == [digest] * 5
    target.tag(make(TWO), "1.2") if isinstance(target, Layout) else None
    promote(MODEL, version("1.2.3"), target)
    assert named(target, "1.2.3", "1.2") == [digest] * 2


@pytest.mark.daily(1)
def test_pre_release_moves_no_series(
    target: Destination, make: Make, checked_out: Callable[[str], None]
) -> None:
    """A release candidate is published under its own name alone."""
    digest = from_main(make(ONE), ONE, target)
    promote(MODEL, version("2.0.0-rc.1"), target)
    assert named(target, "2.0.0-rc.1", "2.0", "2", "latest") == [digest, None, None, None]


@pytest.mark.daily(1)
def test_commit_that_main_has_not_published_is_refused(
    target: Destination, make: Make, checked_out: Callable[[str], None]
) -> None:
    """Another commit's image is not taken in its place, and the message says what to wait for."""
    from_main(make(TWO), TWO, target)
    before = target.tags()
    with pytest.raises(StageError, match=r"Wait until the run of main for that commit has ended"):
        promote(MODEL, version("1.0.0"), target)
    assert target.tags() == before


@pytest.mark.daily(1)
def test_release_that_is_quicker_than_main_waits_for_it(
    target: Destination, make: Make, checked_out: Callable[[str], None]
) -> None:
    """A tag that is pushed together with its commit is released once main has published."""
    image = make(ONE)
    main = threading.Timer(0.3, lambda: from_main(image, ONE, target))
    main.start()
    assert promote(MODEL, version("1.0.0"), target, wait=60).digest == image.digest
    main.join()
    assert named(target, "1.0.0", "latest", "main") == [image.digest] * 3


@pytest.mark.daily(1)
def test_version_of_another_digest_is_refused(
    target: Destination, make: Make, checked_out: Callable[[str], None]
) -> None:
    """A git tag that was moved releases nothing, and no tag of the registry moves."""
    digest = from_main(make(ONE), ONE, target)
    promote(MODEL, version("1.0.0"), target)
    from_main(make(TWO), TWO, target)
    checked_out(TWO)
    with pytest.raises(StageError, match=r"1\.0\.0 is published as .* must stay so"):
        promote(MODEL, version("1.0.0"), target)
    assert named(target, "1.0.0", "latest") == [digest] * 2


@pytest.mark.daily(1)
def test_tag_of_inputs_that_was_moved_is_refused(
    target: Destination, make: Make, checked_out: Callable[[str], None]
) -> None:
    """Whoever may write to the registry cannot have another image released."""
    from_main(make(ONE), ONE, target)
    other = make(TWO)
    from_main(other, TWO, target)
    target.tag(other, inputs_tag(ONE))
    with pytest.raises(StageError, match="must be made from the inputs that it names"):
        promote(MODEL, version("1.0.0"), target)
    assert target.resolve("1.0.0") is None


@pytest.mark.daily(1)
def test_release_that_ended_half_way_is_finished_by_the_next(
    target: Destination,
    make: Make,
    checked_out: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ended after the version's own tag, a run of the same tag sets the rest."""
    digest = from_main(make(ONE), ONE, target)

    def interrupt(*_: object) -> None:
        raise InterruptedTestError

    with monkeypatch.context() as patch:
        patch.setattr(promoting, "settle", interrupt)
        with pytest.raises(InterruptedTestError):
            promote(MODEL, version("1.0.0"), target)
    assert named(target, "1.0.0", "latest") == [digest, None]
    promote(MODEL, version("1.0.0"), target)
    assert named(target, "1.0.0", "1.0", "1", "latest") == [digest] * 4


@pytest.mark.daily(1)
def test_series_never_ends_at_an_older_release(
    target: Destination, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is overtaken between looking and writing looks again, and mends what it wrote."""
    old, new = make(ONE), make(TWO)
    for image, inputs in ((old, ONE), (new, TWO)):
        from_main(image, inputs, target)
    target.tag(old, "1.0.0")
    set_tag, overtaken = type(target).tag, list[str]()

    def late(self: Destination, image: Promoted, tag: str) -> None:
        if not overtaken:
            overtaken.append(tag)
            set_tag(self, new, "1.1.0")
            settle(MODEL, version("1.1.0"), self)
        set_tag(self, image, tag)

    monkeypatch.setattr(type(target), "tag", late)
    settle(MODEL, version("1.0.0"), target)
    assert overtaken == ["1.0"]
    assert named(target, "1.0.0", "1.0") == [old.digest] * 2
    assert named(target, "1.1.0", "1.1", "1", "latest") == [new.digest] * 4


def test_three_tags_at_once_are_each_published_once(target: Destination, make: Make) -> None:
    """Three runs that start together end with three versions and the newest in each series."""
    images = {"1.0.0": make(ONE), "1.0.1": make(TWO), "1.1.0": make("3" * 64)}
    for text, image in images.items():
        from_main(image, text, target)
    start, failures = threading.Barrier(3), []

    def run(text: str) -> None:
        start.wait()
        try:
            target.tag(images[text], text)
            settle(MODEL, version(text), target)
        except StageError as error:
            failures.append(error)

    runs = [threading.Thread(target=run, args=[text]) for text in images]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert failures == []
    assert named(target, *images) == [image.digest for image in images.values()]
    assert named(target, "1.0") == [images["1.0.1"].digest]
    assert named(target, "1.1", "1", "latest") == [images["1.1.0"].digest] * 3


@pytest.mark.daily(1)
def test_papers_are_those_that_were_published_with_the_image(
    target: Destination, make: Make, checked_out: Callable[[str], None]
) -> None:
    """What a release carries was written when the image was tested, and is about no other."""
    digest = from_main(make(ONE), ONE, target)
    verified = promote(MODEL, version("1.0.0"), target)
    files = read_papers(verified, target)
    assert {"amd64.spdx.json", "amd64-report.json", "amd64-measurement.json"} <= set(files)
    other = make(TWO)
    from_main(other, TWO, target)
    theirs = target.beside().resolve(papers.tag_of(other.digest))
    assert theirs is not None
    stolen = Promoted(theirs, target.beside().read(theirs))
    target.beside().tag(stolen, papers.tag_of(digest))
    with pytest.raises(Exception, match=f"must be about {digest}"):
        read_papers(verified, target)
    with pytest.raises(StageError, match="holds nothing of that"):
        read_papers(replace(verified, digest=f"sha256:{'0' * 64}"), target)


@pytest.mark.engine
def test_papers_and_versions_are_signed(
    registry: str,
    make: Make,
    checked_out: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Main's signature is what counts of an image and its papers; a release adds its version."""
    target = Registry(f"{registry}/{tmp_path.name.lower()}/{MODEL}")
    make_key(tmp_path / "key", monkeypatch)
    digest = from_main(make(ONE), ONE, target)
    own = promote(MODEL, version("1.0.0"), target).identity.claim
    claims = {own, own._replace(version="1.0.0")}
    assert cosign.signatures(str(target), digest).claims == claims
    promote(MODEL, version("1.0.0"), target)
    assert cosign.signatures(str(target), digest).claims == claims
    unsigned = papers.Papers(digest, {"amd64-report.json": b"{}"})
    target.beside().push(unsigned)
    target.beside().tag(unsigned, papers.tag_of(digest))
    with pytest.raises(StageError, match="must be signed as iris"):
        read_papers(promote(MODEL, version("1.0.0"), target), target)
