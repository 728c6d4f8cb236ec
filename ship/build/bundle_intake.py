"""Copy a bundle that a build or somebody else made: all of it, or nothing."""

from __future__ import annotations

from pathlib import Path

from contract import bundle
from contract.bundle import (
    EVALUATION,
    EXAMPLES,
    MANIFEST,
    MODEL_FILES,
    NOTES,
    BundleError,
    Manifest,
)
from ship.files.replace import new_folder

LARGEST = 3 * 1024**3  # bytes of all files together


def take(source: Path, target: Path) -> Manifest:
    """Copy the bundle in `source` to the folder `target`, in place of what is there.

    Raises BundleError, and leaves `target` unchanged, unless `source` holds exactly the files that
    its manifest lists, regular and of the recorded sizes and hashes, and these are the files that
    training writes, which is more than serving needs.
    """
    content = bundle.manifest_content(source)
    manifest = bundle.decode_manifest(source / MANIFEST, content)
    bundle.refuse_others(source, manifest)
    refuse_other_names(source, manifest)
    refuse_larger(source, manifest)
    with new_folder(target) as copied:
        for name, expected in manifest.files.items():
            with (copied / name).open("xb") as copy:
                bundle.verify_file(source / name, expected, copy)
        (copied / MANIFEST).write_bytes(content)
        bundle.read(copied)
    return manifest


def refuse_other_names(source: Path, manifest: Manifest) -> None:
    """Check the names of the files; raise BundleError for one too many or too few."""
    needed = {MODEL_FILES[manifest.runtime], EXAMPLES, EVALUATION, NOTES}
    for name in sorted(needed ^ set(manifest.files)):
        got = f"no {name}" if name in needed else f"{name!r} as well"
        raise BundleError(
            f"{source / MANIFEST}: files must list {', '.join(sorted(needed))}. Got {got}. "
            "Train the model again: make train MODEL=name"
        )


def refuse_larger(source: Path, manifest: Manifest) -> None:
    """Check the size of all files together; raise BundleError if it exceeds LARGEST."""
    size = sum(max(0, file.bytes) for file in manifest.files.values())
    if size > LARGEST:
        raise BundleError(f"{source} must have at most {LARGEST} bytes in all. Got {size} instead.")
