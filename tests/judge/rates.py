"""How often the gate cries wolf, and how often it sleeps: `python -m tests.judge.rates 100 alarms`.

Every pair is two models of its own on a split of its own. False alarms are counted over models
that differ in nothing but their seed; misses over models that were spoiled on purpose. The rule is
the one that `make new-model` writes unless a line says otherwise.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import datasets
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from contract.spec.gate import Policy
from judge.render import markdown
from judge.report import Report
from tests.judge.quick import Table, policy, train
from train.data.split import Part

PAIRS = 100
DEFAULT = policy({"balanced_accuracy": 0.02})
STRICT = policy({"accuracy": 0, "balanced_accuracy": 0, "log_loss": 0})
NOWHERE = policy({}, {"region": {"accuracy": 0}})
REGIONAL = policy({"accuracy": 0.02}, {"region": {"accuracy": 0.05}})
RULES = {"default": DEFAULT, "no drop allowed": STRICT}
NUMBERS = {"default": policy({"r2": 0.02}), "no drop allowed": policy({"r2": 0, "mae": 0})}
Make = Callable[[int], Any]


class Line(NamedTuple):
    """One line of the table: what was tried, how often, and in how many of them it was flagged."""

    what: str
    pairs: int
    flagged: int


def flowers(seed: int, rows: int = 600, shift: float = 0.0) -> Table:
    """Return three kinds that two of three numbers tell roughly, in three regions."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, 3, rows)
    numbers = random.normal(size=(rows, 3)) + np.stack([kinds, kinds**2, kinds * 0], axis=1)
    numbers[:, 0] += shift
    regions = random.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2])
    X = pd.DataFrame(numbers, columns=["length", "width", "noise"])
    return Table(X, np.array(list("abc"), dtype=object)[kinds], {"region": regions.tolist()})


def known(name: str, seed: int, rows: int = 600) -> Table:
    """Return rows of one of scikit-learn's tables."""
    table = getattr(datasets, f"load_{name}")(as_frame=True)
    chosen = np.random.default_rng(seed).permutation(len(table.target))[:rows]
    return Table(table.data.iloc[chosen].reset_index(drop=True), table.target.to_numpy()[chosen])


TABLES: dict[str, Callable[[int], Table]] = {
    "made": flowers,
    "iris": lambda seed: known("iris", seed),
    "wine": lambda seed: known("wine", seed),
    "breast cancer": lambda seed: known("breast_cancer", seed),
    "digits": lambda seed: known("digits", seed),
}


def forest(trees: int) -> Make:
    """Return a function from a seed to a forest of so many trees."""
    return lambda seed: RandomForestClassifier(n_estimators=trees, random_state=seed)


def network(seed: int) -> Any:
    """Return a network that stops too early: it is as good as the luck of its seed."""
    return make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=60, random_state=seed))


def tree(seed: int) -> Any:
    """Return a tree that chooses among features at random."""
    return DecisionTreeClassifier(max_features=1, max_depth=5, random_state=seed)


def line(_seed: int = 0) -> Any:
    """Return a logistic regression, which no seed changes."""
    return make_pipeline(StandardScaler(), LogisticRegression())


RECIPES: dict[str, Make] = {
    "forest of 20": forest(20), "network": network, "tree": tree, "forest of 100": forest(100),
}  # fmt: skip


def refused(report: Report) -> bool:
    """Return whether the gate refused the new model."""
    return report.verdict == "failed"


def alarms(pairs: int) -> Iterator[Line]:
    """Count refusals among models that differ in their seed alone."""
    regions = {"default": REGIONAL, "no drop allowed": NOWHERE}
    yield from reseeded("made, forest of 20, by region", flowers, forest(20), pairs, regions)
    yield from reseeded("made, network, by region", flowers, network, pairs, regions)
    yield Line("60 rows added to 600, forest of 20, no drop allowed", pairs,
               sum(retrained(pair) for pair in range(pairs)))  # fmt: skip
    yield from reseeded("diabetes, forest of 20", diabetes, regressor, pairs, NUMBERS)
    for recipe_name, make in RECIPES.items():
        yield Line(
            f"inputs reordered, made, {recipe_name}, no drop allowed", pairs, reordered(make, pairs)
        )
        for table_name, table in TABLES.items():
            yield from reseeded(f"{table_name}, {recipe_name}", table, make, pairs, RULES)


def grown(pair: int, rows: int = 600, more: int = 60) -> Table:
    """Return a table of `rows`, to which `more` were added since."""
    old, new = flowers(pair, rows), flowers(30_000 + pair, more)
    return Table(pd.concat([old.X, new.X], ignore_index=True), np.concatenate([old.y, new.y]))


def retrained(pair: int) -> bool:
    """Tell whether a model is refused that met a few more rows; the old one knows most by heart."""
    old, new = (train(rows, forest(20)(pair), STRICT) for rows in (flowers(pair), grown(pair)))
    return refused(new.against(old, STRICT))


def reordered(make: Make, pairs: int) -> int:
    """Count refusals of a model that met its inputs in another order: no seed means the same."""
    flagged = 0
    for pair in range(pairs):
        rows = flowers(pair)
        turned = rows._replace(X=rows.X[["noise", "width", "length"]])
        old, new = (train(table, make(pair), STRICT, seed=pair) for table in (rows, turned))
        flagged += refused(new.against(old, STRICT))
    return flagged


def reseeded(
    name: str, table: Callable[[int], Table], make: Make, pairs: int, rules: dict[str, Policy]
) -> Iterator[Line]:
    """Count the pairs of two seeds whose second one each rule refuses."""
    flagged = dict.fromkeys(rules, 0)
    for pair in range(pairs):
        rows = table(pair)
        *_, widest = rules.values()
        old, new = (train(rows, make(1000 + 2 * pair + k), widest, seed=pair) for k in (0, 1))
        for rule_name, rule in rules.items():
            flagged[rule_name] += refused(new.against(old, rule))
    for rule_name, count in flagged.items():
        yield Line(f"seed alone, {name}, {rule_name}", pairs, count)


def diabetes(seed: int) -> Table:
    """Return a sample of scikit-learn's diabetes table."""
    return known("diabetes", seed)


def regressor(seed: int) -> Any:
    """Return a forest of 20 trees for numbers."""
    return RandomForestRegressor(n_estimators=20, random_state=seed)


def flipped(share: float) -> Callable[[Part, np.random.Generator], Part]:
    """Return what replaces a share of the training labels by others."""

    def spoil(part: Part, random: np.random.Generator) -> Part:
        chosen = random.random(len(part.y)) < share
        return part._replace(y=np.where(chosen, random.permutation(part.y), part.y))

    return spoil


def misses(pairs: int) -> Iterator[Line]:
    """Count refusals among models that were spoiled, by grade."""
    for share in (0.1, 0.3, 0.5, 0.7):
        for name, make in (("forest of 20", forest(20)), ("line", line)):
            outcomes = [degraded(pair, make, share) for pair in range(pairs)]
            drops, flags = zip(*outcomes, strict=True)
            tried = f"{share:.0%} of labels shuffled, {name}: accuracy -{np.mean(drops):.3f}"
            yield Line(tried, pairs, sum(flags))
    stumps = [
        refused(train(rows, DecisionTreeClassifier(max_depth=1), DEFAULT, seed=pair).against(
            train(rows, line(), DEFAULT, seed=pair), DEFAULT))
        for pair in range(pairs) for rows in [flowers(pair)]
    ]  # fmt: skip
    yield Line("a stump in place of a line", pairs, sum(stumps))
    for rows in (600, 2400):
        slipped = sum(western(pair, rows) for pair in range(pairs))
        tried = f"a fifth of the rows 0.3 worse, the others better, {rows // 4} held out"
        yield Line(tried, pairs, slipped)


def degraded(pair: int, make: Make, share: float) -> tuple[float, bool]:
    """Return how much worse a spoiled model is on 4,000 fresh rows, and whether it is refused."""
    rows, fresh = flowers(pair), flowers(10_000 + pair, 4_000)
    old = train(rows, make(2 * pair), DEFAULT, seed=pair)
    new = train(rows, make(2 * pair + 1), DEFAULT, seed=pair, spoil=flipped(share))
    before, after = (
        float((model.estimator.predict(fresh.X) == fresh.y).mean()) for model in (old, new)
    )
    return before - after, refused(new.against(old, DEFAULT))


class Slips(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A line that slips where the noise is high: in these shares of the west and of elsewhere."""

    def __init__(self, west: float, elsewhere: float) -> None:
        self.west = west
        self.elsewhere = elsewhere

    def fit(self, X: pd.DataFrame, y: Any) -> Slips:
        """Fit a logistic regression to length and width."""
        self.entry = line().fit(X[["length", "width"]], y)
        self.classes_ = self.entry.classes_
        return self

    def predict_proba(self, X: pd.DataFrame) -> Any:
        """Return probabilities (rows, classes), moved to another class in some of the rows."""
        odds = self.entry.predict_proba(X[["length", "width"]])
        share = np.where(X["west"] == 1, self.west, self.elsewhere)
        slips = X["noise"].to_numpy() > stats.norm.isf(share)
        odds[slips] = np.roll(odds[slips], 1, axis=1)
        return odds

    def predict(self, X: pd.DataFrame) -> Any:
        """Return the most probable class of each row (rows,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def western(pair: int, rows: int) -> bool:
    """Tell whether a model is refused whose slips are all in one region, and as many as before."""
    table = flowers(pair, rows)
    table = table._replace(
        X=table.X.assign(west=[float(x == "west") for x in table.others["region"]])
    )
    old, new = (
        train(table, slips, REGIONAL, seed=pair) for slips in (Slips(0.08, 0.08), Slips(0.4, 0))
    )
    return refused(new.against(old, REGIONAL))


def shifts(pairs: int) -> Iterator[Line]:
    """Count warnings of a shift between two samples of 600 rows, by its size."""
    for shift in (0.0, 0.1, 0.25, 0.5, 1.0):
        reports = (
            compared(flowers(pair), flowers(20_000 + pair, shift=shift)) for pair in range(pairs)
        )
        flags = [any(drift.shifted for drift in report.drift) for report in reports]
        yield Line(f"one column shifted by {shift:g} standard deviations", pairs, sum(flags))


def compared(then: Table, now: Table) -> Report:
    """Return the report on models of two tables."""
    old, new = (train(rows, line(), DEFAULT) for rows in (then, now))
    return new.against(old, DEFAULT)


def leaks(pairs: int) -> Iterator[Line]:
    """Count questions about a leak: of a perfect one, and of one that is wrong now and then."""
    for wrong in (0.0, 0.005, 0.02):
        flags = [bool(leaking(pair, wrong).warnings) for pair in range(pairs)]
        yield Line(f"a column that tells the label, wrong in {wrong:.1%}", pairs, sum(flags))


def leaking(pair: int, wrong: float) -> Report:
    """Return the report on a model with a column that tells the label, except in some rows."""
    rows = flowers(pair)
    random = np.random.default_rng(pair)
    labels = np.where(random.random(len(rows.y)) < wrong, random.permutation(rows.y), rows.y)
    X = rows.X.assign(code=[float("abc".index(label)) for label in labels])
    old = train(rows, forest(20)(pair), DEFAULT, seed=pair)
    return train(Table(X, rows.y), forest(20)(pair), DEFAULT, seed=pair).against(old, DEFAULT)


COUNTS = {"alarms": alarms, "misses": misses, "shifts": shifts, "leaks": leaks}


def main() -> None:
    """Print the table, or the part of it that the second argument names."""
    pairs, *wanted = sys.argv[1:] or [str(PAIRS)]
    warnings.filterwarnings("ignore")  # of networks that stop early
    print(markdown.row(("what", "pairs", "flagged")), markdown.row(["---"] * 3), sep="\n")
    for name in wanted or COUNTS:
        for entry in COUNTS[name](int(pairs)):
            print(markdown.row((entry.what, str(entry.pairs), str(entry.flagged))), flush=True)


if __name__ == "__main__":
    main()
