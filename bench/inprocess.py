"""Time onnxruntime in this process, without a server: the limit for large requests."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.process import ROOT, SERVER_CORE
from contract.onnx_session import open_session

ROUNDS = 30


def random_rows(bundle: Path, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return rows (rows, inputs) within the ranges of the training rows, with one decimal."""
    inputs = json.loads((bundle / "manifest.json").read_bytes())["inputs"]
    least, most = ([field[end] for field in inputs] for end in ("minimum", "maximum"))
    return np.random.default_rng(0).uniform(least, most, (count, len(inputs))).round(1)


def typical(action: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Return the median of the seconds that an action takes."""

    def once() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return statistics.median(once() for _ in range(rounds))


def seconds_of_request(bundle: Path, body: str) -> float:
    """Return the seconds to decode a request and run the model, on the server's core."""
    encoded = body.encode()
    rows = np.array(json.loads(body)["instances"])
    model = open_session(bundle / "model.onnx")
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(SERVER_CORE)})
    try:
        decoding = typical(lambda: msgspec.json.decode(encoded))
        return decoding + typical(lambda: model.run(None, {"numeric": rows}))
    finally:
        os.sched_setaffinity(0, everywhere)


def bulk_speed(bundle: Path, count: int, folder: Path) -> float:
    """Return the bulk scorer's speed on `count` rows as a share of onnxruntime's alone."""
    rows = random_rows(bundle, count)
    model = open_session(bundle / "model.onnx")
    own = typical(lambda: model.run(None, {"numeric": rows}), rounds=3)
    names = [
        field["name"] for field in json.loads((bundle / "manifest.json").read_bytes())["inputs"]
    ]
    table = folder / "rows.csv"
    np.savetxt(table, rows, fmt="%.1f", delimiter=",", header=",".join(names), comments="")

    def score() -> None:
        with table.open("rb") as source, (folder / "scored.csv").open("wb") as target:
            subprocess.run(
                [sys.executable, "-m", "serve", "predict"],
                cwd=ROOT, env={"BUNDLE": str(bundle)}, stdin=source, stdout=target, check=True,
            )  # fmt: skip

    return own / typical(score, rounds=3)
