"""The bundle: the only thing training and serving share.

A bundle is a flat directory. `manifest.json` describes the model and holds the sha256 of every
other file; the rest is the model itself, its golden examples, its evaluation, and its card.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Literal

import msgspec

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
EXAMPLES = "examples.json"
EVALUATION = "evaluation.json"
MODEL_FILES = {"onnx": "model.onnx", "joblib": "model.joblib"}
FLAT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LARGEST = 2 * 1024**3  # bytes of a file: protobuf, and so ONNX, can hold no more
LARGEST_JSON = 16 * 1024**2  # bytes of a manifest
BLOCK = 1024**2  # bytes read at a time
# No link is followed, and no pipe keeps its reader waiting.
FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

Runtime = Literal["onnx", "joblib"]
Task = Literal["classification", "regression"]
Value = float | str | None
Label = int | str | float
# Metrics, examples and answers are `measured` by the pipeline, which asked the exported model, or
# `claimed` by whoever trained the bundle, where the data was not at hand to ask it about.
Evaluated = Literal["measured", "claimed"]


class BundleError(Exception):
    """A bundle that must not be served: what is wrong with it, and the cure."""


class Input(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One feature. A missing number is NaN and a missing category is "" inside the model."""

    name: str
    kind: Literal["numeric", "categorical"]
    missing: bool = False  # the training rows had missing values here, so a request may
    minimum: float | None = None  # numeric: the range of the training rows
    maximum: float | None = None
    categories: list[str] | None = None  # categorical: the sorted training values, without ""


class Data(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    source: str
    sha256: str
    rows: int
    train_rows: int
    holdout_rows: int
    licence: str | None = None


class Split(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    test_size: float
    seed: int
    stratified: bool


class Check(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One threshold of the gate, and how the holdout metric met it."""

    metric: str
    bound: Literal["min", "max"]
    threshold: float
    value: float
    passed: bool


class Override(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Why a person accepted a model that its gate refused, and the failed checks among `Gate`'s."""

    reason: str
    accepted: list[Check]


class Gate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    passed: bool
    checks: list[Check]
    override: Override | None = None


class Parity(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How the exported model compared with the estimator; differences as in `train.parity`."""

    rows: int
    label_mismatches: int
    max_difference: float


class Serving(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    unknown_category: Literal["reject", "ignore"] = "reject"
    out_of_range: Literal["accept", "reject"] = "accept"


class File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    sha256: str
    bytes: int


class CrossValidation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    mean: float
    std: float


class Metrics(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    holdout: dict[str, float]
    cross_validation: dict[str, CrossValidation]
    intervals: dict[str, tuple[float, float]] = {}  # 95 % of the holdout metrics
    seed_scores: dict[str, list[float]] = {}  # of this fit, then of fits with other random seeds


class Manifest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Everything a server, a gate or a person needs to know about a model."""

    schema_version: int
    name: str
    version: str
    revision: str  # the last commit that touched what this model was trained from
    description: str
    task: Task
    target: str
    estimator: str
    data: Data
    split: Split
    inputs: list[Input]
    classes: list[int | str] | None  # classification, in the order of `probabilities`
    libraries: dict[str, str]
    metrics: Metrics
    gate: Gate
    evaluation: Evaluated = "measured"
    runtime: Runtime
    runtime_reason: str  # why this runtime: the parity result, or what kept ONNX from being used
    parity: Parity | None
    serving: Serving
    files: dict[str, File]


class Example(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A holdout row and the answer the exported model gave to it."""

    features: dict[str, Value]
    prediction: Label
    probabilities: list[float] | None = None


class Bundle(msgspec.Struct, frozen=True):
    """A verified bundle: every file present, every sha256 as recorded."""

    path: Path
    manifest: Manifest
    examples: list[Example]

    @property
    def model_file(self) -> Path:
        return self.path / MODEL_FILES[self.manifest.runtime]

    @property
    def has_probabilities(self) -> bool:
        return any(example.probabilities is not None for example in self.examples)


def write(path: Path, manifest: Manifest, files: dict[str, bytes]) -> None:
    """Write `files` and the manifest that records their sha256; equal inputs give equal bytes."""
    path.mkdir(parents=True, exist_ok=True)
    manifest.files = {
        name: File(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        for name, content in sorted(files.items())
    }
    for name, content in files.items():
        (path / name).write_bytes(content)
    (path / MANIFEST).write_bytes(encode(manifest))


def encode(value: object) -> bytes:
    """Encode `value` as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def read(path: Path) -> Bundle:
    """Read and verify the bundle in `path`; raise BundleError naming the first thing wrong.

    Only regular files are read: a link in a bundle leads nowhere.
    """
    manifest = read_manifest(path)
    for name, expected in manifest.files.items():
        verify_file(path / name, expected)
    examples = msgspec.json.decode(read_file(path / EXAMPLES), type=list[Example])
    return Bundle(path=path, manifest=manifest, examples=examples)


def refuse_others(path: Path, manifest: Manifest) -> None:
    """Raise BundleError for anything in the folder that its manifest does not list."""
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


def manifest_content(path: Path) -> bytes:
    """Return the bytes of the manifest in the folder `path`."""
    file = path / MANIFEST
    try:
        return read_file(file, LARGEST_JSON)
    except FileNotFoundError as error:
        raise BundleError(
            f"{file} must be a readable bundle manifest. Got {error.strerror} instead. "
            "Train the model again: make train MODEL=name"
        ) from error


def decode_manifest(file: Path, content: bytes) -> Manifest:
    """Return what the bytes of a manifest say; `file` names it in the messages of a BundleError."""
    version = schema_version(file, content)
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{file}: schema_version must be {SCHEMA_VERSION}. Got {version!r} instead. "
            "Train the model again with this revision: make train MODEL=name"
        )
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.ValidationError as error:
        raise BundleError(
            f"{file} must be a manifest of this revision. Got instead: {error}. "
            "Train the model again with this revision: make train MODEL=name"
        ) from error
    check_names(file, manifest)
    return manifest


def check_names(file: Path, manifest: Manifest) -> None:
    """Raise BundleError for a listed name that leads out of the folder, or that it must have."""
    for name in manifest.files:
        if not FLAT_NAME.fullmatch(name) or name == MANIFEST:
            raise BundleError(
                f"{file}: files must be names of letters, digits, '.', '_' and '-' beside it. "
                f"Got {name!r} instead. The bundle was not made by this repository."
            )
    for name in (EXAMPLES, MODEL_FILES[manifest.runtime]):
        if name not in manifest.files:
            raise BundleError(
                f"{file}: files must list {name}. Got {', '.join(manifest.files) or 'none'} "
                "instead. Train the model again: make train MODEL=name"
            )


def schema_version(file: Path, content: bytes) -> object:
    """Return what a manifest says its schema version is; raise BundleError if it is not JSON."""
    try:
        decoded = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BundleError(f"{file} must be JSON. Got instead: {error}.") from error
    return decoded.get("schema_version") if isinstance(decoded, dict) else None


def verify_file(file: Path, expected: File, copy: IO[bytes] | None = None) -> None:
    """Hold a file against its size and sha256, and copy it; raise BundleError where it differs."""
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


def read_file(file: Path, most: int = LARGEST) -> bytes:
    """Return the content of a regular file of at most so many bytes."""
    with open_regular(file, most) as opened:
        return opened.read()


@contextmanager
def open_regular(file: Path, most: int) -> Iterator[BinaryIO]:
    """Open a file of at most `most` bytes without following a link.

    Raises FileNotFoundError, and BundleError for whatever else is no such file.
    """
    try:
        descriptor = os.open(file, FLAGS)
    except FileNotFoundError:
        raise
    except OSError as error:
        got = "a link" if file.is_symlink() else error.strerror
        raise BundleError(f"{file} must be a regular file. Got {got} instead.") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise BundleError(f"{file} must be a regular file. Got a folder or device instead.")
        if found.st_size > most:
            raise BundleError(
                f"{file} must have at most {most} bytes. Got {found.st_size} instead."
            )
        with open(descriptor, "rb", closefd=False) as opened:
            yield opened
    finally:
        os.close(descriptor)
