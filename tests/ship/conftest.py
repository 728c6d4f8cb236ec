"""Small real images, a real registry, and a checkout that a test may spoil."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import socket
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.bundle import Bundle
from ship import waiting
from ship.registry.oci_archive import Archive
from tests.judge.conftest import STUMP, Shop, flowers, good, shop
from tests.support.images.trivy_files import pass_scan

__all__ = ["good", "shop"]  # fixtures of the judge's tests, for these too
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MakeArchive = Callable[..., Archive]
REVISION = "0123456789abcdef0123456789abcdef01234567"
CREATED = "2026-01-01T00:00:00Z"
EXAMPLE = {"features": {"petal": 1.0}, "prediction": "setosa", "probabilities": [1.0]}


def labelled(model: str, version: str = "2026.01.01-0123456") -> dict[str, str]:
    """Return the labels by which an image says what it is."""
    return {
        "model-images.model": model,
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.revision": REVISION,
    }


def tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def oci_archive(
    path: Path,
    files: dict[str, bytes],
    labels: dict[str, str],
    architecture: str = "amd64",
    created: str = CREATED,
) -> Archive:
    """Write an OCI archive of an image with one layer."""
    blobs: dict[str, bytes] = {}

    def add(blob: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(blob).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = blob
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(blob)}

    root = tar(files)
    config = {
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(root).hexdigest()}"]},
    }
    layer = add(gzip.compress(root, mtime=0), LAYER)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": add(json.dumps(config).encode(), CONFIG),
        "layers": [layer],
    }
    index = {"schemaVersion": 2, "manifests": [add(json.dumps(manifest).encode(), MANIFEST)]}
    blobs["index.json"] = json.dumps(index).encode()
    blobs["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    path.write_bytes(tar(blobs))
    return Archive(path)


@pytest.fixture
def make_archive(tmp_path: Path) -> MakeArchive:
    """Make an image of iris of some content; equal contents have equal digests."""

    def make(
        content: str,
        architecture: str = "amd64",
        bundle: str = '{"name":"iris"}',
        created: str = CREATED,
        **labels: str,
    ) -> Archive:
        folder = tmp_path / f"{content}-{architecture}"
        folder.mkdir(exist_ok=True)
        files = {
            "content.txt": content.encode(),
            "bundle/manifest.json": bundle.encode(),
            "bundle/examples.json": json.dumps([EXAMPLE]).encode(),
        }
        said = {"content": content, **labelled("iris"), **labels}
        archive = oci_archive(folder / "image.tar", files, said, architecture, created)
        pass_scan(archive)
        return archive

    return make


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real registry: Debian's docker-registry on a free port."""
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "version": 0.1,
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "storage")},
            "delete": {"enabled": True},
        },
        "http": {"addr": address},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with (
        (folder / "registry.log").open("w") as log,
        subprocess.Popen(
            ["docker-registry", "serve", folder / "config.yml"], stdout=log, stderr=log
        ) as process,
    ):
        wait_for(address)
        yield address
        process.terminate()


def wait_for(address: str) -> None:
    host, _, port = address.partition(":")

    def connect() -> str:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except ConnectionRefusedError as error:
            return str(error)
        return ""

    waiting.wait_for(connect, lambda refused: not refused, f"{address} must listen", 10,
                     interval=0.02)  # fmt: skip


class Checkout:
    """A git repository in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.models = root / "model"
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.com")

    def git(self, *arguments: str) -> str:
        result = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True
        )
        return result.stdout.strip()

    def commit(self, **files: str) -> str:
        """Write files (`__` in a name stands for `/`, `_dot_` for `.`), commit, return the sha."""
        for name, content in files.items():
            path = self.root / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=Change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """An empty git repository on branch main."""
    (tmp_path / "checkout").mkdir()
    return Checkout(tmp_path / "checkout")


@pytest.fixture(scope="session")
def bad(shop: Shop) -> Bundle:
    """A model that does not."""
    return shop.train(flowers(), STUMP)
