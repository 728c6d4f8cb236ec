"""A key to sign and verify with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def make_key(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Sign and verify with a new key from now on."""
    folder.mkdir()
    patch.setenv("COSIGN_PASSWORD", "")
    subprocess.run(["cosign", "generate-key-pair"], cwd=folder, check=True, capture_output=True)
    patch.setenv("COSIGN_KEY", str(folder / "cosign.key"))
    patch.setenv("COSIGN_PUBLIC_KEY", str(folder / "cosign.pub"))
