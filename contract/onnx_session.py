"""Open an ONNX graph in one way, wherever it is asked, and run it over any number of rows."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Since 1.29 onnxruntime sends telemetry and keeps a database in the user's home by default.
os.putenv("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

BATCH = 1_000  # rows
FATAL = 4  # log severity; errors are raised, and the caller reports them


def open_session(model: Path | bytes, threads: int = 1) -> onnxruntime.InferenceSession:
    """Load a graph from its file or its bytes, to be run on the CPU.

    Raises whatever onnxruntime raises for a graph that it cannot load; its exceptions have no base
    class of their own.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads  # by default onnxruntime takes every core of the host
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # memory stays flat after one large batch
    graph = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def run(
    session: onnxruntime.InferenceSession, numeric: NDArray[np.float64], categorical: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    """Return predictions (rows,) and, of a graph that has them, probabilities (rows, classes).

    Of several targets, predictions are (rows, targets).
    `numeric` (rows, inputs) and `categorical` (rows, inputs) hold the inputs of each kind, with no
    columns where there is none. The first row is run alone, as a server may be asked, the others by
    the BATCH, so that memory is bounded. Raises KeyError for a graph with another input, ValueError
    for one that answers another number of rows, and whatever onnxruntime raises.
    """
    inputs = {"numeric": numeric, "categorical": categorical}
    feeds = {node.name: inputs[node.name] for node in session.get_inputs()}
    rows = len(numeric)
    ends = sorted({0, 1, *range(BATCH, rows, BATCH), rows})
    batches = [
        session.run(None, {name: values[start:end] for name, values in feeds.items()})
        for start, end in itertools.pairwise(ends)
    ]
    predictions, *others = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    if predictions.size == rows:
        predictions = predictions.reshape(rows)
    elif len(predictions) != rows:
        raise ValueError(f"{rows} rows must have as many answers. Got {len(predictions)} instead.")
    return predictions, others[0].astype(np.float64) if others else None
