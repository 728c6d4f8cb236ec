"""Boosted trees as numbers, whichever library grew them, and as attributes of an ONNX node.

onnxruntime compares inputs of float64 with thresholds of float64 and adds up leaves in float64. So
whatever a library does to an input before it compares (rounding to float32, cutting off decimals of
a category, taking zero for missing) becomes part of the thresholds: a split is a function of its
input that has one of two values between sorted bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np

from train.export.forests import tensor

# What turns the sums of leaves into answers: into numbers, or the probabilities of classes. With
# `sigmoid`, several classes are told apart one by one; their probabilities are then normalised.
OF_A_FRAME = "the categories of a DataFrame; encode them as numbers"
Sides = tuple[tuple[float, ...], tuple[bool, ...]]
Link = Literal["identity", "exp", "sigmoid", "softmax", "step", "signed square", "log1p exp"]


class Split(NamedTuple):
    """A node that asks for a column.

    `sides` has one element more than `bounds`: a value up to and including the first bound is on
    the first side, one above the last bound on the last. True is the first of the `children`.
    """

    column: int
    bounds: tuple[float, ...]
    sides: tuple[bool, ...]
    missing: bool
    children: tuple[int, int]


class Tree(NamedTuple):
    """A tree that adds to one output, or with vectors as leaves to all.

    Node 0 is the root; a node is a split, or a leaf: its value, or those of all outputs.
    """

    nodes: list[Split | float | tuple[float, ...]]
    output: int


class Boosted(NamedTuple):
    """An ensemble: the sums of its trees and of `base` (outputs,) are put through a link.

    `single` says that answers are rounded to float32 before a class is chosen. `scale` is what sums
    are multiplied by before the link.
    """

    trees: list[Tree]
    base: list[float]
    link: Link
    single: bool
    scale: float = 1.0


def at_most(bound: float, children: tuple[int, int], column: int, *, missing: bool) -> Split:
    """Return the split of a number: the first child is for values up to a bound."""
    return Split(column, (bound,), (True, False), missing, children)


def simplified(bounds: list[float], sides: list[bool]) -> Sides:
    """Return bounds and sides without the bounds between equal sides; one bound always stays."""
    kept = [place for place, bound in enumerate(bounds) if sides[place] != sides[place + 1]]
    if not kept:
        return (np.inf,), (sides[0], not sides[0])
    return tuple(bounds[place] for place in kept), (*(sides[place] for place in kept), sides[-1])


def thresholds(boosted: Boosted) -> Iterator[tuple[int, float]]:
    """Yield the column and bound of every comparison."""
    for tree in boosted.trees:
        for node in tree.nodes:
            if isinstance(node, Split):
                yield from ((node.column, bound) for bound in node.bounds if np.isfinite(bound))


def attributes(boosted: Boosted) -> tuple[dict[str, Any], list[float]]:
    """Return the attributes of a TreeEnsembleRegressor, and what is added to its sums (outputs,).

    The node gives float32, so that the base is better added afterwards, in float64; so is a tree
    without a split. Raises NotImplementedError where no tree has one, as onnxruntime wants nodes.
    """
    base, table = list(boosted.base), Table()
    for tree in boosted.trees:
        root = tree.nodes[0]
        if isinstance(root, Split):
            table.add(tree, len(base))
        else:
            for output, value in weights(root, tree.output):
                base[output] += value
    if not table.trees:
        raise NotImplementedError("boosted trees without any split")
    return {**table.attributes(), "n_targets": len(base)}, base


def weights(leaf: float | tuple[float, ...], output: int) -> list[tuple[int, float]]:
    """Return what a leaf adds to which outputs."""
    if isinstance(leaf, tuple):
        return list(enumerate(leaf))
    return [(output, leaf)]


def numbers(values: list[float]) -> Any:
    """Return numbers as an ONNX tensor of float64."""
    return tensor(np.array(values, dtype=np.float64))


class Table:
    """The nodes of all trees, in columns.

    A split at several bounds becomes a chain: each node compares with one of them and leads to a
    child on its true side, and to the next on its false side. onnxruntime wants a child that
    several nodes share on their true sides.
    """

    def __init__(self) -> None:
        self.trees = 0
        self.nodes: dict[str, list[Any]] = {
            name: []
            for name in ("treeids", "nodeids", "modes", "featureids", "values", "truenodeids",
                         "falsenodeids", "missing_value_tracks_true")
        }  # fmt: skip
        self.leaves: dict[str, list[Any]] = {
            name: [] for name in ("treeids", "nodeids", "ids", "weights")
        }

    def add(self, tree: Tree, outputs: int) -> None:
        """Add the nodes of a tree, numbered as they are in it; the rest of a chain comes last."""
        following = len(tree.nodes)
        chained: list[list[Any]] = []
        for number, node in enumerate(tree.nodes):
            if not isinstance(node, Split):
                self.add_node(number, "LEAF", 0, 0.0, 0, 0, 0)
                for output, value in weights(node, tree.output):
                    self.add_leaf(number, output, value, outputs)
                continue
            places = [number, *range(following, following + len(node.bounds) - 1)]
            following += len(places) - 1
            first = next(place for place, side in enumerate(node.sides) if side == node.missing)
            for place, own in enumerate(places):
                is_last = place == len(places) - 1
                next_one = self.child(node, place + 1) if is_last else places[place + 1]
                row = [own, "BRANCH_LEQ", node.column, node.bounds[place],
                       self.child(node, place), next_one, int(place == first)]  # fmt: skip
                if place:
                    chained.append(row)
                else:
                    self.add_node(*row)
        for row in chained:
            self.add_node(*row)
        self.trees += 1

    @staticmethod
    def child(node: Split, place: int) -> int:
        """Return the child of a side of a split."""
        return node.children[0 if node.sides[place] else 1]

    def add_node(self, *row: Any) -> None:
        """Add a node of the present tree."""
        for column, value in zip(self.nodes.values(), (self.trees, *row), strict=True):
            column.append(value)

    def add_leaf(self, number: int, output: int, value: float, outputs: int) -> None:
        """Add what a leaf of the present tree adds to an output; raise IndexError for no such."""
        if not 0 <= output < outputs:
            raise IndexError(output)
        for column, cell in zip(
            self.leaves.values(), (self.trees, number, output, value), strict=True
        ):
            column.append(cell)

    def attributes(self) -> dict[str, Any]:
        """Return the columns as attributes of the node."""
        result = {f"nodes_{name}": column for name, column in self.nodes.items()}
        result |= {f"target_{name}": column for name, column in self.leaves.items()}
        for name in ("nodes_values", "target_weights"):
            result[f"{name}_as_tensor"] = numbers(result.pop(name))
        return result
