"""A bundle as a folder: written, read, and verified.

A bundle is a flat directory. `manifest.json` describes the model and holds the sha256 of every
other file; the rest is the model itself, its golden examples, and the notes of its author. What it
was judged by lies beside it: see `contract.evaluation`.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO

import msgspec

from contract.bundle.files import LARGEST, BundleError, open_regular, read_file
from contract.bundle.manifest import (
    EXAMPLES,
    LARGEST_JSON,
    MANIFEST,
    MODEL_FILES,
    NOTES,
    Example,
    File,
    Manifest,
    decode_manifest,
    encode,
)

BLOCK = 1024**2  # bytes read at a time


class Bundle(msgspec.Struct, frozen=True):
    """A verified bundle: every file present, every sha256 as recorded."""

    path: Path
    manifest: Manifest
    examples: list[Example]

    @property
    def model_file(self) -> Path:
        """The path of the model file."""
        return self.path / MODEL_FILES[self.manifest.runtime]

    @property
    def has_probabilities(self) -> bool:
        """Whether the model gives probabilities, as its golden examples show."""
        if self.manifest.anomaly is not None:
            return False  # the number that they hold is an anomaly score
        return any(example.probabilities is not None for example in self.examples)


def write(path: Path, manifest: Manifest, files: dict[str, bytes]) -> None:
    """Write `files` and the manifest that records their sha256; equal inputs give equal bytes.

    Raises BundleError where the golden examples among them are none.
    """
    decode_examples(path / EXAMPLES, files[EXAMPLES])
    manifest.files = write_files(path, files)
    (path / MANIFEST).write_bytes(encode(manifest))


def write_files(path: Path, files: dict[str, bytes]) -> dict[str, File]:
    """Write files into a folder, and return what a manifest records of them."""
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (path / name).write_bytes(content)
    return {
        name: File(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        for name, content in sorted(files.items())
    }


def read(path: Path) -> Bundle:
    """Read and verify the bundle in `path`; raise BundleError naming the first thing wrong.

    Only regular files are read: a link in a bundle leads nowhere.
    """
    manifest = read_manifest(path)
    for name, expected in manifest.files.items():
        verify_file(path / name, expected)
    examples = decode_examples(path / EXAMPLES, read_file(path / EXAMPLES))
    return Bundle(path=path, manifest=manifest, examples=examples)


def decode_examples(file: Path, content: bytes) -> list[Example]:
    """Return the golden examples in the bytes of `file`.

    Raises BundleError where there are none, as nothing else shows that a model works where it runs.
    """
    try:
        examples = msgspec.json.decode(content, type=list[Example])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BundleError(
            f"{file} must be golden examples of this revision. Got instead: {error}. "
            "Train the model again: make train MODEL=name"
        ) from error
    if not examples:
        raise BundleError(
            f"{file} must hold golden examples, which prove that the model works where it runs. "
            "Got none instead. Train the model again: make train MODEL=name"
        )
    return examples


def refuse_others(path: Path, manifest: Manifest) -> None:
    """Check the names in the folder; raise BundleError for one that its manifest does not list."""
    listed = {MANIFEST, *manifest.files}
    others = sorted(entry.name for entry in os.scandir(path) if entry.name not in listed)
    if others:
        raise BundleError(
            f"{path} must hold the files that its {MANIFEST} lists and nothing else. Got "
            f"{others[0]!r} too. Remove it, or train the model again."
        )


def read_manifest(path: Path) -> Manifest:
    """Read the manifest alone, without verifying the files it lists."""
    return decode_manifest(path / MANIFEST, manifest_content(path))


def read_notes(path: Path) -> str:
    """Read what the author says of the model; raise BundleError where the bundle has no notes."""
    try:
        return read_file(path / NOTES, LARGEST_JSON).decode(errors="replace")
    except FileNotFoundError as error:
        raise BundleError(
            f"{path / NOTES} must be the author's notes. Got {error.strerror} instead. "
            "Train the model again: make train MODEL=name"
        ) from error


def manifest_content(path: Path) -> bytes:
    """Return the bytes of the manifest in the folder `path`.

    Raises BundleError if there are none.
    """
    file = path / MANIFEST
    try:
        return read_file(file, LARGEST_JSON)
    except FileNotFoundError as error:
        raise BundleError(
            f"{file} must be a readable bundle manifest. Got {error.strerror} instead. "
            "Train the model again: make train MODEL=name"
        ) from error


def verify_file(file: Path, expected: File, copy: IO[bytes] | None = None) -> None:
    """Check a file's size and sha256, and copy it; raise BundleError where it differs."""
    total = hashlib.sha256()
    try:
        with open_regular(file, LARGEST) as opened:
            size = os.fstat(opened.fileno()).st_size
            if size != expected.bytes:
                raise BundleError(
                    f"{file} must have {expected.bytes} bytes. Got {size} instead. The bundle was "
                    "changed after training; train it again or restore the file."
                )
            while block := opened.read(BLOCK):
                total.update(block)
                if copy is not None:
                    copy.write(block)
    except FileNotFoundError:
        raise BundleError(
            f"{file} must exist: the manifest lists it. The bundle is incomplete."
        ) from None
    if total.hexdigest() != expected.sha256:
        raise BundleError(
            f"{file} must have sha256 {expected.sha256}. Got {total.hexdigest()} instead. "
            "The bundle was changed after training; train it again or restore the file."
        )
