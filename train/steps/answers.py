"""The files of an exported model's answers, between the step that asks and the step that judges.

They are Arrow's, as at millions of rows JSON takes many times their memory. A pickle's code may
have run in the process that wrote them. So everything in them is checked against the questions
before it counts as an answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import ipc

from contract import bundle
from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec
from train.data.cells import is_number
from train.data.stored_table import readable
from train.fit.evaluate import Answers
from train.steps import row_files

HOLDOUT, SHUFFLED, EXAMPLES = "holdout", "shuffled", "examples"  # the files, without their suffix
PACKAGES = "packages.json"  # of the model's own lock, that were imported to answer: their versions
PREDICTION, PROBABILITY = "prediction", "probability"  # the columns; the second with a number
REPEATS = 5  # of shuffling one input
ROWS, FEWEST = 2_000, 50  # that are shuffled; more take longer and make no importance more exact
CELLS = 1_000_000_000  # that are asked about to measure importance
SLACK = 1e-3  # by which a row's probabilities may miss the sum 1, as they are added up in float32
NOTHING = Answers(np.empty(0), None)


def seed(number: int) -> str:
    """Return the file of the answers of a fit with another random seed, numbered from 1."""
    return f"seed-{number}"


def shuffled_rows(spec: ModelSpec, rows: int) -> int:
    """Return how many of the first of so many rows are asked about with each input shuffled.

    0 where the model is to have no study, and where it has so many inputs that this takes hours.
    """
    most = min(rows, ROWS, CELLS // (REPEATS * len(spec.inputs) ** 2))
    return 0 if spec.study == 0 or most < min(rows, FEWEST) else most


def write(folder: Path, name: str, answers: Answers) -> None:
    """Write answers into a file of the folder; raise ArrowException for what is no column."""
    folder.mkdir(parents=True, exist_ok=True)
    predictions = answers.predictions
    if predictions.dtype.kind == "U":
        predictions = predictions.astype(object)
    several = enumerate(predictions.T) if predictions.ndim > 1 else ()
    columns = {f"{PREDICTION}{place}": pa.array(values.copy()) for place, values in several} or {
        PREDICTION: row_files.column(predictions)
    }
    for place, column in enumerate(
        () if answers.probabilities is None else answers.probabilities.T
    ):
        columns[f"{PROBABILITY}{place}"] = pa.array(np.ascontiguousarray(column))
    row_files.store(folder / f"{name}.arrow", pa.table(columns))


def read_packages(folder: Path) -> dict[str, str]:
    """Read the versions of the packages that were imported to answer; they are a claim.

    Raises BundleError for a file that is not regular, FileNotFoundError for none, and DecodeError
    for other content.
    """
    content = bundle.read_file(folder / PACKAGES)
    return msgspec.json.decode(content, type=dict[str, str])


def read(folder: Path, name: str) -> Answers:
    """Read answers that are yet to be checked by a Reader.

    Raises BundleError for a file that is not regular or too large, FileNotFoundError for none, and
    ModelError for other content.
    """
    file = folder / f"{name}.arrow"
    content = pa.py_buffer(bundle.read_file(file))
    with readable(file.name, "an Arrow file"):
        table = ipc.open_file(content).read_all()
        table.validate(full=True)
    count = sum(name.startswith(PREDICTION) for name in table.column_names)
    is_single = table.column_names[:1] == [PREDICTION]
    names = [PREDICTION] if is_single else [f"{PREDICTION}{place}" for place in range(count)]
    names += [f"{PROBABILITY}{place}" for place in range(table.num_columns - count)]
    first, *others = table.schema.types or [pa.null()]
    is_plain = (is_number(first) or (is_single and is_texts(first))) and all(map(is_number, others))
    if table.column_names != names or not count or not is_plain:
        cure = "Let estimator.py write nothing itself."
        raise ModelError(file.name, "of predictions and probabilities", table.schema, cure)
    columns = list(map(row_files.values, table.columns))
    predictions = columns[0] if is_single else np.stack(columns[:count], axis=1)
    vectors = columns[count:]
    return Answers(predictions, np.stack(vectors, axis=1).astype(float) if vectors else None)


def is_texts(kind: pa.DataType) -> bool:
    """Return whether a column is one of texts, each stored once."""
    return bool(pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type))


class Reader:
    """Checks answers that were read; raises ModelError for what cannot be answers.

    `classes` are those of the training rows, in the order of the probabilities; None for numbers.
    """

    def __init__(self, spec: ModelSpec, classes: list[int | str] | None) -> None:
        self.spec = spec
        self.classes = classes

    def answers(self, unchecked: Answers, rows: int) -> Answers:
        """Return the answers to `rows` rows.

        Raises ModelError for what cannot be answers.
        """
        predictions = self.predictions(unchecked.predictions, rows)
        if unchecked.probabilities is None:
            return Answers(predictions, None)
        return Answers(predictions, self.probabilities(unchecked.probabilities, rows))

    def predictions(self, values: NDArray[Any], rows: int) -> NDArray[Any]:
        """Return the predictions (rows,), or (rows, targets): classes, or finite numbers.

        Raises ModelError for another number of them, and for a value that is neither.
        """
        if len(values) != rows:
            raise self.fault(f"{rows} predictions", f"{len(values)}")
        if self.spec.several:
            return self.of_targets(values)
        if values.ndim > 1:
            raise self.fault("one prediction for each row", f"{values.shape[1]}")
        if self.classes is None:
            if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
                raise self.fault("finite numbers", "others too")
            return values.astype(np.float64)
        is_text = isinstance(self.classes[0], str)
        labels = set(values.tolist())
        strangers = labels - set(self.classes)
        if values.dtype.kind not in ("O" if is_text else "iub") and len(values):
            strangers = labels
        if strangers:
            raise self.fault(f"one of {self.classes}", repr(next(iter(strangers))))
        return values.astype(object if is_text else np.int64)

    def of_targets(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the predictions of several targets, (rows, targets).

        Raises ModelError for one that has not a finite number, or true or false, for each.
        """
        width, is_label = len(self.spec.several), bool(self.spec.labels)
        expected = f"{width} values of {'bool' if is_label else 'float'} for each row"
        if values.ndim != 2 or values.shape[1] != width:
            raise self.fault(expected, "another shape")
        fair = np.isin(values, (0, 1)) if is_label else np.isfinite(values)
        if values.dtype.kind not in ("iub" if is_label else "f") or not fair.all():
            strange = int(np.argmin(fair.all(axis=1))) if len(values) else 0
            raise self.fault(expected, repr(values[strange].tolist()))
        return values.astype(np.int64 if is_label else np.float64)

    def probabilities(self, values: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
        """Return the probabilities (rows, classes), or the anomaly scores (rows, 1) of a detector.

        Raises ModelError for another shape, for a row of probabilities that does not add up to one,
        and for scores that are not finite.
        """
        is_score = self.spec.task == "anomaly_detection"
        width = 1 if is_score else len(self.classes or ())
        if not width or values.shape != (rows, width):
            raise self.fault(f"{rows} rows of {width} probabilities", "another shape")
        if is_score:
            if not np.isfinite(values).all():
                raise self.fault("finite anomaly scores", "others too")
            return values
        fair = (np.abs(values.sum(axis=1) - 1) <= SLACK) | bool(self.spec.labels)
        fair &= ((values >= -SLACK) & (values <= 1 + SLACK)).all(axis=1)
        if not fair.all():
            strange = values[int(np.argmin(fair))].tolist()
            raise self.fault("probabilities that add up to 1 in each row", f"such as {strange}")
        return values

    def shuffled(self, unchecked: Answers, rows: int) -> dict[str, list[Answers]]:
        """Return for each input the REPEATS answers to some of `rows` rows, that input shuffled.

        Raises ModelError for another number of answers. Empty where none were asked for.
        """
        count = shuffled_rows(self.spec, rows)
        names = [name for name in self.spec.inputs if count]
        answered = self.answers(unchecked, len(names) * REPEATS * count) if names else NOTHING
        parts = np.arange(len(names) * REPEATS * count).reshape(len(names), REPEATS, count)
        return {
            name: [answered.in_order(repeat) for repeat in repeats]
            for name, repeats in zip(names, parts, strict=True)
        }

    def fault(self, expected: str, got: str) -> ModelError:
        """Return the error for something that cannot be answers."""
        where = f"What {self.spec.folder} answers to held-out rows"
        return ModelError(where, expected, got, "Mend what build() in estimator.py returns.")
