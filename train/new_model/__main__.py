"""Write the folder of a new model: NAME=… CSV=… TARGET=… python -m train.new_model."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from contract import models
from contract.console import guard
from contract.errors import ModelError
from contract.inputs import KINDS
from contract.names import check_name
from contract.spec import model_toml
from train.data import dataset, split
from train.fit import estimator
from train.fit.capture import listening
from train.new_model import first_gate, table_profile, templates
from train.new_model.first_gate import FirstGate
from train.new_model.table_profile import Draft
from train.new_model.templates import EvaluationPlan

# Tried in this order until every class fits into every part.
SPLITS = [
    EvaluationPlan(method, size, folds, gate="")
    for method in ("hash", "random")
    for size in (0.25, 0.4, 0.5)
    for folds in (5, 4, 3, 2)
]
ASKED = {
    "name": "lower-case letters, digits and underscores",
    "csv": "a CSV file with a header",
    "target": "the column to predict",
}
SCHEMA = "model.schema.json"
OPEN_GATE = {"classification": "accuracy = { min = 0 }", "regression": "mae = { max = inf }"}


def create(name: str, csv: Path, target: str, root: Path) -> None:
    """Write `root`/`name` so that it trains and passes its gate, and print what was decided.

    Raises ModelError if the folder exists, or the table is none that a model can learn.
    """
    folder = root / check_name(name)
    if folder.exists():
        raise ModelError(folder, "absent", "a folder", "Choose another name, or remove it.")
    drafted = table_profile.read(name, csv, target)
    with tempfile.TemporaryDirectory() as scratch:
        first = Path(scratch) / name
        gate = settle(drafted, first)
        name_schema(first / model_toml.FILE, root)
        shutil.copytree(first, folder, ignore=shutil.ignore_patterns("__pycache__"))
    tell(drafted, folder, gate)


def name_schema(file: Path, root: Path) -> None:
    """Say in the first line of model.toml where an editor finds its schema, beside the models."""
    if (root.parent / SCHEMA).is_file():
        content = file.read_text(encoding="utf-8")
        file.write_text(f"#:schema ../../{SCHEMA}\n{content}", encoding="utf-8")


def settle(drafted: Draft, folder: Path) -> FirstGate:
    """Write the files, with a split in which no class is missing and then with a gate that passes.

    Raises ModelError if no split fits.
    """
    folder.mkdir()
    (folder / drafted.file).write_bytes(drafted.content)
    (folder / models.ESTIMATOR).write_text(templates.estimator_py(drafted), encoding="utf-8")
    (folder / model_toml.NOTES).write_text(templates.readme_md(drafted), encoding="utf-8")
    failure: ModelError | None = None
    for candidate in SPLITS:
        plan = candidate._replace(gate=OPEN_GATE[drafted.task])
        trial = write_spec(drafted, folder, plan)
        try:
            parts = split.split(trial, dataset.load(trial))
        except ModelError as error:
            failure = error
            continue
        with listening(trial):
            gate = first_gate.measure(trial, estimator.build(trial), *parts)
        write_spec(drafted, folder, plan._replace(gate=gate.line))
        return gate
    raise failure or AssertionError(SPLITS)


def write_spec(drafted: Draft, folder: Path, plan: EvaluationPlan) -> model_toml.ModelSpec:
    """Write model.toml and return what it says."""
    content = templates.model_toml(drafted, plan)
    (folder / model_toml.FILE).write_text(content, encoding="utf-8")
    return model_toml.read(drafted.name, folder.parent)


def tell(drafted: Draft, folder: Path, gate: FirstGate) -> None:
    """Print what the new folder holds, and what to do next."""
    print(f"Wrote {folder}: {drafted.task} of {drafted.target!r} from {drafted.rows} rows")
    for kind in KINDS:
        if names := drafted.of_kind(kind):
            print(f"  {kind}: {', '.join(names)}")
    for line in drafted.left_out:
        print(f"  left out: {line}")
    print(f"  gate: {gate.line}")
    root = folder.parent.resolve()
    where = "" if root == models.DEFAULT else f" MODELS={shlex.quote(str(root))}"
    print(f"Look at {folder / model_toml.FILE}, then: make pipeline MODEL={drafted.name}{where}")


def main() -> int:
    """Write the folder that NAME, CSV and TARGET (arguments, or in the environment) ask for."""
    parser = argparse.ArgumentParser(prog="python -m train.new_model", description=__doc__)
    for name, what in ASKED.items():
        value = os.environ.get(name.upper(), "")
        parser.add_argument(name, nargs="?", default=value, help=f"{what}; default: {name.upper()}")
    parser.add_argument("--models", type=Path, help="the models' root; default: MODELS")
    options = parser.parse_args()
    if not all(getattr(options, name) for name in ASKED):
        parser.error("new-model needs NAME=…, CSV=… and TARGET=…")
    try:
        create(options.name, Path(options.csv), options.target, options.models or models.root())
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    guard()
    sys.exit(main())
