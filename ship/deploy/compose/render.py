"""Render the files of Compose, nginx and Prometheus from what is deployed."""

from __future__ import annotations

import json
from math import gcd

import yaml

from ship.deploy.compose.state import DeployedModel, RunningImage, State
from ship.registry.labels import DIGEST, MODEL

PORT = 8080
CONNECTIONS = 128  # per replica: fewer than it accepts, so that a 503 means that it is ill


def service(model: str, running: RunningImage) -> str:
    """Return the name of an image's service, by its digest, so that two of a model can run."""
    return f"{model}-{running.digest.removeprefix('sha256:')[:12]}"


def preview(model: str, running: RunningImage) -> str:
    """Return the path at which this image answers while another one serves."""
    return f"{model}@{running.digest.removeprefix('sha256:')[:12]}"


def services(state: State) -> str:
    """Return models.yaml: a service for each image, from its digest."""
    described = {
        service(model, running): {
            "extends": {"file": "model.yaml", "service": "model"},
            "image": running.image,
            "pull_policy": "never",  # it is here: its signature was checked, then it was fetched
            "scale": running.replicas,
            "labels": {MODEL: model, DIGEST: running.digest},
        }
        for model, deployed in state.items()
        for running in deployed.running
    }
    return yaml.safe_dump({"services": described}, sort_keys=False)


def upstreams(state: State, rate: int) -> str:
    """Return upstreams.conf: the replicas of each model by weight, and those of a preview."""
    lines = [f"limit_req_zone $binary_remote_addr zone=clients:10m rate={rate}r/s;"]
    for model, deployed in state.items():
        lines += upstream(model, model, weights(deployed))
        if deployed.beside:
            lines += upstream(preview(model, deployed.beside), model, [(deployed.beside, 1)])
    return "\n".join([*lines, ""])


def weights(deployed: DeployedModel) -> list[tuple[RunningImage, int]]:
    """Return the weight of one replica of each image, so that each image gets its share.

    An image without a share is listed with 0, so that nginx knows its addresses when it serves.
    """
    serving, beside, share = deployed.serving, deployed.beside, deployed.share
    if not serving:
        return []
    if not beside:
        return [(serving, 1)]
    if not share:
        return [(serving, 1), (beside, 0)]
    parts = (100 - share) * beside.replicas, share * serving.replicas
    divisor = gcd(*parts)
    return [(serving, parts[0] // divisor), (beside, parts[1] // divisor)]


def upstream(name: str, model: str, servers: list[tuple[RunningImage, int]]) -> list[str]:
    """Return the lines of one nginx upstream with the replicas of these images."""
    if not servers:
        return []
    return [
        f"upstream {name} {{",
        f"  zone {name} 256k;",
        *(
            f"  server {service(model, running)}:{PORT} resolve max_fails=3 fail_timeout=2s "
            f"{f'weight={weight}' if weight else 'down'};"
            for running, weight in servers
        ),
        "  keepalive 64;",
        "}",
    ]


def routes(state: State, rate: int) -> str:
    """Return routes.conf: a location for each model, and the list of models at /.

    nginx ends a request's attempts when the list of replicas changes meanwhile, as it does when one
    is stopped. Such a request is tried again in a second location.
    """
    serving = [model for model, deployed in state.items() if deployed.serving]
    lines = ["location = / {", f"  return 200 '{json.dumps({'models': serving})}';", "}"]
    for model, deployed in state.items():
        if deployed.serving:
            lines += route(model, deployed.serving, rate)
        if deployed.beside:
            lines += route(preview(model, deployed.beside), deployed.beside, rate)
    return "\n".join([*lines, ""])


def route(path: str, running: RunningImage, rate: int) -> list[str]:
    """Return the lines of the locations of one path."""
    return [
        f"location /{path}/ {{",
        f"  limit_req zone=clients burst={rate} nodelay;",
        f"  limit_conn models {CONNECTIONS * running.replicas};",
        "  error_page 400 408 413 414 429 494 500 501 503 505 /problem;",
        f"  error_page 502 504 = @{path};",
        f"  rewrite ^/{path}/(.*)$ /$1 break;",
        f"  proxy_pass http://{path};",
        "}",
        f"location @{path} {{",
        f"  proxy_pass http://{path};",
        "}",
        f"location = /{path}/metrics {{",  # for Prometheus, which asks the replicas themselves
        "  return 404;",
        "}",
    ]


def scrapes(state: State) -> str:
    """Return Prometheus' models.yml: all replicas of each image, as Docker's DNS names them.

    All are in one job, because Prometheus counts the replicas of a removed job as running for five
    minutes.
    """
    names = [
        service(model, running) for model, deployed in state.items() for running in deployed.running
    ]
    replicas = {"names": names, "type": "A", "port": PORT, "refresh_interval": "5s"}
    named = {"source_labels": ["__meta_dns_name"], "regex": "(.+)-([0-9a-f]{12})"}
    job = {
        "job_name": "model",
        "dns_sd_configs": [replicas],
        "relabel_configs": [
            {**named, "target_label": "model", "replacement": "$1"},
            {**named, "target_label": "digest", "replacement": "$2"},
        ],
    }
    return yaml.safe_dump({"scrape_configs": [job] if names else []}, sort_keys=False)
