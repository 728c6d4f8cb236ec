"""The metrics a gate may bound: which task each is for, and which values are possible.

A metric with a parameter is one of a class, of a quantile or of one of several targets, and named
so: `recall(yes)`.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from contract.bundle import Task

Needs = Literal["labels", "ranking", "probabilities"]
Bound = Literal["min", "max"]


class Metric(NamedTuple):
    """A metric of the holdout rows; `bound` is min where higher is better.

    Of a classifier it `needs` the labels alone, or numbers that rank the rows as well, as anomaly
    scores do, or probabilities. One that is `asked` for is computed only where the gate names it.
    Of several targets it is the mean over these, or of one of them.
    """

    name: str
    task: Task
    bound: Bound
    lowest: float
    highest: float
    needs: Needs = "labels"
    parameter: Literal["class", "quantile", ""] = ""
    asked: bool = False


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "classification", "min", 0, 1),
        Metric("balanced_accuracy", "classification", "min", 0, 1),
        Metric("f1_macro", "classification", "min", 0, 1),
        Metric("roc_auc", "classification", "min", 0, 1, needs="ranking"),
        Metric("log_loss", "classification", "max", 0, math.inf, needs="probabilities"),
        Metric("average_precision", "classification", "min", 0, 1, needs="ranking"),
        Metric("brier", "classification", "max", 0, 2, needs="probabilities"),
        Metric("mcc", "classification", "min", -1, 1),
        Metric("precision", "classification", "min", 0, 1, parameter="class", asked=True),
        Metric("recall", "classification", "min", 0, 1, parameter="class", asked=True),
        Metric("f1", "classification", "min", 0, 1, parameter="class", asked=True),
        Metric("f1_micro", "classification", "min", 0, 1, asked=True),
        Metric("hamming_loss", "classification", "max", 0, 1, asked=True),
        Metric("r2", "regression", "min", -math.inf, 1),
        Metric("rmse", "regression", "max", 0, math.inf),
        Metric("mae", "regression", "max", 0, math.inf),
        Metric("median_absolute_error", "regression", "max", 0, math.inf),
        Metric("mape", "regression", "max", 0, math.inf, asked=True),
        Metric("pinball", "regression", "max", 0, math.inf, parameter="quantile", asked=True),
    )
}

# Of a segment, where no rule names another: these exist on any rows.
SHOWN: dict[Task, str] = {
    "classification": "accuracy",
    "regression": "mae",
    "anomaly_detection": "accuracy",
}
OF_ANOMALY = ("precision", "recall", "f1")  # of the anomaly, computed whether or not a gate asks


def for_task(task: Task) -> list[str]:
    """Return the names of the metrics of a task.

    An anomaly detection is a classification whose numbers are no probabilities.
    """
    if task == "anomaly_detection":
        classes = for_task("classification")
        return [name for name in classes if METRICS[name].needs != "probabilities"]
    return [metric.name for metric in METRICS.values() if metric.task == task]


def own_metric(name: str, task: Task, bound: Bound) -> Metric:
    """Return a metric of a model's own metrics.py."""
    return Metric(name, task, bound, -math.inf, math.inf, asked=True)


def named(metric: str, parameter: str) -> str:
    """Return the name of a metric of a class, a quantile or a target, such as `recall(yes)`."""
    return f"{metric}({parameter})"


def parts(name: str) -> tuple[str, str]:
    """Return the metric and the parameter of a name: `recall(yes)` has recall and yes."""
    metric, _, parameter = name.partition("(")
    return metric, parameter.removesuffix(")")


def metric(name: str) -> Metric:
    """Return the metric of a name, with or without a parameter; raise KeyError for an unknown."""
    return METRICS[parts(name)[0]]
