"""A loaded model: rows in, labels and probabilities out, checked by the golden examples."""

from __future__ import annotations

import time
from collections.abc import Sequence

from contract.bundle import Bundle, Example, named
from serve.errors import WrongAnswer, as_failure
from serve.inference.arrays import Frame, Framer
from serve.inference.scores import Runtime, Scores
from serve.validation.schema import Row

FAST, LARGE = 0.002, 512  # seconds, rows


class Predictor:
    """The loaded model of a bundle."""

    def __init__(self, bundle: Bundle, threads: int) -> None:
        self.bundle = bundle
        self.frame = Framer(bundle.manifest)
        self.runtime = load(bundle, threads)

    def __call__(self, rows: Sequence[Row]) -> tuple[Frame, Scores]:
        """Return the rows as arrays, and their scores."""
        frame = self.frame(rows)
        return frame, self.runtime.score(frame)

    def prove(self) -> None:
        """Answer every golden example; raise WrongAnswer for the first whose answer differs."""
        examples = self.bundle.examples
        _, scores = self([example_row(example, self.bundle) for example in examples])
        nothing: list[list[float] | None] = [None] * len(examples)
        probabilities = scores.probabilities or nothing
        for index, example in enumerate(examples):
            answer = named(self.bundle.manifest.targets, scores.labels[index])
            if not example.is_answered_by(answer, probabilities[index]):
                raise WrongAnswer(
                    f"Golden example {index} must be answered with {example.prediction!r} "
                    f"{example.probabilities or ''}. Got {answer!r} "
                    f"{probabilities[index] or ''} instead. The model does not work here as it "
                    "did in training: rebuild the image, or train the model again"
                )

    def seconds_per_row(self) -> float:
        """Measure the seconds that one row takes, in a large batch if the model is fast."""
        rows = [example_row(example, self.bundle) for example in self.bundle.examples]
        if timed(self, rows) < FAST:
            rows *= LARGE // len(rows) + 1
        return min(timed(self, rows) for _ in range(3)) / len(rows)


def open_predictor(bundle: Bundle, threads: int) -> Predictor:
    """Load the model of a verified bundle, and check its answers to the golden examples.

    Raises Failure, by the kind of what is wrong: WrongLibrary, BrokenModel or WrongAnswer, and
    Crashed for whatever else the model raises.
    """
    try:
        predictor = Predictor(bundle, threads)
        predictor.prove()
    except (Exception, SystemExit) as error:  # a pickle's code may raise, or exit with 0
        raise as_failure(error, f"{bundle.model_file}, asked the golden examples,") from error
    return predictor


def load(bundle: Bundle, threads: int) -> Runtime:
    """Load the model of a verified bundle.

    A runtime is imported only when a bundle needs it, as each image holds only one of the two.
    Raises WrongLibrary if a library is missing or of another version, BrokenModel if the model
    cannot be loaded.
    """
    if bundle.manifest.runtime == "onnx":
        from serve.inference.onnx_runtime import OnnxRuntime  # noqa: PLC0415

        return OnnxRuntime(bundle, threads)
    from serve.inference.sklearn_runtime import EstimatorRuntime  # noqa: PLC0415

    return EstimatorRuntime(bundle)


def timed(predictor: Predictor, rows: list[Row]) -> float:
    """Return the seconds that the rows take."""
    start = time.perf_counter()
    predictor(rows)
    return time.perf_counter() - start


def example_row(example: Example, bundle: Bundle) -> Row:
    """Return the values of a golden example in the order of the inputs."""
    return tuple(example.features.get(field.name) for field in bundle.manifest.inputs)
