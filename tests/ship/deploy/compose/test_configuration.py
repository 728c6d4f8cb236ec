"""nginx and Prometheus take the files we write, by their own checks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ship.deploy.compose import images, render
from ship.deploy.compose.project import FILES, NGINX
from ship.deploy.compose.state import DeployedModel, RunningImage, State
from tests.image.container import docker

pytestmark = pytest.mark.engine
ONE = RunningImage("sha256:" + "1" * 64, "iris@sha256:" + "1" * 64, 2)
TWO = RunningImage("sha256:" + "2" * 64, "iris@sha256:" + "2" * 64, 2)
STATES: dict[str, State] = {
    "nothing": {},
    "two models": {"iris": DeployedModel(ONE), "house_prices": DeployedModel(TWO)},
    "a first release": {"iris": DeployedModel(None, TWO)},
    "a candidate": {"iris": DeployedModel(ONE, TWO)},
    "a canary": {"iris": DeployedModel(ONE, TWO, share=10)},
}


@pytest.fixture(params=STATES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The files of a project in which something is deployed."""
    state = STATES[request.param]
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "models.yaml").write_text(render.services(state))
    (tmp_path / "router/upstreams.conf").write_text(render.upstreams(state, rate=10))
    (tmp_path / "router/routes.conf").write_text(render.routes(state, rate=10))
    (tmp_path / "prometheus/models.yml").write_text(render.scrapes(state))
    return tmp_path


def test_nginx_takes_its_files(folder: Path) -> None:
    """`nginx -t` passes as the router runs: read-only, without capabilities, as nobody."""
    docker("run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--tmpfs=/tmp",
           "--user=65532", f"--volume={folder}/router:/etc/router:ro", "--entrypoint=nginx",
           images.router(), *NGINX[1:], "-t")  # fmt: skip


def test_compose_takes_its_files(folder: Path) -> None:
    """`docker compose config` passes, with the profiles that are off by default."""
    environment = "ROUTER_IMAGE=nginx\nPROMETHEUS_IMAGE=prometheus\nCOMPOSE_PROJECT_NAME=test\n"
    (folder / ".env").write_text(environment)
    subprocess.run(
        ["docker", "compose", "--file=compose.yaml", "--file=models.yaml", "--profile=grafana",
         "--profile=logs", "config", "--quiet"],
        cwd=folder, check=True,
    )  # fmt: skip


def test_prometheus_takes_its_files(folder: Path) -> None:
    """`promtool check config` passes, with the rules and the replicas to scrape."""
    promtool(folder, "check", "config", "prometheus.yml")


def test_alerts_fire_when_they_should_and_not_before() -> None:
    """`promtool test rules` runs the rules over made-up series: each alert fires, and is told."""
    assert "SUCCESS" in promtool(FILES, "test", "rules", "rules.test.yml")


def test_every_alert_is_tested() -> None:
    """No alert is without a case in the rules' own tests."""
    rules, cases = ((FILES / "prometheus" / name).read_text() for name in
                    ("rules.yml", "rules.test.yml"))  # fmt: skip
    alerts = [line.split()[-1] for line in rules.splitlines() if "- alert:" in line]
    assert [name for name in alerts if f"alertname: {name}\n        exp_alerts" not in cases] == []


def promtool(folder: Path, *arguments: str) -> str:
    """Run Prometheus' own checker in a folder, which must succeed; return what it prints."""
    command = ["docker", "run", "--rm", "--network=none", "--entrypoint=promtool",
               f"--volume={folder}/prometheus:/rules:ro", "--workdir=/rules",
               images.prometheus(), *arguments]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
