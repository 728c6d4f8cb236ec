"""The bundle: the only thing training and serving share.

A bundle is a flat directory. `manifest.json` describes the model and holds the sha256 of every
other file; the rest is the model itself, its golden examples, its evaluation, and its card.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
EXAMPLES = "examples.json"
EVALUATION = "evaluation.json"
MODEL_FILES = {"onnx": "model.onnx", "joblib": "model.joblib"}

Runtime = Literal["onnx", "joblib"]
Task = Literal["classification", "regression"]
Value = float | str | None
Label = int | str | float


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
    runtime: Runtime
    runtime_reason: str  # why this runtime: the parity result, or what kept ONNX from being used
    parity: Parity | None
    serving: Serving
    files: dict[str, File]


class Example(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A holdout row and the answer the trained estimator gave to it."""

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
    """Read and verify the bundle in `path`; raise BundleError naming the first thing wrong."""
    manifest = read_manifest(path)
    for name, expected in manifest.files.items():
        verify_file(path / name, expected)
    examples = msgspec.json.decode((path / EXAMPLES).read_bytes(), type=list[Example])
    return Bundle(path=path, manifest=manifest, examples=examples)


def read_manifest(path: Path) -> Manifest:
    """Read the manifest alone, without verifying the files it lists."""
    file = path / MANIFEST
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{file} must be a readable bundle manifest. Got {error.strerror} instead. "
            "Train the model again: make train MODEL=name"
        ) from error
    version = schema_version(file, content)
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{file}: schema_version must be {SCHEMA_VERSION}. Got {version!r} instead. "
            "Train the model again with this revision: make train MODEL=name"
        )
    try:
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.ValidationError as error:
        raise BundleError(
            f"{file} must be a manifest of this revision. Got instead: {error}. "
            "Train the model again with this revision: make train MODEL=name"
        ) from error


def schema_version(file: Path, content: bytes) -> object:
    try:
        decoded = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise BundleError(f"{file} must be JSON. Got instead: {error}.") from error
    return decoded.get("schema_version") if isinstance(decoded, dict) else None


def verify_file(file: Path, expected: File) -> None:
    if not file.is_file():
        raise BundleError(f"{file} must exist: the manifest lists it. The bundle is incomplete.")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != expected.sha256:
        raise BundleError(
            f"{file} must have sha256 {expected.sha256}. Got {found} instead. "
            "The bundle was changed after training; train it again or restore the file."
        )
