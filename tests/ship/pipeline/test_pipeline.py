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
from ship.build.workspace import Workspace
from ship.registry.layout import Layout
from ship.registry.remote import Registry
from tests.image.container import docker
from tests.support.checkouts.checkout import Checkout
from tests.support.checkouts.fork import LONG_AGO, MODEL, Fork, make_unique
from tests.support.models import tables
from tests.support.models.folder import RATIOS
from tests.support.names import RUN

pytestmark = pytest.mark.engine
MODELS = "../shop/models"  # in another repository than the tool
ADDRESS = "https://example.com/octo/models"
DIFFERENT = ("churn", "rents", "pumps")  # an ONNX image, a joblib image, and no classes to learn


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
    """Three models that a pipeline has published: the tool's fork, and the models' repository."""

    fork: Fork
    shop: Checkout
    tool: str  # the commit of the fork
    tags: list[str]
    digest: str  # of the image of the model that most tests look at
    output: str

    @property
    def folder(self) -> Path:
        """The folder of that model."""
        return self.shop.root / "models" / MODEL

    def run(self, *words: str, **variables: str) -> str:
        """Run words on the models of the other repository, and return what they print."""
        return self.fork.run(*words, MODELS=MODELS, **variables)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fork, Checkout]:
    """A fork of the tool, and a repository without a model yet, which has a remote.

    Words are run from there, as somebody does who only calls this tool.
    """
    root = tmp_path_factory.mktemp("pipeline")
    for name in ("fork", "shop/models"):
        (root / name).mkdir(parents=True)
    fork, shop = Fork(root / "fork"), Checkout(root / "shop")
    fork.called_from = shop.root
    fork.commit()
    fork.git("tag", f"{MODEL}-v9.9.9")  # is no version of a model that lies elsewhere
    shop.git("switch", "--quiet", "--create", "trunk")
    shop.git("remote", "add", "origin", f"{ADDRESS}.git")
    (shop.root / ".gitignore").write_text("__pycache__/\n")
    return fork, shop


@pytest.fixture(scope="module")
def published(pair: tuple[Fork, Checkout]) -> Iterator[Published]:
    """Three tables that are unlike each other, each made an image by one run of the pipeline."""
    fork, shop = pair
    tables.write(shop.root / "models", *DIFFERENT, suffix=f"_{RUN}")
    (shop.root / "models" / f"{DIFFERENT[0]}_{RUN}").rename(shop.root / "models" / MODEL)
    sha = shop.commit()
    output = fork.run("pipeline", MODELS=str(shop.root / "models"))
    assert fork.trained()
    tags = [f"sha-{sha[:12]}", "trunk"]
    tool = fork.git("rev-parse", "HEAD")
    yield Published(fork, shop, tool, tags, fork.archive.digest, output)
    docker("rmi", "--force", *(f"{name}_{RUN}:dev" for name in DIFFERENT[1:]), check=False)


def test_pipeline_takes_three_different_tables_to_published_tags(published: Published) -> None:
    """Weights and groups, text, and anomalies: each is trained, judged, tested and published."""
    for name in (MODEL, *(f"{other}_{RUN}" for other in DIFFERENT[1:])):
        results = Workspace(name, "", published.fork.root / "dist")
        layout = Layout(results.dist / "registry" / name)
        tags = [f"inputs-{results.archive.labels['model-images.inputs']}", *published.tags]
        assert sorted(layout.tags()) == sorted(tags)
        assert {layout.resolve(tag) for tag in tags} == {results.archive.digest}
        assert read(results.bundle).manifest.gate.passed


def test_pipeline_shows_what_it_has_published(published: Published) -> None:
    """The image is in the engine, its packages are listed, and the table at the end tells how."""
    fork, output = published.fork, published.output
    assert docker("image", "inspect", "--format={{.Id}}", f"{MODEL}:dev").strip() in (
        published.digest,
        fork.archive.manifest["config"]["digest"],
    )
    for name in ("sbom.spdx.json", "sbom.cdx.json"):
        assert "onnxruntime" in (fork.root / "dist" / MODEL / name).read_text()
    for word in ("passed", "profit", "onnx", published.digest[7:19], "trunk", "docker run"):
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


def test_publish_brings_the_same_bytes_to_a_registry(published: Published, registry: str) -> None:
    """All tags lead to the image that was tested; a version is none of them, whatever git says."""
    published.shop.git("tag", "v1.2.3")
    published.run("publish", MODEL=MODEL, REGISTRY=f"{registry}/Owner")
    published.shop.git("tag", "--delete", "v1.2.3")
    released = Registry(f"{registry}/owner/{MODEL}")
    assert {*published.tags} < {*released.tags()}
    assert {released.resolve(tag) for tag in released.tags()} == {published.digest}


def test_promote_releases_what_was_published(published: Published) -> None:
    """On this machine too a version is the published digest, with its card and reports."""
    published.shop.git("tag", "v1.2.3")
    output = published.run("promote", MODEL=MODEL, RELEASE="v1.2.3")
    published.shop.git("tag", "--delete", "v1.2.3")
    assert f"{MODEL}: 1.2.3 is {published.digest}" in output
    layout = published.fork.published
    assert {layout.resolve(tag) for tag in ("1.2.3", "1.2", "1", "latest")} == {published.digest}
    card = (published.fork.root / f"dist/assets/{MODEL}-card.md").read_text()
    assert f":1.2.3@{published.digest}" in card


@pytest.mark.nightly
def test_new_model_is_published_by_the_next_word(pair: tuple[Fork, Checkout]) -> None:
    """A table becomes a model folder by one word, and by the next a published image."""
    fork, shop = pair
    table = shop.root.parent / "wine.csv"
    load_wine(as_frame=True).frame.to_csv(table, index=False)
    fork.run("new-model", NAME=f"wine_{RUN}", CSV=str(table), TARGET="target", MODELS=MODELS)
    sha = shop.commit()
    fork.run("pipeline", MODEL=f"wine_{RUN}", MODELS=MODELS)
    layout = Layout(fork.root / "dist" / "registry" / f"wine_{RUN}")
    assert {f"sha-{sha[:12]}", "trunk"} < {*layout.tags()}
    docker("rmi", "--force", f"wine_{RUN}:dev")


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
