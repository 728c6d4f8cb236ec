"""Images in the container engine: loaded from verified blobs, and run by their ids.

Anybody may point a name in the engine at another image at any time. An id is the digest of a
manifest (containerd's image store) or of a configuration (the classic one), so that it names one
image or none. The name given here only keeps the image from being pruned.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from pathlib import Path

from ship.command import attempt, run
from ship.errors import StageError
from ship.registry.oci_archive import Archive, StoredImage

HELD = "model-images/held"
NAMED = "io.containerd.image.name"  # what `docker load` calls an image


def load(image: StoredImage, name: str = "") -> str:
    """Load an image into the engine and return the id by which it is run.

    It is tagged `name`, or else with a tag made from its digest and its path. In the second case,
    the tags of earlier images of that path are removed.
    """
    image_id = id_of(image) or put(image, name or held(image))
    run("docker", "tag", image_id, name or held(image))
    if not name:
        remove_names(image, but=held(image))
    return image_id


def put(image: StoredImage, name: str) -> str:
    """Load an image and return its id.

    Raises StageError if the engine does not hold it afterwards.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "image.tar")
        write(image, name, archive)
        run("docker", "load", "--quiet", f"--input={archive}")
    image_id = id_of(image)
    if image_id is None:
        raise StageError(
            f"The engine must hold {image.digest} after it was loaded from {image.where}. "
            f"It does not: somebody else changes images there; run this again."
        )
    return image_id


def id_of(image: StoredImage) -> str | None:
    """Return the id by which the engine knows exactly this image, None if it does not hold it."""
    for digest in (image.digest, image.manifest["config"]["digest"]):
        result = attempt("docker", "image", "inspect", "--format={{.Id}}", digest)
        if result.stdout.strip() == digest:
            return str(digest)
    return None


def held(image: StoredImage) -> str:
    """Return the name that holds an image for its path."""
    return f"{HELD}:{image.digest.removeprefix('sha256:')}-{place(image)}"


def place(image: StoredImage) -> str:
    """Return a short hash of the path of an image."""
    return hashlib.sha256(str(image.path.resolve()).encode()).hexdigest()[:12]


def remove_names(image: StoredImage, but: str = "") -> None:
    """Remove the tags that `load` made for this path, except `but`; other tags stay."""
    pattern = f"--filter=reference={HELD}:*-{place(image)}"
    names = run("docker", "image", "ls", "--format={{.Repository}}:{{.Tag}}", pattern).split()
    for name in names:
        if name != but:
            remove(name)
    if not but and (image_id := id_of(image)) and not names_of(image_id):
        remove(image_id)


def names_of(image_id: str) -> list[str]:
    """Return the tags of an image; an empty list if its only tag was moved to another image."""
    names = attempt("docker", "image", "inspect", '--format={{join .RepoTags " "}}', image_id)
    return names.stdout.split()


def remove(image: str) -> None:
    """Remove a name, and with the last one its image."""
    attempt("docker", "image", "rm", image)


def write(image: StoredImage, name: str, path: Path) -> None:
    """Write an archive that both of Docker's image stores load, from verified blobs.

    It has our name only: loading an archive's own name would take that name over.
    """
    index = {"schemaVersion": 2, "manifests": [
        {**image.descriptor, "annotations": {NAMED: f"docker.io/{name}"}}
    ]}  # fmt: skip
    classic = {
        "Config": member(image.manifest["config"]["digest"]),
        "RepoTags": [name],
        "Layers": [member(layer["digest"]) for layer in image.layers],
    }
    with tarfile.open(path, "w") as tar:
        add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        add(tar, "index.json", json.dumps(index).encode())
        add(tar, "manifest.json", json.dumps([classic]).encode())
        blobs = {blob["digest"]: blob for blob in image.descriptors}
        for blob in blobs.values():
            info = tarfile.TarInfo(member(blob["digest"]))
            info.size = blob["size"]
            with image.open(blob) as content:
                tar.addfile(info, content)


def member(digest: str) -> str:
    """Return the path of a blob in an archive."""
    return f"blobs/{digest.replace(':', '/')}"


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to an archive."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def accept(archive: Archive, name: str) -> None:
    """Give a tested image the name that people use."""
    run("docker", "tag", load(archive), name)
    remove_names(archive)
