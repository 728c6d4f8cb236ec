"""Published images to deploy, and Compose projects that are gone afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.bundle import read
from ship.build.workspace import Workspace
from ship.deploy.compose.project import Project
from ship.deploy.compose.target import Compose
from ship.deploy.rollout import deploy
from ship.deploy.settings import Settings
from ship.pipeline.publish import publish
from ship.registry.layout import Layout
from ship.tags import Tag
from tests.conftest import BuildModel
from tests.ship.deploy.compose.load import Load
from tests.support.images.variants import variant
from tests.support.names import RUN, free_address


@pytest.fixture(scope="session")
def images(build_model: BuildModel) -> dict[str, Workspace]:
    """Two built models."""
    return {name: build_model(name) for name in ("iris", "penguins")}


@pytest.fixture(scope="session")
def sources(
    images: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Layout]:
    """Where each model is published: as one, and as two, which differs in a label."""
    folder = tmp_path_factory.mktemp("published")
    layouts = {}
    for name, build in images.items():
        layouts[name] = Layout(folder / name)
        publish(build.archive, [Tag("one")], layouts[name])
        labels = {**build.archive.labels, "another": "digest"}
        two = variant(build.archive, folder / f"{name}.tar", Labels=labels)
        publish(two, [Tag("two")], layouts[name])
    return layouts


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """A Compose project of our own, with its images gone afterwards too."""
    settings = Settings(
        project=f"test-{RUN}",
        listen=free_address(),
        prometheus_listen=free_address(),
        state=str(tmp_path_factory.mktemp("state")),
        rate=1_000_000,
        ready_seconds=30,
    )
    target = Compose(Project(settings))
    target.project.prepare()
    yield target
    target.project.compose("down", "--volumes", "--remove-orphans")
    tried = {f"model-images/{entry.model}:{entry.digest[7:19]}" for entry in target.entries()}
    subprocess.run(["docker", "rmi", *sorted(tried)], capture_output=True, check=False)


@pytest.fixture
def compose(project: Compose, sources: dict[str, Layout]) -> Compose:
    """The project, in which the first image of each model serves."""
    for name, source in sources.items():
        if project.serving(name) != source.resolve("one"):
            deploy(project, source, name, "one")
    return project


@pytest.fixture
def load(compose: Compose, images: dict[str, Workspace], tmp_path: Path) -> Callable[[str], Load]:
    """Make load on a model, which counts what fails."""

    def on(model: str) -> Load:
        features = read(images[model].bundle).examples[0].features
        return Load(compose.project.settings.listen, model, features, tmp_path)

    return on
