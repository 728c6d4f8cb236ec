"""Judge the answers to the holdout and write the bundle; no code of the model runs here."""

from __future__ import annotations

import math
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract import bundle, claims
from contract.bundle import Data, Gate, Manifest, Metrics, Split
from contract.claims import Claims, fault
from contract.evaluation.bootstrap import intervals
from contract.evaluation.evaluation import METRICS, Evaluation, Importance, Study
from contract.evaluation.fingerprints import pack
from contract.evaluation.scores import score
from contract.spec import thresholds
from contract.spec.model_toml import ModelSpec
from train.data import dataset
from train.data.split import Part
from train.fit import evaluate
from train.fit.evaluate import Answers
from train.fit.seed_scores import seed_scores
from train.log import Log, summary
from train.steps import answers, golden_examples
from train.steps.answers import Reader
from train.steps.rows import HOLDOUT, TRAINING, Holdout, Rows

LIBRARIES = ("joblib", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")


class Steps(NamedTuple):
    """The folders that the steps before this one (rows, fit, ask) have written."""

    rows: Path
    export: Path
    answers: Path


class Case(NamedTuple):
    """The claims of a training and the rows that they are judged on.

    `classes` are in the order of the probabilities.
    """

    spec: ModelSpec
    claimed: Claims
    train: Part
    holdout: Part
    asked: NDArray[np.int64]  # the order of the questions: see `train.steps.rows.Holdout`
    sha256: str
    classes: list[int | str] | None


class Asked(NamedTuple):
    """The exported model's answers: to the holdout, with inputs shuffled, and with other seeds.

    The shuffled ones (rows,) are in the order of the questions, the others in the holdout's.
    """

    answers: Answers
    shuffled: dict[str, list[NDArray[Any]]]
    seeds: list[Answers]


def run(spec: ModelSpec, steps: Steps, out: Path, log: Log) -> Manifest:
    """Judge the exported model by its answers, and write its bundle even if the gate fails."""
    case = read_case(spec, steps)
    asked = read_answers(case, steps.answers)
    evaluation = evaluate.evaluation(case.holdout, asked.answers)
    metrics = measure(case, asked, evaluation, log)
    evaluation.study = study(case, asked)
    evaluation.trained = pack(dataset.features(case.train.X), case.train.y.tolist())
    if evaluation.study:
        log("study", leaning(evaluation.study))
    verdict = thresholds.judge(spec, metrics.holdout)
    log("gate", "; ".join(map(thresholds.sentence, verdict.checks)))
    manifest = describe(case, metrics, verdict)
    write(
        spec,
        out,
        manifest,
        bundle.read_file(steps.export / case.claimed.model_files[0]),
        evaluation,
    )
    log("write", f"{size(manifest) / 1000:.0f} kB in {out}")
    return manifest


def read_case(spec: ModelSpec, steps: Steps) -> Case:
    """Read rows and claims; raise ModelError for claims that contradict the rows."""
    train = msgspec.json.decode(bundle.read_file(steps.rows / TRAINING), type=Rows).part
    holdout = msgspec.json.decode(bundle.read_file(steps.rows / HOLDOUT), type=Holdout)
    claimed = claims.read(spec, steps.export)
    if claimed.data_sha256 != holdout.sha256:
        raise fault(spec, f"trained on the data of sha256 {holdout.sha256}", claimed.data_sha256)
    known = None if spec.task == "regression" else sorted(set(train.y.tolist()))
    if claimed.classes != known:
        raise fault(spec, f"the classes {known}, in this order", claimed.classes)
    asked = np.array(holdout.asked, dtype=np.int64)
    return Case(spec, claimed, train, holdout.part, asked, holdout.sha256, known)


def read_answers(case: Case, folder: Path) -> Asked:
    """Read the model's answers, in the order of the holdout.

    Raises ModelError for what cannot be answers.
    """
    try:
        answered = answers.read(folder)
    except (bundle.BundleError, OSError, msgspec.DecodeError, RecursionError) as error:
        raise fault(case.spec, "readable answers", error) from error
    if len(answered.seeds) != case.claimed.seeds:
        expected = f"answers of {case.claimed.seeds} other seeds"
        raise fault(case.spec, expected, len(answered.seeds))
    reader, rows, back = Reader(case.spec, case.classes), len(case.asked), np.argsort(case.asked)
    first, *others = [
        reader.answers(unchecked, rows).in_order(back) for unchecked in (answered, *answered.seeds)
    ]
    return Asked(first, reader.shuffled(answered, rows), others)


def measure(case: Case, asked: Asked, evaluation: Evaluation, log: Log) -> Metrics:
    """Return the metrics of the holdout, their intervals, and what other seeds make of them.

    A metric that does not exist on these rows is left out.
    """
    scores = {k: v for k, v in score(evaluation, case.classes).items() if math.isfinite(v)}
    log("holdout", summary(scores))
    seeds = seed_scores(case.spec, [asked.answers, *asked.seeds], case.holdout, case.classes)
    if seeds:
        means = {s.metric: float(np.mean(s.scores)) for s in seeds if s.where is None}
        log("seeds", summary({k: mean for k, mean in means.items() if k in scores}))
    return Metrics(
        holdout=scores,
        cross_validation={k: v for k, v in case.claimed.cross_validation.items() if k in scores},
        intervals={k: v for k, v in intervals(evaluation, case.classes).items() if k in scores},
        seed_scores=seeds,
    )


def study(case: Case, asked: Asked) -> Study | None:
    """Return the permutation importance of each input, and the learning curve of the training.

    Permutation importance (Breiman 2001): the metric lost when the input is shuffled. None where
    the metric does not exist on these rows.
    """
    metric, rows = METRICS[case.spec.task], case.asked[: answers.ROWS]
    truth = case.holdout.y[rows]

    def scored(predictions: NDArray[Any]) -> float:
        """Return the metric of predictions (rows,)."""
        return evaluate.score(truth, Answers(predictions, None), case.classes)[metric]

    best = scored(asked.answers.predictions[rows])
    if math.isnan(best):
        return None
    losses = [
        Importance(feature=name, mean=float(np.mean(lost)), std=float(np.std(lost)))
        for name, shuffled in asked.shuffled.items()
        for lost in [[best - scored(predictions) for predictions in shuffled]]
    ]
    return Study(
        metric=metric,
        importance=sorted(losses, key=lambda loss: -loss.mean),
        learning=case.claimed.learning,
    )


def leaning(study: Study) -> str:
    """Return which input is the most important, as a line of the log."""
    most = study.importance[0]
    return f"{most.feature} matters most: shuffled, it costs {most.mean:.3g} of {study.metric}"


def describe(case: Case, metrics: Metrics, verdict: Gate) -> Manifest:
    """Return the manifest, whose hashes of files are yet to come."""
    spec, claimed = case.spec, case.claimed
    train_rows, holdout_rows = len(case.train.y), len(case.holdout.y)
    return Manifest(
        schema_version=bundle.SCHEMA_VERSION,
        name=spec.name,
        version=os.environ.get("VERSION", "0"),
        revision=os.environ.get("REVISION", "unknown"),
        description=spec.description,
        task=spec.task,
        target=spec.target,
        estimator=claimed.estimator,
        data=Data(
            source=spec.data.source,
            sha256=case.sha256,
            rows=train_rows + holdout_rows,
            train_rows=train_rows,
            holdout_rows=holdout_rows,
            licence=spec.data.licence,
        ),
        split=Split(
            test_size=spec.test_size, seed=spec.seed, stratified=spec.task == "classification"
        ),
        inputs=dataset.schema(spec, case.train.X),
        classes=case.classes,
        libraries={"python": platform.python_version(), **{x: version(x) for x in LIBRARIES}},
        metrics=metrics,
        gate=verdict,
        runtime=claimed.runtime,
        runtime_reason=claimed.runtime_reason,
        parity=claimed.parity,
        serving=spec.serving,
        files={},
    )


def write(
    spec: ModelSpec, out: Path, manifest: Manifest, content: bytes, evaluation: Evaluation
) -> None:
    """Write the bundle."""
    for name in bundle.MODEL_FILES.values():
        (out / name).unlink(missing_ok=True)  # an earlier training may have had another runtime
    files = {
        bundle.MODEL_FILES[manifest.runtime]: content,
        bundle.EXAMPLES: bundle.encode(
            golden_examples.examples(evaluation, manifest.inputs, spec.serving)
        ),
        bundle.EVALUATION: msgspec.json.encode(evaluation) + b"\n",  # long, and read by programs
        bundle.NOTES: spec.notes.read_bytes(),
    }
    bundle.write(out, manifest, files)


def size(manifest: Manifest) -> int:
    """Return the bytes of a bundle's files."""
    return sum(file.bytes for file in manifest.files.values())
