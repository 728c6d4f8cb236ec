"""One training, from model folder to bundle, with a line of progress for each step."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from model import bundle
from model.bundle import Data, Manifest, Metrics, Split
from train import dataset, estimator, evaluate, examples, gate
from train.card import card
from train.export import export
from train.listening import listening
from train.report import report
from train.split import split

if TYPE_CHECKING:
    from pathlib import Path

    from model.spec import ModelSpec

LIBRARIES = (
    "joblib",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "scikit-learn",
    "skl2onnx",
)


def run(spec: ModelSpec, out: Path) -> Manifest:
    """Train a model and write its bundle, whether or not it passes its gate."""
    log = Log(spec.name)
    data = dataset.load(spec)
    dropped = f", {data.dropped} without {spec.target} dropped" if data.dropped else ""
    log("load", f"{data.rows} rows, {len(spec.inputs)} inputs from {spec.data.source}{dropped}")
    train, holdout = split(spec, data)
    log("split", f"{len(train.y)} rows to train on, {len(holdout.y)} held out, seed {spec.seed}")
    model = estimator.build(spec)
    with listening(spec) as heard:
        folds = evaluate.cross_validate(spec, model, train)
        log("cross-val", f"{spec.folds} folds: {summary({k: v.mean for k, v in folds.items()})}")
        fitted = estimator.unwrap(model.fit(train.X, train.y))
        log("fit", estimator.describe(fitted))
        answers = evaluate.answer(fitted, holdout.X)
        labels = evaluate.classes(fitted)
        scores = evaluate.score(holdout.y, answers, labels)
    for warning in heard:
        log("warning", warning)
    log("holdout", summary(scores))
    verdict = gate.judge(spec, scores)
    log("gate", "; ".join(map(gate.sentence, verdict.checks)))
    inputs = dataset.schema(spec, train.X)
    exported = export(spec, fitted, inputs, train, holdout)
    log("export", f"{exported.runtime}: {exported.reason}")
    manifest = Manifest(
        schema_version=bundle.SCHEMA_VERSION,
        name=spec.name,
        version=os.environ.get("VERSION", "0"),
        revision=os.environ.get("REVISION", "unknown"),
        description=spec.description,
        task=spec.task,
        target=spec.target,
        estimator=estimator.describe(fitted),
        data=Data(
            source=spec.data.source,
            sha256=data.sha256,
            rows=data.rows,
            train_rows=len(train.y),
            holdout_rows=len(holdout.y),
        ),
        split=Split(
            test_size=spec.test_size, seed=spec.seed, stratified=spec.task == "classification"
        ),
        inputs=inputs,
        classes=None if labels is None else labels.tolist(),
        libraries=libraries(),
        metrics=Metrics(holdout=scores, cross_validation=folds),
        gate=verdict,
        runtime=exported.runtime,
        runtime_reason=exported.reason,
        parity=exported.parity,
        serving=spec.serving,
        files={},
    )
    found = examples.evaluation(holdout, answers)
    files = {
        bundle.MODEL_FILES[exported.runtime]: exported.content,
        bundle.EXAMPLES: bundle.encode(examples.examples(found, inputs, spec.serving)),
        bundle.EVALUATION: bundle.encode(found),
        "card.md": card(manifest, (spec.folder / "README.md").read_text()).encode(),
        "report.html": report(manifest, found).encode(),
    }
    bundle.write(out, manifest, files)
    size = sum(map(len, files.values())) / 1000
    log("write", f"{len(files) + 1} files, {size:.0f} kB in {out}")
    return manifest


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


def libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
