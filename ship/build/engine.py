"""What is in the container engine: put there from verified blobs, and run by its id.

A name in an engine is anybody's: another checkout or job may point it at another image at any time.
An id is the digest of a manifest (containerd's image store) or of a configuration (the classic
one), so it leads to one image or to none. The name here only keeps the image from being pruned.
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
    """Put an image into the engine and return the id by which it is run.

    It is held there by `name`, or else by one for its digest and the place it lies in, from which
    any other image of that place gives way.
    """
    found = id_of(image) or put(image, name or held(image))
    run("docker", "tag", found, name or held(image))
    if not name:
        release(image, but=held(image))
    return found


def put(image: StoredImage, name: str) -> str:
    """Load an image, and return its id; raise StageError where the engine made another of it."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "image.tar")
        write(image, name, archive)
        run("docker", "load", "--quiet", f"--input={archive}")
    found = id_of(image)
    if found is None:
        raise StageError(
            f"The engine must hold {image.digest} after it was loaded from {image.where}. "
            f"It does not: somebody else changes images there; run this again."
        )
    return found


def id_of(image: StoredImage) -> str | None:
    """Return the id by which the engine knows exactly this image; None where it has it not."""
    for digest in (image.digest, image.manifest["config"]["digest"]):
        found = attempt("docker", "image", "inspect", "--format={{.Id}}", digest)
        if found.stdout.strip() == digest:
            return str(digest)
    return None


def held(image: StoredImage) -> str:
    """Return the name that holds an image for the place it lies in: for nothing but to name it."""
    return f"{HELD}:{image.digest.removeprefix('sha256:')}-{place(image)}"


def place(image: StoredImage) -> str:
    return hashlib.sha256(str(image.path.resolve()).encode()).hexdigest()[:12]


def release(image: StoredImage, but: str = "") -> None:
    """Let go of what is held for the place an image lies in; another name, or place, keeps it."""
    pattern = f"--filter=reference={HELD}:*-{place(image)}"
    names = run("docker", "image", "ls", "--format={{.Repository}}:{{.Tag}}", pattern).split()
    for name in names:
        if name != but:
            remove(name)
    if not but and (found := id_of(image)) and not names_of(found):
        remove(found)


def names_of(found: str) -> list[str]:
    """Return the names of an image; one whose only name somebody has taken over has none."""
    names = attempt("docker", "image", "inspect", '--format={{join .RepoTags " "}}', found)
    return names.stdout.split()


def remove(image: str) -> None:
    attempt("docker", "image", "rm", image)


def write(image: StoredImage, name: str, path: Path) -> None:
    """Write an archive that both of Docker's image stores load, of verified blobs and our name.

    What the image's own archive calls itself is left behind: loading that would take over the name.
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
        for blob in {each["digest"]: each for each in image.descriptors}.values():
            info = tarfile.TarInfo(member(blob["digest"]))
            info.size = blob["size"]
            with image.open(blob) as content:
                tar.addfile(info, content)


def member(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def accept(archive: Archive, name: str) -> None:
    """Give a tested image the name people use."""
    run("docker", "tag", load(archive), name)
    release(archive)
