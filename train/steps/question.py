"""Write what a model's own metrics have to score before it can be judged; none of its code runs."""

from __future__ import annotations

from pathlib import Path

from contract.evaluation.own_metrics import OwnScores, write_questions
from contract.spec.model_toml import ModelSpec
from train.fit import evaluate
from train.steps.assemble import Steps, measure, read_answers, read_training, study


def run(spec: ModelSpec, steps: Steps, out: Path) -> None:
    """Write into `out` the questions that judging the model asks, none without such metrics."""
    own = OwnScores(bounds=spec.gate.own_bounds)
    if spec.gate.own:
        training = read_training(spec, steps)
        answered = read_answers(training, steps.answers)
        held = evaluate.evaluation(spec, training.holdout, answered.answers, own)
        measure(training, answered, held)
        study(training, answered, own)
    write_questions(list(own.missing.values()), out)
