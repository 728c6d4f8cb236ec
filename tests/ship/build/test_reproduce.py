"""Two builds of the same inputs, compared."""

from __future__ import annotations

import gzip
import re

import pytest

from ship.build.build import make_image, train
from ship.build.workspace import Workspace
from ship.registry.oci_archive import Archive

pytestmark = [pytest.mark.engine, pytest.mark.nightly]
CANARY = "canary.model-images.example"


def contents(archive: Archive) -> list[bytes]:
    """Return every blob of an image, layers uncompressed."""
    blobs = [archive.blob(digest) for digest in archive.blobs]
    return [gzip.decompress(blob) if blob.startswith(b"\x1f\x8b") else blob for blob in blobs]


def test_two_builds_from_nothing_have_one_digest(
    python_image: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal inputs give an equal image without any cache, whatever the package index settings.

    The first build is told about a host in pip's settings; no layer and no configuration of it
    holds that name, and the second build, which was not told, has the same digest.
    """
    digests = []
    for setting in (CANARY, None):
        if setting:
            monkeypatch.setenv("PIP_TRUSTED_HOST", setting)
        else:
            monkeypatch.delenv("PIP_TRUSTED_HOST")
        build = Workspace("iris", python_image, tmp_path_factory.mktemp("dist"))
        train(build, cache=False)
        make_image(build, cache=False)
        digests.append(build.archive.digest)
        assert not any(re.search(CANARY.encode(), content) for content in contents(build.archive))
    assert digests[0] == digests[1]
