"""What a published model cannot answer is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper

from contract import bundle
from judge.errors import Incomparable
from ship.compare.published_answers import ask_graph
from tests.support.servers.bundles import patients


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
