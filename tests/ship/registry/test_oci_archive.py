"""An archive of a stranger: what it may hold, and how much of it is read."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ship.errors import ShipError
from ship.files.bounded import DOCUMENT
from ship.files.digest import of
from ship.registry.layout import Layout
from ship.registry.oci_archive import MOST, Archive
from tests.support.images.oci_archives import CONFIG, LAYER, MANIFEST, oci_archive, tar

Change = Callable[[tarfile.TarFile], None]
HUGE = 10 * 2**30


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A good image."""
    return oci_archive(tmp_path / "image.tar", {"content.txt": b"one"}, {})


def member(name: str, kind: bytes = tarfile.REGTYPE, **changes: Any) -> tarfile.TarInfo:
    """Return a member of a tar."""
    entry = tarfile.TarInfo(name)
    entry.type = kind
    for key, value in changes.items():
        setattr(entry, key, value)
    return entry


@pytest.mark.parametrize(
    "added",
    [
        member("index.json"),
        member("blobs/sha256/../../../../etc/passwd"),
        member("../outside"),
        member("/etc/passwd"),
        member(f"blobs/sha256/{'0' * 64}", tarfile.SYMTYPE, linkname="/etc/passwd"),
        member(f"blobs/sha256/{'0' * 64}", tarfile.LNKTYPE, linkname="index.json"),
        member(f"blobs/sha256/{'0' * 64}", tarfile.CHRTYPE),
        member(f"blobs/sha256/{'0' * 64}", tarfile.FIFOTYPE),
        member(f"blobs/sha256/{'0' * 64}\n"),
        member("blobs", tarfile.SYMTYPE, linkname="/"),
        member("elsewhere", tarfile.DIRTYPE),
        member("readme.md"),
    ],
    ids=lambda entry: f"{entry.type.decode()}-{entry.name[:30]!a}",
)
def test_archive_with_a_member_that_no_image_has_is_refused(
    archive: Archive, added: tarfile.TarInfo
) -> None:
    """Duplicate names, links, devices and paths that leave the archive are refused."""
    with tarfile.open(archive.path, "a") as opened:
        opened.addfile(added)
    with pytest.raises(ShipError, match="must be an OCI archive and nothing else"):
        Archive(archive.path).digest  # noqa: B018 - reading it is the test


def test_archive_of_too_many_members_is_refused(archive: Archive) -> None:
    """An archive with too many members is refused."""
    with tarfile.open(archive.path, "a") as opened:
        for number in range(MOST):
            opened.addfile(member(f"blobs/sha256/{number:064x}"))
    with pytest.raises(ShipError, match="the number of members must be at most"):
        Archive(archive.path).digest  # noqa: B018 - as above


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_archive_with_a_header_of_ten_gigabytes_is_refused(archive: Archive, kind: bytes) -> None:
    """A header that claims a name of ten gigabytes is refused before it is read."""
    header = tarfile.TarInfo("index.json")
    header.type, header.size = kind, HUGE
    archive.path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + archive.path.read_bytes())
    with pytest.raises(ShipError, match="bytes of one member must be at most"):
        Archive(archive.path).digest  # noqa: B018 - as above


def test_archive_that_ends_early_is_refused(archive: Archive) -> None:
    """An archive that ends within a member is refused."""
    content = archive.path.read_bytes()
    archive.path.write_bytes(content[: len(content) // 3])
    with pytest.raises(ShipError, match="must"):
        Archive(archive.path).config  # noqa: B018 - as above


@pytest.mark.parametrize("content", [b"", b"no tar", b"\x1f\x8b\x08"])
def test_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that is no tar, or is compressed, is refused."""
    (tmp_path / "image.tar").write_bytes(content)
    with pytest.raises(ShipError, match="must be an OCI archive"):
        Archive(tmp_path / "image.tar").digest  # noqa: B018 - as above


def index_of(archive: Archive, **changes: object) -> dict[str, Any]:
    """Return the index of an archive with its descriptor changed."""
    return {"manifests": [archive.descriptor | changes]}


def with_index(archive: Archive, index: object, **files: bytes) -> Archive:
    """Write an archive around another index.json."""
    content = index if isinstance(index, bytes) else json.dumps(index).encode()
    archive.path.write_bytes(tar({"index.json": content, **files}))
    return Archive(archive.path)


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "sha256:../../../../etc/passwd"},
        {"digest": f"sha256:{'0' * 64}\n"},
        {"digest": f"sha256:{'A' * 64}"},
        {"digest": f"sha512:{'0' * 64}"},
        {"digest": ["sha256"]},
        {"digest": None},
        {"mediaType": "text/html"},
        {"mediaType": "application/vnd.oci.image.index.v1+json"},
        {"mediaType": ["x"]},
        {"size": -1},
        {"size": "5"},
        {"size": True},
        {"size": 1e9},
    ],
    ids=str,
)
def test_index_that_leads_nowhere_good_is_refused(
    archive: Archive, changes: dict[str, object]
) -> None:
    """An index whose digest, media type or size has another form is refused."""
    with pytest.raises(ShipError, match=r"a (digest|media type|size) must be"):
        with_index(archive, index_of(archive, **changes)).digest  # noqa: B018 - as above


@pytest.mark.parametrize(
    "index",
    [b"[", b"[" * 100_000, b"\xff", [], {}, {"manifests": {}}, {"manifests": []},
     {"manifests": [1]}, {"manifests": [{}, {}]}],
    ids=lambda index: str(index)[:20],
)  # fmt: skip
def test_index_of_another_form_is_refused(archive: Archive, index: object) -> None:
    """An index that is not JSON or has no single manifest is refused in words."""
    with pytest.raises(ShipError, match="must"):
        with_index(archive, index).digest  # noqa: B018 - as above


def test_manifest_of_ten_gigabytes_is_refused_before_it_is_read(archive: Archive) -> None:
    """A manifest that is listed with ten gigabytes is refused before it is read."""
    changed = with_index(archive, index_of(archive, size=HUGE))
    with pytest.raises(ShipError, match=r"must be at most 4194304\. Got 10737418240"):
        changed.manifest  # noqa: B018 - as above


def described(content: bytes, kind: str, **changes: object) -> dict[str, Any]:
    """Return the descriptor of a blob."""
    return {"mediaType": kind, "digest": of(content), "size": len(content), **changes}


def image_of(tmp_path: Path, manifest: dict[str, Any], *blobs: bytes) -> Archive:
    """Write an archive of this manifest, whose digest is right, and these blobs."""
    content = json.dumps(manifest).encode()
    files = {f"blobs/{of(blob).replace(':', '/')}": blob for blob in (content, *blobs)}
    index = {"manifests": [described(content, MANIFEST)]}
    (tmp_path / "made.tar").write_bytes(tar({"index.json": json.dumps(index).encode(), **files}))
    return Archive(tmp_path / "made.tar")


def test_layer_of_ten_gigabytes_that_is_small_is_not_published(tmp_path: Path) -> None:
    """A small layer that is listed with ten gigabytes is refused."""
    config = json.dumps({"architecture": "amd64", "os": "linux"}).encode()
    layer = b"small"
    image = image_of(tmp_path, {"config": described(config, CONFIG),
                                "layers": [described(layer, LAYER, size=HUGE)]},
                     config, layer)  # fmt: skip
    with pytest.raises(ShipError, match="Got 10737418235 bytes too few instead"):
        Layout(tmp_path / "layout").push(image)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("config", {"mediaType": "x"}),
        ("config", None),
        ("layers", []),
        ("layers", None),
        ("layers", [{"mediaType": LAYER, "digest": "sha256:0", "size": 1}]),
        ("layers", [{"mediaType": f"{LAYER}+zstd", "digest": of(b""), "size": 0}]),
        ("mediaType", "application/vnd.oci.image.index.v1+json"),
    ],
    ids=str,
)
def test_manifest_of_another_form_is_refused(tmp_path: Path, key: str, value: object) -> None:
    """A manifest that breaks the specification is refused before it is followed."""
    good = {"config": described(b"{}", CONFIG), "layers": [described(b"", LAYER)]}
    with pytest.raises(ShipError, match="must"):
        image_of(tmp_path, good | {key: value}, b"{}", b"").manifest  # noqa: B018 - as above


@pytest.mark.parametrize(
    "changes",
    [{"architecture": "../amd64"}, {"architecture": "a=b\nc=d"}, {"architecture": None},
     {"os": 1}, {"variant": "../v8"}, {"config": []}, {"config": {"Labels": {"a": 1}}},
     {"config": {"Labels": ["a"]}}],
    ids=str,
)  # fmt: skip
def test_configuration_of_another_form_is_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    """A configuration of another form is refused, such as an architecture that is a path."""
    config = json.dumps({"architecture": "amd64", "os": "linux"} | changes).encode()
    manifest = {"config": described(config, CONFIG), "layers": [described(b"", LAYER)]}
    with pytest.raises(ShipError, match="must be"):
        image_of(tmp_path, manifest, config, b"").labels  # noqa: B018 - as above


@pytest.mark.parametrize("size", [0, 1, DOCUMENT])
def test_blob_is_read_whole_or_not_at_all(archive: Archive, size: int) -> None:
    """A blob that does not have its digest is refused."""
    blob = bytes(size)
    name = f"blobs/{of(blob).replace(':', '/')}"
    with tarfile.open(archive.path, "a") as opened:
        entry = member(name)
        entry.size = size
        opened.addfile(entry, io.BytesIO(blob))
    assert Archive(archive.path).blob(of(blob)) == blob
