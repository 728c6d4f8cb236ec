"""ESTIMATORS.md says of each estimator of scikit-learn what it is served as."""

from __future__ import annotations

import re

import pytest
from sklearn.utils import all_estimators

from tests.train.export import estimator_table
from tests.train.export.estimator_table import KINDS, PAGE, page, rows, tags_of
from train.export import hard_rows


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of estimators that will go
def test_every_estimator_has_a_row() -> None:
    """A new estimator of scikit-learn is missed here, until the page is made anew."""
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE))
    known = {name for name, made in all_estimators() if tags_of(name, made) in KINDS}
    assert known <= listed


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_page_is_as_exporting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each estimator is fitted and exported again."""
    monkeypatch.setattr(hard_rows, "ROWS", estimator_table.ROWS)
    assert page(list(rows())) == PAGE.read_text()
