"""Small images of iris, and a real registry."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ship.host import waiting
from ship.registry.oci_archive import Archive
from tests.support.images.oci_archives import CREATED, MakeArchive, labelled, oci_archive
from tests.support.images.trivy_files import pass_scan
from tests.support.names import free_address

EXAMPLE = {"features": {"petal": 1.0}, "prediction": "setosa", "probabilities": [1.0]}


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
        all_labels = {"content": content, **labelled("iris"), **labels}
        archive = oci_archive(folder / "image.tar", files, all_labels, architecture, created)
        pass_scan(archive)
        return archive

    return make


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real registry: Debian's docker-registry on a free port."""
    folder = tmp_path_factory.mktemp("registry")
    address = free_address()
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
    """Wait until something listens on an address."""
    host, _, port = address.partition(":")

    def connect() -> str:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except ConnectionRefusedError as error:
            return str(error)
        return ""

    waiting.wait_for(connect, lambda refused: not refused, f"{address} must listen", 10,
                     interval=0.02)  # fmt: skip
