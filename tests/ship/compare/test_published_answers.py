"""A published model is asked within limits, and what it cannot answer is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from contract import bundle
from judge.comparison.eligible_rows import Incomparable
from ship.command import Result
from ship.compare.published_answers import ask_graph, ask_image
from ship.host import confined
from tests.image.container import docker
from tests.support.servers.bundles import patients

# Writes, as the answers of a bulk scorer, what the container may use and do.
LIMITS = """
import json, os
from pathlib import Path

def first(*files):
    return next(file.read_text().split()[0] for name in files
                if (file := Path("/sys/fs/cgroup", name)).exists())

status = dict(line.split(":\\t") for line in Path("/proc/self/status").read_text().splitlines())
for limit in (
    first("memory/memory.limit_in_bytes", "memory.max"), first("pids/pids.max", "pids.max"),
    first("cpu/cpu.cfs_quota_us", "cpu.max"), status["NoNewPrivs"], status["CapEff"],
    bool(os.statvfs("/").f_flag & os.ST_RDONLY), os.listdir("/sys/class/net"),
):
    print(json.dumps({"prediction": limit}))
"""


@pytest.fixture
def telltale(python_image: str) -> Iterator[str]:
    """An image that answers any rows with the limits that it runs within."""
    container = docker("create", "--pull=never", python_image).strip()
    entry = f"ENTRYPOINT {json.dumps(['python', '-c', LIMITS])}"
    image = docker("commit", f"--change={entry}", container).strip()
    docker("rm", container)
    yield image
    docker("rmi", image)


@pytest.mark.engine
def test_published_image_is_asked_within_limits(telltale: str) -> None:
    """What stands in a pickle has as little room as a served model, and no network at all."""
    limits, _ = ask_image(lambda: telltale, [])
    assert [str(2**28), "64", "100000", "1", "0" * 16, True, ["lo"]] == limits


@pytest.mark.parametrize("end", ["\x85", "\u2028"])
def test_answer_ends_where_its_line_does(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that is called by what some take for the end of a line is one answer."""
    answer = {"prediction": f"a{end}b", "probabilities": {f"a{end}b": 1.0}}
    content = (json.dumps(answer, ensure_ascii=False) + "\n").encode() * 2
    result = Result((), 0, content, "")
    monkeypatch.setattr(confined, "ask", lambda *_, **__: result)
    assert ask_image(lambda: "image", []) == ([f"a{end}b"] * 2, [[1.0]] * 2)


def test_anomaly_scores_are_read_from_a_bulk_scorer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A published detector's answers are its labels, and for each row its score alone."""
    content = b'{"prediction":"odd","anomaly_score":0.25}\n' * 2
    monkeypatch.setattr(confined, "ask", lambda *_, **__: Result((), 0, content, ""))
    assert ask_image(lambda: "image", []) == (["odd"] * 2, [[0.25]] * 2)


def test_graph_of_another_shape_is_incomparable(tmp_path: Path) -> None:
    """A published graph that answers one row, however many it is asked, ends no run of the gate."""
    made = bundle.read(patients(tmp_path / "made"))
    numeric = helper.make_tensor_value_info("numeric", TensorProto.DOUBLE, [None, None])
    sum_ = helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [1, 1])
    graph = helper.make_graph([helper.make_node("ReduceSum", ["numeric"], ["prediction"])],
                              "sum", [numeric], [sum_])  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    made.model_file.write_bytes(model.SerializeToString())
    with pytest.raises(Incomparable, match="it cannot answer the new rows"):
        ask_graph(made, [example.features for example in made.examples])
