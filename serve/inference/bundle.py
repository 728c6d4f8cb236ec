"""Open a bundle for serving: its files verified, its gate passed."""

from __future__ import annotations

from pathlib import Path

from contract import bundle as bundles
from contract.bundle import Bundle, BundleError
from serve.errors import BrokenBundle, GateFailed


def open_bundle(path: str) -> Bundle:
    """Read and verify the bundle in `path`.

    Raises BrokenBundle if its files are not those of its manifest, GateFailed if its model did not
    pass its gate.
    """
    try:
        bundle = bundles.read(Path(path))
    except BundleError as error:
        raise BrokenBundle(str(error)) from error
    failed = [check for check in bundle.manifest.gate.checks if not check.passed]
    if failed or not bundle.manifest.gate.passed:
        reasons = ", ".join(
            f"{check.metric} is {check.measured}, not {check.rule}" for check in failed
        )
        raise GateFailed(
            f"The model {bundle.manifest.name} must pass its gate to be served. "
            f"Got instead: {reasons or 'failed'}. Improve the model, or its gate in model.toml"
        )
    return bundle


def manifest_json(path: str) -> bytes:
    """Return the manifest in `path`, indented; raise BrokenBundle if it cannot be read."""
    try:
        return bundles.encode(bundles.read_manifest(Path(path)))
    except BundleError as error:
        raise BrokenBundle(str(error)) from error
