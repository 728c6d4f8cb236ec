"""Read model.toml as a typed ModelSpec; every mistake in it is reported with its cure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import asdict, replace

from contract import models
from contract.bundle import Acceptance, Kind, Privacy, Serving, Split, Task
from contract.errors import ModelError, did_you_mean
from contract.inputs import KINDS, Array, in_array
from contract.names import check_name
from contract.spec import acceptances, tables
from contract.spec.gate import Policy, read_policy
from contract.spec.own_metrics import defined
from contract.spec.privacy import read_privacy
from contract.spec.source import DataSource, read_source
from contract.spec.split import read_split
from contract.spec.tables import COLUMNS, Options
from contract.spec.toml import Section, load

FILE = models.SPEC
NOTES = "README.md"  # the author's part of the model card
ANOMALY = 1  # where model.toml does not say which of the target's values means an anomaly


class ModelSpec(msgspec.Struct, frozen=True):
    """The content of model.toml, checked."""

    folder: Path
    name: str
    description: str
    task: Task
    target: str | tuple[str, ...]
    data: DataSource
    inputs: dict[str, Kind]
    split: Split
    folds: int
    seeds: int
    study: int | None
    gate: Policy
    columns_kept: tuple[str, ...]
    serving: Serving
    privacy: Privacy = Privacy()
    options: dict[str, Options] = {}  # of the inputs that have some
    sample_weight: str | None = None  # the column of how much each row counts
    anomaly: int | str | None = None  # the class that an anomaly detection looks for

    @property
    def file(self) -> Path:
        """The path of model.toml."""
        return self.folder / FILE

    @property
    def notes(self) -> Path:
        """The path of the model's README.md."""
        return self.folder / NOTES

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the targets, most often of one."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def several(self) -> tuple[str, ...]:
        """The targets where there are several, else nothing."""
        return () if isinstance(self.target, str) else self.target

    @property
    def labels(self) -> tuple[str, ...]:
        """The targets that are true or false: several of a classification, else nothing."""
        return self.several if self.task == "classification" else ()

    @property
    def seed(self) -> int:
        """The seed of whatever is drawn: rows, folds, and what an estimator leaves to chance."""
        return self.split.seed

    @property
    def has_classes(self) -> bool:
        """Whether the target holds classes, and no numbers."""
        return self.task != "regression"

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
    top.check(tables.MODEL)
    head = top.pick(tables.Head)
    evaluate = top.subsection("evaluate").read(tables.Evaluate)
    serve = top.subsection("serve").read(tables.Serve)
    target = read_target(top, head.target)
    targets = (target,) if isinstance(target, str) else target
    columns = read_inputs(top.subsection("inputs"), targets)
    if head.sample_weight in (*targets, *columns):
        expected = "another column than the target and the inputs"
        top.fail("sample_weight", expected, "Name the column that says how much a row counts.")
    kinds: dict[str, Kind] = {name: column.values["kind"] for name, column in columns.items()}
    refuse_anybodys_values(top.subsection("gate").subsection(tables.SEGMENTS), kinds)
    if serve.threshold is not None and head.task != "classification":
        expected = "absent unless the task is a classification"
        top.subsection("serve").fail("threshold", expected, "Remove it.")
    if serve.threshold is not None and len(targets) > 1:
        top.subsection("serve").fail("threshold", "absent with several targets", "Remove it.")
    if head.task == "anomaly_detection" and len(targets) > 1:
        cure = "Name the one that says which rows are known anomalies."
        top.fail("target", "one column with this task", cure)
    if serve.threshold == "auto" and evaluate.folds < 2:
        cure = "Write folds = 5 under [evaluate]."
        top.subsection("serve").fail("threshold", "a number where there are no folds", cure)
    anomaly = read_anomaly(top, head)
    return ModelSpec(
        folder=folder,
        name=name,
        description=head.description.strip().rstrip("."),
        task=head.task,
        target=target,
        sample_weight=head.sample_weight,
        data=read_source(top.subsection("data"), folder, must_exist=data_here),
        inputs=kinds,
        options={
            name: read_options(column)
            for name, column in columns.items()
            if column.values.keys() - {"kind"}
        },
        split=read_split(top.subsection("split"), targets),
        folds=evaluate.folds,
        seeds=evaluate.seeds,
        study=evaluate.study,
        gate=replace(
            read_policy(top.subsection("gate"), head.task, targets, anomaly, defined(folder)),
            accepted=read_acceptances(top),
        ),
        columns_kept=evaluate.columns,
        serving=Serving(
            unknown_category=serve.unknown_category,
            out_of_range=serve.out_of_range,
            threshold=serve.threshold,
        ),
        privacy=read_privacy(top.subsection("privacy").read(tables.Privacy), serve),
        anomaly=anomaly,
    )


def read_anomaly(top: Section, head: tables.Head) -> int | str | None:
    """Return the class that an anomaly detection looks for; raise ModelError where it has none."""
    if head.task == "anomaly_detection":
        return ANOMALY if head.anomaly is None else head.anomaly
    if head.anomaly is not None:
        cure = 'Remove it, or write task = "anomaly_detection".'
        top.fail("anomaly", f"absent from a {head.task}", cure)
    return None


def read_acceptances(top: Section) -> tuple[Acceptance, ...]:
    """Read [accept]; raise ModelError for a mistake, or a form that no program can write anew."""
    try:
        acceptances.without(top.file.read_text(encoding="utf-8"))
    except ValueError:
        where = f"{top.file}: {acceptances.TABLE}"
        expected = f"a table of its own, [{acceptances.TABLE}], with a line for each acceptance"
        raise ModelError(where, expected, "another form", "Move it to the end.") from None
    section = top.subsection(acceptances.TABLE)
    read = {name: section.subsection(name).read(tables.Acceptance) for name in section.values}
    return tuple(Acceptance(what=name, **asdict(line)) for name, line in read.items())


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


def read_target(top: Section, target: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Return the target, or several of them; a list of one is that one.

    Raises ModelError for a list that names nothing, or a column twice.
    """
    if isinstance(target, str):
        return target
    if not target or "" in target or len(set(target)) < len(target):
        top.fail("target", "a column, or a list of different columns", 'Write target = ["…", "…"].')
    return target if len(target) > 1 else target[0]


def read_inputs(section: Section, targets: Sequence[str]) -> dict[str, Section]:
    """Read [inputs] as a table for each column; raise ModelError for the first mistake."""
    if not section.values:
        expected = "a table of at least one column"
        raise ModelError(f"{section.file}: inputs", expected, "none", 'Add: column = "numeric"')
    for target in targets:
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
    column.check(COLUMNS[column.choice("kind", tuple(KINDS))])
    return column


def refuse_anybodys_values(segments: Section, kinds: dict[str, Kind]) -> None:
    """Refuse segments of texts and dates, which would name people's own values in every report.

    Raises ModelError for a column of such a kind.
    """
    for name in segments.values:
        if (kind := kinds.get(name)) in ("text", "date"):
            section = f"{segments.file}: {segments.key(name)}"
            cure = "Its values would stand in every report. Add a column of categories to the data."
            raise ModelError(section, "a column of another kind than text and date", kind, cure)


def read_options(column: Section) -> Options:
    """Read what model.toml says of a column beside its kind; raise ModelError for a mistake."""
    options = Options(**msgspec.structs.asdict(column.read(COLUMNS[column.values["kind"]])))
    if options.true.casefold() == options.false.casefold():
        column.fail("false", "another word than true", 'Write, such as: true = "yes", false = "no"')
    return options
