"""What is kept of an evaluation for the next model to be compared with: no features of any row.

It is published in a package of its own beside the image, whose manifest holds its digest. The truth
and the answers stand under fingerprints by which only the very data finds a row again.
"""

from __future__ import annotations

import msgspec
import numpy as np

from contract.bundle import EVALUATION, BundleError, File, Manifest, Outcome
from contract.evaluation.distribution import Distribution, distribution
from contract.evaluation.evaluation import Evaluation, Study, by_target
from contract.evaluation.fingerprints import PLACE


class Record(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The kept evaluation; its lists are sorted by `rows`, so that they have no other order."""

    rows: bytes  # fingerprints of the places of the rows, packed
    truth: list[Outcome]
    predictions: list[Outcome]
    probabilities: list[list[float]] | None
    weights: list[float] | None = None
    columns: dict[str, Distribution]  # of the inputs: those that are numbers or categories
    target: Distribution | None
    targets: dict[str, Distribution] = {}  # of several; then `target` is None
    study: Study | None = None
    # Of the training rows, as `contract.evaluation.fingerprints` packs them. Empty where no holdout
    # of the same split can have one of them, and where they could be guessed.
    trained: bytes = b""
    recurring: float = 0.0  # the share of the holdout rows that equal a training row

    @property
    def evaluation(self) -> Evaluation:
        """The rows, without their columns, as the metrics take them."""
        return Evaluation(
            rows=list(range(len(self.truth))),
            columns={},
            truth=self.truth,
            predictions=self.predictions,
            probabilities=self.probabilities,
            weights=self.weights,
            fingerprints=self.rows,
            study=self.study,
        )


def record(
    evaluation: Evaluation, manifest: Manifest, trained: bytes = b"", recurring: float = 0.0
) -> Record:
    """Return what is kept of an evaluation."""
    keys = np.frombuffer(evaluation.fingerprints, dtype=PLACE)
    order = np.argsort(keys, kind="stable")
    vectors = evaluation.probabilities
    return Record(
        rows=keys[order].tobytes(),
        truth=[evaluation.truth[row] for row in order],
        predictions=[evaluation.predictions[row] for row in order],
        probabilities=vectors and [vectors[row] for row in order],
        weights=evaluation.weights and [evaluation.weights[row] for row in order],
        columns=distributions(evaluation, manifest),
        target=target(evaluation, manifest),
        targets=targets(evaluation, manifest),
        study=evaluation.study,
        trained=trained,
        recurring=recurring,
    )


def distributions(evaluation: Evaluation, manifest: Manifest) -> dict[str, Distribution]:
    """Return the distribution of each input that is a number or has public categories."""
    counted = {
        field.name: distribution(evaluation.columns[field.name], field.categories)
        for field in manifest.inputs
        if field.name in evaluation.columns
    }
    return {name: counts for name, counts in counted.items() if counts is not None}


def target(evaluation: Evaluation, manifest: Manifest) -> Distribution | None:
    """Return the distribution of the truth; None where there are several targets."""
    if evaluation.targets:
        return None
    if manifest.classes is None:
        return distribution(by_target(evaluation.truth)[0], None)
    return distribution(list(map(str, evaluation.truth)), list(map(str, manifest.classes)))


def targets(evaluation: Evaluation, manifest: Manifest) -> dict[str, Distribution]:
    """Return the distribution of each of several targets."""
    if not evaluation.targets:
        return {}
    words = None if manifest.classes is None else ["False", "True"]
    counted = {
        name: distribution([value if words is None else str(value) for value in values], words)
        for name, values in zip(evaluation.targets, by_target(evaluation.truth), strict=True)
    }
    return {name: counts for name, counts in counted.items() if counts is not None}


def decode(content: bytes, expected: File, where: object) -> Record:
    """Return the record in the bytes of a file whose digest a manifest holds.

    The digest is checked by whoever read the bytes. Raises BundleError for another size or form.
    """
    if len(content) != expected.bytes:
        raise BundleError(f"{where}: {EVALUATION} must have {expected.bytes} bytes. "
                          f"Got {len(content)} instead.")  # fmt: skip
    try:
        read = msgspec.json.decode(content, type=Record)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BundleError(
            f"{where}: {EVALUATION} must be of this revision. Got instead: {error}."
        ) from error
    lengths = {len(read.truth), len(read.predictions), len(read.rows) // 8,
               len(read.probabilities or read.truth), len(read.weights or read.truth)}  # fmt: skip
    if len(lengths) > 1 or len(read.rows) % 8 or len(read.trained) % 4:
        raise BundleError(f"{where}: {EVALUATION} must say as much of each row. It does not.")
    if (least := min(read.weights or [0])) < 0:
        raise BundleError(f"{where}: {EVALUATION} must have weights from 0. Got {least} instead.")
    return read
