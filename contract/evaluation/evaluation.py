"""Every holdout row with its truth and the model's answer: what models are compared by."""

from __future__ import annotations

from pathlib import Path

import msgspec

from contract.bundle import EVALUATION, BundleError, Label, Value, read_file


class Importance(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How much worse a metric is when the values of one input are shuffled (Breiman 2001)."""

    feature: str
    mean: float
    std: float


class Learning(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A point of the learning curve: the rows trained on, and the score on other training rows."""

    rows: int
    score: float


class Study(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How important each input is, and whether more rows would help, by the first gated metric."""

    metric: str
    importance: list[Importance]
    learning: list[Learning]


class Evaluation(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Every holdout row; the lists run in parallel. `rows` are positions in the data source."""

    rows: list[int]
    features: list[dict[str, Value]]
    truth: list[Label]
    predictions: list[Label]
    probabilities: list[list[float]] | None
    others: dict[str, list[Value]] = {}  # columns that are no input: see ModelSpec.kept
    metrics: list[str] = []  # those computed only where a gate names them, such as `recall(yes)`
    study: Study | None = None
    trained: bytes = b""  # the training rows, as `contract.evaluation.fingerprints` packs them

    def column(self, name: str) -> list[Value]:
        """Return an input or another kept column; raise KeyError for one that is not here."""
        return self.others[name] if name in self.others else [row[name] for row in self.features]


def read(bundle: Path) -> Evaluation:
    """Read the evaluation of a bundle; raise BundleError if it has none that can be read."""
    file = bundle / EVALUATION
    try:
        return msgspec.json.decode(read_file(file), type=Evaluation)
    except (FileNotFoundError, msgspec.MsgspecError) as error:
        raise BundleError(
            f"{file} must be an evaluation of this revision. Got instead: {error}. "
            "Train the model again: make train MODEL=name"
        ) from error
