"""A folder is read out of layers as the image would show it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile

import pytest

from ship.errors import ShipError
from ship.registry import image_files
from tests.support.images.oci_archives import tar


class Blobs(dict[str, bytes]):
    """Blobs by digest."""

    def add(self, blob: bytes) -> str:
        """Store a blob, and return its digest."""
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        self[digest] = blob
        return digest

    def image(self, *layers: bytes) -> str:
        """Store an image of these layers, and return its digest."""
        entries = [{"digest": self.add(layer)} for layer in layers]
        return self.add(json.dumps({"layers": entries}).encode())


def test_later_layers_replace_files_of_earlier_ones() -> None:
    """Each name has the content of the last layer that holds it; other folders are left out."""
    blobs = Blobs()
    image = blobs.image(
        gzip.compress(tar({"bundle/a": b"old", "bundle/b": b"kept", "bundles/c": b"no"})),
        tar({"./bundle/a": b"new", "app/x": b"no"}),
    )
    assert image_files.folder(blobs.__getitem__, image, "/bundle") == {"a": b"new", "b": b"kept"}


@pytest.mark.parametrize(
    ("hider", "left"),
    [
        ("bundle/.wh.a", {"b": b"2", "new": b"3"}),
        ("bundle/.wh..wh..opq", {"new": b"3"}),
        (".wh.bundle", {"new": b"3"}),
        (".wh.bun", {"a": b"1", "b": b"2", "new": b"3"}),
        ("app/.wh..wh..opq", {"a": b"1", "b": b"2", "new": b"3"}),
    ],
)
def test_whiteouts_hide_what_lower_layers_hold(hider: str, left: dict[str, bytes]) -> None:
    """A file, everything in a folder, or the folder itself; what the same layer adds stays."""
    blobs = Blobs()
    above = tar({"bundle/new": b"3", hider: b""})
    image = blobs.image(tar({"bundle/a": b"1", "bundle/b": b"2"}), above)
    assert image_files.folder(blobs.__getitem__, image, "/bundle") == left


@pytest.mark.parametrize(
    "name",
    [
        "bundle/x/../manifest.json",
        "app/../bundle/manifest.json",
        "../bundle/manifest.json",
        "bundle/sub/manifest.json",
        "bundle/sub/.wh.a/manifest.json",
        "bundle",
    ],
)
def test_name_that_could_lead_to_another_file_is_refused(name: str) -> None:
    """A name that a container would resolve to another file is refused."""
    blobs = Blobs()
    image = blobs.image(tar({"bundle/manifest.json": b"signed"}), tar({name: b"seen"}))
    with pytest.raises(ShipError, match=r"must be plain paths|must be a folder of files alone"):
        image_files.folder(blobs.__getitem__, image, "/bundle")


@pytest.mark.parametrize("name", ["//bundle/a", "/bundle/a", "./bundle//a", "bundle/./a"])
def test_name_is_read_as_a_container_reads_it(name: str) -> None:
    """Extra slashes and dots in a name make no difference."""
    blobs = Blobs()
    image = blobs.image(tar({"bundle/a": b"old"}), tar({name: b"new"}))
    assert image_files.folder(blobs.__getitem__, image, "/bundle") == {"a": b"new"}


def test_index_of_platforms_leads_to_an_image() -> None:
    """Of an index, the image for this machine is read and attestations are passed over."""
    blobs = Blobs()
    image = blobs.image(tar({"bundle/a": b"1"}))
    attestation = {"digest": blobs.add(b"{}"), "platform": {"os": "unknown"}}
    entries = [attestation, {"digest": image, "platform": {"os": "linux"}}]
    index = blobs.add(json.dumps({"manifests": entries}).encode())
    assert image_files.folder(blobs.__getitem__, index, "/bundle") == {"a": b"1"}


def test_layers_that_images_share_are_unpacked_once() -> None:
    """A layer that images share is unpacked once, and each image reads its own files."""
    blobs, asked = Blobs(), []

    def read(digest: str) -> bytes:
        asked.append(digest)
        return blobs[digest]

    shared = tar({"bundle/a": b"shared by the images of this test", "bundle/b": b"1"})
    own = [tar({"bundle/b": b"2"}), tar({"bundle/.wh.a": b""})]
    images = [blobs.image(shared, layer) for layer in own]
    folders = [image_files.folder(read, image, "/bundle") for image in [*images, *images]]
    assert folders[2:] == folders[:2]
    assert folders[:2] == [
        {"a": b"shared by the images of this test", "b": b"2"},
        {"b": b"1"},
    ]
    assert [asked.count(blobs.add(layer)) for layer in (shared, *own)] == [1, 1, 1]


def test_blob_that_was_changed_is_refused() -> None:
    """A blob that does not have its digest is refused."""
    blobs = Blobs()
    image = blobs.image(tar({"bundle/a": b"1"}))
    blobs[image] += b" "
    with pytest.raises(ShipError, match="must have that digest"):
        image_files.folder(blobs.__getitem__, image, "/bundle")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE])
def test_layer_that_claims_ten_gigabytes_is_refused(kind: bytes) -> None:
    """A layer that would unpack to ten gigabytes is refused without unpacking it."""
    header = tarfile.TarInfo("bundle/a")
    header.type, header.size = kind, 10 * 2**30
    blobs = Blobs()
    image = blobs.image(gzip.compress(header.tobuf(tarfile.GNU_FORMAT)))
    with pytest.raises(ShipError, match="must be at most"):
        image_files.folder(blobs.__getitem__, image, "/bundle")


CUT = gzip.compress(tar({"a": b"1" * 9999}), mtime=0)[:40]


@pytest.mark.parametrize("layer", [b"", b"no tar", CUT], ids=["empty", "text", "cut"])
def test_layer_that_is_no_tar_is_refused(layer: bytes) -> None:
    """A layer that cannot be unpacked is refused by name."""
    blobs = Blobs()
    with pytest.raises(ShipError, match="must be a tar"):
        image_files.folder(blobs.__getitem__, blobs.image(layer), "/bundle")


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> bytes:
    """Return a layer that holds a link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        made = tarfile.TarInfo(name)
        made.type, made.linkname = kind, target
        archive.addfile(made)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("links", "name"),
    [
        ({"x": "bundle"}, "x/manifest.json"),
        ({"x": "/"}, "x/bundle/manifest.json"),
        ({"a/x": "../y", "y": "."}, "a/x/bundle/manifest.json"),
        ({"x": "x"}, "x/manifest.json"),
        ({"x": "/"}, "x/.wh.bundle"),
        ({"x": "bundle"}, "x/.wh..wh..opq"),
    ],
)
def test_name_that_leads_into_the_folder_by_a_link_is_refused(
    links: dict[str, str], name: str
) -> None:
    """A file that reaches the folder through a link of a lower layer is refused."""
    layers = [link(path, target) for path, target in links.items()]
    blobs = Blobs()
    image = blobs.image(tar({"bundle/manifest.json": b"signed"}), *layers, tar({name: b"seen"}))
    with pytest.raises(ShipError, match="by a link"):
        image_files.folder(blobs.__getitem__, image, "/bundle")


def test_links_elsewhere_are_as_good_as_any_name() -> None:
    """Links outside the folder, such as Debian's /bin, are allowed."""
    blobs = Blobs()
    image = blobs.image(link("bin", "usr/bin"), tar({"bin/sh": b"", "bundle/a": b"1"}))
    assert image_files.folder(blobs.__getitem__, image, "/bundle") == {"a": b"1"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_link_in_the_folder_is_refused(kind: bytes) -> None:
    """A link inside the folder is refused."""
    blobs = Blobs()
    image = blobs.image(link("bundle/a", "/etc/passwd", kind))
    with pytest.raises(ShipError, match="must be a file in the image"):
        image_files.folder(blobs.__getitem__, image, "/bundle")
