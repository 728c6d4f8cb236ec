"""`make pipeline` in a fork of its own: what it leaves behind, and everything that turns it red."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from sklearn.datasets import load_wine

from contract.bundle import encode, read, write
from ship import git
from ship.registry.remote import Registry
from tests.image.container import docker
from tests.support.checkouts.checkout import Checkout
from tests.support.checkouts.fork import LONG_AGO, MODEL, Fork, make_unique
from tests.support.models.folder import RATIOS

pytestmark = pytest.mark.engine
MODELS = "../shop/models"  # in another repository than the tool
ADDRESS = "https://example.com/octo/models"


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
    shutil.copytree(git.TOOL / "model/iris", fork.root / "model" / MODEL,
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


@pytest.mark.nightly
def test_pipeline_refuses_a_model_under_its_gate(fork: Fork) -> None:
    """A metric below its threshold is named with both numbers; no image is built."""
    fork.edit(f"model/{MODEL}/model.toml", "accuracy = { min = 0.9,", "accuracy = { min = 0.999,")
    assert_red(fork.make("pipeline"), fork, f"{MODEL} failed in gate",
               "accuracy must be at least 0.999. Got 0.9")  # fmt: skip
    assert not fork.archive.path.exists()
    assert not fork.bundle.manifest.gate.passed


@pytest.mark.nightly
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


@pytest.mark.nightly
def test_pipeline_refuses_a_golden_example_answered_differently(fork: Fork) -> None:
    """An image is not even built around a model that does not give the recorded answers."""
    assert fork.make("train").returncode == 0
    bundle = fork.root / "dist" / MODEL / "bundle"
    good = read(bundle)
    good.examples[0].prediction, good.examples[1].prediction = "virginica", "setosa"
    contents = {name: (bundle / name).read_bytes() for name in good.manifest.files}
    write(bundle, good.manifest, {**contents, "examples.json": encode(good.examples)})
    assert_red(fork.make("gate", "image"), fork, f"{MODEL} failed in image", "example")


@pytest.mark.nightly
def test_pipeline_refuses_a_corrupted_bundle(fork: Fork, bundle: Path) -> None:
    """One changed byte in a bundle's file is named with the sha256 it should have."""
    content = bytearray((bundle / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / "model.onnx").write_bytes(content)
    run = fork.make("pipeline", BUNDLE=str(bundle))
    assert_red(run, fork, f"{MODEL} failed in train", "model.onnx must have sha256")


class Published(NamedTuple):
    """A new model that a pipeline has published: the tool's fork, and the models' repository."""

    fork: Fork
    shop: Checkout
    tool: str  # the commit of the fork
    tags: list[str]
    digest: str
    output: str

    @property
    def folder(self) -> Path:
        """The folder of the model."""
        return self.shop.root / "models" / MODEL

    def run(self, *words: str, **variables: str) -> str:
        """Run words on the models of the other repository, and return what they print."""
        return self.fork.run(*words, MODELS=MODELS, **variables)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A table, of which two words make a model folder in another repository, and an image."""
    root = tmp_path_factory.mktemp("pipeline")
    for name in ("fork", "shop/models"):
        (root / name).mkdir(parents=True)
    fork, shop = Fork(root / "fork"), Checkout(root / "shop")
    tool = fork.commit()
    fork.git("tag", f"{MODEL}-v9.9.9")  # is no version of a model that lies elsewhere
    shop.git("switch", "--quiet", "--create", "trunk")
    shop.git("remote", "add", "origin", f"{ADDRESS}.git")
    (shop.root / ".gitignore").write_text("__pycache__/\n")
    load_wine(as_frame=True).frame.to_csv(root / "wine.csv", index=False)
    fork.run("new-model", NAME=MODEL, CSV="../wine.csv", TARGET="target", MODELS=MODELS)
    make_unique(shop.root / "models" / MODEL / "estimator.py")
    sha = shop.commit()
    output = fork.run("pipeline", MODELS=MODELS)
    assert fork.trained()
    tags = [f"sha-{sha[:12]}", "trunk"]
    return Published(fork, shop, tool, tags, fork.archive.digest, output)


def test_pipeline_takes_a_new_model_to_published_tags(published: Published) -> None:
    """A table becomes a model folder and, at once, a tested image under its tags."""
    fork, tags, digest, output = published.fork, published.tags, published.digest, published.output
    assert sorted(fork.published.tags()) == sorted(tags)
    assert [fork.published.resolve(tag) for tag in tags] == [digest] * 2
    assert docker("image", "inspect", "--format={{.Id}}", f"{MODEL}:dev").strip() in (
        digest,
        fork.archive.manifest["config"]["digest"],
    )
    for name in ("sbom.spdx.json", "sbom.cdx.json"):
        assert "onnxruntime" in (fork.root / "dist" / MODEL / name).read_text()
    for word in ("passed", "accuracy", "onnx", digest[7:19], "trunk", "docker run"):
        assert word in output


def test_image_says_which_commits_it_is_of(published: Published) -> None:
    """A reader looks for the model in its own repository; the tool's commit stands beside it."""
    fork, sha = published.fork, published.shop.git("rev-parse", "HEAD")
    labels = fork.archive.labels
    output = {name: labels[f"org.opencontainers.image.{name}"] for name in ("revision", "source")}
    assert output == {"revision": sha, "source": ADDRESS}
    assert labels["model-images.tool"] == published.tool
    assert fork.bundle.manifest.revision == sha
    assert [root.git("status", "--porcelain") for root in (fork, published.shop)] == ["", ""]


def test_pipeline_repeats_nothing_that_is_done(published: Published) -> None:
    """A second run trains nothing, tests nothing, and ends at the same digest."""
    output = published.run("pipeline")
    assert not published.fork.trained()
    assert "passed these very tests before" in output
    assert published.fork.archive.digest == published.digest


def test_release_publishes_the_same_bytes_to_a_registry(
    published: Published, registry: str
) -> None:
    """A git tag of a version adds its tags, all of which lead to the image that was tested."""
    published.shop.git("tag", "v1.2.3")
    published.run("publish", MODEL=MODEL, REGISTRY=f"{registry}/Owner")
    published.shop.git("tag", "--delete", "v1.2.3")
    released = Registry(f"{registry}/owner/{MODEL}")
    assert sorted(released.tags()) == sorted([*published.tags, "1.2.3", "1.2", "1", "latest"])
    assert {released.resolve(tag) for tag in released.tags()} == {published.digest}


@pytest.mark.nightly
def test_edit_of_the_model_alone_trains_again(published: Published) -> None:
    """Neither the serving code nor another model or page is what a bundle is made from."""
    fork, folder = published.fork, published.folder
    fork.edit("serve/__init__.py", '"""', '"""Changed. ')
    shutil.copytree(folder, folder.with_name("other"))
    folder.with_name("README.md").write_text("changed")
    (folder / "__pycache__").mkdir(exist_ok=True)
    (folder / "__pycache__/estimator.pyc").touch()
    published.run("train", MODEL=MODEL)
    assert not fork.trained()
    make_unique(folder / "estimator.py")
    published.run("train", MODEL=MODEL)
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
