"""CatBoost's trees, from the JSON in which it saves a model.

It rounds inputs to float32 and asks whether one is greater than a border of float32. Leaves are
added up in float64. What it computes of categories and texts, no tree of ONNX can.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from train.export.boosters.boosted import Boosted, Link, Split, Tree, at_most
from train.export.forests import before_rounding

LINKS: dict[str, Link] = {
    "Logloss": "sigmoid",
    "CrossEntropy": "sigmoid",
    "MultiClass": "softmax",
    "MultiClassOneVsAll": "sigmoid",
    **dict.fromkeys(("Poisson", "Tweedie"), "exp"),
    **dict.fromkeys(
        ("RMSE", "MAE", "Quantile", "Expectile", "Huber", "MAPE", "Lq", "LogCosh", "YetiRank",
         "YetiRankPairwise", "PairLogit", "PairLogitPairwise", "QueryRMSE"), "identity",
    ),
}  # fmt: skip


def read(estimator: Any) -> Boosted:
    """Return the trees that a fitted estimator of CatBoost answers by.

    Raises NotFittedError for an unfitted one, NotImplementedError for what cannot be written as
    such trees.
    """
    if not estimator.is_fitted():
        raise NotFittedError("CatBoost")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.json")
        estimator.save_model(str(file), format="json")
        model = json.loads(file.read_text())
    loss = str(estimator.get_all_params().get("loss_function", "none")).partition(":")[0]
    if loss not in LINKS:
        raise NotImplementedError(f"CatBoost with the loss function {loss}")
    others = [kind for kind in ("categorical_features", "text_features", "embedding_features")
              if model["features_info"].get(kind)]  # fmt: skip
    if others:
        kind = others[0].replace("_features", "")
        raise NotImplementedError(
            f"CatBoost with {kind} features: it answers by hashes and statistics of them, "
            "for which ONNX has no operator"
        )
    features = Features(model["features_info"]["float_features"])
    scale, base = model["scale_and_bias"]
    outputs = len(base)
    trees = [
        Tree(oblivious(grown, features, outputs, scale), 0)
        for grown in model.get("oblivious_trees", ())
    ]
    trees += [Tree(nested(grown, features, scale), 0) for grown in model.get("trees", ())]
    return Boosted(trees, list(map(float, base)), LINKS[loss], single=False)


class Features:
    """The numeric inputs of a model: where each is, and what a missing value is taken for."""

    def __init__(self, features: list[dict[str, Any]]) -> None:
        self.columns = {item["feature_index"]: item["flat_feature_index"] for item in features}
        self.above = {
            item["feature_index"]: item["nan_value_treatment"] == "AsTrue" for item in features
        }

    def split(self, split: dict[str, Any], children: tuple[int, int]) -> Split:
        """Return a split, whose first child is for values up to the border.

        Raises NotImplementedError for a split of anything but a number.
        """
        if split["split_type"] != "FloatFeature":
            raise NotImplementedError(f"CatBoost with splits of kind {split['split_type']}")
        feature = split["float_feature_index"]
        border = np.array([np.float32(split["border"])], dtype=np.float64)
        bound = float(before_rounding(border)[0])
        missing = not self.above[feature]
        return at_most(bound, children, self.columns[feature], missing=missing)


def oblivious(grown: dict[str, Any], features: Features, outputs: int, scale: float) -> list[Any]:
    """Return a symmetric tree, each level of which asks the same; the last split is the root's."""
    splits = grown.get("splits") or []
    inner = 2 ** len(splits) - 1
    nodes: list[Any] = []
    for place in range(inner):
        level = (place + 1).bit_length() - 1
        nodes.append(features.split(splits[-1 - level], (2 * place + 1, 2 * place + 2)))
    values = np.array(grown["leaf_values"], dtype=np.float64).reshape(-1, outputs) * scale
    nodes += map(tuple, values.tolist())
    return nodes


def nested(root: dict[str, Any], features: Features, scale: float) -> list[Any]:
    """Return the nodes of a tree whose branches differ."""
    nodes: list[Any] = [None]
    waiting = [(0, root)]
    while waiting:
        place, node = waiting.pop()
        if "value" in node:
            value = node["value"]
            values = value if isinstance(value, list) else [value]
            nodes[place] = tuple(scale * number for number in values)
            continue
        children = len(nodes), len(nodes) + 1
        nodes += [None, None]
        nodes[place] = features.split(node["split"], children)
        waiting += [(children[0], node["left"]), (children[1], node["right"])]
    return nodes
