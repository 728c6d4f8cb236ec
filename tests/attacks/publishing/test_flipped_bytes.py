"""Number 7: a flipped byte in a layer was published to a local layout, and verified as fine.

Only manifests were held against their digests; what was there already was trusted by its name.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ship.build.build import is_built
from ship.build.workspace import Workspace
from ship.errors import ShipError, StageError
from ship.files.digest import of
from ship.pipeline.publish import publish
from ship.registry.image_index import Index, join
from ship.registry.layout import Layout
from ship.registry.oci_archive import Archive
from ship.tags import Tag
from tests.support.images.oci_archives import oci_archive, tar

MAIN, RELEASE = Tag("main"), Tag("1.0.0", fixed=True)
BLOBS = ("layer", "config", "manifest")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A good image."""
    return oci_archive(tmp_path / "image.tar", {"content.txt": b"one"}, {})


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A place to publish to."""
    return Layout(tmp_path / "layout")


def digest_in(archive: Archive, blob: str) -> str:
    """Return the digest of a layer, of the configuration or of the manifest."""
    layer, config, manifest = archive.blobs
    return {"layer": layer, "config": config, "manifest": manifest}[blob]


def flip(file: Path, offset: int) -> None:
    """Change one bit of a file, and not its length."""
    content = bytearray(file.read_bytes())
    content[offset] ^= 1
    file.write_bytes(content)


def flip_in_archive(archive: Archive, digest: str) -> Archive:
    """Change one bit of a blob in an archive; return the archive as whoever comes next reads it."""
    with tarfile.open(archive.path) as opened:
        member = opened.getmember(f"blobs/{digest.replace(':', '/')}")
    flip(archive.path, member.offset_data + member.size // 2)
    return Archive(archive.path)


def file_of(layout: Layout, digest: str) -> Path:
    """Return the file that holds a blob of a layout."""
    return layout.folder / "blobs" / digest.replace(":", "/")


@pytest.mark.parametrize("blob", BLOBS)
def test_flipped_byte_in_the_archive_is_not_published(
    archive: Archive, layout: Layout, blob: str
) -> None:
    """The copy finds the flipped byte: no blob is stored under its digest, and no tag is set."""
    digest = digest_in(archive, blob)
    changed = flip_in_archive(archive, digest)
    with pytest.raises(ShipError, match=f"blob {digest} must have that digest.*Got sha256:"):
        publish(changed, [RELEASE, MAIN], layout)
    assert layout.tags() == []
    assert not file_of(layout, digest).exists()
    assert [file for file in layout.folder.rglob(".*.*") if file.is_file()] == []


@pytest.mark.parametrize("blob", BLOBS)
def test_flipped_byte_in_the_layout_is_not_published_again(
    archive: Archive, layout: Layout, blob: str
) -> None:
    """A blob that is in the layout already is hashed again, and the tags stay as they were."""
    publish(archive, [RELEASE], layout)
    digest = digest_in(archive, blob)
    flip(file_of(layout, digest), 5)
    with pytest.raises(ShipError, match=f"blob {digest} must have that digest.*Got sha256:"):
        publish(archive, [MAIN], layout)
    assert layout.tags() == ["1.0.0"]


@pytest.mark.parametrize("blob", BLOBS)
def test_flipped_byte_in_the_layout_does_not_verify(
    archive: Archive, layout: Layout, blob: str
) -> None:
    """Verifying a published image reads and hashes every byte of it."""
    publish(archive, [MAIN], layout)
    layout.verify(archive.digest)
    flip(file_of(layout, digest_in(archive, blob)), 5)
    with pytest.raises(ShipError, match=r"must (have|hold)"):
        layout.verify(archive.digest)


@pytest.mark.parametrize("blob", BLOBS)
def test_flipped_byte_in_one_platform_does_not_verify(
    archive: Archive, layout: Layout, tmp_path: Path, blob: str
) -> None:
    """An index does not verify if one of its images does not."""
    (tmp_path / "other").mkdir()
    other = oci_archive(tmp_path / "other" / "image.tar", {"a": b"b"}, {}, architecture="arm64")
    image = join([archive, other])
    assert isinstance(image, Index)
    publish(image, [MAIN], layout)
    layout.verify(image.digest)
    flip(file_of(layout, digest_in(other, blob)), 5)
    with pytest.raises(ShipError, match=r"must (have|hold)"):
        layout.verify(image.digest)


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("blob", ["layer", "config"])
def test_blob_of_another_size_than_listed_is_refused(
    archive: Archive, layout: Layout, blob: str, change: int
) -> None:
    """A blob with the right digest is refused if the manifest gives another size."""
    manifest = json.loads(archive.blob(archive.digest))
    entry = manifest["config"] if blob == "config" else manifest["layers"][0]
    entry["size"] += change
    with pytest.raises(ShipError, match="and the size that it is listed with"):
        publish(rewritten(archive, manifest), [MAIN], layout)
    assert layout.tags() == []


def test_manifest_of_another_size_than_listed_is_refused(archive: Archive, layout: Layout) -> None:
    """A manifest with the right digest is refused if index.json gives another size."""
    manifest = json.loads(archive.blob(archive.digest))
    with pytest.raises(ShipError, match="Got bytes too many instead"):
        publish(rewritten(archive, manifest, shorter=1), [MAIN], layout)
    assert layout.tags() == []


@pytest.mark.parametrize("blob", BLOBS)
def test_flipped_byte_in_the_archive_is_built_again(
    archive: Archive, tmp_path: Path, blob: str
) -> None:
    """An archive with a flipped byte does not count as built, so the image is built again."""
    build = Workspace("model", "", tmp_path / "dist")
    build.folder.mkdir(parents=True)
    shutil.copyfile(archive.path, build.archive.path)
    record = build.folder / "image.key"
    record.write_text(f"key {archive.digest}")
    assert is_built(build, record, "key")
    assert not is_built(build, record, "other")
    flip_in_archive(build.archive, digest_in(archive, blob))
    assert not is_built(build, record, "key")


def rewritten(archive: Archive, manifest: object, shorter: int = 0) -> Archive:
    """Write the archive again around another manifest, whose digest is right."""
    content = json.dumps(manifest).encode()
    index = {"manifests": [{**archive.descriptor, "digest": of(content),
                            "size": len(content) - shorter}]}  # fmt: skip
    layer, config, _ = (archive.blob(digest) for digest in archive.blobs)
    files = {f"blobs/{of(blob).replace(':', '/')}": blob for blob in (layer, config, content)}
    archive.path.write_bytes(tar({"index.json": json.dumps(index).encode(), **files}))
    return Archive(archive.path)


def test_two_publishes_of_one_version_leave_one_of_them(layout: Layout, tmp_path: Path) -> None:
    """Of six images published under one version at once, one gets it and five are refused."""
    images = []
    for number in range(6):
        folder = tmp_path / str(number)
        folder.mkdir()
        files = {"content.txt": str(number).encode()}
        images.append(oci_archive(folder / "image.tar", files, {}))

    with ThreadPoolExecutor(len(images)) as threads:
        runs = [threads.submit(publish, image, [RELEASE], layout) for image in images]
    errors = [run.exception() for run in runs]
    (winner,) = [n for n, error in enumerate(errors) if error is None]
    assert all("must stay so" in str(error) for error in errors if error is not None)
    assert layout.resolve(RELEASE.name) == images[winner].digest
    layout.verify(images[winner].digest)


def test_version_that_is_taken_meanwhile_stays_what_it_is(
    archive: Archive, layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another publish takes the version between our look and our tag: ours is refused."""
    other = oci_archive(tmp_path / "other.tar", {"content.txt": b"two"}, {})
    push = Layout.push

    def slow(self: Layout, image: Archive) -> None:
        push(self, image)
        push(self, other)
        self.tag(other, RELEASE.name)

    monkeypatch.setattr(Layout, "push", slow)
    with pytest.raises(StageError, match=f"is published as {other.digest} and must stay so"):
        publish(archive, [RELEASE, MAIN], layout)
    assert layout.tags() == [RELEASE.name]
    assert layout.resolve(RELEASE.name) == other.digest
