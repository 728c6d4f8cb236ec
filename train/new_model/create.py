"""Write the folder of a new model, with a split and a gate that its first estimator passes."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from pathlib import Path

from contract import models
from contract.errors import ModelError
from contract.inputs import KINDS
from contract.names import check_name
from contract.spec import model_toml
from contract.spec.model_toml import ModelSpec
from train.data import dataset, split, table_checks
from train.data.dataset import Dataset
from train.data.split import Part
from train.fit import estimator
from train.fit.capture import listening
from train.log import Log
from train.new_model import estimator_template, first_gate, table_profile, templates
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
SCHEMA = "model.schema.json"
OPEN_GATE = {"classification": "accuracy = { min = 0 }", "regression": "mae = { max = inf }"}


def create(name: str, table: Path, target: str, root: Path) -> None:
    """Write `root`/`name` so that it trains and passes its gate, and print what was decided.

    Raises ModelError if the folder exists, or the table is none that a model can learn.
    """
    folder = root / check_name(name)
    if folder.exists():
        raise ModelError(folder, "absent", "a folder", "Choose another name, or remove it.")
    log = Log(name)
    with log.during("read"):
        draft = table_profile.read(name, table, target)
    log("read", f"{draft.rows} rows, {len(draft.columns)} columns beside {target!r}")
    with tempfile.TemporaryDirectory() as scratch:
        first = Path(scratch) / name
        write_files(draft, first)
        gate = settle(draft, first, log)
        name_schema(first / model_toml.FILE, root)
        shutil.copytree(first, folder, ignore=shutil.ignore_patterns("__pycache__"))
    tell(draft, folder, gate)


def write_files(draft: Draft, folder: Path) -> None:
    """Write every file but model.toml."""
    folder.mkdir()
    shutil.copyfile(draft.table, folder / draft.file)
    (folder / models.ESTIMATOR).write_text(estimator_template.estimator_py(draft), encoding="utf-8")
    (folder / model_toml.NOTES).write_text(templates.readme_md(draft), encoding="utf-8")


def settle(draft: Draft, folder: Path, log: Log) -> FirstGate:
    """Write model.toml: a split in which no class is missing, and a gate that the estimator passes.

    Raises ModelError if no split fits.
    """
    with log.during("split"):
        plan, spec, (train, holdout) = first_split(draft, folder)
    log("split", f"{len(train.y)} rows to train on, {len(holdout.y)} held out")
    with listening(spec):
        gate = first_gate.measure(spec, estimator.build(spec), train, holdout, log)
    write_spec(draft, folder, plan._replace(gate=gate.line))
    return gate


def first_split(draft: Draft, folder: Path) -> tuple[EvaluationPlan, ModelSpec, tuple[Part, Part]]:
    """Return the first of SPLITS that fits, and write it; raise ModelError if none does."""
    failure: ModelError | None = None
    loaded: dict[str, Dataset] = {}
    for candidate in SPLITS:
        plan = candidate._replace(gate=OPEN_GATE[draft.task])
        spec = write_spec(draft, folder, plan)
        if plan.method not in loaded:
            loaded = {plan.method: dataset.load(spec)}
        try:
            parts = split.split(spec, loaded[plan.method])
            table_checks.after_split(spec, *parts)
        except ModelError as error:
            failure = error
        else:
            return plan, spec, parts
    raise failure or AssertionError(SPLITS)


def write_spec(draft: Draft, folder: Path, plan: EvaluationPlan) -> ModelSpec:
    """Write model.toml and return what it says."""
    content = templates.model_toml(draft, plan)
    (folder / model_toml.FILE).write_text(content, encoding="utf-8")
    return model_toml.read(draft.name, folder.parent)


def name_schema(file: Path, root: Path) -> None:
    """Say in the first line of model.toml where an editor finds its schema, beside the models."""
    if (root.parent / SCHEMA).is_file():
        content = file.read_text(encoding="utf-8")
        file.write_text(f"#:schema ../../{SCHEMA}\n{content}", encoding="utf-8")


def tell(draft: Draft, folder: Path, gate: FirstGate) -> None:
    """Print what the new folder holds, and what to do next."""
    print(f"Wrote {folder}: {draft.task} of {draft.target!r} from {draft.rows} rows")
    for kind in KINDS:
        if names := draft.of_kind(kind):
            print(f"  {kind}: {', '.join(names)}")
    for line in draft.left_out:
        print(f"  left out: {line}")
    print(f"  gate: {gate.line}")
    root = folder.parent.resolve()
    where = "" if root == models.DEFAULT else f" MODELS={shlex.quote(str(root))}"
    print(f"Look at {folder / model_toml.FILE}, then: make pipeline MODEL={draft.name}{where}")
