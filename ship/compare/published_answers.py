"""Ask a published model about rows, by the means in its image."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from numpy.typing import NDArray

from contract.arrays import column
from contract.bundle import Bundle, Value, numbers_beside
from contract.inputs import Array, in_array
from contract.onnx_session import open_session, run
from judge.comparison.compared_answers import Answer
from judge.comparison.eligible_rows import Incomparable
from judge.judge import PublishedModel
from ship.compare.published_model import PublishedImage
from ship.host import confined

Rows = list[dict[str, Value]]


def ask_graph(bundle: Bundle, rows: Rows) -> Answer:
    """Run a published ONNX graph in this process, as it holds no code.

    Raises Incomparable if it cannot answer the rows.
    """
    try:
        session = open_session(bundle.model_file)
        arrays = (inputs(bundle, rows, "numeric"), inputs(bundle, rows, "categorical"))
        predictions, probabilities = run(session, *arrays)
    except Exception as error:
        raise Incomparable(f"it cannot answer the new rows: {error}", curable=True) from error
    outcomes = predictions.tolist()
    if len(bundle.manifest.targets) > 1:
        is_number = bundle.manifest.classes is None
        outcomes = list(
            map(tuple, (predictions if is_number else predictions.astype(bool)).tolist())
        )
    return outcomes, None if probabilities is None else probabilities.tolist()


def inputs(bundle: Bundle, rows: Rows, array: Array) -> NDArray[Any]:
    """Return the inputs whose columns an array of `contract.arrays` holds, as (rows, inputs)."""
    names = in_array({field.name: field.kind for field in bundle.manifest.inputs}, array)
    return column(array, [row[name] for row in rows for name in names]).reshape(
        len(rows), len(names)
    )


def ask_image(start: Callable[[], str], rows: Rows) -> Answer:
    """Run a published image as a bulk scorer, so that its pickle is loaded in the container only.

    Raises Incomparable if it cannot answer the rows.
    """
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    result = confined.ask(start(), "predict", "--format=jsonl", stdin=lines)
    if not result.succeeded:
        # A container that takes more memory than it has is ended without a word.
        reason = (result.stderr.strip().splitlines() or [f"exit code {result.returncode}"])[-1]
        raise Incomparable(f"its image cannot answer the new rows: {reason}", curable=True)
    # Only this ends a line: a class may be called by a name with any other end.
    answers = [json.loads(line) for line in result.stdout.split("\n") if line]
    vectors = [numbers for answer in answers if (numbers := numbers_beside(answer))]
    return [outcome(answer["prediction"]) for answer in answers], vectors or None


def outcome(prediction: Any) -> Any:
    """Return a prediction; of several targets, their values in the order of the manifest."""
    return tuple(prediction.values()) if isinstance(prediction, dict) else prediction


def as_published(published: PublishedImage) -> PublishedModel:
    """Return the published model for the judge, which may ask it more rows."""
    if published.bundle.manifest.runtime == "onnx":
        ask = partial(ask_graph, published.bundle)
    else:
        ask = partial(ask_image, lambda: published.image)
    return PublishedModel(
        published.bundle,
        published.digest,
        published.reference,
        ask,
        published.record,
        published.unrecorded,
    )
