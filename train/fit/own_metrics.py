"""Call the functions of a model's own metrics.py, which are the model's code."""

from __future__ import annotations

import importlib
import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Outcome
from contract.errors import ModelError
from contract.evaluation.bootstrap import weights
from contract.evaluation.own_metrics import OwnScores, Question
from contract.models import METRICS
from contract.spec.model_toml import ModelSpec
from train.fit.model_package import PACKAGE

NAN = "Return float('nan') where the metric does not exist."


class LiveScores(OwnScores, kw_only=True):
    """Scores of training rows, which are computed where they are asked for."""

    functions: dict[str, Callable[[Question], list[float | None]]]

    def score(self, question: Question) -> dict[str, NDArray[np.float64]]:
        """Return for each metric its values (values,), as `OwnScores.score` does."""
        return {
            name: np.array(function(question), dtype=np.float64)
            for name, function in self.functions.items()
        }


def live(spec: ModelSpec) -> LiveScores | None:
    """Return the model's own metrics that [gate] names, None where it names none.

    Raises ModelError for a metrics.py that cannot be imported, and for what is no such function.
    """
    if not spec.gate.own:
        return None
    return LiveScores(
        bounds=spec.gate.own_bounds,
        functions={name: OwnMetric(spec, name) for name in spec.gate.own},
    )


class OwnMetric:
    """A function of metrics.py, which scores a question.

    It is called as `name(truth, predictions)`, two arrays (rows,) of classes or of numbers, and by
    keyword with those of these that it has as parameters: `probabilities` (rows, classes), or None;
    `classes`, the labels in the order of the probabilities, or None; `sample_weight` (rows,), or
    None. It returns a finite number, or NaN. Raises ModelError where it cannot be imported from the
    package that `make_importable` makes, and for a model with sample_weight where it has no such
    parameter.
    """

    def __init__(self, spec: ModelSpec, name: str) -> None:
        self.where = f"{spec.folder / METRICS}: {name}"
        try:
            self.function = getattr(importlib.import_module(f"{PACKAGE}.{spec.name}.metrics"), name)
            self.parameters = inspect.signature(self.function).parameters
        except Exception as error:
            got = f"{type(error).__name__}: {error}"
            raise ModelError(self.where, "an importable function", got, "Mend it.") from error
        if spec.sample_weight and "sample_weight" not in self.parameters:
            cure = f"Add it: def {name}(truth, predictions, *, sample_weight)."
            got = f"a function of {', '.join(self.parameters)}"
            raise ModelError(self.where, "a function of sample_weight too", got, cure)

    def __call__(self, question: Question) -> list[float | None]:
        """Return its value, and those of the resamples; None where it is NaN.

        Raises ModelError where it fails or returns anything else.
        """
        rows = len(question.truth)
        truth, predictions = (column(v) for v in (question.truth, question.predictions))
        others = {
            "probabilities": optional(question.probabilities),
            "classes": question.classes,
            "sample_weight": optional(question.weights),
        }
        others = {name: value for name, value in others.items() if name in self.parameters}

        def taken(picks: NDArray[np.int64] | slice) -> float | None:
            """Return the value of some rows (rows,)."""
            some = {name: value[picks] if isinstance(value, np.ndarray) else value
                    for name, value in others.items()}  # fmt: skip
            return self.value(truth[picks], predictions[picks], some)

        return [taken(slice(None)), *map(taken, draws(rows, question.resamples))]

    def value(
        self, truth: NDArray[Any], predictions: NDArray[Any], others: dict[str, Any]
    ) -> float | None:
        """Return the metric of answers (rows,), None where it is NaN.

        Raises ModelError where the function fails or returns anything but a finite number.
        """
        try:
            value = self.function(truth, predictions, **others)
        except Exception as error:
            got = f"{type(error).__name__}: {error}"
            expected = f"able to score {len(truth)} rows"
            raise ModelError(self.where, expected, got, f"Mend it. {NAN}") from error
        is_number = isinstance(value, int | float | np.number) and np.isreal(value)
        if not is_number or math.isinf(value):
            expected = "a function that returns a finite number"
            raise ModelError(self.where, expected, repr(value)[:200], f"Mend it. {NAN}")
        return None if math.isnan(value) else float(value)


def draws(rows: int, count: int) -> Iterator[NDArray[np.int64]]:
    """Yield the rows (rows,) of the first resamples of `contract.evaluation.bootstrap`."""
    times = (row for batch in (weights(rows) if count else ()) for row in batch)
    return (np.repeat(np.arange(rows), drawn) for drawn in itertools.islice(times, count))


def column(values: Sequence[Outcome]) -> NDArray[Any]:
    """Return labels or numbers as an array (rows,)."""
    return np.array(values, dtype=object if isinstance(values[0], str) else None)


def optional(values: Any) -> NDArray[np.float64] | None:
    """Return numbers as an array, (rows,) or (rows, classes), None for none."""
    return None if values is None else np.array(values, dtype=np.float64)
