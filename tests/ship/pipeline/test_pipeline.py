"""`make pipeline` in a fork of its own: what it leaves behind, and everything that turns it red."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.datasets import load_wine

from contract.bundle import encode, read, write
from ship import git
from ship.registry.remote import Registry
from tests.image.container import docker
from tests.support.checkouts.fork import LONG_AGO, MODEL, Fork, make_unique
from tests.support.models.folder import RATIOS

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True, scope="module")
def no_images_left() -> Iterator[None]:
    """Take the images of these tests out of the engine again."""
    yield
    docker("rmi", "--force", f"{MODEL}:dev", check=False)


@pytest.fixture(autouse=True)
def same_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let equal forks have equal commits, so that the build cache serves them all."""
    for name, value in LONG_AGO.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def fork(tmp_path: Path) -> Fork:
    """A fork whose one model is a copy of iris."""
    (tmp_path / "fork").mkdir()
    fork = Fork(tmp_path / "fork")
    shutil.copytree(git.ROOT / "model/iris", fork.root / "model" / MODEL,
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    fork.commit()
    return fork


@pytest.fixture
def bundle(fork: Fork, tmp_path: Path) -> Path:
    """A good bundle of the fork's model, outside the fork."""
    assert fork.make("train").returncode == 0
    shutil.copytree(fork.root / "dist" / MODEL / "bundle", tmp_path / "bundle")
    return tmp_path / "bundle"


def assert_red(run: subprocess.CompletedProcess[str], fork: Fork, *words: str) -> None:
    """Assert that a run failed, said why in these words, and published nothing."""
    output = run.stdout + run.stderr
    assert run.returncode != 0, output
    for word in words:
        assert word in output
    assert fork.published.tags() == []
    assert f"{MODEL}:dev" not in docker("images", "--format={{.Repository}}:{{.Tag}}").split()


def test_pipeline_refuses_a_dockerfile_that_lints_badly(fork: Fork) -> None:
    """A hadolint finding stops the pipeline before anything is built."""
    fork.edit("Dockerfile", "WORKDIR /app", "WORKDIR app")
    assert_red(fork.make("pipeline"), fork, "DL3000")
    assert not fork.archive.path.exists()


def test_pipeline_refuses_a_model_under_its_gate(fork: Fork) -> None:
    """A metric below its threshold is named with both numbers; no image is built."""
    fork.edit(f"model/{MODEL}/model.toml", "accuracy = { min = 0.9,", "accuracy = { min = 0.999,")
    assert_red(fork.make("pipeline"), fork, f"{MODEL} failed in gate",
               "accuracy must be at least 0.999. Got 0.9")  # fmt: skip
    assert not fork.archive.path.exists()
    assert not fork.bundle.manifest.gate.passed


def test_pipeline_refuses_an_image_with_a_private_key(fork: Fork) -> None:
    """A private key that slipped in beside the code is found in the finished image."""
    key = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, text=True, check=True)
    (fork.root / "serve" / "deploy_key.pem").write_text(key.stdout)
    assert_red(fork.make("pipeline"), fork, f"{MODEL} failed in scan", "private-key")


@pytest.mark.nightly
def test_pipeline_refuses_an_image_that_does_not_serve(fork: Fork) -> None:
    """An image whose container ends at once never passes its smoke tests."""
    fork.edit("Dockerfile", 'ENTRYPOINT ["python", "-m", "serve"]', 'ENTRYPOINT ["python", "-V"]')
    assert_red(fork.make("pipeline"), fork, f"{MODEL} failed in smoke")


def test_pipeline_refuses_a_golden_example_answered_differently(fork: Fork) -> None:
    """An image is not even built around a model that does not give the recorded answers."""
    assert fork.make("train").returncode == 0
    bundle = fork.root / "dist" / MODEL / "bundle"
    good = read(bundle)
    good.examples[0].prediction, good.examples[1].prediction = "virginica", "setosa"
    contents = {name: (bundle / name).read_bytes() for name in good.manifest.files}
    write(bundle, good.manifest, {**contents, "examples.json": encode(good.examples)})
    assert_red(fork.make("gate", "image"), fork, f"{MODEL} failed in image", "example")


def test_pipeline_refuses_a_corrupted_bundle(fork: Fork, bundle: Path) -> None:
    """One changed byte in a bundle's file is named with the sha256 it should have."""
    content = bytearray((bundle / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / "model.onnx").write_bytes(content)
    run = fork.make("pipeline", BUNDLE=str(bundle))
    assert_red(run, fork, f"{MODEL} failed in train", "model.onnx must have sha256")


def test_pipeline_takes_a_new_model_to_published_tags(tmp_path: Path, registry: str) -> None:
    """A table becomes a model folder and, at once, a tested image under its tags.

    The same fork then releases it to a registry, and shows what trains again: the estimator's edit,
    and nothing else.
    """
    (tmp_path / "fork").mkdir()
    fork = Fork(tmp_path / "fork")
    load_wine(as_frame=True).frame.to_csv(tmp_path / "wine.csv", index=False)
    written = fork.make("new-model", NAME=MODEL, CSV=str(tmp_path / "wine.csv"), TARGET="target")
    assert written.returncode == 0, written.stdout + written.stderr
    estimator = fork.root / "model" / MODEL / "estimator.py"
    make_unique(estimator)
    sha = fork.commit()

    first = fork.make("pipeline")
    assert first.returncode == 0, first.stdout + first.stderr
    assert fork.trained()
    tags = [f"sha-{sha[:12]}", "main"]
    assert sorted(fork.published.tags()) == sorted(tags)
    assert [fork.published.digest_of(tag) for tag in tags] == [fork.archive.digest] * 2
    assert docker("image", "inspect", "--format={{.Id}}", f"{MODEL}:dev").strip() in (
        fork.archive.digest,
        fork.archive.manifest["config"]["digest"],
    )
    assert fork.bundle.manifest.revision == sha
    for name in ("sbom.spdx.json", "sbom.cdx.json"):
        assert "onnxruntime" in (fork.root / "dist" / MODEL / name).read_text()
    for word in ("passed", "accuracy", "onnx", fork.archive.digest[7:19], "main", "docker run"):
        assert word in first.stdout

    before = fork.archive.digest
    again = fork.make("pipeline")
    assert again.returncode == 0, again.stdout + again.stderr
    assert not fork.trained()
    assert "passed these very tests before" in again.stdout
    assert fork.archive.digest == before

    fork.git("tag", "v1.2.3")
    release = fork.make("publish", MODEL=MODEL, REGISTRY=f"{registry}/Owner")
    assert release.returncode == 0, release.stdout + release.stderr
    released = Registry(f"{registry}/owner/{MODEL}")
    assert sorted(released.tags()) == sorted([*tags, "1.2.3", "1.2", "1", "latest"])
    assert {released.digest_of(tag) for tag in released.tags()} == {before}

    fork.edit("serve/__init__.py", '"""', '"""Changed. ')
    shutil.copytree(fork.root / "model" / MODEL, fork.root / "model" / "other")
    assert fork.make("train", MODEL=MODEL).returncode == 0
    assert not fork.trained()

    make_unique(estimator)
    assert fork.make("train", MODEL=MODEL).returncode == 0
    assert fork.trained()


@pytest.mark.nightly
def test_pipeline_serves_what_onnx_cannot_hold_with_joblib(fork: Fork) -> None:
    """A custom transformer ends in an image that carries scikit-learn, and the run says why."""
    (fork.root / "model" / MODEL / "estimator.py").write_text(RATIOS)
    run = fork.make("pipeline")
    assert run.returncode == 0, run.stdout + run.stderr
    assert fork.bundle.manifest.runtime == "joblib"
    assert fork.bundle.manifest.runtime_reason in run.stdout
    sbom = json.loads((fork.root / "dist" / MODEL / "sbom.cdx.json").read_bytes())
    parts = {component["name"] for component in sbom["components"]}
    assert "scikit-learn" in parts
    assert "onnxruntime" not in parts
