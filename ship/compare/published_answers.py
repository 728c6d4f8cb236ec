"""Ask a published model about rows, by the means in its image."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from contract.bundle import Bundle, Value
from contract.onnx_session import open_session
from judge.comparison.baseline_answers import Answer
from judge.comparison.eligible_rows import Incomparable
from judge.judge import Published
from ship import command
from ship.compare.published_model import Baseline

Rows = list[dict[str, Value]]


def ask_graph(bundle: Bundle, rows: Rows) -> Answer:
    """Run a published ONNX graph in this process, as it holds no code.

    Raises Incomparable if it cannot answer the rows.
    """
    try:
        session = open_session(bundle.model_file)
        outputs = session.run(None, tensors(bundle, rows))
    except Exception as error:
        raise Incomparable(f"it cannot answer the new rows: {error}", curable=True) from error
    predictions = np.asarray(outputs[0]).reshape(len(rows)).tolist()
    return predictions, np.asarray(outputs[1]).tolist() if len(outputs) > 1 else None


def tensors(bundle: Bundle, rows: Rows) -> dict[str, Any]:
    """Return the inputs of a graph, each of shape (rows, columns)."""
    result: dict[str, Any] = {}
    for kind, missing, dtype in (("numeric", np.nan, np.float64), ("categorical", "", object)):
        names = [field.name for field in bundle.manifest.inputs if field.kind == kind]
        if names:
            cells = [[missing if row[n] is None else row[n] for n in names] for row in rows]
            result[kind] = np.array(cells, dtype=dtype)
    return result


def ask_image(start: Callable[[], str], rows: Rows) -> Answer:
    """Run a published image as a bulk scorer, so that its pickle is loaded in the container only.

    Raises Incomparable if it cannot answer the rows.
    """
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    result = command.attempt(
        "docker", "run", "--pull=never", "--rm", "--interactive", "--network=none",
        "--read-only", "--cap-drop=ALL", "--tmpfs=/tmp", start(), "predict", "--format=jsonl",
        stdin=lines,
    )  # fmt: skip
    if not result.succeeded:
        reason = (result.stderr.strip().splitlines() or ["no reason"])[-1]
        raise Incomparable(f"its image cannot answer the new rows: {reason}", curable=True)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    probabilities = [list(vector(answer)) for answer in answers if answer.get("probabilities")]
    return [answer["prediction"] for answer in answers], probabilities or None


def vector(answer: dict[str, Any]) -> list[float]:
    """Return the probabilities of an answer, in the order of the classes."""
    probabilities = answer["probabilities"]
    return list(probabilities.values()) if isinstance(probabilities, dict) else probabilities


def as_published(baseline: Baseline) -> Published:
    """Return the published model for the judge, which may ask it more rows."""
    if baseline.bundle.manifest.runtime == "onnx":
        ask = partial(ask_graph, baseline.bundle)
    else:
        ask = partial(ask_image, lambda: baseline.image)
    return Published(baseline.bundle, baseline.digest, baseline.reference, ask)
