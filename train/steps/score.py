"""Score answers by the functions of a model's own metrics.py, where nothing else is.

The truth of the held-out rows is here, and the model's code, but neither the model nor a network;
and whatever the code does, this step writes numbers alone, which who reads them takes for claims.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from contract.errors import ModelError
from contract.evaluation import own_metrics
from contract.evaluation.own_metrics import Question, Values
from contract.models import METRICS
from contract.spec.model_toml import ModelSpec
from train.fit.model_package import make_importable
from train.fit.own_metrics import OwnMetric
from train.log import Log

SECONDS = 600.0  # for one metric to score everything


def run(spec: ModelSpec, asked: Path, out: Path, log: Log) -> None:
    """Score the questions in the folder `asked`; write the values into `out`."""
    questions = own_metrics.read_questions(asked)
    values: dict[str, Values] = {question.key: {} for question in questions}
    for name in spec.gate.own if questions else ():
        scored = score(spec, name, questions)
        for question, numbers in zip(questions, scored, strict=True):
            values[question.key][name] = numbers
        resamples = sum(question.resamples for question in questions)
        log("score", f"{name} of {len(questions)} sets of answers and {resamples} resamples")
    own_metrics.write_values(values, out)


def score(spec: ModelSpec, name: str, questions: Sequence[Question]) -> list[list[float | None]]:
    """Return the values of one metric to the questions, from a process of its own.

    Raises ModelError where it fails, ends its process or takes longer than SECONDS.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=answer, args=(spec, name, questions, sender), daemon=True)
    process.start()
    sender.close()
    where = f"{spec.folder / METRICS}: {name}"
    expected = f"able to score {len(questions)} sets of answers within {SECONDS:.0f} s"
    try:
        if not receiver.poll(SECONDS):
            cure = "Compute with arrays in place of loops, or hold out fewer rows."
            raise ModelError(where, expected, "no value", cure)
        values, failure = msgspec.json.decode(
            receiver.recv_bytes(),
            type=tuple[list[list[float | None]], tuple[str, str, str, str] | None],
        )
    except EOFError as error:
        process.join()
        got = f"the end of its process, with code {process.exitcode}"
        raise ModelError(where, expected, got, "Mend it; it may need less memory.") from error
    finally:
        process.kill()
    if failure:
        raise ModelError(*failure)
    return values


def answer(spec: ModelSpec, name: str, questions: Sequence[Question], sender: Connection) -> None:
    """Send the values of a metric, or the parts of a ModelError, as JSON."""
    values, failure = [], None
    try:
        make_importable(spec)
        metric = OwnMetric(spec, name)
        values = [metric(question) for question in questions]
    except ModelError as error:
        failure = error.parts
    sender.send_bytes(msgspec.json.encode((values, failure)))
