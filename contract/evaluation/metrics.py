"""The metrics a gate may bound: which task each is for, and which values are possible."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from contract.bundle import Task

Bound = Literal["min", "max"]


class Metric(NamedTuple):
    """A metric of the holdout rows; `bound` is min where higher is better."""

    name: str
    task: Task
    bound: Bound
    lowest: float
    highest: float
    needs_probabilities: bool = False


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "classification", "min", 0, 1),
        Metric("balanced_accuracy", "classification", "min", 0, 1),
        Metric("f1_macro", "classification", "min", 0, 1),
        Metric("roc_auc", "classification", "min", 0, 1, needs_probabilities=True),
        Metric("log_loss", "classification", "max", 0, math.inf, needs_probabilities=True),
        Metric("r2", "regression", "min", -math.inf, 1),
        Metric("rmse", "regression", "max", 0, math.inf),
        Metric("mae", "regression", "max", 0, math.inf),
        Metric("median_absolute_error", "regression", "max", 0, math.inf),
    )
}

# Of a segment, where no rule names another: these exist on any rows.
SHOWN: dict[Task, str] = {"classification": "accuracy", "regression": "mae"}


def for_task(task: Task) -> list[str]:
    """Return the names of the metrics of a task."""
    return [metric.name for metric in METRICS.values() if metric.task == task]
