"""Judge the answers to the holdout and write the bundle; no code of the model runs here."""

from __future__ import annotations

import math
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from msgspec import DecodeError
from msgspec.structs import replace
from numpy.typing import NDArray

from contract import bundle, claims, models
from contract.bundle import Data, Example, Gate, Manifest, Metrics
from contract.claims import Claims, fault
from contract.errors import ModelError
from contract.evaluation import own_metrics
from contract.evaluation.bootstrap import intervals
from contract.evaluation.evaluation import Evaluation, Importance, Study, beside
from contract.evaluation.fingerprints import places
from contract.evaluation.own_metrics import OwnScores
from contract.evaluation.scores import score
from contract.spec import thresholds
from contract.spec.model_toml import ModelSpec
from train.data import dataset
from train.data.split import Part
from train.fit import evaluate, model_package
from train.fit.evaluate import Answers
from train.fit.seed_scores import seed_scores
from train.log import Log, summary
from train.steps import answers, evaluation_files, golden_examples
from train.steps.answers import Reader
from train.steps.evaluation_files import Parts
from train.steps.row_files import Facts
from train.steps.rows import load_examples, load_holdout, load_training

LIBRARIES = ("joblib", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")


class Steps(NamedTuple):
    """The folders that the steps before this one (rows, fit, ask, question, score) have written."""

    rows: Path
    export: Path
    answers: Path
    asked: Path
    scored: Path


class ClaimedTraining(NamedTuple):
    """The claims of a training and the rows that they are judged on.

    `classes` are in the order of the probabilities.
    """

    spec: ModelSpec
    claimed: Claims
    train: Part
    holdout: Part
    asked: NDArray[np.int64]  # the order of the questions: see `train.steps.rows.Holdout`
    facts: Facts
    classes: list[int | str] | None
    made: pd.DataFrame  # the synthetic rows (rows, inputs)


class ModelAnswers(NamedTuple):
    """The exported model's answers: to the holdout, with inputs shuffled, and with other seeds.

    The shuffled ones (rows,) are in the order of the questions, the others in the holdout's.
    """

    answers: Answers
    shuffled: dict[str, list[Answers]]
    seeds: list[Answers]
    examples: list[Example]  # the synthetic rows that it answers
    packages: dict[str, str]  # the versions of those of the model's lock that answering imported


def run(spec: ModelSpec, steps: Steps, out: Path, log: Log) -> Manifest:
    """Judge the exported model by its answers, and write its bundle even if the gate fails."""
    training = read_training(spec, steps)
    answered = read_answers(training, steps.answers)
    own = read_own(spec, steps)
    evaluation = evaluate.evaluation(spec, training.holdout, answered.answers, own)
    metrics = measure(training, answered, evaluation)
    log("holdout", summary(metrics.holdout))
    if metrics.seed_scores:
        log("seeds", describe_seeds(metrics))
    evaluation.study = study(training, answered, own)
    refuse_unknown(spec, own, metrics)
    evaluation.fingerprints = places(bytes.fromhex(training.facts.secret), evaluation.rows)
    if evaluation.study:
        log("study", describe_importance(evaluation.study))
    verdict = thresholds.judge(spec, metrics.holdout)
    log("gate", "; ".join(map(thresholds.sentence, verdict.checks)))
    manifest = describe(training, metrics, verdict)
    manifest.packages = sorted(answered.packages)
    is_real = spec.privacy.examples == "real"
    candidates = golden_examples.real(spec, evaluation) if is_real else answered.examples
    files = {
        bundle.MODEL_FILES[manifest.runtime]: bundle.read_file(
            steps.export / training.claimed.model_files[0]
        ),
        bundle.EXAMPLES: bundle.encode(golden_examples.choose(candidates, manifest)),
        bundle.NOTES: spec.notes.read_bytes(),
    }
    evaluation_files.write(out, manifest, evaluation, Parts(training.train, training.holdout))
    write(out, manifest, files)
    log("write", f"{size(manifest) / 1000:.0f} kB in {out}; what it was judged by: {beside(out)}")
    return manifest


def read_training(spec: ModelSpec, steps: Steps) -> ClaimedTraining:
    """Read rows and claims; raise ModelError for claims that contradict the rows."""
    train = load_training(steps.rows).part
    (holdout, facts), asked = load_holdout(steps.rows)
    claimed = claims.read(spec, steps.export)
    if claimed.data_sha256 != facts.sha256:
        raise fault(spec, f"trained on the data of sha256 {facts.sha256}", claimed.data_sha256)
    known = facts.classes
    if claimed.classes != known:
        raise fault(spec, f"the classes {known}, in this order", claimed.classes)
    made = load_examples(steps.rows)
    return ClaimedTraining(spec, claimed, train, holdout, asked, facts, known, made)


def read_answers(training: ClaimedTraining, folder: Path) -> ModelAnswers:
    """Read the model's answers, in the order of the holdout.

    Raises ModelError for what cannot be answers.
    """
    names = [answers.HOLDOUT, *map(answers.seed, range(1, training.claimed.seeds + 1))]
    try:
        files = [answers.read(folder, name) for name in names]
        shuffled = answers.read(folder, answers.SHUFFLED)
        examples = answers.read(folder, answers.EXAMPLES)
        packages = answers.read_packages(folder)
    except (bundle.BundleError, OSError, ModelError, DecodeError) as error:
        raise fault(training.spec, "readable answers", error) from error
    reader = Reader(training.spec, training.classes)
    rows, back = len(training.asked), np.argsort(training.asked)
    first, *others = [reader.answers(unchecked, rows).in_order(back) for unchecked in files]
    is_real = training.spec.privacy.examples == "real"
    return ModelAnswers(
        first,
        reader.shuffled(shuffled, rows),
        others,
        [] if is_real else golden_examples.made_up(reader, training.made, examples),
        model_package.confirmed(training.spec, packages),
    )


def read_own(spec: ModelSpec, steps: Steps) -> OwnScores | None:
    """Return the values of the model's own metrics, None where [gate] names none.

    Raises ModelError for what cannot be their values.
    """
    if not spec.gate.own:
        return None
    asked = own_metrics.read_questions(steps.asked)
    values = own_metrics.read_values(steps.scored, asked, list(spec.gate.own))
    return OwnScores(bounds=spec.gate.own_bounds, values=values)


def refuse_unknown(spec: ModelSpec, own: OwnScores | None, metrics: Metrics) -> None:
    """Raise ModelError for a metric of the model's own that does not exist on the holdout."""
    if own and own.missing:
        raise fault(spec, "scored by metrics.py", "other questions")
    for name in spec.gate.own:
        if name not in metrics.holdout:
            where = f"{spec.folder / models.METRICS}: {name}"
            cure = "Mend it, or hold out more rows."
            raise ModelError(where, "a number on the held-out rows", "NaN", cure)


def measure(training: ClaimedTraining, answered: ModelAnswers, evaluation: Evaluation) -> Metrics:
    """Return the metrics of the holdout, their intervals, and what other seeds make of them.

    A metric that does not exist on these rows is left out.
    """
    scores = {k: v for k, v in score(evaluation, training.classes).items() if math.isfinite(v)}
    seeds = seed_scores(training.spec, evaluation, answered.seeds, training.classes)
    chance = {k: v for k, v in intervals(evaluation, training.classes).items() if k in scores}
    return Metrics(
        holdout=scores,
        cross_validation={
            k: v for k, v in training.claimed.cross_validation.items() if k in scores
        },
        intervals=chance,
        seed_scores=seeds,
    )


def describe_seeds(metrics: Metrics) -> str:
    """Return the means over fits of other seeds, as a line of the log."""
    seeds = [scores for scores in metrics.seed_scores if scores.where is None]
    means = {scores.metric: float(np.mean(scores.scores)) for scores in seeds}
    return summary({name: mean for name, mean in means.items() if name in metrics.holdout})


def study(training: ClaimedTraining, answered: ModelAnswers, own: OwnScores | None) -> Study | None:
    """Return the permutation importance of each input, and the learning curve of the training.

    Permutation importance (Breiman 2001): how much worse the first gated metric is when the input
    is shuffled. None where the metric does not exist on these rows, and where model.toml wants no
    study.
    """
    if training.spec.study == 0:
        return None
    metric, spec = training.spec.gate.headline, training.spec
    rows = training.asked[: answers.shuffled_rows(spec, len(training.asked))]
    asked = training.holdout.take(rows)
    worse = -1 if spec.gate.metric(metric).bound == "min" else 1

    def scored(result: Answers) -> float:
        """Return the metric of answers to these rows, NaN where they cannot have it."""
        several = training.spec.several
        scores = evaluate.score(asked, result, training.classes, [metric], own, targets=several)
        return scores.get(metric, math.nan)

    best = scored(answered.answers.in_order(rows)) if len(rows) else math.nan
    losses = [
        Importance(feature=name, mean=float(np.mean(lost)), std=float(np.std(lost)))
        for name, shuffled in answered.shuffled.items()
        for lost in [[worse * (scored(result) - best) for result in shuffled]]
    ]
    if not all(math.isfinite(loss.mean) for loss in losses):
        return None
    return Study(
        metric=metric,
        importance=sorted(losses, key=lambda loss: -loss.mean),
        learning=training.claimed.learning,
    )


def describe_importance(study: Study) -> str:
    """Return which input is the most important, as a line of the log."""
    if not study.importance:
        return "the inputs are too many to measure the importance of each"
    most = study.importance[0]
    return f"{most.feature} matters most: shuffled, {study.metric} is {most.mean:.3g} worse"


def describe(training: ClaimedTraining, metrics: Metrics, verdict: Gate) -> Manifest:
    """Return the manifest, whose hashes of files are yet to come."""
    spec, claimed = training.spec, training.claimed
    train_rows, holdout_rows = len(training.train.y), len(training.holdout.y)
    return Manifest(
        schema_version=bundle.SCHEMA_VERSION,
        name=spec.name,
        version=os.environ.get("VERSION", "0"),
        revision=os.environ.get("REVISION", "unknown"),
        description=spec.description,
        task=spec.task,
        target=spec.target,
        sample_weight=spec.sample_weight,
        estimator=claimed.estimator,
        data=Data(
            source=spec.data.described,
            sha256=training.facts.sha256,
            rows=train_rows + holdout_rows,
            train_rows=train_rows,
            holdout_rows=holdout_rows,
            licence=spec.data.licence,
            csv=training.facts.dialect,
            layout=training.facts.layout,
        ),
        split=spec.split,
        inputs=dataset.schema(spec, training.train.X),
        classes=training.classes,
        libraries={"python": platform.python_version(), **{x: version(x) for x in LIBRARIES}}
        | model_package.confirmed(spec, claimed.libraries),
        metrics=metrics,
        gate=verdict,
        runtime=claimed.runtime,
        runtime_reason=claimed.runtime_reason,
        parity=claimed.parity,
        coded=claimed.coded,
        serving=replace(spec.serving, threshold=claimed.threshold),
        privacy=spec.privacy,
        files={},
    )


def write(out: Path, manifest: Manifest, files: dict[str, bytes]) -> None:
    """Write the bundle in place of an earlier one, which may have had another runtime."""
    for name in bundle.MODEL_FILES.values():
        (out / name).unlink(missing_ok=True)
    bundle.write(out, manifest, files)


def size(manifest: Manifest) -> int:
    """Return the bytes of a bundle's files."""
    return sum(file.bytes for file in manifest.files.values())
