"""MODEL_TOML.md, model.schema.json and the reader of model.toml know the same keys and values."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, get_args

import jsonschema
import pytest

from contract.bundle import Task
from contract.errors import ModelError
from contract.evaluation.metrics import METRICS, for_task
from contract.inputs import KINDS
from contract.spec import acceptances, model_toml
from tests.contract import reference
from tests.contract.reference import pairs
from tests.contract.test_spec import MISTAKES, TOML

SCHEMA: dict[str, Any] = json.loads(reference.SCHEMA.read_bytes())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \| .* \| (.*) \|$", re.MULTILINE)
# What the schema cannot know: the folder with its metrics.py, and what one value means for another.
UNKNOWN_TO_THE_SCHEMA = {
    "target among inputs", "one word for both", "same quantile", "no sha256", "segments of texts",
    "source that is absent", "source that git ignores", "source outside",
    "source without encryption", "unknown table", "unknown metric", "bound that is not a number",
}  # fmt: skip
# What a key needs beside it.
BESIDE: dict[str, dict[str, Any]] = {
    "anomaly": {"task": "anomaly_detection"},
    "data.query": {"source": None, "sha256": None},
    "split.column": {"method": "group"},
    **{
        f"accept.<what>.{key}": {
            other: "some" for other in ("reason", "who", "replaces") if other != key
        }
        for key in ("reason", "who", "replaces", "value")
    },
    "split.cut": {"method": "time", "column": "day"},
}


def base(task: Task = "classification") -> dict[str, Any]:
    """Return a right model.toml as few keys as it can have."""
    metric = for_task(task)[0]
    return {
        "description": "A model", "task": task, "target": "y",
        "data": {"source": "sklearn:iris"}, "inputs": {"size": "numeric"},
        "gate": {metric: {METRICS[metric].bound: 0.5}},
    }  # fmt: skip


def with_value(spec: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Set the value at a dotted path of a model.toml, and return it; None takes it away."""
    *tables, name = path.split(".")
    table = spec
    for key in tables:
        table = table.setdefault(key, {})
    table.pop(name, None)
    if value is not None:
        table[name] = value
    return spec


class Folder(NamedTuple):
    """The folder of a model."""

    path: Path

    def refusal(self, content: str) -> str:
        """Return what the reader says of a model.toml, "" where it takes it."""
        (self.path / "model.toml").write_text(content)
        try:
            model_toml.read(self.path.name, self.path.parent, data_here=False)
        except ModelError as error:
            return str(error)
        return ""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder without a model.toml yet."""
    path = tmp_path / "things"
    path.mkdir()
    (path / "README.md").write_text("# Things\n")
    (path / "things.csv").write_text("size,colour,price\n")
    return Folder(path)


def written(spec: dict[str, Any]) -> str:
    """Return a model.toml as TOML, whose [accept] is a table of its own."""
    others = {key: value for key, value in spec.items() if key != "accept"}
    return acceptances.written("\n".join(pairs(others)) + "\n", spec.get("accept", {}))


def is_allowed(content: str) -> bool:
    """Return whether the schema allows a model.toml, in which an editor sees a date as a text."""
    values = json.loads(json.dumps(tomllib.loads(content), default=date.isoformat))
    return bool(VALIDATOR.is_valid(values))


def resolved(schema: Any) -> Any:
    """Return what a reference into the schema leads to."""
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def schema_keys(schema: Any) -> set[str]:
    """Return the keys of a table in the schema."""
    schema = resolved(schema)
    alternatives = [resolved(part) for part in schema.get("anyOf", []) if "$ref" in part]
    for part in [schema, *alternatives]:
        if "properties" in part:
            return {*part["properties"]}
    raise AssertionError(schema)


def schema_at(path: str) -> Any:
    """Return the schema of the table at a dotted path."""
    schema: Any = SCHEMA
    for name in filter(None, path.split(".")):
        table = resolved(schema)
        schema = table.get("properties", {}).get(name) or table["additionalProperties"]
    return schema


def page_keys(path: str) -> set[str]:
    """Return the keys of a table on the page, where a metric's keys stand in its row."""
    rows = ROW.findall(reference.PAGE.read_text())
    types = {name: kind for name, kind, _ in rows}
    if path in types:
        return set(re.findall(r"`([a-z_]+)` \(", types[path]))
    prefix = f"{path}." if path else ""
    names = {name.removeprefix(prefix) for name in types if name.startswith(prefix)}
    tables = set(re.findall(r"^## `\[(\w+)\]`$", reference.PAGE.read_text(), re.MULTILINE))
    return {name for name in names if re.fullmatch(r"\w+", name)} | (set() if path else tables)


TABLES: dict[str, Task] = {
    **dict.fromkeys(["", "data", "split", "evaluate", "serve", "privacy"], "classification"),
    "gate.image": "regression",
    **{f"gate.{name}": metric.task for name, metric in METRICS.items()},
}  # fmt: skip


def reader_keys(folder: Folder, path: str, task: Task) -> set[str]:
    """Return the keys that the reader names where one is unknown."""
    spec = with_value(base(task), f"{path}.zz" if path else "zz", 1)
    listed = re.search(r"must be one of (.*)\. Got 'zz' instead", folder.refusal(written(spec)))
    assert listed, path
    return set(listed[1].split(", "))


@pytest.mark.parametrize("path", TABLES)
def test_page_and_schema_have_the_keys_that_the_reader_reads(folder: Folder, path: str) -> None:
    """No key of a table is missing on the page or in the schema, and none is there alone."""
    keys = reader_keys(folder, path, TABLES[path])
    assert schema_keys(schema_at(path)) == keys
    assert page_keys(path) == keys


def test_page_and_schema_have_the_metrics_of_all_tasks(folder: Folder) -> None:
    """The gate's keys are those of one task or another; so are those of a segment."""
    tasks = get_args(Task)
    keys = set.union(*(reader_keys(folder, "gate", task) for task in tasks))
    assert schema_keys(schema_at("gate")) == page_keys("gate") == keys
    segment = set.union(*(reader_keys(folder, "gate.segments.size", task) for task in tasks))
    assert schema_keys(schema_at("gate.segments.size")) == segment
    assert page_keys("gate.segments.<column>") | {*METRICS} == segment


def test_page_and_schema_have_the_keys_of_an_acceptance(folder: Folder) -> None:
    """A line of [accept] has the keys that the page and the schema say."""
    keys = reader_keys(folder, "accept.accuracy", "classification")
    assert schema_keys(schema_at("accept.accuracy")) == page_keys("accept.<what>") == keys


@pytest.mark.parametrize("kind", KINDS)
def test_page_and_schema_have_the_options_of_each_kind(folder: Folder, kind: str) -> None:
    """A column's table has the keys of its kind."""
    spec = with_value(base(), "inputs.size", {"kind": kind, "zz": 1})
    listed = re.search(r"must be one of (.*)\. Got 'zz'", folder.refusal(written(spec)))
    assert listed
    keys = set(listed[1].split(", "))
    columns = [resolved(column) for choice in resolved(schema_at("inputs.size"))["anyOf"]
               for column in choice.get("anyOf", [])]  # fmt: skip
    in_schema = [{*column["properties"]} for column in columns
                 if column["properties"]["kind"]["enum"] == [kind]]  # fmt: skip
    assert in_schema == [keys]
    page = reference.PAGE.read_text()
    of_kind = re.findall(rf"^\| `inputs\.<column>\.(\w+)` .* Of [^.]*`{kind}`", page, re.MULTILINE)
    assert {"kind", *of_kind} == keys


EXAMPLES = [
    (path, example)
    for path, _, cell in ROW.findall(reference.PAGE.read_text())
    for example in re.findall(r"`([^`]+)`", cell)
]


@pytest.mark.parametrize(("path", "example"), EXAMPLES)
def test_examples_on_the_page_are_right(folder: Folder, path: str, example: str) -> None:
    """The reader and the schema take every example of the page, where it belongs."""
    table = path.rpartition(".")[0].replace("<column>", "size").replace("<what>", "accuracy")
    (name, value), = tomllib.loads(example).items()  # fmt: skip
    metric = METRICS.get("pinball" if name == "quantile" else name)
    task: Task = metric.task if metric else "classification"
    if table == "gate.<metric>":
        rule = next(metric for metric in METRICS.values()
                    if name in ("drop", "target", metric.bound, metric.parameter))  # fmt: skip
        task, table = rule.task, f"gate.{rule.name}"
        spec = with_value(base(task), f"{table}.{rule.bound}", 0.2)
        spec["target"] = ["y", value] if name == "target" else "y"
    elif path == "inputs.<column>":
        table, name, spec = "inputs", "size", base()
    else:
        spec = base(value if name == "task" else task)
    if table == "inputs.size":
        kind = next(kind for kind in KINDS if name == "kind" or name in KINDS[kind].keys)
        spec["inputs"]["size"] = {"kind": kind}
    if table.startswith("gate.segments"):
        with_value(spec, f"{table}.accuracy", {"min": 0.5})
    for key, beside in BESIDE.get(path, {}).items():
        with_value(spec, f"{table}.{key}" if table else key, beside)
    if path == "data.source" and not value.startswith("sklearn:"):
        spec["data"]["sha256"] = "0" * 64
    content = written(with_value(spec, f"{table}.{name}" if table else name, value))
    assert folder.refusal(content) == ""
    assert is_allowed(content)


def test_page_has_an_example_of_every_key() -> None:
    """Nobody has to guess how a key is written."""
    rows = ROW.findall(reference.PAGE.read_text())
    assert len(rows) > 50
    assert [path for path, _, examples in rows if not examples.strip()] == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_schema_refuses_what_the_reader_refuses(mistake: str) -> None:
    """An editor marks each mistake that can be seen in model.toml alone."""
    right, wrong, _ = MISTAKES[mistake]
    try:
        allowed = is_allowed(TOML.replace(right, wrong, 1))
    except tomllib.TOMLDecodeError:
        allowed = False
    assert allowed == (mistake in UNKNOWN_TO_THE_SCHEMA)


def test_schema_allows_every_model_of_the_repository(model_name: str) -> None:
    """Each model.toml in the repository is right by the schema, and names it."""
    content = model_toml.read(model_name).file.read_text()
    VALIDATOR.check_schema(SCHEMA)
    assert is_allowed(content)
    named = re.match(r"#:schema (\S+)\n", content)
    assert named
    assert (model_toml.read(model_name).folder / named[1]).resolve() == reference.SCHEMA


def test_page_and_schema_are_up_to_date() -> None:
    """What is committed is what `python -m tests.contract.reference` writes."""
    assert reference.PAGE.read_text() == reference.page()
    assert reference.SCHEMA.read_bytes() == reference.encoded()
