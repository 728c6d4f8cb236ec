"""Load a server with wrk, which runs on a core of its own."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from bench.process import CLIENT_CORE, Running

UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}


class Load(NamedTuple):
    """What wrk measured."""

    requests_per_second: float
    p99_milliseconds: float


def measure(server: Running, connections: int, seconds: int) -> Load:
    """Send the server's request over so many connections for so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "request.lua"
        script.write_text(
            'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
            f"wrk.body = {json.dumps(server.contender.body)}\n"
        )
        url = f"http://127.0.0.1:{server.port}{server.contender.path}"
        printed = subprocess.run(
            [
                *("taskset", "-c", CLIENT_CORE, "wrk", "--threads=1", "--latency", "--timeout=30s"),
                *(f"--connections={connections}", f"--duration={seconds}s", f"--script={script}"),
                url,
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert "Non-2xx" not in printed, f"{server.contender.name} refused: {printed}"
    speed = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    p99 = re.search(r"99%\s+([\d.]+)(\w+)", printed)
    assert speed
    assert p99
    return Load(float(speed[1]), float(p99[1]) * UNITS[p99[2]])
