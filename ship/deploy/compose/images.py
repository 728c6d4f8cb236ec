"""The images of the router and of Prometheus, by digest, with stand-ins from Debian packages.

The digests are those that several public repositories agree on; no registry could be asked.
"""

from __future__ import annotations

import os

from ship.build import standin
from ship.build.standin import StandIn

ROUTER = (
    "nginx:1.30.4-alpine@sha256:dc5069ad14f19660b141b21236140b91656bf89bbc3e2417c70ae650cd66104c"
)
PROMETHEUS = (
    "prom/prometheus:v3.15.0"
    "@sha256:efd719c99d83b060d9daefdcf00360461adf279f45ef5391f8d111892118753e"
)
# Without `resolve` and `keepalive_min_timeout`, requests fail when replicas change and when nginx
# reloads. Debian 13's nginx 1.26 has neither, the next Debian's has both. Its package lists expire
# after a week, and a mirror may be older than that; their signatures are checked all the same.
NEXT = ('--aptopt=Acquire::Check-Valid-Until "false"',)
DOCKERFILE = """\
FROM scratch
ADD rootfs.tar /
ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
"""
ROUTER_STAND_IN = StandIn(
    role="router",
    name="model-images/nginx:1.30",
    suite="forky",
    packages=("nginx",),
    dockerfile=DOCKERFILE,
    options=NEXT,
)
PROMETHEUS_STAND_IN = StandIn(
    role="prometheus",
    name="model-images/prometheus:3",
    suite="forky",
    packages=("prometheus",),
    dockerfile=DOCKERFILE,
    hooks=('install -d -o 65534 -g 65534 "$1/prometheus"',),  # the volume starts as a copy of it
    options=NEXT,
)


def router() -> str:
    """Return the router's image: ROUTER_IMAGE, the pinned one, or its stand-in."""
    return standin.resolve(os.environ.get("ROUTER_IMAGE") or ROUTER, ROUTER_STAND_IN)


def prometheus() -> str:
    """Return Prometheus' image: PROMETHEUS_IMAGE, the pinned one, or its stand-in."""
    return standin.resolve(os.environ.get("PROMETHEUS_IMAGE") or PROMETHEUS, PROMETHEUS_STAND_IN)
