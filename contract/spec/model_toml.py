"""Read model.toml as a typed ModelSpec; every mistake in it is reported with its cure."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import msgspec

from contract import models
from contract.bundle import Kind, OutOfRange, Privacy, Serving, Split, Task, UnknownCategory
from contract.errors import ModelError, did_you_mean
from contract.inputs import KINDS, Array, in_array
from contract.names import check_name
from contract.spec.gate import Policy, read_policy
from contract.spec.privacy import read_privacy
from contract.spec.source import DataSource, read_source
from contract.spec.split import read_split
from contract.spec.toml import Section, load

FILE = models.SPEC
NOTES = "README.md"  # the author's part of the model card
TASKS: tuple[Task, ...] = ("classification", "regression")


class Options(msgspec.Struct, frozen=True):
    """What model.toml says of an input beside its kind: `name = { kind = "…", … }`.

    The short form `name = "kind"` says nothing of it. `contract.inputs` has the keys of each kind.
    """

    # Of a number or a date, whether a request may go beyond the range of the training rows, which
    # for dates is from their first to their last year. None: as [serve] says.
    out_of_range: OutOfRange | None = None
    # Of categories, whether a request may have one that the training rows lack. None: as [serve]
    # says.
    unknown_category: UnknownCategory | None = None
    # Of a boolean, how the table writes it, in upper or lower case; JSON has true and false.
    true: str = "true"
    false: str = "false"


class ModelSpec(msgspec.Struct, frozen=True):
    """The content of model.toml, checked."""

    folder: Path
    name: str
    description: str
    task: Task
    target: str
    data: DataSource
    inputs: dict[str, Kind]
    split: Split
    folds: int
    seeds: int
    gate: Policy
    columns_kept: tuple[str, ...]
    serving: Serving
    privacy: Privacy = Privacy()
    options: dict[str, Options] = {}  # of the inputs that have some

    @property
    def file(self) -> Path:
        """The path of model.toml."""
        return self.folder / FILE

    @property
    def notes(self) -> Path:
        """The path of the model's README.md."""
        return self.folder / NOTES

    @property
    def seed(self) -> int:
        """The seed of whatever is drawn: rows, folds, and what an estimator leaves to chance."""
        return self.split.seed

    @property
    def kept(self) -> list[str]:
        """The columns that are no input, but whose holdout values the evaluation keeps."""
        wanted = [*self.columns_kept, *(segment.column for segment in self.gate.segments)]
        return [name for name in dict.fromkeys(wanted) if name not in self.inputs]

    def columns(self, kind: Kind) -> list[str]:
        """Return the names of the inputs of a kind."""
        return [name for name, its_kind in self.inputs.items() if its_kind == kind]

    def options_of(self, name: str) -> Options:
        """Return what is said of an input beside its kind."""
        return self.options.get(name, Options())

    def in_array(self, array: Array) -> list[str]:
        """Return the names of the inputs whose columns an array of `contract.arrays` holds."""
        return in_array(self.inputs, array)


def read(name: str, root: Path | None = None, *, data_here: bool = True) -> ModelSpec:
    """Read and check `root`/`name`/model.toml, `root` by default MODELS.

    With `data_here=False`, the data file may be absent, as in the steps after the first.
    Raises ModelError at the first mistake.
    """
    folder = find(name, root or models.root())
    top = load(folder / FILE)
    required = ("description", "task", "target", "data", "inputs", "gate")
    top.only((*required, "split", "evaluate", "serve", "privacy"), required=required)
    task = top.choice("task", TASKS)
    target = top.text("target")
    evaluate = top.subsection("evaluate")
    evaluate.only(("folds", "columns", "seeds"))
    columns = read_inputs(top.subsection("inputs"), target)
    return ModelSpec(
        folder=folder,
        name=name,
        description=top.text("description").strip().rstrip("."),
        task=task,
        target=target,
        data=read_source(top.subsection("data"), folder, must_exist=data_here),
        inputs={name: column.values["kind"] for name, column in columns.items()},
        options={
            name: read_options(column)
            for name, column in columns.items()
            if column.values.keys() - {"kind"}
        },
        split=read_split(top.subsection("split"), target),
        folds=evaluate.integer("folds", 2, 20, default=5),
        seeds=evaluate.integer("seeds", 0, 50, default=5),
        gate=read_policy(top.subsection("gate"), task),
        columns_kept=evaluate.texts("columns", ()),
        serving=read_serving(top.subsection("serve"), task),
        privacy=read_privacy(top.subsection("privacy"), top.subsection("serve")),
    )


def find(name: str, root: Path) -> Path:
    """Return the folder of a model; raise ModelError unless it has a model.toml and a README.md."""
    folder = root / check_name(name)
    if not (folder / FILE).is_file():
        expected = f"a folder in {root} with a {FILE}"
        hint = did_you_mean(name, models.names(root))
        raise ModelError(f"Model {name!r}", expected, "none", hint)
    if not (folder / NOTES).is_file():
        cure = "Say in it what the model is for and where it ends."
        raise ModelError(folder / NOTES, "a file", "none", cure)
    return folder


def read_inputs(section: Section, target: str) -> dict[str, Section]:
    """Read [inputs] as a table for each column; raise ModelError for the first mistake."""
    if not section.values:
        expected = "a table of at least one column"
        raise ModelError(f"{section.file}: inputs", expected, "none", 'Add: column = "numeric"')
    if target in section.values:
        section.fail(
            target, "absent, because it is the target", f"Remove {target!r} from [inputs]."
        )
    return {name: read_column(section, name) for name in section.values}


def read_column(section: Section, name: str) -> Section:
    """Read what [inputs] says of a column as a table; raise ModelError for a mistake in it."""
    value = section.values[name]
    if "\0" in name:  # which numpy and pandas cut off
        cure = "Rename it in the data."
        raise ModelError(f"{section.file}: inputs: {name!a}", "without NUL", "one", cure)
    if not isinstance(value, dict):
        kind = section.choice(name, tuple(KINDS))
        return Section(section.file, section.key(name), {"kind": kind})
    if "kind" not in value:
        dotted = f"{name}.{next(iter(value), '')}"
        cure = (
            f'Write {name} = {{ kind = "…", … }}, or quote a name with dots: "{dotted}" = "numeric"'
        )
        section.fail(name, "a kind, or a table with the key kind", cure)
    column = section.subsection(name)
    column.only(("kind", *KINDS[column.choice("kind", tuple(KINDS))].keys))
    return column


def read_options(column: Section) -> Options:
    """Read what model.toml says of a column beside its kind; raise ModelError for a mistake."""
    options = Options(
        out_of_range=column.option("out_of_range", get_args(OutOfRange)),
        unknown_category=column.option("unknown_category", get_args(UnknownCategory)),
        true=column.text("true") if "true" in column.values else "true",
        false=column.text("false") if "false" in column.values else "false",
    )
    if options.true.casefold() == options.false.casefold():
        column.fail("false", "another word than true", 'Write, such as: true = "yes", false = "no"')
    return options


def read_serving(section: Section, task: Task) -> Serving:
    """Read what [serve] says of values and of deciding; raise ModelError for the first mistake."""
    section.only(("unknown_category", "out_of_range", "examples", "threshold"))
    if "threshold" in section.values and task != "classification":
        section.fail("threshold", "absent from a regression", "Remove it.")
    return Serving(
        unknown_category=section.choice("unknown_category", ("reject", "ignore"), "reject"),
        out_of_range=section.choice("out_of_range", ("accept", "reject"), "accept"),
        threshold=read_threshold(section),
    )


def read_threshold(section: Section) -> float | Literal["auto"] | None:
    """Read the probability that decides; raise ModelError unless it is "auto" or from 0 to 1."""
    value = section.values.get("threshold")
    if value is None or value == "auto":
        return value
    if isinstance(value, str):
        section.fail("threshold", 'a number or "auto"', "Write threshold = 0.3 without quotes.")
    return section.number("threshold", 0, 1)
