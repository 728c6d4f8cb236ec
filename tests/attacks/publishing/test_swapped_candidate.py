"""Number 4: a name in the engine was tested, and the tests were recorded for the archive.

Whoever pointed iris:candidate at another image, by intent or from another checkout of iris, had
that one tested. Images are loaded from the archive's verified blobs and run by id; names only
hold them.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ship import git
from ship.build import engine
from ship.build.workspace import PASSED_TESTS, Workspace
from ship.errors import ShipError, StageError
from ship.pipeline import stages
from ship.pipeline.stages import Run, run_stage
from ship.registry.oci_archive import Archive
from ship.supply_chain import passed_tests
from tests.image.container import docker
from tests.support.checkouts.fork import LONG_AGO, MODEL, Fork
from tests.support.images.oci_archives import oci_archive, tar
from tests.support.images.variants import variant
from tests.support.names import RUN

pytestmark = pytest.mark.engine
TAKEN = f"model-images-attack-{RUN}"  # the repository of all names that an attacker gives here
OWN = RUN.encode()  # in every layer, which the engine would share with another run, and take away


@pytest.fixture(autouse=True)
def no_images_left() -> Iterator[None]:
    """Take what these tests have named out of the engine again."""
    yield
    names = docker("images", "--format={{.Repository}}:{{.Tag}}", f"--filter=reference={TAKEN}*")
    for name in names.split():
        docker("rmi", "--force", name)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """Image A, which is to be tested."""
    made = make(tmp_path / "a", b"A")
    yield made
    engine.remove_names(made)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Archive]:
    """Image B, of the same model in another checkout."""
    made = make(tmp_path / "b", b"B")
    yield made
    engine.remove_names(made)


def make(folder: Path, content: bytes) -> Archive:
    """Return an image with that content in a new folder."""
    folder.mkdir()
    labels = {"content": content.decode(), "place": str(folder)}  # new in every run
    return oci_archive(folder / "image.tar", {"content.txt": content, "run.txt": OWN}, labels)


def content_of(image: str) -> bytes:
    """Read what a container of an image would see."""
    made = docker("create", "--pull=never", image, "no-command").strip()
    try:
        copied = subprocess.run(
            ["docker", "cp", f"{made}:/content.txt", "-"], capture_output=True, check=True
        )
    finally:
        docker("rm", made)
    with tarfile.open(fileobj=io.BytesIO(copied.stdout)) as archive:
        file = archive.extractfile("content.txt")
        assert file
        return file.read()


def held(archive: Archive) -> list[str]:
    """Return the names that hold anything for the place of an archive."""
    reference = f"--filter=reference={engine.HELD}:*-{engine.place(archive)}"
    return docker("images", "--format={{.Repository}}:{{.Tag}}", reference).split()


def test_name_that_leads_elsewhere_changes_nothing(archive: Archive, other: Archive) -> None:
    """Image A is tested although the name that holds it is moved to B before or meanwhile."""
    theirs = engine.load(other)
    docker("tag", theirs, engine.held(archive))
    ours = engine.load(archive)
    assert content_of(ours) == b"A"
    docker("tag", ours, f"{TAKEN}:keep")
    docker("tag", theirs, engine.held(archive))
    assert content_of(ours) == b"A"
    assert engine.load(archive) == ours


def test_name_that_is_removed_refuses_the_test(archive: Archive) -> None:
    """If A is removed from the engine, nothing runs in its place, and it is loaded again."""
    ours = engine.load(archive)
    docker("rmi", engine.held(archive))
    with pytest.raises(AssertionError, match="No such image"):
        content_of(ours)
    assert engine.load(archive) == ours
    assert content_of(ours) == b"A"


@pytest.mark.parametrize("store", ["containerd", "classic"])
def test_name_that_looks_like_an_id_is_none(
    archive: Archive, other: Archive, tmp_path: Path, store: str
) -> None:
    """If B is named sha256:<id of A>, that id still leads to A or to nothing."""
    name = {"containerd": archive.digest, "classic": archive.manifest["config"]["digest"]}[store]
    engine.write(other, f"library/{name}", tmp_path / "forged.tar")
    try:
        docker("load", "--quiet", f"--input={tmp_path / 'forged.tar'}")
        assert engine.id_of(archive) is None
        ours = engine.load(archive)
        assert content_of(ours) == b"A"
        assert content_of(engine.load(other)) == b"B"
    finally:
        docker("rmi", "--force", f"docker.io/library/{name}", check=False)


def test_archive_takes_over_no_name(archive: Archive, other: Archive) -> None:
    """An archive that calls itself another image is loaded under our name alone."""
    victim = f"{TAKEN}:victim"
    docker("tag", engine.load(other), victim)
    index = {"manifests": [{**archive.descriptor, "annotations": {
        engine.NAMED: f"docker.io/library/{victim}", "org.opencontainers.image.ref.name": victim,
    }}]}  # fmt: skip
    blobs = {f"blobs/{d.replace(':', '/')}": archive.blob(d) for d in archive.blobs}
    archive.path.write_bytes(tar({"index.json": json.dumps(index).encode(), **blobs}))
    named = Archive(archive.path)
    assert content_of(engine.load(named)) == b"A"
    assert content_of(victim) == b"B"


def test_archive_that_is_swapped_meanwhile_is_refused(archive: Archive, other: Archive) -> None:
    """Between reading the digest and loading the blobs, the file becomes another image's."""
    assert archive.descriptor
    assert archive.manifest
    shutil.copyfile(other.path, archive.path)
    with pytest.raises(ShipError, match="must"):
        engine.load(archive)
    assert held(archive) == []


@pytest.mark.nightly
def test_two_checkouts_test_two_images_at_the_same_time(archive: Archive, other: Archive) -> None:
    """Two checkouts that load, test and remove their images at once each test their own."""

    def test(mine: Archive) -> set[bytes]:
        seen = set()
        for _ in range(8):
            seen.add(content_of(engine.load(mine)))
            docker("tag", engine.load(mine), f"{TAKEN}:candidate")
            engine.remove_names(mine)
        return seen

    with ThreadPoolExecutor() as threads:
        assert list(threads.map(test, [archive, other])) == [{b"A"}, {b"B"}]


def test_two_checkouts_test_one_image_at_the_same_time(archive: Archive, tmp_path: Path) -> None:
    """Of two checkouts with equal images, the first to finish leaves the other's in the engine."""
    (tmp_path / "again").mkdir()
    again = Archive(shutil.copyfile(archive.path, tmp_path / "again" / "image.tar"))
    ours, theirs = engine.load(archive), engine.load(again)
    assert ours == theirs
    engine.remove_names(archive)
    assert content_of(theirs) == b"A"
    engine.remove_names(again)
    assert engine.id_of(archive) is None


def test_next_image_of_a_checkout_takes_the_place_of_the_last(archive: Archive) -> None:
    """The engine holds only the newest image of a checkout and model."""
    engine.load(archive)
    oci_archive(
        archive.path, {"content.txt": b"next", "run.txt": OWN}, {"place": str(archive.path)}
    )
    changed = Archive(archive.path)
    engine.load(changed)
    assert held(archive) == [engine.held(changed)]


def test_image_that_fails_is_let_go_of(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that refuses an image removes it from the engine."""
    build = Workspace("a", "", archive.path.parent.parent)
    assert build.archive == archive
    engine.load(archive)

    def fail(*_: object) -> None:
        raise StageError("It does not serve.")

    monkeypatch.setattr(stages, "smoke", fail)
    run = Run(build)
    run_stage(run, "smoke")
    assert run.failed == "smoke"
    assert held(archive) == []
    assert passed_tests.read(archive).smoke is None


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fork]:
    """A fork whose one model is built."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LONG_AGO.items():
            patch.setenv(name, value)
        fork = Fork(tmp_path_factory.mktemp("fork"))
        shutil.copytree(git.TOOL / "model/iris", fork.root / "model" / MODEL,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
        fork.commit()
    built = fork.make("train", "gate", "image")
    assert built.returncode == 0, built.stdout + built.stderr
    yield fork
    engine.remove_names(fork.archive)
    for name in ("dev", "candidate"):
        docker("rmi", "--force", f"{MODEL}:{name}", check=False)


@pytest.mark.nightly
def test_stages_test_the_archive_whatever_the_names_say(fork: Fork, tmp_path: Path) -> None:
    """Every name leads to an image that does not serve; the archive's does, and passes.

    Then the other way round: the archive's image does not serve, and every name leads to one that
    does. It fails, and nothing is recorded of it.
    """
    good = fork.archive
    broken = variant(good, tmp_path / "broken.tar", Entrypoint=["python", "-V"])
    names = (f"{MODEL}:candidate", f"{MODEL}:dev", engine.held(good))
    for name in names:
        docker("tag", engine.load(broken, f"{TAKEN}:broken"), name)
    passed = fork.make("measure", "smoke", "scan")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    record = json.loads((good.path.parent / PASSED_TESTS).read_bytes())
    assert record["digest"] == good.digest
    assert record["smoke"]["passed"] > 10
    image_id = docker("image", "inspect", "--format={{.Id}}", f"{MODEL}:dev").strip()
    assert image_id == engine.id_of(good)

    shutil.copyfile(broken.path, good.path)
    for name in (*names, engine.held(Archive(good.path))):
        docker("tag", image_id, name)
    failed = fork.make("smoke")
    assert failed.returncode != 0
    assert f"{MODEL} failed in smoke" in failed.stdout
    assert passed_tests.read(Archive(good.path)).smoke is None
