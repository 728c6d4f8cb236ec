"""The file of an exported model's answers, between the step that asks and the step that judges.

A pickle's code may have run in the process that wrote it. So everything in the file is checked
against the questions before it counts as an answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract import bundle
from contract.bundle import Label
from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec
from train.data.targets import outcomes
from train.fit.evaluate import Answers

FILE = "answers.json"
REPEATS = 5  # of shuffling one input
ROWS = 2_000  # that are shuffled; more take longer and make an importance no more exact
SLACK = 1e-3  # by which a row's probabilities may miss the sum 1, as they are added up in float32


# Of a row; of several targets, the value of each.
Prediction = Label | tuple[bool | float | None, ...] | None


class RecordedAnswers(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Answers to rows, as `Answers` has them: None where a number is not finite."""

    predictions: list[Prediction]
    probabilities: list[list[float | None]] | None


class AnswerFile(RecordedAnswers, kw_only=True, forbid_unknown_fields=True):
    """A model's answers to holdout, shuffled inputs and examples, and those of fits of other seeds.

    `shuffled` has, for each input, REPEATS times the answers to the first ROWS rows with that input
    shuffled among them; `seeds` has the answers of the fits with other random seeds.
    """

    shuffled: dict[str, list[RecordedAnswers]]
    seeds: list[RecordedAnswers]
    examples: (
        RecordedAnswers  # to the rows of `train.steps.rows.EXAMPLES`, of which there may be none
    )


def write(answered: AnswerFile, out: Path) -> None:
    """Write the answers into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / FILE).write_bytes(msgspec.json.encode(answered))


def record(answers: Answers) -> RecordedAnswers:
    """Return answers as JSON holds them."""
    probabilities = answers.probabilities
    return RecordedAnswers(
        predictions=list(outcomes(answers.predictions)),
        probabilities=None if probabilities is None else probabilities.tolist(),
    )


def read(folder: Path) -> AnswerFile:
    """Read the answers in `folder`.

    Raises BundleError for a file that is not regular or too large, FileNotFoundError for none, and
    msgspec.DecodeError for other content.
    """
    return msgspec.json.decode(bundle.read_file(folder / FILE), type=AnswerFile)


class Reader:
    """Turns answers that were read into arrays; raises ModelError for what cannot be answers.

    `classes` are those of the training rows, in the order of the probabilities; None for numbers.
    """

    def __init__(self, spec: ModelSpec, classes: list[int | str] | None) -> None:
        self.spec = spec
        self.classes = classes

    def answers(self, unchecked: RecordedAnswers, rows: int) -> Answers:
        """Return the answers to `rows` rows as arrays.

        Raises ModelError for what cannot be answers.
        """
        predictions = self.predictions(unchecked.predictions, rows)
        if unchecked.probabilities is None:
            return Answers(predictions, None)
        return Answers(predictions, self.probabilities(unchecked.probabilities, rows))

    def predictions(self, values: list[Prediction], rows: int) -> NDArray[Any]:
        """Return the predictions (rows,), or (rows, targets): classes, or finite numbers.

        Raises ModelError for another number of them, and for a value that is neither.
        """
        if len(values) != rows:
            raise self.fault(f"{rows} predictions", f"{len(values)}")
        if self.spec.several:
            return self.of_targets(values)
        if self.classes is None:
            if not all(isinstance(value, int | float) for value in values):
                raise self.fault("finite numbers", "others too")
            return np.array(values, dtype=np.float64)
        if strangers := {value for value in values if not self.is_class(value)}:
            raise self.fault(f"one of {self.classes}", repr(next(iter(strangers))))
        return np.array(values, dtype=object if isinstance(self.classes[0], str) else np.int64)

    def of_targets(self, values: list[Prediction]) -> NDArray[Any]:
        """Return the predictions of several targets, (rows, targets).

        Raises ModelError for one that has not a finite number, or true or false, for each.
        """
        width, kind = len(self.spec.several), bool if self.spec.labels else float
        for value in values:
            cells = value if isinstance(value, tuple) else ()
            if [type(cell) for cell in cells] != [kind] * width:
                expected = f"{width} values of {kind.__name__} for each row"
                raise self.fault(expected, repr(value))
        dtype = np.int64 if self.spec.labels else np.float64
        return np.array(values, dtype=dtype).reshape(len(values), width)

    def is_class(self, value: Prediction) -> bool:
        """Return whether a prediction is one of the classes."""
        return not isinstance(value, float) and value in (self.classes or ())

    def probabilities(self, values: list[list[float | None]], rows: int) -> NDArray[np.float64]:
        """Return the probabilities (rows, classes), or the anomaly scores (rows, 1) of a detector.

        Raises ModelError for another shape, for a row of probabilities that does not add up to one,
        and for scores that are not finite.
        """
        is_score = self.spec.task == "anomaly_detection"
        width = 1 if is_score else len(self.classes or ())
        if not width or len(values) != rows or any(len(row) != width for row in values):
            raise self.fault(f"{rows} rows of {width} probabilities", "another shape")
        probabilities = np.array(values, dtype=np.float64)
        if is_score:
            if not np.isfinite(probabilities).all():
                raise self.fault("finite anomaly scores", "others too")
            return probabilities
        fair = (np.abs(probabilities.sum(axis=1) - 1) <= SLACK) | bool(self.spec.labels)
        fair &= ((probabilities >= -SLACK) & (probabilities <= 1 + SLACK)).all(axis=1)
        if not fair.all():
            strange = values[int(np.argmin(fair))]
            raise self.fault("probabilities that add up to 1 in each row", f"such as {strange}")
        return probabilities

    def shuffled(self, answered: AnswerFile, rows: int) -> dict[str, list[Answers]]:
        """Return for each input the REPEATS answers to `rows` rows with that input shuffled.

        Raises ModelError if an input is missing or is none.
        """
        if set(answered.shuffled) != set(self.spec.inputs):
            raise self.fault("answers with each input shuffled", f"{sorted(answered.shuffled)}")
        count = min(rows, ROWS)
        return {
            name: [self.answers(repeat, count) for repeat in answered.shuffled[name][:REPEATS]]
            for name in self.spec.inputs
        }

    def fault(self, expected: str, got: str) -> ModelError:
        """Return the error for something that cannot be answers."""
        where = f"What {self.spec.folder} answers to held-out rows"
        return ModelError(where, expected, got, "Mend what build() in estimator.py returns.")
