"""Train a model: python -m train NAME --out DIR."""

# ruff: noqa: PLC0415 - the steps import scikit-learn, which takes a second
from __future__ import annotations

import argparse
import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import ModelError
from contract.spec import model_toml
from contract.spec.model_toml import ModelSpec
from train.data import secrets
from train.environment import refuse_older_processor, repeat_with_fixed_environment
from train.log import Log

if TYPE_CHECKING:
    from train.steps.assemble import Steps

GATE_FAILED = 3


def main() -> int:
    """Train the model named on the command line, or run one step of it."""
    options = arguments()
    refuse_older_processor()
    repeat_with_fixed_environment()
    if options.step in ("reach", "rows"):
        secrets.load()
    checked = model_toml.read(
        options.name, options.models, data_here=options.step in ("all", "rows")
    )
    return STEPS[options.step](checked, options)


def arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument("name", help="a folder of the models' root")
    parser.add_argument("--out", type=Path, required=True, help="where the result is written")
    parser.add_argument("--models", type=Path, help="the models' root; default: MODELS")
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="exit 0 even if the gate failed; the bundle is written either way",
    )
    steps = parser.add_argument_group("one step, as a stage of the Dockerfile takes it")
    steps.add_argument(
        "--step", choices=STEPS, default="all", help="default: all, one after the other"
    )
    steps.add_argument("--rows", type=Path, help="what the step rows wrote (all but score)")
    steps.add_argument("--export", type=Path, help="what fit wrote (ask, question, judge)")
    steps.add_argument("--answers", type=Path, help="what ask wrote (question, judge)")
    steps.add_argument("--asked", type=Path, help="what question wrote (score, judge)")
    steps.add_argument("--scored", type=Path, help="what score wrote (judge)")
    return parser.parse_args()


def every_step(spec: ModelSpec, options: Namespace) -> int:
    """Run all steps, each in a process of its own."""
    from train import job

    return job.run(spec, options.out, keep_going=options.keep_going)


def reach(spec: ModelSpec, options: Namespace) -> int:
    """Write whether the data can be had, for the stage that decides what to do without it."""
    from train.data.download import absent

    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "reach.json").write_text(json.dumps({"absent": absent(spec)}))
    return 0


def rows(spec: ModelSpec, options: Namespace) -> int:
    """Run the step that loads and splits the rows."""
    from train.steps.rows import prepare

    prepare(spec, options.out, Log(spec.name))
    return 0


def fit(spec: ModelSpec, options: Namespace) -> int:
    """Run the step that fits the estimator and exports it."""
    from train.steps.fit import run

    run(spec, options.rows, options.out, Log(spec.name))
    return 0


def ask(spec: ModelSpec, options: Namespace) -> int:
    """Run the step that asks the exported model about the holdout."""
    from train.steps.ask import run

    run(spec, options.rows, options.export, options.out, Log(spec.name))
    return 0


def question(spec: ModelSpec, options: Namespace) -> int:
    """Run the step that writes what the model's own metrics have to score."""
    from train.steps.question import run

    run(spec, folders(options), options.out)
    return 0


def score(spec: ModelSpec, options: Namespace) -> int:
    """Run the step in which the model's own metrics score the answers."""
    from train.steps.score import run

    run(spec, options.asked, options.out, Log(spec.name))
    return 0


def folders(options: Namespace) -> Steps:
    """Return what the earlier steps wrote."""
    from train.steps.assemble import Steps

    return Steps(options.rows, options.export, options.answers, options.asked, options.scored)


def judge(spec: ModelSpec, options: Namespace) -> int:
    """Run the step that judges the answers and writes the bundle; return 3 if the gate failed."""
    from train.steps.assemble import run

    manifest = run(spec, folders(options), options.out, Log(spec.name))
    if manifest.gate.passed or options.keep_going:
        return 0
    cure = "Improve build(), or mend [gate] in model.toml."
    print(f"error: {spec.name} failed its gate; the bundle says so. {cure}", file=sys.stderr)
    return GATE_FAILED


STEPS = {
    "all": every_step, "reach": reach, "rows": rows, "fit": fit, "ask": ask, "question": question,
    "score": score, "judge": judge,
}  # fmt: skip


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ModelError as error:
        print(f"error: {error}".replace(f"{Path.cwd()}/", ""), file=sys.stderr)
        sys.exit(error.exit_code)
