"""A bundle is read only if every byte is as it was written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from contract import bundle
from contract.bundle import (
    BundleError,
    Data,
    Example,
    Gate,
    Manifest,
    Metrics,
    Serving,
    Split,
)


def manifest() -> Manifest:
    """Return a manifest of a bundle without files."""
    return Manifest(
        schema_version=bundle.SCHEMA_VERSION,
        name="things",
        version="0",
        revision="unknown",
        description="Things",
        task="regression",
        target="price",
        estimator="Ridge()",
        data=Data(source="things.csv", sha256="0" * 64, rows=4, train_rows=3, holdout_rows=1),
        split=Split(method="random", test_size=0.25),
        inputs=[bundle.Input(name="size", kind="numeric", minimum=1.0, maximum=2.0)],
        classes=None,
        libraries={"python": "3.13.0"},
        metrics=Metrics(holdout={"r2": 1.0}, cross_validation={}),
        gate=Gate(passed=True, checks=[]),
        runtime="onnx",
        runtime_reason="equal",
        parity=None,
        serving=Serving(),
        files={},
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A complete bundle on disk."""
    examples = [Example(features={"size": 1.5}, prediction=3.0)]
    files = {"model.onnx": b"graph", bundle.EXAMPLES: bundle.encode(examples)}
    bundle.write(tmp_path, manifest(), files)
    return tmp_path


def test_bundle_reads_back_what_was_written(written: Path) -> None:
    """Manifest and examples survive the way to disk and back."""
    read = bundle.read(written)
    expected = manifest()
    expected.files = read.manifest.files
    assert read.manifest == expected
    assert sorted(read.manifest.files) == ["examples.json", "model.onnx"]
    assert read.examples == [Example(features={"size": 1.5}, prediction=3.0)]
    assert read.model_file == written / "model.onnx"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[]", r"must hold golden examples.* Got none instead"),
        (b'[{"prediction": 3.0}]', "must be golden examples of this revision"),
        (b"", "must be golden examples of this revision"),
    ],
)
def test_bundle_without_golden_examples_cannot_be_made_or_read(
    written: Path, tmp_path_factory: pytest.TempPathFactory, content: bytes, words: str
) -> None:
    """Without an example nothing shows that a model works where it runs."""
    files = {"model.onnx": b"graph", bundle.EXAMPLES: content}
    other = tmp_path_factory.mktemp("other")
    with pytest.raises(BundleError, match=words):
        bundle.write(other, manifest(), files)
    assert list(other.iterdir()) == []
    (written / bundle.EXAMPLES).write_bytes(content)
    description = manifest()
    description.files = {
        name: bundle.File(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
        for name, data in files.items()
    }
    (written / bundle.MANIFEST).write_bytes(bundle.encode(description))
    with pytest.raises(BundleError, match=words):
        bundle.read(written)


def test_bundle_with_a_changed_file_is_refused(written: Path) -> None:
    """A file with one changed byte is refused."""
    (written / "model.onnx").write_bytes(b"grapf")
    with pytest.raises(BundleError, match=r"model\.onnx must have sha256"):
        bundle.read(written)


def test_bundle_with_an_absent_file_is_refused(written: Path) -> None:
    """What the manifest lists must be there."""
    (written / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"model\.onnx must exist"):
        bundle.read(written)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "must be JSON"),
        (b"[]", "schema_version must be"),
        (b'{"schema_version": 99}', "Got 99 instead"),
        (b'{"schema_version": 3}', "Got 3 instead. Train the model again"),
        (b'{"schema_version": 4}', "must be a manifest of this revision"),
    ],
)
def test_bundle_with_another_manifest_is_refused(written: Path, content: bytes, words: str) -> None:
    """A manifest of another schema version or form is refused by name."""
    (written / bundle.MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=words):
        bundle.read(written)


def test_bundle_that_is_absent_is_refused(tmp_path: Path) -> None:
    """A folder without a manifest is no bundle."""
    with pytest.raises(BundleError, match="must be a readable bundle manifest"):
        bundle.read(tmp_path / "nowhere")
