"""Pruning a real registry that stands for GHCR, with images that were really signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship import settings
from ship.github.api import GitHub
from ship.github.pruning.prune import RetentionPolicy, prune
from ship.supply_chain.verify import verify
from tests.support.github.fake import State
from tests.support.github.ghcr import Ghcr
from tests.support.images.signing import make_key

pytestmark = pytest.mark.engine


@pytest.mark.nightly
def test_prune_leaves_what_is_published_whole_and_signed(
    client: GitHub, state: State, ghcr: Ghcr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both tags still verify on every platform, and the untagged image is deleted."""
    make_key(tmp_path / "key", monkeypatch)
    monkeypatch.setattr(settings, "known_models", lambda: ["iris"])
    monkeypatch.setenv("REGISTRY", ghcr.registry)
    state.permissions = {"packages": "write"}
    kept = [ghcr.publish("one", "1.0.0"), ghcr.publish("two", "main")]
    old = ghcr.publish("three")
    ghcr.list()
    per_image, rest = divmod(len(ghcr.listed), 3)
    # An index and two images; a signature of each; an SBOM of each image.
    assert per_image >= 3 + 3 + 2
    assert rest == 0

    assert prune(client, RetentionPolicy(last=0, days=30, delete=True)) == 0

    for image in kept:
        verified = verify(ghcr.target, image.digest, "iris")
        assert str(verified) == f"{image.digest}: bytes, signature, SBOM"
    assert all(ghcr.holds(digest) for digest in ghcr.parts(kept))
    assert not any(ghcr.holds(digest) for digest in ghcr.parts([old]))
    assert len(ghcr.listed) == 2 * per_image
