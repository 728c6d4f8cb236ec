"""The images beside the models: pinned by digest, with stand-ins made from Debian packages.

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
# Debian 13's nginx 1.26 knows neither `resolve` nor `keepalive_min_timeout`, without which replicas
# that come and go, and reloads, fail requests; the next Debian's does. Its package lists say that
# they expire after a week, which a mirror may be behind by; their signatures are checked.
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
    hooks=('install -d -o 65534 -g 65534 "$1/prometheus"',),  # what the volume there starts as
    options=NEXT,
)


def router() -> str:
    return standin.resolve(os.environ.get("ROUTER_IMAGE") or ROUTER, ROUTER_STAND_IN)


def prometheus() -> str:
    return standin.resolve(os.environ.get("PROMETHEUS_IMAGE") or PROMETHEUS, PROMETHEUS_STAND_IN)
