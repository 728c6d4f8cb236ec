"""What must not be in an image, and what its configuration must say."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import PurePosixPath

import pytest

from contract.bundle import Bundle
from ship.build.workspace import Workspace
from tests.image.container import docker

pytestmark = pytest.mark.engine

BUILD_TOOLS = {"gcc", "cc", "g++", "c++", "clang", "ld", "as", "make", "cmake", "cargo", "go"}
INSTALLERS = {"pip", "pip3", "uv", "conda", "easy_install", "poetry"}
TRAINING = {"sklearn", "skl2onnx", "onnx", "pandas", "scipy", "joblib", "matplotlib"}
SETTINGS = re.compile(
    r"index[-_]url|trusted[-_]host|pip\.conf|\.netrc|/run/secrets/\w+ ", re.IGNORECASE
)

SECRETS = re.compile(r"pip\.conf$|\.netrc$|run/secrets/.")


def packages(files: list[str]) -> set[str]:
    """Return the top-level names of everything importable that is installed."""
    return {
        PurePosixPath(file).relative_to("opt/packages").parts[0]
        for file in files
        if file.startswith("opt/packages/") and file != "opt/packages/"
    }


def test_image_has_no_installer_and_no_compiler(image_files: list[str]) -> None:
    """Nothing in the image can install or build anything."""
    programs = {
        PurePosixPath(file).name
        for file in image_files
        if PurePosixPath(file).parent.name in ("bin", "sbin")
    }
    assert programs & (BUILD_TOOLS | INSTALLERS) == set()
    assert [file for file in image_files if re.search(r"/(pip|ensurepip|setuptools)/", file)] == []


def test_image_has_no_training_code(image_files: list[str]) -> None:
    """The code that trains stays in the builder stage."""
    assert [file for file in image_files if file.startswith(("app/train", "app/ship"))] == []


def test_image_has_the_runtime_of_its_bundle_alone(image_files: list[str], bundle: Bundle) -> None:
    """An ONNX image holds no scikit-learn and no pickle; a joblib image holds no onnxruntime."""
    foreign = TRAINING if bundle.manifest.runtime == "onnx" else {"onnxruntime", "onnx", "skl2onnx"}
    assert packages(image_files) & foreign == set()
    other = "model.joblib" if bundle.manifest.runtime == "onnx" else "model.onnx"
    assert f"bundle/{other}" not in image_files


def test_image_holds_the_bundle_unchanged(image: str, bundle: Bundle) -> None:
    """The image reads back every file of the bundle with the sha256 that training recorded."""
    code = (
        "import hashlib, json, pathlib;"
        "print(json.dumps({p.name: hashlib.sha256(p.read_bytes()).hexdigest()"
        " for p in pathlib.Path('/bundle').iterdir() if p.name != 'manifest.json'}))"
    )
    hashes = json.loads(docker("run", "--rm", "--entrypoint=python", image, "-c", code))
    assert hashes == {name: file.sha256 for name, file in bundle.manifest.files.items()}


def test_image_configuration_is_what_hosts_expect(image: str) -> None:
    """A numeric user that is not root, exec-form commands, and a health check."""
    config = json.loads(docker("image", "inspect", image))[0]["Config"]
    assert int(config["User"].partition(":")[0]) > 0
    assert config["Entrypoint"] == ["python", "-m", "serve"]
    assert config["Healthcheck"]["Test"][0] == "CMD"


def test_image_labels_say_where_it_comes_from(image: str, bundle: Bundle) -> None:
    """Revision, version, runtime and metrics can be read without running the image."""
    labels = json.loads(docker("image", "inspect", image))[0]["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == bundle.manifest.version
    assert re.match(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert labels["model-images.runtime"] == bundle.manifest.runtime
    recorded = {key for key in labels if key.startswith("model-images.metric.")}
    named = [name for name in bundle.manifest.metrics.holdout if "(" not in name]  # of all classes
    assert recorded == {f"model-images.metric.{name}" for name in named}


def test_image_history_holds_no_secret_and_no_index_setting(image: str) -> None:
    """What the build was told about package indexes and authorities stays out of the history."""
    inspected = docker("image", "inspect", image)
    history = docker("history", "--no-trunc", "--format={{.CreatedBy}}", image)
    assert SETTINGS.search(history) is None
    assert SETTINGS.search(inspected) is None


def test_no_layer_holds_a_secret_or_an_index_setting(built: Workspace) -> None:
    """Not even a layer that a later one covers holds a pip configuration or a build secret."""
    archive = built.archive
    assert archive.layers
    for layer in archive.layers:
        with archive.raw(layer["digest"]) as blob, tarfile.open(fileobj=blob, mode="r|gz") as files:
            assert [name for name in files.getnames() if SECRETS.search(name)] == []
