"""Copy a bundle that a build or somebody else made: all of it, or nothing."""

from __future__ import annotations

from pathlib import Path

from contract import bundle
from contract.bundle import (
    EVALUATION,
    EXAMPLES,
    HOLDOUT,
    MANIFEST,
    MODEL_FILES,
    NOTES,
    BundleError,
    File,
    Manifest,
)
from contract.evaluation.evaluation import beside
from ship.files.replace import new_folder

LARGEST = 3 * 1024**3  # bytes of all files together


def take(source: Path, target: Path, *, evaluated: bool = True) -> Manifest:
    """Copy the bundle in `source` to the folder `target`, in place of what is there.

    What it was judged by is copied beside it, if `evaluated`. Raises BundleError, and leaves
    `target` unchanged, unless `source` holds exactly the files that its manifest lists, regular and
    of the recorded sizes and hashes, and these are the files that training writes, which is more
    than serving needs.
    """
    content = bundle.manifest_content(source)
    manifest = bundle.decode_manifest(source / MANIFEST, content)
    bundle.refuse_others(source, manifest)
    refuse_other_names(source, manifest)
    refuse_larger(source, manifest)
    with new_folder(target) as copied:
        copy_files(source, manifest.files, copied)
        (copied / MANIFEST).write_bytes(content)
        bundle.read(copied)
        if evaluated:
            with new_folder(beside(target)) as kept:
                copy_files(beside(source), manifest.beside, kept)
    return manifest


def copy_files(source: Path, files: dict[str, File], target: Path) -> None:
    """Copy the listed files; raise BundleError for one that is not as it is recorded."""
    for name, expected in files.items():
        with (target / name).open("xb") as copy:
            bundle.verify_file(source / name, expected, copy)


def refuse_other_names(source: Path, manifest: Manifest) -> None:
    """Check the names of the files; raise BundleError for one too many or too few."""
    kept = {HOLDOUT, *([EVALUATION] if manifest.privacy.evaluation == "registry" else [])}
    for key, listed, needed in (
        ("files", manifest.files, {MODEL_FILES[manifest.runtime], EXAMPLES, NOTES}),
        ("beside", manifest.beside, kept),
    ):
        for name in sorted(needed ^ set(listed)):
            got = f"no {name}" if name in needed else f"{name!r} as well"
            raise BundleError(
                f"{source / MANIFEST}: {key} must list {', '.join(sorted(needed))}. Got {got}. "
                "Train the model again: make train MODEL=name"
            )


def refuse_larger(source: Path, manifest: Manifest) -> None:
    """Check the size of all files together; raise BundleError if it exceeds LARGEST."""
    size = sum(max(0, file.bytes) for file in [*manifest.files.values(), *manifest.beside.values()])
    if size > LARGEST:
        raise BundleError(f"{source} must have at most {LARGEST} bytes in all. Got {size} instead.")
