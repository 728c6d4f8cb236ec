"""An evaluation is published apart from its image, and found by the digest that the image holds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from contract.bundle import File
from ship.errors import ShipError, StageError
from ship.registry import evaluation_package
from ship.registry.destination import Destination
from ship.registry.evaluation_package import EvaluationPackage
from ship.registry.layout import Layout
from ship.registry.remote import Registry

CONTENT = b'{"rows": ""}\n'
FILE = File(sha256=hashlib.sha256(CONTENT).hexdigest(), bytes=len(CONTENT))
IMAGE = f"sha256:{'1' * 64}"


@pytest.fixture(params=["layout", pytest.param("registry", marks=pytest.mark.engine)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Destination:
    """A folder, and a real registry."""
    if request.param == "layout":
        return Layout(tmp_path / "iris")
    return Registry(f"{request.getfixturevalue('registry')}/{tmp_path.name}/iris".lower())


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """An evaluation, as training leaves it."""
    (tmp_path / "evaluation.json").write_bytes(CONTENT)
    return tmp_path / "evaluation.json"


def test_evaluation_is_read_as_it_was_published(
    target: Destination, written: Path, tmp_path: Path
) -> None:
    """It lies in a repository of its own, under the image's digest, and is found without a name."""
    evaluation_package.push(target, IMAGE, written, FILE)
    evaluation_package.push(target, IMAGE, written, FILE)
    assert evaluation_package.fetch(target, FILE, tmp_path / "fetched") == CONTENT
    assert target.tags() == []
    assert target.beside().tags() == [IMAGE.replace(":", "-")]
    assert target.beside().resolve(IMAGE.replace(":", "-")) == EvaluationPackage(FILE).digest
    assert str(target.beside()).endswith("iris-evaluation")


def test_evaluation_that_is_not_there_is_an_error(target: Destination, tmp_path: Path) -> None:
    """Whoever compares is told, and can ask the published model in place of it."""
    with pytest.raises(ShipError):
        evaluation_package.fetch(target, FILE, tmp_path / "fetched")


def test_evaluation_of_another_bundle_is_not_published(written: Path, tmp_path: Path) -> None:
    """The file must be the one that the manifest in the image names."""
    written.write_bytes(b"{}")
    target = Layout(tmp_path / "iris")
    with pytest.raises(StageError, match="must be the evaluation of the bundle"):
        evaluation_package.push(target, IMAGE, written, FILE)
    assert not target.beside().folder.exists()


def test_swapped_evaluation_is_not_read(written: Path, tmp_path: Path) -> None:
    """A registry that gives other bytes under the digest is caught."""
    target = Layout(tmp_path / "iris")
    evaluation_package.push(target, IMAGE, written, FILE)
    blob = target.beside().folder / "blobs" / "sha256" / FILE.sha256
    blob.write_bytes(CONTENT.replace(b"rows", b"sowr"))
    with pytest.raises(ShipError, match="must have that digest"):
        evaluation_package.fetch(target, FILE, tmp_path / "fetched")


def test_huge_evaluation_is_not_fetched(tmp_path: Path) -> None:
    """A manifest that names an evaluation of a terabyte makes nobody read it."""
    with pytest.raises(ShipError, match="must be at most"):
        evaluation_package.fetch(
            Layout(tmp_path), File(sha256="0" * 64, bytes=2**40), tmp_path / "fetched"
        )
