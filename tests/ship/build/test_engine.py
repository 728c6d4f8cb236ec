"""`make engine` gets a Docker engine to answer; the daemon here is a stand-in in a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.image.container import docker

TIMEOUT = "failed to start containerd: timeout waiting for containerd to start"
# dockerd ends like the real one on a disk too busy for containerd, twice; then it answers.
STAND_INS = {
    "dockerd": f"""
        echo started >>/tmp/starts
        [ "$(wc -l </tmp/starts)" -gt 2 ] || {{ echo "{TIMEOUT}" >&2; exit 1; }}
        echo io.containerd.snapshotter.v1 >/tmp/answers
        exec sleep 60""",
    "docker": "[ $1 = buildx ] || cat /tmp/answers",
    "skopeo": "",
}


@pytest.mark.engine
def test_engine_starts_a_daemon_that_ended_again(python_image: str, tmp_path: Path) -> None:
    """Without systemd, `make engine` starts dockerd again whenever it ends early."""
    for name, script in STAND_INS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    printed = docker("run", "--rm", "--network=none", "--user=0", "--entrypoint=bash",
                     f"--volume={Path('ship/engine.sh').resolve()}:/engine.sh:ro",
                     f"--volume={tmp_path}:/stand-ins:ro", "--env=PATH=/stand-ins:/usr/bin:/bin",
                     python_image, "-c", "bash /engine.sh engine && cat /tmp/starts")  # fmt: skip
    assert printed.splitlines() == [
        "engine: starting the Docker engine with the containerd image store",
        *[f"engine: dockerd ended ({TIMEOUT}): starting it again"] * 2,
        *["started"] * 3,
    ]
