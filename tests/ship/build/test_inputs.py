"""The hashes of what bundles and images are made from."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from contract.spec import acceptances
from ship import git
from ship.build.inputs import plan
from ship.tags import tag_of_head
from tests.support.checkouts.checkout import Checkout


@pytest.fixture
def models(checkout: Checkout) -> Checkout:
    """A checkout with two models, training code and serving code."""
    checkout.commit(
        Dockerfile="FROM scratch",
        model__spec_dot_py="spec",
        model__iris__model_dot_toml="iris",
        model__penguins__model_dot_toml="penguins",
        train__fit_dot_py="fit",
        serve__app_dot_py="app",
    )
    return checkout


def test_plan_changes_with_the_model(models: Checkout) -> None:
    """An edit of a model's folder is a new bundle and a new image, with a new version."""
    before = plan("iris", models.models, models.root)
    sha = models.commit(model__iris__model_dot_toml="changed")
    after = plan("iris", models.models, models.root)
    assert before.bundle.hash != after.bundle.hash
    assert before.image.hash != after.image.hash
    assert before.bundle.version != after.bundle.version
    assert after.bundle.revision == sha


@pytest.mark.daily(1)
@pytest.mark.parametrize(
    "file",
    [
        "model__penguins__model_dot_toml",
        "model__penguins__requirements_dot_txt",
        "README_dot_md",
        "judge__render__templates__style_dot_css",
    ],
)
def test_plan_ignores_what_does_not_shape_the_model(models: Checkout, file: str) -> None:
    """Another model, documentation or a colour leaves hash, revision and date as they were."""
    before = plan("iris", models.models, models.root)
    models.commit(**{file: "changed"})
    assert plan("iris", models.models, models.root) == before


def test_plan_ignores_what_is_accepted_of_a_model(models: Checkout) -> None:
    """To accept a drop, and to remove the line, changes no hash: nothing is made again."""
    toml = 'task = "classification"\n'
    models.commit(model__iris__model_dot_toml=toml)
    before = plan("iris", models.models, models.root)
    line = acceptances.written(toml, {"accuracy": {"reason": "because", "who": "octocat"}})
    for content in (line, toml):
        models.commit(model__iris__model_dot_toml=content)
        after = plan("iris", models.models, models.root)
        assert (after.bundle.hash, after.image.hash) == (before.bundle.hash, before.image.hash)


def test_plan_keeps_the_bundle_when_serving_code_changes(models: Checkout) -> None:
    """Serving code is an input of the image and not of the bundle: nothing is trained again."""
    before = plan("iris", models.models, models.root)
    models.commit(serve__app_dot_py="changed")
    after = plan("iris", models.models, models.root)
    assert after.bundle == before.bundle
    assert after.image.hash != before.image.hash


def test_plan_marks_uncommitted_inputs(models: Checkout) -> None:
    """A revision never claims a commit that does not hold the files."""
    sha = plan("iris", models.models, models.root).bundle.revision
    (models.root / "train" / "fit.py").write_text("changed")
    assert plan("iris", models.models, models.root).bundle.revision == f"{sha}-dirty"


def test_plan_needs_nothing_installed() -> None:
    """Planning works in a bare interpreter, before anything is installed."""
    command = [sys.executable, "-S", "-E", "-m", "ship", "plan", "iris"]
    environment = {"PATH": os.environ["PATH"], "RELEASE": "v1.0.0"}
    result = subprocess.run(
        command, cwd=git.TOOL, env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == f'models=["iris"]\ntag={tag_of_head(git.TOOL)}\n'
