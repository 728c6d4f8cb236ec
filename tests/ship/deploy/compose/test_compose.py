"""Two models of two replicas each behind the router, on a real engine, under load: 0 failed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from ship.build.workspace import Workspace
from ship.deploy.canary import Trial
from ship.deploy.compose import state
from ship.deploy.compose.containers import docker, inspect
from ship.deploy.compose.project import FILES
from ship.deploy.compose.state import DeployedModel, RunningImage
from ship.deploy.compose.target import Compose
from ship.deploy.engine_image import fetch
from ship.deploy.rollout import canary, deploy, rollback
from ship.errors import StageError
from ship.host.waiting import wait_for
from ship.pipeline.publish import publish
from ship.registry.layout import Layout
from ship.tags import Tag
from tests.ship.deploy.compose.load import Load
from tests.support.images.variants import impostor, variant
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine
MakeLoad = Callable[[str], Load]
Sources = dict[str, Layout]


def replicas(compose: Compose, model: str) -> list[str]:
    """Return the ids of a model's containers."""
    return compose.project.containers(label=f"model-images.model={model}")


def test_rollout_and_rollback_fail_no_request(
    compose: Compose, sources: Sources, load: MakeLoad, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under load, another image replaces both replicas, then the first one comes back: 0 failed."""
    source = sources["iris"]
    with load("iris") as iris, load("penguins") as penguins:
        deploy(compose, source, "iris", "two")
        assert compose.serving("iris") == source.resolve("two")
        rollback(compose, source, "iris")
    assert compose.serving("iris") == source.resolve("one")
    assert (
        f"back from {source.resolve('two')} to {source.resolve('one')}" in capsys.readouterr().out
    )
    assert iris.failed + penguins.failed == []
    assert min(iris.requests, penguins.requests) > 1000
    assert len(replicas(compose, "iris")) == 2


@pytest.mark.nightly
def test_killed_replica_fails_no_request(compose: Compose, load: MakeLoad) -> None:
    """Under load, a replica dies and is started again; then it is gone for good: 0 failed."""
    first, _ = replicas(compose, "penguins")
    with load("penguins") as penguins:
        time.sleep(1)
        os.kill(inspect([first])[0]["State"]["Pid"], signal.SIGKILL)
        wait_until(lambda: inspect([first])[0]["RestartCount"] == 1, "the restart")
        time.sleep(2)
        docker("rm", "--force", first)
        time.sleep(3)
    assert penguins.failed == []
    compose.project.converge(state.read(compose.folder))
    assert len(replicas(compose, "penguins")) == 2


@pytest.mark.nightly
def test_image_that_does_not_start_is_undone_and_fails_no_request(
    compose: Compose, sources: Sources, images: dict[str, Workspace], load: MakeLoad, tmp_path: Path
) -> None:
    """Under load, an image whose server ends at once is named with its log and gone: 0 failed."""
    config = images["penguins"].archive.config["config"]
    broken = variant(images["penguins"].archive, tmp_path / "broken.tar",
                     Env=[*config["Env"], "BUNDLE=/nowhere"])  # fmt: skip
    publish(broken, [Tag("broken")], sources["penguins"])
    before = compose.serving("penguins")
    with (
        load("penguins") as penguins,
        pytest.raises(StageError, match=r"ends as soon as it starts: .*/nowhere/.*BrokenBundle"),
    ):
        deploy(compose, sources["penguins"], "penguins", "broken")
    assert penguins.failed == []
    assert compose.serving("penguins") == before
    assert len(replicas(compose, "penguins")) == 2


def test_image_that_answers_otherwise_is_undone_and_fails_no_request(
    compose: Compose, sources: Sources, images: dict[str, Workspace], load: MakeLoad, tmp_path: Path
) -> None:
    """Under load, an image that is ready and then fails is found out before a client meets it."""
    liar = impostor(images["iris"].archive, tmp_path / "liar.tar", PATIENCE="0", STATUS="500")
    publish(liar, [Tag("liar")], sources["iris"])
    with (
        load("iris") as iris,
        pytest.raises(StageError, match=r"golden example 0\. Got 500 instead"),
    ):
        deploy(compose, sources["iris"], "iris", "liar")
    assert iris.failed == []
    assert compose.entries()[-1].result == "undone"
    assert compose.serving("iris") == sources["iris"].resolve("one")


def test_deploy_clears_away_what_an_ended_one_left(compose: Compose, sources: Sources) -> None:
    """A deploy that was killed half way leaves replicas that nobody asks; the next removes them."""
    image = fetch(sources["iris"], "iris", sources["iris"].resolve("two") or "")
    serving = compose.deployed("iris").serving
    compose.show(
        "iris", DeployedModel(serving, beside=RunningImage(image.digest, image.reference, 1))
    )
    assert len(replicas(compose, "iris")) == 3
    deploy(compose, sources["iris"], "iris", "one")
    assert len(replicas(compose, "iris")) == 2


@pytest.mark.nightly
def test_interrupted_deploy_is_undone(
    compose: Compose, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C, what served before serves, and the history has a line."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ship.deploy.golden_check.ask_examples", interrupt)
    with pytest.raises(KeyboardInterrupt):
        deploy(compose, sources["iris"], "iris", "two")
    assert compose.serving("iris") == sources["iris"].resolve("one")
    assert len(replicas(compose, "iris")) == 2
    assert compose.entries()[-1].reason == "KeyboardInterrupt"


def test_unknown_image_is_refused_before_anything_runs(compose: Compose, sources: Sources) -> None:
    """A digest that is not published changes nothing, and the history says why."""
    before = replicas(compose, "iris")
    digest = f"sha256:{'0' * 64}"
    with pytest.raises(StageError, match="refused, and nothing was changed"):
        deploy(compose, sources["iris"], "iris", digest)
    assert replicas(compose, "iris") == before
    assert (compose.entries()[-1].digest, compose.entries()[-1].result) == (digest, "refused")


@pytest.mark.nightly
def test_older_image_takes_the_word(
    compose: Compose, sources: Sources, images: dict[str, Workspace], tmp_path: Path
) -> None:
    """An older image is refused before anything runs; OLDER=yes deploys it."""
    old = variant(images["iris"].archive, tmp_path / "old.tar", "2001-01-01T00:00:00Z")
    publish(old, [Tag("old")], sources["iris"])
    before = replicas(compose, "iris")
    with pytest.raises(StageError, match=r"It was made 2001-01-01 00:00 UTC instead\. .*OLDER=yes"):
        deploy(compose, sources["iris"], "iris", "old")
    assert replicas(compose, "iris") == before
    deploy(compose, sources["iris"], "iris", "old", older=True)
    assert compose.serving("iris") == old.digest
    rollback(compose, sources["iris"], "iris")
    assert compose.serving("iris") == sources["iris"].resolve("one")


@pytest.mark.nightly
def test_canary_is_promoted_when_it_does_as_well(
    compose: Compose, sources: Sources, load: MakeLoad
) -> None:
    """A candidate that gets its share and does as well as what serves replaces it: 0 failed."""
    with load("iris") as iris:
        canary(compose, sources["iris"], "iris", "two", Trial(share=20, seconds=4))
    assert iris.failed == []
    assert compose.serving("iris") == sources["iris"].resolve("two")


@pytest.mark.nightly
def test_canary_is_withdrawn_when_it_is_slow(
    compose: Compose, sources: Sources, images: dict[str, Workspace], load: MakeLoad, tmp_path: Path
) -> None:
    """A candidate that answers rightly but late is withdrawn, saying by how much."""
    slow = impostor(images["iris"].archive, tmp_path / "slow.tar", PATIENCE="50", DELAY="0.3")
    publish(slow, [Tag("slow")], sources["iris"])
    with load("iris") as iris, pytest.raises(StageError, match=r"withdrawn: it is slower"):
        canary(compose, sources["iris"], "iris", "slow", Trial(share=50, seconds=20))
    assert iris.failed == []
    assert compose.serving("iris") == sources["iris"].resolve("one")


def test_replica_is_hardened_as_the_smoke_tests_are(compose: Compose) -> None:
    """Read-only, no capability, no new privilege, nobody, bounded, and with no way out."""
    (replica, *_) = inspect(replicas(compose, "iris"))
    host = replica["HostConfig"]
    assert {
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "Memory": 256 * 1024 * 1024,
        "MemorySwap": 256 * 1024 * 1024,
        "PidsLimit": 64,
    }.items() <= host.items()
    assert replica["Config"]["User"] == "65532:65532"
    connect = "import socket; socket.create_connection(('192.0.2.1', 53), timeout=3)"
    with pytest.raises(StageError, match="Network is unreachable"):
        docker("exec", replica["Id"], "python", "-c", connect)


def test_router_logs_every_request_as_json(compose: Compose) -> None:
    """A request is a line of the router's log, with its id, its model and the replica's answer."""
    url = f"http://{compose.project.settings.listen}/iris/predict"
    since = int(time.time())
    sent = {"X-Request-ID": f"test-{time.time()}"}
    assert requests.post(url, json={}, headers=sent, timeout=10).status_code == 422
    (router,) = compose.project.containers("router")

    def line() -> dict[str, Any] | None:
        lines = [
            json.loads(text) for text in docker("logs", f"--since={since}", router).splitlines()
        ]
        answered = [entry for entry in lines if entry["request_id"] == sent["X-Request-ID"]]
        return answered[0] if answered else None

    wait_until(line, "the line of the log")
    logged = line() or {}
    assert (logged["model"], logged["path"], logged["status"]) == ("iris", "/iris/predict", 422)
    assert logged["replica_status"] == "422"


def ask_prometheus(compose: Compose, query: str) -> list[dict[str, Any]]:
    """Return the series that Prometheus answers a query with."""
    url = f"http://{compose.project.settings.prometheus_listen}/api/v1/query"
    reply = requests.get(url, params={"query": query}, timeout=10).json()
    series: list[dict[str, Any]] = reply["data"]["result"]
    return series


def replicas_that_answer(compose: Compose) -> dict[str, str]:
    """Return how many replicas of each model Prometheus reaches."""
    series_of_models = ask_prometheus(compose, "sum by (model) (up{job='model'})")
    return {series["metric"]["model"]: series["value"][1] for series in series_of_models}


def test_dashboard_shows_every_replica_in_every_panel(compose: Compose, load: MakeLoad) -> None:
    """Prometheus scrapes both replicas of both models, and each query of the dashboard has data."""
    panels = json.loads((FILES / "grafana/dashboards/models.json").read_text())["panels"]
    queries = [
        query["expr"].replace("$model", ".*") for panel in panels for query in panel["targets"]
    ]

    wanted = {"iris": "2", "penguins": "2"}
    wait_for(lambda: replicas_that_answer(compose), lambda answering: answering == wanted,
             "Prometheus must see every replica", 40, interval=0.5)  # fmt: skip
    with load("iris"), load("penguins"):
        for query in queries:
            wait_until(lambda: ask_prometheus(compose, query), query)  # noqa: B023
