"""What the report warns of, by the answers alone."""

from __future__ import annotations

import pytest

from contract.evaluation.evaluation import Evaluation
from judge.warnings import relative


@pytest.mark.parametrize(("smallest", "warned"), [(0.0, True), (0.02, True), (50.0, False)])
def test_error_relative_to_almost_nothing_is_a_warning(smallest: float, *, warned: bool) -> None:
    """Where the truth is nearly zero, mape rests on these rows, and the report says so."""
    truth = [smallest, *(float(row) for row in range(100, 120))]
    answered = Evaluation(
        rows=[], columns={}, truth=list(truth), predictions=list(truth), probabilities=None,
        metrics=["mape"],
    )  # fmt: skip
    assert [text.startswith("mape divides") for text in relative(answered)] == [True] * warned
    answered.metrics = []
    assert relative(answered) == []
