"""The manifest of a bundle: a model's description, as types and as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from contract.bundle.dialect import Dialect
from contract.bundle.files import BundleError

SCHEMA_VERSION = 4
MANIFEST = "manifest.json"
EXAMPLES = "examples.json"
EVALUATION, HOLDOUT = "evaluation.json", "holdout.json"  # beside a bundle, never in it
NOTES = "notes.md"
MODEL_FILES = {"onnx": "model.onnx", "joblib": "model.joblib"}
FLAT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LARGEST_JSON = 16 * 1024**2  # bytes of a manifest
# By how much a number of an exported model may differ from the estimator's, and an answer of a
# served model from its golden example: probabilities absolutely, numbers relative to their size.
PARITY_TOLERANCE = 1e-5
ANOMALY_SCORE = "anomaly_score"  # what it is called wherever a model is asked

Runtime = Literal["onnx", "joblib"]
Task = Literal["classification", "regression", "anomaly_detection"]
SplitMethod = Literal["hash", "random", "group", "time", "given"]
Value = float | str | bool | None
Kind = Literal["numeric", "categorical", "text", "date", "boolean"]  # see contract.inputs
Label = int | str | float
# The truth of a row, or an answer to it: of several targets their values, in the manifest's order.
Outcome = Label | tuple[bool | float, ...]
UnknownCategory = Literal["reject", "ignore"]
OutOfRange = Literal["accept", "reject"]
# Metrics, examples and answers are `measured` by the pipeline, which asked the exported model, or
# `claimed` by whoever trained the bundle, where the data was not at hand to ask it about.
Evaluated = Literal["measured", "claimed"]


class Input(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One feature, whose columns inside the model are those of `contract.arrays`."""

    name: str
    kind: Kind
    missing: bool = False  # the training rows had missing values here, so a request may
    # Of numbers the range of the training rows, of dates their first and last year: a whole date
    # may be somebody's.
    minimum: float | None = None
    maximum: float | None = None
    categories: list[str] | None = None  # categorical: the sorted training values, without ""
    unknown_category: UnknownCategory | None = None  # None: as `serving` says
    out_of_range: OutOfRange | None = None
    times: bool = False  # date: whether the training rows had times of day
    true: str = "true"  # boolean: the words for it in a table
    false: str = "false"


class Data(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The data that the model was trained and judged on."""

    source: str  # as model.toml says it: a file, a folder, an address or a query
    sha256: str
    rows: int
    train_rows: int
    holdout_rows: int
    licence: str | None = None
    csv: Dialect = Dialect()
    layout: str = ""  # a hash of the names of all of its columns


class Split(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which rows are held out, as [split] of model.toml says; folds are made by the same method.

    - `hash`: a share of rows, each by a hash of its own cells, so that rows which come later move
      none, and equal rows are on the same side.
    - `random`: a share of rows, drawn at random, of each class the same.
    - `group`: a share of the values of a column, each with all of its rows, by a hash of the value.
    - `time`: the rows whose time in a column is `cut` or later; without a cut, the newest share.
    - `given`: the rows that say `test` in a column; the others say `train`.
    """

    method: SplitMethod
    seed: int = 0
    test_size: float | None = None  # the share, where no column or cut decides
    column: str | None = None
    cut: str | None = None

    @property
    def rule(self) -> str:
        """How the rows are chosen: `by a hash of each row, seed 0`."""
        newest = f"from {self.cut} on" if self.cut else f"the newest {self.test_size or 0:.0%}"
        return {
            "hash": f"by a hash of each row, seed {self.seed}",
            "random": f"at random, seed {self.seed}",
            "group": f"whole groups by {self.column}, seed {self.seed}",
            "time": f"{newest} by {self.column}",
            "given": f"as {self.column} says",
        }[self.method]


class Check(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One threshold of the gate, and how the holdout metric met it."""

    metric: str
    bound: Literal["min", "max"]
    threshold: float
    value: float | None  # None where the metric does not exist, so that nothing is met
    passed: bool

    @property
    def rule(self) -> str:
        """What the metric must be: `at least 0.9`."""
        return f"{'at least' if self.bound == 'min' else 'at most'} {self.threshold:g}"

    @property
    def measured(self) -> str:
        """What the metric is: `0.974`, or `none`."""
        return "none" if self.value is None else f"{self.value:.4g}"


class Acceptance(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A line of [accept] in model.toml: a person accepts what the gate refuses.

    It holds for `value` or better, as long as the published model has the version `replaces`.
    """

    what: str  # as the report names it
    value: float | None = None  # None of what has no value
    reason: str
    who: str
    replaces: str


class Gate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The thresholds of the gate, and what model.toml accepted of what it compares."""

    passed: bool
    checks: list[Check]
    accepted: list[Acceptance] = []


class Parity(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How the exported model compared with the estimator, on the rows of `train.export.parity`."""

    rows: int
    label_mismatches: int
    max_difference: float

    @property
    def is_equal(self) -> bool:
        """Whether every label is equal and every number within PARITY_TOLERANCE."""
        return self.label_mismatches == 0 and self.max_difference <= PARITY_TOLERANCE


class Serving(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a server does with values that training did not see, unless an input says otherwise."""

    unknown_category: UnknownCategory = "reject"
    out_of_range: OutOfRange = "accept"
    # Of two classes: the probability from which the second is the answer. "auto" in model.toml
    # alone: training chooses it on its folds. The model itself decides by it, wherever it is asked.
    threshold: float | Literal["auto"] | None = None


class Privacy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of the data leaves the machine that trained: [privacy] and [serve] in model.toml."""

    # The golden examples, in the image: rows that no row of the data equals, or holdout rows.
    examples: Literal["synthetic", "real"] = "synthetic"
    # Where the answers to the holdout are kept for a later comparison: in a package of their own.
    evaluation: Literal["registry", "none"] = "registry"
    # How reports show the predictions that changed: counted, or row by row with truth and inputs.
    report: Literal["aggregates", "rows"] = "aggregates"


class File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The sha256 and size of a file of the bundle."""

    sha256: str
    bytes: int


class CrossValidation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The mean and standard deviation of a metric over the folds."""

    mean: float
    std: float


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the holdout rows: those whose `column` has a value, named as its segment is."""

    column: str
    value: str


class SeedScores(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A metric of this fit, then of fits with other random seeds."""

    metric: str
    where: Where | None  # None: of all holdout rows
    scores: list[float]


class Metrics(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Every metric of the model."""

    holdout: dict[str, float]
    cross_validation: dict[str, CrossValidation]
    intervals: dict[str, tuple[float, float]] = {}  # 95 % of the holdout metrics
    seed_scores: list[SeedScores] = []  # none where no seed plays a part


class Manifest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Everything a server, a gate or a person needs to know about a model."""

    schema_version: int
    name: str
    version: str
    revision: str  # the last commit that touched what this model was trained from
    description: str
    task: Task
    target: str | Annotated[tuple[str, ...], Meta(min_length=2)]
    sample_weight: str | None = None  # the column of how much each row counts, if there is one
    estimator: str
    data: Data
    split: Split
    inputs: list[Input]
    # Of a classification, in the order of `probabilities`; of one with several targets, which are
    # true or false, their names; of an anomaly detection the normal one, then the anomaly.
    classes: list[int | str] | None
    libraries: dict[str, str]
    coded: bool = False  # whether a pickle answers with the places of classes, from 0
    packages: list[str] = []  # of the model's own lock, that a pickle imports when it answers
    metrics: Metrics
    gate: Gate
    evaluation: Evaluated = "measured"
    runtime: Runtime
    runtime_reason: str  # why this runtime: the parity result, or what kept ONNX from being used
    parity: Parity | None
    serving: Serving
    privacy: Privacy = Privacy()
    files: dict[str, File]
    # What lies beside the bundle, and in no image: HOLDOUT, and EVALUATION unless none is kept.
    beside: dict[str, File] = {}

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the targets, most often of one."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def anomaly(self) -> int | str | None:
        """The class that is looked for; None of another task."""
        return self.classes[-1] if self.task == "anomaly_detection" and self.classes else None


class Example(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A row and the answer the exported model gave to it.

    In place of probabilities, a model that detects anomalies has one number, its anomaly score.
    """

    features: dict[str, Value]
    # A float of a regressor, a class of a classifier; of several targets, the value of each.
    prediction: Label | dict[str, bool | float]
    probabilities: list[float] | None = None

    def is_answered_by(self, prediction: Any, probabilities: Sequence[Any] | None = None) -> bool:
        """Return whether an answer, which may hold any JSON, is the recorded one.

        A label is equal; a number is within PARITY_TOLERANCE, and so is each of the probabilities.
        """
        answered, recorded = probabilities or [], self.probabilities or []
        is_same = is_equal(prediction, self.prediction)
        return is_same and len(answered) == len(recorded) and all(map(is_close, answered, recorded))


def numbers_beside(answer: dict[str, Any]) -> list[Any]:
    """Return the numbers beside the prediction in an answer that a server or a bulk scorer gave.

    They are its probabilities, in the order of the classes, or its anomaly score alone.
    """
    if ANOMALY_SCORE in answer:
        return [answer[ANOMALY_SCORE]]
    probabilities = answer.get("probabilities") or []
    return list(probabilities.values() if isinstance(probabilities, dict) else probabilities)


def named(targets: Sequence[str], outcome: Outcome) -> Label | dict[str, bool | float]:
    """Return an answer as /predict gives it: the values of several targets by their names."""
    return dict(zip(targets, outcome, strict=True)) if isinstance(outcome, tuple) else outcome


def is_equal(answered: Any, recorded: Label | dict[str, bool | float]) -> bool:
    """Return whether an answer is the recorded label, close to the number, or both by target."""
    if isinstance(recorded, dict):
        return (
            isinstance(answered, dict)
            and answered.keys() == recorded.keys()
            and all(is_equal(answered[target], value) for target, value in recorded.items())
        )
    if isinstance(recorded, float):
        return is_close(answered, recorded)
    return answered == recorded and isinstance(answered, bool) == isinstance(recorded, bool)


def is_close(answered: Any, recorded: float) -> bool:
    """Return whether an answer is a number within PARITY_TOLERANCE, absolutely or relatively."""
    slack = PARITY_TOLERANCE * max(1, abs(recorded))
    # An integer beyond every float can be compared with one, but not subtracted from it.
    return type(answered) in (int, float) and recorded - slack <= answered <= recorded + slack


def encode(value: object) -> bytes:
    """Encode `value` as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def decode_manifest(file: Path, content: bytes) -> Manifest:
    """Return what the bytes of a manifest say; `file` names it in the messages of a BundleError."""
    version = schema_version(file, content)
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{file}: schema_version must be {SCHEMA_VERSION}. Got {version!r} instead. "
            "Train the model again with this revision: make train MODEL=name"
        )
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.ValidationError as error:
        raise BundleError(
            f"{file} must be a manifest of this revision. Got instead: {error}. "
            "Train the model again with this revision: make train MODEL=name"
        ) from error
    check_names(file, manifest)
    return manifest


def check_names(file: Path, manifest: Manifest) -> None:
    """Check the names of the listed files.

    Raises BundleError for one that leads out of the folder, and where a file must be listed.
    """
    for name in manifest.files:
        if not FLAT_NAME.fullmatch(name) or name == MANIFEST:
            raise BundleError(
                f"{file}: files must be names of letters, digits, '.', '_' and '-' beside it. "
                f"Got {name!r} instead. The bundle was not made by this repository."
            )
    for name in (EXAMPLES, MODEL_FILES[manifest.runtime]):
        if name not in manifest.files:
            raise BundleError(
                f"{file}: files must list {name}. Got {', '.join(manifest.files) or 'none'} "
                "instead. Train the model again: make train MODEL=name"
            )


def schema_version(file: Path, content: bytes) -> object:
    """Return what a manifest says its schema version is; raise BundleError if it is not JSON."""
    try:
        decoded = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BundleError(f"{file} must be JSON. Got instead: {error}.") from error
    return decoded.get("schema_version") if isinstance(decoded, dict) else None
