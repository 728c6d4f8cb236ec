"""Take a bundle that somebody else made, or that came out of a build: all of it, or nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

from model import bundle
from model.bundle import MANIFEST, Manifest


def take(source: Path, target: Path) -> Manifest:
    """Copy the bundle in `source` to the folder `target`, in place of what is there.

    Raises BundleError, and leaves `target` as it is, unless `source` holds the files that its
    manifest lists, regular and of the recorded sizes and hashes, and nothing else.
    """
    content = bundle.manifest_content(source)
    manifest = bundle.decode_manifest(source / MANIFEST, content)
    bundle.refuse_others(source, manifest)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
        copied, replaced = Path(folder, "new"), Path(folder, "old")
        copied.mkdir()
        for name, expected in manifest.files.items():
            with (copied / name).open("xb") as copy:
                bundle.verify_file(source / name, expected, copy)
        (copied / MANIFEST).write_bytes(content)
        bundle.read(copied)
        if target.exists():
            target.rename(replaced)
        copied.rename(target)
    return manifest
