"""What is deployed, as files: names, weights and limits."""

from __future__ import annotations

import re

import pytest
import yaml

from ship.deploy.compose import render
from ship.deploy.compose.state import DeployedModel, RunningImage

ONE = RunningImage("sha256:" + "1" * 64, "ghcr.io/owner/iris@sha256:" + "1" * 64, 2)
TWO = RunningImage("sha256:" + "2" * 64, "ghcr.io/owner/iris@sha256:" + "2" * 64, 3)


def test_services_run_by_digest() -> None:
    """Each release is a service of its own, from its digest, with its replicas."""
    services = yaml.safe_load(render.services({"iris": DeployedModel(ONE, TWO)}))["services"]
    assert {name: (service["image"], service["scale"]) for name, service in services.items()} == {
        "iris-111111111111": (ONE.image, 2),
        "iris-222222222222": (TWO.image, 3),
    }


@pytest.mark.parametrize("share", [1, 10, 33, 50, 99])
def test_weights_give_a_candidate_its_share(share: int) -> None:
    """The weights of all replicas together split the requests as asked, whatever their numbers."""
    (_, stable), (_, candidate) = render.weights(DeployedModel(ONE, TWO, share))
    total = stable * ONE.replicas + candidate * TWO.replicas
    assert candidate * TWO.replicas * 100 == share * total


def test_release_without_a_share_gets_no_request() -> None:
    """A release without a share is reached only at its own preview path."""
    text = render.upstreams({"iris": DeployedModel(ONE, TWO)}, rate=10)
    upstreams = dict(re.findall(r"upstream (\S+) \{(.*?)\n\}", text, re.DOTALL))
    servers = {
        name: re.findall(r"server (\S+):8080 .* (\S+);", body) for name, body in upstreams.items()
    }
    assert servers == {
        "iris": [("iris-111111111111", "weight=1"), ("iris-222222222222", "down")],
        "iris@222222222222": [("iris-222222222222", "weight=1")],
    }


def test_model_that_does_not_serve_yet_has_no_route() -> None:
    """Until its first release has answered there, a model has only its preview path."""
    text = render.routes({"iris": DeployedModel(None, TWO)}, rate=10)
    assert "location /iris/" not in text
    assert "location /iris@222222222222/" in text


def test_metrics_are_not_for_clients() -> None:
    """The router has no way to /metrics of a replica."""
    assert "location = /iris/metrics {\n  return 404;" in render.routes(
        {"iris": DeployedModel(ONE)}, 10
    )
