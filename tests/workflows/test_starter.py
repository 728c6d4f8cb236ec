"""A repository that `make starter` wrote, through its own workflows: from nothing to a release."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ship.registry.labels import REVISION
from ship.registry.remote import Registry
from ship.supply_chain.verify import verify
from tests.image.container import docker
from tests.support.checkouts.checkout import Checkout
from tests.support.checkouts.fork import LONG_AGO, Fork
from tests.support.github.fake import State
from tests.support.names import RUN
from tests.workflows.act import CALLED, Act, Hub, Run
from tests.workflows.test_ci import PUSH, named, pull_request

pytestmark = [pytest.mark.engine, pytest.mark.nightly]
MODEL = f"shop_{RUN}"
TRAIN = f"Make/model/Train and judge {MODEL}"
TAG = {"ref": "refs/tags/v1.0.0", "repository": {"private": False}}
LINE = '''\
"""A line, which cannot tell what this table asks."""

from sklearn.linear_model import LogisticRegression


def build() -> LogisticRegression:
    return LogisticRegression()
'''


@pytest.fixture(scope="module")
def tool(folder: Path) -> Checkout:
    """A clone of the tool, from where its workflows are called."""
    (folder / "tool").mkdir()
    clone = Fork(folder / "tool")
    clone.commit()
    clone.git("remote", "add", "origin", f"https://github.com/{CALLED}")
    clone.git("update-ref", "refs/remotes/origin/main", "HEAD")
    return clone


@pytest.fixture(scope="module")
def shop(tool: Checkout, folder: Path) -> Iterator[Checkout]:
    """What `make starter` writes of a table in which a tree finds what a line cannot."""
    a, b = np.random.default_rng(0).uniform(-1, 1, (2, 1500)).round(4)
    rows = "".join(
        f"{x},{y},{'sold' if x * y > 0 else 'kept'}\n" for x, y in zip(a, b, strict=True)
    )
    (folder / "shop.csv").write_text(f"a,b,answer\n{rows}")
    settings = {
        "DIR": folder / "shop",
        "CSV": folder / "shop.csv",
        "TARGET": "answer",
        "NAME": MODEL,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LONG_AGO.items():
            patch.setenv(name, value)
        words = [f"{name}={value}" for name, value in settings.items()]
        subprocess.run(["make", "starter", *words], cwd=tool.root, check=True, capture_output=True)
        yield Checkout(folder / "shop")
    docker("rmi", "--force", f"{MODEL}:dev", check=False)


@pytest.fixture(scope="module")
def act(shop: Checkout, tool: Checkout, hub: Hub) -> Act:
    """Workflows of the repository, and the tool's that they call; the registry is empty."""
    return Act(shop, *hub, tool)


def test_starter_goes_from_an_empty_registry_to_a_release(
    act: Act, shop: Checkout, tool: Checkout, state: State, registered: str
) -> None:
    """A first push publishes, a better pull request is green, a worse one is red.

    The image is of the repository's commit and names the tool's; the repository holds no copy of
    the tool, and none of the tool's own tests run.
    """
    published, gate = (
        Registry(f"{registered}/{MODEL}"),
        re.compile(r"{ min = .*$", re.MULTILINE),
    )
    toml = shop.root / "model" / MODEL / "model.toml"
    toml.write_text(gate.sub("{ min = 0.3, drop = 0.02 }", toml.read_text()))
    estimator = toml.with_name("estimator.py")
    better = estimator.read_text()
    assert published.tags() == []

    first = commit(shop, estimator, LINE)
    assert results(act.run("push", "models.yml", PUSH)) == {"success"}
    before = published.resolve("main")
    assert before is not None
    assert before == published.resolve(f"sha-{first[:12]}")
    verify(published, before, MODEL, "main")
    labels = json.loads(published.config(before))["config"]["Labels"]
    assert labels[REVISION] == first
    assert tool.git("merge-base", "--is-ancestor", labels["model-images.tool"], "HEAD") == ""

    commit(shop, estimator, better)
    assert results(act.run("pull_request", "models.yml", pull_request(state))) == {"success"}
    summary = (act.artifacts / "report" / "summary.md").read_text()
    assert f"{MODEL}: passed: balanced_accuracy" in summary
    assert "better in balanced_accuracy" in summary
    assert published.resolve("main") == before  # a pull request publishes nothing
    assert results(act.run("push", "models.yml", PUSH)) == {"success"}
    after = published.resolve("main")
    assert after not in (None, before)

    shop.git("switch", "--quiet", "--create", "worse")
    commit(shop, estimator, LINE)
    run = act.run("pull_request", "models.yml", pull_request(state))
    assert run.results[TRAIN] == "failure"
    report = (act.artifacts / f"report-{MODEL}" / "report.md").read_text()
    assert f"{MODEL}: failed: balanced_accuracy" in report
    assert published.resolve("main") == after

    shop.git("switch", "--quiet", "main")
    shop.git("tag", "v1.0.0")
    shop.git("checkout", "--quiet", "v1.0.0")
    assert results(act.run("push", "models.yml", TAG)) == {"success"}
    verify(published, str(published.resolve("1.0.0")), MODEL, "1.0.0", "latest")
    assert f"{MODEL}-card.md" in [file.name for file in (act.releases / "v1.0.0").iterdir()]


def commit(shop: Checkout, file: Path, content: str) -> str:
    """Write a file and commit it; return the sha."""
    file.write_text(content)
    return shop.commit()


def results(run: Run) -> set[str]:
    """Return how the jobs of a run ended, none of which is one of the tool's own tests."""
    assert named(run, "Test the repository") == named(run, "Run every test") == []
    return {run.log if result == "failure" else result for result in run.results.values()}
