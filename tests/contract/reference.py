"""MODEL_TOML.md and model.schema.json, made of the tables that the reader of model.toml reads by.

`python -m tests.contract.reference` writes both anew.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from contract.bundle import Kind, SplitMethod, Task
from contract.evaluation.metrics import METRICS, Bound, for_task
from contract.inputs import KINDS
from contract.spec import acceptances, tables
from contract.spec.split import KEYS
from contract.spec.tables import SEGMENTS
from contract.spec.toml import Key, keys, make_key
from ship import git

PAGE = git.TOOL / "MODEL_TOML.md"
SCHEMA = git.TOOL / "model.schema.json"
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
SAYS_KIND = tables.says("The kind of the column, where there is more to say of it.", "date")
INTRODUCTION = """\
# model.toml

Every table and key. `python -m tests.contract.reference` makes this page and
[model.schema.json](model.schema.json) of the [tables](contract/spec/tables.py) that the reader
reads by.

An editor that knows JSON schemas of TOML completes and checks a file whose first line says where
the schema is, as `make new-model` writes it: `#:schema ../../model.schema.json`. What depends on
the data, on other files or on two values at once is checked by the reader alone, which names each
mistake with its cure.
"""


OWN = """\
A metric of your own is a function in `metrics.py` beside `model.toml`, and has a rule by its name,
with `min` where higher is better or `max` where lower is, and `drop`:

```python
def profit(truth, predictions, probabilities=None, *, classes=None, sample_weight=None):
    return 5 * ((truth == "yes") & (predictions == "yes")).mean()
```

`truth` and `predictions` are arrays (rows,) of classes or numbers, of several targets (rows,
targets). The other parameters are passed to a function that has them: `probabilities` (rows,
classes), of an anomaly detection its scores (rows, 1); `classes` in the order of their columns; and
`sample_weight` (rows,), which a function of a model with `sample_weight` must have. Each is None
where there is none. It returns a number, or NaN where the metric does not exist, which all held-out
rows together may not give. It is called for all rows, for the segments that have a rule for it, and
for 400 resamples of each, for at most 600 s. It imports what the trainer has, and shared modules.
"""


def schema() -> dict[str, Any]:
    """Return the JSON schema, draft 2020-12."""
    described = without_null(msgspec.json.schema(tables.MODEL))
    tables_by_name = described["$defs"]
    model = tables_by_name.pop("Model")
    tables_by_name["Data"]["anyOf"] = [{"required": ["source"]}, {"required": ["query"]}]
    tables_by_name["Split"] |= {
        "allOf": [split_by(method, default=method == tables.Split().method) for method in KEYS],
        "not": {"required": ["cut", "test_size"]},
    }
    for name, metric in METRICS.items():
        bounds = [{"required": [metric.bound]}, {"required": ["drop"]}]
        tables_by_name[f"{name}_rule"]["anyOf"] = bounds
    own = without_null(msgspec.json.schema(tables.OwnRule))["$defs"]["OwnRule"]
    tables_by_name["OwnRule"] = {**own, "oneOf": [{"required": ["min"]}, {"required": ["max"]}]}
    for name in ("Gate", "Segment"):
        tables_by_name[name]["additionalProperties"] = {"$ref": "#/$defs/OwnRule"}
    model["properties"]["inputs"] |= {"minProperties": 1, "propertyNames": {"pattern": "^[^\0]*$"}}
    dialect = "https://json-schema.org/draft/2020-12/schema"
    by_task = [gate_of(task) for task in get_args(Task)]
    return {"$schema": dialect, **model, "title": "model.toml", "allOf": by_task,
            "$defs": tables_by_name}  # fmt: skip


def without_null(value: Any) -> Any:
    """Return a schema without null, which TOML has not, and without the defaults of tables."""
    if isinstance(value, list):
        return [without_null(item) for item in value if item != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    result = {key: without_null(item) for key, item in value.items()
              if key != "default" or not isinstance(item, dict | NoneType)}  # fmt: skip
    if isinstance(result.get("anyOf"), list) and len(result["anyOf"]) == 1:
        result |= result.pop("anyOf")[0]
    return result


def without(names: set[str]) -> dict[str, Any]:
    """Return the properties of a table that has none of some keys."""
    return dict.fromkeys(sorted(names), False)


def split_by(method: SplitMethod, *, default: bool) -> dict[str, Any]:
    """Return which keys [split] has with a method."""
    names = KEYS[method]
    chosen: dict[str, Any] = {"properties": {"method": {"const": method}}}
    return {
        "if": chosen if default else {**chosen, "required": ["method"]},
        "then": {
            "properties": without({*itertools.chain(*KEYS.values())} - {*names}),
            "required": ["column"] if "column" in names else [],
        },
    }


def gate_of(task: Task) -> dict[str, Any]:
    """Return which metrics [gate] has with a task, and that it has one."""
    metrics = for_task(task)
    others: dict[str, Any] = without({*METRICS} - {*metrics})
    known = [*METRICS, SEGMENTS, tables.IMAGE, "rows"]
    own = {"not": {"propertyNames": {"enum": known}}}
    some: dict[str, Any] = {"anyOf": [*({"required": [metric]} for metric in metrics), own]}
    segments: dict[str, Any] = {"additionalProperties": {"properties": others, **some}}
    gate: dict[str, Any] = {"properties": {**others, SEGMENTS: segments}, **some}
    hidden = set() if task == "classification" else {"threshold"}
    absent = set() if task == "anomaly_detection" else {"anomaly"}
    serve = {"properties": without(hidden)}
    return {
        "if": {"properties": {"task": {"const": task}}, "required": ["task"]},
        "then": {"properties": {"gate": gate, "serve": serve, **without(absent)}},
    }


def page() -> str:
    """Return the page, in Markdown."""
    parts = [INTRODUCTION, *table("", tables.Head)]
    for name, key in keys(tables.MODEL).items():
        kind = key.types[0]
        if name == "inputs":
            column = make_key("<column>", get_args(kind)[1], required=True)
            kinds = make_key("kind", Annotated[Kind, SAYS_KIND], required=True)
            rows = [
                ("inputs.<column>", column),
                ("inputs.<column>.kind", kinds),
                *paths("inputs.<column>", tables.Options),
            ]
            parts += [f"## `[inputs]`\n\n{key.description}\n", listing(rows)]
        elif name == acceptances.TABLE:
            [(what, line)] = key.examples[0].items()
            example = acceptances.line(what, line)
            parts += [f"## `[{name}]`\n\n{key.description}\n\n```toml\n[{name}]\n{example}\n```\n",
                      listing(paths(f"{name}.<what>", tables.Acceptance))]  # fmt: skip
        elif name not in keys(tables.Head):
            parts += table(name, kind)
        if name == "gate":
            rules = dict(rule for table in tables.RULES.values() for rule in keys(table).items())
            rows = [(f"gate.<metric>.{name}", without_range(rule)) for name, rule in rules.items()]
            says_keys = "A metric's rule has the keys that stand with the metric:\n"
            parts += [says_keys, listing(rows), OWN]
            parts += table("gate.segments.<column>", tables.Segment)
            parts += table("gate.image", tables.Image)
    return "\n".join(parts)


def without_range(rule: Key) -> Key:
    """Return the key of a rule; the range of a bound is that of its metric, in the metric's row."""
    is_bound = rule.name in get_args(Bound)
    return rule._replace(least=-math.inf, greatest=math.inf) if is_bound else rule


def table(path: str, kind: type[msgspec.Struct]) -> list[str]:
    """Return the heading, the description and the keys of a table."""
    sentence = " ".join((kind.__doc__ or "").split())
    heading = f"## `[{path}]`" if path else "## At the top"
    return [f"{heading}\n\n{sentence}\n", listing(paths(path, kind))]


def paths(path: str, kind: type[msgspec.Struct]) -> list[tuple[str, Key]]:
    """Return the keys of a table with their dotted paths."""
    return [(f"{path}.{name}" if path else name, key) for name, key in keys(kind).items()]


def listing(rows: list[tuple[str, Key]]) -> str:
    """Return a Markdown table of keys."""
    lines = ["| key | type | default | meaning | example |", "|---|---|---|---|---|"]
    for path, key in rows:
        default = "required" if key.required else "none"
        if isinstance(key.default, str | int | float | tuple):
            default = code(toml(key.default))
        name = path.rpartition(".")[2].strip("<>")
        examples = [code(f"{name} = {toml(example)}") for example in key.examples]
        meaning = of_kinds(key.name) + key.description
        cells = [code(path), types(key), default, meaning, "<br>".join(examples)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def of_kinds(option: str) -> str:
    """Return the kinds of columns that have an option, `""` for another key."""
    if option not in keys(tables.Options):
        return ""
    return f"Of {' and '.join(code(kind) for kind in KINDS if option in KINDS[kind].keys)}. "


def types(key: Key) -> str:
    """Return what a value may be, in words."""
    columns = {*tables.COLUMNS.values()}
    kinds = [words(kind, key) for kind in key.types if kind not in columns]
    return " or ".join([*kinds, "table"] if columns & {*key.types} else kinds)


def words(kind: Any, key: Key) -> str:
    """Return what one of the types of a value is, in words."""
    if kind in (int, float):
        number = "whole number" if kind is int else "number"
        ends = {"from": key.least, "to": key.greatest}
        limits = [f"{end} {limit:.16g}" for end, limit in ends.items() if math.isfinite(limit)]
        return " ".join([number, *limits])
    if kind is str:
        return "text or date" if float in key.types else "text"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = (f"{code(name)} ({types(field)})" for name, field in keys(kind).items())
        return f"table: {', '.join(fields)}"
    if get_origin(kind) is Literal:
        return " or ".join(code(toml(choice)) for choice in get_args(kind))
    names = {tuple: "list of texts", list: "list of such tables", dict: "table of tables"}
    return names[get_origin(kind)]


def code(text: str) -> str:
    """Return a text as inline code of a Markdown table."""
    return f"`{text}`".replace("|", "\\|")


def toml(value: Any) -> str:
    """Return a value as TOML has it on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(pairs(value)) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def pairs(table: dict[str, Any]) -> Iterator[str]:
    """Yield the keys of a table with their values, as TOML has them."""
    for key, value in table.items():
        yield f"{key if BARE_KEY.fullmatch(key) else json.dumps(key)} = {toml(value)}"


def encoded() -> bytes:
    """Return the content of model.schema.json."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2) + b"\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_bytes(encoded())
