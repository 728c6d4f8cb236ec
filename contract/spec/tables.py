"""Every table and key of model.toml: its meaning, type, limits, default and examples.

`Section.read` reads a table as the Struct that is written here, and `tests.contract.reference`
makes MODEL_TOML.md and model.schema.json of the same Structs.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta, Struct

from contract.bundle import Kind, OutOfRange, SplitMethod, Task, UnknownCategory
from contract.bundle.dialect import MISSING
from contract.evaluation.metrics import METRICS, Metric
from contract.inputs import KINDS
from contract.spec.acceptances import TABLE as ACCEPT
from contract.spec.toml import keys

SEGMENTS, IMAGE = "segments", "image"
ROWS = 10  # in a segment; with fewer, one wrong answer is more than a tenth
SHA256 = r"[0-9a-f]{64}"
NO_TASK = (
    "What has no truth for each row to be judged by, as a clustering or the forecast of a "
    "sequence, is no task here."
)
Text = Annotated[str, Meta(pattern=r"\S")]
NotEmpty = Annotated[str, Meta(min_length=1)]  # beside other types


def says(description: str, *examples: object, **more: Any) -> Meta:
    """Return the Meta of a key; `extra` has what else it must be, and the cure."""
    return Meta(description=description, examples=list(examples) or None, **more)


class Data(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the rows come from, and how they are read."""

    source: Annotated[Text | None, says(
        "A file of the model's folder or a folder of them (CSV, also gzip or zstd; Parquet; "
        "Arrow), an `https://`, `s3://` or `gs://` address of either, or a table of scikit-learn. "
        "With a query: an SQLite file or, left out, the database that `DATABASE_URL` names.",
        "wine.csv", "s3://bucket/wine.parquet", "sklearn:iris",
    )] = None  # fmt: skip
    query: Annotated[Text | None, says(
        "The SQL query whose result is the table.", "SELECT * FROM wines",
    )] = None  # fmt: skip
    sha256: Annotated[Annotated[str, Meta(pattern=f"^{SHA256}$")] | None, says(
        "Of a file's bytes; of a folder's `sha256sum` lines, sorted by path; of a query's sorted "
        "rows. A file and an `https://` address need it; where only reading the data tells it, "
        "the run prints it.",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    )] = None  # fmt: skip
    missing: Annotated[tuple[str, ...], says(
        "The cells that mean that there is no value. The empty cell is always one of them.",
        ["NA", "?"],
    )] = MISSING  # fmt: skip
    licence: Annotated[Text | None, says(
        "The licence of the data, for the model card: an SPDX identifier, or a few words.",
        "CC-BY-4.0",
    )] = None  # fmt: skip


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be said of an input beside its kind; `contract.inputs` says of which kinds."""

    out_of_range: Annotated[OutOfRange | None, says(
        "Whether a request may go beyond the range of the training rows, which for dates is from "
        "their first to their last year. Left out: as `serve.out_of_range` says.", "reject",
    )] = None  # fmt: skip
    unknown_category: Annotated[UnknownCategory | None, says(
        "What becomes of a category that the training rows lack. Left out: as "
        "`serve.unknown_category` says.", "ignore",
    )] = None  # fmt: skip
    true: Annotated[Text, says(
        "How the data write true, in upper or lower case; JSON has `true`.", "yes",
    )] = "true"  # fmt: skip
    false: Annotated[Text, says(
        "How the data write false: another word than the one for true.", "no",
    )] = "false"  # fmt: skip


def column(kind: Kind) -> Any:
    """Return the inline table of an input of a kind: the options that it may have."""
    fields = [
        (field.name, field.type, field.default)
        for field in msgspec.structs.fields(Options)
        if field.name in KINDS[kind].keys
    ]
    return msgspec.defstruct(kind.title(), fields, tag_field="kind", tag=kind, frozen=True,
                             forbid_unknown_fields=True)  # fmt: skip


COLUMNS: dict[Kind, type[Struct]] = {kind: column(kind) for kind in KINDS}


class Split(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows are held out to judge the model; folds are made by the same method."""

    method: Annotated[SplitMethod, says(
        "`hash`: a share of the rows, each by a hash of its own cells, so that new rows move none. "
        "`random`: a share of the rows, of each class the same. `group`: a share of the values of "
        "a column, each with all of its rows. `time`: the rows from `cut` on, or the newest share. "
        "`given`: the rows that say `test` in a column, where the others say `train`.", "random",
    )] = "hash"  # fmt: skip
    seed: Annotated[int, says(
        "The seed of whatever is drawn: rows, folds, and what an estimator leaves to chance.", 7,
        ge=0, le=2**32 - 1,
    )] = 0  # fmt: skip
    column: Annotated[Text | None, says(
        "The column that decides, which is not the target: with `group`, `time` and `given`.",
        "customer",
    )] = None  # fmt: skip
    cut: Annotated[NotEmpty | float | None, says(
        "With `time`: the first date or number that is held out, in place of `test_size`.",
        "2024-01-31", 2024,
        extra={"expected": "a date or a number", "cure": 'Write cut = "2024-01-31".'},
    )] = None  # fmt: skip
    test_size: Annotated[float, says(
        "The share to hold out: with `hash`, `random`, `group`, and `time` without a cut.", 0.2,
        ge=0.01, le=0.9,
    )] = 0.25  # fmt: skip


class Evaluate(Struct, frozen=True, forbid_unknown_fields=True):
    """What is measured beside the metrics of the held-out rows."""

    folds: Annotated[int, says(
        "How many folds the training rows are cross-validated in; 0 or 1 is none.", 3, ge=0, le=20,
    )] = 5  # fmt: skip
    columns: Annotated[tuple[str, ...], says(
        "Columns that are no input, and whose values for the held-out rows are kept to compare "
        "models by.", ["region"],
    )] = ()  # fmt: skip
    seeds: Annotated[int, says(
        "How many more fits, each of another seed, measure what chance does to the scores.", 2,
        ge=0, le=50,
    )] = 5  # fmt: skip
    study: Annotated[int, says(
        "The most rows that all fits beside the model's own learn from together. Where there are "
        "more, folds and learning curve are of a random sample, and seeds fewer, or none. With 0, "
        "no importance of inputs is measured either. Left out: as many as are trained on, and "
        "100,000 at least.", 2_000_000, ge=0, le=10**12,
    )] | None = None  # fmt: skip


class Serve(Struct, frozen=True, forbid_unknown_fields=True):
    """What a server does with unusual values, how it decides, and what it shows."""

    unknown_category: Annotated[UnknownCategory, says(
        "What becomes of a request with a category that the training rows lack: a refusal, or an "
        "answer.", "ignore",
    )] = "reject"  # fmt: skip
    out_of_range: Annotated[OutOfRange, says(
        "What becomes of a request with a number or a date beyond those of the training rows.",
        "reject",
    )] = "accept"  # fmt: skip
    examples: Annotated[Literal["synthetic", "real"], says(
        "The golden examples in the image: rows that no row of the data equals, or held-out rows.",
        "real",
    )] = "synthetic"  # fmt: skip
    threshold: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | Literal["auto"] | None,
        says(
            "Of two classes: the probability from which the second is the answer, or `auto`, the "
            "one at which the first gated metric of labels is best on the training folds. Left "
            "out: the estimator decides.", 0.3, "auto",
            extra={"expected": 'a number or "auto"',
                   "cure": "Write threshold = 0.3 without quotes."},
        ),
    ] = None  # fmt: skip


class Privacy(Struct, frozen=True, forbid_unknown_fields=True):
    """What of the data leaves the machine that trains."""

    evaluation: Annotated[Literal["registry", "none"], says(
        "Where the answers to the held-out rows are kept, without the rows, for the next model to "
        "be compared with: in a package beside the image's, or nowhere, and then the published "
        "model is asked again.", "none",
    )] = "registry"  # fmt: skip
    report: Annotated[Literal["aggregates", "rows"], says(
        "How reports show the predictions that changed: counted, or row by row.", "rows",
    )] = "aggregates"  # fmt: skip


class Image(Struct, frozen=True, forbid_unknown_fields=True):
    """What the image may become, as a multiple of the published one's."""

    size_ratio: Annotated[float, says(
        "How much larger the image may be.", 1.5, ge=1, le=1000,
    )] = 1.25  # fmt: skip
    latency_ratio: Annotated[float, says(
        "How much longer a request may take.", 3.0, ge=1, le=1000,
    )] = 2.0  # fmt: skip


class Acceptance(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person accepts although the gate refuses it, one line each, by its name.

    It is a drop of a metric (`accuracy`, `"accuracy where region is north"`), `"image size"` or
    `"image latency"` as a multiple of the published image's, or `baseline`, which has no value.
    `make accept` writes the lines that are needed, and removes those that are not. They shape
    nothing of a model and train nothing again.
    """

    reason: Annotated[Text, says("Why it is accepted.", "The old rows held the answer")]
    who: Annotated[Text, says("Who accepts it.", "octocat")]
    replaces: Annotated[Text, says(
        "The version of the published model that it is compared with: once another is published, "
        "the line accepts nothing.", "2026.11.30-abcdef0",
    )]  # fmt: skip
    value: Annotated[float | None, says(
        "The worst value that is accepted. Left out: of what has no value.", 0.93,
    )] = None  # fmt: skip


def parameter(metric: Metric) -> Any:
    """Return the type of the class or the quantile of a metric."""
    if metric.parameter == "quantile":
        return Annotated[float, says(
            "The quantile that the model predicts.", 0.9, ge=0.001, le=0.999,
            extra={"expected": "a number", "cure": "Write quantile = … without quotes."},
        )]  # fmt: skip
    cure = f'Write {metric.name} = {{ class = "…", … }}.'
    return Annotated[NotEmpty | int | None, says(
        "The class of the target that the metric is of; absent where there are several targets.",
        "yes", 1, extra={"expected": "a class of the target", "cure": cure},
    )]  # fmt: skip


TARGET: Any = Annotated[Text | None, says(
    "Of several targets: the one that the metric is of. Left out: the mean over all of them.",
    "width",
)]  # fmt: skip


def rule(metric: Metric) -> Any:
    """Return the table of a metric's rule: a bound or a drop, and the metric's parameter."""
    example, end = (0.9, "least") if metric.bound == "min" else (0.2, "greatest")
    limits = {"ge": metric.lowest, "le": metric.highest}
    finite = {name: limit for name, limit in limits.items() if math.isfinite(limit)}
    bound = says(f"The {end} value with which a model passes.", example, **finite)
    drop = says("How far it may be behind the published model, beyond chance.", 0.02, ge=0)
    fields: list[Any] = [
        (metric.bound, Annotated[float, bound] | None, None),
        ("drop", Annotated[float, drop] | None, None),
        *([(metric.parameter, parameter(metric))] if metric.parameter == "quantile" else []),
        *([("class", parameter(metric), None)] if metric.parameter == "class" else []),
        *([("target", TARGET, None)] if metric.parameter != "quantile" else []),
    ]
    return msgspec.defstruct(f"{metric.name}_rule", fields, kw_only=True, frozen=True,
                             forbid_unknown_fields=True)  # fmt: skip


class OwnRule(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The rule of a metric of metrics.py: `min` or `max` says which way is better."""

    min: Annotated[float, says("The least value with which a model passes.", 0.9)] | None = None
    max: Annotated[float, says("The greatest value with which a model passes.", 2)] | None = None
    drop: Annotated[float, says(
        "How far it may be behind the published model, beyond chance.", 0.02, ge=0,
    )] | None = None  # fmt: skip


RULES: dict[str, Any] = {name: rule(metric) for name, metric in METRICS.items()}


def rules() -> list[Any]:
    """Return the keys of the metrics: each has its rule, or a list for several classes."""
    fields = []
    for name, table in RULES.items():
        metric = METRICS[name]
        example = {key.name: key.examples[0] for key in keys(table).values()
                   if key.name != "target"}  # fmt: skip
        parameters = {"quantile": "quantile", "class": "class or target", "": "target"}
        another = parameters[metric.parameter]
        several = f", or a list of them, each of another {another}"
        says_it = says(f"{metric.task.title()}: its rule{several}.",
                       example, *([[example]] if metric.parameter else []))  # fmt: skip
        fields.append((name, Annotated[table | list[table] | None, says_it], None))  # type: ignore[valid-type]
    return fields


class Segment(Struct, frozen=True, forbid_unknown_fields=True):
    """The rules for the rows of each value of a column."""

    rows: Annotated[int, says(
        "Segments of fewer held-out rows are shown, and not judged.", 30, ge=1, le=10**9,
    )] = ROWS  # fmt: skip


SEGMENT: Any = msgspec.defstruct("Segment", rules(), bases=(Segment,), frozen=True,
                                 namespace={"__doc__": Segment.__doc__},
                                 forbid_unknown_fields=True)  # fmt: skip
GATE: Any = msgspec.defstruct(
    "Gate",
    [
        *rules(),
        (SEGMENTS, Annotated[dict[str, SEGMENT], says(
            "By the name of a column, which may be the target and is no text or date: rules for "
            "the rows of each of its values.", {"region": {"accuracy": {"min": 0.8}}},
        )], {}),
        (IMAGE, Annotated[Image, says("Rules for the image.", {"size_ratio": 1.5})], Image()),
    ],
    namespace={"__doc__": "What a model must reach, and how far it may be behind the published "
               "model. It has a rule for one metric or more."},
    frozen=True, forbid_unknown_fields=True,
)  # fmt: skip


class Head(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a model predicts."""

    description: Annotated[Text, says("The model in a sentence.", "What a house is worth")]
    task: Annotated[Task, says(
        "What is predicted: a class, a number, or whether a row is an anomaly. Of several targets, "
        "labels or numbers.", "regression",
        extra={"otherwise": NO_TASK},
    )]  # fmt: skip
    target: Annotated[Text | tuple[str, ...], says(
        "The column to predict, or a list of several: numbers, or columns of true and false (also "
        "yes and no, 1 and 0), each a label that a row has or has not. Of an anomaly detection, "
        "the column that says which rows are known anomalies: it judges the model, which is fitted "
        "to the other columns alone.", "price", ["width", "mass"],
        extra={"expected": "given as a text that is not empty, or as a list of such",
               "cure": 'Write target = "…", or target = ["…", "…"].'},
    )]  # fmt: skip
    anomaly: Annotated[NotEmpty | int | None, says(
        "Of an anomaly detection: the one of the target's two values that means an anomaly. Left "
        "out: 1.", "yes", 1,
        extra={"expected": "a text or a whole number", "cure": 'Write anomaly = "yes".'},
    )] = None  # fmt: skip
    sample_weight: Annotated[Text | None, says(
        "A column of numbers, 0 or more, of how much each row counts: in fits, in the folds and in "
        "every metric. It is neither the target nor an input.", "exposure",
    )] = None  # fmt: skip


INPUT: Any = Annotated[Union[(Literal[tuple(KINDS)], *COLUMNS.values())], says(
    "The kind of the column or, to say more of it, a table.",
    "numeric", {"kind": "boolean", "true": "yes", "false": "no"},
)]  # fmt: skip
MODEL: Any = msgspec.defstruct(
    "Model",
    [
        ("data", Data),
        ("inputs", Annotated[dict[str, INPUT], says(
            "The columns that the model sees, by their names. The target is none of them.",
        )]),
        ("gate", GATE),
        ("split", Split, Split()),
        ("evaluate", Evaluate, Evaluate()),
        ("serve", Serve, Serve()),
        ("privacy", Privacy, Privacy()),
        (ACCEPT, Annotated[dict[str, Acceptance], says(
            " ".join((Acceptance.__doc__ or "").split()), {"accuracy": {
                "value": 0.93, "reason": "The old rows held the answer", "who": "octocat",
                "replaces": "2026.11.30-abcdef0"}},
        )], {}),
    ],
    bases=(Head,), kw_only=True, frozen=True, forbid_unknown_fields=True,
)  # fmt: skip
