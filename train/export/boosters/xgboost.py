"""XGBoost's trees, from the JSON in which it saves a model (doc/model.schema of XGBoost).

It rounds inputs to float32, goes left where one is less than a threshold of float32, and adds up
leaves in float32. Of a category it cuts off the decimals, and goes right if it is in a set.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.export.boosters.boosted import (
    OF_A_FRAME,
    Boosted,
    Link,
    Sides,
    Split,
    Tree,
    at_most,
    simplified,
)
from train.export.forests import before_rounding

LINKS: dict[str, Link] = {
    "binary:logistic": "sigmoid",
    "reg:logistic": "sigmoid",
    "binary:logitraw": "identity",
    "binary:hinge": "step",
    "multi:softprob": "softmax",
    "multi:softmax": "softmax",
    "count:poisson": "exp",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
    "survival:cox": "exp",
    "survival:aft": "exp",
    **dict.fromkeys(
        ("reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror",
         "reg:quantileerror", "rank:pairwise", "rank:ndcg", "rank:map"), "identity",
    ),
}  # fmt: skip
LARGEST_CATEGORY = 2**24  # from which on a category is none


def read(estimator: Any) -> Boosted:
    """Return the trees that a fitted estimator of XGBoost answers by.

    Raises NotImplementedError for what cannot be written as such trees.
    """
    if not (isinstance(estimator.missing, float) and math.isnan(estimator.missing)):
        raise NotImplementedError(f"XGBoost with missing={estimator.missing!r}, and not NaN")
    learner = json.loads(estimator.get_booster().save_raw("json"))["learner"]
    objective = learner["objective"]["name"]
    if objective not in LINKS or callable(estimator.objective):
        raise NotImplementedError(f"XGBoost with the objective {objective!r}")
    booster = learner["gradient_booster"]
    if booster["name"] not in ("gbtree", "dart"):
        raise NotImplementedError(f"XGBoost with booster={booster['name']!r}: it has no trees")
    model = booster.get("gbtree", booster)["model"]
    if model.get("cats", {}).get("enc"):
        raise NotImplementedError(f"XGBoost with {OF_A_FRAME}")
    count = len(model["trees"])
    ends = model.get("iteration_indptr", [0, count])
    best = learner["attributes"].get("best_iteration")
    if best is not None:
        count = ends[int(best) + 1]
    drops = booster.get("weight_drop", [1.0] * count)
    trees = [
        tree_of(tree, output, np.float32(drop))
        for tree, output, drop in zip(
            model["trees"][:count], model["tree_info"][:count], drops[:count], strict=True
        )
    ]
    return Boosted(trees, base(learner, LINKS[objective]), LINKS[objective], single=True)


def base(learner: dict[str, Any], link: Link) -> list[float]:
    """Return what each sum begins with: base_score, put back through the link."""
    parameters = learner["learner_model_param"]
    scores = [float(np.float32(text)) for text in parameters["base_score"].strip("[]").split(",")]
    outputs = max(1, int(parameters["num_class"]), int(parameters["num_target"]))
    scores = scores if len(scores) == outputs else scores * outputs
    if link == "sigmoid":
        return [-math.log(1 / score - 1) for score in scores]
    if link == "exp":
        return [math.log(score) for score in scores]
    return scores


def tree_of(tree: dict[str, Any], output: int, drop: np.float32) -> Tree:
    """Return one tree, whose leaves count `drop` times; raise NotImplementedError for vectors."""
    if int(tree["tree_param"].get("size_leaf_vector", "1")) > 1:
        raise NotImplementedError("XGBoost with multi_strategy='multi_output_tree'")
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    below = before_rounding(np.nextafter(conditions, np.float32(-np.inf)).astype(np.float64))
    sets = dict(category_sets(tree))
    nodes: list[Any] = []
    for place, left in enumerate(tree["left_children"]):
        if left < 0:
            nodes.append(float(conditions[place] * drop))
            continue
        children = left, tree["right_children"][place]
        column, is_left = tree["split_indices"][place], bool(tree["default_left"][place])
        if place in sets:
            nodes.append(Split(column, *outside(sets[place]), is_left, children))
        else:
            nodes.append(at_most(float(below[place]), children, column, missing=is_left))
    return Tree(nodes, output)


def category_sets(tree: dict[str, Any]) -> Iterator[tuple[int, list[int]]]:
    """Yield each node that splits categories, with those that go right."""
    for node, start, size in zip(
        tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
    ):
        yield node, sorted(tree["categories"][start : start + size])


def outside(categories: list[int]) -> Sides:
    """Return bounds and sides of a set of categories that is on the second side."""
    bounds: list[float] = []
    sides = [True]
    for category in categories:
        bounds += [just_below(category), just_below(category + 1)]
        sides += [False, True]
    merged = dict(zip(bounds, sides[1:], strict=True))  # of equal bounds the later side holds
    return simplified(list(merged), [True, *merged.values()])


def just_below(category: int) -> float:
    """Return the largest float64 that rounds to a float32 below a whole number."""
    low: NDArray[np.float64] = np.nextafter(
        np.array([category], np.float32), np.float32(-np.inf)
    ).astype(np.float64)
    return float(before_rounding(low)[0])
