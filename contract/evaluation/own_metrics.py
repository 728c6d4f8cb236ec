"""The metrics of a model's own metrics.py: what they have to score, and what they say.

Their code runs neither where a model is trained on rows that it must not know, nor where it is
judged. So whoever judges notes the questions, has them answered elsewhere, and judges again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.bundle import BundleError, Label, Outcome, read_file
from contract.errors import ModelError
from contract.evaluation.metrics import Bound

QUESTIONS, VALUES = "questions.json", "values.json"
RESAMPLES = 400  # of a metric in Python, which takes its time
MOST = 2 * 1024**3  # bytes of a file
Result = TypeVar("Result")
Values = dict[str, list[float | None]]  # of each metric: of the rows, and of each resample


class Question(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Answers to score: as they are, and in so many resamples of their rows."""

    truth: list[Outcome]
    predictions: list[Outcome]
    probabilities: list[list[float]] | None
    weights: list[float] | None
    classes: list[Label] | None
    resamples: int

    @property
    def key(self) -> str:
        """What the question is known by, however many resamples it asks for."""
        rows = (self.truth, self.predictions, self.probabilities, self.weights, self.classes)
        return hashlib.blake2b(msgspec.json.encode(rows), digest_size=16).hexdigest()


class OwnScores(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The values of the metrics that [gate] names, by questions, and the questions without any."""

    bounds: dict[str, Bound]  # min where higher is better
    values: dict[str, Values] = {}
    missing: dict[str, Question] = {}

    def score(self, question: Question) -> dict[str, NDArray[np.float64]]:
        """Return for each metric the value of the rows and those of the resamples, in an array.

        It has the shape (values,). NaN where a metric does not exist, or is not known yet.
        """
        count, key = 1 + question.resamples, question.key
        known = self.values.get(key, {})
        if any(len(known.get(name, [])) < count for name in self.bounds):
            if key not in self.missing or self.missing[key].resamples < question.resamples:
                self.missing[key] = question
            return {name: np.full(count, np.nan) for name in self.bounds}
        return {name: np.array(known[name][:count], dtype=np.float64) for name in self.bounds}


Answer = Callable[[Sequence[Question]], dict[str, Values]]


def unanswered(questions: Sequence[Question]) -> dict[str, Values]:
    """Raise ModelError, where nothing can have a model's own metrics score anything."""
    cure = "Judge it by: make gate MODEL=name"
    raise ModelError("metrics.py", "at hand to score answers", f"{len(questions)} questions", cure)


def complete(own: OwnScores | None, compute: Callable[[], Result], answer: Answer) -> Result:
    """Return what `compute` does once `answer` has given each value that it needs."""
    result = compute()
    while own and own.missing:
        own.values |= answer(list(own.missing.values()))
        own.missing.clear()
        result = compute()
    return result


def write_questions(questions: Sequence[Question], out: Path) -> None:
    """Write the questions into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / QUESTIONS).write_bytes(msgspec.json.encode(questions))


def read_questions(folder: Path) -> list[Question]:
    """Read what `write_questions` wrote."""
    return msgspec.json.decode(read_file(folder / QUESTIONS, MOST), type=list[Question])


def write_values(values: Mapping[str, Values], out: Path) -> None:
    """Write the values into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / VALUES).write_bytes(msgspec.json.encode(values))


def read_values(
    folder: Path, questions: Sequence[Question], names: Sequence[str]
) -> dict[str, Values]:
    """Read the values of metrics, which are the claims of the code that computed them.

    Raises ModelError unless each question has so many finite numbers, or none, for each metric.
    """
    where, cure = "What metrics.py computed", "Let it write nothing itself, and train again."
    try:
        content = read_file(folder / VALUES, MOST)
        values = msgspec.json.decode(content, type=dict[str, Values])
    except (BundleError, OSError, msgspec.DecodeError, RecursionError) as error:
        raise ModelError(where, "readable", error, cure) from error
    for question in questions:
        answered = values.get(question.key, {})
        if sorted(answered) != sorted(names):
            raise ModelError(where, f"values of {', '.join(names)}", sorted(answered), cure)
        for name, numbers in answered.items():
            expected = 1 + question.resamples
            if len(numbers) != expected:
                raise ModelError(f"{where} of {name}", f"{expected} values", len(numbers), cure)
            if not all(number is None or math.isfinite(number) for number in numbers):
                raise ModelError(f"{where} of {name}", "finite", "another number", cure)
    return {question.key: values[question.key] for question in questions}
