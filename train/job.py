"""One training, from model folder to bundle, with a line of progress for each step."""

from __future__ import annotations

import os
import platform
import random
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from model import bundle
from model.bundle import Data, Manifest, Metrics, Split
from model.evaluation import Evaluation, Study
from model.resample import intervals
from model.rows import pack
from model.spec import ModelSpec
from train import backend, dataset, estimator, evaluate, examples, gate
from train.card import card
from train.evaluate import Answers
from train.export import export
from train.listening import listening
from train.report import report
from train.seeds import seed_scores
from train.split import Part, split
from train.study import study

LIBRARIES = ("joblib", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")


class Trained(NamedTuple):
    """A fitted estimator and how well it did."""

    estimator: Any
    answers: Answers  # to the holdout rows
    metrics: Metrics
    study: Study

    @property
    def classes(self) -> Any:
        return evaluate.classes(self.estimator)


def run(spec: ModelSpec, out: Path) -> Manifest:
    """Train a model and write its bundle, whether or not it passes its gate."""
    log = Log(spec.name)
    data = dataset.load(spec)
    dropped = f", {data.dropped} without {spec.target} dropped" if data.dropped else ""
    log("load", f"{data.rows} rows, {len(spec.inputs)} inputs from {spec.data.source}{dropped}")
    train, holdout = split(spec, data)
    log("split", f"{len(train.y)} rows to train on, {len(holdout.y)} held out, seed {spec.seed}")
    trained = fit(spec, train, holdout, log)
    verdict = gate.judge(spec, trained.metrics.holdout)
    log("gate", "; ".join(map(gate.sentence, verdict.checks)))
    inputs = dataset.schema(spec, train.X)
    exported = export(spec, trained.estimator, inputs, train, holdout)
    log("export", f"{exported.runtime}: {exported.reason}")
    manifest = Manifest(
        schema_version=bundle.SCHEMA_VERSION,
        name=spec.name,
        version=os.environ.get("VERSION", "0"),
        revision=os.environ.get("REVISION", "unknown"),
        description=spec.description,
        task=spec.task,
        target=spec.target,
        estimator=estimator.describe(trained.estimator),
        data=Data(
            source=spec.data.source,
            sha256=data.sha256,
            rows=data.rows,
            train_rows=len(train.y),
            holdout_rows=len(holdout.y),
            licence=spec.data.licence,
        ),
        split=Split(
            test_size=spec.test_size, seed=spec.seed, stratified=spec.task == "classification"
        ),
        inputs=inputs,
        classes=None if trained.classes is None else trained.classes.tolist(),
        libraries={"python": platform.python_version(), **{x: version(x) for x in LIBRARIES}},
        metrics=trained.metrics,
        gate=verdict,
        runtime=exported.runtime,
        runtime_reason=exported.reason,
        parity=exported.parity,
        serving=spec.serving,
        files={},
    )
    found = examples.evaluation(holdout, trained.answers)
    found.study = trained.study
    found.trained = pack(examples.features(train.X), train.y.tolist())
    write(spec, out, manifest, exported.content, found)
    log("write", f"{size(manifest) / 1000:.0f} kB in {out}")
    return manifest


def fit(spec: ModelSpec, train: Part, holdout: Part, log: Log) -> Trained:
    # An estimator whose random_state is None draws from these, and must repeat too.
    random.seed(spec.seed)
    np.random.seed(spec.seed)  # noqa: NPY002 - scikit-learn's own fallback
    model = estimator.build(spec)
    with listening(spec) as heard:
        folds = evaluate.cross_validate(spec, model, train)
        log("cross-val", f"{spec.folds} folds: {summary({k: v.mean for k, v in folds.items()})}")
        fitted = estimator.unwrap(backend.fit(model, train.X, train.y))
        log("fit", estimator.describe(fitted))
        answers = evaluate.answer(fitted, holdout.X)
        scores = evaluate.score(holdout.y, answers, evaluate.classes(fitted))
        log("holdout", summary(scores))
        studied = study(spec, fitted, train, holdout)
        log("study", learned(studied))
        seeds = seed_scores(spec, fitted, train, holdout)
        if seeds:
            log("seeds", summary({k: float(np.mean(v)) for k, v in seeds.items() if k in scores}))
    for warning in heard:
        log("warning", warning)
    known = evaluate.classes(fitted)
    spread = intervals(
        examples.evaluation(holdout, answers), known if known is None else known.tolist()
    )
    metrics = Metrics(holdout=scores, cross_validation=folds, intervals=spread, seed_scores=seeds)
    return Trained(fitted, answers, metrics, studied)


def learned(found: Study) -> str:
    most = found.importance[0]
    return f"{most.feature} matters most: shuffled, it costs {most.mean:.3g} of {found.metric}"


def write(
    spec: ModelSpec, out: Path, manifest: Manifest, content: bytes, found: Evaluation
) -> None:
    for name in bundle.MODEL_FILES.values():
        (out / name).unlink(missing_ok=True)  # an earlier training may have had another runtime
    notes = spec.notes.read_text(encoding="utf-8")
    files = {
        bundle.MODEL_FILES[manifest.runtime]: content,
        bundle.EXAMPLES: bundle.encode(examples.examples(found, manifest.inputs, spec.serving)),
        bundle.EVALUATION: msgspec.json.encode(found) + b"\n",  # long, and read by programs
        "card.md": card(manifest, notes, found).encode(),
        "report.html": report(manifest, found).encode(),
    }
    bundle.write(out, manifest, files)


def size(manifest: Manifest) -> int:
    return sum(file.bytes for file in manifest.files.values())


class Log:
    """Progress on stdout, one line per step: model, step, what came of it, seconds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.since = time.perf_counter()

    def __call__(self, step: str, text: str) -> None:
        now = time.perf_counter()
        print(f"{self.name}  {step:<9}  {text}  ({now - self.since:.1f} s)", flush=True)
        self.since = now


def summary(scores: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
