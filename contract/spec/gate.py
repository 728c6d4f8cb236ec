"""The [gate] table of model.toml: what a model must reach, and how far it may drop."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

import msgspec

from contract.bundle import Acceptance, Check, Task
from contract.errors import ModelError, did_you_mean
from contract.evaluation.metrics import (
    METRICS,
    OF_ANOMALY,
    Bound,
    Metric,
    for_task,
    metric,
    named,
    own_metric,
    parts,
)
from contract.spec import tables
from contract.spec.tables import IMAGE, RULES, SEGMENTS
from contract.spec.toml import Section, keys


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
    """All rules of the gate, and what a person accepts that breaks them.

    `always` are metrics that are computed without a rule.
    """

    rules: Rules
    segments: tuple[SegmentRules, ...]
    image: ImageRules
    always: tuple[str, ...] = ()
    own: dict[str, Metric] = {}  # those of metrics.py that are bounded
    accepted: tuple[Acceptance, ...] = ()  # what passes all the same

    @property
    def own_bounds(self) -> dict[str, Bound]:
        """Which way each of the model's own metrics is bounded."""
        return {name: metric.bound for name, metric in self.own.items()}

    def metric(self, name: str) -> Metric:
        """Return a metric, of the model's own or of all models; raise KeyError for an unknown."""
        return self.own.get(name) or metric(name)

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
        names = [name for name in self.metrics if self.metric(name).asked or parts(name)[1]]
        return list(dict.fromkeys([*self.always, *names]))


def read_policy(
    section: Section,
    task: Task,
    targets: Sequence[str],
    anomaly: int | str | None = None,
    functions: Sequence[str] = (),
) -> Policy:
    """Read the [gate] table; raise ModelError for the first mistake.

    `anomaly` is the class that an anomaly detection looks for, `functions` are the names of the
    model's own metrics.
    """
    known = [*for_task(task), *functions]
    section.only((*known, SEGMENTS, IMAGE))
    if not set(section.values) & set(known):
        expected = f"a bound on at least one of {', '.join(known)}"
        example = f"{known[0]} = {{ {METRICS[known[0]].bound} = 0.5 }}"
        raise ModelError(f"{section.file}: gate", expected, "none", f"Add: {example}")
    segments = section.subsection(SEGMENTS)
    image = section.subsection(IMAGE).read(tables.Image)
    rules = read_rules(section, known, task, targets)
    by_segment = tuple(
        read_segment(segments.subsection(column), column, known, task, targets)
        for column in segments.values
    )
    return Policy(
        rules=rules,
        segments=by_segment,
        image=ImageRules(image.size_ratio, image.latency_ratio),
        always=() if anomaly is None else tuple(named(name, str(anomaly)) for name in OF_ANOMALY),
        own=own_metrics(
            (rules, *(segment.rules for segment in by_segment)),
            functions,
            f"{section.file}: gate",
            task,
        ),
    )


def own_metrics(
    everywhere: Iterable[Rules], functions: Sequence[str], where: str, task: Task
) -> dict[str, Metric]:
    """Return the model's own metrics that have a rule, as it bounds them.

    Raises ModelError for one that is bounded both ways.
    """
    own: dict[str, Metric] = {}
    for bound in (bound for rules in everywhere for bound in rules.bounds):
        if bound.metric in functions:
            metric = own.setdefault(bound.metric, own_metric(bound.metric, task, bound.bound))
            if metric.bound != bound.bound:
                cure = "Higher is better, or lower is."
                expected = f"the same bound of {bound.metric} everywhere"
                raise ModelError(where, expected, "min and max", cure)
    return own


def read_rules(section: Section, known: Sequence[str], task: Task, targets: Sequence[str]) -> Rules:
    """Read the rules of the known metrics in a table; raise ModelError for the first mistake."""
    bounds, drops = [], {}
    for rule, name, table, read in read_tables(section, known, task, targets):
        value = getattr(read, rule.bound)
        if value is None and read.drop is None:
            table.fail(rule.bound, "given", f"Write {rule.name} = {{ {rule.bound} = … }}.")
        if value is not None:
            bounds.append(Threshold(metric=name, bound=rule.bound, value=value))
        if read.drop is not None:
            drops[name] = read.drop
    return Rules(bounds=tuple(bounds), drops=drops)


def read_tables(
    section: Section, known: Sequence[str], task: Task, targets: Sequence[str]
) -> Iterator[tuple[Metric, str, Section, Any]]:
    """Yield each rule's metric, its name, its table and what that says.

    A metric of a class may have several tables, a list of them, each of another class:
    `recall = [{ class = "yes", min = 0.8 }, { class = "no", min = 0.5 }]`. So may one of several
    targets. Raises ModelError for the first mistake.
    """
    for key, values in section.values.items():
        if key not in known:
            continue
        rule, names = METRICS.get(key) or own_rule(section.subsection(key), task), set()
        for value in values if isinstance(values, list) and key in METRICS else [values]:
            holder = Section(section.file, section.path, {key: value})
            if isinstance(value, int | float):
                cure = f"Write {key} = {{ {rule.bound} = {value} }}."
                holder.fail(key, "a table that says which way it bounds", cure)
            table = holder.subsection(key)
            read = table.read(RULES.get(key, tables.OwnRule))
            name = name_of(read, rule, table, targets)
            if name in names:
                another = rule.parameter if len(targets) == 1 and rule.parameter else "target"
                table.fail(another, "another one in each table", "Merge the two tables.")
            names.add(name)
            yield rule, name, table, read


def own_rule(table: Section, task: Task) -> Metric:
    """Return one of the model's own metrics, as its rule bounds it.

    Raises ModelError for a rule that does not say which way.
    """
    bounds: list[Bound] = [bound for bound in get_args(Bound) if bound in table.values]
    if len(bounds) != 1:
        where, got = f"{table.file}: {table.path}", " and ".join(table.values) or "nothing"
        cure = "With min higher is better, with max lower."
        raise ModelError(where, "a table with min or max", got, cure)
    return own_metric(table.path.rpartition(".")[2], task, bounds[0])


def name_of(read: Any, rule: Metric, table: Section, targets: Sequence[str]) -> str:
    """Return the name of a rule's metric, with its quantile, its class, or one of several targets.

    Raises ModelError for a parameter that is absent, or that such a model has not.
    """
    if rule.parameter == "quantile":
        return named(rule.name, f"{read.quantile:g}")
    target = getattr(read, "target", None)
    if len(targets) == 1:
        if target is not None:
            table.fail("target", "absent, as there is one target", "Remove it.")
        if rule.parameter == "class" and "class" not in table.values:
            table.fail("class", *keys(RULES[rule.name])["class"].mistake)
        return named(rule.name, str(getattr(read, "class"))) if rule.parameter else rule.name
    if "class" in table.values:
        table.fail("class", "absent, as each of several targets is true or false",
                   f"Write {rule.name} = {{ target = … }}.")  # fmt: skip
    if target is None:
        return rule.name
    if target not in targets:
        table.fail("target", f"one of {', '.join(targets)}", did_you_mean(target, targets))
    return named(rule.name, target)


def read_segment(
    section: Section, column: str, known: list[str], task: Task, targets: Sequence[str]
) -> SegmentRules:
    """Read the rules of one column; raise ModelError for the first mistake."""
    section.only((*known, "rows"))
    rules = read_rules(section, known, task, targets)
    if not rules.bounds and not rules.drops:
        section.fail(known[0], "given", f"Write {known[0]} = {{ {METRICS[known[0]].bound} = … }}.")
    return SegmentRules(column, rules, section.pick(tables.Segment).rows)
