"""Scores as JSON, by types made from the classes and the targets.

Structs encode twice as fast as dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import starmap
from typing import Any, TypedDict

import msgspec

from contract.bundle import ANOMALY_SCORE, Bundle, Outcome
from serve.inference.scores import Scores
from serve.validation.schema import is_plain


class AnswerEncoder:
    """Writes the answers of a model, for one row or many."""

    def __init__(self, bundle: Bundle) -> None:
        classes, targets = bundle.manifest.classes or [], bundle.manifest.targets
        self.is_several = len(targets) > 1
        self.position: dict[Outcome, int] = {label: index for index, label in enumerate(classes)}
        kind, self.probabilities = by_name("Probabilities", [str(label) for label in classes])
        predicted = value_type(bundle)
        if self.is_several:
            predicted, self.prediction = by_name("Prediction", targets, predicted)
        fields: list[tuple[str, Any]] = [("prediction", predicted)]
        self.detects = bundle.manifest.anomaly is not None
        if self.detects:
            fields += [(ANOMALY_SCORE, float)]
        if bundle.has_probabilities:
            most = [] if self.is_several else [("probability", float)]
            fields += [*most, ("probabilities", kind)]
        answer: Any = msgspec.defstruct("Answer", fields, gc=False)
        self.answer = answer
        self.answer_list: Any = msgspec.defstruct("Answers", [("predictions", list[answer])])
        self.encode = msgspec.json.Encoder().encode

    def one(self, scores: Scores) -> bytes:
        """Return the answer for a single row."""
        return self.encode(self.rows(scores)[0])

    def many(self, scores: Scores) -> bytes:
        """Return the answers in {"predictions": […]}."""
        return self.encode(self.answer_list(self.rows(scores)))

    def rows(self, scores: Scores) -> list[Any]:
        """Return one struct per row: the prediction, and the probabilities or the anomaly score."""
        if self.is_several:
            return self.rows_of_targets(scores)
        answer, probabilities, position = self.answer, self.probabilities, self.position
        if scores.probabilities is None:
            return [answer(label) for label in scores.labels]
        if self.detects:
            both = zip(scores.labels, scores.probabilities, strict=True)
            return [answer(label, score) for label, (score,) in both]
        return [
            answer(label, row[position[label]], probabilities(*row))
            for label, row in zip(scores.labels, scores.probabilities, strict=True)
        ]

    def rows_of_targets(self, scores: Scores) -> list[Any]:
        """Return the same of several targets: their values and, of labels, that they are true."""
        predictions = starmap(self.prediction, scores.by_target)
        if scores.probabilities is None:
            return list(map(self.answer, predictions))
        return list(
            map(self.answer, predictions, starmap(self.probabilities, scores.probabilities))
        )


def by_name(title: str, names: Sequence[str], kind: type = float) -> tuple[Any, Callable[..., Any]]:
    """Return the type of an object with a value for each class or target, and what makes one.

    It is a dictionary where a name is none that a struct can write.
    """
    if not all(map(is_plain, names)):
        described = TypedDict(title, dict.fromkeys(names, kind))  # type: ignore[misc]
        return described, partial(named, names)
    fields = {f"class{index}": name for index, name in enumerate(names)}
    struct = msgspec.defstruct(title, [(field, kind) for field in fields], rename=fields, gc=False)
    return struct, struct


def named(names: Sequence[str], *values: float) -> dict[str, float]:
    """Return values by their names."""
    return dict(zip(names, values, strict=True))


def value_type(bundle: Bundle) -> Any:
    """Return the Python type of a prediction, or of one of several: float, int, str or bool."""
    if bundle.manifest.classes is None:
        return float
    if len(bundle.manifest.targets) > 1:
        return bool
    return int if all(isinstance(label, int) for label in bundle.manifest.classes) else str
