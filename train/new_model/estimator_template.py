"""The estimator.py of a new model: gradient boosting behind a step for each kind of column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from contract.bundle import Task
from train.new_model.table_profile import Draft
from train.new_model.templates import text

TREES = 50  # about so many in all: of several classes each has a tree in every round
FEWEST_ROUNDS, LARGEST_LEAF = 20, 20
NAMES = {"classification": "HistGradientBoostingClassifier",
         "regression": "HistGradientBoostingRegressor"}  # fmt: skip


class Step(NamedTuple):
    """What estimator.py has for some columns, which a list there names."""

    entry: str  # of the ColumnTransformer
    imports: Mapping[str, Iterable[str]]  # names by their module, none for the module itself
    before: str = ""  # lines of build()
    knobs: str = ""
    function: str = ""


CALENDAR = '''\
def calendar(X: pd.DataFrame) -> np.ndarray:
    """Return of each date its year, month, weekday, hour, and days since 1970; NaN if missing."""
    columns = []
    for name in X:
        date, days = X[name].dt, (X[name] - pd.Timestamp(0)) / pd.Timedelta(days=1)
        columns += [date.year, date.month, date.day_of_week, date.hour, days]
    return np.column_stack(columns)
'''
TOPICS = '''\
def topics() -> Pipeline:
    """Make a few numbers of a text by its words, of which the rarer weigh more."""
    words = HashingVectorizer(n_features=WORDS, norm=None, alternate_sign=False)
    return make_pipeline(words, TfidfTransformer(), TruncatedSVD(TOPICS, random_state=SEED))
'''
# The categories come first: boosting knows them by their places.
STEPS = {
    "CATEGORIES": Step(
        '("categories", encoder, CATEGORIES),',
        {"numpy as np": (), "sklearn.preprocessing": ["OrdinalEncoder"]},
        before='encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)',
    ),
    "WIDE": Step(
        '("wide", TargetEncoder({target_type}cv=folds), WIDE),',
        {"sklearn.model_selection": ["KFold"], "sklearn.preprocessing": ["TargetEncoder"]},
        before="folds = KFold(5, shuffle=True, random_state=SEED)  # no row counts for itself",
    ),
    "DATES": Step(
        '("dates", FunctionTransformer(calendar), DATES),',
        {
            "numpy as np": (),
            "pandas as pd": (),
            "sklearn.preprocessing": ["FunctionTransformer"],
        },
        function=CALENDAR,
    ),
    "TEXTS": Step(
        '*[(f"text_{{place}}", topics(), name) for place, name in enumerate(TEXTS)],',
        {
            "sklearn.decomposition": ["TruncatedSVD"],
            "sklearn.feature_extraction.text": ["HashingVectorizer", "TfidfTransformer"],
            "sklearn.pipeline": ["make_pipeline"],
        },
        knobs="WORDS = 4096  # hashes that words share; more keep them apart\n"
        "TOPICS = 16  # numbers made of a text\n",
        function=TOPICS,
    ),
}
KNOBS = """\
ROUNDS = {rounds}  # of boosting; more follow the training rows closer, their noise too
LEAVES = 15  # per tree; few keep the model small and fast
LEAF = {leaf}  # rows that a leaf needs: the average of fewer is a guess
SEED = 0  # any fixed number: the same data must give the same trees
"""
BOOSTING = """\
{boosting}(
{categories}        max_iter=ROUNDS,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAF,
        early_stopping=False,  # it holds rows back, of which a rare class has none to spare
        random_state=SEED,
    )
"""
PLAIN = """\
def build() -> {boosting}:
    return {call}"""
STEPWISE = """\
def build() -> Pipeline:
{before}    columns = ColumnTransformer(
        [
{entries}        ],
        remainder="passthrough",  # numbers and booleans, with NaN where they are missing
    )
    boosting = {call}    return Pipeline([("columns", columns), ("boosting", boosting)])
"""


def estimator_py(draft: Draft) -> str:
    """Return the content of estimator.py, with a step for each kind of column that needs one."""
    wide = [column.name for column in draft.columns if column.is_wide]
    columns = {
        "CATEGORIES": [name for name in draft.of_kind("categorical") if name not in wide],
        "WIDE": wide,
        "DATES": draft.of_kind("date"),
        "TEXTS": draft.of_kind("text"),
    }
    columns = {name: listed for name, listed in columns.items() if listed}
    steps = [STEPS[name] for name in columns]
    summary = (
        " behind a step for each kind of column; numbers stay as they are"
        if steps
        else ("; a missing number goes the way that split the training rows best")
    )
    lists = "".join(constant(name, listed) for name, listed in columns.items())
    definitions = [step.function for step in steps if step.function]
    return (
        f'"""Histogram gradient boosting{summary}."""\n\n'
        f"{imports(steps, NAMES[draft.task])}\n"
        f"{lists}{knobs(draft, steps)}\n\n" + "\n\n".join([*definitions, build(draft.task, steps)])
    )


def build(task: Task, steps: Sequence[Step]) -> str:
    """Return the function that builds the estimator."""
    has_categories = STEPS["CATEGORIES"] in steps
    places = "        categorical_features=list(range(len(CATEGORIES))),\n"
    call = BOOSTING.format(boosting=NAMES[task], categories=places if has_categories else "")
    if not steps:
        return PLAIN.format(boosting=NAMES[task], call=call)
    target_type = {"classification": "", "regression": 'target_type="continuous", '}[task]
    return STEPWISE.format(
        before="".join(f"    {step.before}\n" for step in steps if step.before),
        entries="".join(
            f"            {step.entry.format(target_type=target_type)}\n" for step in steps
        ),
        call=call,
    )


def knobs(draft: Draft, steps: Sequence[Step]) -> str:
    """Return the constants that a data scientist turns, for the table's size."""
    trees = draft.classes if draft.task == "classification" and draft.classes > 2 else 1
    rounds = max(FEWEST_ROUNDS, TREES // trees)
    leaf = max(2, min(LARGEST_LEAF, draft.rows // 50))
    return "".join(step.knobs for step in steps) + KNOBS.format(rounds=rounds, leaf=leaf)


def imports(steps: Sequence[Step], boosting: str) -> str:
    """Return the import statements, sorted."""
    modules: dict[str, set[str]] = {"sklearn.ensemble": {boosting}}
    if steps:
        modules |= {"sklearn.compose": {"ColumnTransformer"}, "sklearn.pipeline": {"Pipeline"}}
    for step in steps:
        for module, names in step.imports.items():
            modules.setdefault(module, set()).update(names)
    lines = {
        module: f"from {module} import {', '.join(sorted(names, key=by_case))}\n"
        for module, names in modules.items()
        if names
    }
    packages = [f"import {module}\n" for module in sorted(modules.keys() - lines)]
    return "".join([*packages, *(lines[module] for module in sorted(lines))])


def by_case(name: str) -> tuple[bool, str]:
    """Return the key by which linters sort imported names: classes come before functions."""
    return name[0].islower(), name


def constant(name: str, values: Sequence[str]) -> str:
    """Return a constant that lists texts, one a line."""
    return f"{name} = [\n{''.join(f'    {literal(value)},{chr(10)}' for value in values)}]\n"


def literal(value: str) -> str:
    """Return a text as Python has it, in the quotes that the formatter prefers."""
    quoted = text(value)
    if '"' in value and "'" not in value:
        return "'" + quoted[1:-1].replace('\\"', '"') + "'"
    return quoted
