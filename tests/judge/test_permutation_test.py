"""Whether two models' labels differ by more than chance, however many rows they differ on."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score

from contract.bundle import Label
from contract.evaluation.evaluation import Evaluation
from judge.comparison import paired, permutation_test
from judge.comparison.permutation_test import mcnemar, permutation, smallest_drop

MEGABYTES = 1024**2


def answered(truth: Sequence[Label], predictions: Sequence[Label]) -> Evaluation:
    """Return an evaluation with these labels."""
    rows = len(truth)
    return Evaluation(
        rows=list(range(rows)),
        columns={},
        truth=list(truth),
        predictions=list(predictions),
        probabilities=None,
    )


def pair(rows: int) -> tuple[Evaluation, Evaluation]:
    """Return two models that are each wrong on other rows of three classes."""
    random = np.random.default_rng(rows)
    truth = random.integers(0, 3, rows)
    new, old = (np.where(random.random(rows) < 0.3, (truth + 1) % 3, truth) for _ in range(2))
    return answered(truth.tolist(), new.tolist()), answered(truth.tolist(), old.tolist())


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (3, 9), (0, 6), (512, 512), (900, 1100)])
def test_mcnemar_is_the_exact_binomial_test(gained: int, lost: int) -> None:
    """The p-value is twice the smaller tail of a fair coin, from none to over a thousand flips."""
    tail = stats.binom.cdf(min(gained, lost), gained + lost, 0.5)
    assert mcnemar(gained, lost) == pytest.approx(min(1.0, 2 * tail))


@pytest.mark.parametrize(("alpha", "flips"), [(0.05, 6), (0.01, 8), (0.5, 2), (1e-30, 101)])
def test_smallest_drop_is_that_of_the_fewest_flips(alpha: float, flips: int) -> None:
    """So many rows lost and none gained exceed chance; one row fewer does not."""
    assert smallest_drop(1_000, alpha) == flips / 1_000
    assert mcnemar(0, flips) <= alpha < mcnemar(0, flips - 1)


def test_permutation_needs_little_memory_for_many_rows() -> None:
    """10,000 swaps of 1,300 differing rows are drawn in batches, within a bound on memory."""
    new, old = pair(3_000)
    tracemalloc.start()
    permutation(new, old, [0, 1, 2])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * MEGABYTES


def test_permutation_has_the_same_p_in_however_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The p-value does not depend on the size of the batches."""
    new, old = pair(200)
    whole = permutation(new, old, [0, 1, 2])
    monkeypatch.setattr(permutation_test, "AT_ONCE", 999)
    assert permutation(new, old, [0, 1, 2]) == whole
    assert 0.01 < whole["f1_macro"] < 1


def test_permutation_of_equal_answers_is_certain_of_nothing() -> None:
    """The p-value of equal answers is 1."""
    (new, _) = pair(50)
    assert set(permutation(new, new, [0, 1, 2]).values()) == {1.0}


def test_answers_to_rows_that_do_not_count_are_no_difference() -> None:
    """Where two models differ on rows of weight 0 alone, no swap changes a metric."""
    new, old = pair(200)
    new.weights = [float(a == b) for a, b in zip(new.predictions, old.predictions, strict=True)]
    assert set(permutation(new, old, [0, 1, 2]).values()) == {1.0}
    new.weights = [1.0] * 200
    assert permutation(new, old, [0, 1, 2])["f1_macro"] < 1


def test_weighted_accuracies_are_compared_by_permutation() -> None:
    """McNemar's test counts rows, so that it cannot compare what is weighted."""
    new, old = pair(200)
    new.weights = old.weights = np.random.default_rng(0).exponential(size=200).tolist()
    (accuracy,) = (s for s in paired.compare(new, old, [0, 1, 2]) if s.metric == "accuracy")
    expected = [accuracy_score(e.truth, e.predictions, sample_weight=e.weights) for e in (new, old)]
    assert [accuracy.new, accuracy.old] == pytest.approx(expected)
    assert accuracy.test == paired.PERMUTATION
    assert accuracy.p == permutation(new, old, [0, 1, 2])["accuracy"]
