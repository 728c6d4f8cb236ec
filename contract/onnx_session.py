"""How an ONNX graph is run, by training, by the server and beside a published model: alike."""

from __future__ import annotations

import os
from pathlib import Path

# Since 1.29 onnxruntime sends telemetry and keeps a database in the user's home by default.
os.putenv("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

FATAL = 4  # log severity: what fails is raised, and whoever called says so


def open_session(model: Path | bytes, threads: int = 1) -> onnxruntime.InferenceSession:
    """Load a graph, from its file or its bytes, to be run on the CPU.

    Raises what onnxruntime raises for a graph that it cannot load; its exceptions have no base of
    their own.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads  # by default onnxruntime takes every core of the host
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # memory stays flat after one large batch
    graph = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
