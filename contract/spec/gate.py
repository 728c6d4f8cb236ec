"""The [gate] table of model.toml: what a model must reach, and how far it may drop."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from contract.bundle import Check, Task
from contract.errors import ModelError
from contract.evaluation.metrics import METRICS, Bound, Metric, for_task, metric, named
from contract.spec.toml import Section

SEGMENTS, IMAGE = "segments", "image"
ROWS = 10  # in a segment; with fewer, one wrong answer is more than a tenth


class Threshold(msgspec.Struct, frozen=True):
    """One bound of the gate on a holdout metric."""

    metric: str
    bound: Bound
    value: float

    def check(self, value: float | None) -> Check:
        """Check the metric's value; one that does not exist, or is NaN, fails."""
        if value is None or not math.isfinite(value):
            value, passed = None, False
        else:
            passed = value >= self.value if self.bound == "min" else value <= self.value
        return Check(
            metric=self.metric, bound=self.bound, threshold=self.value, value=value, passed=passed
        )


class Rules(msgspec.Struct, frozen=True):
    """What metrics must reach, and how far each may drop below the published model's."""

    bounds: tuple[Threshold, ...]
    drops: dict[str, float]

    @property
    def metrics(self) -> list[str]:
        """The metrics that are bounded or may not drop."""
        return list(dict.fromkeys([*(bound.metric for bound in self.bounds), *self.drops]))


class SegmentRules(msgspec.Struct, frozen=True):
    """Rules for the rows of each value of a column; segments of fewer `rows` are only shown."""

    column: str
    rules: Rules
    rows: int


class ImageRules(msgspec.Struct, frozen=True):
    """How much larger and slower than the published image the new one may be."""

    size_ratio: float
    latency_ratio: float


class Policy(msgspec.Struct, frozen=True):
    """All rules of the gate."""

    rules: Rules
    segments: tuple[SegmentRules, ...]
    image: ImageRules

    @property
    def headline(self) -> str:
        """The metric that stands for a model where there is room for one: the first gated one."""
        return self.rules.metrics[0]

    @property
    def metrics(self) -> list[str]:
        """Every metric that is bounded somewhere."""
        everywhere = (self.rules, *(segment.rules for segment in self.segments))
        return list(dict.fromkeys(name for rules in everywhere for name in rules.metrics))

    @property
    def asked(self) -> list[str]:
        """The metrics that are computed only because they are named here."""
        return [name for name in self.metrics if metric(name).asked]


def read_policy(section: Section, task: Task) -> Policy:
    """Read the [gate] table; raise ModelError for the first mistake."""
    known = for_task(task)
    section.only((*known, SEGMENTS, IMAGE))
    if not set(section.values) & set(known):
        expected = f"a bound on at least one of {', '.join(known)}"
        example = f"{known[0]} = {{ {METRICS[known[0]].bound} = 0.5 }}"
        raise ModelError(f"{section.file}: gate", expected, "none", f"Add: {example}")
    segments = section.subsection(SEGMENTS)
    return Policy(
        rules=read_rules(section, [name for name in section.values if name in METRICS]),
        segments=tuple(
            read_segment(segments.subsection(column), column, known) for column in segments.values
        ),
        image=read_image(section.subsection(IMAGE)),
    )


def read_rules(section: Section, metrics: list[str]) -> Rules:
    """Read the rules of these metrics; raise ModelError for the first mistake."""
    bounds, drops = [], {}
    for rule, name, table in read_tables(section, metrics):
        table.only((rule.bound, "drop", *filter(None, [rule.parameter])))
        if not {rule.bound, "drop"} & {*table.values}:
            table.fail(rule.bound, "given", f"Write {rule.name} = {{ {rule.bound} = … }}.")
        if rule.bound in table.values:
            value = table.number(rule.bound, rule.lowest, rule.highest)
            bounds.append(Threshold(metric=name, bound=rule.bound, value=value))
        if "drop" in table.values:
            drops[name] = table.number("drop", 0, math.inf)
    return Rules(bounds=tuple(bounds), drops=drops)


def read_tables(section: Section, metrics: list[str]) -> Iterator[tuple[Metric, str, Section]]:
    """Yield each rule's metric, its name and its table; raise ModelError for the first mistake.

    A metric of a class may have several tables, a list of them, each of another class:
    `recall = [{ class = "yes", min = 0.8 }, { class = "no", min = 0.5 }]`.
    """
    for key in metrics:
        rule, names = METRICS[key], set()
        values = section.values[key]
        for table in values if rule.parameter and isinstance(values, list) else [values]:
            holder = Section(section.file, section.path, {key: table})
            if isinstance(table, int | float):
                cure = f"Write {key} = {{ {rule.bound} = {table} }}."
                holder.fail(key, "a table that says which way it bounds", cure)
            read = holder.subsection(key)
            name = named(key, read_parameter(read, rule)) if rule.parameter else key
            if name in names:
                read.fail(rule.parameter, "another one in each table", "Merge the two tables.")
            names.add(name)
            yield rule, name, read


def read_parameter(table: Section, rule: Metric) -> str:
    """Read the class or the quantile of a metric; raise ModelError unless it is one."""
    value = table.values.get(rule.parameter)
    if rule.parameter == "quantile":
        return f"{table.number('quantile', 0.001, 0.999):g}"
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        table.fail("class", "a class of the target", f'Write {rule.name} = {{ class = "…", … }}.')
    return str(value)


def read_segment(section: Section, column: str, known: list[str]) -> SegmentRules:
    """Read the rules of one column; raise ModelError for the first mistake."""
    section.only((*known, "rows"))
    rules = read_rules(section, [name for name in section.values if name in METRICS])
    if not rules.bounds and not rules.drops:
        section.fail(known[0], "given", f"Write {known[0]} = {{ {METRICS[known[0]].bound} = … }}.")
    return SegmentRules(column, rules, section.integer("rows", 1, 10**9, default=ROWS))


def read_image(section: Section) -> ImageRules:
    """Read the rules of the image; raise ModelError for the first mistake."""
    section.only(("size_ratio", "latency_ratio"))
    return ImageRules(
        size_ratio=read_ratio(section, "size_ratio", 1.25),
        latency_ratio=read_ratio(section, "latency_ratio", 2.0),
    )


def read_ratio(section: Section, name: str, default: float) -> float:
    """Read a ratio, with a default; raise ModelError unless it is from 1 to 1000."""
    return section.number(name, 1, 1000) if name in section.values else default
