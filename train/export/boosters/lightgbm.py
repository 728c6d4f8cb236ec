"""LightGBM's trees, from what `dump_model` says of them.

It compares inputs with thresholds in float64, and adds up leaves in float64. What counts as missing
differs by split (Tree::NumericalDecision, Tree::CategoricalDecision in LightGBM's tree.h).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from train.export.boosters.boosted import (
    OF_A_FRAME,
    Boosted,
    Link,
    Sides,
    Split,
    Tree,
    simplified,
)

LINKS: dict[str, Link] = {
    "binary": "sigmoid",
    "cross_entropy": "sigmoid",
    "cross_entropy_lambda": "log1p exp",
    "multiclass": "softmax",
    "multiclassova": "sigmoid",
    **dict.fromkeys(("poisson", "gamma", "tweedie"), "exp"),
    **dict.fromkeys(
        ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank",
         "rank_xendcg"), "identity",
    ),
}  # fmt: skip
ZERO = float(np.float32(1e-35))  # up to which a number is zero, whatever its sign
INFINITE = 1e300  # as which the dump writes an infinite threshold
BELOW_ZERO = float(np.nextafter(-ZERO, -np.inf))


def read(estimator: Any) -> Boosted:
    """Return the trees that a fitted estimator of LightGBM answers by.

    Raises NotImplementedError for what cannot be written as such trees.
    """
    dump = estimator.booster_.dump_model()
    objective, *options = (dump.get("objective") or "none").split()
    if objective not in LINKS or callable(estimator.objective):
        raise NotImplementedError(f"LightGBM with the objective {objective!r}")
    if dump.get("pandas_categorical"):
        raise NotImplementedError(f"LightGBM with {OF_A_FRAME}")
    settings = dict(option.split(":") for option in options if ":" in option)
    link: Link = "signed square" if "sqrt" in options else LINKS[objective]
    outputs = dump["num_tree_per_iteration"]
    grown = dump["tree_info"]
    share = outputs / len(grown) if dump["average_output"] and grown else 1.0
    return Boosted(
        [
            tree_of(tree["tree_structure"], place % outputs, share)
            for place, tree in enumerate(grown)
        ],
        [0.0] * outputs,
        link,
        single=False,
        scale=float(settings.get("sigmoid", 1)),
    )


def tree_of(root: dict[str, Any], output: int, share: float) -> Tree:
    """Return a tree, whose leaves count `share` times.

    Raises NotImplementedError for leaves that hold linear models.
    """
    nodes: list[Any] = [None]
    waiting = [(0, root)]
    while waiting:
        place, node = waiting.pop()
        if "leaf_value" in node:
            if node.get("leaf_coeff"):
                raise NotImplementedError("LightGBM with linear_tree: its leaves are linear models")
            nodes[place] = node["leaf_value"] * share
            continue
        children = len(nodes), len(nodes) + 1
        nodes += [None, None]
        nodes[place] = split_of(node, children)
        waiting += [(children[0], node["left_child"]), (children[1], node["right_child"])]
    return Tree(nodes, output)


def split_of(node: dict[str, Any], children: tuple[int, int]) -> Split:
    """Return one split."""
    column, is_left = node["split_feature"], bool(node["default_left"])
    if node["decision_type"] == "==":
        categories = sorted(int(text) for text in node["threshold"].split("||"))
        return Split(column, *inside(categories), missing=False, children=children)
    threshold, missing = float(node["threshold"]), node["missing_type"]
    if threshold >= INFINITE:
        threshold = np.inf
    if abs(threshold) <= ZERO:
        threshold = ZERO if threshold >= 0 else BELOW_ZERO
    if missing == "Zero":  # what is zero or missing goes where a missing value goes
        bounds = sorted({BELOW_ZERO, ZERO, threshold})
        sides = [is_left if bound == ZERO else bound <= threshold for bound in bounds]
        return Split(column, *simplified(bounds, [*sides, False]), is_left, children)
    missing_is_left = is_left if missing == "NaN" else threshold >= 0
    return Split(column, (threshold,), (True, False), missing_is_left, children)


def inside(categories: list[int]) -> Sides:
    """Return bounds and sides of a set of categories that is on the first side.

    Decimals are cut off, so that all between -1 and 1 is category 0.
    """
    bounds: list[float] = []
    sides = [False]
    for category in categories:
        first = -1.0 if category == 0 else float(category)
        before = first if category == 0 else float(np.nextafter(first, -np.inf))
        bounds += [before, float(np.nextafter(category + 1.0, -np.inf))]
        sides += [True, False]
    merged = dict(zip(bounds, sides[1:], strict=True))
    return simplified(list(merged), [False, *merged.values()])
